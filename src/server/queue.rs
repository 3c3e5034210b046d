//! Who runs, who waits, and who need not wait because there is no time for it.
//!
//! Work is first come, first served. What cannot be finished before its deadline, behind the work that is before it,
//! is refused: when it comes, and again whenever a run shows how long such work really takes. Nobody waits for a time
//! limit that is certain to be missed.

use super::client::Client;
use super::rates::{Rates, Work};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// A queue and the workers that it leads to.
pub(super) struct Queue {
    workers: usize,
    /// Requests that may wait.
    places: usize,
    /// Requests of one client that may wait or run.
    client_places: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    next: u64,
    running: Vec<Entry>,
    waiting: VecDeque<(Entry, oneshot::Sender<Result<(), Refused>>)>,
    rates: Rates,
}

struct Entry {
    id: u64,
    client: Option<Client>,
    work: Work,
    /// `None` for never.
    deadline: Option<Instant>,
    /// When it began to run, or to wait.
    since: Instant,
}

/// Why work is not taken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Refused {
    /// Every place is taken.
    Full { retry: Option<Duration> },
    /// The client has its share of the places.
    Client { retry: Option<Duration> },
    /// It would take `needed` with all that is before it, and has `left`.
    Late { needed: Duration, left: Duration },
}

/// A place in the queue, given up when it is dropped.
pub(super) struct Ticket {
    place: Place,
    called: oneshot::Receiver<Result<(), Refused>>,
}

/// A worker, given up when it is dropped.
pub(super) struct Worker(Place);

struct Place {
    queue: Arc<Queue>,
    id: u64,
}

impl Queue {
    pub(super) fn new(workers: usize, places: usize, client_places: usize) -> Arc<Self> {
        Arc::new(Self { workers: workers.max(1), places, client_places, state: Mutex::default() })
    }

    /// Whether work would be taken now; nothing is reserved.
    pub(super) fn check(&self, work: &Work, client: Option<Client>, deadline: Option<Instant>) -> Result<(), Refused> {
        self.admit(&mut self.lock(), work, client, deadline)
    }

    /// A place for `work`.
    pub(super) fn enter(
        self: &Arc<Self>,
        work: Work,
        client: Option<Client>,
        deadline: Option<Instant>,
    ) -> Result<Ticket, Refused> {
        let mut state = self.lock();
        self.admit(&mut state, &work, client, deadline)?;
        let (call, called) = oneshot::channel();
        state.next += 1;
        let id = state.next;
        state.waiting.push_back((Entry { id, client, work, deadline, since: Instant::now() }, call));
        state.call(self.workers);
        Ok(Ticket { place: Place { queue: self.clone(), id }, called })
    }

    fn admit(
        &self,
        state: &mut State,
        work: &Work,
        client: Option<Client>,
        deadline: Option<Instant>,
    ) -> Result<(), Refused> {
        let now = Instant::now();
        let before = state.before(now, state.waiting.len(), self.workers);
        let retry = (before > 0.0).then(|| seconds(before / (state.waiting.len() + 1) as f64));
        let of_client = |entry: &Entry| client.is_some() && entry.client == client;
        let theirs = state.running.iter().filter(|entry| of_client(entry)).count()
            + state.waiting.iter().filter(|(entry, _)| of_client(entry)).count();
        if theirs >= self.client_places {
            return Err(Refused::Client { retry });
        }
        if state.running.len() >= self.workers && state.waiting.len() >= self.places {
            return Err(Refused::Full { retry });
        }
        let Some((own, left)) = state.rates.predict(work).zip(deadline) else { return Ok(()) };
        let (needed, left) = (seconds(before + own), left.saturating_duration_since(now));
        if needed > left {
            if state.running.is_empty() && state.waiting.is_empty() {
                state.rates.doubt(work);
            }
            return Err(Refused::Late { needed, left });
        }
        Ok(())
    }

