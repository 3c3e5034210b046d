// Softmax over channels: one pixel an invocation, the maximum taken off first.
#include "shared/stored.wgsl"
#include "shared/invocation.wgsl"

struct Params {
    pixels: u32,
    channels: u32,
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
    let pixel = invocation_index(workgroup, workgroups, local);
    if (pixel >= p.pixels) { return; }
    let quads = (p.channels + 3u) / 4u;
    let first = pixel * quads;

    var greatest = f32(input[first].x);
    for (var c = 1u; c < p.channels; c++) {
        greatest = max(greatest, f32(input[first + c / 4u][c % 4u]));
    }
    var sum = 0.0;
    for (var c = 0u; c < p.channels; c++) {
        sum += exp(f32(input[first + c / 4u][c % 4u]) - greatest);
    }
    for (var quad = 0u; quad < quads; quad++) {
        // Lanes beyond the last channel must stay finite whatever lies there.
        let used = vec4u(0u, 1u, 2u, 3u) + quad * 4u < vec4u(p.channels);
        let v = select(vec4f(greatest), vec4f(input[first + quad]), used);
        output[first + quad] = STORED(exp(v - greatest) / sum);
    }
}
