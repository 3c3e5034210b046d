//! Things that are expensive to make, kept ready: the few used last, each made once.

use crate::error::{Result, error};
use std::sync::{Arc, Mutex};

/// A thing that may be under construction; its lock is held while it is made.
type Slot<T> = Arc<Mutex<Option<Arc<T>>>>;

/// The things used last, by their keys.
pub(super) struct Kept<K, T> {
    /// Least recently used first. A handful: a list is as good as a map.
    slots: Mutex<Vec<(K, Slot<T>)>>,
    capacity: usize,
}

impl<K: PartialEq, T> Kept<K, T> {
    pub(super) fn new(capacity: usize) -> Self {
        Self { slots: Mutex::new(Vec::new()), capacity: capacity.max(1) }
    }

    /// The thing of `key`, made by `make` if need be. Whoever asks for one that another thread is making
    /// waits for it; others are not held up. A failure is not kept.
    pub(super) fn get(&self, key: K, make: impl FnOnce() -> Result<T>) -> Result<Arc<T>> {
        let slot = self.slot(key)?;
        // A maker that panicked left nothing in its slot: the next one tries again.
        let mut place = slot.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(ready) = &*place {
            return Ok(ready.clone());
        }
        let made = Arc::new(make()?);
        *place = Some(made.clone());
        Ok(made)
    }

    fn slot(&self, key: K) -> Result<Slot<T>> {
        let mut slots = self.slots.lock().map_err(|_| error!(Internal, "the list of what is ready is broken"))?;
        let entry = match slots.iter().position(|(other, _)| *other == key) {
            Some(index) => slots.remove(index),
            None => {
                if slots.len() >= self.capacity {
                    slots.remove(0);
                }
                (key, Slot::default())
            }
        };
        let slot = entry.1.clone();
        slots.push(entry);
        Ok(slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn what_is_wanted_twice_at_once_is_made_once() {
        let (kept, made) = (Kept::new(2), AtomicUsize::new(0));
        let barrier = std::sync::Barrier::new(4);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    barrier.wait();
                    let make = || {
                        std::thread::sleep(std::time::Duration::from_millis(30));
                        Ok(made.fetch_add(1, Ordering::SeqCst))
                    };
                    assert_eq!(*kept.get("a", make).unwrap(), 0);
                });
            }
        });
        assert_eq!(made.into_inner(), 1);
    }

    #[test]
    fn the_least_recently_used_goes_first() {
        let kept = Kept::new(2);
        let get = |key: &'static str, fresh: i32| *kept.get(key, || Ok(fresh)).unwrap();
        assert_eq!((get("a", 1), get("b", 2), get("a", 3), get("c", 4)), (1, 2, 1, 4));
        assert_eq!(get("a", 5), 1, "a was used after b");
        assert_eq!(get("b", 6), 6, "b had to go");
    }

    #[test]
    fn a_failure_is_tried_again() {
        let kept = Kept::new(2);
        assert!(kept.get("a", || Err::<i32, _>(error!(Io, "no"))).is_err());
        assert_eq!(*kept.get("a", || Ok(7)).unwrap(), 7);
    }
}
