//! `headwater convert`: an ONNX file to a model file.

use headwater::files::{Destination, Identity};
use headwater::import::{ConvertOptions, Converted, convert_file, fit_name};
use headwater::model::Postprocess;
use headwater::tensor::DType;
use headwater::{Error, ErrorKind};
use std::path::PathBuf;

/// Convert an ONNX file to a model file
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// ONNX file: one picture [1, 3, H, W] in, one mask [1, 1, H, W] out
    onnx: PathBuf,
    /// Where the model file goes
    #[arg(short, long)]
    output: PathBuf,
    /// The model's name in reports and addresses; made of the file's stem without it
    #[arg(long)]
    name: Option<String>,
    /// Taken off red, green and blue, which run from 0 to 255
    #[arg(long, default_value = "0,0,0", value_parser = parse_triple)]
    mean: [f32; 3],
    /// What red, green and blue are then divided by
    #[arg(long, default_value = "255,255,255", value_parser = parse_triple)]
    std: [f32; 3],
    /// Side, or WIDTHxHEIGHT, where the file leaves the input's size open
    #[arg(long, value_parser = crate::parse_size)]
    size: Option<[usize; 2]>,
    /// The graph's output that is the mask; the first without it
    #[arg(long)]
    mask_output: Option<String>,
    /// The output is a logit: the mask is its sigmoid
    #[arg(long)]
    logit: bool,
    /// SPDX expression of the weights' licence
    #[arg(long, default_value = "unknown")]
    licence: String,
    /// Keep the weights in f32 instead of f16
    #[arg(long)]
    f32: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let file = arguments.onnx.display();
    let destination = Destination::of(&arguments.output)?;
    if destination.identity().is_some_and(|output| Some(output) == Identity::of(&arguments.onnx)) {
        let message = format!("{} is the ONNX file itself: expected another name", arguments.output.display());
        return Err(Error::new(ErrorKind::BadArgument, message).into());
    }
    let stem = arguments.onnx.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let options = ConvertOptions {
        mean: arguments.mean,
        scale: arguments.std,
        size: arguments.size,
        output: arguments.mask_output.clone(),
        postprocess: if arguments.logit { Postprocess::Logit } else { Postprocess::Alpha },
        dtype: if arguments.f32 { DType::F32 } else { DType::F16 },
        origin: stem.clone().unwrap_or_default(),
        licence: arguments.licence.clone(),
        ..ConvertOptions::new(arguments.name.clone().unwrap_or_else(|| fit_name(&stem.unwrap_or_default())))
    };
    let Converted { manifest, warnings } =
        convert_file(&arguments.onnx, &arguments.output, &options).map_err(|e| e.context(file))?;
    warn(&warnings);
    let names: Vec<&str> = manifest.splits.iter().map(|split| split.name.as_str()).collect();
    let text = format!(
        "{}: {} layers, {:.1} M weights, {:.1} GMAC, splits {}\n",
        arguments.output.display(),
        manifest.graph.nodes.len(),
        manifest.graph.weight_values() as f64 / 1e6,
        manifest.graph.macs() as f64 / 1e9,
        if names.is_empty() { "none".to_owned() } else { names.join(" ") },
    );
    crate::print_beside(&destination, &text)
}

/// One line of stderr for each of what a conversion went well in spite of.
pub(crate) fn warn(warnings: &[String]) {
    warnings.iter().for_each(|warning| eprintln!("headwater: warning: {warning}"));
}

/// Red, green and blue from `128,128,128`.
fn parse_triple(text: &str) -> Result<[f32; 3], String> {
    let numbers: Option<Vec<f32>> = text.split(',').map(|number| number.trim().parse().ok()).collect();
    numbers
        .and_then(|numbers| <[f32; 3]>::try_from(numbers).ok())
        .ok_or_else(|| format!("expected three numbers such as 128,128,128; found {text:?}"))
}
