// Winograd's F(4x4, 3x3) after Lavin and Gray (https://arxiv.org/abs/1509.09308): 4x4 outputs of a 3x3
// convolution from 36 products instead of 144. A dilated convolution is one of undilated ones over every
// dilation-th pixel; its tiles are counted picture after such picture.
// Where tile number `tile` begins among the output's pixels; its next pixels are `dilation` apart.
fn tile_origin(tile: u32) -> vec2u {
    let tiles = p.grid.x * p.grid.y;
    let picture = tile / tiles;
    let place = tile % tiles;
    let phase = vec2u(picture % p.dilation.x, picture / p.dilation.x);
    return vec2u(place % p.grid.x, place / p.grid.x) * 4u * p.dilation + phase;
}
