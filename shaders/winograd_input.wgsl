// Winograd's first step, B^T d B for each tile: 6x6 input pixels around 4x4 outputs. With DOUBLED the input is
// what a bilinear resize was to double before; its 4x4 pixels give the tile's 6x6.
#include "shared/stored.wgsl"
#include "shared/invocation.wgsl"

struct Params {
    in_size: vec2u,    // width, height of what is convolved
    pad: vec2i,        // left, top
    dilation: vec2u,   // x, y; so is the next
    grid: vec2u,       // tiles of one picture
    first_tile: u32,
    tiles: u32,        // of this strip
    rows: u32,         // tiles that the output has room for
    quads: u32,        // channels / 4, rounded up, of this part of the input
    first_quad: u32,   // where the part lies among all parts
    all_quads: u32,
}

@group(0) @binding(_) var<uniform> p: Params;
@group(0) @binding(_) var<storage, read> input: array<STORED>;        // [H, W, C/4], halves of both if DOUBLED
@group(0) @binding(_) var<storage, read_write> output: array<STORED>; // [36, rows, all_quads]
#include "shared/padded.wgsl"
#include "shared/winograd.wgsl"

// Each row of B^T times a power of two, which G is divided by, so that f16 holds what comes out.
fn transform(a: vec4f, b: vec4f, c: vec4f, d: vec4f, e: vec4f, f: vec4f) -> Six {
    return Six(
        a - 1.25 * c + 0.25 * e,
        0.25 * (d + e) - (b + c),
        0.25 * (e - d) + (b - c),
        0.125 * (e - c) + 0.25 * (d - b),
        0.125 * (e - c) + 0.25 * (b - d),
        b - 1.25 * d + 0.25 * f,
    );
}

#ifdef DOUBLED
// Six numbers from every second of them: pixel 2k lies a quarter before number k, pixel 2k + 1 a quarter behind
// it. What lies outside 0 .. size is the convolution's zero. `first` is odd.
fn spread(first: i32, size: i32, a: vec4f, b: vec4f, c: vec4f, d: vec4f) -> Six {
    return transform(
        keep(first, size, 0.75 * a + 0.25 * b),
        keep(first + 1, size, 0.25 * a + 0.75 * b),
        keep(first + 2, size, 0.75 * b + 0.25 * c),
        keep(first + 3, size, 0.25 * b + 0.75 * c),
        keep(first + 4, size, 0.75 * c + 0.25 * d),
        keep(first + 5, size, 0.25 * c + 0.75 * d),
    );
}

fn keep(at: i32, size: i32, value: vec4f) -> vec4f {
    return select(vec4f(0.0), value, at >= 0 && at < size);
}

fn half(x: i32, y: i32, quad: u32) -> vec4f {
    let size = p.in_size / 2u;
    let at = vec2u(clamp(vec2i(x, y), vec2i(0), vec2i(size) - 1));
    return vec4f(input[(at.y * size.x + at.x) * p.quads + quad]);
}

fn column(x: i32, top: i32, quad: u32) -> Six {
    let y = (top - 1) / 2;
    return spread(
        top,
        i32(p.in_size.y),
        half(x, y, quad),
        half(x, y + 1, quad),
        half(x, y + 2, quad),
        half(x, y + 3, quad),
    );
}
#else
fn column(x: i32, y: i32, quad: u32) -> Six {
    let step = i32(p.dilation.y);
    return transform(
        pixel(x, y, quad),
        pixel(x, y + step, quad),
        pixel(x, y + 2 * step, quad),
        pixel(x, y + 3 * step, quad),
        pixel(x, y + 4 * step, quad),
        pixel(x, y + 5 * step, quad),
    );
}
#endif

// Six of the 36 numbers of a tile, side by side in the output's first axis.
fn put(at: u32, number: u32, row: Six) {
    let step = p.rows * p.all_quads;
    let first = at + number * step;
    output[first] = stored(row.a);
    output[first + step] = stored(row.b);
    output[first + 2u * step] = stored(row.c);
    output[first + 3u * step] = stored(row.d);
    output[first + 4u * step] = stored(row.e);
    output[first + 5u * step] = stored(row.f);
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
    let corner = vec2i(tile_origin(p.first_tile + tile)) - p.pad;
    let at = tile * p.all_quads + p.first_quad + quad;
#ifdef DOUBLED
    let left = (corner.x - 1) / 2;
    let c0 = column(left, corner.y, quad);
    let c1 = column(left + 1, corner.y, quad);
    let c2 = column(left + 2, corner.y, quad);
    let c3 = column(left + 3, corner.y, quad);
    let width = i32(p.in_size.x);
    put(at, 0u, spread(corner.x, width, c0.a, c1.a, c2.a, c3.a));
    put(at, 6u, spread(corner.x, width, c0.b, c1.b, c2.b, c3.b));
    put(at, 12u, spread(corner.x, width, c0.c, c1.c, c2.c, c3.c));
    put(at, 18u, spread(corner.x, width, c0.d, c1.d, c2.d, c3.d));
    put(at, 24u, spread(corner.x, width, c0.e, c1.e, c2.e, c3.e));
    put(at, 30u, spread(corner.x, width, c0.f, c1.f, c2.f, c3.f));
#else
    let step = i32(p.dilation.x);
    let c0 = column(corner.x, corner.y, quad);
    let c1 = column(corner.x + step, corner.y, quad);
    let c2 = column(corner.x + 2 * step, corner.y, quad);
    let c3 = column(corner.x + 3 * step, corner.y, quad);
    let c4 = column(corner.x + 4 * step, corner.y, quad);
    let c5 = column(corner.x + 5 * step, corner.y, quad);
    put(at, 0u, transform(c0.a, c1.a, c2.a, c3.a, c4.a, c5.a));
    put(at, 6u, transform(c0.b, c1.b, c2.b, c3.b, c4.b, c5.b));
    put(at, 12u, transform(c0.c, c1.c, c2.c, c3.c, c4.c, c5.c));
    put(at, 18u, transform(c0.d, c1.d, c2.d, c3.d, c4.d, c5.d));
    put(at, 24u, transform(c0.e, c1.e, c2.e, c3.e, c4.e, c5.e));
    put(at, 30u, transform(c0.f, c1.f, c2.f, c3.f, c4.f, c5.f));
#endif
}
