// Direct convolution, groups = 1: each invocation holds 8 pixels of a row by 8 output channels in
// registers and walks over the window and the input channels. Several inputs (PARTS_2 .. PARTS_4) are
// read side by side along channels, in place of a concatenation.
#include "shared/stored.wgsl"
#include "shared/activation.wgsl"
#include "shared/invocation.wgsl"

struct Params {
    in_size: vec2u,     // width, height
    out_size: vec2u,
    window: vec2u,      // x, y; so are the three below
    stride: vec2u,
    dilation: vec2u,
    pad: vec2i,         // left, top
    part_quads: vec4u,  // input channels / 4, rounded up, of each part
    out_quads: u32,
    blocks: u32,        // out_quads / 2, rounded up
    tiles: u32,         // ceil(out width / 8)
    before: u32,        // activation codes
    before_args: vec2f,
    after_args: vec2f,
    after: u32,
}

@group(0) @binding(_) var<uniform> p: Params;
// input_0: [H, W, C0/4] vec4
#define SOURCE input_0
#define READ read_0
#include "shared/read.wgsl"
#ifdef PARTS_2
// input_1: [H, W, C1/4] vec4
#define SOURCE input_1
#define READ read_1
#include "shared/read.wgsl"
#endif
#ifdef PARTS_3
// input_2: [H, W, C2/4] vec4
#define SOURCE input_2
#define READ read_2
#include "shared/read.wgsl"
#endif
#ifdef PARTS_4
// input_3: [H, W, C3/4] vec4
#define SOURCE input_3
#define READ read_3
#include "shared/read.wgsl"
#endif
#ifdef RESIDUAL
@group(0) @binding(_) var<storage, read> residual: array<STORED>;   // [OH, OW, Co/4]
#endif
// weights: [Co/8, parts, Kh, Kw, Cpart/4, 2, 4] vec4
#define SOURCE weights
#define READ read_weights
#include "shared/read.wgsl"
@group(0) @binding(_) var<storage, read> bias: array<vec4f>;        // [Co/8, 2]
@group(0) @binding(_) var<storage, read_write> output: array<STORED>; // [OH, OW, Co/4]

fn finish(at: u32, sum: vec4f) {
    var v = activate(p.before, p.before_args.x, p.before_args.y, sum);
#ifdef RESIDUAL
    v += vec4f(residual[at]);
#endif
    output[at] = stored(activate(p.after, p.after_args.x, p.after_args.y, v));
}

fn finish_pixel(x: u32, oy: u32, block: u32, a: vec4f, b: vec4f) {
    if (x >= p.out_size.x) { return; }
    let at = (oy * p.out_size.x + x) * p.out_quads + block * 2u;
    finish(at, a);
    if (block * 2u + 1u < p.out_quads) { finish(at + 1u, b); }
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) workgroup: vec3u,
    @builtin(num_workgroups) workgroups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let index = invocation_index(workgroup, workgroups, local);
    let tile = index % p.tiles;
    let row = index / p.tiles;
    let oy = row % p.out_size.y;
    let block = row / p.out_size.y;
    if (block >= p.blocks) { return; }
    let ox = tile * 8u;

    let bias_a = bias[block * 2u];
    let bias_b = bias[block * 2u + 1u];
    var a0 = bias_a;
    var a1 = bias_a;
    var a2 = bias_a;
    var a3 = bias_a;
    var a4 = bias_a;
    var a5 = bias_a;
    var a6 = bias_a;
    var a7 = bias_a;
    var b0 = bias_b;
    var b1 = bias_b;
    var b2 = bias_b;
    var b3 = bias_b;
    var b4 = bias_b;
    var b5 = bias_b;
    var b6 = bias_b;
    var b7 = bias_b;

    let all_quads = p.part_quads.x + p.part_quads.y + p.part_quads.z + p.part_quads.w;
    var w_part = block * p.window.y * p.window.x * all_quads * 8u;
    #define READ read_0
    #define PART 0
    #include "shared/conv_part.wgsl"
#ifdef PARTS_2
    #define READ read_1
    #define PART 1
    #include "shared/conv_part.wgsl"
#endif
#ifdef PARTS_3
    #define READ read_2
    #define PART 2
    #include "shared/conv_part.wgsl"
#endif
#ifdef PARTS_4
    #define READ read_3
    #define PART 3
    #include "shared/conv_part.wgsl"
#endif

    finish_pixel(ox, oy, block, a0, b0);
    finish_pixel(ox + 1u, oy, block, a1, b1);
    finish_pixel(ox + 2u, oy, block, a2, b2);
    finish_pixel(ox + 3u, oy, block, a3, b3);
    finish_pixel(ox + 4u, oy, block, a4, b4);
    finish_pixel(ox + 5u, oy, block, a5, b5);
    finish_pixel(ox + 6u, oy, block, a6, b6);
    finish_pixel(ox + 7u, oy, block, a7, b7);
}
