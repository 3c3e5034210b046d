// Max and average pooling: one pixel and four channels an invocation.
#include "shared/stored.wgsl"
#include "shared/invocation.wgsl"

struct Params {
    in_size: vec2u,    // width, height
    out_size: vec2u,
    window: vec2u,     // x, y; so are the three below
    stride: vec2u,
    dilation: vec2u,
    pad: vec2i,        // left, top
    padded_end: vec2i, // one past the last padded column and row
    quads: u32,        // channels / 4, rounded up
    average: u32,      // 0: maximum; 1: mean of what lies inside; 2: mean, padding counted as zeros
}

@group(0) @binding(_) var<uniform> p: Params;
@group(0) @binding(_) var<storage, read> input: array<STORED>;        // [H, W, C/4]
@group(0) @binding(_) var<storage, read_write> output: array<STORED>; // [OH, OW, C/4]

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) workgroup: vec3u,
    @builtin(num_workgroups) workgroups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let index = invocation_index(workgroup, workgroups, local);
    let quad = index % p.quads;
    let pixel = index / p.quads;
    let oy = pixel / p.out_size.x;
    if (oy >= p.out_size.y) { return; }
    let ox = pixel % p.out_size.x;

    var best = vec4f(-3.4e38);
    var sum = vec4f(0.0);
    var inside = 0.0;
    var counted = 0.0;
    for (var ky = 0u; ky < p.window.y; ky++) {
        let y = i32(oy * p.stride.y + ky * p.dilation.y) - p.pad.y;
        for (var kx = 0u; kx < p.window.x; kx++) {
            let x = i32(ox * p.stride.x + kx * p.dilation.x) - p.pad.x;
            if (x < p.padded_end.x && y < p.padded_end.y) { counted += 1.0; }
            if (x < 0 || y < 0 || x >= i32(p.in_size.x) || y >= i32(p.in_size.y)) { continue; }
            let v = vec4f(input[(u32(y) * p.in_size.x + u32(x)) * p.quads + quad]);
            best = max(best, v);
            sum += v;
            inside += 1.0;
        }
    }
    switch p.average {
        case 1u: { output[index] = stored(sum / max(inside, 1.0)); }
        case 2u: { output[index] = stored(sum / max(counted, 1.0)); }
        default: { output[index] = stored(best); }
    }
}
