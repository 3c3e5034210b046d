//! The command line.
//!
//! Exit status: 0 done, 2 bad usage or input, 1 anything else; then one line on stderr says what was
//! expected and what was found.

mod bench;
mod convert;
mod device;
mod export;
mod inspect;
mod interrupt;
mod model_file;
mod pull;
mod segment;
mod serve;
mod transport;
mod tune;

use clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand as HelpForNothing;
use clap::{Parser, Subcommand};
use headwater::ErrorKind;
use headwater::files::Destination;
use headwater::image::MAX_SIDE;
use std::process::ExitCode;

/// Background removal split between this machine's GPU and a server.
#[derive(Parser)]
#[command(version, about, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Pull(pull::Arguments),
    Convert(convert::Arguments),
    Inspect(inspect::Arguments),
    Segment(segment::Arguments),
    Serve(serve::Arguments),
    Bench(bench::Arguments),
    Tune(tune::Arguments),
    Export(export::Arguments),
    /// List the graphics adapters of this machine
    Adapters,
}

fn main() -> ExitCode {
    quiet_mesa();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        // Help and version are answers; so is the help that stands in for a missing command.
        Err(e) if !e.use_stderr() || e.kind() == HelpForNothing => e.exit(),
        Err(e) => {
            eprintln!("headwater: {}", usage_mistake(&e));
            return ExitCode::from(2);
        }
    };
    // The server ends what it has begun first, in its own way.
    if !matches!(arguments.command, Command::Serve(_)) {
        interrupt::watch();
    }
    let done = match arguments.command {
        Command::Pull(arguments) => pull::run(&arguments),
        Command::Convert(arguments) => convert::run(&arguments),
        Command::Inspect(arguments) => inspect::run(&arguments),
        Command::Segment(arguments) => segment::run(&arguments),
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Tune(arguments) => tune::run(&arguments),
        Command::Export(arguments) => export::run(&arguments),
        Command::Adapters => adapters(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            let ours = e.downcast_ref::<headwater::Error>();
            // Our errors tell their causes themselves; causes may bring line breaks, the promise is one line.
            let text = ours.map_or_else(|| format!("{e:#}"), ToString::to_string);
            eprintln!("headwater: {}", one_line(&text));
            let kind = ours.map(headwater::Error::kind);
            ExitCode::from(if kind.is_some_and(ErrorKind::is_bad_input) { 2 } else { 1 })
        }
    }
}

/// Without line breaks and other control characters.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What is wrong with the arguments in one line, without the pointers to usage and help that follow it.
fn usage_mistake(e: &clap::Error) -> String {
    let text = e.to_string();
    let end = ["\n\nUsage:", "\n\nFor more information"].iter().filter_map(|tail| text.find(tail)).min();
    let said = &text[..end.unwrap_or(text.len())];
    one_line(said.trim_start_matches("error: "))
}

/// Mesa's device selection layer asks the desktop for its device, and without one it complains on stderr,
/// where one line of ours is all that may stand. There is nothing to select then: the layer is turned off.
fn quiet_mesa() {
    if cfg!(target_os = "linux") && std::env::var_os("XDG_RUNTIME_DIR").is_none() {
        // SAFETY: nothing else runs yet: this is the first call of `main`, before any thread is started.
        unsafe { std::env::set_var("NODEVICE_SELECT", "1") };
    }
}

fn adapters() -> anyhow::Result<()> {
    let found = pollster::block_on(headwater::gpu::adapters());
    if found.is_empty() {
        return print("no graphics adapter was found\n");
    }
    found.iter().try_for_each(|adapter| {
        let line = format!("{} ({}, {}), {}", adapter.name, adapter.kind, adapter.backend, adapter.driver);
        // Not every driver has a name.
        print(&(line.trim_end_matches(", ").to_owned() + "\n"))
    })
}

/// Width and height from `512` or `768x512`.
fn parse_size(text: &str) -> Result<[usize; 2], String> {
    let (width, height) = text.split_once('x').unwrap_or((text, text));
    let side = |text: &str| text.parse().ok().filter(|side| (1..=MAX_SIDE).contains(side));
    match (side(width), side(height)) {
        (Some(width), Some(height)) => Ok([width, height]),
        _ => Err(format!("expected a side such as 512, or WIDTHxHEIGHT, each 1 to {MAX_SIDE}; found {text:?}")),
    }
}

/// Writes to stdout, unless that is where a result went.
fn print_beside(result: &Destination, text: &str) -> anyhow::Result<()> {
    if result.is_stdout() { Ok(()) } else { print(text) }
}

/// Writes to stdout; a reader that has gone, as `| head` does, is no error.
fn print(text: &str) -> anyhow::Result<()> {
    use std::io::Write;
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => Err(e.into()),
        _ => Ok(()),
    }
}
