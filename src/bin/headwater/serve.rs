//! `headwater serve`: the server.

use headwater::server::{RtenExecutor, ServerConfig, ServerState, serve};
use headwater::{Error, ErrorKind};
use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};

/// Serve the layers that clients leave to a server
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Model file
    #[arg(long, default_value = "models/isnet.safetensors", env = "HEADWATER_MODEL")]
    model: PathBuf,
    /// Address and port
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// What runs the layers: cpu
    #[arg(long, default_value = "cpu")]
    executor: String,
    /// Requests that may wait their turn
    #[arg(long, default_value_t = ServerConfig::default().queue)]
    queue: usize,
    /// A folder of web pages to serve at `/`. With them comes the model file, at /models/NAME.safetensors:
    /// browsers read their layers' weights from it. Whoever serves weights distributes them, and their
    /// licence may ask something of those who do: so neither is served unless this is given
    #[arg(long, value_name = "FOLDER")]
    pages: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_default_env()
                .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info")),
        )
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    if arguments.executor != "cpu" {
        let message = format!("executor {:?}: expected cpu", arguments.executor);
        return Err(Error::new(ErrorKind::BadArgument, message).into());
    }
    // Says it as the other commands do where there is none.
    crate::segment::open_model(&arguments.model)?;
    let config = ServerConfig { queue: arguments.queue, pages: arguments.pages.clone(), ..ServerConfig::default() };
    let state = ServerState::new(&arguments.model, Arc::new(RtenExecutor::default()), config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(arguments.listen).await.map_err(|e| {
            Error::new(ErrorKind::Io, format!("{} cannot be listened on", arguments.listen)).with_source(e)
        })?;
        let address = listener.local_addr()?;
        let warming = state.clone();
        // A thread of its own, which no shutdown waits for.
        std::thread::spawn(move || {
            if let Err(e) = warming.warm_up() {
                tracing::warn!("warming up failed: {e}");
            }
        });
        let pages = arguments.pages.as_ref().map_or_else(String::new, |pages| format!(" and {}", pages.display()));
        eprintln!("headwater serves {}{pages} on http://{address}", state.manifest().name);
        let mut terminated = signal(SignalKind::terminate())?;
        let shutdown = async move {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminated.recv() => {}
            }
        };
        serve(listener, state, shutdown).await?;
        Ok(())
    })
}
