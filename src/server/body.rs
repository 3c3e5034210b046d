//! Reading a request piece by piece, so that what it announces is judged before it is stored.

use super::answer::Failure;
use super::budget::Hold;
use super::{SLOW_REQUEST, ServerConfig};
use crate::error::{Result, bail, brief, error};
use crate::wire::HEADER_LENGTH;
use axum::body::Body;
use axum::http::{HeaderMap, header};
use http_body_util::BodyExt;
use std::time::Duration;
use tokio::time::{Instant, timeout, timeout_at};

/// How long, and how much, a refused request may still be read. Closing a connection on which bytes are
/// under way would cost the client the answer that says why.
const DRAIN_TIME: Duration = Duration::from_secs(5);
const DRAIN_BYTES: usize = 64 << 20;

/// What must arrive in each [`ServerConfig::body_idle_timeout`].
const IDLE_BYTES: usize = 4 << 10;

/// The smallest step in which memory grows.
const STEP_BYTES: usize = 16 << 10;

/// A request's body as it comes in. Memory grows with what has arrived, never with what was announced, and all of
/// it is reserved first.
pub(super) struct Incoming {
    body: Body,
    pub(super) bytes: Vec<u8>,
    pub(super) hold: Hold,
    ended: bool,
    /// The client waits for a word before it sends the body.
    waits: bool,
    idle_timeout: Duration,
    /// When the present period of `idle_timeout` began, and what has arrived in it.
    period: (Instant, usize),
}

impl Incoming {
    pub(super) fn new(body: Body, headers: &HeaderMap, hold: Hold, config: &ServerConfig) -> Self {
        Self {
            body,
            bytes: Vec::new(),
            hold,
            ended: false,
            waits: headers.contains_key(header::EXPECT),
            idle_timeout: config.body_idle_timeout,
            period: (Instant::now(), 0),
        }
    }

    /// Reads until at least `count` bytes are there.
    pub(super) async fn fill(&mut self, count: usize) -> Result<(), Failure> {
        while self.bytes.len() < count {
            if !self.piece(count).await? {
                return Err(
                    error!(BadMessage, "expected {count} bytes, the body ended after {}", self.bytes.len()).into()
                );
            }
        }
        Ok(())
    }

    /// Reads to the end, which must come at exactly `count` bytes.
    pub(super) async fn finish(&mut self, count: usize) -> Result<(), Failure> {
        self.fill(count).await?;
        while self.bytes.len() <= count {
            if !self.piece(count).await? {
                return Ok(());
            }
        }
        Err(error!(BadMessage, "expected {count} bytes, the body goes on").into())
    }

    /// Reads to the end, which must come within `most` bytes.
    pub(super) async fn whole(&mut self, most: usize) -> Result<(), Failure> {
        while self.bytes.len() <= most {
            if !self.piece(most).await? {
                return Ok(());
            }
        }
        let long = error!(BadArgument, "a body without {HEADER_LENGTH}: expected at most {most} bytes");
        Err(Failure::with_status(axum::http::StatusCode::PAYLOAD_TOO_LARGE, long))
    }

    /// Reads what comes next; `expected` is how much there will be, if all is right.
    async fn piece(&mut self, expected: usize) -> Result<bool, Failure> {
        let data = loop {
            let end = self.period.0.checked_add(self.idle_timeout);
            let frame = match end {
                Some(end) => timeout_at(end, self.body.frame()).await,
                None => Ok(self.body.frame().await),
            };
            let slow = |_| {
                let slow = error!(Timeout, "less than {IDLE_BYTES} bytes arrived in {:?}", self.idle_timeout);
                Failure::with_status(SLOW_REQUEST, slow)
            };
            let Some(frame) = frame.map_err(slow)? else {
                self.ended = true;
                return Ok(false);
            };
            self.waits = false;
            let frame = frame.map_err(|e| error!(BadMessage, "the body broke off").with_source(e))?;
            match frame.into_data() {
                Ok(data) if !data.is_empty() => break data,
                _ => {}
            }
        };
        self.period.1 += data.len();
        if self.period.1 >= IDLE_BYTES {
            self.period = (Instant::now(), 0);
        }
        self.reserve(data.len(), expected)?;
        self.bytes.extend_from_slice(&data);
        Ok(true)
    }

    /// Room for `more` bytes, and for those after them in steps that do not grow with what was announced.
    fn reserve(&mut self, more: usize, expected: usize) -> Result<(), Failure> {
        let (length, capacity) = (self.bytes.len(), self.bytes.capacity());
        let needed = length.saturating_add(more);
        if needed <= capacity {
            return Ok(());
        }
        let stepped = capacity.saturating_add((capacity / 4).max(STEP_BYTES)).min(expected);
        let target = stepped.max(needed);
        self.hold.resize(target)?;
        self.bytes.reserve_exact(target - length);
        Ok(())
    }

    /// Lets a refused client finish sending, and forgets what it says.
    pub(super) async fn drain(mut self) {
        self.bytes = Vec::new();
        self.hold.shrink(0);
        if self.waits {
            // It has sent nothing, and will not once it has the answer.
            return;
        }
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
        let _ = timeout(DRAIN_TIME, listen).await;
    }
}

/// The value of [`HEADER_LENGTH`], where it is given.
pub(super) fn json_bytes(headers: &HeaderMap) -> Result<Option<usize>> {
    let mut values = headers.get_all(HEADER_LENGTH).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.any(|other| other != value) {
        bail!(BadMessage, "{HEADER_LENGTH} is given twice, with different values");
    }
    let text = value.to_str().unwrap_or_default().trim();
    let bytes = text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
    bytes.map(Some).ok_or_else(|| error!(BadMessage, "{HEADER_LENGTH} {}: expected a number of bytes", brief(value)))
}
