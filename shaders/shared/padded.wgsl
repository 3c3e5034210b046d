struct Six { a: vec4f, b: vec4f, c: vec4f, d: vec4f, e: vec4f, f: vec4f }

// A pixel of the input, or the padding's zero.
fn pixel(x: i32, y: i32, quad: u32) -> vec4f {
    let at = clamp(vec2i(x, y), vec2i(0), vec2i(p.in_size) - 1);
    let value = vec4f(input[(u32(at.y) * p.in_size.x + u32(at.x)) * p.quads + quad]);
    return select(vec4f(0.0), value, x == at.x && y == at.y);
}
