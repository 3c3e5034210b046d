//! `headwater segment`: the main job.

mod format;
mod inputs;
mod outputs;
mod placement;
mod remote;
mod report;
mod session;

use format::{Background, Format};
use headwater::gpu::ADAPTER_VARIABLE;
use headwater::image::{Cutout, Edges, Picture};
use headwater::kernels::Precision;
use headwater::{Error, ErrorKind};
use indicatif::{ProgressBar, ProgressFinish};
use inputs::Input;
use outputs::Outputs;
use session::Ready;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// Cut the subjects out of pictures
///
/// Several pictures share one session. One that cannot be read or written is named on stderr and left out; the exit
/// status is then 1 at the end, or 2 if none could be read.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// JPEG, PNG or WebP files, folders of them, or - for standard input
    #[arg(required = true, value_name = "PICTURE")]
    pictures: Vec<PathBuf>,
    /// Where the cut-out goes: a name that ends in .png, .webp or .jpg; - for standard output; for several pictures a
    /// folder, where each gets its picture's name
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Where the mask goes, a grey PNG; for several pictures a folder, where each is called NAME-mask.png
    #[arg(long, value_name = "FILE")]
    mask: Option<PathBuf>,
    /// The cut-out's format, where its name does not say it
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// A colour behind the cut-out, such as '#fff' or white, instead of transparency
    #[arg(long, value_name = "COLOUR")]
    background: Option<Background>,
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
    /// A header for every request to the server, such as 'Authorization: Bearer TOKEN'; may be repeated. In the
    /// variable, one a line
    #[arg(
        long = "header",
        value_name = "NAME: VALUE",
        env = "HEADWATER_HEADER",
        hide_env_values = true,
        value_delimiter = '\n'
    )]
    headers: Vec<String>,
    /// Seconds to wait for the server. One that is busy and says when to come back is asked again within them
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
    /// Print a report as JSON; of several pictures, one a line
    #[arg(long)]
    json: bool,
    /// Cut each out so many times in one session; a report is printed of each
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    repeat: u32,
}

/// Marks errors that are no picture's: there is no session.
#[derive(Debug)]
struct NoSession;

impl std::fmt::Display for NoSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("no session can be opened")
    }
}

impl Arguments {
    /// Whether this is a run over several pictures, if only one was found in a folder.
    fn takes_several(&self, inputs: &[Input]) -> bool {
        inputs.len() > 1 || self.pictures.iter().any(|path| path.is_dir())
    }
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let bad = |message: &str| Err(Error::new(ErrorKind::BadArgument, message).into());
    if arguments.output.is_none() && arguments.mask.is_none() && !arguments.json {
        return bad("nothing to write: give -o CUTOUT.png, --mask MASK.png or --json");
    }
    arguments.codec.parse::<headwater::codec::Codec>()?;
    let inputs = inputs::collect(&arguments.pictures)?;
    let outputs = outputs::plan(arguments, &inputs)?;
    let piped = outputs.iter().flat_map(Outputs::destinations).any(|destination| destination.is_stdout());
    if piped && arguments.json {
        return bad("--json writes to standard output, where a picture goes: expected a file for the picture");
    }
    let run = Run { arguments, several: arguments.takes_several(&inputs), piped, bar: progress_bar() };
    run.over(&inputs, &outputs)
}

/// Drawn only where stderr is a terminal.
fn progress_bar() -> ProgressBar {
    let bar = ProgressBar::new_spinner().with_finish(ProgressFinish::AndClear);
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

/// One run of the command.
struct Run<'a> {
    arguments: &'a Arguments,
    several: bool,
    /// Whether standard output is a picture.
    piped: bool,
    bar: ProgressBar,
}

impl Run<'_> {
    fn over(&self, inputs: &[Input], outputs: &[Outputs]) -> anyhow::Result<()> {
        let mut session = None;
        let (mut failed, mut unusable) = (0, 0);
        for (index, (input, outputs)) in inputs.iter().zip(outputs).enumerate() {
            let count = if self.several { format!("{} of {}: ", index + 1, inputs.len()) } else { String::new() };
            self.bar.set_message(format!("{count}{}", input.name()));
            let cut = input.read().map_err(anyhow::Error::from).and_then(|picture| {
                // Made for the first picture that can be read. Without it there is no next one to go on with.
                let session = match &session {
                    Some(session) => session,
                    None => session.insert(Ready::open(self.arguments).map_err(|e| e.context(NoSession))?),
                };
                self.cut_out(input, &picture, outputs, session)
            });
            let Err(e) = cut else { continue };
            match e.downcast_ref::<Error>() {
                Some(error) if self.several && !e.is::<NoSession>() && leaves_others_alone(error.kind()) => {
                    self.leave_out(input, error)?;
                    failed += 1;
                    unusable += usize::from(error.kind() == ErrorKind::BadImage);
                }
                _ => return Err(e),
            }
        }
        self.bar.finish_and_clear();
        match (failed, inputs.len()) {
            (0, _) => Ok(()),
            (_, all) if unusable == all => {
                Err(Error::new(ErrorKind::BadImage, format!("none of {all} pictures could be read")).into())
            }
            (failed, all) => Err(anyhow::anyhow!("{failed} of {all} pictures failed")),
        }
    }

    /// From the picture to its files and its report.
    fn cut_out(&self, input: &Input, picture: &Picture, outputs: &Outputs, session: &Ready) -> anyhow::Result<()> {
        let arguments = self.arguments;
        let name = input.name();
        let warnings: Vec<String> = picture.warnings().iter().map(|warning| format!("{name}: {warning}")).collect();
        self.bar.suspend(|| crate::convert::warn(&warnings));
        let (mask, reports) = session.segment(picture, arguments.repeat)?;
        if let Some(destination) = &outputs.mask {
            destination.write(&mask.to_png()?)?;
        }
        if let Some((destination, format)) = &outputs.cutout {
            let cutout = Cutout::new(picture, &mask, arguments.edges)?;
            destination.write(&format.encode(&cutout, arguments.background)?)?;
        }
        if self.piped {
            return Ok(());
        }
        let text = if arguments.json {
            let named = self.several.then_some((input, outputs));
            reports.iter().map(|report| report::json(report, named)).collect::<Result<String, _>>()?
        } else {
            let paths = outputs.destinations().map(|destination| format!("{}\n", destination.path().display()));
            paths.chain(reports.iter().map(report::sentence)).collect()
        };
        self.bar.suspend(|| crate::print(&text))
    }

    /// Says what became of a picture that is left out.
    fn leave_out(&self, input: &Input, error: &Error) -> anyhow::Result<()> {
        let name = input.name();
        let text = error.to_string();
        let named = if text.starts_with(&name) { text } else { format!("{name}: {text}") };
        self.bar.suspend(|| {
            eprintln!("headwater: {}", crate::one_line(&named));
            if self.arguments.json { crate::print(&report::failure(&name, error)) } else { Ok(()) }
        })
    }
}

/// Whether what befell one picture says nothing of the next one.
fn leaves_others_alone(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::BadImage
            | ErrorKind::BadArgument
            | ErrorKind::Io
            | ErrorKind::ServerBusy
            | ErrorKind::ServerError
            | ErrorKind::Timeout
    )
}

fn parse_seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds) if (0.001..=86_400.0).contains(&seconds) => Ok(seconds),
        _ => Err(format!("expected seconds, 0.001 to 86400; found {text:?}")),
    }
}
