//! Memory as a budget: whatever a request makes this process keep is first reserved here, and given back when it is
//! dropped. So memory follows from one number, whoever asks for what, and however many do.

use super::client::Client;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Bytes that requests may hold together.
pub(super) struct Budget {
    bytes: usize,
    /// Of which one client may hold so many.
    client_bytes: usize,
    /// And one request.
    request_bytes: usize,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    bytes: usize,
    clients: HashMap<Client, usize>,
}

/// Why bytes cannot be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoRoom {
    /// One request may never hold that much.
    Never { asked: usize, allowed: usize },
    /// Others hold too much now.
    Now,
    /// The same client holds too much now.
    Client,
}

impl Budget {
    pub(super) fn new(bytes: usize, client_bytes: usize, request_bytes: usize) -> Arc<Self> {
        Arc::new(Self { bytes, client_bytes, request_bytes, held: Mutex::default() })
    }

    /// Holds nothing yet.
    pub(super) fn hold(self: &Arc<Self>, client: Option<Client>) -> Hold {
        Hold { budget: self.clone(), client, bytes: 0 }
    }

    /// Bytes that are held now.
    pub(super) fn held_bytes(&self) -> usize {
        self.lock().bytes
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        // Sums of numbers, whole after any panic.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Bytes that are reserved until this is dropped.
pub(super) struct Hold {
    budget: Arc<Budget>,
    client: Option<Client>,
    bytes: usize,
}

impl Hold {
    /// Holds exactly `bytes` from now on. Fewer can always be had.
    ///
    /// # Errors
    /// [`NoRoom`]; then it holds what it held.
    pub(super) fn resize(&mut self, bytes: usize) -> Result<(), NoRoom> {
        let Budget { request_bytes, client_bytes, .. } = *self.budget;
        let share = self.client.map_or(usize::MAX, |_| client_bytes);
        let allowed = request_bytes.min(self.budget.bytes).min(share);
        let mut held = self.budget.lock();
        if bytes > self.bytes {
            if bytes > allowed {
                return Err(NoRoom::Never { asked: bytes, allowed });
            }
            let more = bytes - self.bytes;
            if more > self.budget.bytes - held.bytes {
                return Err(NoRoom::Now);
            }
            if let Some(client) = self.client {
                let theirs = held.clients.entry(client).or_default();
                if more > client_bytes - *theirs {
                    return Err(NoRoom::Client);
                }
                *theirs += more;
            }
            held.bytes += more;
        } else {
            held.give_back(self.client, self.bytes - bytes);
        }
        self.bytes = bytes;
        Ok(())
    }

    /// Holds `bytes` at most.
    pub(super) fn shrink(&mut self, bytes: usize) {
        drop(self.split(self.bytes.saturating_sub(bytes)));
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Up to `bytes` of these, to be given back on their own.
    pub(super) fn split(&mut self, bytes: usize) -> Self {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        Self { budget: self.budget.clone(), client: self.client, bytes }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.budget.lock().give_back(self.client, self.bytes);
        }
    }
}

impl Held {
    fn give_back(&mut self, client: Option<Client>, bytes: usize) {
        self.bytes -= bytes;
        let Some(client) = client else { return };
        if let Some(theirs) = self.clients.get_mut(&client) {
            *theirs -= bytes;
            if *theirs == 0 {
                self.clients.remove(&client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dropped_is_free_again() {
        let budget = Budget::new(100, 60, 80);
        let (one, other) = (Client::from([10, 0, 0, 1]), Client::from([10, 0, 0, 2]));
        let mut first = budget.hold(Some(one));
        assert_eq!(first.resize(61), Err(NoRoom::Never { asked: 61, allowed: 60 }));
        first.resize(50).unwrap();
        assert_eq!(budget.hold(Some(one)).resize(11), Err(NoRoom::Client));
        let mut second = budget.hold(Some(other));
        assert_eq!(second.resize(51), Err(NoRoom::Now));
        second.resize(50).unwrap();
        let part = first.split(20);
        drop(first);
        assert_eq!(budget.held_bytes(), 70);
        drop((part, second));
        assert_eq!(budget.held_bytes(), 0);
        assert!(budget.lock().clients.is_empty());
    }
}
