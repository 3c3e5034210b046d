//! HTTP by `ureq`, time by the system.

mod headers;

pub use headers::Headers;
pub(crate) use headers::without_credentials;

use crate::error::{Result, bail, error};
use crate::wire::client::{HttpAnswer, HttpRequest, Transport};
use crate::wire::{BINARY, HEADER_LENGTH};
use flate2::read::GzDecoder;
use std::io::{ErrorKind as IoKind, Read};
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use ureq::http::{HeaderMap, Uri, header};
use ureq::tls::{RootCerts, TlsConfig};

/// Milliseconds since this was first asked; never goes back.
pub fn now_millis() -> f64 {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_secs_f64() * 1e3
}

/// Divides long work into slices in browsers. A native thread has no other tasks.
#[derive(Debug)]
pub(crate) struct Pauses;

impl Pauses {
    /// From now on.
    pub(crate) fn begin() -> Self {
        Self
    }

    /// Never.
    pub(crate) fn due(&self) -> bool {
        false
    }

    /// Returns at once.
    pub(crate) async fn offer(&mut self) {}
}

/// How a server is asked, and how long it is waited for.
#[derive(Debug, Clone)]
pub struct HttpConfig {
    /// For the connection, TLS included.
    pub connect_timeout: Duration,
    /// From the first step to the last byte of the answer.
    pub timeout: Duration,
    /// Sent with every request.
    pub headers: Headers,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            timeout: Duration::from_secs(120),
            headers: Headers::default(),
        }
    }
}

/// Trusts whom this machine trusts, the authorities that its owner added included.
pub(crate) fn tls() -> TlsConfig {
    TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build()
}

/// A [`Transport`] over HTTP. Blocks inside its futures.
#[derive(Debug, Clone)]
pub struct HttpTransport {
    agent: ureq::Agent,
    base: String,
    /// The address for messages.
    server: String,
    timeout: Duration,
    headers: Headers,
}

impl HttpTransport {
    /// `server` is an `http` or `https` address, perhaps with a path that goes before `/v2`, and with a user's name and
    /// password, which no message shows.
    ///
    /// # Errors
    /// `BadArgument` when it is no such address.
    pub fn new(server: &str, config: HttpConfig) -> Result<Self> {
        let base = server.trim_end_matches('/').to_owned();
        let server = headers::without_credentials(&base);
        let uri: Uri =
            base.parse().map_err(|e| error!(BadArgument, "server {server:?} is no address").with_source(e))?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.host().is_none() || uri.query().is_some() {
            bail!(BadArgument, "server {server:?}: expected an address such as https://cut.example.com");
        }
        // A port that is none would be left out, and another server asked.
        if has_port_text(&uri) && uri.port_u16().is_none() {
            bail!(BadArgument, "server {server:?}: expected a port from 1 to 65535");
        }
        let mut builder = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_connect(Some(config.connect_timeout))
            .timeout_global(Some(config.timeout))
            .tls_config(tls())
            .user_agent(concat!("headwater/", env!("CARGO_PKG_VERSION")));
        // No proxy can reach this machine's own loopback.
        if matches!(uri.host(), Some("localhost" | "127.0.0.1" | "[::1]")) {
            builder = builder.proxy(None);
        }
        let has_user = uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
        if has_user && config.headers.map().contains_key(header::AUTHORIZATION) {
            bail!(BadArgument, "server {server:?}: expected a password in its address or a header, found both");
        }
        Ok(Self { agent: builder.build().into(), base, server, timeout: config.timeout, headers: config.headers })
    }

