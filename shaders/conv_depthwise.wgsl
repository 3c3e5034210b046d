// Convolution with one filter a channel (groups = Cin = Cout): one pixel and four channels an invocation.
#include "shared/stored.wgsl"
#define CURVED
#include "shared/activation.wgsl"
#include "shared/invocation.wgsl"

struct Params {
    in_size: vec2u,     // width, height
    out_size: vec2u,
    window: vec2u,      // x, y; so are the three below
    stride: vec2u,
    dilation: vec2u,
    pad: vec2i,         // left, top
    before_args: vec2f,
    after_args: vec2f,
    before: u32,        // activation codes
    after: u32,
    quads: u32,         // channels / 4, rounded up
}

@group(0) @binding(_) var<uniform> p: Params;
@group(0) @binding(_) var<storage, read> input: array<STORED>;      // [H, W, C/4]
#ifdef RESIDUAL
@group(0) @binding(_) var<storage, read> residual: array<STORED>;   // [OH, OW, C/4]
#endif
@group(0) @binding(_) var<storage, read> weights: array<STORED>;    // [C/4, Kh, Kw]
@group(0) @binding(_) var<storage, read> bias: array<vec4f>;        // [C/4]
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

    var sum = bias[quad];
    for (var ky = 0u; ky < p.window.y; ky++) {
        let y = i32(oy * p.stride.y + ky * p.dilation.y) - p.pad.y;
        if (y < 0 || y >= i32(p.in_size.y)) { continue; }
        for (var kx = 0u; kx < p.window.x; kx++) {
            let x = i32(ox * p.stride.x + kx * p.dilation.x) - p.pad.x;
            if (x < 0 || x >= i32(p.in_size.x)) { continue; }
            let v = vec4f(input[(u32(y) * p.in_size.x + u32(x)) * p.quads + quad]);
            sum = fma(v, vec4f(weights[(quad * p.window.y + ky) * p.window.x + kx]), sum);
        }
    }
    var v = activate(p.before, p.before_args.x, p.before_args.y, sum);
#ifdef RESIDUAL
    v += vec4f(residual[index]);
#endif
    output[index] = stored(activate(p.after, p.after_args.x, p.after_args.y, v));
}
