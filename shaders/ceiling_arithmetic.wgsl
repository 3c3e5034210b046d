// As many multiply-adds as an adapter can do: independent chains of four lanes an invocation, sixteen or fewer.
// Many chains hide each one's latency, too many spill registers; how many are best is the adapter's affair.
#ifdef HALF
enable f16;
#define NUMBER f16
#define NUMBERS vec4h
#else
#define NUMBER f32
#define NUMBERS vec4f
#endif
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
    // Starts, factor and summand come from memory, so that no compiler can work the chains out. All lanes share
    // factor and summand, which leaves the registers to the chains.
    let start = NUMBERS(input[index]);
    let m = NUMBERS(start.x);
    let b = NUMBERS(start.y);
    var a0 = start;
    var a1 = start + NUMBER(1.0);
    var a2 = start + NUMBER(2.0);
    var a3 = start + NUMBER(3.0);
#ifdef CHAINS_4
#else
    var a4 = start + NUMBER(4.0);
    var a5 = start + NUMBER(5.0);
    var a6 = start + NUMBER(6.0);
    var a7 = start + NUMBER(7.0);
#ifdef CHAINS_8
#else
    var a8 = start + NUMBER(8.0);
    var a9 = start + NUMBER(9.0);
    var a10 = start + NUMBER(10.0);
    var a11 = start + NUMBER(11.0);
    var a12 = start + NUMBER(12.0);
    var a13 = start + NUMBER(13.0);
    var a14 = start + NUMBER(14.0);
    var a15 = start + NUMBER(15.0);
#endif
#endif
    for (var round = 0u; round < p.rounds; round++) {
#include "shared/chains.wgsl"
#ifdef STEPS_4
#include "shared/chains.wgsl"
#include "shared/chains.wgsl"
#include "shared/chains.wgsl"
#endif
    }
    var sum = a0 + a1 + a2 + a3;
#ifdef CHAINS_4
#else
    sum += a4 + a5 + a6 + a7;
#ifdef CHAINS_8
#else
    sum += a8 + a9 + a10 + a11 + a12 + a13 + a14 + a15;
#endif
#endif
    output[index] = vec4f(sum);
}
