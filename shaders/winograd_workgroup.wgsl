// Winograd's middle step by way of workgroup memory: a workgroup computes 64 tiles by 64 output channels, an
// invocation 8 by 8 of them, from 8 input channels at a time that all of them have read together.
#include "shared/stored.wgsl"

struct Params {
    rows: u32,    // tiles that both sides have room for
    groups: u32,  // of 64 tiles, rounded up
    quads: u32,   // input channels / 4 of all parts
    blocks: u32,  // output channels / 64, rounded up
    out_quads: u32, // output channels / 4 in whole blocks of 16
}

@group(0) @binding(_) var<uniform> p: Params;
@group(0) @binding(_) var<storage, read> input: array<STORED>;         // [36, rows, Q]
@group(0) @binding(_) var<storage, read> weights: array<STORED>;       // [Co/16, 36, Q, 4, 4]: input lane, output quad
@group(0) @binding(_) var<storage, read_write> output: array<STORED>;  // [36, rows, out_quads]

var<workgroup> tiles: array<vec4f, 128>;    // [2, 64]: input quads, tiles
var<workgroup> kernels: array<vec4f, 128>;  // [8, 16]: input channels, output quads

// One tile's sums, two output quads.
struct Sums { a: vec4f, b: vec4f }

fn fetch(at: u32, number: u32, first: u32, block: u32, quad: u32) {
    let row = min(first + at % 64u, p.rows - 1u);
    let tile_quad = quad + at / 64u;
    tiles[at] = select(vec4f(0.0), vec4f(input[(number * p.rows + row) * p.quads + min(tile_quad, p.quads - 1u)]),
        tile_quad < p.quads);
    // Channels beyond the last meet tiles that are 0, but must be finite.
    let channel = min(quad * 4u + at / 16u, p.quads * 4u - 1u);
    let out = min(block * 16u + at % 16u, p.out_quads - 1u);
    kernels[at] = vec4f(weights[((out / 4u * 36u + number) * p.quads * 4u + channel) * 4u + out % 4u]);
}

fn columns(quad: u32, out: u32) -> mat4x4f {
    let at = quad * 64u + out;
    return mat4x4f(kernels[at], kernels[at + 16u], kernels[at + 32u], kernels[at + 48u]);
}

fn add(sums: Sums, tile: vec4f, wa: mat4x4f, wb: mat4x4f) -> Sums {
    return Sums(sums.a + wa * tile, sums.b + wb * tile);
}

fn put(number: u32, row: u32, out: u32, sums: Sums) {
    if (row >= p.rows) { return; }
    let at = (number * p.rows + row) * p.out_quads + out;
    if (out < p.out_quads) { output[at] = stored(sums.a); }
    if (out + 1u < p.out_quads) { output[at + 1u] = stored(sums.b); }
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) workgroup: vec3u,
    @builtin(num_workgroups) workgroups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let index = workgroup.y * workgroups.x + workgroup.x;
    let first = index % p.groups * 64u;
    let block = index / p.groups % p.blocks;
    let number = index / p.groups / p.blocks;
    if (number >= 36u) { return; }
    let out = local % 8u * 2u;
    // Its tiles are 8 apart, so that neighbours read neighbours.
    let row = local / 8u;

    var r0 = Sums();
    var r1 = Sums();
    var r2 = Sums();
    var r3 = Sums();
    var r4 = Sums();
    var r5 = Sums();
    var r6 = Sums();
    var r7 = Sums();
    for (var quad = 0u; quad < p.quads; quad += 2u) {
        workgroupBarrier();
        fetch(local, number, first, block, quad);
        fetch(local + 64u, number, first, block, quad);
        workgroupBarrier();
        for (var half = 0u; half < 2u; half++) {
            let wa = columns(half, out);
            let wb = columns(half, out + 1u);
            let at = half * 64u + row;
            r0 = add(r0, tiles[at], wa, wb);
            r1 = add(r1, tiles[at + 8u], wa, wb);
            r2 = add(r2, tiles[at + 16u], wa, wb);
            r3 = add(r3, tiles[at + 24u], wa, wb);
            r4 = add(r4, tiles[at + 32u], wa, wb);
            r5 = add(r5, tiles[at + 40u], wa, wb);
            r6 = add(r6, tiles[at + 48u], wa, wb);
            r7 = add(r7, tiles[at + 56u], wa, wb);
        }
    }
    let to = block * 16u + out;
    put(number, first + row, to, r0);
    put(number, first + row + 8u, to, r1);
    put(number, first + row + 16u, to, r2);
    put(number, first + row + 24u, to, r3);
    put(number, first + row + 32u, to, r4);
    put(number, first + row + 40u, to, r5);
    put(number, first + row + 48u, to, r6);
    put(number, first + row + 56u, to, r7);
}
