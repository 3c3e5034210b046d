// Activation functions by number; numbers and arguments are those of `kernels::activation::code`. Without CURVED
// there are only those that clamp, between the two arguments: the whole list, written into a kernel at each of
// its pixels, takes SwiftShader seconds to compile.
#ifdef CURVED
// Arguments are clamped where f32 would overflow before the result is decided.
fn activate(code: u32, alpha: f32, beta: f32, v: vec4f) -> vec4f {
    switch code {
        case 1u: { return max(v, vec4f(0.0)); }
        case 2u: { return select(v, v * alpha, v < vec4f(0.0)); }
        case 3u: { return min(max(v, vec4f(alpha)), vec4f(beta)); }
        case 4u: { return sigmoid(v); }
        case 5u: { return saturate(v * alpha + beta); }
        case 6u: { return v * saturate(v * (1.0 / 6.0) + 0.5); }
        case 7u: { return v * sigmoid(v); }
        case 8u: { return tanh(clamp(v, vec4f(-10.0), vec4f(10.0))); }
        default: { return v; }
    }
}

fn sigmoid(v: vec4f) -> vec4f {
    return 1.0 / (1.0 + exp(-clamp(v, vec4f(-80.0), vec4f(80.0))));
}
#else
fn activate(code: u32, low: f32, high: f32, v: vec4f) -> vec4f {
    return min(max(v, vec4f(low)), vec4f(high));
}
#endif
