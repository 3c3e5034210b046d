// As many multiply-adds as an adapter can do: sixteen independent chains of four lanes an invocation.
#include "shared/invocation.wgsl"

struct Params {
    rounds: u32,
    count: u32,   // invocations
}

@group(0) @binding(_) var<uniform> p: Params;
@group(0) @binding(_) var<storage, read> input: array<vec4f>;        // [count]
@group(0) @binding(_) var<storage, read_write> output: array<vec4f>; // [count]

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) workgroup: vec3u,
    @builtin(num_workgroups) workgroups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let index = invocation_index(workgroup, workgroups, local);
    if (index >= p.count) { return; }
    // The factor and the summand come from memory, so that no compiler can work the chains out.
    let m = input[index];
    let b = m * 0.5;
    var a0 = m;
    var a1 = m + 1.0;
    var a2 = m + 2.0;
    var a3 = m + 3.0;
    var a4 = m + 4.0;
    var a5 = m + 5.0;
    var a6 = m + 6.0;
    var a7 = m + 7.0;
    var a8 = m + 8.0;
    var a9 = m + 9.0;
    var a10 = m + 10.0;
    var a11 = m + 11.0;
    var a12 = m + 12.0;
    var a13 = m + 13.0;
    var a14 = m + 14.0;
    var a15 = m + 15.0;
    for (var round = 0u; round < p.rounds; round++) {
        a0 = a0 * m + b;
        a1 = a1 * m + b;
        a2 = a2 * m + b;
        a3 = a3 * m + b;
        a4 = a4 * m + b;
        a5 = a5 * m + b;
        a6 = a6 * m + b;
        a7 = a7 * m + b;
        a8 = a8 * m + b;
        a9 = a9 * m + b;
        a10 = a10 * m + b;
        a11 = a11 * m + b;
        a12 = a12 * m + b;
        a13 = a13 * m + b;
        a14 = a14 * m + b;
        a15 = a15 * m + b;
    }
    output[index] = a0 + a1 + a2 + a3 + a4 + a5 + a6 + a7 + a8 + a9 + a10 + a11 + a12 + a13 + a14 + a15;
}
