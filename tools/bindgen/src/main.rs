//! Turns the crate's Wasm into what the npm package loads: `headwater.js`, its types in `headwater.d.ts`, and
//! `headwater_bg.wasm`.
//!
//! `headwater-bindgen CARGO_LOCK INPUT.wasm OUTPUT_FOLDER`

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

use wasm_bindgen_cli_support::{Bindgen, EncodeInto};

/// What this program was built from.
const OWN_LOCK: &str = include_str!("../Cargo.lock");

fn main() -> ExitCode {
    let arguments: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    let [lock, input, output] = &arguments[..] else {
        eprintln!("usage: headwater-bindgen CARGO_LOCK INPUT.wasm OUTPUT_FOLDER");
        return ExitCode::from(2);
    };
    match check_versions(lock).and_then(|()| generate(input, output)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("headwater-bindgen: {message}");
            ExitCode::FAILURE
        }
    }
}

/// The crate that writes the descriptions into the Wasm and this program, which reads them, have no stable format
/// between them: only the same version is sure to understand.
fn check_versions(lock: &Path) -> Result<(), String> {
    let text = fs::read_to_string(lock).map_err(|error| format!("{}: {error}", lock.display()))?;
    let crates = locked_version(&text, "wasm-bindgen")
        .ok_or_else(|| format!("{} names no wasm-bindgen: the crate has no face for JavaScript", lock.display()))?;
    let own = locked_version(OWN_LOCK, "wasm-bindgen-cli-support").unwrap_or("no version");
    if crates != own {
        return Err(format!(
            "the crate is built with wasm-bindgen {crates}, and this program knows {own}: \
             write wasm-bindgen-cli-support = \"={crates}\" into tools/bindgen/Cargo.toml, and run cargo update there"
        ));
    }
    Ok(())
}

/// The version of a package that a Cargo.lock names once.
fn locked_version<'a>(lock: &'a str, package: &str) -> Option<&'a str> {
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines().skip_while(|line| *line != name);
    lines.nth(1)?.strip_prefix("version = \"")?.strip_suffix('"')
}

fn generate(input: &Path, output: &Path) -> Result<(), String> {
    // With its causes, on one line: anyhow's alternate form.
    let say = |error| format!("{}: {error:#}", input.display());
    let mut generated = Bindgen::new()
        .input_path(input)
        .out_name("headwater")
        .web(true)
        .map_err(say)?
        .typescript(true)
        // The package says where the Wasm lies. A second address in here would be a second file to bundlers.
        .omit_default_module_path(true)
        // Older than WebGPU in every browser: no need to ask.
        .encode_into(EncodeInto::Always)
        .remove_producers_section(true)
        .generate_output()
        .map_err(say)?;
    if generated.snippets().values().any(|scripts| !scripts.is_empty()) || !generated.local_modules().is_empty() {
        return Err("a crate brings JavaScript of its own along, and this program only knows one module".to_owned());
    }

    let types = generated.ts().unwrap_or_default().to_owned();
    let (script, names) = shorten(generated.js());
    let module = generated.wasm_mut();
    for import in module.imports.iter_mut() {
        if let Some(short) = names.get(&import.name) {
            import.name.clone_from(short);
        }
    }
    let wasm = module.emit_wasm();

    let write = |name: &str, bytes: &[u8]| {
        let path = output.join(name);
        fs::write(&path, bytes).map_err(|error| format!("{}: {error}", path.display()))
    };
    fs::create_dir_all(output).map_err(|error| format!("{}: {error}", output.display()))?;
    write("headwater.js", script.as_bytes())?;
    write("headwater.d.ts", types.as_bytes())?;
    write("headwater_bg.wasm", &wasm)
}

/// The script with short names for what it gives to the Wasm, and which they were. Each of some 250 names ends in a
/// hash, which stands in both files, and which no compression makes smaller.
fn shorten(script: &str) -> (String, HashMap<String, String>) {
    let mut short = String::with_capacity(script.len());
    let mut names = HashMap::new();
    let mut rest = script;
    while let Some(start) = rest.find("__wb") {
        let (before, from) = rest.split_at(start);
        let end = from.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(from.len());
        let (name, after) = from.split_at(end);
        short.push_str(before);
        if ends_in_hash(name) {
            let count = names.len();
            short.push_str(names.entry(name.to_owned()).or_insert_with(|| format!("__{count}")));
        } else {
            short.push_str(name);
        }
        rest = after;
    }
    short.push_str(rest);
    (short, names)
}

fn ends_in_hash(name: &str) -> bool {
    let last = name.rsplit('_').next().unwrap_or_default();
    last.len() == 16 && last.bytes().all(|byte| byte.is_ascii_hexdigit())
}
