// Between the host's planes and the GPU's quads of channels: one pixel and four channels an invocation.
#include "shared/stored.wgsl"
#include "shared/invocation.wgsl"

struct Params {
    pixels: u32,
    channels: u32,
}

@group(0) @binding(_) var<uniform> p: Params;
#ifdef TO_PLANES
@group(0) @binding(_) var<storage, read> quads_in: array<STORED>;         // [H, W, C/4]
@group(0) @binding(_) var<storage, read_write> planes_out: array<f32>;   // [C, H, W]
#else
@group(0) @binding(_) var<storage, read> planes_in: array<f32>;          // [C, H, W]
@group(0) @binding(_) var<storage, read_write> quads_out: array<STORED>;  // [H, W, C/4]
#endif

#ifdef TO_PLANES
fn store(pixel: u32, channel: u32, v: f32) {
    if (channel < p.channels) { planes_out[channel * p.pixels + pixel] = v; }
}
#else
fn value(pixel: u32, channel: u32) -> f32 {
    if (channel >= p.channels) { return 0.0; }
    return planes_in[channel * p.pixels + pixel];
}
#endif

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) workgroup: vec3u,
    @builtin(num_workgroups) workgroups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let index = invocation_index(workgroup, workgroups, local);
    let quads = (p.channels + 3u) / 4u;
    let pixel = index / quads;
    if (pixel >= p.pixels) { return; }
    let c = index % quads * 4u;
#ifdef TO_PLANES
    let v = vec4f(quads_in[index]);
    store(pixel, c, v.x);
    store(pixel, c + 1u, v.y);
    store(pixel, c + 2u, v.z);
    store(pixel, c + 3u, v.w);
#else
    quads_out[index] =
        stored(vec4f(value(pixel, c), value(pixel, c + 1u), value(pixel, c + 2u), value(pixel, c + 3u)));
#endif
}
