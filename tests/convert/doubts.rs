//! What is said of input and output that the net itself contradicts, and names.

use crate::Made;
use crate::onnx::{Onnx, float};
use headwater::import::{ConvertOptions, convert, fit_name};
use headwater::model::{Model, Postprocess};
use headwater::{ErrorKind, model::MemorySource};

/// A convolution to `c`, and whatever follows up to `y`.
fn net(last: impl FnOnce(Onnx) -> Onnx) -> Vec<u8> {
    let file = Onnx::new(&[1, 3, 4, 4]).floats("w", &[1, 3, 1, 1], &[1.0, 2.0, 3.0]);
    last(file.node("Conv", &["x", "w"], &["c"], vec![])).finish(&["y"])
}

fn warnings(onnx: &[u8], change: impl FnOnce(&mut ConvertOptions)) -> String {
    let mut options = ConvertOptions::new("net");
    change(&mut options);
    Made::with(onnx, &options).converted.warnings.join("\n")
}

#[test]
fn outputs_that_are_read_wrongly_are_doubted() {
    let sigmoid = net(|file| file.node("Sigmoid", &["c"], &["y"], vec![]));
    let resized = net(|file| {
        let file = file.floats("f", &[4], &[1.0, 1.0, 2.0, 2.0]).node("Sigmoid", &["c"], &["s"], vec![]);
        file.node("Resize", &["s", "", "f"], &["y"], vec![])
    });
    let clip = net(|file| {
        file.floats("0", &[], &[0.0]).floats("1", &[], &[1.0]).node("Clip", &["c", "0", "1"], &["y"], vec![])
    });
    let hard = net(|file| file.node("HardSigmoid", &["c"], &["y"], vec![float("alpha", 0.5)]));
    let conv = net(|file| file.node("Identity", &["c"], &["y"], vec![]));
    let tanh = net(|file| file.node("Tanh", &["c"], &["y"], vec![]));
    for (onnx, operator) in [(&sigmoid, "Sigmoid"), (&resized, "Sigmoid"), (&clip, "Clip"), (&hard, "HardSigmoid")] {
        assert_eq!(warnings(onnx, |_| ()), "");
        let said = warnings(onnx, |options| options.postprocess = Postprocess::Logit);
        assert!(said.contains(operator) && said.contains("--logit"), "{said}");
    }
    assert_eq!(warnings(&conv, |options| options.postprocess = Postprocess::Logit), "");
    let said = warnings(&conv, |_| ());
    assert!(said.contains("Conv") && said.contains("--logit"), "{said}");
    assert!(warnings(&tanh, |_| ()).contains("-1 to 1"));
}

#[test]
fn means_of_values_up_to_one_are_doubted() {
    let onnx = net(|file| file.node("Sigmoid", &["c"], &["y"], vec![]));
    let said = warnings(&onnx, |options| {
        options.mean = [0.485, 0.456, 0.406];
        options.scale = [0.229, 0.224, 0.225];
    });
    assert!(said.contains("58.395,57.12,57.375"), "{said}");
    let of_mean = |mean, scale| {
        warnings(&onnx, |options| {
            options.mean = mean;
            options.scale = scale;
        })
    };
    let said = of_mean([0.485, 0.456, 0.406], [255.0; 3]);
    assert!(said.contains("--mean 123.675,116.28,103.53 --std 255,255,255"), "{said}");
    let said = of_mean([0.5; 3], [1.0; 3]);
    assert!(said.contains("--mean 127.5,127.5,127.5 --std 255,255,255"), "{said}");
    assert!(!of_mean([0.0; 3], [255.0; 3]).contains("did you mean"));
    assert!(!of_mean([123.675, 116.28, 103.53], [58.395, 57.12, 57.375]).contains("did you mean"));
}

#[test]
fn names_are_made_of_any_text() {
    for (text, name) in [
        ("RMBG-1.4 (1)", "RMBG-1.4-1"),
        ("net", "net"),
        ("u2net_human_seg", "u2net_human_seg"),
        ("  модель  ", "model"),
        ("", "model"),
        ("..", "model"),
        ("a/b\\c", "a-b-c"),
    ] {
        assert_eq!(fit_name(text), name, "{text:?}");
    }
    let long = fit_name(&"x".repeat(100));
    assert_eq!(long.len(), 64);
    let onnx = net(|file| file.node("Sigmoid", &["c"], &["y"], vec![]));
    let folder = tempfile::tempdir().unwrap();
    let refused = convert(&onnx, &folder.path().join("m"), &ConvertOptions::new("RMBG-1.4 (1)")).unwrap_err();
    assert!(refused.kind() == ErrorKind::BadArgument && refused.message().contains("RMBG-1.4-1"), "{refused}");
}

#[test]
fn model_files_of_nets_that_other_runtimes_refuse_are_refused() {
    let made = Made::new(&net(|file| file.node("Sigmoid", &["c"], &["y"], vec![])));
    let bytes = std::fs::read(made.path()).unwrap();
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header = String::from_utf8(bytes[8..8 + length].to_vec()).unwrap();
    let open = |from: &str, to: &str| {
        let changed = header.replace(from, to);
        assert_ne!(changed, header, "{from}");
        let file = [&(changed.len() as u64).to_le_bytes(), changed.as_bytes(), &bytes[8 + length..]].concat();
        pollster::block_on(Model::open(&MemorySource(file))).map(|_| ())
    };
    for (from, to, word) in [
        (r#"{\"name\":\"c\","#, r#"{\"name\":\"\","#, "name"),
        (r#"\"outputs\":[2]"#, r#"\"outputs\":[2,2]"#, "twice"),
        (r#"\"outputs\":[2]"#, r#"\"outputs\":[1,2]"#, "output"),
        (r#"\"outputs\":[2]"#, r#"\"outputs\":[0]"#, "output"),
    ] {
        let refused = open(from, to).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::BadModel, "{to}: {refused}");
        assert!(refused.message().contains(word), "{to}: {refused}");
    }
}
