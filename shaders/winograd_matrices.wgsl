// Winograd's middle step on a device's matrix units: f16 tiles times f16 weights, sums in f32. A subgroup holds
// ROWS by COLUMNS matrices of SIDE by SIDE, tiles by output channels.
enable f16;
enable wgpu_cooperative_matrix;

struct Params {
    rows: u32,       // tiles that both sides have room for
    groups: u32,     // of tiles, as many as a subgroup holds
    channels: u32,   // input channels of all parts
    outputs: u32,    // output channels in whole blocks
    blocks: u32,     // of output channels, as many as a subgroup holds
    subgroups: u32,  // of a workgroup
}

@group(0) @binding(_) var<uniform> p: Params;
@group(0) @binding(_) var<storage, read> input: array<f16>;          // [36, rows, channels]
@group(0) @binding(_) var<storage, read> weights: array<f16>;        // [outputs/16, 36, channels, 16]
@group(0) @binding(_) var<storage, read_write> output: array<f32>;   // [36, rows, outputs]

#ifdef SIDE_16
const SIDE = 16u;
#define MATRIX coop_mat16x16
#else
const SIDE = 8u;
#define MATRIX coop_mat8x8
#endif
#ifdef ROWS_4
const ROWS = 4u;
#else
const ROWS = 1u;
#endif
#ifdef COLUMNS_2
const COLUMNS = 2u;
#else
const COLUMNS = 1u;
#endif

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) workgroup: vec3u,
    @builtin(num_workgroups) workgroups: vec3u,
    @builtin(subgroup_id) subgroup: u32,
) {
    // All invocations have to stay together: a subgroup without work repeats the last one's.
    let last = p.groups * p.blocks * 36u - 1u;
    let index = min((workgroup.y * workgroups.x + workgroup.x) * p.subgroups + subgroup, last);
    let group = index % p.groups;
    let block = index / p.groups % p.blocks;
    let number = index / p.groups / p.blocks;
    // The last group of tiles begins early where they are no multiple of it.
    let first = number * p.rows + min(group * ROWS * SIDE, p.rows - ROWS * SIDE);
    let out = block * COLUMNS * SIDE;
    let w0 = ((out / 16u * 36u + number) * p.channels) * 16u + out % 16u;
#ifdef COLUMNS_2
    let next = out + SIDE;
    let w1 = ((next / 16u * 36u + number) * p.channels) * 16u + next % 16u;
#endif
    var a0: MATRIX<f32, C>;
#ifdef COLUMNS_2
    var b0: MATRIX<f32, C>;
#endif
#ifdef ROWS_4
    var a1: MATRIX<f32, C>;
    var a2: MATRIX<f32, C>;
    var a3: MATRIX<f32, C>;
#ifdef COLUMNS_2
    var b1: MATRIX<f32, C>;
    var b2: MATRIX<f32, C>;
    var b3: MATRIX<f32, C>;
#endif
#endif
    for (var channel = 0u; channel < p.channels; channel += SIDE) {
        let at = first * p.channels + channel;
        let wa = coopLoadT<MATRIX<f16, B>>(&weights[w0 + channel * 16u], 16u);
        let v0 = coopLoadT<MATRIX<f16, A>>(&input[at], p.channels);
        a0 = coopMultiplyAdd(v0, wa, a0);
#ifdef COLUMNS_2
        let wb = coopLoadT<MATRIX<f16, B>>(&weights[w1 + channel * 16u], 16u);
        b0 = coopMultiplyAdd(v0, wb, b0);
#endif
#ifdef ROWS_4
        let v1 = coopLoadT<MATRIX<f16, A>>(&input[at + SIDE * p.channels], p.channels);
        let v2 = coopLoadT<MATRIX<f16, A>>(&input[at + 2u * SIDE * p.channels], p.channels);
        let v3 = coopLoadT<MATRIX<f16, A>>(&input[at + 3u * SIDE * p.channels], p.channels);
        a1 = coopMultiplyAdd(v1, wa, a1);
        a2 = coopMultiplyAdd(v2, wa, a2);
        a3 = coopMultiplyAdd(v3, wa, a3);
#ifdef COLUMNS_2
        b1 = coopMultiplyAdd(v1, wb, b1);
        b2 = coopMultiplyAdd(v2, wb, b2);
        b3 = coopMultiplyAdd(v3, wb, b3);
#endif
#endif
    }
    // All by name, since naga 30 loses what is only read by a store of matrices.
    let outputs = p.outputs;
    let step = SIDE * outputs;
    let to0 = first * outputs + out;
    coopStoreT(a0, &output[to0], outputs);
#ifdef COLUMNS_2
    let next0 = to0 + SIDE;
    coopStoreT(b0, &output[next0], outputs);
#endif
#ifdef ROWS_4
    let to1 = to0 + step;
    let to2 = to1 + step;
    let to3 = to2 + step;
    coopStoreT(a1, &output[to1], outputs);
    coopStoreT(a2, &output[to2], outputs);
    coopStoreT(a3, &output[to3], outputs);
#ifdef COLUMNS_2
    let next1 = to1 + SIDE;
    let next2 = to2 + SIDE;
    let next3 = to3 + SIDE;
    coopStoreT(b1, &output[next1], outputs);
    coopStoreT(b2, &output[next2], outputs);
    coopStoreT(b3, &output[next3], outputs);
#endif
#endif
}
