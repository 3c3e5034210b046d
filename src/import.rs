//! From an ONNX file to a [`Graph`] and its [`Weights`], and to a model file.
//!
//! What comes out is canonical: one node for each operator that computes something, shapes known,
//! everything folded that does not depend on the picture (shape arithmetic, batch normalization,
//! dequantisation), and nothing left that the wanted output does not need. Nodes stand in the order of
//! the file as far as it is legal, so weights lie in the order in which the net uses them.
//!
//! Sizes that exporters bake in are opened again where they can be: a `Resize` to fixed sizes becomes a
//! scale, a `Reshape` keeps what it does not change, so that [`Graph::with_input_size`] works.
//!
//! The file's author is a stranger. Whatever it says ends in a typed error or in a valid graph.

mod batch_norm;
mod call;
mod constant;
mod convert;
mod external;
mod fold;
mod guard;
mod lower;
mod operators;
mod pixels;
mod quantised;
mod read;
mod rewrite;
mod sizes;
mod sort;
mod tensor;

pub use convert::{ConvertOptions, Converted, convert, convert_file, fit_name};

use crate::error::{Result, error};
use crate::graph::{Graph, Scaling};
use crate::model::Weights;
use external::External;
use read::{Reading, Source};
use std::path::Path;
use std::rc::Rc;

/// What to take from an ONNX file.
#[derive(Debug, Clone, Default)]
pub struct ImportOptions {
    /// The output to keep; the file's first when `None`.
    pub output: Option<String>,
    /// Width and height of the picture. Needed where the file leaves them open; where it does not, the
    /// graph is read at the file's size and then changed with [`Graph::with_input_size`].
    pub size: Option<[usize; 2]>,
}

/// A graph and its constants.
#[derive(Debug, Clone)]
pub struct Imported {
    /// Canonical, validated. Tensors are called as in the ONNX file.
    pub graph: Graph,
    /// Keyed by the names in [`Graph::weights`]; f16 initializers stay f16, all others are f32.
    pub weights: Weights,
    /// What went well and may not be what was wanted, a sentence each.
    pub warnings: Vec<String>,
}

/// Reads an ONNX file, and the files beside it that hold its weights.
///
/// Of the other files only what tensors name is read, and only in the folder of the ONNX file (or of the file
/// that `path` is a link to).
///
/// # Errors
/// `BadModel` when the file cannot be read; those of [`import_onnx`]; `BadModel` for tensors in files that are
/// missing, too short or in other folders.
pub fn import_onnx_file(path: &Path, options: &ImportOptions) -> Result<Imported> {
    import(&read_file(path)?, &External::beside(path), options)
}

/// The bytes of an ONNX file.
fn read_file(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|e| error!(BadModel, "the file cannot be read").with_source(e))
}

/// Reads the bytes of an ONNX file that holds all of its weights.
///
/// # Errors
/// `BadModel` for bytes that are no ONNX model or contradict themselves (cycles, values that nothing makes,
/// data that do not fit their dimensions, weights that are infinite or NaN, weights in other files), `BadShape` for
/// operands that do not fit and for an open picture size that `options` does not give, `UnsupportedOperator` naming
/// the first node that this crate cannot express, and all operators that it does not know.
pub fn import_onnx(bytes: &[u8], options: &ImportOptions) -> Result<Imported> {
    import(bytes, &External::nowhere(), options)
}

/// Reads the file at the size that is wanted, and twice more where that tells how it behaves at others.
fn import(bytes: &[u8], external: &External, options: &ImportOptions) -> Result<Imported> {
    guard::check(bytes)?;
    let file = Source { bytes, external, output: options.output.as_deref() };
    let Reading { mut imported, sizes, own_size } = file.read(options.size, None)?;
    let sizes = Rc::new(sizes);
    let again = |size: [usize; 2]| {
        let earlier = if sizes.is_open { Rc::default() } else { sizes.clone() };
        file.read(Some(size), Some(earlier))
    };
    let computes = sizes.is_open || sizes.reads_shapes;
    let read = computes.then(|| again(sizes::scaled(own_size)));
    let read = read.as_ref().map(|read| read.as_ref().map_err(|e| e.message().to_owned()));
    let read_sizes = read.as_ref().and_then(|read| read.as_ref().ok()).map(|read| &read.sizes);
    sizes::tie_to_picture(&mut imported.graph, own_size, &sizes, read_sizes);
    let is_baked = sizes.fixed.as_ref().is_some_and(|held| match &read {
        Some(Ok(read)) => sizes::is_number(held, &imported.graph, &read.imported.graph),
        _ => true,
    });
    imported.graph.scaling.fixed = sizes.fixed.clone().or_else(|| sizes::held(&imported, own_size, read.as_ref()?));
    let fills = |graph: &Graph| {
        let [input, output] = [graph.inputs[0], graph.outputs[0]].map(|id| graph.tensors[id].shape.get(2..));
        input == output
    };
    imported.graph.scaling.fills_picture = !sizes.resizes.is_empty()
        && fills(&imported.graph)
        && (!computes || again(sizes::odd(own_size)).is_ok_and(|reading| fills(&reading.imported.graph)));
    match options.size {
        Some([width, height]) if own_size != [width, height] => {
            let scaling = imported.graph.scaling.clone();
            if scaling.fixed.is_some() && !is_baked {
                // What does not scale is computed by the file, and so it can be computed for this size.
                let mut imported = again([width, height])?.imported;
                imported.graph.scaling = Scaling { fits: imported.graph.scaling.fits, ..scaling };
                return Ok(imported);
            }
            Ok(Imported { graph: imported.graph.with_input_size(height, width)?, ..imported })
        }
        _ => Ok(imported),
    }
}
