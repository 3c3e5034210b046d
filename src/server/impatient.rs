//! A connection whose client must take what is written to it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// A stream on which writing fails when nothing could be written for a time. The system's buffer becomes writable
/// only once a good part of it has been taken, so a client cannot keep an answer by taking it byte by byte.
pub(super) struct Impatient<S> {
    stream: S,
    timeout: Duration,
    /// Runs while a write waits.
    waits: Option<Pin<Box<Sleep>>>,
    /// Whether a write waits, for others to see.
    writing: Arc<AtomicBool>,
}

impl<S> Impatient<S> {
    pub(super) fn new(stream: S, timeout: Duration, writing: Arc<AtomicBool>) -> Self {
        Self { stream, timeout, waits: None, writing }
    }

    fn judge<T>(&mut self, context: &mut Context<'_>, wrote: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        self.writing.store(wrote.is_pending(), Ordering::Relaxed);
        if wrote.is_ready() {
            self.waits = None;
            return wrote;
        }
        let timeout = self.timeout;
        let waits = self.waits.get_or_insert_with(|| Box::pin(sleep(timeout)));
        ready!(waits.as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client takes nothing")))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Impatient<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.judge(context, wrote)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.stream).poll_write_vectored(context, pieces);
        self.judge(context, wrote)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.judge(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(context);
        self.judge(context, shut)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Impatient<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[tokio::test]
    async fn a_client_that_takes_nothing_for_the_time_is_left() {
        let (mut client, server) = tokio::io::duplex(10);
        let mut server = Impatient::new(server, Duration::from_secs(3), Arc::default());
        let writing = tokio::spawn(async move { server.write_all(&[1; 100]).await.map_err(|e| e.kind()) });
        let mut taken = [0; 10];
        // Longer than the limit in all, and each time much shorter.
        for _ in 0..5 {
            sleep(Duration::from_millis(700)).await;
            client.read_exact(&mut taken).await.unwrap();
        }
        assert!(!writing.is_finished(), "a slow client is no dead one");
        assert_eq!(writing.await.unwrap(), Err(io::ErrorKind::TimedOut));
    }
}
