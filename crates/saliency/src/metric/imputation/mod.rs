//! Noisy linear imputation, by which ROAD removes pixels from an image.
//!
//! # The problem
//!
//! Rong, Leemann, Borisov, Kasneci and Kasneci, "A consistent and efficient evaluation strategy for
//! attribution methods" (2022, arXiv:2202.00449) replace a removed pixel by the weighted mean of its
//! neighbours, removed ones included: for every unknown pixel i
//!
//! ```text
//! sum over the neighbours j of i inside the image of  w_ij (x_j - x_i) = 0
//! ```
//!
//! with weight 1/6 for the 4 direct and 1/12 for the 4 diagonal neighbours; then they add a little
//! Gaussian noise ([`add_noise`]). Negated, the matrix is the Laplacian of the pixels' graph with
//! the known pixels as Dirichlet values: symmetric, and positive definite as soon as one pixel is
//! known, because the graph of an image is connected. The solution lies between the extreme known
//! values (maximum principle), and in a hole off the image's border it continues a linear function
//! exactly.
//!
//! # The solver
//!
//! Geometric multigrid (Trottenberg, Oosterlee and Schüller, *Multigrid*, 2001; Briggs, Henson and
//! McCormick, *A Multigrid Tutorial*, 2nd edition, 2000), in 32-bit floats:
//!
//! * Vertex-centred coarsening (512, 257, 129, ...), down to a grid which a banded Cholesky
//!   factorisation solves.
//! * Interpolation P = mask x bilinear (a known pixel takes no correction), restriction its
//!   transpose, coarse operators exactly P^T A P. Operators made from coarse masks instead diverge
//!   or crawl: a mask has holes and bridges that a coarse mask cannot express.
//! * Four-colour Gauss-Seidel smoothing, one sweep before and one after the coarse correction, on
//!   parity planes, so that every loop has unit stride; blocks of rows without unknowns are left out.
//! * A full-multigrid start, then W-cycles. V-cycles slow down to a contraction of one half where
//!   most of the image is unknown.
//! * The finest residual is summed over differences, `w_ij (x_j - x_i)`: its rounding error is that
//!   of the local contrast, which is what makes 32-bit floats enough.
//!
//! The iteration stops when the error estimated from the last correction m and the contraction rho,
//! `m rho / (1 - rho)`, falls below 2e-6 of the range of known values. That is an estimate, and so
//! the residual is always checked; where either does not hold, conjugate gradients in 64-bit floats
//! finish the work, and the report says so.
//!
//! One system is solved on one thread; independent masks belong on several threads. A result does
//! not depend on them, nor on what the system solved before.

mod cell_patterns;
mod coarsest;
mod conjugate_gradient;
mod error;
mod galerkin;
mod level;
mod multigrid;
mod noise;
mod smoother;
#[cfg(test)]
mod tests;
mod transfer;

pub use error::ImputationError;
pub use noise::add_noise;

use error::LARGEST_SIDE;
use level::{Units, load, store};
use mednet_simd::InstructionSet;
use multigrid::Multigrid;

/// Estimated error at which the cycles end, in half ranges of the known values.
const TOLERANCE: f32 = 4e-6;

/// Largest residual (in half ranges, over the diagonal) that passes the check. Rounding alone leaves
/// a few 1e-7.
const LARGEST_RESIDUAL: f32 = 2e-6;

/// As [`LARGEST_RESIDUAL`], for the fall-back.
const LARGEST_FALLBACK_RESIDUAL: f64 = 1e-8;

/// How a channel was solved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SolveReport {
    /// Multigrid cycles after the full-multigrid start. 0 where nothing had to be solved: no unknown
    /// pixel, all known pixels equal.
    pub cycles: usize,
    /// Largest distance of an imputed pixel from the weighted mean of its neighbours, in the image's
    /// units.
    pub residual: f32,
    /// Whether conjugate gradients had to finish the work.
    pub fallback: bool,
}

/// The linear system of one mask, to be solved for any number of channels.
///
/// Building it costs about as much as a solve; [`set_mask`](Self::set_mask) takes another mask of
/// the same size without new memory (about 11 MiB for 512 x 512 pixels), so that a thread that works
/// through several masks should keep its system.
///
/// ```
/// use mednet_saliency::metric::imputation::ImputationSystem;
/// // 3 x 3 pixels, the one in the middle unknown: the weighted mean of its neighbours.
/// let mut unknown = [false; 9];
/// unknown[4] = true;
/// let mut system = ImputationSystem::new(&unknown, 3, 3)?;
/// let mut channel = [0.0, 1.0, 0.0, 0.0, 9.0, 0.0, 0.0, 0.0, 0.0];
/// system.solve(&mut channel)?;
/// assert!((channel[4] - 1.0 / 6.0).abs() < 1e-6);
/// # Ok::<(), mednet_saliency::metric::imputation::ImputationError>(())
/// ```
pub struct ImputationSystem {
    height: usize,
    width: usize,
    unknown: Vec<bool>,
    unknown_count: usize,
    grids: Multigrid,
    instructions: InstructionSet,
}

