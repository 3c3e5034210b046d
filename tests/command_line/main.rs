//! The command line as a user meets it: the real binary, its exit status, its one line on stderr, and what
//! it leaves in the output folder.

#[path = "../adapter/mod.rs"]
mod adapter;
mod bad_input;
mod bad_servers;
mod batch;
mod credentials;
#[path = "../mini/mod.rs"]
mod mini;
mod outputs;
mod serving;
#[path = "../stranger/mod.rs"]
mod stranger;
mod working;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Nothing here computes for long: what takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// A file of tunings that is not there.
const NO_TUNING: &str = "no-such-folder/tuning.json";

/// What stood where the cut-out goes before a run.
const BEFORE: &[u8] = b"an older cut-out";

/// The binary, told nothing by the environment but which adapter to use.
fn headwater() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_headwater"));
    command.env_remove("HEADWATER_MODEL").env_remove("RUST_LOG").env_remove("RUST_BACKTRACE");
    // No file: what a user has kept for this machine is none of the tests' business.
    command.env("HEADWATER_TUNING", NO_TUNING);
    // As on a server without a desktop, where Mesa's device selection would complain on our stderr.
    command.env_remove("XDG_RUNTIME_DIR").env_remove("NODEVICE_SELECT");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs it to its end; one that hangs is ended and fails the test.
fn finish(mut command: Command) -> Output {
    let child = command.spawn().unwrap();
    let id = child.id();
    let (tell, told) = std::sync::mpsc::channel();
    let waiting = std::thread::spawn(move || tell.send(child.wait_with_output().unwrap()));
    match told.recv_timeout(PATIENCE) {
        Ok(output) => {
            waiting.join().unwrap().unwrap();
            output
        }
        Err(_) => {
            signal(id, "KILL");
            panic!("{command:?} was still running after {PATIENCE:?}");
        }
    }
}

fn signal(process: u32, name: &str) {
    // The shell has it built in; the program of that name is not on every machine.
    assert!(Command::new("sh").args(["-c", &format!("kill -{name} {process}")]).status().unwrap().success());
}

/// A folder with a small model, a picture, and an older cut-out at the place of the new one.
struct Desk {
    folder: TempDir,
}

impl Desk {
    fn new() -> Self {
        let desk = Self { folder: tempfile::tempdir().unwrap() };
        mini::write_unet(&desk.path("mini.safetensors"));
        desk.picture("photo.png", 40, 30);
        std::fs::create_dir(desk.path("out")).unwrap();
        std::fs::write(desk.path("out/cutout.png"), BEFORE).unwrap();
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A picture in which every pixel differs from its neighbours.
    fn picture(&self, name: &str, width: u32, height: u32) -> PathBuf {
        let path = self.path(name);
        let pixel = |x: u32, y: u32| image::Rgb([(x * 7 + y) as u8, (y * 11) as u8, (x ^ y) as u8]);
        image::RgbImage::from_fn(width, height, pixel).save(&path).unwrap();
        path
    }

    /// Segments the picture with the model, its cut-out going over the older one.
    fn segment(&self, extra: &[&str]) -> Output {
        self.segment_files(&self.path("photo.png"), &self.path("mini.safetensors"), extra)
    }

    fn segment_files(&self, picture: &Path, model: &Path, extra: &[&str]) -> Output {
        let mut command = headwater();
        command.arg("segment").arg(picture).arg("-o").arg(self.path("out/cutout.png")).arg("--model").arg(model);
        finish({
            command.args(extra);
            command
        })
    }

    /// Whether the output folder is as it was before anything ran.
    fn assert_untouched(&self, what: &str) {
        let names: Vec<_> =
            std::fs::read_dir(self.path("out")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["cutout.png"], "{what}: left something in the folder");
        assert_eq!(std::fs::read(self.path("out/cutout.png")).unwrap(), BEFORE, "{what}: touched the older cut-out");
    }

    /// A failure to the promise: status, one line, and nothing written.
    fn assert_refused(&self, what: &str, output: &Output, status: i32) -> String {
        self.assert_untouched(what);
        refused(what, output, status)
    }
}

/// The one line of a failed run.
fn refused(what: &str, output: &Output, status: i32) -> String {
    let stderr = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(status), "{what}: {stderr}");
    assert!(output.stdout.is_empty(), "{what}: {}", String::from_utf8_lossy(&output.stdout));
    let lines: Vec<&str> = stderr.lines().collect();
    let [line] = lines[..] else { panic!("{what}: expected one line, found {stderr:?}") };
    assert!(line.starts_with("headwater: ") && line.len() > 20, "{what}: {line}");
    assert!(!line.contains("panicked") && !line.chars().any(char::is_control), "{what}: {line}");
    line.to_owned()
}

/// What a run that went well says on stdout.
fn succeeded(what: &str, output: &Output) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{what}: {stderr}");
    assert!(!stderr.contains("panicked"), "{what}: {stderr}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn run<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Output {
    let mut command = headwater();
    command.args(arguments);
    finish(command)
}

/// Fails when `started` is longer ago than a user would wait for a refusal.
fn assert_soon(what: &str, started: Instant) {
    assert!(started.elapsed() < PATIENCE / 3, "{what} took {:?}", started.elapsed());
}
