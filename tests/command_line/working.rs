//! Runs that go well, on a net of nine layers.

use crate::{Desk, adapter, finish, headwater, refused, run, succeeded};
use image::GenericImageView;
use serde_json::Value;
use std::path::Path;

/// Every key of the report and what JSON makes of its value.
const NUMBERS: [&str; 17] = [
    "client_macs",
    "server_macs",
    "client_weight_bytes",
    "up_bytes",
    "down_bytes",
    "head_millis",
    "encode_millis",
    "network_millis",
    "server_millis",
    "decode_millis",
    "tail_millis",
    "total_millis",
    "gpu_dispatches",
    "gpu_submits",
    "gpu_readbacks",
    "gpu_peak_bytes",
    "setup_millis",
];

/// Checks a report's form and gives it back.
fn report(stdout: &str) -> Value {
    let lines: Vec<&str> = stdout.lines().collect();
    assert_eq!(lines.len(), 1, "one object on stdout: {stdout}");
    let report: Value = serde_json::from_str(lines[0]).unwrap();
    for key in NUMBERS {
        assert!(report[key].as_f64().is_some_and(|number| number >= 0.0), "{key}: {report}");
    }
    for key in ["model", "model_sha256", "split", "codec"] {
        assert!(report[key].as_str().is_some_and(|text| !text.is_empty()), "{key}: {report}");
    }
    assert_eq!(report["model_sha256"].as_str().unwrap().len(), 64, "{report}");
    assert!(report["size"].as_array().is_some_and(|size| size.len() == 2 && size.iter().all(Value::is_u64)));
    if !report["adapter"].is_null() {
        for key in ["name", "type", "backend"] {
            assert!(report["adapter"][key].is_string(), "adapter.{key}: {report}");
        }
        assert!(report["adapter"]["f16"].is_boolean(), "{report}");
    }
    let fallback = report.as_object().unwrap().get("fallback").expect("fallback is there, if only as null");
    assert!(fallback.is_null() || fallback.is_string(), "{report}");
    report
}

/// The new cut-out's size, and whether its alpha says anything.
fn cutout(desk: &Desk) -> (u32, u32) {
    let cutout = image::open(desk.path("out/cutout.png")).unwrap();
    assert_eq!(cutout.color(), image::ColorType::Rgba8);
    assert_eq!(std::fs::read_dir(desk.path("out")).unwrap().count(), 1, "nothing but the cut-out is left");
    cutout.dimensions()
}

#[test]
fn segment_on_the_server_alone() {
    let desk = Desk::new();
    let mask = desk.path("mask.png");
    let output = desk.segment(&["--split", "remote", "--json", "--mask", mask.to_str().unwrap()]);
    let report = report(&succeeded("remote", &output));
    assert_eq!((report["split"].as_str(), report["client_macs"].as_u64()), (Some("remote"), Some(0)));
    assert_eq!(report["size"], serde_json::json!([32, 32]));
    assert!(report["adapter"].is_null() && report["fallback"].is_null(), "{report}");
    assert!(report["server_macs"].as_u64() > Some(0) && report["down_bytes"].as_u64() > Some(0), "{report}");
    assert_eq!(cutout(&desk), (40, 30));
    let mask = image::open(mask).unwrap();
    assert_eq!((mask.color(), mask.dimensions()), (image::ColorType::L8, (40, 30)));
}

#[test]
fn segment_here_and_split() {
    let Some(_) = adapter::open("segment --split local and U1") else { return };
    let desk = Desk::new();
    let mut masks = Vec::new();
    for (split, segments, crosses) in [("local", 1, false), ("U1", 2, true), ("P3", 1, true)] {
        let mask = desk.path(&format!("{split}.png"));
        let codec = ["--codec", "f32", "--json", "--mask", mask.to_str().unwrap()];
        let output = desk.segment(&[["--split", split].as_slice(), &codec].concat());
        let report = report(&succeeded(split, &output));
        assert_eq!((report["split"].as_str(), report["codec"].as_str()), (Some(split), Some("f32")));
        assert_eq!(report["gpu_submits"].as_u64(), Some(segments), "{report}");
        assert_eq!(report["gpu_readbacks"].as_u64(), Some(segments), "{report}");
        assert!(report["adapter"].is_object() && report["fallback"].is_null(), "{report}");
        assert!(report["gpu_dispatches"].as_u64() > Some(0) && report["gpu_peak_bytes"].as_u64() > Some(0));
        assert!(report["client_weight_bytes"].as_u64() > Some(0), "{report}");
        assert_eq!(report["server_macs"].as_u64() > Some(0), crosses, "{report}");
        assert_eq!(report["up_bytes"].as_u64() > Some(0), crosses, "{report}");
        assert_eq!(cutout(&desk), (40, 30));
        masks.push(image::open(mask).unwrap().into_luma8());
    }
    assert!(masks.windows(2).all(|pair| pair[0] == pair[1]), "the masks differ between splits");
    assert!(masks[0].pixels().any(|pixel| pixel != masks[0].get_pixel(0, 0)), "a mask of one value proves nothing");
}

