// Convolution with any number of groups: one pixel and four output channels an invocation, each lane
// reading the input channels of its own group. The rare case; plain and depthwise have kernels of their own.
#include "shared/stored.wgsl"
#define CURVED
#include "shared/activation.wgsl"
#include "shared/invocation.wgsl"

struct Params {
    in_size: vec2u,      // width, height
    out_size: vec2u,
    window: vec2u,       // x, y; so are the three below
    stride: vec2u,
    dilation: vec2u,
    pad: vec2i,          // left, top
    before_args: vec2f,
    after_args: vec2f,
    before: u32,         // activation codes
    after: u32,
    in_quads: u32,       // input channels / 4, rounded up
    out_quads: u32,
    group_inputs: u32,   // input channels of a group
    group_outputs: u32,
    channels: u32,       // output channels
}

@group(0) @binding(_) var<uniform> p: Params;
@group(0) @binding(_) var<storage, read> input: array<STORED>;      // [H, W, Ci/4]
#ifdef RESIDUAL
@group(0) @binding(_) var<storage, read> residual: array<STORED>;   // [OH, OW, Co/4]
#endif
@group(0) @binding(_) var<storage, read> weights: array<STORED>;    // [Co/4, Kh, Kw, Ci/groups], lanes over Co
@group(0) @binding(_) var<storage, read> bias: array<vec4f>;        // [Co/4]
@group(0) @binding(_) var<storage, read_write> output: array<STORED>; // [OH, OW, Co/4]

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) workgroup: vec3u,
    @builtin(num_workgroups) workgroups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let index = invocation_index(workgroup, workgroups, local);
    let quad = index % p.out_quads;
    let pixel = index / p.out_quads;
    let oy = pixel / p.out_size.x;
    if (oy >= p.out_size.y) { return; }
    let ox = pixel % p.out_size.x;

    // The first input channel of each lane's group; a lane beyond the last channel repeats it.
    let lanes = min(vec4u(0u, 1u, 2u, 3u) + quad * 4u, vec4u(p.channels - 1u));
    let first = lanes / p.group_outputs * p.group_inputs;
    var sum = bias[quad];
    for (var ky = 0u; ky < p.window.y; ky++) {
        let y = i32(oy * p.stride.y + ky * p.dilation.y) - p.pad.y;
        if (y < 0 || y >= i32(p.in_size.y)) { continue; }
        for (var kx = 0u; kx < p.window.x; kx++) {
            let x = i32(ox * p.stride.x + kx * p.dilation.x) - p.pad.x;
            if (x < 0 || x >= i32(p.in_size.x)) { continue; }
            let at = (u32(y) * p.in_size.x + u32(x)) * p.in_quads;
            let w = ((quad * p.window.y + ky) * p.window.x + kx) * p.group_inputs;
            for (var c = 0u; c < p.group_inputs; c++) {
                let channel = first + c;
                let v = vec4f(
                    f32(input[at + channel.x / 4u][channel.x % 4u]),
                    f32(input[at + channel.y / 4u][channel.y % 4u]),
                    f32(input[at + channel.z / 4u][channel.z % 4u]),
                    f32(input[at + channel.w / 4u][channel.w % 4u]),
                );
                sum = fma(v, vec4f(weights[w + c]), sum);
            }
        }
    }
    var v = activate(p.before, p.before_args.x, p.before_args.y, sum);
#ifdef RESIDUAL
    v += vec4f(residual[index]);
#endif
    output[index] = stored(activate(p.after, p.after_args.x, p.after_args.y, v));
}
