//! Reading a request piece by piece, so that what it announces is judged before it is stored.

use crate::error::{Result, bail, error};
use crate::wire::HEADER_LENGTH;
use axum::body::Body;
use axum::http::HeaderMap;
use http_body_util::BodyExt;
use std::time::Duration;

/// How long, and how much, a refused request may still talk. Closing a connection on which bytes are
/// under way would cost the client the answer that says why.
const DRAIN_TIME: Duration = Duration::from_secs(5);
const DRAIN_BYTES: usize = 64 << 20;

/// A request's body as it comes in. Memory grows with what has arrived, never with what was announced.
pub(super) struct Incoming {
    body: Body,
    pub(super) bytes: Vec<u8>,
    ended: bool,
}

impl Incoming {
    pub(super) fn new(body: Body) -> Self {
        Self { body, bytes: Vec::new(), ended: false }
    }

    /// Reads until at least `count` bytes are there.
    pub(super) async fn fill(&mut self, count: usize) -> Result<()> {
        while self.bytes.len() < count {
            if !self.piece().await? {
                bail!(BadMessage, "expected {count} bytes, the body ended after {}", self.bytes.len());
            }
        }
        Ok(())
    }

    /// Reads to the end, which must come at exactly `count` bytes.
    pub(super) async fn finish(&mut self, count: usize) -> Result<()> {
        self.fill(count).await?;
        while self.bytes.len() <= count {
            if !self.piece().await? {
                return Ok(());
            }
        }
        Err(error!(BadMessage, "expected {count} bytes, the body goes on"))
    }

    /// Reads to the end, which must come within `most` bytes.
    pub(super) async fn whole(&mut self, most: usize) -> Result<()> {
        while self.bytes.len() <= most {
            if !self.piece().await? {
                return Ok(());
            }
        }
        Err(error!(BadMessage, "a body without {HEADER_LENGTH}: expected at most {most} bytes"))
    }

    async fn piece(&mut self) -> Result<bool> {
        loop {
            let Some(frame) = self.body.frame().await else {
                self.ended = true;
                return Ok(false);
            };
            let frame = frame.map_err(|e| error!(BadMessage, "the body broke off").with_source(e))?;
            if let Ok(data) = frame.into_data()
                && !data.is_empty()
            {
                self.bytes.extend_from_slice(&data);
                return Ok(true);
            }
        }
    }

    /// Lets a refused client finish talking, and forgets what it says.
    pub(super) async fn drain(mut self) {
        self.bytes = Vec::new();
        let listen = async {
            let mut heard = 0;
            while !self.ended && heard < DRAIN_BYTES {
                match self.body.frame().await {
                    Some(Ok(frame)) => heard += frame.into_data().map_or(0, |data| data.len()),
                    _ => break,
                }
            }
        };
        // Whether it finished or not, the answer follows.
        let _ = tokio::time::timeout(DRAIN_TIME, listen).await;
    }
}

/// The value of [`HEADER_LENGTH`], where it is given.
pub(super) fn json_bytes(headers: &HeaderMap) -> Result<Option<usize>> {
    let Some(value) = headers.get(HEADER_LENGTH) else {
        return Ok(None);
    };
    let bytes = value.to_str().ok().and_then(|text| text.trim().parse().ok());
    bytes.map(Some).ok_or_else(|| error!(BadMessage, "{HEADER_LENGTH} {value:?}: expected a number of bytes"))
}
