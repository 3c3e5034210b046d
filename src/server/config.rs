//! What a server allows.

use crate::error::{Result, bail};
use crate::wire::Limits;
use std::path::PathBuf;
use std::time::Duration;

/// What a server allows.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// What messages may hold.
    pub limits: Limits,
    /// A message that is JSON from end to end.
    pub json_body_bytes: usize,
    /// The largest picture that a net is run at, in pixels; `None` for the model's own size.
    pub max_pixels: Option<usize>,
    /// Bytes that all requests together may hold at a time: bodies as they arrive, decoded pictures and tensors, and
    /// answers until they have been sent. The model's weights and what an executor allocates for a run of the net
    /// come on top.
    pub memory_bytes: usize,
    /// The most of [`Self::memory_bytes`] that one request may need; `None` for as much as leaves room for
    /// [`Self::concurrency`] requests at work and two beside them.
    pub request_bytes: Option<usize>,
    /// Inferences at a time.
    pub concurrency: usize,
    /// Requests that may wait for an inference; beyond them the answer is 503.
    pub queue: usize,
    /// Connections at a time; beyond them one that waits for a request is closed for each new one.
    pub connections: usize,
    /// How much of the memory, the queue and the connections one client address may take, in percent; beyond that
    /// the answer is 429. 100 where all clients come through one proxy.
    pub client_percent: u8,
    /// For a request's header, and between requests.
    pub header_timeout: Duration,
    /// For a request's body.
    pub body_timeout: Duration,
    /// For each 4 KiB of a request's body.
    pub body_idle_timeout: Duration,
    /// For a client to take some of an answer; then the connection is closed.
    pub write_timeout: Duration,
    /// From a request's last byte to its answer: waiting, preparing and computing. What cannot be done in that time is
    /// refused with 503, as far as earlier runs tell.
    pub compute_timeout: Duration,
    /// For requests under way when the server is asked to stop.
    pub shutdown_timeout: Duration,
    /// Said in `Retry-After`, where nothing is known that would give a better number.
    pub retry_after_seconds: u32,
    /// A folder whose files are served at `/`, and with them the model file at `/models/{name}.safetensors`.
    pub pages: Option<PathBuf>,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            json_body_bytes: 64 << 20,
            max_pixels: None,
            memory_bytes: 640 << 20,
            request_bytes: None,
            concurrency: 1,
            queue: 16,
            connections: 1024,
            client_percent: 50,
            header_timeout: Duration::from_secs(30),
            body_timeout: Duration::from_secs(60),
            body_idle_timeout: Duration::from_secs(10),
            write_timeout: Duration::from_secs(30),
            compute_timeout: Duration::from_secs(60),
            shutdown_timeout: Duration::from_secs(30),
            retry_after_seconds: 2,
            pages: None,
        }
    }
}

impl ServerConfig {
    /// Without limits of size and time: for a server that only its own process can ask.
    pub fn unlimited() -> Self {
        let limits = Limits { picture_bytes: usize::MAX, ..Limits::default() };
        Self {
            limits,
            max_pixels: Some(usize::MAX),
            memory_bytes: usize::MAX,
            request_bytes: Some(usize::MAX),
            client_percent: 100,
            body_timeout: Duration::MAX,
            body_idle_timeout: Duration::MAX,
            compute_timeout: Duration::MAX,
            ..Self::default()
        }
    }

    /// Bytes that one request may need, and those that all requests which are not at work may hold together.
    ///
    /// # Errors
    /// `BadArgument` when the memory is too small for one request at work and one beside it.
    pub(super) fn memory(&self) -> Result<Memory> {
        if self.memory_bytes == usize::MAX {
            return Ok(Memory { request_bytes: self.request_bytes.unwrap_or(usize::MAX), waiting_bytes: usize::MAX });
        }
        let workers = self.concurrency.max(1);
        let request_bytes = self.request_bytes.unwrap_or(self.memory_bytes / workers.saturating_add(2));
        let at_work = request_bytes.saturating_mul(workers);
        let waiting_bytes = self.memory_bytes.saturating_sub(at_work);
        if request_bytes == 0 || waiting_bytes < request_bytes {
            bail!(
                BadArgument,
                "{} bytes of memory: expected room for {workers} requests of {request_bytes} bytes at work and one more",
                self.memory_bytes
            );
        }
        Ok(Memory { request_bytes, waiting_bytes })
    }

    /// One client's share of `total`; never nothing.
    pub(super) fn client_share(&self, total: usize) -> usize {
        match self.client_percent {
            100.. => total,
            percent => (total / 100 * usize::from(percent) + total % 100 * usize::from(percent) / 100).max(1),
        }
    }
}

/// How [`ServerConfig::memory_bytes`] is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Memory {
    /// The most that one request needs at any moment, its work included.
    pub(super) request_bytes: usize,
    /// Bodies that arrive or wait, and answers that are being sent. The rest is for the requests at work.
    pub(super) waiting_bytes: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_divided_between_work_and_waiting() {
        let config = ServerConfig { memory_bytes: 900, ..ServerConfig::default() };
        assert_eq!(config.memory().unwrap(), Memory { request_bytes: 300, waiting_bytes: 600 });
        let config = ServerConfig { request_bytes: Some(500), ..config };
        assert!(config.memory().is_err());
        assert_eq!(ServerConfig::unlimited().memory().unwrap().waiting_bytes, usize::MAX);
        let shares = [(1024, 512), (1, 1), (17, 8), (usize::MAX, usize::MAX / 2)];
        assert!(shares.iter().all(|&(total, share)| config.client_share(total).abs_diff(share) <= 1));
    }
}
