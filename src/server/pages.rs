//! The pages beside the API: the files of one folder, for browsers.

use super::answer::Failure;
use crate::error::{Result, bail, error};
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::future::Future;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::pin::Pin;
use tower::ServiceExt;
use tower_http::services::ServeDir;
use tower_http::services::fs::{Backend, DefaultServeDirFallback, TokioBackend};

/// What a page may do: run its own scripts and Wasm, and speak to any server. No inline scripts, no `eval`.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; img-src 'self' blob: data:; \
     style-src 'self' 'unsafe-inline'; connect-src *; worker-src 'self' blob:; media-src 'self' blob:",
);

/// The files of a folder.
pub(super) struct Pages {
    files: ServeDir<DefaultServeDirFallback, Within>,
}

impl Pages {
    /// # Errors
    /// `BadArgument` when it is no folder.
    pub(super) fn open(folder: &Path) -> Result<Self> {
        let unreadable = |e| error!(BadArgument, "pages {}: expected a folder", folder.display()).with_source(e);
        let root = folder.canonicalize().map_err(unreadable)?;
        if !root.is_dir() {
            bail!(BadArgument, "pages {}: expected a folder, found a file", folder.display());
        }
        let files = ServeDir::with_backend(root.clone(), Within { root });
        Ok(Self { files: files.precompressed_br().precompressed_gzip() })
    }

    /// The file that `request` names; `index.html` where it names a folder.
    pub(super) async fn answer(&self, request: Request) -> Response {
        let missing = || Failure::not_found("nothing is served here").into_response();
        // A redirection to `//folder/` would lead to a host of that name.
        if request.uri().path().starts_with("//") {
            return missing();
        }
        let Ok(answer) = self.files.clone().oneshot(request).await;
        match answer.status() {
            StatusCode::NOT_FOUND => return missing(),
            StatusCode::INTERNAL_SERVER_ERROR => {
                return Failure::from(error!(Io, "a page cannot be read")).into_response();
            }
            StatusCode::METHOD_NOT_ALLOWED => {
                let wrong = error!(BadMessage, "pages are read with GET or HEAD");
                let mut wrong = Failure::with_status(answer.status(), wrong).into_response();
                wrong.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET,HEAD"));
                return wrong;
            }
            _ => {}
        }
        let mut answer = answer.map(Body::new);
        let headers = answer.headers_mut();
        headers.insert(header::CONTENT_SECURITY_POLICY, POLICY);
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        answer
    }
}

/// Files that lie in the folder, wherever links point, and are not hidden.
#[derive(Clone)]
struct Within {
    root: PathBuf,
}

impl Within {
    /// `path`, if it may be served: a file or a folder.
    async fn admit(self, path: PathBuf) -> io::Result<PathBuf> {
        let real = tokio::fs::canonicalize(&path).await.map_err(absent)?;
        for path in [&path, &real] {
            let inner = path.strip_prefix(&self.root).map_err(|_| io::ErrorKind::NotFound)?;
            let plain = |part| matches!(part, Component::Normal(name) if !name.as_encoded_bytes().starts_with(b"."));
            if !inner.components().all(plain) {
                return Err(io::ErrorKind::NotFound.into());
            }
        }
        let kind = tokio::fs::metadata(&real).await.map_err(absent)?.file_type();
        // Opening a pipe would wait for whoever writes into it.
        if kind.is_file() || kind.is_dir() { Ok(real) } else { Err(io::ErrorKind::NotFound.into()) }
    }
}

/// Names that no file can have, and files that may not be read, are not there.
fn absent(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::InvalidFilename
        | io::ErrorKind::InvalidInput
        | io::ErrorKind::NotADirectory
        | io::ErrorKind::PermissionDenied => io::ErrorKind::NotFound.into(),
        // Links in a circle: the kind of its own is not stable.
        _ if error.raw_os_error() == Some(TOO_MANY_LINKS) => io::ErrorKind::NotFound.into(),
        _ => error,
    }
}

/// `ELOOP`, of Linux and of macOS.
const TOO_MANY_LINKS: i32 = if cfg!(target_os = "linux") { 40 } else { 62 };

type Soon<T> = Pin<Box<dyn Future<Output = io::Result<T>> + Send>>;

impl Backend for Within {
    type File = <TokioBackend as Backend>::File;
    type Metadata = <TokioBackend as Backend>::Metadata;
    type OpenFuture = Soon<Self::File>;
    type MetadataFuture = Soon<Self::Metadata>;

    fn open(&self, path: PathBuf) -> Self::OpenFuture {
        let admit = self.clone().admit(path);
        Box::pin(async move { TokioBackend.open(admit.await?).await })
    }

    fn metadata(&self, path: PathBuf) -> Self::MetadataFuture {
        let admit = self.clone().admit(path);
        Box::pin(async move { TokioBackend.metadata(admit.await?).await })
    }
}
