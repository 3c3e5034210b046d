//! Puts the shaders into the crate: every file below `shaders/`, without comments and indentation, which a browser
//! would download. Lines keep their numbers, for messages.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

/// Shaders that only native builds have.
const NATIVE_KERNELS: [&str; 2] = ["winograd_matrices", "winograd_workgroup"];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=shaders");
    let root = Path::new("shaders");
    let mut files = Vec::new();
    collect(root, &mut files);
    // Browsers have no matrix units and no trial of kernels, and download nothing that is made for those.
    println!("cargo::rustc-check-cfg=cfg(native_kernels)");
    if std::env::var("CARGO_CFG_TARGET_ARCH").is_ok_and(|architecture| architecture == "wasm32") {
        files.retain(|file| {
            let stem = file.file_stem().and_then(|stem| stem.to_str());
            !stem.is_some_and(|stem| NATIVE_KERNELS.contains(&stem))
        });
    } else {
        println!("cargo::rustc-cfg=native_kernels");
    }
    files.sort();
    let mut code = String::from("&[\n");
    for file in files {
        let name = file.strip_prefix(root).expect("a file below the folder").to_string_lossy().replace('\\', "/");
        let text = fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        let lines: Vec<&str> = text.lines().map(|line| line.split("//").next().unwrap_or("").trim()).collect();
        writeln!(code, "    ({name:?}, {:?}),", lines.join("\n")).expect("a string takes all");
    }
    code.push(']');
    let out = std::env::var_os("OUT_DIR").expect("cargo says where to write");
    fs::write(Path::new(&out).join("shaders.rs"), code).expect("the folder that cargo names is there");
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
        let path = entry.expect("a folder that can be read").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "wgsl") {
            files.push(path);
        }
    }
}
