//! `headwater export`: a split's body for another inference server.

use crate::segment::open_model;
use headwater::export::write_repository;
use headwater::model::Model;
use headwater::split::Placement;
use headwater::{Error, ErrorKind};
use std::path::PathBuf;

/// Write a split's body as ONNX in a Triton model repository
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Model file
    #[arg(long, default_value = "models/isnet.safetensors", env = "HEADWATER_MODEL")]
    model: PathBuf,
    /// The split, for instance U3
    #[arg(long)]
    split: String,
    /// The repository's folder
    #[arg(short, long)]
    output: PathBuf,
    /// Side, or WIDTHxHEIGHT; the model's own without it
    #[arg(long, value_parser = crate::parse_size)]
    size: Option<[usize; 2]>,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let source = open_model(&arguments.model)?;
    let model = pollster::block_on(Model::open(&source))?;
    let manifest = &model.manifest;
    let [width, height] = arguments.size.unwrap_or(manifest.preprocess.size);
    let graph = manifest.graph.with_input_size(height, width)?;
    let body = match Placement::parse(&arguments.split, manifest)? {
        Placement::Cut { cut, .. } => graph.divide(&cut)?.body,
        Placement::Remote => graph,
        Placement::Local => {
            return Err(Error::new(ErrorKind::BadArgument, "split local leaves the server nothing to run").into());
        }
    };
    let weights = pollster::block_on(model.load(&source, &[&body]))?;
    let path = write_repository(&arguments.output, &manifest.name, &arguments.split, &body, &weights)?;
    crate::print(&format!("{}\n", path.display()))
}
