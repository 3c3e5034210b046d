// An activation on its own, where no convolution could take it along.
#include "shared/stored.wgsl"
#define CURVED
#include "shared/activation.wgsl"
#include "shared/invocation.wgsl"

struct Params {
    args: vec2f,
    code: u32,
    count: u32,   // vec4s
}

@group(0) @binding(_) var<uniform> p: Params;
@group(0) @binding(_) var<storage, read> input: array<STORED>;        // [H, W, C/4]
@group(0) @binding(_) var<storage, read_write> output: array<STORED>; // [H, W, C/4]

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) workgroup: vec3u,
    @builtin(num_workgroups) workgroups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let index = invocation_index(workgroup, workgroups, local);
    if (index >= p.count) { return; }
    output[index] = stored(activate(p.code, p.args.x, p.args.y, vec4f(input[index])));
}
