// Binds SOURCE and defines READ, which gives vec4 number `at` of it. Software adapters load from buffers
// lane by lane through memory but fetch texels as vectors: there SOURCE is a texture (TEXTURES) or a
// storage image (IMAGES) of 4096 columns, which holds the buffer's vec4s row by row.
#ifdef TEXTURES
@group(0) @binding(_) var SOURCE: texture_2d<f32>;
fn READ(at: u32) -> vec4f { return textureLoad(SOURCE, vec2u(at & 4095u, at >> 12u), 0); }
#else
#ifdef IMAGES
@group(0) @binding(_) var SOURCE: texture_storage_2d<TEXEL, read>;
fn READ(at: u32) -> vec4f { return textureLoad(SOURCE, vec2u(at & 4095u, at >> 12u)); }
#else
@group(0) @binding(_) var<storage, read> SOURCE: array<STORED>;
fn READ(at: u32) -> vec4f { return vec4f(SOURCE[at]); }
#endif
#endif
