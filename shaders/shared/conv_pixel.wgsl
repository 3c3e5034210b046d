// One of a thread's eight pixels: PIXEL quads of input against eight quads of weights.
{
    let v = select(vec4f(0.0), READ(OFFSET + quad), INSIDE);
    ACC_A += v.x * w0;
    ACC_B += v.x * w4;
    ACC_A += v.y * w1;
    ACC_B += v.y * w5;
    ACC_A += v.z * w2;
    ACC_B += v.z * w6;
    ACC_A += v.w * w3;
    ACC_B += v.w * w7;
}
