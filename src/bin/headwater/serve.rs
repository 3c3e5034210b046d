//! `headwater serve`: the server.

use headwater::server::{RtenExecutor, ServerConfig, ServerState, serve};
use headwater::{Error, ErrorKind};
use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The most threads that may block.
const BLOCKING_THREADS: usize = 64;

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
    /// A folder of web pages to serve at `/`. With them comes the model file, at /models/NAME.safetensors:
    /// browsers read their layers' weights from it. Whoever serves weights distributes them, and their
    /// licence may ask something of those who do: so neither is served unless this is given
    #[arg(long, value_name = "FOLDER")]
    pages: Option<PathBuf>,
    /// The largest picture that the net is run at, in pixels; the model's own size without it
    #[arg(long, value_name = "PIXELS", value_parser = clap::value_parser!(u32).range(1..))]
    max_pixels: Option<u32>,
    /// Memory for all requests together, the model and the net's own run aside
    #[arg(long, value_name = "MIB", default_value_t = mib(ServerConfig::default().memory_bytes),
          value_parser = clap::value_parser!(u32).range(1..))]
    memory: u32,
    /// The most of it for one request; a third without it
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u32).range(1..))]
    request_memory: Option<u32>,
    /// Requests that may wait their turn
    #[arg(long, default_value_t = ServerConfig::default().queue as u32,
          value_parser = clap::value_parser!(u32).range(..=1_000_000))]
    queue: u32,
    /// Connections at a time
    #[arg(long, default_value_t = ServerConfig::default().connections as u32,
          value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    connections: u32,
    /// How much of memory, queue and connections one client address may take; 100 behind a proxy
    #[arg(long, value_name = "PERCENT", default_value_t = ServerConfig::default().client_percent,
          value_parser = clap::value_parser!(u8).range(1..=100))]
    client_share: u8,
    /// Seconds for a request's body to arrive
    #[arg(long, value_name = "SECONDS", default_value_t = seconds(ServerConfig::default().body_timeout),
          value_parser = parse_seconds)]
    body_timeout: f64,
    /// Seconds from a request's last byte to its answer, waiting included
    #[arg(long, value_name = "SECONDS", default_value_t = seconds(ServerConfig::default().compute_timeout),
          value_parser = parse_seconds)]
    compute_timeout: f64,
    /// Seconds in which a client must take some of its answer
    #[arg(long, value_name = "SECONDS", default_value_t = seconds(ServerConfig::default().write_timeout),
          value_parser = parse_seconds)]
    write_timeout: f64,
    /// Seconds for requests under way when the server is asked to stop
    #[arg(long, value_name = "SECONDS", default_value_t = seconds(ServerConfig::default().shutdown_timeout),
          value_parser = parse_seconds)]
    shutdown_timeout: f64,
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
    crate::model_file::open_model(&arguments.model)?;
    let state = ServerState::new(&arguments.model, Arc::new(RtenExecutor::default()), config(arguments))?;
    // Threads that block read pages and large JSON, and run the net: each has a stack.
    let runtime =
        tokio::runtime::Builder::new_multi_thread().max_blocking_threads(BLOCKING_THREADS).enable_all().build()?;
    let served = runtime.block_on(async {
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
        let mut signals = Signals::new()?;
        let shutdown = async move {
            signals.next().await;
            tokio::spawn(async move {
                signals.next().await;
                eprintln!("headwater: ended by a second signal");
                std::process::exit(1);
            });
        };
        serve(listener, state, shutdown).await?;
        Ok(())
    });
    // Work that nobody waits for any more may still be on its way to the next point at which it can be ended.
    runtime.shutdown_background();
    served
}

fn config(arguments: &Arguments) -> ServerConfig {
    ServerConfig {
        max_pixels: arguments.max_pixels.map(|pixels| pixels as usize),
        memory_bytes: (arguments.memory as usize) << 20,
        request_bytes: arguments.request_memory.map(|mib| (mib as usize) << 20),
        queue: arguments.queue as usize,
        connections: arguments.connections as usize,
        client_percent: arguments.client_share,
        body_timeout: Duration::from_secs_f64(arguments.body_timeout),
        compute_timeout: Duration::from_secs_f64(arguments.compute_timeout),
        write_timeout: Duration::from_secs_f64(arguments.write_timeout),
        shutdown_timeout: Duration::from_secs_f64(arguments.shutdown_timeout),
        pages: arguments.pages.clone(),
        ..ServerConfig::default()
    }
}

/// The signals that ask the server to stop.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hangup.recv() => {}
        }
    }
}

fn mib(bytes: usize) -> u32 {
    (bytes >> 20) as u32
}

fn seconds(time: Duration) -> f64 {
    time.as_secs_f64()
}

fn parse_seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds) if (0.001..=86_400.0).contains(&seconds) => Ok(seconds),
        _ => Err(format!("expected seconds, 0.001 to 86400; found {text:?}")),
    }
}
