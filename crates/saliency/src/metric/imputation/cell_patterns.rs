//! The matrices that a cell of the first coarse grid can have.
//!
//! A cell spans 3 x 3 pixels; which of them are unknown makes 512 patterns, and the cells at the
//! image's border, where pairs of pixels are not shared or pixels are missing, have tables of their
//! own.

/// Entries of a symmetric matrix over the corners 0 (top left), 1 (top right), 2 (bottom left) and
/// 3 (bottom right).
const ENTRIES: [(usize, usize); 10] = [
    (0, 0),
    (1, 1),
    (2, 2),
    (3, 3),
    (0, 1),
    (0, 2),
    (0, 3),
    (1, 2),
    (1, 3),
    (2, 3),
];

/// Index in [`ENTRIES`] of a pair of corners.
pub(super) const ENTRY: [[usize; 4]; 4] = [[0, 4, 5, 6], [4, 1, 7, 8], [5, 7, 2, 9], [6, 8, 9, 3]];

/// Where a cell lies among the cells of its row or column.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) first: bool,
    pub(super) last: bool,
}

impl Place {
    /// Cell `i` of `cells`.
    pub(super) fn of(i: usize, cells: usize) -> Self {
        Self {
            first: i == 0,
            last: i + 1 == cells,
        }
    }

    fn index(self) -> usize {
        usize::from(self.first) + 2 * usize::from(self.last)
    }

    /// Share in this cell of a pair of pixels within line `a` of its 3 lines.
    fn weight(self, a: usize) -> f32 {
        if a == 1 || (a == 0 && self.first) || (a == 2 && self.last) {
            2.0
        } else {
            1.0
        }
    }
}

/// The cell matrices of the first coarse grid by pattern of unknown pixels (bit `3 row + column`),
/// for every place that a cell can have in an image of this size.
pub(super) struct PatternTables {
    tables: Vec<Vec<[f32; 10]>>,
}

impl PatternTables {
    /// Tables for an image of `height` x `width` pixels.
    pub(super) fn new(height: usize, width: usize) -> Self {
        let cells = |size: usize| (size / 2).max(1);
        let places = |size: usize| {
            let n = cells(size);
            let mut places = vec![(Place::of(0, n), size.min(3))];
            if n > 1 {
                places.push((Place::of(n - 1, n), 3 - (size + 1) % 2));
            }
            if n > 2 {
                places.push((
                    Place {
                        first: false,
                        last: false,
                    },
                    3,
                ));
            }
            places
        };
        let mut tables = vec![Vec::new(); 16];
        for (vertical, rows) in places(height) {
            for (horizontal, columns) in places(width) {
                tables[4 * vertical.index() + horizontal.index()] =
                    pattern_table(vertical, rows, horizontal, columns);
            }
        }
        Self { tables }
    }

    /// The matrices of the cells at a place, by pattern.
    pub(super) fn get(&self, vertical: Place, horizontal: Place) -> &[[f32; 10]] {
        &self.tables[4 * vertical.index() + horizontal.index()]
    }
}

/// Matrices of the 512 patterns, each from the pattern with one unknown less. All numbers are small
/// multiples of powers of two, so that 32-bit floats are exact.
fn pattern_table(
    vertical: Place,
    rows: usize,
    horizontal: Place,
    columns: usize,
) -> Vec<[f32; 10]> {
    // What the interpolation gives each corner's value in each of the 9 pixels.
    let share: [[f32; 4]; 9] = std::array::from_fn(|n| {
        let (y, x) = ((n / 3) as f32 / 2.0, (n % 3) as f32 / 2.0);
        [(1.0 - y) * (1.0 - x), (1.0 - y) * x, y * (1.0 - x), y * x]
    });
    let weight = |n: usize, m: usize| {
        let ((a, b), (c, d)) = ((n / 3, n % 3), (m / 3, m % 3));
        let exist = a.max(c) < rows && b.max(d) < columns;
        match (a.abs_diff(c), b.abs_diff(d)) {
            _ if !exist => 0.0,
            (0, 1) => vertical.weight(a),
            (1, 0) => horizontal.weight(b),
            (1, 1) => 1.0,
            _ => 0.0,
        }
    };
    let mut table = vec![[0.0f32; 10]; 512];
    for pattern in 1..512usize {
        let added = pattern.trailing_zeros() as usize;
        let mut matrix = table[pattern & (pattern - 1)];
        for other in 0..9 {
            let weight = weight(added, other);
            if weight == 0.0 {
                continue;
            }
            let other_unknown = pattern >> other & 1 == 1;
            for (value, &(r, s)) in matrix.iter_mut().zip(&ENTRIES) {
                let (p, o) = (&share[added], &share[other]);
                *value += weight * p[r] * p[s];
                if other_unknown {
                    *value -= weight * (p[r] * o[s] + o[r] * p[s]);
                }
            }
        }
        table[pattern] = matrix;
    }
    table
}
