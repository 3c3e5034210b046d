//! Where results go: devices, pipes, links and standard output, and the formats of files.

use crate::{Desk, PATIENCE, finish, headwater, refused, signal, succeeded};
use image::{ColorType, DynamicImage, ImageFormat};
use std::fs;
use std::os::unix::fs::{FileTypeExt, symlink};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// `segment` of the desk's photograph, in the desk's folder.
fn segment(desk: &Desk, arguments: &[&str]) -> Command {
    let mut command = headwater();
    command.current_dir(desk.folder.path()).args(["segment", "photo.png", "--model", "mini.safetensors"]);
    command.args(["--split", "remote"]).args(arguments);
    command
}

fn run(desk: &Desk, arguments: &[&str]) -> Output {
    finish(segment(desk, arguments))
}

fn is_cutout(what: &str, bytes: &[u8]) {
    let cutout = image::load_from_memory_with_format(bytes, ImageFormat::Png).unwrap_or_else(|e| panic!("{what}: {e}"));
    assert_eq!((cutout.color(), cutout.width(), cutout.height()), (ColorType::Rgba8, 40, 30), "{what}");
}

fn open(desk: &Desk, name: &str, format: ImageFormat) -> DynamicImage {
    image::load_from_memory_with_format(&fs::read(desk.path(name)).unwrap(), format).unwrap()
}

/// A node like `/dev/null` in the desk's folder: the system's own must not be tried as the superuser.
#[test]
fn device_nodes_are_written_into() {
    let desk = Desk::new();
    let made = Command::new("mknod").arg(desk.path("null")).args(["c", "1", "3"]).output();
    if !made.is_ok_and(|made| made.status.success()) || fs::write(desk.path("null"), b"x").is_err() {
        return eprintln!("SKIPPED: device nodes: mknod is not allowed here");
    }
    symlink("null", desk.path("link.png")).unwrap();
    for arguments in [&["-o", "null"][..], &["--mask", "null"], &["-o", "null", "--mask", "null"], &["-o", "link.png"]]
    {
        succeeded(&format!("{arguments:?}"), &run(&desk, arguments));
        assert!(fs::metadata(desk.path("null")).unwrap().file_type().is_char_device(), "{arguments:?}");
    }
}

#[test]
fn pipes_take_the_cut_out() {
    let desk = Desk::new();
    let pipe = desk.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let reader = std::thread::spawn({
        let pipe = pipe.clone();
        move || fs::read(pipe).unwrap()
    });
    succeeded("a pipe", &run(&desk, &["-o", "pipe"]));
    is_cutout("a pipe", &reader.join().unwrap());
    assert!(fs::metadata(pipe).unwrap().file_type().is_fifo());
}

#[test]
fn links_lead_to_the_file_that_is_replaced() {
    let desk = Desk::new();
    symlink("out/cutout.png", desk.path("link.png")).unwrap();
    symlink("out/new.png", desk.path("new-link.png")).unwrap();
    succeeded("two links", &run(&desk, &["-o", "link.png", "--mask", "new-link.png"]));
    is_cutout("a link", &fs::read(desk.path("out/cutout.png")).unwrap());
    assert!(desk.path("link.png").is_symlink() && desk.path("new-link.png").is_symlink());
    assert_eq!(open(&desk, "out/new.png", ImageFormat::Png).color(), ColorType::L8);

    symlink("circle.png", desk.path("circle.png")).unwrap();
    assert!(refused("a circle", &run(&desk, &["-o", "circle.png"]), 1).contains("links"));
}

