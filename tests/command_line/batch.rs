//! Several pictures in one run, folders of them, and a picture from a pipe.

use crate::{Desk, finish, headwater, refused, succeeded};
use serde_json::Value;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Output};

/// `segment` in the desk's folder, of what the arguments name.
fn segment(desk: &Desk, arguments: &[&str]) -> Command {
    let mut command = headwater();
    command.current_dir(desk.folder.path()).args(["segment", "--model", "mini.safetensors", "--split", "remote"]);
    command.args(arguments);
    command
}

fn run(desk: &Desk, arguments: &[&str]) -> Output {
    finish(segment(desk, arguments))
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn objects(stdout: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}"))).collect()
}

fn size(path: &Path) -> (u32, u32) {
    image::image_dimensions(path).unwrap()
}

#[test]
fn several_pictures_share_a_session() {
    let desk = Desk::new();
    desk.picture("b.png", 20, 10);
    fs::create_dir(desk.path("folder")).unwrap();
    for (name, width) in [("d.png", 12), ("c.PNG", 11), (".hidden.png", 10)] {
        desk.picture(&format!("folder/{}", name.to_lowercase()), width, 9);
        fs::rename(desk.path(&format!("folder/{}", name.to_lowercase())), desk.path(&format!("folder/{name}")))
            .unwrap();
    }
    fs::write(desk.path("folder/notes.txt"), "no picture").unwrap();
    let output = run(&desk, &["photo.png", "b.png", "folder", "-o", "new/", "--mask", "new", "--json"]);
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    assert_eq!(
        names(&desk.path("new")),
        ["b-mask.png", "b.png", "c-mask.png", "c.png", "d-mask.png", "d.png", "photo-mask.png", "photo.png"]
    );
    let reports = objects(&output.stdout);
    let of = |key: &str| reports.iter().map(|report| report[key].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(of("picture"), ["photo.png", "b.png", "folder/c.PNG", "folder/d.png"]);
    assert_eq!(of("output"), ["new/photo.png", "new/b.png", "new/c.png", "new/d.png"]);
    assert_eq!(of("mask")[2], "new/c-mask.png");
    // Setting up is once a session, so that one session has one number.
    assert!(reports.iter().all(|report| report["setup_millis"] == reports[0]["setup_millis"]), "{reports:?}");
    assert_eq!((size(&desk.path("new/b.png")), size(&desk.path("new/c.png"))), ((20, 10), (11, 9)));

    let sentences = succeeded("again, over the older ones", &run(&desk, &["photo.png", "b.png", "-o", "new"]));
    assert!(sentences.starts_with("new/photo.png\nsplit remote") && sentences.contains("new/b.png\n"), "{sentences}");
}

#[test]
fn bad_pictures_are_named_and_left_out() {
    let desk = Desk::new();
    fs::write(desk.path("bad.png"), "no picture").unwrap();
    desk.picture("last.png", 8, 8);
    let pictures = ["bad.png", "photo.png", "missing.png", "last.png"];
    let output = run(&desk, &[&pictures[..], &["-o", "out", "--json"]].concat());
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(names(&desk.path("out")), ["cutout.png", "last.png", "photo.png"]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    let lines: Vec<&str> = stderr.lines().collect();
    assert!(lines.len() == 3 && lines.iter().all(|line| line.starts_with("headwater: ")), "{stderr}");
    assert!(
        lines[0].contains("bad.png") && lines[1].contains("missing.png") && lines[2].contains("2 of 4"),
        "{stderr}"
    );
    let reports = objects(&output.stdout);
    assert_eq!(reports.len(), 4);
    assert_eq!((reports[0]["picture"].as_str(), reports[0]["code"].as_str()), (Some("bad.png"), Some("bad-image")));
    assert!(reports[1]["split"] == "remote" && reports[2]["error"].is_string());

    let output = run(&desk, &["bad.png", "missing.png", "-o", "out"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("none of 2"), "{output:?}");
}

/// What is wrong with the session is wrong for all.
#[test]
fn a_session_that_cannot_be_opened_ends_the_run() {
    let desk = Desk::new();
    desk.picture("b.png", 20, 10);
    fs::write(desk.path("mini.safetensors"), "no model").unwrap();
    refused("no model", &run(&desk, &["photo.png", "b.png", "-o", "new"]), 2);
    fs::remove_file(desk.path("mini.safetensors")).unwrap();
    let line = refused("nothing there", &run(&desk, &["photo.png", "b.png", "-o", "new"]), 2);
    assert!(line.contains("pull"), "{line}");
}

#[test]
fn pictures_of_one_name_get_a_number() {
    let desk = Desk::new();
    fs::create_dir(desk.path("other")).unwrap();
    desk.picture("other/photo.png", 8, 8);
    succeeded("two of one name", &run(&desk, &["photo.png", "other/photo.png", "-o", "new", "--format", "webp"]));
    assert_eq!(names(&desk.path("new")), ["photo-2.webp", "photo.webp"]);
    assert_eq!(size(&desk.path("new/photo-2.webp")), (8, 8));
}

#[test]
fn one_picture_may_go_into_a_folder() {
    let desk = Desk::new();
    succeeded("a new folder", &run(&desk, &["photo.png", "-o", "new/"]));
    succeeded("a folder", &run(&desk, &["photo.png", "-o", "out", "--background", "#fff", "--format", "jpeg"]));
    assert_eq!(
        (names(&desk.path("new")), names(&desk.path("out"))),
        (vec!["photo.png".to_owned()], vec!["cutout.png".to_owned(), "photo.jpg".to_owned()])
    );
}

#[test]
fn several_pictures_want_a_folder() {
    let desk = Desk::new();
    desk.picture("b.png", 20, 10);
    for (arguments, expected) in [
        (&["photo.png", "b.png", "-o", "out/cutout.png"][..], "a folder"),
        (&["photo.png", "b.png", "-o", "-"], "a folder"),
        (&["photo.png", "b.png", "-o", "new", "--mask", "-"], "a folder"),
        (&["photo.png", "b.png", "-o", "."], "itself"),
        (&["out/nothing", "-o", "out/cutout.png/"], "a folder"),
        (&["empty", "-o", "new"], "found none"),
        (&["-", "-", "-o", "new"], "twice"),
        (&["photo.png", "b.png", "-o", "new", "--format", "jpeg"], "--background"),
    ] {
        fs::create_dir_all(desk.path("empty")).unwrap();
        let line = refused(&format!("{arguments:?}"), &run(&desk, arguments), 2);
        assert!(line.contains(expected), "{arguments:?}: {line}");
        desk.assert_untouched(&format!("{arguments:?}"));
    }
}

#[test]
fn a_picture_comes_in_by_a_pipe_and_leaves_by_one() {
    let desk = Desk::new();
    let mut piped = segment(&desk, &["-", "-o", "-"]);
    piped.stdin(File::open(desk.path("photo.png")).unwrap());
    let output = finish(piped);
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    assert_eq!(image::load_from_memory(&output.stdout).unwrap().width(), 40);

    let mut named = segment(&desk, &["-", "-o", "new/"]);
    named.stdin(File::open(desk.path("photo.png")).unwrap());
    succeeded("into a folder", &finish(named));
    assert_eq!(names(&desk.path("new")), ["stdin.png"]);

    let line = refused("nothing", &run(&desk, &["-", "-o", "-"]), 2);
    assert!(line.contains("standard input"), "{line}");
}
