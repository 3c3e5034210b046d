//! `headwater export`: a split's body for another inference server, or one of the client's parts.

use crate::model_file::open_model;
use headwater::export::write_repository;
use headwater::graph::Graph;
use headwater::graph::cuts::Division;
use headwater::model::Model;
use headwater::split::Placement;
use headwater::{Error, ErrorKind};
use std::path::PathBuf;

/// Write a split's body, head or tail as ONNX in a Triton model repository
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Model file
    #[arg(long, default_value = "models/isnet.safetensors", env = "HEADWATER_MODEL")]
    model: PathBuf,
    /// The split, for instance U3
    #[arg(long)]
    split: String,
    /// Which part of it: what the server runs, or what the client runs before and behind that
    #[arg(long, value_enum, default_value_t = Part::Body)]
    part: Part,
    /// The repository's folder
    #[arg(short, long)]
    output: PathBuf,
    /// Side, or WIDTHxHEIGHT; the model's own without it
    #[arg(long, value_parser = crate::parse_size)]
    size: Option<[usize; 2]>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    Head,
    Body,
    Tail,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let source = open_model(&arguments.model)?;
    let model = pollster::block_on(Model::open(&source))?;
    let manifest = &model.manifest;
    let [width, height] = arguments.size.unwrap_or(manifest.preprocess.size);
    let graph = manifest.graph.with_input_size(height, width)?;
    let Arguments { split, part, .. } = arguments;
    let segment = match (Placement::parse(split, manifest)?, part) {
        (Placement::Cut { cut, .. }, part) => part_of(graph.divide(&cut)?, split, *part)?,
        (Placement::Remote, Part::Body) => graph,
        (Placement::Remote, _) => return Err(nothing("split remote leaves the client nothing to run")),
        (Placement::Local, _) => return Err(nothing("split local leaves the server nothing to run")),
    };
    let weights = pollster::block_on(model.load(&source, &[&segment]))?;
    // A body keeps the split's plain name: that is the one a server is asked for.
    let name = match part {
        Part::Head => format!("{split}_head"),
        Part::Body => split.clone(),
        Part::Tail => format!("{split}_tail"),
    };
    let path = write_repository(&arguments.output, &manifest.name, &name, &segment, &weights)?;
    crate::print(&format!("{}\n", path.display()))
}

fn part_of(division: Division, split: &str, part: Part) -> anyhow::Result<Graph> {
    match part {
        Part::Head => Ok(division.head),
        Part::Body => Ok(division.body),
        Part::Tail => division.tail.ok_or_else(|| nothing(&format!("split {split} has no tail: the server finishes"))),
    }
}

fn nothing(message: &str) -> anyhow::Error {
    Error::new(ErrorKind::BadArgument, message).into()
}
