//! Fully connected layers: `output = input * weight^T + bias`.
#![allow(unsafe_code)]

use super::gemm::products;
use super::scratch;
use mednet_simd::{InstructionSet, Kernel, LARGEST_LANES, Vector, first_lanes};
use rayon::prelude::*;

/// Vectors of output features of a panel.
const PANEL_VECTORS: usize = 4;
/// Fewer products are summed by the calling thread alone.
const SERIAL_PRODUCTS: usize = 200_000;

/// A fully connected layer with its weights packed for an instruction set.
#[derive(Debug, Clone)]
pub struct PackedLinear {
    set: InstructionSet,
    in_features: usize,
    out_features: usize,
    /// Panels `[in_features, PANEL_VECTORS * lanes]` of output features; 0 beyond the last one.
    panels: Vec<f32>,
    bias: Vec<f32>,
}

impl PackedLinear {
    /// Packs weights `[out_features, in_features]` for the fastest instruction set.
    ///
    /// # Panics
    /// Where the number of weights or biases does not fit.
    #[must_use]
    pub fn new(
        in_features: usize,
        out_features: usize,
        weight: &[f32],
        bias: Option<&[f32]>,
    ) -> Self {
        Self::new_for(
            InstructionSet::best(),
            in_features,
            out_features,
            weight,
            bias,
        )
    }

    /// As [`Self::new`], for a given instruction set.
    ///
    /// # Panics
    /// Where the number of weights or biases does not fit.
    #[must_use]
    pub fn new_for(
        set: InstructionSet,
        in_features: usize,
        out_features: usize,
        weight: &[f32],
        bias: Option<&[f32]>,
    ) -> Self {
        assert_eq!(
            weight.len(),
            in_features * out_features,
            "number of weights"
        );
        let bias = bias.map_or_else(Vec::new, <[f32]>::to_vec);
        assert!(
            bias.is_empty() || bias.len() == out_features,
            "number of biases"
        );
        let width = PANEL_VECTORS * set.lanes();
        let mut panels = vec![0.0; out_features.div_ceil(width) * width * in_features];
        for (output, row) in weight.chunks(in_features.max(1)).enumerate() {
            let first = output / width * width * in_features + output % width;
            for (input, &weight) in row.iter().enumerate() {
                panels[first + input * width] = weight;
            }
        }
        Self {
            set,
            in_features,
            out_features,
            panels,
            bias,
        }
    }

    /// Computes `[images, out_features]` from `[images, in_features]` on the threads of the
    /// current rayon pool; negative values become 0 where `relu` says so.
    ///
    /// # Panics
    /// Where the lengths do not fit.
    pub fn run(&self, input: &[f32], output: &mut [f32], relu: bool) {
        let images = output.len() / self.out_features.max(1);
        assert_eq!(
            input.len(),
            images * self.in_features,
            "number of input values"
        );
        assert_eq!(
            output.len(),
            images * self.out_features,
            "number of output values"
        );
        if output.is_empty() {
            return;
        }
        let width = PANEL_VECTORS * self.set.lanes();
        let panels = self.out_features.div_ceil(width);
        let shared = SharedOutput(output.as_mut_ptr());
        let work = |panel: usize| {
            let output = &shared;
            scratch::with(|scratch| {
                self.set.run(Panel {
                    layer: self,
                    panel,
                    images,
                    input,
                    output: output.0,
                    relu,
                    offsets: &mut scratch.offsets,
                });
            });
        };
        if panels == 1 || images * self.in_features * self.out_features < SERIAL_PRODUCTS {
            (0..panels).for_each(work);
        } else {
            (0..panels).into_par_iter().for_each(work);
        }
    }

