//! Statistics of scores: what a table of means leaves open.
//!
//! Everything is computed in double precision, on one thread, from its arguments only, so that
//! equal input and seed give equal output everywhere.

mod bootstrap;
mod holm;
mod normal;
mod rank;
mod summary;
mod wilcoxon;

pub use mednet_base::statistics::{mean, quantile, standard_deviation};

pub use bootstrap::{Bca, Interval, interval_of_mean, resampled_means};
pub use holm::holm;
pub use normal::{normal_cdf, normal_quantile};
pub use rank::{AverageRanks, average_ranks};
pub use summary::Summary;
pub use wilcoxon::{Wilcoxon, WilcoxonMethod, wilcoxon_signed_rank};