impl ImputationSystem {
    /// The system of a mask [H, W], row by row, true where a pixel is to be imputed.
    ///
    /// # Errors
    ///
    /// [`ImputationError::WrongSize`], [`ImputationError::WrongLength`], or
    /// [`ImputationError::NoKnownPixel`].
    pub fn new(unknown: &[bool], height: usize, width: usize) -> Result<Self, ImputationError> {
        Self::with_instructions(unknown, height, width, InstructionSet::best())
    }

    fn with_instructions(
        unknown: &[bool],
        height: usize,
        width: usize,
        instructions: InstructionSet,
    ) -> Result<Self, ImputationError> {
        if height == 0 || width == 0 || height.max(width) > LARGEST_SIDE {
            return Err(ImputationError::WrongSize { height, width });
        }
        check_length("mask", unknown.len(), height * width)?;
        let grids = Multigrid::new(height, width, instructions);
        let mut system = Self {
            height,
            width,
            unknown: Vec::new(),
            unknown_count: 0,
            grids,
            instructions,
        };
        system.set_mask(unknown)?;
        Ok(system)
    }

    /// Replaces the mask by another of the same size, keeping the memory. After an error the old
    /// mask stays.
    ///
    /// # Errors
    ///
    /// [`ImputationError::WrongLength`] or [`ImputationError::NoKnownPixel`].
    pub fn set_mask(&mut self, unknown: &[bool]) -> Result<(), ImputationError> {
        let pixels = self.height * self.width;
        check_length("mask", unknown.len(), pixels)?;
        let count = unknown.iter().map(|&u| usize::from(u)).sum();
        if count == pixels {
            return Err(ImputationError::NoKnownPixel { pixels });
        }
        self.unknown.clear();
        self.unknown.extend_from_slice(unknown);
        self.unknown_count = count;
        if count > 0 {
            self.grids.set_mask(unknown);
        }
        Ok(())
    }

    /// Number of pixels to impute.
    pub fn unknown_count(&self) -> usize {
        self.unknown_count
    }

    /// Imputes the unknown pixels of one channel [H, W] in place, to within about 2e-6 of the range
    /// of its known values (1e-5 is what the tests hold it to). What the unknown pixels hold is not
    /// looked at; known pixels are not changed.
    ///
    /// # Errors
    ///
    /// [`ImputationError::WrongLength`], [`ImputationError::NonFinitePixel`], or
    /// [`ImputationError::NotConverged`]; the channel is unchanged then.
    pub fn solve(&mut self, channel: &mut [f32]) -> Result<SolveReport, ImputationError> {
        check_length("channel", channel.len(), self.unknown.len())?;
        let (smallest, largest) = self.known_range(channel)?;
        let mut report = SolveReport {
            cycles: 0,
            residual: 0.0,
            fallback: false,
        };
        if self.unknown_count == 0 {
            return Ok(report);
        }
        // Halved first, so that no sum or difference overflows.
        let units = Units {
            middle: largest / 2.0 + smallest / 2.0,
            half_range: largest / 2.0 - smallest / 2.0,
            smallest,
            largest,
        };
        if units.half_range < f32::MIN_POSITIVE {
            for (pixel, _) in channel.iter_mut().zip(&self.unknown).filter(|(_, u)| **u) {
                *pixel = smallest;
            }
            return Ok(report);
        }
        let finest = &mut self.grids.levels[0];
        load(self.instructions, finest, channel, &self.unknown, units);
        let iteration = self.grids.iterate(TOLERANCE, LARGEST_RESIDUAL);
        report.cycles = iteration.cycles;
        report.residual = iteration.residual * units.half_range;
        if iteration.converged {
            store(
                self.instructions,
                &self.grids.levels[0],
                channel,
                &self.unknown,
                units,
            );
        } else {
            report.residual = self.solve_by_conjugate_gradients(channel, units)?;
            report.fallback = true;
        }
        Ok(report)
    }

