//! Files and arguments that no run could honour: status 2, one line, nothing written.

use crate::{Desk, finish, headwater, refused, run};
use std::path::Path;

/// Both readers of model files on one that is broken.
fn assert_model_refused(desk: &Desk, what: &str, bytes: &[u8]) {
    let model = desk.path("broken.safetensors");
    std::fs::write(&model, bytes).unwrap();
    let output = desk.segment_files(&desk.path("photo.png"), &model, &["--split", "remote"]);
    desk.assert_refused(what, &output, 2);
    refused(what, &run([Path::new("inspect"), &model]), 2);
}

/// A file with this header, `bytes` long in all.
fn with_header(header: &str, bytes: usize) -> Vec<u8> {
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend_from_slice(header.as_bytes());
    file.resize(bytes.max(file.len()), 0);
    file
}

#[test]
fn a_model_cut_short_at_any_length() {
    let desk = Desk::new();
    let whole = std::fs::read(desk.path("mini.safetensors")).unwrap();
    let header = 8 + u64::from_le_bytes(whole[..8].try_into().unwrap()) as usize;
    for length in [0, 1, 7, 8, 9, header / 2, header - 1, header, header + 1, whole.len() - 1] {
        assert_model_refused(&desk, &format!("{length} of {} bytes", whole.len()), &whole[..length]);
    }
    let longer = [whole.as_slice(), &[0]].concat();
    assert_model_refused(&desk, "a byte too many", &longer);
}

