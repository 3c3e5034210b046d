// Adds up what READ reads, part PART of the inputs that stand side by side along channels.
// Weights of a part: [Kh, Kw, Q, 2, 4] vec4: for each input quad, two output quads by four input lanes.
{
    let quads = p.part_quads[PART];
    for (var ky = 0u; ky < p.window.y; ky++) {
        let y = i32(oy * p.stride.y + ky * p.dilation.y) - p.pad.y;
        if (y < 0 || y >= i32(p.in_size.y)) { continue; }
        let row = u32(y) * p.in_size.x;
        for (var kx = 0u; kx < p.window.x; kx++) {
            let x = i32(ox * p.stride.x + kx * p.dilation.x) - p.pad.x;
            let step = i32(p.stride.x);
            let last = i32(p.in_size.x) - 1;
            let i0 = x >= 0 && x <= last;
            let i1 = x + step >= 0 && x + step <= last;
            let i2 = x + step * 2 >= 0 && x + step * 2 <= last;
            let i3 = x + step * 3 >= 0 && x + step * 3 <= last;
            let i4 = x + step * 4 >= 0 && x + step * 4 <= last;
            let i5 = x + step * 5 >= 0 && x + step * 5 <= last;
            let i6 = x + step * 6 >= 0 && x + step * 6 <= last;
            let i7 = x + step * 7 >= 0 && x + step * 7 <= last;
            let o0 = (row + u32(clamp(x, 0, last))) * quads;
            let o1 = (row + u32(clamp(x + step, 0, last))) * quads;
            let o2 = (row + u32(clamp(x + step * 2, 0, last))) * quads;
            let o3 = (row + u32(clamp(x + step * 3, 0, last))) * quads;
            let o4 = (row + u32(clamp(x + step * 4, 0, last))) * quads;
            let o5 = (row + u32(clamp(x + step * 5, 0, last))) * quads;
            let o6 = (row + u32(clamp(x + step * 6, 0, last))) * quads;
            let o7 = (row + u32(clamp(x + step * 7, 0, last))) * quads;
            var w = w_part + (ky * p.window.x + kx) * quads * 8u;
            for (var quad = 0u; quad < quads; quad++) {
                let wa = mat4x4f(read_weights(w), read_weights(w + 1u), read_weights(w + 2u), read_weights(w + 3u));
                let wb = mat4x4f(read_weights(w + 4u), read_weights(w + 5u), read_weights(w + 6u), read_weights(w + 7u));
                w += 8u;
                #define OFFSET o0
                #define INSIDE i0
                #define ACC_A a0
                #define ACC_B b0
                #include "shared/conv_pixel.wgsl"
                #define OFFSET o1
                #define INSIDE i1
                #define ACC_A a1
                #define ACC_B b1
                #include "shared/conv_pixel.wgsl"
                #define OFFSET o2
                #define INSIDE i2
                #define ACC_A a2
                #define ACC_B b2
                #include "shared/conv_pixel.wgsl"
                #define OFFSET o3
                #define INSIDE i3
                #define ACC_A a3
                #define ACC_B b3
                #include "shared/conv_pixel.wgsl"
                #define OFFSET o4
                #define INSIDE i4
                #define ACC_A a4
                #define ACC_B b4
                #include "shared/conv_pixel.wgsl"
                #define OFFSET o5
                #define INSIDE i5
                #define ACC_A a5
                #define ACC_B b5
                #include "shared/conv_pixel.wgsl"
                #define OFFSET o6
                #define INSIDE i6
                #define ACC_A a6
                #define ACC_B b6
                #include "shared/conv_pixel.wgsl"
                #define OFFSET o7
                #define INSIDE i7
                #define ACC_A a7
                #define ACC_B b7
                #include "shared/conv_pixel.wgsl"
            }
        }
    }
    w_part += p.window.y * p.window.x * quads * 8u;
}
