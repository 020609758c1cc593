//! Samples are read ahead by threads of their own while others are computed, several at once
//! where there is memory for it.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, channel, sync_channel};
use std::thread::Scope;

use mednet_base::panic::guard;
use mednet_data::{Loaded, SampleLoader, SampleRecord};
use rayon::ThreadPool;

use crate::event::{FailureKind, Fault};

/// Samples that each reader holds ready.
const READ_AHEAD: usize = 2;

/// Reads samples on `readers` threads and hands them out in order; all of them before the first
/// with `everything`.
pub(super) fn read_ahead<'scope, 'env: 'scope>(
    scope: &'scope Scope<'scope, 'env>,
    loader: &'env SampleLoader,
    records: &'env [&'env SampleRecord],
    readers: usize,
    everything: bool,
) -> Box<dyn Iterator<Item = Result<Loaded, Fault>>> {
    let ahead = ReadAhead::start(scope, loader, records, readers, everything);
    match everything {
        true => Box::new(ahead.collect::<Vec<_>>().into_iter()),
        false => Box::new(ahead),
    }
}

/// Reads a sample; whatever a decoder does, it ends this sample alone.
fn load(loader: &SampleLoader, record: &SampleRecord) -> Result<Loaded, Fault> {
    match guard(|| loader.load(record)) {
        Ok(Ok(loaded)) => Ok(loaded),
        Ok(Err(error)) => Err(Fault::of(kind_of(&error), &error)),
        Err(said) => Err(Fault::panicked("reading it", &said)),
    }
}

/// What kind of failure an error of reading is.
#[must_use]
pub fn kind_of(error: &mednet_data::Error) -> FailureKind {
    use mednet_data::Error;
    match error {
        Error::Unreadable { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
            FailureKind::ImageMissing
        }
        Error::UnsafeName { .. } => FailureKind::Name,
        Error::ImageTooLarge { .. } | Error::TooLarge { .. } => FailureKind::TooLarge,
        _ => FailureKind::Image,
    }
}

/// Samples in order, each from the channel of its reader.
struct ReadAhead {
    channels: Vec<Receiver<Result<Loaded, Fault>>>,
    next: usize,
}

impl ReadAhead {
    /// Starts reading. With `everything`, readers do not wait until samples are taken.
    fn start<'scope, 'env: 'scope>(
        scope: &'scope Scope<'scope, 'env>,
        loader: &'env SampleLoader,
        records: &'env [&'env SampleRecord],
        readers: usize,
        everything: bool,
    ) -> Self {
        let readers = readers.clamp(1, records.len().max(1));
        let channels = (0..readers)
            .map(|reader| {
                let bound = if everything {
                    records.len()
                } else {
                    READ_AHEAD
                };
                let (sender, receiver) = sync_channel(bound);
                scope.spawn(move || {
                    for record in records.iter().skip(reader).step_by(readers) {
                        // Nobody listens any more: the run is over.
                        if sender.send(load(loader, record)).is_err() {
                            break;
                        }
                    }
                });
                receiver
            })
            .collect();
        Self { channels, next: 0 }
    }
}

impl Iterator for ReadAhead {
    type Item = Result<Loaded, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        let channel = &self.channels[self.next % self.channels.len()];
        self.next += 1;
        channel.recv().ok()
    }
}

/// Does `work` on the threads of `pool`, `at_once` items at a time, and hands the results to `take`
/// in the order of the items. Once that has had enough, no further item is begun; those that are
/// under way are finished and handed over. A single item at a time is done as a whole, so that all
/// threads are free for its parts.
pub(super) fn in_order<T: Send, R: Send>(
    pool: &ThreadPool,
    mut items: impl Iterator<Item = T>,
    at_once: usize,
    work: impl Fn(T) -> R + Sync,
    mut take: impl FnMut(R) -> ControlFlow<()>,
) {
    if at_once <= 1 {
        let _ = items.try_for_each(|item| take(pool.install(|| work(item))));
        return;
    }
    let work = &work;
    pool.in_place_scope(|scope| {
        // One more waits, so that no thread does when it has finished.
        let mut under_way: VecDeque<Receiver<R>> = VecDeque::with_capacity(at_once + 1);
        let mut enough = false;
        loop {
            while !enough
                && under_way.len() <= at_once
                && let Some(item) = items.next()
            {
                let (sender, receiver) = channel();
                scope.spawn(move |_| {
                    // Nobody listens where `take` has panicked.
                    let _ = sender.send(work(item));
                });
                under_way.push_back(receiver);
            }
            // Without a result, the work has panicked, which the scope passes on.
            let result = under_way.pop_front().map(|receiver| receiver.recv());
            let Some(Ok(result)) = result else { break };
            enough |= take(result).is_break();
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_and_what_is_under_way_is_finished() {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(3)
            .build()
            .unwrap();
        for at_once in [1, 2, 5] {
            let begun = std::sync::atomic::AtomicUsize::new(0);
            let mut taken = Vec::new();
            let work = |item: u64| {
                begun.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                std::thread::sleep(std::time::Duration::from_millis((7 * item) % 5));
                item * item
            };
            in_order(&pool, 0..50, at_once, work, |result| {
                taken.push(result);
                match taken.len() {
                    12 => ControlFlow::Break(()),
                    _ => ControlFlow::Continue(()),
                }
            });
            let begun = begun.into_inner();
            assert!(begun >= 12 && begun <= 12 + at_once, "{begun}");
            assert_eq!(
                taken,
                (0..begun as u64)
                    .map(|item| item * item)
                    .collect::<Vec<_>>()
            );
        }
    }
}
