// Slicing and padding: output (x, y, c) is input (x, y, c) * step + origin, or what stands for the outside.
#include "shared/stored.wgsl"
#include "shared/invocation.wgsl"

struct Params {
    in_size: vec4i,   // width, height, channels, 0
    out_size: vec4i,
    origin: vec4i,    // x, y, channel of the output's first value, 0
    step: vec4i,      // x, y, channel, 0
    outside: u32,     // 0: fill; 1: mirror; 2: repeat the edge
    fill: f32,
}

@group(0) @binding(_) var<uniform> p: Params;
@group(0) @binding(_) var<storage, read> input: array<STORED>;        // [H, W, C/4]
@group(0) @binding(_) var<storage, read_write> output: array<STORED>; // [OH, OW, OC/4]

fn mirror(i: i32, length: i32) -> i32 {
    let from_start = abs(i);
    return select(from_start, 2 * (length - 1) - from_start, from_start >= length);
}

fn value(at: vec3i) -> f32 {
    var source = at * p.step.xyz + p.origin.xyz;
    let outside = any(source.xy < vec2i(0)) || any(source.xy >= p.in_size.xy);
    if (outside && p.outside == 0u) { return p.fill; }
    if (p.outside == 1u) {
        source.x = mirror(source.x, p.in_size.x);
        source.y = mirror(source.y, p.in_size.y);
    }
    // Also keeps the lanes beyond the last channel on values that exist.
    source = clamp(source, vec3i(0), p.in_size.xyz - 1);
    let quads = (p.in_size.z + 3) / 4;
    return f32(input[(source.y * p.in_size.x + source.x) * quads + source.z / 4][source.z % 4]);
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) workgroup: vec3u,
    @builtin(num_workgroups) workgroups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let index = invocation_index(workgroup, workgroups, local);
    let quads = u32(p.out_size.z + 3) / 4u;
    let quad = i32(index % quads);
    let pixel = index / quads;
    let y = i32(pixel / u32(p.out_size.x));
    if (y >= p.out_size.y) { return; }
    let x = i32(pixel % u32(p.out_size.x));
    output[index] = stored(vec4f(
        value(vec3i(x, y, quad * 4)),
        value(vec3i(x, y, quad * 4 + 1)),
        value(vec3i(x, y, quad * 4 + 2)),
        value(vec3i(x, y, quad * 4 + 3)),
    ));
}
