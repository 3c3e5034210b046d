//! The kernels: for each operator, which shader runs it, with what parameters, in how many workgroups.
//!
//! One stem a kernel: `shaders/<stem>.wgsl` and `src/kernels/<stem>.rs`. Everything here is plain data,
//! made and tested without an adapter. The plain CPU counterpart of every operator is in
//! [`crate::reference`].

pub mod activation;
pub mod binary;
pub mod bindings;
pub mod ceiling_arithmetic;
pub mod ceiling_bandwidth;
pub mod concat;
pub mod conv;
pub mod conv_depthwise;
pub mod conv_grouped;
pub mod conv_single;
pub mod conv_transpose;
pub mod global_average;
pub mod pack;
pub mod pool;
mod precision;
pub mod resample_mask;
pub mod resample_picture;
pub mod resize;
pub mod softmax;
pub mod source;
#[cfg(test)]
mod tests;
mod tuning;
pub mod window;
pub mod winograd;
pub mod winograd_input;
pub mod winograd_matrices;
pub mod winograd_multiply;
pub mod winograd_output;
pub mod winograd_workgroup;

pub use precision::Precision;
pub use tuning::{Loads, Matrices, Tuning};

use bytemuck::Pod;

/// Invocations of a workgroup, in all shaders: the same 64 that suits every adapter tried.
pub const WORKGROUP: u64 = 64;

/// Picture-shaped extent of an activation on the GPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Extent {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Channels.
    pub channels: usize,
}

impl Extent {
    /// Of an NCHW shape, or one of another rank with channels on axis 1 and the rest laid out as a row.
    pub fn of(shape: &[usize]) -> Self {
        match *shape {
            [_, channels, height, width] => Self { height, width, channels },
            [_, channels, ref rest @ ..] => Self { height: 1, width: rest.iter().product(), channels },
            _ => Self { height: 1, width: 1, channels: shape.iter().product() },
        }
    }

    /// Channels in fours, rounded up.
    pub fn quads(self) -> usize {
        self.channels.div_ceil(4)
    }

    /// Rows times columns.
    pub fn pixels(self) -> usize {
        self.height * self.width
    }

    /// vec4s of the channels-last layout.
    pub fn vec4s(self) -> usize {
        self.pixels() * self.quads()
    }

    /// Columns, rows: the order of WGSL's `xy`.
    pub(crate) fn xy(self) -> [u32; 2] {
        [self.width as u32, self.height as u32]
    }
}

/// Everything that changes a pipeline, and the only road to one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// Stem of the shader's file.
    pub shader: &'static str,
    /// Names that the preprocessor knows, sorted.
    pub defines: Vec<&'static str>,
}

impl Key {
    /// A shader without variants.
    pub fn plain(shader: &'static str) -> Self {
        Self { shader, defines: Vec::new() }
    }

    /// A variant of a shader.
    pub fn with(shader: &'static str, defines: Vec<&'static str>) -> Self {
        let mut key = Self::plain(shader);
        defines.into_iter().for_each(|define| key.define(define));
        key
    }

    /// Adds a name.
    pub(crate) fn define(&mut self, define: &'static str) {
        // Put in its place: a sort of its own is 3 kB of Wasm.
        self.defines.insert(self.defines.partition_point(|known| *known < define), define);
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.shader)?;
        self.defines.iter().try_for_each(|define| write!(f, " {define}"))
    }
}

/// One dispatch, but for its buffers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launch {
    /// The pipeline.
    pub key: Key,
    /// The uniform, as the shader's `Params` lays it out.
    pub params: Vec<u8>,
    /// Along x and y.
    pub workgroups: [u32; 2],
    /// Which of the reads, in order, the shader wants as textures instead of buffers; see [`Loads`].
    pub textures: Vec<usize>,
}

/// Columns of a texture that holds a buffer's vec4s row by row, as `shaders/shared/read.wgsl` has it.
pub const TEXTURE_COLUMNS: usize = 4096;
/// Rows that a texture may have on every adapter.
pub const TEXTURE_ROWS: usize = 8192;
/// Bytes of an activation that is copied into a texture for one kernel to read: what is larger costs more memory
/// than the time is worth.
pub const TEXTURE_COPY_BYTES: usize = 4 << 20;

impl Launch {
    /// The same for activations and weights that lie in memory so.
    pub(crate) fn storing(mut self, precision: Precision) -> Self {
        if precision == Precision::F16 {
            self.key.define("HALF");
        }
        self
    }

    /// Enough workgroups for `invocations`, spread over two axes because one holds no more than 65,535.
    pub(crate) fn new(key: Key, params: &impl Pod, invocations: usize) -> Self {
        let workgroups = (invocations as u64).div_ceil(WORKGROUP).max(1);
        let rows = workgroups.div_ceil(65_535);
        let columns = workgroups.div_ceil(rows);
        Self {
            key,
            params: bytemuck::bytes_of(params).to_vec(),
            workgroups: [columns as u32, rows as u32],
            textures: Vec::new(),
        }
    }
}

/// A convolution's numbers in the order the shaders want them: x before y.
pub(crate) fn xy(down_right: [usize; 2]) -> [u32; 2] {
    [down_right[1] as u32, down_right[0] as u32]
}

/// Left and top of `[top, left, bottom, right]`.
pub(crate) fn left_top(pads: [usize; 4]) -> [i32; 2] {
    [pads[1] as i32, pads[0] as i32]
}
