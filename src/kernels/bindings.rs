//! What a shader binds, read off its text: one declaration a line, numbered in order, all in group 0.

use super::Precision;
use crate::error::{Result, error};

/// A kind of resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Binding {
    /// `var<uniform>`
    Uniform,
    /// `var<storage, read>`
    Read,
    /// `var<storage, read_write>`
    ReadWrite,
    /// `texture_2d<f32>`, read texel by texel.
    Texture,
    /// `texture_storage_2d<rgba32float, read>`, or `rgba16float`.
    Image(Precision),
}

/// The bindings of a shader, in order.
///
/// # Errors
/// `Internal` for a declaration of another form; a test reads every permutation's.
pub fn bindings(wgsl: &str) -> Result<Vec<Binding>> {
    let forms = [
        ("var<uniform>", Binding::Uniform),
        ("var<storage, read>", Binding::Read),
        ("var<storage, read_write>", Binding::ReadWrite),
        ("texture_2d<f32>", Binding::Texture),
        ("texture_storage_2d<rgba32float, read>", Binding::Image(Precision::F32)),
        ("texture_storage_2d<rgba16float, read>", Binding::Image(Precision::F16)),
    ];
    let declarations = wgsl.lines().filter(|line| line.contains("@binding("));
    declarations
        .map(|line| {
            let form = forms.iter().find(|(form, _)| line.contains(form));
            form.map(|(_, binding)| *binding).ok_or_else(|| error!(Internal, "an unknown kind of binding: {line}"))
        })
        .collect()
}
