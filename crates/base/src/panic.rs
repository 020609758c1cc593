//! Panics that end one piece of work and not the program.
//!
//! A panic is a fault of ours or of a library. It must not cost the user more than the sample it
//! happened with, and it must never be lost: what it said is kept until somebody tells it.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

/// What the latest panics said and where they were, the newest last.
static RECENT: Mutex<Vec<(String, String)>> = Mutex::new(Vec::new());
/// Panics that are remembered: as many as may be on their way at once.
const MOST: usize = 64;

/// Keeps what a panic says in place of printing it: whoever catches it tells it.
pub fn remember_instead_of_printing() {
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map_or_else(String::new, |place| {
            format!("{}:{}", place.file(), place.line())
        });
        let mut recent = RECENT.lock().unwrap_or_else(PoisonError::into_inner);
        if recent.len() == MOST {
            recent.remove(0);
        }
        recent.push((message(info.payload()), place));
    }));
}

/// What a caught panic said, with its place in the source where that is known.
#[must_use]
pub fn describe(payload: &(dyn Any + Send)) -> String {
    let message = message(payload);
    let recent = RECENT.lock().unwrap_or_else(PoisonError::into_inner);
    let place = recent.iter().rev().find(|(text, _)| *text == message);
    match place {
        Some((_, place)) if !place.is_empty() => format!("{message} ({place})"),
        _ => message,
    }
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned())
}

/// Does the work; what a panic in it said.
///
/// # Errors
/// Where the work panics. Whatever the work had borrowed must be whole at every point, or not be
/// used again.
pub fn guard<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|payload| describe(&*payload))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_told_with_its_place() {
        remember_instead_of_printing();
        assert_eq!(guard(|| 7), Ok(7));
        let told = guard(|| -> u8 { panic!("no row {}", 3) }).unwrap_err();
        assert!(
            told.starts_with("no row 3 (") && told.contains("panic.rs:"),
            "{told}"
        );
    }
}
