//! The hierarchy of grids and its cycles.

use mednet_simd::InstructionSet;

use super::cell_patterns::PatternTables;
use super::coarsest::BandedCholesky;
use super::galerkin::{Elements, assemble, coarsen, first_elements};
use super::level::{Level, set_unknown};
use super::transfer::{
    ascend, ascend_finest, descend, descend_finest, interpolate, largest_residual, restrict,
};

/// Nodes up to which a grid is solved directly.
const COARSEST_NODES: usize = 17 * 17;

/// First level with two cycles on the next coarser grid (W) instead of one (V). The two finest grids
/// cost the most and gain the least from it.
const FIRST_W_LEVEL: usize = 2;

/// Cycles after which the iteration is given up.
const MOST_CYCLES: usize = 30;

/// The grids of an image, finest first, and what the coarsest needs to be solved.
pub(super) struct Multigrid {
    pub(super) levels: Vec<Level>,
    /// `elements[l]` belongs to `levels[l + 1]`.
    elements: Vec<Elements>,
    tables: PatternTables,
    coarsest: BandedCholesky,
    instructions: InstructionSet,
}

/// What [`Multigrid::iterate`] did.
pub(super) struct Iteration {
    pub(super) cycles: usize,
    /// Largest |residual| / diagonal.
    pub(super) residual: f32,
    /// Whether the estimated error and the residual fell below their limits.
    pub(super) converged: bool,
}

/// Nodes of the next coarser grid along a side of `n` nodes.
fn coarser(n: usize) -> usize {
    (n / 2 + 1).max(2)
}

impl Multigrid {
    /// The grids of an image of `height` x `width` pixels, without a mask yet.
    pub(super) fn new(height: usize, width: usize, instructions: InstructionSet) -> Self {
        let mut levels = vec![Level::new(height, width, true)];
        let mut elements = Vec::new();
        let (mut h, mut w) = (height, width);
        loop {
            (h, w) = (coarser(h), coarser(w));
            let level = Level::new(h, w, false);
            elements.push(Elements::new(h, w));
            if h * w <= COARSEST_NODES {
                let coarsest = BandedCholesky::new(&level);
                levels.push(level);
                let tables = PatternTables::new(height, width);
                return Self {
                    levels,
                    elements,
                    tables,
                    coarsest,
                    instructions,
                };
            }
            levels.push(level);
        }
    }

    /// Builds the operators of all grids for a mask.
    pub(super) fn set_mask(&mut self, unknown: &[bool]) {
        let (height, width) = (self.levels[0].height, self.levels[0].width);
        set_unknown(self.instructions, &mut self.levels[0], unknown);
        self.levels[0].find_runs();
        for (l, level) in self.levels[1..].iter_mut().enumerate() {
            if l == 0 {
                let elements = &mut self.elements[0];
                first_elements(
                    self.instructions,
                    elements,
                    &self.tables,
                    unknown,
                    height,
                    width,
                );
            } else {
                let (fine, coarse) = self.elements.split_at_mut(l);
                coarsen(self.instructions, &fine[l - 1], &mut coarse[0]);
            }
            assemble(self.instructions, level, &mut self.elements[l]);
            level.find_runs();
        }
        if let Some(level) = self.levels.last() {
            self.coarsest.factorise(level);
        }
    }

    /// Full-multigrid start, then cycles until the error is estimated to be below `tolerance`, and
    /// the residual is below `largest_residual`. The finest grid holds the known values, and
    /// anything finite at the unknown ones.
    ///
    /// The two complement one another: the corrections of the coarse grids tell of smooth errors,
    /// which leave a small residual, and the residual tells of rough ones (in holes a few pixels
    /// wide), which the coarse grids do not see.
    pub(super) fn iterate(&mut self, tolerance: f32, largest_residual: f32) -> Iteration {
        let mut before = self.full_multigrid();
        let mut residual = f32::INFINITY;
        for cycles in 1..=MOST_CYCLES {
            let correction = self.cycle_finest();
            if !correction.is_finite() {
                return Iteration {
                    cycles,
                    residual: f32::NAN,
                    converged: false,
                };
            }
            // With a contraction rho the error left is about correction * rho / (1 - rho). What the
            // start added is no error, so that the first cycle's rho is an assumption.
            let rate = if cycles == 1 {
                0.25
            } else {
                correction / before.max(f32::MIN_POSITIVE)
            };
            let rate = rate.clamp(0.02, 0.97);
            if correction * rate / (1.0 - rate) < tolerance {
                residual = self.largest_residual();
                if residual <= largest_residual {
                    return Iteration {
                        cycles,
                        residual,
                        converged: true,
                    };
                }
            }
            before = correction;
        }
        Iteration {
            cycles: MOST_CYCLES,
            residual,
            converged: false,
        }
    }

    /// Largest |residual| / diagonal on the finest grid.
    fn largest_residual(&mut self) -> f32 {
        largest_residual(self.instructions, &mut self.levels[0])
    }

    /// Levels `l` and `l + 1`.
    fn pair(&mut self, l: usize) -> (&mut Level, &mut Level) {
        let (fine, coarse) = self.levels.split_at_mut(l + 1);
        (&mut fine[l], &mut coarse[0])
    }

    fn solve_coarsest(&mut self) {
        if let Some(level) = self.levels.last_mut() {
            self.coarsest.solve(level);
        }
    }

    /// One cycle from the finest grid; returns the largest correction.
    fn cycle_finest(&mut self) -> f32 {
        let instructions = self.instructions;
        let (fine, coarse) = self.pair(0);
        descend_finest(instructions, fine, coarse);
        coarse.clear();
        self.cycle(1);
        let (fine, coarse) = self.pair(0);
        ascend_finest(instructions, fine, coarse)
    }

    /// One cycle from coarse grid `l`, improving its correction.
    fn cycle(&mut self, l: usize) {
        if l + 1 == self.levels.len() {
            return self.solve_coarsest();
        }
        let instructions = self.instructions;
        let (fine, coarse) = self.pair(l);
        descend(instructions, fine, coarse);
        coarse.clear();
        // The coarsest grid is solved exactly: a second time would change nothing.
        let twice = l >= FIRST_W_LEVEL && l + 2 < self.levels.len();
        for _ in 0..if twice { 2 } else { 1 } {
            self.cycle(l + 1);
        }
        let (fine, coarse) = self.pair(l);
        ascend(instructions, fine, coarse);
    }

    /// Full-multigrid start, as a correction: the residual is restricted to the coarsest grid, and
    /// each grid's solution, improved by one cycle, starts the next finer one.
    fn full_multigrid(&mut self) -> f32 {
        let instructions = self.instructions;
        let last = self.levels.len() - 1;
        for l in 0..last {
            let (fine, coarse) = self.pair(l);
            if l == 0 {
                descend_finest(instructions, fine, coarse);
            } else {
                restrict(instructions, fine, coarse);
            }
            coarse.clear();
        }
        self.solve_coarsest();
        for l in (1..last).rev() {
            let (fine, coarse) = self.pair(l);
            interpolate(instructions, fine, coarse);
            self.cycle(l);
        }
        let (fine, coarse) = self.pair(0);
        ascend_finest(instructions, fine, coarse)
    }
}
