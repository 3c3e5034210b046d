// As many bytes as an adapter can move: one vec4 read and written an invocation.
#include "shared/invocation.wgsl"

struct Params {
    count: u32,   // vec4s
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
    output[index] = input[index];
}
