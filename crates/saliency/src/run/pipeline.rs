//! Samples are read ahead by threads of their own while others are computed, several at once
//! where there is memory for it.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, channel, sync_channel};
use std::thread::Scope;

use mednet_data::Loaded;
use mednet_data::{Error, SampleLoader, SampleRecord};

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
) -> Box<dyn Iterator<Item = Result<Loaded, Error>>> {
    let ahead = ReadAhead::start(scope, loader, records, readers, everything);
    match everything {
        true => Box::new(ahead.collect::<Vec<_>>().into_iter()),
        false => Box::new(ahead),
    }
}

/// Samples in order, each from the channel of its reader.
struct ReadAhead {
    channels: Vec<Receiver<Result<Loaded, Error>>>,
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
                        if sender.send(loader.load(record)).is_err() {
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
    type Item = Result<Loaded, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let channel = &self.channels[self.next % self.channels.len()];
        self.next += 1;
        channel.recv().ok()
    }
}

/// Does `work` on the threads of the rayon pool, `at_once` items at a time, and hands the results
/// to `take` in the order of the items, until that has had enough. A single item at a time is done
/// as a whole, so that all threads are free for its parts.
pub(super) fn in_order<T: Send, R: Send>(
    mut items: impl Iterator<Item = T>,
    at_once: usize,
    work: impl Fn(T) -> R + Sync,
    mut take: impl FnMut(R) -> ControlFlow<()>,
) {
    if at_once <= 1 {
        let _ = items.try_for_each(|item| take(work(item)));
        return;
    }
    let work = &work;
    rayon::in_place_scope(|scope| {
        // One more waits, so that no thread does when it has finished.
        let mut under_way: VecDeque<Receiver<R>> = VecDeque::with_capacity(at_once + 1);
        loop {
            while under_way.len() <= at_once
                && let Some(item) = items.next()
            {
                let (sender, receiver) = channel();
                scope.spawn(move |_| {
                    // Nobody listens where somebody had enough.
                    let _ = sender.send(work(item));
                });
                under_way.push_back(receiver);
            }
            // Without a result, the work has panicked, which the scope passes on.
            let result = under_way.pop_front().map(|receiver| receiver.recv());
            let Some(Ok(result)) = result else { break };
            if take(result).is_break() {
                break;
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_and_end_when_told() {
        for at_once in [1, 2, 5] {
            let mut taken = Vec::new();
            let work = |item: u64| {
                std::thread::sleep(std::time::Duration::from_millis((7 * item) % 5));
                item * item
            };
            in_order(0..20, at_once, work, |result| {
                taken.push(result);
                match taken.len() {
                    12 => ControlFlow::Break(()),
                    _ => ControlFlow::Continue(()),
                }
            });
            assert_eq!(taken, (0..12).map(|item| item * item).collect::<Vec<_>>());
        }
    }
}