    /// Computes the gradient with respect to the input, `[images, in_features]`, from that with
    /// respect to the output, `[images, out_features]`; replaces what the former holds, or adds to
    /// it where `accumulate` says so.
    ///
    /// # Panics
    /// Where the lengths do not fit.
    pub fn input_gradient(
        &self,
        output_gradient: &[f32],
        input_gradient: &mut [f32],
        accumulate: bool,
    ) {
        let images = output_gradient.len() / self.out_features.max(1);
        assert_eq!(
            output_gradient.len(),
            images * self.out_features,
            "number of output values"
        );
        assert_eq!(
            input_gradient.len(),
            images * self.in_features,
            "number of input values"
        );
        if input_gradient.is_empty() {
            return;
        }
        let width = PANEL_VECTORS * self.set.lanes();
        let panel_len = width * self.in_features;
        let rows = output_gradient.chunks(self.out_features.max(1));
        for (from, to) in rows.zip(input_gradient.chunks_mut(self.in_features)) {
            let gradient = |(input, to): (usize, &mut f32)| {
                let mut sum = if accumulate { *to } else { 0.0 };
                for (from, panel) in from.chunks(width).zip(self.panels.chunks(panel_len)) {
                    let weights = &panel[input * width..][..width];
                    sum += dot(from, &weights[..from.len()]);
                }
                *to = sum;
            };
            if self.in_features * self.out_features < SERIAL_PRODUCTS {
                to.iter_mut().enumerate().for_each(gradient);
            } else {
                to.par_iter_mut()
                    .with_min_len(256)
                    .enumerate()
                    .for_each(gradient);
            }
        }
    }
}

/// The sum of products, in eight partial sums so that compilers use vectors.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    let mut sums = [0.0f32; 8];
    for (a, b) in a.iter().zip(b) {
        for i in 0..8 {
            sums[i] += a[i] * b[i];
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}

/// Output that several threads write to at once, each its own values.
struct SharedOutput(*mut f32);
// SAFETY: an exclusive borrow of plain numbers; each panel writes its own output features.
unsafe impl Sync for SharedOutput {}

struct Panel<'a> {
    layer: &'a PackedLinear,
    panel: usize,
    images: usize,
    input: &'a [f32],
    output: *mut f32,
    relu: bool,
    offsets: &'a mut Vec<usize>,
}

impl Kernel for Panel<'_> {
    type Output = ();

    #[inline(always)]
    fn call<V: Vector>(self, v: V) {
        let PackedLinear {
            in_features,
            out_features,
            panels,
            bias,
            ..
        } = self.layer;
        let width = PANEL_VECTORS * V::LANES;
        let first = self.panel * width;
        let panel = &panels[first * in_features..][..width * in_features];
        self.offsets.clear();
        self.offsets
            .extend((0..*in_features).map(|input| input * width));
        for image in 0..self.images {
            let input = &self.input[image * in_features..][..*in_features];
            let vectors = std::array::from_fn(|vector| vector * V::LANES);
            // SAFETY: one input value for each offset; the panel holds `PANEL_VECTORS` vectors
            // for each of them.
            let [sums] = unsafe {
                products::<V, 1, PANEL_VECTORS>(
                    v,
                    input.as_ptr(),
                    panel.as_ptr(),
                    self.offsets,
                    vectors,
                )
            };
            for (vector, &sum) in sums.iter().enumerate() {
                let at = first + vector * V::LANES;
                if at >= *out_features {
                    break;
                }
                let count = V::LANES.min(out_features - at);
                let mut biases = [0.0; LARGEST_LANES];
                if !bias.is_empty() {
                    biases[..count].copy_from_slice(&bias[at..at + count]);
                }
                // SAFETY: `biases` holds the widest vector; the lanes of the mask are features of
                // this panel, which no other task writes.
                unsafe {
                    let mut value = v.add(sum, v.load(biases.as_ptr()));
                    if self.relu {
                        value = v.relu(value);
                    }
                    let to = self.output.add(image * out_features + at);
                    v.store_masked(to, value, first_lanes(count));
                }
            }
        }
    }
}