#[test]
fn a_model_whose_header_lies() {
    let desk = Desk::new();
    let whole = std::fs::read(desk.path("mini.safetensors")).unwrap();
    for length in [u64::MAX, u64::MAX - 7, 1 << 62, 1 << 40, whole.len() as u64, 33 << 20] {
        let mut file = whole.clone();
        file[..8].copy_from_slice(&length.to_le_bytes());
        assert_model_refused(&desk, &format!("a header of {length} bytes"), &file);
    }
    let tensor = |shape: &str, from: u64, to: u64| {
        format!(r#"{{"w": {{"dtype": "F32", "shape": {shape}, "data_offsets": [{from}, {to}]}}}}"#)
    };
    for (what, header) in [
        ("offsets beyond the file", tensor("[1099511627776]", 0, 4 << 40)),
        ("offsets that end before they start", tensor("[4]", 16, 0)),
        ("a shape that overflows", tensor("[18446744073709551615, 18446744073709551615]", 0, 16)),
        ("a shape with more than its bytes", tensor("[1000000]", 0, 16)),
        ("no model's metadata", tensor("[4]", 0, 16)),
        ("nothing", "{}".to_owned()),
        ("no JSON", "these are not the bytes you are looking for".to_owned()),
        ("a manifest of another form", r#"{"__metadata__": {"headwater.v1": "{\"name\": 7}"}}"#.to_owned()),
        ("JSON of 100,000 levels", "[".repeat(100_000) + &"]".repeat(100_000)),
        (
            "a manifest of 100,000 levels",
            format!(r#"{{"__metadata__": {{"headwater.v1": "{}"}}}}"#, "[".repeat(100_000)),
        ),
    ] {
        assert_model_refused(&desk, what, &with_header(&header, header.len() + 8 + 16));
    }
}

/// A manifest that fits its file in everything but one number.
#[test]
fn a_model_whose_graph_lies() {
    let desk = Desk::new();
    let whole = std::fs::read(desk.path("mini.safetensors")).unwrap();
    let header = u64::from_le_bytes(whole[..8].try_into().unwrap()) as usize;
    let text = std::str::from_utf8(&whole[8..8 + header]).unwrap();
    for (what, from, to) in [
        ("an input of another size", r#"\"shape\":[1,3,32,32]"#, r#"\"shape\":[1,3,32,99]"#),
        ("a node that reads a tensor there is not", r#"\"inputs\":[0]"#, r#"\"inputs\":[90]"#),
        ("a stride of nothing", r#"\"strides\":[2,2]"#, r#"\"strides\":[0,2]"#),
        ("groups of nothing", r#"\"groups\":1"#, r#"\"groups\":0"#),
        ("a scale without end", r#"\"scales\":[2.0,2.0]"#, r#"\"scales\":[2e99,2.0]"#),
        ("a scale that shrinks to nothing", r#"\"scales\":[2.0,2.0]"#, r#"\"scales\":[-2.0,2.0]"#),
        ("pads without end", r#"\"pads\":[1,1,1,1]"#, r#"\"pads\":[18446744073709551615,1,1,1]"#),
    ] {
        assert!(text.contains(from), "{what}: {from} is not in {text}");
        let header = text.replacen(from, to, 1);
        let mut file = with_header(&header, 0);
        file.extend_from_slice(&whole[8 + text.len()..]);
        assert_model_refused(&desk, what, &file);
    }
}

#[test]
fn pictures_that_are_none() {
    let desk = Desk::new();
    let model = desk.path("mini.safetensors");
    let png = std::fs::read(desk.path("photo.png")).unwrap();
    let mut flipped = png.clone();
    flipped[png.len() / 2] ^= 0xff;
    for (what, bytes) in [
        ("text", b"Dear reader, this is no picture.".as_slice()),
        ("nothing", b""),
        ("half a PNG", &png[..png.len() / 2]),
        ("a PNG's signature", &png[..8]),
        ("a damaged PNG", &flipped),
        ("a model", &std::fs::read(&model).unwrap()),
    ] {
        let picture = desk.path("picture.png");
        std::fs::write(&picture, bytes).unwrap();
        let line = desk.assert_refused(what, &desk.segment_files(&picture, &model, &["--split", "remote"]), 2);
        assert!(line.contains("picture.png"), "{what}: {line}");
    }
}

/// A PNG that says it is 4 gigapixels and holds nothing: refused by its header, not by running out of memory.
#[test]
fn a_picture_that_would_not_fit() {
    let desk = Desk::new();
    let mut png = std::fs::read(desk.path("photo.png")).unwrap();
    png[16..24].copy_from_slice(&[0, 1, 0, 0, 0, 1, 0, 0]);
    let crc = crc32(&png[12..29]);
    png[29..33].copy_from_slice(&crc.to_be_bytes());
    let picture = desk.path("vast.png");
    std::fs::write(&picture, png).unwrap();
    let output = desk.segment_files(&picture, &desk.path("mini.safetensors"), &["--split", "remote"]);
    let line = desk.assert_refused("65536x65536 pixels", &output, 2);
    assert!(line.contains("65536x65536"), "{line}");
}

/// The checksum of PNG's chunks.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 })
    })
}

#[test]
fn files_that_are_not_there() {
    let desk = Desk::new();
    let (picture, model, missing) = (desk.path("photo.png"), desk.path("mini.safetensors"), desk.path("missing"));
    let remote = &["--split", "remote"];
    for (what, output) in [
        ("no picture", desk.segment_files(&missing, &model, remote)),
        ("no model", desk.segment_files(&picture, &missing, remote)),
        ("a folder for a picture", desk.segment_files(&desk.path("out"), &model, remote)),
        ("a folder for a model", desk.segment_files(&picture, &desk.path("out"), remote)),
    ] {
        desk.assert_refused(what, &output, 2);
    }
    let line = refused("inspect", &run([Path::new("inspect"), &missing]), 2);
    assert!(line.contains("missing") && line.contains("headwater pull"), "{line}");
    for command in ["serve", "export"] {
        let mut command = headwater_with(command);
        command.arg("--model").arg(&missing);
        refused(&format!("{command:?}"), &finish(command), 2);
    }
}

fn headwater_with(subcommand: &str) -> std::process::Command {
    let mut command = headwater();
    command.arg(subcommand);
    if subcommand == "export" {
        command.args(["--split", "U1", "-o", "nowhere"]);
    }
    command
}

#[test]
fn arguments_that_mean_nothing() {
    let desk = Desk::new();
    for (arguments, expected) in [
        (["--split", "U9"], "U1, U2"),
        (["--split", ""], "U1, U2"),
        (["--split", "P999"], "P1 to P"),
        (["--codec", "mp3"], "f32"),
        (["--size", "0"], "512"),
        (["--size", "12x"], "512"),
        (["--size", "-4"], "-4"),
        (["--size", "99999999999999999999"], "32768"),
        (["--timeout", "never"], "seconds"),
        (["--timeout", "-1"], "-1"),
        (["--server", "ftp://example.com"], "http"),
        (["--frobnicate", "1"], "--frobnicate"),
    ] {
        let mut all = arguments.to_vec();
        if arguments[0] != "--split" {
            all.extend(["--split", "remote"]);
        }
        let line = desk.assert_refused(&format!("{arguments:?}"), &desk.segment(&all), 2);
        assert!(line.contains(expected), "{arguments:?}: {line}");
    }
    let picture = desk.path("photo.png");
    let nothing = run([Path::new("segment"), &picture]);
    assert!(refused("nothing to write", &nothing, 2).contains("--mask"));
    assert!(refused("no picture", &run(["segment"]), 2).contains("<PICTURE>"));
    assert!(refused("no such command", &run(["cut"]), 2).contains("cut"));
}

#[test]
fn a_size_that_the_net_cannot_run_at() {
    let desk = Desk::new();
    // Odd on the way down, so that what comes up again does not fit beside what stayed.
    let output = desk.segment(&["--split", "remote", "--size", "30x30"]);
    let line = desk.assert_refused("30x30", &output, 2);
    assert!(line.contains("30x30") && line.contains("node"), "{line}");
}

#[test]
fn an_output_folder_that_is_not_there() {
    let desk = Desk::new();
    let mut command = headwater();
    command.arg("segment").arg(desk.path("photo.png")).arg("--model").arg(desk.path("mini.safetensors"));
    command.args(["--split", "remote", "-o"]).arg(desk.path("nowhere/cutout.png"));
    // The world is at fault and not the request's form.
    let line = refused("no folder", &finish(command), 1);
    assert!(line.contains("nowhere"), "{line}");
}

#[test]
fn onnx_files_that_are_none() {
    let desk = Desk::new();
    for (what, bytes) in [("text", b"GIF89a; DROP TABLE models".as_slice()), ("nothing", b""), ("zeros", &[0; 4096])] {
        let (onnx, out) = (desk.path("broken.onnx"), desk.path("out/cutout.png"));
        std::fs::write(&onnx, bytes).unwrap();
        let output = run([Path::new("convert"), &onnx, Path::new("-o"), &out]);
        let line = desk.assert_refused(what, &output, 2);
        assert!(line.contains("broken.onnx"), "{what}: {line}");
    }
}
