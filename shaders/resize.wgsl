// Bilinear and nearest resizing: one pixel and four channels an invocation.
#include "shared/stored.wgsl"
#include "shared/invocation.wgsl"

struct Params {
    in_size: vec2u,    // width, height
    out_size: vec2u,
    step: vec2f,       // input pixels an output pixel
    offset: vec2f,     // where output pixel 0 lies in the input
    quads: u32,        // channels / 4, rounded up
    nearest: u32,      // 0: linear; 1: halves down; 2: halves up; 3: floor; 4: ceil
}

@group(0) @binding(_) var<uniform> p: Params;
@group(0) @binding(_) var<storage, read> input: array<STORED>;        // [H, W, C/4]
@group(0) @binding(_) var<storage, read_write> output: array<STORED>; // [OH, OW, C/4]

fn at(x: i32, y: i32, quad: u32) -> vec4f {
    let last = vec2i(p.in_size) - 1;
    let inside = clamp(vec2i(x, y), vec2i(0), last);
    return vec4f(input[(u32(inside.y) * p.in_size.x + u32(inside.x)) * p.quads + quad]);
}

// Positions that are whole or half by the formula miss it by a few parts in a million in f32; the nudge
// puts them back, and is far below the distance of any other position (1 / output length).
const NUDGE = 1e-4;

fn nearest(position: vec2f) -> vec2i {
    switch p.nearest {
        case 1u: { return vec2i(ceil(position - 0.5 - NUDGE)); }
        case 2u: { return vec2i(floor(position + 0.5 + NUDGE)); }
        case 3u: { return vec2i(floor(position + NUDGE)); }
        default: { return vec2i(ceil(position - NUDGE)); }
    }
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) workgroup: vec3u,
    @builtin(num_workgroups) workgroups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let index = invocation_index(workgroup, workgroups, local);
    let quad = index % p.quads;
    let pixel = index / p.quads;
    let oy = pixel / p.out_size.x;
    if (oy >= p.out_size.y) { return; }
    let ox = pixel % p.out_size.x;

    let position = vec2f(f32(ox), f32(oy)) * p.step + p.offset;
    if (p.nearest != 0u) {
        let source = nearest(position);
        output[index] = STORED(at(source.x, source.y, quad));
        return;
    }
    let inside = clamp(position, vec2f(0.0), vec2f(p.in_size - 1u));
    let low = floor(inside);
    let share = inside - low;
    let x = i32(low.x);
    let y = i32(low.y);
    let top = mix(at(x, y, quad), at(x + 1, y, quad), share.x);
    let bottom = mix(at(x, y + 1, quad), at(x + 1, y + 1, quad), share.x);
    output[index] = STORED(mix(top, bottom, share.y));
}
