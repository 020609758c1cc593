//! Cutting a layer into tasks for the threads of the current rayon pool.
//!
//! How a layer is cut may depend on the number of threads: no value depends on the cut.

use rayon::prelude::*;

/// Layers of fewer operations are done by the calling thread alone: handing a task to another
/// thread takes some microseconds.
const SERIAL_OPERATIONS: usize = 400_000;
/// Layers of fewer operations get one task a thread, larger ones several, so that a thread that
/// was interrupted does not hold up the others.
const LARGE_OPERATIONS: usize = 20_000_000;

/// Number of tasks that a layer of this many operations should at least have.
pub(super) fn wanted_tasks(operations: usize) -> usize {
    if operations < SERIAL_OPERATIONS {
        return 1;
    }
    let threads = rayon::current_num_threads();
    if operations < LARGE_OPERATIONS {
        threads
    } else {
        4 * threads
    }
}

/// Does all tasks.
pub(super) fn for_each(tasks: usize, operations: usize, work: impl Fn(usize) + Sync + Send) {
    if tasks <= 1 || operations < SERIAL_OPERATIONS || rayon::current_num_threads() == 1 {
        (0..tasks).for_each(work);
    } else {
        (0..tasks).into_par_iter().with_max_len(1).for_each(work);
    }
}

/// Cuts `total` into at least `parts` pieces of at most `largest`, all nearly equal; returns the
/// length of a piece.
pub(super) fn piece(total: usize, parts: usize, largest: usize) -> usize {
    let parts = parts
        .max(total.div_ceil(largest.max(1)))
        .clamp(1, total.max(1));
    total.div_ceil(parts)
}

/// The `index`th piece of `total` cut into pieces of `piece`.
pub(super) fn range(index: usize, piece: usize, total: usize) -> std::ops::Range<usize> {
    index * piece..((index + 1) * piece).min(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cover_everything_and_respect_the_bound() {
        for total in if cfg!(miri) { 5..8 } else { 1..40 } {
            for parts in 1..12 {
                for largest in 1..45 {
                    let piece = piece(total, parts, largest);
                    assert!(piece <= largest);
                    let ranges: Vec<_> = (0..total.div_ceil(piece))
                        .map(|i| range(i, piece, total))
                        .collect();
                    let all: Vec<usize> = ranges.into_iter().flatten().collect();
                    assert_eq!(all, (0..total).collect::<Vec<_>>());
                }
            }
        }
    }
}
