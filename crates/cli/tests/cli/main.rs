//! The program as users run it.

mod completeness;
mod demo;
mod evaluate;
mod generate;
mod interpretability;
mod options;
mod runs;
mod snapshots;
mod study;
mod view;
