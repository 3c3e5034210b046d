//! Connections: how many there may be, and which one goes when there are too many.
//!
//! A connection on which no request is under way costs nobody anything when it is closed: clients open another. So
//! those are closed, the one that has waited longest first, and before them those that have never sent a request.

use super::client::Client;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::sync::Notify;

/// The connections that are open.
pub(super) struct Connections {
    limit: usize,
    client_limit: usize,
    start: Instant,
    open: Mutex<Vec<Arc<Connection>>>,
}

/// One of them.
pub(super) struct Connection {
    client: Client,
    /// Requests whose answers have not been handed over to the connection.
    requests: AtomicUsize,
    /// Whether the client has yet to take what was handed over.
    pub(super) writing: Arc<AtomicBool>,
    /// Requests so far.
    served: AtomicUsize,
    /// Milliseconds from [`Connections::start`] to the moment from which it waits.
    idle_since: AtomicU64,
    /// To be closed.
    close: Notify,
}

/// A connection's place, given up when it is dropped.
pub(super) struct Open {
    connections: Arc<Connections>,
    pub(super) connection: Arc<Connection>,
}

/// A request under way.
pub(super) struct UnderWay {
    connections: Arc<Connections>,
    connection: Arc<Connection>,
}

impl Connections {
    pub(super) fn new(limit: usize, client_limit: usize) -> Arc<Self> {
        Arc::new(Self { limit: limit.max(1), client_limit, start: Instant::now(), open: Mutex::default() })
    }

    /// A place for a new connection, if need be in place of one that waits. `None` when requests are under way on all.
    pub(super) fn open(self: &Arc<Self>, client: Client) -> Option<Open> {
        let mut open = self.lock();
        let theirs = open.iter().filter(|other| other.client == client).count();
        if theirs >= self.client_limit {
            close_one(&mut open, |other| other.client == client)?;
        }
        if open.len() >= self.limit {
            close_one(&mut open, |_| true)?;
        }
        let connection = Arc::new(Connection {
            client,
            requests: AtomicUsize::new(0),
            writing: Arc::default(),
            served: AtomicUsize::new(0),
            idle_since: AtomicU64::new(self.millis()),
            close: Notify::new(),
        });
        open.push(connection.clone());
        Some(Open { connections: self.clone(), connection })
    }

    /// Closes one that waits, if any does.
    pub(super) fn close_one(&self) -> bool {
        close_one(&mut self.lock(), |_| true).is_some()
    }

    fn millis(&self) -> u64 {
        self.start.elapsed().as_millis() as u64
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Connection>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Closes the one that can best be spared.
fn close_one(open: &mut Vec<Arc<Connection>>, among: impl Fn(&Connection) -> bool) -> Option<()> {
    let waits =
        |other: &Connection| other.requests.load(Ordering::Acquire) == 0 && !other.writing.load(Ordering::Relaxed);
    let waiting = open.iter().enumerate().filter(|(_, other)| waits(other) && among(other));
    let (index, _) = waiting.min_by_key(|(_, other)| {
        (other.served.load(Ordering::Relaxed) > 0, other.idle_since.load(Ordering::Relaxed))
    })?;
    open.swap_remove(index).close.notify_one();
    Some(())
}

impl Connection {
    /// Waits until it is to be closed.
    pub(super) async fn closed(&self) {
        self.close.notified().await;
    }
}

impl Open {
    /// A request has come.
    pub(super) fn request(&self) -> UnderWay {
        self.connection.requests.fetch_add(1, Ordering::AcqRel);
        self.connection.served.fetch_add(1, Ordering::Relaxed);
        UnderWay { connections: self.connections.clone(), connection: self.connection.clone() }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.connection.idle_since.store(self.connections.millis(), Ordering::Relaxed);
        self.connection.requests.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.connections.lock().retain(|other| !Arc::ptr_eq(other, &self.connection));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_closed(open: &Open) -> bool {
        let closed = std::pin::pin!(open.connection.closed());
        closed.poll(&mut std::task::Context::from_waker(std::task::Waker::noop())).is_ready()
    }

    #[test]
    fn those_that_never_asked_go_first_and_those_at_work_stay() {
        let connections = Connections::new(3, 3);
        let client = |number| Client::from([10, 0, 0, number]);
        let at_work = connections.open(client(1)).unwrap();
        let _request = at_work.request();
        let asked = connections.open(client(1)).unwrap();
        drop(asked.request());
        let fresh = connections.open(client(1)).unwrap();
        let _new = connections.open(client(2)).unwrap();
        assert!(is_closed(&fresh) && !is_closed(&asked) && !is_closed(&at_work));
        drop(fresh);
        assert_eq!(connections.lock().len(), 3);
    }

    #[test]
    fn one_client_closes_its_own() {
        let connections = Connections::new(10, 2);
        let client = |number| Client::from([10, 0, 0, number]);
        let other = connections.open(client(2)).unwrap();
        let first = connections.open(client(1)).unwrap();
        let second = connections.open(client(1)).unwrap();
        let third = connections.open(client(1)).unwrap();
        assert!(is_closed(&first) && !is_closed(&second) && !is_closed(&other));
        let _request = second.request();
        third.connection.writing.store(true, Ordering::Relaxed);
        assert!(connections.open(client(1)).is_none(), "a request is under way on one, an answer on the other");
        assert!(connections.open(client(3)).is_some());
    }
}