#[test]
fn people_get_a_sentence() {
    let desk = Desk::new();
    let stdout = succeeded("without --json", &desk.segment(&["--split", "remote"]));
    assert!(stdout.contains("cutout.png") && stdout.contains("split remote, 32x32"), "{stdout}");
}

#[test]
fn a_picture_cut_out_again_is_told_of_again() {
    let desk = Desk::new();
    let lines = succeeded("three reports", &desk.segment(&["--split", "remote", "--json", "--repeat", "3"]));
    assert_eq!(lines.lines().map(report).filter(|report| report["split"] == "remote").count(), 3, "{lines}");
    let sentences = succeeded("two sentences", &desk.segment(&["--split", "remote", "--repeat", "2"]));
    assert_eq!(sentences.matches("split remote").count(), 2, "{sentences}");
    refused("never", &desk.segment(&["--split", "remote", "--repeat", "0"]), 2);
}

#[test]
fn without_an_adapter_the_mask_is_made_all_the_same() {
    let desk = Desk::new();
    for split in ["auto", "local", "U1"] {
        let output = desk.segment(&["--split", split, "--adapter", "none", "--json"]);
        let report = report(&succeeded(split, &output));
        assert!(report["fallback"].as_str().is_some_and(|reason| reason.contains("none")), "{split}: {report}");
        assert_eq!(report["split"].as_str(), Some("remote"), "{split}");
        assert!(report["adapter"].is_null());
        assert_eq!(cutout(&desk), (40, 30));
    }
}

#[test]
fn an_adapter_that_is_not_there_is_a_mistake() {
    let Some(gpu) = adapter::open("segment --adapter nosuch") else { return };
    let desk = Desk::new();
    for split in ["auto", "local", "U1"] {
        let output = desk.segment(&["--split", split, "--adapter", "nosuch"]);
        let line = desk.assert_refused(split, &output, 1);
        assert!(line.contains("nosuch") && line.contains(&gpu.info().name), "{split}: {line}");
    }
}

#[test]
fn pictures_of_any_form() {
    let desk = Desk::new();
    for (width, height) in [(1, 1), (20_000, 20), (1, 3000)] {
        let picture = desk.picture("form.png", width, height);
        let output = desk.segment_files(&picture, &desk.path("mini.safetensors"), &["--split", "remote"]);
        succeeded(&format!("{width}x{height}"), &output);
        assert_eq!(cutout(&desk), (width, height));
    }
}

#[test]
fn other_sizes_and_codecs() {
    let desk = Desk::new();
    // A picture goes up, whatever the codec; the mask comes back in bytes, or in full where that is asked for.
    for (codec, used) in [("f32", "f32"), ("f16", "alpha8"), ("int8", "alpha8")] {
        let output = desk.segment(&["--split", "remote", "--size", "32x16", "--codec", codec, "--json"]);
        let report = report(&succeeded(codec, &output));
        assert_eq!(report["codec"].as_str(), Some(used));
        assert_eq!(report["size"], serde_json::json!([32, 16]));
    }
    let output = desk.segment(&["--split", "remote", "--codec", "alpha8"]);
    assert!(refused("a codec for masks", &output, 2).contains("f32, f16 or int8"));
}

#[test]
fn inspect_tells_of_layers_and_splits() {
    let desk = Desk::new();
    let model = desk.path("mini.safetensors");
    let stdout = succeeded("inspect", &run([Path::new("inspect"), &model, Path::new("--json")]));
    let all: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(all["name"].as_str(), Some("mini"));
    for key in ["weights", "macs", "tensors"] {
        assert!(all[key].as_u64() > Some(0), "{key}");
    }
    let layers = all["layers"].as_array().unwrap();
    let macs: u64 = layers.iter().map(|layer| layer["macs"].as_u64().unwrap()).sum();
    assert_eq!(Some(macs), all["macs"].as_u64());
    let splits = all["splits"].as_array().unwrap();
    let names: Vec<&str> = splits.iter().map(|split| split["name"].as_str().unwrap()).collect();
    assert!(names.starts_with(&["U1", "U2", "P1"]), "{names:?}");
    for split in splits {
        for way in ["up", "down"] {
            let tensors = split[way].as_array().unwrap();
            assert!(!tensors.is_empty(), "{split}");
            assert!(tensors.iter().all(|tensor| tensor["tensor"].is_string() && tensor["shape"].is_array()), "{split}");
        }
        let number = |key: &str| split[key].as_u64().unwrap_or_else(|| panic!("{key}: {split}"));
        assert_eq!(number("client_macs") + number("server_macs"), macs, "{split}");
        assert!(number("cut_values") > 0 && number("client_weight_bytes") < 1 << 20, "{split}");
    }
    let text = succeeded("inspect", &run([Path::new("inspect"), &model]));
    assert!(text.contains("mini") && text.contains("U1"), "{text}");
}

