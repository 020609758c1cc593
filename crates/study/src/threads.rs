//! How many threads a run uses, and the pool that it uses them through.
//!
//! There is no pool for the whole process: a process that forks, as Python programs do, would
//! wait for ever on threads that the fork did not copy.

use std::env;

use rayon::{ThreadPool, ThreadPoolBuilder};
use thiserror::Error;

/// What schedulers of clusters and OpenMP say about the processors of a job.
const LIMITS: [&str; 4] = [
    "SLURM_CPUS_PER_TASK",
    "PBS_NCPUS",
    "NSLOTS",
    "OMP_NUM_THREADS",
];
/// More threads for each core than this only take memory.
const MOST_FOR_A_CORE: usize = 8;
/// So many threads may be asked for on any machine.
const ALWAYS_ALLOWED: usize = 64;

/// A number of threads, and who chose it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThreadCount {
    /// At least 1.
    pub count: usize,
    /// `--parallel`, `the cores of the machine`, or the name of an environment variable.
    pub chosen_by: String,
}

/// A number of threads that makes no sense, or that the system does not give.
#[derive(Debug, Error)]
pub enum ThreadError {
    /// A negative number other than -1.
    #[error("--parallel {0} makes no sense: give a number of threads, or -1 for all cores")]
    Negative(i64),
    /// Far more than there are cores.
    #[error(
        "--parallel {asked} is more than {most} threads, the most for {cores} cores: more only \
         take memory"
    )]
    TooMany {
        /// What was asked for.
        asked: i64,
        /// The most that is allowed.
        most: usize,
        /// Cores of the machine.
        cores: usize,
    },
    /// The system refuses.
    #[error("cannot start {count} threads")]
    Pool {
        /// What was asked for.
        count: usize,
        /// What the system says.
        source: rayon::ThreadPoolBuildError,
    },
}

impl ThreadCount {
    /// What `--parallel` means: a number, or with -1 or 0 as many as there are cores, and no more
    /// than a scheduler of a cluster gave this job.
    ///
    /// # Errors
    /// Where the number makes no sense.
    pub fn new(parallel: i64) -> Result<Self, ThreadError> {
        Self::from_parts(parallel, cores(), |name| env::var(name).ok())
    }

    fn from_parts(
        parallel: i64,
        cores: usize,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ThreadError> {
        let most = (MOST_FOR_A_CORE * cores).max(ALWAYS_ALLOWED);
        match parallel {
            -1 | 0 => {
                let mut least = Self {
                    count: cores,
                    chosen_by: "the cores of the machine".to_owned(),
                };
                for name in LIMITS {
                    // OpenMP has lists, one number for each level of nesting.
                    let number = variable(name)
                        .and_then(|value| value.split(',').next()?.trim().parse::<usize>().ok());
                    if let Some(count) = number.filter(|&count| count > 0 && count < least.count) {
                        least = Self {
                            count,
                            chosen_by: name.to_owned(),
                        };
                    }
                }
                Ok(least)
            }
            asked => {
                let count = usize::try_from(asked).map_err(|_| ThreadError::Negative(asked))?;
                if count > most {
                    return Err(ThreadError::TooMany { asked, most, cores });
                }
                Ok(Self {
                    count,
                    chosen_by: "--parallel".to_owned(),
                })
            }
        }
    }

    /// Starts the threads.
    ///
    /// # Errors
    /// Where the system refuses.
    pub fn pool(&self) -> Result<ThreadPool, ThreadError> {
        let builder = ThreadPoolBuilder::new().num_threads(self.count);
        builder.build().map_err(|source| ThreadError::Pool {
            count: self.count,
            source,
        })
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_of_cores_and_schedulers_counts() {
        let chosen = |parallel, set: &[(&str, &str)]| {
            let variable = |name: &str| {
                let found = set.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            };
            ThreadCount::from_parts(parallel, 16, variable).map(|t| (t.count, t.chosen_by))
        };
        let by = |count, name: &str| (count, name.to_owned());
        assert_eq!(chosen(-1, &[]).unwrap(), by(16, "the cores of the machine"));
        let both = [("SLURM_CPUS_PER_TASK", "4"), ("OMP_NUM_THREADS", "8,2")];
        assert_eq!(chosen(0, &both).unwrap(), by(4, "SLURM_CPUS_PER_TASK"));
        assert_eq!(chosen(-1, &both[1..]).unwrap(), by(8, "OMP_NUM_THREADS"));
        let odd = [("NSLOTS", "undefined"), ("PBS_NCPUS", "0")];
        assert_eq!(chosen(-1, &odd).unwrap().0, 16);
        assert_eq!(chosen(3, &both).unwrap(), by(3, "--parallel"));
        assert!(matches!(chosen(-2, &[]), Err(ThreadError::Negative(-2))));
        let refused = chosen(100_000, &[]).unwrap_err().to_string();
        assert!(
            refused.contains("100000") && refused.contains("128"),
            "{refused}"
        );
    }
}
