//! `headwater segment`: the main job.

use crate::transport::AnyTransport;
use headwater::codec::Codec;
use headwater::files::write_whole;
use headwater::gpu::{ADAPTER_VARIABLE, Gpu};
use headwater::image::{Cutout, Edges, Picture};
use headwater::kernels::Precision;
use headwater::model::{Manifest, Model};
use headwater::platform::{HttpConfig, HttpTransport};
use headwater::server::{InProcess, RtenExecutor, ServerConfig, ServerState};
use headwater::session::{Options, Report, Session};
use headwater::split::{Circumstances, Placement, choose};
use headwater::wire::client::RemoteBody;
use headwater::{Error, ErrorKind};
use indicatif::{ProgressBar, ProgressFinish};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

/// The largest picture file that is read.
const MAX_FILE_BYTES: u64 = 512 << 20;

/// Cut the subject out of a picture
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// JPEG, PNG or WebP file
    picture: PathBuf,
    /// Where the cut-out goes, a PNG with transparency
    #[arg(short, long)]
    output: Option<PathBuf>,
    /// Where the mask goes, a grey PNG
    #[arg(long)]
    mask: Option<PathBuf>,
    /// Colours of the old background in half-transparent pixels: clean (take them out) or keep
    #[arg(long, default_value = "clean", value_parser = Edges::from_str)]
    edges: Edges,
    /// Model file
    #[arg(long, default_value = "models/isnet.safetensors", env = "HEADWATER_MODEL")]
    model: PathBuf,
    /// Where the layers run: auto, local, remote, a split such as U3, or a plain cut such as P12
    #[arg(long, default_value = "auto")]
    split: String,
    /// The server's address; without one its part runs in this process
    #[arg(long)]
    server: Option<String>,
    /// Seconds to wait for the server
    #[arg(long, default_value_t = 120.0, value_parser = parse_seconds)]
    timeout: f64,
    /// Side, or WIDTHxHEIGHT, that the net runs at; the model's own without it
    #[arg(long, value_parser = crate::parse_size)]
    size: Option<[usize; 2]>,
    /// How tensors travel: f32, f16 or int8
    #[arg(long, default_value = "f16")]
    codec: String,
    /// How the client's layers keep numbers: f32 or f16
    #[arg(long, default_value = "f32")]
    precision: Precision,
    /// A part of the graphics adapter's name, or `none`
    #[arg(long, env = ADAPTER_VARIABLE)]
    adapter: Option<String>,
    /// Print a report as JSON
    #[arg(long)]
    json: bool,
    /// Cut it out so many times in one session; a report is printed of each
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    repeat: u32,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    if arguments.output.is_none() && arguments.mask.is_none() && !arguments.json {
        return Err(Error::new(
            ErrorKind::BadArgument,
            "nothing to write: give -o CUTOUT.png, --mask MASK.png or --json",
        )
        .into());
    }
    let codec: Codec = arguments.codec.parse()?;
    let picture = read_picture(&arguments.picture)?;
    let source = open_model(&arguments.model)?;
    let manifest = pollster::block_on(Model::open(&source))?.manifest;
    let size = arguments.size.unwrap_or(manifest.preprocess.size);
    let (placement, gpu, fallback) = place(arguments, &manifest)?;
    let remote = match placement {
        Placement::Local => None,
        _ => Some(RemoteBody::new(transport(arguments)?, manifest.name.clone(), manifest.sha256.clone())),
    };
    let options = Options { placement, size, codec, precision: arguments.precision };
    // Drawn only where stderr is a terminal.
    let bar = ProgressBar::new_spinner()
        .with_finish(ProgressFinish::AndClear)
        .with_message(format!("getting {} ready", manifest.name));
    bar.enable_steady_tick(Duration::from_millis(120));
    let session = pollster::block_on(Session::open(&source, options, gpu, remote))?;
    bar.set_message(format!("cutting out {}", arguments.picture.display()));
    let mut reports = Vec::new();
    let mask = loop {
        let (mask, mut report) = pollster::block_on(session.segment(&picture))?;
        report.fallback = fallback.clone().or(report.fallback);
        reports.push(report);
        if reports.len() >= arguments.repeat as usize {
            break mask;
        }
    };
    bar.finish_and_clear();
    if let Some(path) = &arguments.mask {
        write_whole(path, &mask.to_png()?)?;
    }
    if let Some(path) = &arguments.output {
        write_whole(path, &Cutout::new(&picture, &mask, arguments.edges)?.to_png()?)?;
    }
    if arguments.json {
        let lines: Result<Vec<String>, _> = reports.iter().map(serde_json::to_string).collect();
        return crate::print(&(lines?.join("\n") + "\n"));
    }
    let paths = arguments.output.iter().chain(&arguments.mask).map(|path| format!("{}\n", path.display()));
    crate::print(&paths.chain(reports.iter().map(summary)).collect::<String>())
}

