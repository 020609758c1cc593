//! The projection of every position's channels onto their first principal component.

use faer::{Mat, Side};
use mednet_data::Mode;
use mednet_network::Tensor;

use super::channels;
use crate::map::Map;

/// What to know about the sign.
pub(super) fn note(mode: Mode) -> &'static str {
    match mode {
        Mode::Default => "of the two signs, the one whose largest absolute projection is positive",
        Mode::Mednet => {
            "the sign is the one that LAPACK gives, as far as that is known: for layers with fewer \
             positions than channels; elsewhere that whose largest absolute projection is positive"
        }
    }
}

/// Projects the channels of each position of `value` (`[1, K, h, w]`; columns centred, NaN counts
/// as zero) onto their first right singular vector.
///
/// A singular vector has no sign of its own. By default the largest projection is positive (Seg-
/// Eigen-CAM 2025, eq. 13). The original takes what LAPACK gives, which depends on its way through
/// the matrix: see [`lapack_first_projection_is_positive`].
pub(super) fn first_principal_component(value: &Tensor, mode: Mode) -> Map {
    let [count, height, width] = value.image_shape();
    let positions = height * width;
    let centred: Vec<Vec<f64>> = channels(value)
        .map(|channel| {
            let clean = |&v: &f32| if v.is_nan() { 0.0 } else { f64::from(v) };
            let mean = channel.iter().map(clean).sum::<f64>() / positions as f64;
            channel.iter().map(|v| clean(v) - mean).collect()
        })
        .collect();
    // The Gram matrix of the shorter side has the same singular values.
    let mut projections = if positions <= count {
        // Channel by channel: the values of one lie side by side. The lower half is enough.
        let mut sums = vec![0.0; positions * positions];
        for channel in &centred {
            for (row, sums) in sums.chunks_exact_mut(positions).enumerate() {
                for (sum, value) in sums[..=row].iter_mut().zip(channel) {
                    *sum += channel[row] * value;
                }
            }
        }
        let gram = Mat::from_fn(positions, positions, |row, column| {
            sums[row.max(column) * positions + row.min(column)]
        });
        let (vector, eigenvalue) = first_eigenvector(&gram);
        vector
            .iter()
            .map(|value| value * eigenvalue.max(0.0).sqrt())
            .collect()
    } else {
        let gram = Mat::from_fn(count, count, |row, column| {
            centred[row]
                .iter()
                .zip(&centred[column])
                .map(|(a, b)| a * b)
                .sum()
        });
        let (vector, _) = first_eigenvector(&gram);
        let mut projections = vec![0.0; positions];
        for (weight, channel) in vector.iter().zip(&centred) {
            for (projection, value) in projections.iter_mut().zip(channel) {
                *projection += weight * value;
            }
        }
        projections
    };
    let flip = match mode {
        Mode::Mednet => lapack_first_projection_is_positive(positions, count)
            .map(|positive| (projections[0] < 0.0) == positive),
        Mode::Default => None,
    };
    let largest = projections.iter().fold(0.0_f64, |largest, &value| {
        if value.abs() > largest.abs() {
            value
        } else {
            largest
        }
    });
    if flip.unwrap_or(largest < 0.0) {
        for projection in &mut projections {
            *projection = -*projection;
        }
    }
    Map::from_sums(height, width, &projections)
}

/// The sign that LAPACK's `gesdd` was seen to give the projection of the first (top left)
/// position, for a matrix of `positions` rows and `count` columns; `None` where no rule was found.
///
/// Positive in 344 of 344 cases of 49 x 80 (pasa's default layer), negative in 200 of 200 cases of
/// 49 x 1024: from `11 / 6` times as many columns as rows on, LAPACK takes another way.
fn lapack_first_projection_is_positive(positions: usize, count: usize) -> Option<bool> {
    (positions < count).then_some(6 * count < 11 * positions)
}

/// The eigenvector of the largest eigenvalue of a symmetric matrix, and that eigenvalue.
fn first_eigenvector(matrix: &Mat<f64>) -> (Vec<f64>, f64) {
    let size = matrix.nrows();
    // It fails on what is not finite only: infinite activations, whose map has no meaning.
    let Ok(decomposition) = matrix.self_adjoint_eigen(Side::Lower) else {
        return (vec![0.0; size], 0.0);
    };
    // Eigenvalues are in increasing order.
    let vector = decomposition.U().col(size - 1).iter().copied().collect();
    (vector, decomposition.S()[size - 1])
}
