//! Samples are read ahead by threads of their own while others are computed.

use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::Scope;

use mednet_data::Loaded;
use mednet_data::{Error, SampleLoader, SampleRecord};

/// Samples that each reader holds ready.
const READ_AHEAD: usize = 2;

/// Reads samples on `readers` threads and hands them out in order.
pub(super) struct ReadAhead {
    channels: Vec<Receiver<Result<Loaded, Error>>>,
    next: usize,
}

impl ReadAhead {
    /// Starts reading. With `everything`, readers do not wait until samples are taken.
    pub(super) fn start<'scope, 'env: 'scope>(
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
