// Convolution with one filter a channel (groups = Cin = Cout): four pixels of a row and four channels
// an invocation, which reads each weight once for all of them.
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
    before_args: vec2f,
    after_args: vec2f,
    before: u32,        // activation codes
    after: u32,
    quads: u32,         // channels / 4, rounded up
    tiles: u32,         // output width / 4, rounded up
}

@group(0) @binding(_) var<uniform> p: Params;
@group(0) @binding(_) var<storage, read> input: array<STORED>;      // [H, W, C/4]
#ifdef RESIDUAL
@group(0) @binding(_) var<storage, read> residual: array<STORED>;   // [OH, OW, C/4]
#endif
@group(0) @binding(_) var<storage, read> weights: array<STORED>;    // [C/4, Kh, Kw]
@group(0) @binding(_) var<storage, read> bias: array<vec4f>;        // [C/4]
@group(0) @binding(_) var<storage, read_write> output: array<STORED>; // [OH, OW, C/4]

// A pixel of the row that begins at `row`, or the padding's zero.
fn pixel(x: i32, row: u32, quad: u32) -> vec4f {
    let at = clamp(x, 0, i32(p.in_size.x) - 1);
    return select(vec4f(0.0), vec4f(input[(row + u32(at)) * p.quads + quad]), x == at);
}

fn finish(x: u32, y: u32, quad: u32, sum: vec4f) {
    if (x >= p.out_size.x) { return; }
    let at = (y * p.out_size.x + x) * p.quads + quad;
    var v = activate(p.before, p.before_args.x, p.before_args.y, sum);
#ifdef RESIDUAL
    v += vec4f(residual[at]);
#endif
    output[at] = stored(activate(p.after, p.after_args.x, p.after_args.y, v));
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) workgroup: vec3u,
    @builtin(num_workgroups) workgroups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let index = invocation_index(workgroup, workgroups, local);
    let quad = index % p.quads;
    let tile = index / p.quads;
    let oy = tile / p.tiles;
    if (oy >= p.out_size.y) { return; }
    let ox = tile % p.tiles * 4u;

    var a = bias[quad];
    var b = a;
    var c = a;
    var d = a;
    for (var ky = 0u; ky < p.window.y; ky++) {
        let y = i32(oy * p.stride.y + ky * p.dilation.y) - p.pad.y;
        if (y < 0 || y >= i32(p.in_size.y)) { continue; }
        let row = u32(y) * p.in_size.x;
        for (var kx = 0u; kx < p.window.x; kx++) {
            let x = i32(ox * p.stride.x + kx * p.dilation.x) - p.pad.x;
            let step = i32(p.stride.x);
            let w = vec4f(weights[(quad * p.window.y + ky) * p.window.x + kx]);
            a = fma(pixel(x, row, quad), w, a);
            b = fma(pixel(x + step, row, quad), w, b);
            c = fma(pixel(x + 2 * step, row, quad), w, c);
            d = fma(pixel(x + 3 * step, row, quad), w, d);
        }
    }
    finish(ox, oy, quad, a);
    finish(ox + 1u, oy, quad, b);
    finish(ox + 2u, oy, quad, c);
    finish(ox + 3u, oy, quad, d);
}
