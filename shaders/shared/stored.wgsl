// How activations and weights lie in memory: four channels in f32, with HALF in f16. Kernels compute in f32.
#ifdef HALF
enable f16;
#define STORED vec4h
#define TEXEL rgba16float
// What is beyond f16 becomes the greatest that it holds: infinity would make NaN of whatever it meets.
fn stored(v: vec4f) -> vec4h { return vec4h(clamp(v, vec4f(-65504.0), vec4f(65504.0))); }
#else
#define STORED vec4f
#define TEXEL rgba32float
fn stored(v: vec4f) -> vec4f { return v; }
#endif