/// The placement asked for, and the adapter that it needs. Where there is none the server does it all,
/// and the third value says so.
fn place(arguments: &Arguments, manifest: &Manifest) -> anyhow::Result<(Placement, Option<Arc<Gpu>>, Option<String>)> {
    let asked = match arguments.split.as_str() {
        "auto" => None,
        name => Some(Placement::parse(name, manifest)?),
    };
    if asked == Some(Placement::Remote) {
        return Ok((Placement::Remote, None, None));
    }
    let gpu = match arguments.adapter.as_deref() {
        Some("none") => Err(Error::new(ErrorKind::NoAdapter, "--adapter none")),
        name => crate::device::open(name),
    };
    let gpu = match gpu {
        Ok(gpu) => Some(Arc::new(gpu)),
        // A name that no adapter has is a mistake to point out, not a machine without a GPU.
        Err(e) if e.kind() == ErrorKind::NoAdapter && !named(arguments) => {
            let reason = asked.as_ref().map(|_| e.to_string());
            eprintln!(
                "headwater: {e}: {}",
                if arguments.server.is_some() { "the server does it all" } else { "this machine's CPU does it all" }
            );
            return Ok((Placement::Remote, None, reason.or_else(|| Some(e.to_string()))));
        }
        Err(e) => return Err(e.into()),
    };
    if let Some(placement) = asked {
        return Ok((placement, gpu, None));
    }
    let hardware = gpu.as_ref().is_some_and(|gpu| gpu.info().kind != "cpu");
    let circumstances = Circumstances { adapter: gpu.is_some(), hardware, server: arguments.server.is_some() };
    let (placement, reason) = choose(manifest, circumstances)?;
    if !arguments.json {
        eprintln!("split {}: {reason}", placement.name());
    }
    let gpu = gpu.filter(|_| placement != Placement::Remote);
    Ok((placement, gpu, None))
}

fn named(arguments: &Arguments) -> bool {
    arguments.adapter.as_deref().is_some_and(|name| name != "none")
}

fn transport(arguments: &Arguments) -> anyhow::Result<AnyTransport> {
    let timeout = Duration::from_secs_f64(arguments.timeout);
    if let Some(server) = &arguments.server {
        let config = HttpConfig { timeout, ..HttpConfig::default() };
        return Ok(AnyTransport::Http(HttpTransport::new(server, config)?));
    }
    // Whoever started it may run what a local run may.
    let state = ServerState::new(&arguments.model, Arc::new(RtenExecutor::default()), ServerConfig::unlimited())?;
    Ok(AnyTransport::Here(InProcess::new(state)?))
}

fn read_picture(path: &Path) -> anyhow::Result<Picture> {
    let name = path.display();
    let unreadable =
        |e: std::io::Error| Error::new(ErrorKind::BadImage, format!("{name} cannot be read")).with_source(e);
    let bytes = std::fs::metadata(path).map_err(unreadable)?.len();
    if bytes > MAX_FILE_BYTES {
        let message = format!("{name} has {bytes} bytes, at most {MAX_FILE_BYTES} are read");
        return Err(Error::new(ErrorKind::BadImage, message).into());
    }
    let bytes = std::fs::read(path).map_err(unreadable)?;
    let picture = Picture::decode(&bytes).map_err(|e| e.context(&name))?;
    let warnings: Vec<String> = picture.warnings().iter().map(|warning| format!("{name}: {warning}")).collect();
    crate::convert::warn(&warnings);
    Ok(picture)
}

/// The model's file, or a sentence on where one comes from.
pub(crate) fn open_model(path: &Path) -> anyhow::Result<File> {
    let opened = File::open(path).and_then(|file| match file.metadata()?.is_file() {
        true => Ok(file),
        // Opening a folder works; reading it is what fails.
        false => Err(std::io::Error::other("expected a file")),
    });
    opened.map_err(|e| {
        let message = format!("model {} cannot be read (`headwater pull isnet` fetches one)", path.display());
        Error::new(ErrorKind::BadArgument, message).with_source(e).into()
    })
}

fn summary(report: &Report) -> String {
    let adapter = report.adapter.as_ref().map_or("no adapter", |adapter| adapter.name.as_str());
    format!(
        "split {}, {}x{}, {adapter}: {:.0} ms (head {:.0}, server {:.0}, tail {:.0}); {} bytes up, {} down\n",
        report.split,
        report.size[0],
        report.size[1],
        report.total_millis,
        report.head_millis,
        report.server_millis,
        report.tail_millis,
        report.up_bytes,
        report.down_bytes,
    )
}

fn parse_seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds) if (0.001..=86_400.0).contains(&seconds) => Ok(seconds),
        _ => Err(format!("expected seconds, 0.001 to 86400; found {text:?}")),
    }
}