    fn failure(&self, error: ureq::Error) -> crate::Error {
        let server = &self.server;
        match error {
            ureq::Error::Timeout(step) => {
                error!(Timeout, "{server} did not answer within {:?} ({step})", self.timeout)
            }
            ureq::Error::Io(e) if matches!(e.kind(), IoKind::TimedOut | IoKind::WouldBlock) => {
                error!(Timeout, "{server} did not answer in time").with_source(e)
            }
            ureq::Error::BodyExceedsLimit(limit) => {
                error!(BadMessage, "{server} answers with more than the {limit} bytes that could be right")
            }
            ureq::Error::Protocol(e) => error!(BadMessage, "{server} does not speak HTTP").with_source(e),
            e => error!(ServerUnreachable, "{server} cannot be reached").with_source(e),
        }
    }
}

/// Whether an address has a colon behind its host.
fn has_port_text(uri: &Uri) -> bool {
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let address = authority.rsplit_once('@').map_or(authority, |(_, address)| address);
    // The colons of an IPv6 address stand in brackets.
    address.rsplit(']').next().is_some_and(|rest| rest.contains(':'))
}

/// A body as it was before HTTP compressed it, of at most `limit` bytes.
///
/// # Errors
/// `BadMessage` when it is broken, longer, or compressed in a way that was not asked for.
pub(crate) fn unpack(bytes: Vec<u8>, content_encoding: Option<&str>, limit: usize) -> Result<Vec<u8>> {
    match content_encoding {
        None | Some("identity") => Ok(bytes),
        Some("gzip") => {
            let mut unpacked = Vec::new();
            // One byte more tells a body that is too long from one that just fits.
            let read = GzDecoder::new(&bytes[..]).take(limit as u64 + 1).read_to_end(&mut unpacked);
            read.map_err(|e| error!(BadMessage, "the answer's gzip is broken").with_source(e))?;
            if unpacked.len() > limit {
                bail!(BadMessage, "an answer of more than the {limit} bytes that could be right");
            }
            Ok(unpacked)
        }
        Some(other) => Err(error!(BadMessage, "content encoding {other:?}: expected gzip or none")),
    }
}

impl Transport for HttpTransport {
    async fn send(&self, request: HttpRequest) -> Result<HttpAnswer> {
        let address = format!("{}{}", self.base, request.path);
        let answer = match request.post {
            None => {
                let get = self.agent.get(&address).header(header::ACCEPT_ENCODING, "gzip");
                self.headers.map().iter().fold(get, |get, (name, value)| get.header(name, value)).call()
            }
            Some(post) => {
                let headers = self.headers.map().iter();
                headers
                    .fold(self.agent.post(&address), |post, (name, value)| post.header(name, value))
                    .header(header::ACCEPT_ENCODING, "gzip")
                    .header(header::CONTENT_TYPE, BINARY)
                    .header(HEADER_LENGTH, post.json_bytes.to_string())
                    .send(&post.body)
            }
        };
        let (parts, mut body) = answer.map_err(|e| self.failure(e))?.into_parts();
        let limit = request.max_answer_bytes;
        if let Some(stated) = body.content_length().filter(|stated| *stated > limit as u64) {
            bail!(BadMessage, "{} announces {stated} bytes, at most {limit} could be right", self.server);
        }
        let bytes = body.with_config().limit(limit as u64).read_to_vec().map_err(|e| self.failure(e))?;
        let text = |headers: &HeaderMap, name: &str| {
            headers.get(name).and_then(|value| value.to_str().ok().map(str::to_owned))
        };
        let received_bytes = bytes.len();
        let bytes = unpack(bytes, text(&parts.headers, header::CONTENT_ENCODING.as_str()).as_deref(), limit)?;
        Ok(HttpAnswer {
            status: parts.status.as_u16(),
            json_bytes: text(&parts.headers, HEADER_LENGTH),
            content_type: text(&parts.headers, header::CONTENT_TYPE.as_str()).unwrap_or_default(),
            retry_after: text(&parts.headers, header::RETRY_AFTER.as_str()).and_then(|text| text.parse().ok()),
            body: bytes,
            received_bytes,
        })
    }

    fn address(&self) -> String {
        self.server.clone()
    }

    fn now_millis(&self) -> f64 {
        now_millis()
    }
}
