// Two tensors side by side along channels, copied: for readers that cannot take them where they lie.
#include "shared/stored.wgsl"
#include "shared/invocation.wgsl"

struct Params {
    pixels: u32,
    a_channels: u32,
    b_channels: u32,
}

@group(0) @binding(_) var<uniform> p: Params;
@group(0) @binding(_) var<storage, read> a: array<STORED>;            // [H, W, Ca/4]
@group(0) @binding(_) var<storage, read> b: array<STORED>;            // [H, W, Cb/4]
@group(0) @binding(_) var<storage, read_write> output: array<STORED>; // [H, W, (Ca + Cb)/4]

fn value(pixel: u32, channel: u32) -> f32 {
    if (channel < p.a_channels) {
        return f32(a[pixel * ((p.a_channels + 3u) / 4u) + channel / 4u][channel % 4u]);
    }
    // Lanes beyond the last channel repeat it.
    let c = min(channel - p.a_channels, p.b_channels - 1u);
    return f32(b[pixel * ((p.b_channels + 3u) / 4u) + c / 4u][c % 4u]);
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) workgroup: vec3u,
    @builtin(num_workgroups) workgroups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let index = invocation_index(workgroup, workgroups, local);
    let quads = (p.a_channels + p.b_channels + 3u) / 4u;
    let pixel = index / quads;
    if (pixel >= p.pixels) { return; }
    let c = index % quads * 4u;
    output[index] = STORED(vec4f(value(pixel, c), value(pixel, c + 1u), value(pixel, c + 2u), value(pixel, c + 3u)));
}