#[test]
fn standard_output_is_the_picture_and_nothing_else() {
    let desk = Desk::new();
    let names = ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"];
    for name in names.into_iter().filter(|name| *name == "-" || Path::new(name).exists()) {
        let output = run(&desk, &["-o", name]);
        assert!(output.status.success() && output.stderr.is_empty(), "{name}: {output:?}");
        is_cutout(name, &output.stdout);
        let refusal = refused(name, &run(&desk, &["-o", name, "--mask", "-"]), 2);
        assert!(refusal.contains("one place"), "{refusal}");
        assert!(refused(name, &run(&desk, &["-o", name, "--json"]), 2).contains("--json"));
    }
    let output = run(&desk, &["--mask", "-", "-o", "cutout.png"]);
    assert_eq!(image::load_from_memory(&output.stdout).unwrap().color(), ColorType::L8);
    is_cutout("beside the mask", &fs::read(desk.path("cutout.png")).unwrap());
    // To a file, by the shell.
    let mut to_file = segment(&desk, &["-o", "/dev/stdout"]);
    to_file.stdout(fs::File::create(desk.path("shell.png")).unwrap());
    succeeded("to a file", &finish(to_file));
    is_cutout("to a file", &fs::read(desk.path("shell.png")).unwrap());
}

#[test]
fn a_reader_that_has_gone_gets_no_picture() {
    let desk = Desk::new();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut gone = segment(&desk, &["-o", "-"]);
    gone.stdout(writer);
    let output = finish(gone);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("writing -"), "{output:?}");
}

#[test]
fn names_say_the_format() {
    let desk = Desk::new();
    for (name, format, arguments) in [
        ("a.PNG", ImageFormat::Png, &[][..]),
        ("a.webp", ImageFormat::WebP, &[]),
        ("a", ImageFormat::Png, &[]),
        ("a.cutout", ImageFormat::WebP, &["--format", "webp"]),
        ("b", ImageFormat::WebP, &["--format", "webp"]),
    ] {
        succeeded(name, &run(&desk, &[&["-o", name], arguments].concat()));
        assert_eq!(open(&desk, name, format).color(), ColorType::Rgba8, "{name}");
    }
    for (name, arguments, expected) in [
        ("a.gif", &[][..], ".webp"),
        ("a.jpg", &[], "--background"),
        ("a.JPEG", &[], "--background"),
        ("a.png", &["--format", "jpeg", "--background", "white"], "--format"),
        ("a.png", &["--format", "jpeg"], "--background"),
        ("a.png", &["--background", "transparent"], "#rrggbb"),
        ("a.png", &["--format", "gif"], "webp"),
        ("a.png", &["--edges", "soft"], "clean or keep"),
        ("a.png", &["--mask", "mask.jpg"], ".png"),
    ] {
        let line = refused(name, &run(&desk, &[&["-o", name], arguments].concat()), 2);
        assert!(line.contains(expected), "{name} {arguments:?}: {line}");
        assert!(name == "a.png" || !desk.path(name).exists(), "{name}");
    }
}

#[test]
fn backgrounds_show_through() {
    let desk = Desk::new();
    succeeded("a mask", &run(&desk, &["--mask", "mask.png"]));
    let mask = open(&desk, "mask.png", ImageFormat::Png).into_luma8();
    let (x, y, &alpha) = mask.enumerate_pixels().min_by_key(|(_, _, alpha)| alpha.0[0]).unwrap();
    let share = f32::from(255 - alpha.0[0]) / 255.0;
    for (name, format, colour) in [
        ("cut.jpg", ImageFormat::Jpeg, "#f0f"),
        ("cut.png", ImageFormat::Png, "fuchsia"),
        ("cut.webp", ImageFormat::WebP, "#FF00FF"),
    ] {
        succeeded(name, &run(&desk, &["-o", name, "--background", colour]));
        let cut = open(&desk, name, format);
        assert_eq!((cut.color(), cut.width(), cut.height()), (ColorType::Rgb8, 40, 30), "{name}");
        // As much of it as the mask lets through; JPEG adds what its blocks do.
        let red = f32::from(cut.into_rgb8().get_pixel(x, y).0[0]);
        assert!(red > 255.0 * share - 30.0, "{name}: {red} at alpha {alpha:?}");
    }
}

