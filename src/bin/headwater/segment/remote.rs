//! The way to the server that the arguments name.

use super::Arguments;
use crate::transport::{AnyTransport, Patient};
use headwater::platform::{Headers, HttpConfig, HttpTransport};
use headwater::server::{InProcess, RtenExecutor, ServerConfig, ServerState};
use std::sync::Arc;
use std::time::Duration;

pub(super) fn transport(arguments: &Arguments) -> anyhow::Result<AnyTransport> {
    let timeout = Duration::from_secs_f64(arguments.timeout);
    if let Some(server) = &arguments.server {
        let mut headers = Headers::default();
        for header in arguments.headers.iter().filter(|header| !header.trim().is_empty()) {
            headers.add(header)?;
        }
        let config = HttpConfig { timeout, headers, ..HttpConfig::default() };
        return Ok(AnyTransport::Http(Patient::new(HttpTransport::new(server, config)?, timeout)));
    }
    // Whoever started it may run what a local run may.
    let state = ServerState::new(&arguments.model, Arc::new(RtenExecutor::default()), ServerConfig::unlimited())?;
    Ok(AnyTransport::Here(InProcess::new(state)?))
}
