// One of a thread's eight pixels: PIXEL quads of input against eight quads of weights.
{
    let v = select(vec4f(0.0), SOURCE[OFFSET + quad], INSIDE);
    ACC_A = fma(vec4f(v.x), w0, ACC_A);
    ACC_B = fma(vec4f(v.x), w4, ACC_B);
    ACC_A = fma(vec4f(v.y), w1, ACC_A);
    ACC_B = fma(vec4f(v.y), w5, ACC_B);
    ACC_A = fma(vec4f(v.z), w2, ACC_A);
    ACC_B = fma(vec4f(v.z), w6, ACC_B);
    ACC_A = fma(vec4f(v.w), w3, ACC_A);
    ACC_B = fma(vec4f(v.w), w7, ACC_B);
}