    /// Imputes every channel of an image [C, H, W] in place. Channels with the same known pixels, as
    /// a gray image repeated to RGB has, are solved once.
    ///
    /// # Errors
    ///
    /// As [`solve`](Self::solve); channels before the one at fault are imputed already.
    pub fn solve_channels(
        &mut self,
        image: &mut [f32],
    ) -> Result<Vec<SolveReport>, ImputationError> {
        let pixels = self.unknown.len();
        if image.is_empty() || !image.len().is_multiple_of(pixels) {
            check_length("image", image.len(), pixels)?;
        }
        let mut reports: Vec<SolveReport> = Vec::new();
        for c in 0..image.len() / pixels {
            let (before, rest) = image.split_at_mut(c * pixels);
            let channel = &mut rest[..pixels];
            let same = before
                .chunks(pixels)
                .position(|other| self.same_known(other, channel));
            if let Some(same) = same {
                channel.copy_from_slice(&before[same * pixels..(same + 1) * pixels]);
                reports.push(reports[same]);
            } else {
                reports.push(self.solve(channel)?);
            }
        }
        Ok(reports)
    }

    /// Whether two channels agree in every known pixel.
    fn same_known(&self, a: &[f32], b: &[f32]) -> bool {
        let pixels = a.chunks(64).zip(b.chunks(64)).zip(self.unknown.chunks(64));
        pixels.into_iter().all(|((a, b), unknown)| {
            a.iter()
                .zip(b)
                .zip(unknown)
                .fold(true, |same, ((a, b), &u)| same & (u | (a == b)))
        })
    }

    /// Smallest and largest known value.
    fn known_range(&self, channel: &[f32]) -> Result<(f32, f32), ImputationError> {
        const LANES: usize = level::LANES;
        let (mut smallest, mut largest) = ([f32::INFINITY; LANES], [f32::NEG_INFINITY; LANES]);
        let mut not_finite = false;
        for (pixels, mask) in channel.chunks(LANES).zip(self.unknown.chunks(LANES)) {
            for (q, (&pixel, &unknown)) in pixels.iter().zip(mask).enumerate() {
                let low = if unknown { f32::INFINITY } else { pixel };
                let high = if unknown { f32::NEG_INFINITY } else { pixel };
                smallest[q] = if low < smallest[q] { low } else { smallest[q] };
                largest[q] = if high > largest[q] { high } else { largest[q] };
                not_finite |= !unknown & !pixel.is_finite();
            }
        }
        if not_finite {
            let known = channel.iter().zip(&self.unknown).enumerate();
            for (i, (&found, &unknown)) in known {
                if !unknown && !found.is_finite() {
                    let (row, column) = (i / self.width, i % self.width);
                    return Err(ImputationError::NonFinitePixel { row, column, found });
                }
            }
        }
        let smallest = smallest.into_iter().fold(f32::INFINITY, f32::min);
        Ok((
            smallest,
            largest.into_iter().fold(f32::NEG_INFINITY, f32::max),
        ))
    }

    /// The fall-back, from what the grids hold; returns the residual in the image's units.
    fn solve_by_conjugate_gradients(
        &self,
        channel: &mut [f32],
        units: Units,
    ) -> Result<f32, ImputationError> {
        let finest = &self.grids.levels[0];
        let half_range = f64::from(units.half_range);
        let middle = f64::from(units.middle);
        let mut values: Vec<f64> = (0..channel.len())
            .map(|i| {
                let (plane, offset) = finest.position(i / self.width, i % self.width);
                if self.unknown[i] {
                    // Far outside the range the multigrid has diverged and is no help.
                    let start = f64::from(finest.x[plane][offset]);
                    if start.abs() <= 2.0 { start } else { 0.0 }
                } else {
                    (f64::from(channel[i]) - middle) / half_range
                }
            })
            .collect();
        let relative =
            conjugate_gradient::solve(&mut values, &self.unknown, self.height, self.width);
        let residual = relative * half_range;
        // A NaN fails the comparison too.
        if relative <= LARGEST_FALLBACK_RESIDUAL {
            for ((pixel, value), _) in channel
                .iter_mut()
                .zip(values)
                .zip(&self.unknown)
                .filter(|(_, u)| **u)
            {
                let value = (value * half_range + middle) as f32;
                *pixel = value.clamp(units.smallest, units.largest);
            }
            Ok(residual as f32)
        } else {
            Err(ImputationError::NotConverged { residual })
        }
    }
}

fn check_length(what: &'static str, found: usize, expected: usize) -> Result<(), ImputationError> {
    if found == expected {
        Ok(())
    } else {
        Err(ImputationError::WrongLength {
            what,
            expected,
            found,
        })
    }
}
