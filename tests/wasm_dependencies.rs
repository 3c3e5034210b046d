//! What the browser downloads: nothing that only a native machine needs, and no `cfg` in places where it
//! would hide.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Crates of the native machine. None may come with the library on wasm32, directly or through another.
const NATIVE: [&str; 35] = [
    "anyhow",
    "aws-lc-rs",
    "axum",
    "clap",
    "env_logger",
    "flate2",
    "getrandom",
    "hyper",
    "hyper-util",
    "image",
    "image-webp",
    "indicatif",
    "jpeg-decoder",
    "mio",
    "moxcms",
    "naga",
    "native-tls",
    "openssl",
    "png",
    "pollster",
    "rayon",
    "reqwest",
    "ring",
    "rten",
    "rten-onnx",
    "rten-tensor",
    "rustls",
    "signal-hook",
    "tar",
    "tempfile",
    "tokio",
    "tower",
    "tower-http",
    "ureq",
    "wgpu-core",
];

/// Files that may ask for the target, and why.
const MAY_ASK_FOR_TARGET: [(&str, &str); 7] = [
    ("lib.rs", "says which modules a target has"),
    ("platform.rs", "chooses between the twins"),
    ("gpu.rs", "only a browser has images that its GPU takes as they are"),
    ("gpu/warm.rs", "chooses between the twins"),
    ("image.rs", "only a native machine decodes and encodes files itself"),
    ("session.rs", "and so only there a session takes a decoded picture"),
    ("model.rs", "only a native machine has files to read models from and to write them to"),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Names of the crates that the library links on `target`.
fn crates(target: &str, extra: &[&str]) -> BTreeSet<String> {
    let tree = |more: &[&str]| {
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
        Command::new(cargo)
            .args(["tree", "--locked", "-e", "normal", "--prefix", "none", "--format", "{p}", "--target", target])
            .args(extra)
            .args(more)
            .current_dir(root())
            .output()
            .unwrap()
    };
    let mut output = tree(&["--offline"]);
    if !output.status.success() {
        // A native build has not downloaded the browser's crates.
        output = tree(&[]);
    }
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

#[test]
fn native_crates_never_reach_the_browser() {
    let found = crates("wasm32-unknown-unknown", &[]);
    let native: Vec<&str> = NATIVE.into_iter().filter(|name| found.contains(*name)).collect();
    assert!(native.is_empty(), "{native:?} would be linked into the Wasm");
    for needed in ["headwater", "wgpu", "safetensors", "serde_json"] {
        assert!(found.contains(needed), "{needed} is missing: was the right thing listed? {found:?}");
    }
}

#[test]
fn a_gateway_without_the_gpu_part_has_no_wgpu() {
    let found = crates("wasm32-unknown-unknown", &["--no-default-features"]);
    assert!(found.contains("headwater") && found.contains("safetensors"), "{found:?}");
    assert!(!found.iter().any(|name| name.starts_with("wgpu") || name == "web-sys"), "{found:?}");
}

/// The list of native crates is one: each that the manifest names for native machines is in it, or it
/// would be no test of them; and those that it links on this machine are really found by this way of asking.
#[test]
fn the_list_of_native_crates_is_whole() {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let (_, section) = manifest.split_once("[target.'cfg(not(target_arch = \"wasm32\"))'.dependencies]\n").unwrap();
    let lines = section.lines().take_while(|line| !line.starts_with('['));
    let direct: Vec<&str> = lines.filter_map(|line| line.split_once(" = ").map(|(name, _)| name)).collect();
    assert!(direct.len() > 10, "{direct:?}");
    let here = crates("x86_64-unknown-linux-gnu", &[]);
    for name in direct {
        assert!(here.contains(name), "{name} is not linked on Linux either");
        // Those that the browser has as well, and those that nothing forbids there.
        let harmless = ["http-body-util", "safetensors", "tracing", "tracing-subscriber"].contains(&name);
        assert!(harmless || NATIVE.contains(&name), "{name} is a native dependency that no test looks for");
    }
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn the_target_is_asked_for_in_few_places() {
    let mut files = Vec::new();
    sources(&root().join("src"), &mut files);
    assert!(files.len() > 80, "{} files", files.len());
    let mut asking = BTreeSet::new();
    for file in &files {
        let text = std::fs::read_to_string(file).unwrap();
        let name = file.strip_prefix(root().join("src")).unwrap().to_string_lossy().replace('\\', "/");
        let lines: Vec<&str> = text.lines().collect();
        for (number, line) in lines.iter().enumerate().filter(|(_, line)| line.contains("target_arch")) {
            let next = lines.get(number + 1).copied().unwrap_or("");
            let place = format!("src/{name}:{}", number + 1);
            // An attribute on its own line before a module or what is taken from it: the twins' doors.
            let door = ["mod ", "pub mod ", "pub use ", "pub(crate) use ", "pub(super) use "]
                .iter()
                .any(|start| next.starts_with(start));
            assert!(line.starts_with("#[cfg(") && door, "{place}: {line}\n{next}");
            asking.insert(name.clone());
        }
    }
    let allowed: BTreeSet<String> = MAY_ASK_FOR_TARGET.iter().map(|(file, _)| (*file).to_owned()).collect();
    assert_eq!(asking, allowed);
}
