// The mean of each channel over the picture: one workgroup adds up four channels.
#include "shared/stored.wgsl"
struct Params {
    pixels: u32,
    quads: u32,   // channels / 4, rounded up
}

@group(0) @binding(_) var<uniform> p: Params;
@group(0) @binding(_) var<storage, read> input: array<STORED>;        // [H, W, C/4]
@group(0) @binding(_) var<storage, read_write> output: array<STORED>; // [1, 1, C/4]

var<workgroup> partial: array<vec4f, 64>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {
    let quad = workgroup.x;
    var sum = vec4f(0.0);
    for (var pixel = local; pixel < p.pixels; pixel += 64u) {
        sum += vec4f(input[pixel * p.quads + quad]);
    }
    partial[local] = sum;
    for (var half = 32u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if (local < half) { partial[local] += partial[local + half]; }
    }
    if (local == 0u) { output[quad] = stored(partial[0] / f32(p.pixels)); }
}