#[test]
fn export_writes_a_repository() {
    let desk = Desk::new();
    let repository = desk.path("repository");
    let export = |split: &str, part: &[&str]| {
        let mut command = headwater();
        command.args(["export", "--split", split, "--model"]).arg(desk.path("mini.safetensors"));
        command.arg("-o").arg(&repository).args(part);
        finish(command)
    };
    // What the client keeps for itself, the skip, leaves the head and enters the tail.
    for (part, name, tensors) in [
        (&[][..], "mini_U1", &["up", "down"][..]),
        (&["--part", "head"], "mini_U1_head", &["picture", "up", "skip"]),
        (&["--part", "tail"], "mini_U1_tail", &["down", "skip", "mask"]),
    ] {
        let stdout = succeeded("export", &export("U1", part));
        let home = repository.join(name);
        assert_eq!(stdout.trim(), home.to_str().unwrap());
        let config = std::fs::read_to_string(home.join("config.pbtxt")).unwrap();
        assert!(config.contains(&format!("name: \"{name}\"")) && config.contains("dims: [ 1, 4, 16, 16 ]"), "{config}");
        let onnx = std::fs::read(home.join("1/model.onnx")).unwrap();
        let written = rten::Model::load(onnx).unwrap();
        let ids = written.input_ids().iter().chain(written.output_ids());
        let names: Vec<_> = ids.map(|&id| written.node_info(id).unwrap().name().unwrap().to_owned()).collect();
        assert_eq!(names, tensors, "{name}");
    }
    refused("nothing to export", &export("local", &[]), 2);
    refused("no such split", &export("U9", &[]), 2);
    refused("nothing of the client's", &export("remote", &["--part", "head"]), 2);
    let line = refused("the server finishes", &export("P3", &["--part", "tail"]), 2);
    assert!(line.contains("P3"), "{line}");
    refused("no such part", &export("U1", &["--part", "middle"]), 2);
}

/// A pipe whose reader has gone is no error; a full disk behind stdout is one, told in a line.
#[test]
fn stdout_that_takes_nothing() {
    let desk = Desk::new();
    let model = desk.path("mini.safetensors");
    let commands = [
        vec!["segment", "photo.png", "-o", "out/cutout.png", "--split", "remote"],
        vec!["segment", "photo.png", "--split", "remote", "--json"],
        vec!["inspect"],
        vec!["export", "--split", "U1", "-o", "repository"],
        vec!["adapters"],
    ];
    for arguments in commands {
        let what = arguments.join(" ");
        let command = || {
            let mut command = headwater();
            command.args(&arguments).current_dir(desk.folder.path()).env("HEADWATER_MODEL", &model);
            command
        };
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut gone = command();
        gone.stdout(writer);
        succeeded(&what, &finish(gone));
        let mut full = command();
        full.stdout(std::fs::File::options().write(true).open("/dev/full").unwrap());
        refused(&what, &finish(full), 1);
    }
}

#[test]
fn help_and_version_are_no_mistakes() {
    assert!(succeeded("--help", &run(["--help"])).contains("segment"));
    assert!(succeeded("--version", &run(["--version"])).contains(env!("CARGO_PKG_VERSION")));
    assert!(succeeded("adapters", &run(["adapters"])).lines().count() > 0);
}

