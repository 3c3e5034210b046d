// One of a thread's eight pixels: a quad of input against two matrices of four output channels each.
{
    let v = select(vec4f(0.0), READ(OFFSET + quad), INSIDE);
    ACC_A += wa * v;
    ACC_B += wb * v;
}
