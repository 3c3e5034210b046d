// a + b, a - b, a b, each operand broadcast along any of its axes of length 1.
#include "shared/stored.wgsl"
#include "shared/invocation.wgsl"

struct Params {
    size: vec4u,      // width, height, channels / 4 rounded up, function: 0 add, 1 sub, 2 mul
    a_strides: vec4u, // vec4s to the next x, y and quad, 0 where broadcast; w: 1 where one channel serves all
    b_strides: vec4u,
}

@group(0) @binding(_) var<uniform> p: Params;
@group(0) @binding(_) var<storage, read> a: array<STORED>;            // [Ha, Wa, Ca/4]
@group(0) @binding(_) var<storage, read> b: array<STORED>;            // [Hb, Wb, Cb/4]
@group(0) @binding(_) var<storage, read_write> output: array<STORED>; // [H, W, C/4]

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) workgroup: vec3u,
    @builtin(num_workgroups) workgroups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let index = invocation_index(workgroup, workgroups, local);
    let quad = index % p.size.z;
    let pixel = index / p.size.z;
    let y = pixel / p.size.x;
    if (y >= p.size.y) { return; }
    let at = vec3u(pixel % p.size.x, y, quad);

    let left = vec4f(a[dot(at, p.a_strides.xyz)]);
    let right = vec4f(b[dot(at, p.b_strides.xyz)]);
    let l = select(left, vec4f(left.x), p.a_strides.w == 1u);
    let r = select(right, vec4f(right.x), p.b_strides.w == 1u);
    switch p.size.w {
        case 0u: { output[index] = stored(l + r); }
        case 1u: { output[index] = stored(l - r); }
        default: { output[index] = stored(l * r); }
    }
}
