//! What a server shows to browsers beside its API: the pages of a folder, and the model file.

mod mini;

use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use headwater::graph::Graph;
use headwater::model::{Manifest, Preprocess, Weights, write_model};
use headwater::server::{RtenExecutor, ServerConfig, ServerState, app};
use headwater::tensor::DType;
use headwater::{ErrorKind, model};
use http_body_util::BodyExt;
use mini::Lcg;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tower::ServiceExt;

/// Large enough to be sent in several pieces.
fn net() -> (Graph, Weights) {
    let mut net = mini::Builder::new("picture", &[1, 3, 32, 32]);
    net.conv_relu("wide", "picture", 128).conv_relu("wider", "wide", 256);
    net.op("mask", mini::conv3(), &["wider"], &[&[1, 256, 3, 3], &[1]]);
    net.finish(&["mask"])
}

/// A folder with a model of a few megabytes, a folder of pages, and beside it what is nobody's business.
struct Site {
    folder: TempDir,
    manifest: Manifest,
}

impl Site {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (graph, weights) = net();
        let manifest = mini::write_net(&folder.path().join("mini.safetensors"), &graph, &weights, Vec::new());
        let site = Self { folder, manifest };
        std::fs::write(site.path("secret.txt"), "secret").unwrap();
        for (name, text) in [
            ("index.html", "<!doctype html><title>page</title>"),
            ("app.js", "export {};"),
            ("app.js.br", "as brotli"),
            ("app.js.gz", "as gzip"),
            ("runtime_bg.wasm", "\0asm"),
            ("style.css", "body {}"),
            ("inner/index.html", "inner"),
            (".env", "secret"),
            (".git/config", "secret"),
            ("inner/.hidden/page.html", "secret"),
        ] {
            let path = site.path("pages").join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn model(&self) -> Vec<u8> {
        std::fs::read(self.path("mini.safetensors")).unwrap()
    }

    fn config(&self) -> ServerConfig {
        ServerConfig { pages: Some(self.path("pages")), ..ServerConfig::default() }
    }

    fn served(&self) -> Arc<ServerState> {
        self.served_as(self.config())
    }

    fn served_as(&self, config: ServerConfig) -> Arc<ServerState> {
        ServerState::new(&self.path("mini.safetensors"), Arc::new(RtenExecutor::new()), config).unwrap()
    }
}

const MODEL: &str = "/models/mini.safetensors";

async fn ask(
    state: &Arc<ServerState>,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
) -> (StatusCode, HeaderMap, Vec<u8>) {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = app(state.clone()).oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let (parts, body) = answer.into_parts();
    (parts.status, parts.headers, body.collect().await.unwrap().to_bytes().to_vec())
}

async fn get(state: &Arc<ServerState>, path: &str, headers: &[(&str, &str)]) -> (StatusCode, HeaderMap, Vec<u8>) {
    ask(state, Method::GET, path, headers).await
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn pages_come_with_their_types_and_what_they_may_do() {
    let site = Site::new();
    let state = site.served();
    for (path, content_type, body) in [
        ("/", "text/html", &b"<!doctype html><title>page</title>"[..]),
        ("/index.html", "text/html", b"<!doctype html><title>page</title>"),
        ("/app.js?v=1", "text/javascript", b"export {};"),
        ("/runtime_bg.wasm", "application/wasm", b"\0asm"),
        ("/style.css", "text/css", b"body {}"),
        ("/inner/", "text/html", b"inner"),
    ] {
        let (status, headers, found) = get(&state, path, &[]).await;
        assert_eq!(
            (status, text(&headers, "content-type"), &found[..]),
            (StatusCode::OK, content_type, body),
            "{path}"
        );
        assert_eq!(text(&headers, "cache-control"), "no-cache", "{path}");
        assert_eq!(text(&headers, "x-content-type-options"), "nosniff", "{path}");
        let policy = text(&headers, "content-security-policy");
        assert!(policy.contains("script-src 'self' 'wasm-unsafe-eval';"), "{path}: {policy}");
        let (tag, modified) = (text(&headers, "etag"), text(&headers, "last-modified"));
        assert!(!tag.is_empty() && !modified.is_empty(), "{path}: {headers:?}");
        for known in [("if-none-match", tag), ("if-modified-since", modified)] {
            let (status, _, found) = get(&state, path, &[known]).await;
            assert_eq!((status, found.len()), (StatusCode::NOT_MODIFIED, 0), "{path} {known:?}");
        }
    }
    let (status, headers, _) = get(&state, "/inner", &[]).await;
    assert_eq!((status, text(&headers, "location")), (StatusCode::TEMPORARY_REDIRECT, "/inner/"));
    assert_eq!(ask(&state, Method::POST, "/", &[]).await.0, StatusCode::METHOD_NOT_ALLOWED);
    let (status, headers, body) = ask(&state, Method::HEAD, "/app.js", &[]).await;
    assert_eq!((status, text(&headers, "content-length"), body.len()), (StatusCode::OK, "10", 0));
    assert_eq!(get(&state, "/v2/health/live", &[]).await.0, StatusCode::OK, "the API is where it was");
}

#[tokio::test]
async fn compressed_twins_go_to_those_who_accept_them() {
    let site = Site::new();
    let state = site.served();
    for (accepted, encoding, body) in [
        ("br, gzip", "br", &b"as brotli"[..]),
        ("gzip", "gzip", b"as gzip"),
        ("zstd", "", b"export {};"),
        ("identity", "", b"export {};"),
    ] {
        let (status, headers, found) = get(&state, "/app.js", &[("accept-encoding", accepted)]).await;
        assert_eq!((status, text(&headers, "content-encoding"), &found[..]), (StatusCode::OK, encoding, body));
        assert_eq!(text(&headers, "content-type"), "text/javascript", "{accepted}");
        let vary = headers.get_all("vary").iter().any(|value| value.to_str().unwrap().contains("accept-encoding"));
        assert!(vary, "{headers:?}");
    }
    let (_, headers, found) = get(&state, "/style.css", &[("accept-encoding", "br, gzip")]).await;
    assert_eq!((text(&headers, "content-encoding"), &found[..]), ("", &b"body {}"[..]), "it has no twin");
}

#[tokio::test]
async fn nothing_hidden_and_nothing_outside_is_served() {
    let site = Site::new();
    let link = |to: PathBuf, name: &str| std::os::unix::fs::symlink(to, site.path("pages").join(name)).unwrap();
    link(site.path("secret.txt"), "outside.txt");
    link(site.folder.path().to_owned(), "up");
    link(site.path("pages/.env"), "env.txt");
    link(site.path("pages/style.css"), "same.css");
    let state = site.served();
    for path in [
        "/missing.html",
        "/.env",
        "/%2eenv",
        "/.git/config",
        "/inner/.hidden/page.html",
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/inner/../../secret.txt",
        "/..%5csecret.txt",
        "//etc/passwd",
        "/%2fetc%2fpasswd",
        "/%00",
        "/outside.txt",
        "/up/secret.txt",
        "/env.txt",
        "/app.js/x",
        "/models/",
        "/models/other.safetensors",
        "/v2/nothing",
    ] {
        let (status, _, body) = get(&state, path, &[]).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}: {}", String::from_utf8_lossy(&body));
        let said: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert!(said["error"].is_string(), "{path}: {said}");
    }
    assert_eq!(get(&state, "/same.css", &[]).await.2, b"body {}", "a link within the folder is as good as a file");
}

#[tokio::test]
async fn without_a_folder_there_are_no_pages_and_no_weights() {
    let site = Site::new();
    let state = site.served_as(ServerConfig::default());
    for path in ["/", "/index.html", MODEL] {
        assert_eq!(get(&state, path, &[]).await.0, StatusCode::NOT_FOUND, "{path}");
    }
}

#[test]
fn what_is_no_folder_is_refused() {
    let site = Site::new();
    for wrong in ["nowhere", "secret.txt"] {
        let config = ServerConfig { pages: Some(site.path(wrong)), ..ServerConfig::default() };
        let opened = ServerState::new(&site.path("mini.safetensors"), Arc::new(RtenExecutor::new()), config);
        let error = opened.err().expect(wrong);
        assert_eq!(error.kind(), ErrorKind::BadArgument, "{error}");
        assert!(error.to_string().contains(wrong) && error.to_string().contains("folder"), "{error}");
    }
}

#[tokio::test]
async fn the_model_is_served_whole_and_in_ranges() {
    let site = Site::new();
    let (state, file) = (site.served(), site.model());
    assert!(file.len() > 1 << 20, "{} bytes are one piece", file.len());
    let all = file.len().to_string();

    let (status, headers, body) = get(&state, MODEL, &[]).await;
    assert!(status == StatusCode::OK && body == file);
    assert_eq!((text(&headers, "content-length"), text(&headers, "accept-ranges")), (&all[..], "bytes"));
    assert_eq!(text(&headers, "cache-control"), "no-cache");
    let tag = text(&headers, "etag").to_owned();
    assert!(tag.starts_with('"') && tag.ends_with('"') && tag.len() > 30, "{tag}");

    let (status, headers, body) = ask(&state, Method::HEAD, MODEL, &[("range", "bytes=0-9")]).await;
    assert_eq!((status, text(&headers, "content-length"), body.len()), (StatusCode::OK, &all[..], 0));
    assert_eq!((text(&headers, "etag"), text(&headers, "accept-ranges")), (&tag[..], "bytes"));

    let end = file.len() - 1;
    for (first, last) in [(0, 0), (7, 300_007), (end - 9, end), (0, end)] {
        let range = format!("bytes={first}-{last}");
        let (status, headers, body) = get(&state, MODEL, &[("range", &range), ("if-range", &tag)]).await;
        assert_eq!(status, StatusCode::PARTIAL_CONTENT);
        assert!(body == file[first..=last], "{range}");
        assert_eq!(text(&headers, "content-range"), format!("bytes {first}-{last}/{all}"));
        assert_eq!(text(&headers, "content-length"), body.len().to_string());
        assert_eq!(text(&headers, "etag"), tag);
    }
    let beyond = format!("bytes={all}-");
    let (status, headers, body) = get(&state, MODEL, &[("range", &beyond)]).await;
    assert_eq!(
        (status, text(&headers, "content-range"), body.len()),
        (StatusCode::RANGE_NOT_SATISFIABLE, &format!("bytes */{all}")[..], 0)
    );
    let (status, _, body) = get(&state, MODEL, &[("range", "bytes=0-9"), ("if-range", "\"other\"")]).await;
    assert!(status == StatusCode::OK && body == file, "another file's ranges are no use");
    for conditions in [&[("if-none-match", &tag[..])][..], &[("range", "bytes=0-9"), ("if-none-match", &tag)]] {
        let (status, headers, body) = get(&state, MODEL, conditions).await;
        assert_eq!((status, body.len(), text(&headers, "etag")), (StatusCode::NOT_MODIFIED, 0, &tag[..]));
    }
    assert_eq!(ask(&state, Method::POST, MODEL, &[]).await.0, StatusCode::METHOD_NOT_ALLOWED);

    let cors = [("origin", "https://app.example.com"), ("range", "bytes=0-9")];
    let (_, headers, _) = get(&state, MODEL, &cors).await;
    assert_eq!(text(&headers, "access-control-allow-origin"), "*");
    assert!(text(&headers, "access-control-expose-headers").contains("content-range"), "{headers:?}");
}

/// What the package does: it reads the header, then the ranges that the header speaks of.
#[tokio::test]
async fn a_model_can_be_read_by_ranges_alone() {
    struct Served(Arc<ServerState>, u64);
    impl model::ByteSource for Served {
        fn len(&self) -> u64 {
            self.1
        }
        async fn read(&self, range: std::ops::Range<u64>) -> headwater::Result<Vec<u8>> {
            let range = format!("bytes={}-{}", range.start, range.end - 1);
            let (status, _, body) = get(&self.0, MODEL, &[("range", &range)]).await;
            assert_eq!(status, StatusCode::PARTIAL_CONTENT);
            Ok(body)
        }
    }
    let site = Site::new();
    let state = site.served();
    let (_, headers, _) = ask(&state, Method::HEAD, MODEL, &[]).await;
    let source = Served(state, text(&headers, "content-length").parse().unwrap());
    let model = model::Model::open(&source).await.unwrap();
    assert_eq!(model.manifest.sha256, site.manifest.sha256);
    let graph = &model.manifest.graph;
    let weights = model.load(&source, &[graph]).await.unwrap();
    let file = std::fs::File::open(site.path("mini.safetensors")).unwrap();
    let expected = model.load(&file, &[graph]).await.unwrap();
    for weight in &graph.weights {
        let (found, expected) = (weights.get(&weight.name).unwrap(), expected.get(&weight.name).unwrap());
        assert!(found.bytes() == expected.bytes(), "{}", weight.name);
    }
}

#[cfg(unix)]
#[tokio::test]
async fn names_that_no_file_can_have_are_not_there() {
    let site = Site::new();
    std::os::unix::fs::symlink("circle", site.path("pages/circle")).unwrap();
    let pipe = site.path("pages/pipe");
    assert!(std::process::Command::new("mkfifo").arg(pipe).status().unwrap().success());
    let state = site.served();
    let long = format!("/{}", "a".repeat(256));
    let deep = "/a".repeat(4000);
    let inside_file = "/app.js/more";
    for path in [&long, &deep, inside_file, "/%00", "/a%00b", "/circle", "/pipe", "//inner", "//inner/", "/%ff"] {
        let (status, _, body) = get(&state, path, &[]).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path:.300}");
        let said: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert!(said["error"].is_string(), "{path:.300}: {said}");
    }
    let (status, headers, body) = ask(&state, Method::POST, "/index.html", &[]).await;
    assert_eq!((status, text(&headers, "allow")), (StatusCode::METHOD_NOT_ALLOWED, "GET,HEAD"));
    assert!(serde_json::from_slice::<serde_json::Value>(&body).unwrap()["error"].is_string());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn readers_do_not_disturb_each_other() {
    let site = Site::new();
    let (state, file) = (site.served(), Arc::new(site.model()));
    let readers = (0..16).map(|reader| {
        let (state, file) = (state.clone(), file.clone());
        tokio::spawn(async move {
            let mut random = Lcg(reader);
            for _ in 0..8 {
                let mut place = || ((random.value() + 1.0) / 2.0 * (file.len() - 1) as f32) as usize;
                let (a, b) = (place(), place());
                let (first, last) = (a.min(b), a.max(b));
                let (_, _, body) = get(&state, MODEL, &[("range", &format!("bytes={first}-{last}"))]).await;
                assert!(body == file[first..=last], "{first}-{last}");
            }
        })
    });
    let warming = state.clone();
    let warmer = tokio::task::spawn_blocking(move || warming.warm_up().unwrap());
    for reader in readers.collect::<Vec<_>>() {
        reader.await.unwrap();
    }
    warmer.await.unwrap();
}

#[tokio::test]
async fn a_file_that_is_replaced_is_served_as_it_was() {
    let site = Site::new();
    let (state, file) = (site.served(), site.model());
    let (_, headers, _) = get(&state, MODEL, &[("range", "bytes=0-9")]).await;
    // The same weights, prepared otherwise: as long as before, and the same to `model_sha256`.
    let (graph, weights) = net();
    let preprocess = Preprocess { mean: [127.0; 3], ..site.manifest.preprocess };
    let other = Manifest { graph, preprocess, ..site.manifest.clone() };
    let other = write_model(&site.path("mini.safetensors"), other, &weights, DType::F32).unwrap();
    assert_eq!(other.sha256, site.manifest.sha256);
    assert!(site.model() != file && site.model().len() == file.len());

    let (_, still, body) = get(&state, MODEL, &[]).await;
    assert!(body == file, "pieces of two models");
    assert_eq!(still["etag"], headers["etag"]);
    let (_, changed, body) = get(&site.served(), MODEL, &[("if-none-match", text(&headers, "etag"))]).await;
    assert!(body == site.model(), "what a browser kept of the older file is no use");
    assert_ne!(changed["etag"], headers["etag"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_that_nobody_takes_is_given_up() {
    let site = Site::new();
    let state = site.served_as(ServerConfig { write_timeout: Duration::from_millis(50), ..site.config() });
    let request = Request::get(MODEL).body(Body::empty()).unwrap();
    let mut body = app(state).oneshot(request).await.unwrap().into_body();
    let mut taken = body.frame().await.unwrap().unwrap().into_data().unwrap().len();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let broken = loop {
        match body.frame().await {
            Some(Ok(frame)) => taken += frame.into_data().unwrap().len(),
            Some(Err(error)) => break error,
            None => panic!("it ended well after {taken} bytes"),
        }
    };
    assert!(taken < site.model().len(), "{broken}");
}
