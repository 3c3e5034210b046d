// A 3x3 convolution to one channel, stride 1: 4x4 pixels an invocation, whose 6x6 input pixels are read once.
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
@group(0) @binding(_) var<storage, read> input: array<vec4f>;        // [H, W, C/4]
@group(0) @binding(_) var<storage, read> weights: array<vec4f>;      // [C/4, 3, 3], input lanes
@group(0) @binding(_) var<storage, read> bias: array<vec4f>;         // [1]
@group(0) @binding(_) var<storage, read_write> output: array<vec4f>; // [OH, OW], the channel in all lanes

struct Three { a: vec4f, b: vec4f, c: vec4f }
struct Six { a: vec4f, b: vec4f, c: vec4f, d: vec4f, e: vec4f, f: vec4f }

fn pixel(x: i32, y: i32, quad: u32) -> vec4f {
    let at = clamp(vec2i(x, y), vec2i(0), vec2i(p.in_size) - 1);
    let value = input[(u32(at.y) * p.in_size.x + u32(at.x)) * p.quads + quad];
    return select(vec4f(0.0), value, x == at.x && y == at.y);
}

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
    return Three(weights[at], weights[at + 1u], weights[at + 2u]);
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

fn finish(x: u32, y: u32, sum: f32) {
    if (x >= p.out_size.x || y >= p.out_size.y) { return; }
    let v = vec4f(sum + bias[0].x);
    output[y * p.out_size.x + x] = activate(p.activation, p.arguments.x, p.arguments.y, v);
}

fn finish_row(x: u32, y: u32, sums: vec4f) {
    finish(x, y, sums.x);
    finish(x + 1u, y, sums.y);
    finish(x + 2u, y, sums.z);
    finish(x + 3u, y, sums.w);
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
        let v0 = line(corner.x, corner.y, quad);
        r0 += across(v0, k0);
        let v1 = line(corner.x, corner.y + 1, quad);
        r0 += across(v1, k1);
        r1 += across(v1, k0);
        let v2 = line(corner.x, corner.y + 2, quad);
        r0 += across(v2, k2);
        r1 += across(v2, k1);
        r2 += across(v2, k0);
        let v3 = line(corner.x, corner.y + 3, quad);
        r1 += across(v3, k2);
        r2 += across(v3, k1);
        r3 += across(v3, k0);
        let v4 = line(corner.x, corner.y + 4, quad);
        r2 += across(v4, k2);
        r3 += across(v4, k1);
        let v5 = line(corner.x, corner.y + 5, quad);
        r3 += across(v5, k2);
    }
    finish_row(origin.x, origin.y, r0);
    finish_row(origin.x, origin.y + 1u, r1);
    finish_row(origin.x, origin.y + 2u, r2);
    finish_row(origin.x, origin.y + 3u, r3);
}
