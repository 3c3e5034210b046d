// Winograd's middle step: 36 matrix products, tiles by channels times channels by output channels. An
// invocation holds 4 tiles (8 with ROWS_8, 16 with ROWS_16) by 16 output channels in registers.
#include "shared/stored.wgsl"
#include "shared/invocation.wgsl"

struct Params {
    rows: u32,    // tiles that both sides have room for: a multiple of 16
    groups: u32,  // of tiles, as many as an invocation holds, that are there
    quads: u32,   // input channels / 4 of all parts
    blocks: u32,  // output channels / 16, rounded up
}

@group(0) @binding(_) var<uniform> p: Params;
// input: [36, rows, Q] vec4
#define SOURCE input
#define READ read_input
#include "shared/read.wgsl"
// weights: [Co/16, 36, Q, 4, 4] vec4: input lane, output quad
#define SOURCE weights
#define READ read_weights
#include "shared/read.wgsl"
@group(0) @binding(_) var<storage, read_write> output: array<STORED>; // [36, rows, Co/16, 4]

// One tile's sums, four output quads.
struct Sums { a: vec4f, b: vec4f, c: vec4f, d: vec4f }

fn columns(at: u32) -> mat4x4f {
    return mat4x4f(read_weights(at), read_weights(at + 4u), read_weights(at + 8u), read_weights(at + 12u));
}

fn add(sums: Sums, v: vec4f, w0: mat4x4f, w1: mat4x4f, w2: mat4x4f, w3: mat4x4f) -> Sums {
    return Sums(sums.a + w0 * v, sums.b + w1 * v, sums.c + w2 * v, sums.d + w3 * v);
}

fn put(at: u32, sums: Sums) {
    output[at] = stored(sums.a);
    output[at + 1u] = stored(sums.b);
    output[at + 2u] = stored(sums.c);
    output[at + 3u] = stored(sums.d);
}

#ifdef ROWS_16
#define ROWS_8_OR_MORE
const ROWS = 16u;
#else
#ifdef ROWS_8
#define ROWS_8_OR_MORE
const ROWS = 8u;
#else
const ROWS = 4u;
#endif
#endif

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) workgroup: vec3u,
    @builtin(num_workgroups) workgroups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let index = invocation_index(workgroup, workgroups, local);
    let group = index % p.groups;
    let row = index / p.groups;
    let block = row % p.blocks;
    let number = row / p.blocks;
    if (number >= 36u) { return; }

    let first = number * p.rows + group * ROWS;
    let start = first * p.quads;
    var w = (block * 36u + number) * p.quads * 16u;
    var r0 = Sums();
    var r1 = Sums();
    var r2 = Sums();
    var r3 = Sums();
#ifdef ROWS_8_OR_MORE
    var r4 = Sums();
    var r5 = Sums();
    var r6 = Sums();
    var r7 = Sums();
#endif
#ifdef ROWS_16
    var r8 = Sums();
    var r9 = Sums();
    var r10 = Sums();
    var r11 = Sums();
    var r12 = Sums();
    var r13 = Sums();
    var r14 = Sums();
    var r15 = Sums();
#endif
    for (var quad = 0u; quad < p.quads; quad++) {
        let w0 = columns(w);
        let w1 = columns(w + 1u);
        let w2 = columns(w + 2u);
        let w3 = columns(w + 3u);
        w += 16u;
        r0 = add(r0, read_input(start + 0u * p.quads + quad), w0, w1, w2, w3);
        r1 = add(r1, read_input(start + 1u * p.quads + quad), w0, w1, w2, w3);
        r2 = add(r2, read_input(start + 2u * p.quads + quad), w0, w1, w2, w3);
        r3 = add(r3, read_input(start + 3u * p.quads + quad), w0, w1, w2, w3);
#ifdef ROWS_8_OR_MORE
        r4 = add(r4, read_input(start + 4u * p.quads + quad), w0, w1, w2, w3);
        r5 = add(r5, read_input(start + 5u * p.quads + quad), w0, w1, w2, w3);
        r6 = add(r6, read_input(start + 6u * p.quads + quad), w0, w1, w2, w3);
        r7 = add(r7, read_input(start + 7u * p.quads + quad), w0, w1, w2, w3);
#endif
#ifdef ROWS_16
        r8 = add(r8, read_input(start + 8u * p.quads + quad), w0, w1, w2, w3);
        r9 = add(r9, read_input(start + 9u * p.quads + quad), w0, w1, w2, w3);
        r10 = add(r10, read_input(start + 10u * p.quads + quad), w0, w1, w2, w3);
        r11 = add(r11, read_input(start + 11u * p.quads + quad), w0, w1, w2, w3);
        r12 = add(r12, read_input(start + 12u * p.quads + quad), w0, w1, w2, w3);
        r13 = add(r13, read_input(start + 13u * p.quads + quad), w0, w1, w2, w3);
        r14 = add(r14, read_input(start + 14u * p.quads + quad), w0, w1, w2, w3);
        r15 = add(r15, read_input(start + 15u * p.quads + quad), w0, w1, w2, w3);
#endif
    }
    let out = (first * p.blocks + block) * 4u;
    let step = p.blocks * 4u;
    put(out + 0u * step, r0);
    put(out + 1u * step, r1);
    put(out + 2u * step, r2);
    put(out + 3u * step, r3);
#ifdef ROWS_8_OR_MORE
    put(out + 4u * step, r4);
    put(out + 5u * step, r5);
    put(out + 6u * step, r6);
    put(out + 7u * step, r7);
#endif
#ifdef ROWS_16
    put(out + 8u * step, r8);
    put(out + 9u * step, r9);
    put(out + 10u * step, r10);
    put(out + 11u * step, r11);
    put(out + 12u * step, r12);
    put(out + 13u * step, r13);
    put(out + 14u * step, r14);
    put(out + 15u * step, r15);
#endif
}
