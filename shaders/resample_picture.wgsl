// A picture to the net's input, as `src/image/resample.rs` does it on the CPU and to the same bit: columns
// first, then rows (ROWS), each pass rounded to bytes, in fixed point of 22 bits. Transparent pixels are put over
// white first, as in `src/image/over_white.rs`. One pixel an invocation.
#include "shared/stored.wgsl"
#include "shared/invocation.wgsl"

struct Params {
    in_size: vec2u,   // width, height of what is read
    out_size: vec2u,  // of what is written
    stride: u32,      // weights to the next output column or row
}

@group(0) @binding(_) var<uniform> p: Params;
#ifdef ROWS
@group(0) @binding(_) var<storage, read> pixels: array<u32>;         // [H, OW] red, green, blue in bytes
#else
@group(0) @binding(_) var picture: texture_2d<f32>;                  // [H, W] rgba8unorm, alpha not multiplied in
#endif
@group(0) @binding(_) var<storage, read> spans: array<vec2u>;        // [OW] or [OH] first input, how many
@group(0) @binding(_) var<storage, read> weights: array<i32>;        // [OW or OH, stride] 2^22 is 1
#ifdef ROWS
@group(0) @binding(_) var<storage, read> values: array<vec4f>;        // [256] what the net is given for each level
@group(0) @binding(_) var<storage, read_write> output: array<STORED>; // [OH, OW, 1]
#else
@group(0) @binding(_) var<storage, read_write> output: array<u32>;   // [H, OW] red, green, blue in bytes
#endif

fn levels(x: u32, y: u32) -> vec3i {
#ifdef ROWS
    let packed = pixels[y * p.in_size.x + x];
    return vec3i(vec3u(packed, packed >> 8u, packed >> 16u) & vec3u(255u));
#else
    // A texel is a byte divided by 255.
    let texel = vec4u(round(textureLoad(picture, vec2u(x, y), 0) * 255.0));
    return vec3i((texel.rgb * texel.a + 255u * (255u - texel.a) + 127u) / 255u);
#endif
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) workgroup: vec3u,
    @builtin(num_workgroups) workgroups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let index = invocation_index(workgroup, workgroups, local);
    let x = index % p.out_size.x;
    let y = index / p.out_size.x;
    if (y >= p.out_size.y) { return; }
#ifdef ROWS
    let place = y;
#else
    let place = x;
#endif
    let span = spans[place];
    var sum = vec3i(1 << 21u);
    for (var i = 0u; i < span.y; i++) {
#ifdef ROWS
        sum += levels(x, span.x + i) * weights[place * p.stride + i];
#else
        sum += levels(span.x + i, y) * weights[place * p.stride + i];
#endif
    }
    let level = vec3u(clamp(sum >> vec3u(22u), vec3i(0), vec3i(255)));
#ifdef ROWS
    output[index] = stored(vec4f(values[level.x].x, values[level.y].y, values[level.z].z, 0.0));
#else
    output[index] = level.x | (level.y << 8u) | (level.z << 16u);
#endif
}