    /// Requests that wait or run.
    pub(super) fn len(&self) -> usize {
        let state = self.lock();
        state.running.len() + state.waiting.len()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No step below leaves the lists half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `millis` as a duration, however large.
fn seconds(millis: f64) -> Duration {
    Duration::from_secs_f64((millis / 1e3).clamp(0.0, 1e9))
}

impl State {
    /// Milliseconds until the first `count` that wait have run, as far as it is known.
    fn before(&self, now: Instant, count: usize, workers: usize) -> f64 {
        let running = self.running.iter().map(|entry| {
            let ran = now.duration_since(entry.since).as_secs_f64() * 1e3;
            self.rates.predict(&entry.work).map_or(0.0, |millis| (millis - ran).max(0.0))
        });
        let waiting = self.waiting.iter().take(count);
        let waiting = waiting.map(|(entry, _)| self.rates.predict(&entry.work).unwrap_or(0.0));
        (running.sum::<f64>() + waiting.sum::<f64>()) / workers as f64
    }

    /// Calls whoever is next to a free worker.
    fn call(&mut self, workers: usize) {
        while self.running.len() < workers {
            let Some((mut entry, call)) = self.waiting.pop_front() else { return };
            entry.since = Instant::now();
            // Whoever has gone gives back nothing: the next one is called.
            if call.send(Ok(())).is_ok() {
                self.running.push(entry);
            }
        }
    }

    /// Sends away those for whom there is no time any more.
    fn reconsider(&mut self, workers: usize) {
        let now = Instant::now();
        let mut index = 0;
        while let Some((entry, _)) = self.waiting.get(index) {
            let own = self.rates.predict(&entry.work);
            let needed = own.map(|own| seconds(self.before(now, index, workers) + own));
            let left = entry.deadline.map(|deadline| deadline.saturating_duration_since(now));
            match needed.zip(left) {
                Some((needed, left)) if needed > left => {
                    if let Some((_, call)) = self.waiting.remove(index) {
                        // Whoever has gone need not know.
                        let _ = call.send(Err(Refused::Late { needed, left }));
                    }
                }
                _ => index += 1,
            }
        }
    }
}

impl Ticket {
    /// Waits for a worker.
    pub(super) async fn called(mut self) -> Result<Worker, Refused> {
        match (&mut self.called).await {
            Ok(answer) => answer?,
            // Entries go with an answer, or with their ticket.
            Err(_) => return Err(Refused::Full { retry: None }),
        }
        Ok(Worker(self.place))
    }
}

impl Worker {
    /// Its work is done, and took so long.
    pub(super) fn finished(self, millis: f64) {
        let mut state = self.0.queue.lock();
        let State { running, rates, .. } = &mut *state;
        if let Some(entry) = running.iter().find(|entry| entry.id == self.0.id) {
            rates.record(&entry.work, millis);
        }
        drop(state);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let workers = self.queue.workers;
        let mut state = self.queue.lock();
        state.running.retain(|entry| entry.id != self.id);
        state.waiting.retain(|(entry, _)| entry.id != self.id);
        // In this order: nobody begins to run for whom there is no time.
        state.reconsider(workers);
        state.call(workers);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::BodyKey;

    fn work(tensor: &str) -> Work {
        let (graph, key) = body(tensor);
        Work::new(&key, &graph)
    }

    fn body(tensor: &str) -> (crate::graph::Graph, BodyKey) {
        let tensors = vec![crate::graph::TensorSpec { name: tensor.to_owned(), shape: vec![1, 1, 10, 10] }];
        let graph = crate::graph::Graph {
            tensors,
            weights: vec![],
            nodes: vec![],
            inputs: vec![0],
            outputs: vec![0],
            scaling: Default::default(),
        };
        (graph, BodyKey { inputs: vec![tensor.to_owned()], outputs: vec![], size: [10, 10] })
    }

    fn in_seconds(seconds: u64) -> Option<Instant> {
        Some(Instant::now() + Duration::from_secs(seconds))
    }

    fn ready<T>(future: impl Future<Output = T>) -> T {
        pollster::block_on(future)
    }

    #[test]
    fn work_that_cannot_be_in_time_is_refused_when_it_comes() {
        let queue = Queue::new(1, 16, 16);
        let first = queue.enter(work("a"), None, in_seconds(60)).unwrap();
        ready(first.called()).ok().unwrap().finished(25_000.0);
        let running = ready(queue.enter(work("a"), None, in_seconds(60)).unwrap().called()).ok().unwrap();
        let _second = queue.enter(work("a"), None, in_seconds(60)).unwrap();
        let Err(Refused::Late { needed, .. }) = queue.check(&work("a"), None, in_seconds(60)) else {
            panic!("three of 25 s in 60 s");
        };
        assert!(needed > Duration::from_secs(74) && needed < Duration::from_secs(76), "{needed:?}");
        assert_eq!(queue.check(&work("b"), None, in_seconds(60)), Ok(()), "nobody knows how long it takes");
        assert_eq!(queue.check(&work("a"), None, None), Ok(()), "it has for ever");
        drop(running);
        assert_eq!(queue.len(), 1);
    }

    #[test]
    fn those_that_wait_are_sent_away_once_a_run_shows_that_there_is_no_time() {
        let queue = Queue::new(1, 16, 16);
        let mut tickets: Vec<_> = (0..5).map(|_| queue.enter(work("a"), None, in_seconds(60)).unwrap()).collect();
        let first = ready(tickets.remove(0).called()).ok().unwrap();
        first.finished(25_000.0);
        let answers: Vec<_> = tickets.into_iter().skip(2).map(|ticket| ready(ticket.called())).collect();
        assert!(answers.iter().all(|answer| matches!(answer, Err(Refused::Late { .. }))));
    }

    #[test]
    fn the_next_one_does_not_run_when_there_is_no_time_left_for_it() {
        let queue = Queue::new(1, 16, 16);
        let first = ready(queue.enter(work("a"), None, in_seconds(60)).unwrap().called()).ok().unwrap();
        let second = queue.enter(work("a"), None, in_seconds(20)).unwrap();
        first.finished(40_000.0);
        assert!(matches!(ready(second.called()), Err(Refused::Late { .. })));
        assert_eq!(queue.len(), 0);
    }

    #[test]
    fn one_slow_run_shuts_no_body_out_for_ever() {
        let queue = Queue::new(1, 16, 16);
        ready(queue.enter(work("a"), None, None).unwrap().called()).ok().unwrap().finished(100_000.0);
        let refused = (0..100).take_while(|_| queue.check(&work("a"), None, in_seconds(60)).is_err()).count();
        assert!((1..20).contains(&refused), "{refused}");
    }

    #[test]
    fn one_client_leaves_places_to_others() {
        let queue = Queue::new(1, 4, 2);
        let (greedy, other) = (Some(Client::from([10, 0, 0, 1])), Some(Client::from([10, 0, 0, 2])));
        let tickets: Vec<_> = (0..2).map(|_| queue.enter(work("a"), greedy, None).unwrap()).collect();
        assert!(matches!(queue.enter(work("a"), greedy, None), Err(Refused::Client { .. })));
        let others: Vec<_> = (0..2).map(|_| queue.enter(work("a"), other, None).unwrap()).collect();
        assert!(queue.enter(work("a"), None, None).is_ok(), "no place is kept by a ticket that was dropped");
        drop((tickets, others));
        assert_eq!(queue.len(), 0);
    }
}