#[test]
fn bench_measures_ceilings_kernels_and_segments() {
    let Some(gpu) = adapter::open("bench") else { return };
    let desk = Desk::new();
    let model = desk.path("mini.safetensors");
    let common = ["bench", "--set", "vit", "--size", "32", "--split", "U1", "--json", "--model"];
    let stdout = succeeded("bench", &run(common.iter().map(Path::new).chain([model.as_path()])));
    let all: Value = serde_json::from_str(&stdout).unwrap();
    let positive = |value: &Value, key: &str| assert!(value[key].as_f64() > Some(0.0), "{key}: {value}");
    let ceilings = &all["ceilings"];
    let rates = ["f32_gflops", "gbytes_per_s", "readback_gbytes_per_s"];
    rates
        .iter()
        .chain(&["dispatch_micros", "submit_micros", "readback_micros"])
        .for_each(|key| positive(ceilings, key));
    assert_eq!(ceilings["f16_gflops"].as_f64() > Some(0.0), gpu.info().f16, "{ceilings}");
    let kernels = all["kernels"].as_array().unwrap();
    assert!(!kernels.is_empty() && kernels.iter().all(|time| time["net"].as_str() == Some("vit 224")), "{kernels:?}");
    for time in kernels {
        ["dispatches", "micros", "gbytes_per_s", "share_of_ceiling"].iter().for_each(|key| positive(time, key));
        assert!(["arithmetic", "memory", "dispatch"].contains(&time["bound"].as_str().unwrap()), "{time}");
    }
    let segments = all["segments"].as_array().unwrap();
    let names: Vec<&str> = segments.iter().map(|time| time["segment"].as_str().unwrap()).collect();
    assert_eq!(names, ["mini local", "mini U1 head", "mini U1 tail", "mini U1 session"]);
    for time in segments {
        let keys = ["wall_millis", "setup_millis", "kernels_millis", "dispatches", "submits", "readbacks"];
        keys.iter().for_each(|key| positive(time, key));
        let bytes = |key: &str| time[key].as_u64().unwrap();
        assert!(bytes("peak_bytes") > bytes("activation_bytes") + bytes("weight_bytes"), "{time}");
        assert!(bytes("activation_bytes") >= bytes("widest_bytes"), "{time}");
    }
    let number = |at: usize, key: &str| segments[at][key].as_u64().unwrap();
    assert_eq!((number(3, "submits"), number(3, "readbacks")), (2, 2));
    assert_eq!(number(3, "macs"), number(1, "macs") + number(2, "macs"));
    // What the head keeps for the tail stays where it is, and one set of buffers serves both.
    assert!(number(3, "dispatches") <= number(1, "dispatches") + number(2, "dispatches"));
    assert!(number(3, "peak_bytes") < number(1, "peak_bytes") + number(2, "peak_bytes"));
}

#[test]
fn bench_knows_its_sets() {
    let line = refused("a set nobody knows", &run(["bench", "--set", "isnet,resnet"]), 2);
    assert!(line.contains("resnet") && line.contains("isnet, mobilenet, vit"), "{line}");
}

#[test]
fn tune_keeps_what_later_runs_use() {
    let Some(_) = adapter::open("tune") else { return };
    let desk = Desk::new();
    let kept = desk.path("caches/tuning.json");
    let with = |arguments: &[&str]| {
        let mut command = headwater();
        command.env("HEADWATER_TUNING", &kept).args(arguments);
        finish(command)
    };
    let told: Value = serde_json::from_str(&succeeded("tune", &with(&["tune", "--json"]))).unwrap();
    let candidates = told["outcome"]["candidates"].as_array().unwrap();
    assert!(candidates.len() >= 4, "{told}");
    assert!(candidates.iter().all(|candidate| candidate["micros"].as_f64() > Some(0.0)), "{told}");
    let file: Value = serde_json::from_slice(&std::fs::read(&kept).unwrap()).unwrap();
    let tunings: Vec<&Value> = file.as_object().unwrap().values().collect();
    assert_eq!(tunings, [&told["outcome"]["tuning"]]);

    // A plan of direct convolutions only has one dispatch for each where Winograd's has three.
    let photo = desk.path("photo.png");
    let model = desk.path("mini.safetensors");
    let segment =
        ["segment", photo.to_str().unwrap(), "--split", "local", "--json", "--model", model.to_str().unwrap()];
    let output = desk.path("out/cutout.png");
    let dispatches = |transform_macs: u64| {
        let mut file = file.clone();
        for tuning in file.as_object_mut().unwrap().values_mut() {
            tuning["transform_macs"] = transform_macs.into();
        }
        std::fs::write(&kept, file.to_string()).unwrap();
        let run = with(&[&segment[..], &["-o", output.to_str().unwrap()]].concat());
        report(&succeeded("segment", &run))["gpu_dispatches"].as_u64().unwrap()
    };
    assert!(dispatches(0) > dispatches(u64::MAX));

    // Damage costs speed and a line on stderr, never the run.
    std::fs::write(&kept, "no JSON").unwrap();
    let run = with(&[&segment[..], &["-o", output.to_str().unwrap()]].concat());
    assert!(String::from_utf8_lossy(&run.stderr).contains("tune anew"), "{run:?}");
    succeeded("segment with a damaged file", &run);
    succeeded("tune over a damaged file", &with(&["tune"]));
    assert!(serde_json::from_slice::<Value>(&std::fs::read(&kept).unwrap()).is_ok());
}
