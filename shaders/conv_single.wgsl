// A 3x3 convolution to one channel, stride 1: 4x4 pixels an invocation, whose 6x6 input pixels are read once.
#include "shared/stored.wgsl"
#define CURVED
#include "shared/activation.wgsl"
#include "shared/invocation.wgsl"

struct Params {
    in_size: vec2u,    // width, height
    out_size: vec2u,
    pad: vec2i,        // left, top
    grid: vec2u,       // tiles, x and y
    quads: u32,        // input channels / 4, rounded up
    activation: u32,   // its code
    arguments: vec2f,
}

@group(0) @binding(_) var<uniform> p: Params;
@group(0) @binding(_) var<storage, read> input: array<STORED>;        // [H, W, C/4]
@group(0) @binding(_) var<storage, read> weights: array<STORED>;      // [C/4, 3, 3], input lanes
@group(0) @binding(_) var<storage, read> bias: array<vec4f>;          // [1]
@group(0) @binding(_) var<storage, read_write> output: array<STORED>; // [OH, OW], the channel in all lanes
#include "shared/padded.wgsl"

struct Three { a: vec4f, b: vec4f, c: vec4f }

fn line(x: i32, y: i32, quad: u32) -> Six {
    return Six(
        pixel(x, y, quad),
        pixel(x + 1, y, quad),
        pixel(x + 2, y, quad),
        pixel(x + 3, y, quad),
        pixel(x + 4, y, quad),
        pixel(x + 5, y, quad),
    );
}

fn kernel_row(at: u32) -> Three {
    return Three(vec4f(weights[at]), vec4f(weights[at + 1u]), vec4f(weights[at + 2u]));
}

// Four pixels' share of one row of the window.
fn across(v: Six, k: Three) -> vec4f {
    return vec4f(
        dot(v.a, k.a) + dot(v.b, k.b) + dot(v.c, k.c),
        dot(v.b, k.a) + dot(v.c, k.b) + dot(v.d, k.c),
        dot(v.c, k.a) + dot(v.d, k.b) + dot(v.e, k.c),
        dot(v.d, k.a) + dot(v.e, k.b) + dot(v.f, k.c),
    );
}

fn put(x: u32, y: u32, value: f32) {
    if (x >= p.out_size.x || y >= p.out_size.y) { return; }
    output[y * p.out_size.x + x] = stored(vec4f(value));
}

fn finish_row(x: u32, y: u32, sums: vec4f) {
    let row = activate(p.activation, p.arguments.x, p.arguments.y, sums + bias[0].x);
    put(x, y, row.x);
    put(x + 1u, y, row.y);
    put(x + 2u, y, row.z);
    put(x + 3u, y, row.w);
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) workgroup: vec3u,
    @builtin(num_workgroups) workgroups: vec3u,
    @builtin(local_invocation_index) local: u32,
) {
    let index = invocation_index(workgroup, workgroups, local);
    let origin = vec2u(index % p.grid.x, index / p.grid.x) * 4u;
    if (origin.y >= p.out_size.y) { return; }
    let corner = vec2i(origin) - p.pad;
    var r0 = vec4f(0.0);
    var r1 = vec4f(0.0);
    var r2 = vec4f(0.0);
    var r3 = vec4f(0.0);
    for (var quad = 0u; quad < p.quads; quad++) {
        let k0 = kernel_row(quad * 9u);
        let k1 = kernel_row(quad * 9u + 3u);
        let k2 = kernel_row(quad * 9u + 6u);
        // Of the output rows that end one and two input rows below. A loop, since SwiftShader takes minutes to
        // compile the six rows written out.
        var next = vec4f(0.0);
        var after_next = vec4f(0.0);
        for (var row = 0; row < 6; row++) {
            let v = line(corner.x, corner.y + row, quad);
            let whole = next + across(v, k2);
            next = after_next + across(v, k1);
            after_next = across(v, k0);
            if (row == 2) { r0 += whole; }
            if (row == 3) { r1 += whole; }
            if (row == 4) { r2 += whole; }
            if (row == 5) { r3 += whole; }
        }
    }
    finish_row(origin.x, origin.y, r0);
    finish_row(origin.x, origin.y + 1u, r1);
    finish_row(origin.x, origin.y + 2u, r2);
    finish_row(origin.x, origin.y + 3u, r3);
}
