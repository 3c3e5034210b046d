// Winograd's last step, A^T m A for each tile: 4x4 outputs, with all that follows the convolution. With IN_PLACE
// the output holds the residual before. WIDE products are f32 whatever the rest is.
#include "shared/stored.wgsl"
#include "shared/activation.wgsl"
#include "shared/invocation.wgsl"

struct Params {
    out_size: vec2u,   // width, height
    dilation: vec2u,   // x, y; so is the next
    grid: vec2u,       // tiles of one picture
    first_tile: u32,
    tiles: u32,        // of this strip
    rows: u32,         // tiles that the products have room for
    quads: u32,        // output channels / 4, rounded up
    all_quads: u32,    // the same in whole blocks
    before: u32,       // activation codes
    before_args: vec2f,
    after_args: vec2f,
    after: u32,
}

@group(0) @binding(_) var<uniform> p: Params;
#ifdef WIDE
@group(0) @binding(_) var<storage, read> products: array<vec4f>;      // [36, rows, all_quads]
#else
@group(0) @binding(_) var<storage, read> products: array<STORED>;     // [36, rows, all_quads]
#endif
#ifdef RESIDUAL
@group(0) @binding(_) var<storage, read> residual: array<STORED>;     // [OH, OW, Co/4]
#endif
@group(0) @binding(_) var<storage, read> bias: array<vec4f>;          // [all_quads]
@group(0) @binding(_) var<storage, read_write> output: array<STORED>; // [OH, OW, Co/4]
#include "shared/winograd.wgsl"

struct Four { a: vec4f, b: vec4f, c: vec4f, d: vec4f }

fn transform(a: vec4f, b: vec4f, c: vec4f, d: vec4f, e: vec4f, f: vec4f) -> Four {
    let sum = b + c;
    let difference = b - c;
    let far_sum = d + e;
    let far_difference = d - e;
    return Four(
        a + sum + far_sum,
        difference + 2.0 * far_difference,
        sum + 4.0 * far_sum,
        difference + 8.0 * far_difference + f,
    );
}

fn column(at: u32, number: u32) -> Four {
    let step = p.rows * p.all_quads;
    let first = at + number * step;
    return transform(
        vec4f(products[first]),
        vec4f(products[first + 6u * step]),
        vec4f(products[first + 12u * step]),
        vec4f(products[first + 18u * step]),
        vec4f(products[first + 24u * step]),
        vec4f(products[first + 30u * step]),
    );
}

fn finish(x: u32, y: u32, quad: u32, sum: vec4f) {
    if (x >= p.out_size.x || y >= p.out_size.y) { return; }
    let at = (y * p.out_size.x + x) * p.quads + quad;
    var v = activate(p.before, p.before_args.x, p.before_args.y, sum + bias[quad]);
#ifdef RESIDUAL
    v += vec4f(residual[at]);
#endif
#ifdef IN_PLACE
    v += vec4f(output[at]);
#endif
    output[at] = stored(activate(p.after, p.after_args.x, p.after_args.y, v));
}

fn finish_row(x: u32, y: u32, quad: u32, row: Four) {
    finish(x, y, quad, row.a);
    finish(x + p.dilation.x, y, quad, row.b);
    finish(x + 2u * p.dilation.x, y, quad, row.c);
    finish(x + 3u * p.dilation.x, y, quad, row.d);
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
    if (tile >= p.tiles) { return; }
    let at = tile * p.all_quads + quad;
    let c0 = column(at, 0u);
    let c1 = column(at, 1u);
    let c2 = column(at, 2u);
    let c3 = column(at, 3u);
    let c4 = column(at, 4u);
    let c5 = column(at, 5u);
    let origin = tile_origin(p.first_tile + tile);
    let step = p.dilation.y;
    finish_row(origin.x, origin.y, quad, transform(c0.a, c1.a, c2.a, c3.a, c4.a, c5.a));
    finish_row(origin.x, origin.y + step, quad, transform(c0.b, c1.b, c2.b, c3.b, c4.b, c5.b));
    finish_row(origin.x, origin.y + 2u * step, quad, transform(c0.c, c1.c, c2.c, c3.c, c4.c, c5.c));
    finish_row(origin.x, origin.y + 3u * step, quad, transform(c0.d, c1.d, c2.d, c3.d, c4.d, c5.d));
}