#[test]
fn outputs_in_one_place_are_refused_before_any_work() {
    let desk = Desk::new();
    symlink("out/cutout.png", desk.path("link.png")).unwrap();
    fs::hard_link(desk.path("out/cutout.png"), desk.path("hard.png")).unwrap();
    for mask in ["out/cutout.png", "out/../out/cutout.png", "link.png", "hard.png"] {
        let line = refused(mask, &run(&desk, &["-o", "out/cutout.png", "--mask", mask]), 2);
        assert!(line.contains("one place"), "{line}");
        desk.assert_untouched(mask);
    }
    let line = refused("two new names", &run(&desk, &["-o", "x.png", "--mask", "./x.png"]), 2);
    assert!(line.contains("x.png") && !desk.path("x.png").exists(), "{line}");
    let photo = fs::read(desk.path("photo.png")).unwrap();
    symlink("photo.png", desk.path("same.png")).unwrap();
    for name in ["photo.png", "same.png"] {
        let line = refused(name, &run(&desk, &["-o", name]), 2);
        assert!(line.contains("itself"), "{line}");
        assert!(fs::read(desk.path("photo.png")).unwrap() == photo);
    }
}

/// Nothing follows it on standard output, and it does not take the place of what it is made from.
#[test]
fn converted_models_are_whole_wherever_they_go() {
    let desk = Desk::new();
    let net = onnx(&desk);
    let convert = |output: &Path| {
        let mut convert = headwater();
        convert.arg("convert").arg(&net).arg("-o").arg(output);
        finish(convert)
    };
    succeeded("a file", &convert(&desk.path("net.safetensors")));
    let piped = convert(Path::new("/dev/stdout"));
    assert!(piped.status.success(), "{piped:?}");
    assert!(piped.stdout == fs::read(desk.path("net.safetensors")).unwrap());
    symlink(&net, desk.path("same.onnx")).unwrap();
    let line = refused("itself", &convert(&desk.path("same.onnx")), 2);
    assert!(line.contains("itself"), "{line}");
}

/// An ONNX file that can be converted.
fn onnx(desk: &Desk) -> PathBuf {
    let mut export = headwater();
    export.args(["export", "--split", "remote", "--model"]).arg(desk.path("mini.safetensors"));
    export.arg("-o").arg(desk.path("repository"));
    succeeded("export", &finish(export));
    desk.path("repository/mini_remote/1/model.onnx")
}

#[test]
fn folders_are_no_model_files() {
    let desk = Desk::new();
    fs::write(desk.path("net.onnx"), b"no net").unwrap();
    let mut convert = headwater();
    convert.current_dir(desk.folder.path()).args(["convert", "net.onnx", "-o", "out"]);
    refused("a folder", &finish(convert), 2);
    desk.assert_untouched("a folder");
}

/// The file is whole in the temporary folder and waits for the pipe's reader, who never comes.
#[test]
fn an_interrupted_process_leaves_no_temporary_file() {
    let desk = Desk::new();
    let (pipe, temporary) = (desk.path("pipe"), desk.path("temporary"));
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    fs::create_dir(&temporary).unwrap();
    let net = onnx(&desk);
    for (name, number) in [("INT", 2), ("TERM", 15)] {
        let mut convert = headwater();
        convert.args(["convert", "-o"]).arg(&pipe).arg(&net).env("TMPDIR", &temporary);
        let mut child = convert.spawn().unwrap();
        let entries = || fs::read_dir(&temporary).unwrap().count();
        let started = Instant::now();
        while entries() == 0 {
            assert!(started.elapsed() < PATIENCE && child.try_wait().unwrap().is_none(), "nothing was begun");
            std::thread::sleep(Duration::from_millis(5));
        }
        signal(child.id(), name);
        let status = child.wait().unwrap();
        assert_eq!((status.signal(), entries()), (Some(number), 0), "SIG{name}: {status}");
    }
}
