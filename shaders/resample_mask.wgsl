// The net's output to alpha at another size: columns first, then rows (ROWS). Columns take one pixel an
// invocation, rows four, which they write as the bytes of one word.
#include "shared/stored.wgsl"
#include "shared/invocation.wgsl"

struct Params {
    in_size: vec2u,   // width, height of what is read
    out_size: vec2u,  // of what is written
    stride: u32,      // weights to the next output column or row
    logit: u32,       // 1: alpha is the sigmoid of what is read
}

#ifdef ROWS
struct Alpha {
    flaws: atomic<u32>,   // pixels that are no number; 0 before
    // Mapped apart from the rest, whose offset then has to be a multiple of 8.
    unused: u32,
    bytes: array<u32>,    // [OH, OW] in bytes, 255 is opaque
}
#endif

@group(0) @binding(_) var<uniform> p: Params;
#ifdef ROWS
@group(0) @binding(_) var<storage, read> input: array<f32>;           // [H, OW]
#else
@group(0) @binding(_) var<storage, read> input: array<STORED>;         // [H, W, 1]
#endif
@group(0) @binding(_) var<storage, read> spans: array<vec2u>;         // [OW] or [OH] first input, how many
@group(0) @binding(_) var<storage, read> weights: array<f32>;         // [OW or OH, stride]
#ifdef ROWS
@group(0) @binding(_) var<storage, read_write> output: Alpha;
#else
@group(0) @binding(_) var<storage, read_write> output: array<f32>;    // [H, OW]
#endif

// A compiler may take comparisons of NaN for never true, but not bits for others.
fn is_nan(v: f32) -> bool { return (bitcast<u32>(v) & 0x7fffffffu) > 0x7f800000u; }

#ifdef ROWS
fn alpha(index: u32) -> u32 {
    let x = index % p.out_size.x;
    let y = index / p.out_size.x;
    if (y >= p.out_size.y) { return 0u; }
    let span = spans[y];
    var sum = 0.0;
    var flawed = false;
    for (var i = 0u; i < span.y; i++) {
        let v = input[(span.x + i) * p.in_size.x + x];
        flawed = flawed || is_nan(v);
        sum += v * weights[y * p.stride + i];
    }
    if (flawed) { atomicAdd(&output.flaws, 1u); return 0u; }
    // Halves round up here and away from zero on the CPU: the same for what is not negative.
    return u32(floor(saturate(sum) * 255.0 + 0.5));
}
#else
fn alpha(v: f32) -> f32 {
    // Clamping would make a number of what is none.
    if (is_nan(v)) { return v; }
    if (p.logit == 1u) { return 1.0 / (1.0 + exp(-clamp(v, -80.0, 80.0))); }
    return saturate(v);
}
#endif

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) workgroup: vec3u,
    @builtin(num_workgroups) workgroups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let index = invocation_index(workgroup, workgroups, local);
#ifdef ROWS
    let first = index * 4u;
    if (first >= p.out_size.x * p.out_size.y) { return; }
    output.bytes[index] =
        alpha(first) | (alpha(first + 1u) << 8u) | (alpha(first + 2u) << 16u) | (alpha(first + 3u) << 24u);
#else
    let x = index % p.out_size.x;
    let y = index / p.out_size.x;
    if (y >= p.out_size.y) { return; }
    let span = spans[x];
    var sum = 0.0;
    var flaw = 0.0;
    for (var i = 0u; i < span.y; i++) {
        let v = alpha(f32(input[y * p.in_size.x + span.x + i].x));
        if (is_nan(v)) { flaw = v; }
        sum += v * weights[x * p.stride + i];
    }
    output[index] = select(sum, flaw, is_nan(flaw));
#endif
}
