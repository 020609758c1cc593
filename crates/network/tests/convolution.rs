//! Convolutions, their gradients and fully connected layers against plain sums in `f64`, for
//! every instruction set of this machine.
#![allow(clippy::print_stdout)]

use mednet_network::device::cpu::convolution::FusedEpilogue;
use mednet_network::device::cpu::planes::Shape;
use mednet_network::device::cpu::{
    Algorithm, InstructionSet, Mask, PackedConvolution, PackedConvolutionInputGradient,
    PackedLinear, Planes, PlanesMut, ScaleShift,
};
use mednet_network::device::{Gate, GradientEpilogue, ReluMask};
use mednet_network::geometry::ConvolutionGeometry;
use proptest::prelude::*;

/// Largest error over largest value. Sums of up to some thousand terms in `f32` keep to 1e-6.
const DIRECT_TOLERANCE: f64 = 4e-6;
/// As measured (1.6e-6 for 128 channels), with room.
const WINOGRAD_TOLERANCE: f64 = 1e-5;

/// Numbers of about normal distribution, the same everywhere (splitmix64, Steele et al. 2014).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f32 {
        let mut sum = 0.0;
        for _ in 0..4 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = self.0;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            sum += ((z ^ (z >> 31)) >> 40) as f32 / (1u64 << 24) as f32 - 0.5;
        }
        sum * 1.7
    }

    fn take(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.next()).collect()
    }
}

/// A convolution with all that may come with it.
#[derive(Debug, Clone)]
struct Case {
    geometry: ConvolutionGeometry,
    images: usize,
    size: [usize; 2],
    /// Values between an input image and the next.
    gap: usize,
    bias: bool,
    prologue: Option<bool>,
    relu: bool,
    average: bool,
    accumulate: bool,
    seed: u64,
}

impl Case {
    fn plain(geometry: ConvolutionGeometry, images: usize, size: [usize; 2]) -> Self {
        Self {
            geometry,
            images,
            size,
            gap: 0,
            bias: true,
            prologue: None,
            relu: false,
            average: false,
            accumulate: false,
            seed: 7,
        }
    }

    fn output_size(&self) -> [usize; 2] {
        self.geometry
            .output_size(self.size)
            .expect("a kernel within the padded input")
    }

    fn shape(&self, channels: usize, [height, width]: [usize; 2], gap: usize) -> Shape {
        let image_stride = channels * height * width + gap;
        Shape {
            images: self.images,
            image_stride,
            channels,
            height,
            width,
        }
    }

    fn input_shape(&self) -> Shape {
        self.shape(self.geometry.in_channels, self.size, self.gap)
    }

    fn output_shape(&self) -> Shape {
        self.shape(self.geometry.out_channels, self.output_size(), self.gap / 2)
    }
}

fn buffer_len(shape: &Shape) -> usize {
    shape.images * shape.image_stride
}

/// Calls `f` with the indices of output channel, input channel (absolute), weight, output pixel
/// and input pixel of each product.
fn each_product(
    geometry: &ConvolutionGeometry,
    size: [usize; 2],
    output: [usize; 2],
    mut f: impl FnMut([usize; 5]),
) {
    let (ins, outs) = (
        geometry.in_channels / geometry.groups,
        geometry.out_channels / geometry.groups,
    );
    let [kernel_height, kernel_width] = geometry.kernel;
    for o in 0..geometry.out_channels {
        for i in 0..ins {
            let channel = o / outs * ins + i;
            for ky in 0..kernel_height {
                for kx in 0..kernel_width {
                    let weight = ((o * ins + i) * kernel_height + ky) * kernel_width + kx;
                    for oy in 0..output[0] {
                        let y = oy * geometry.stride[0] + ky * geometry.dilation[0];
                        let Some(y) = y.checked_sub(geometry.padding[0]).filter(|&y| y < size[0])
                        else {
                            continue;
                        };
                        for ox in 0..output[1] {
                            let x = ox * geometry.stride[1] + kx * geometry.dilation[1];
                            let Some(x) =
                                x.checked_sub(geometry.padding[1]).filter(|&x| x < size[1])
                            else {
                                continue;
                            };
                            f([o, channel, weight, oy * output[1] + ox, y * size[1] + x]);
                        }
                    }
                }
            }
        }
    }
}

fn prologue(case: &Case, numbers: &mut Numbers) -> Option<ScaleShift> {
    let channels = case.geometry.in_channels;
    let (scale, shift) = (numbers.take(channels), numbers.take(channels));
    case.prologue.map(|relu| ScaleShift { scale, shift, relu })
}

fn weights(geometry: &ConvolutionGeometry, numbers: &mut Numbers) -> Vec<f32> {
    let depth = geometry.weight_len() / geometry.out_channels;
    let scale = 1.0 / (depth as f32).sqrt();
    numbers
        .take(geometry.weight_len())
        .iter()
        .map(|w| w * scale)
        .collect()
}

fn assert_close(actual: &[f32], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(actual.len(), expected.len());
    let scale = expected.iter().fold(1e-3f64, |m, x| m.max(x.abs()));
    for (index, (&a, &e)) in actual.iter().zip(expected).enumerate() {
        let error = (f64::from(a) - e).abs() / scale;
        assert!(
            error <= tolerance,
            "{what}: value {index} is {a}, not {e}: error {error:e}"
        );
    }
}

fn tolerance(algorithm: Algorithm) -> f64 {
    match algorithm {
        Algorithm::Direct => DIRECT_TOLERANCE,
        Algorithm::Winograd => WINOGRAD_TOLERANCE,
    }
}

fn algorithms(geometry: &ConvolutionGeometry) -> impl Iterator<Item = Algorithm> {
    [Algorithm::Direct, Algorithm::Winograd]
        .into_iter()
        .filter(|a| a.supports(geometry))
}

fn with_threads<R: Send>(threads: usize, work: impl FnOnce() -> R + Send) -> R {
    if cfg!(miri) {
        // Small layers stay on the calling thread; the pool itself is not what is tested.
        return work();
    }
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .expect("a pool")
        .install(work)
}

/// Checks all instruction sets and algorithms against the plain sums, one thread against three,
/// and each image alone against the batch.
fn check_forward(case: &Case) {
    let mut numbers = Numbers(case.seed);
    let geometry = &case.geometry;
    let output_size = case.output_size();
    let (from, to) = (case.input_shape(), case.output_shape());
    let input = numbers.take(buffer_len(&from));
    let other = numbers.take(buffer_len(&to));
    let weight = weights(geometry, &mut numbers);
    let bias = numbers.take(geometry.out_channels);
    let bias = case.bias.then_some(&bias[..]);
    let prologue = prologue(case, &mut numbers);
    let untouched = numbers.take(buffer_len(&to));

    let mut expected: Vec<f64> = untouched.iter().map(|&x| f64::from(x)).collect();
    for image in 0..case.images {
        let start = image * to.image_stride;
        let expected = &mut expected[start..start + to.image_len()];
        for (at, e) in expected.iter_mut().enumerate() {
            *e = bias.map_or(0.0, |b| f64::from(b[at / to.plane_len()]));
        }
        each_product(geometry, case.size, output_size, |[o, i, w, y, x]| {
            let mut value = f64::from(input[image * from.image_stride + i * from.plane_len() + x]);
            if let Some(p) = &prologue {
                value = f64::from(p.scale[i]) * value + f64::from(p.shift[i]);
                value = if p.relu { value.max(0.0) } else { value };
            }
            expected[o * to.plane_len() + y] += f64::from(weight[w]) * value;
        });
        for (at, e) in expected.iter_mut().enumerate() {
            *e = if case.relu { e.max(0.0) } else { *e };
            *e = if case.average {
                (*e + f64::from(other[start + at])) / 2.0
            } else {
                *e
            };
        }
    }

    let epilogue = FusedEpilogue {
        relu: case.relu,
        average_with: case.average.then(|| Planes::new(&other, to)),
    };
    for set in InstructionSet::available() {
        for algorithm in algorithms(geometry) {
            let what = format!("{} {algorithm:?} {case:?}", set.name());
            let packed = PackedConvolution::new_for(set, algorithm, *geometry, &weight, bias);
            let run = || {
                let mut output = untouched.clone();
                packed.run(
                    Planes::new(&input, from),
                    &mut PlanesMut::new(&mut output, to),
                    prologue.as_ref(),
                    epilogue,
                );
                output
            };
            let output = with_threads(1, run);
            // The gaps between images hold what they held.
            assert_close(&output, &expected, tolerance(algorithm), &what);
            assert_eq!(output, with_threads(3, run), "three threads: {what}");
            for image in 0..case.images {
                let mut alone = vec![0.0; to.image_len()];
                let one = |shape: Shape| Shape { images: 1, ..shape };
                packed.run(
                    Planes::new(&input[image * from.image_stride..], one(from)),
                    &mut PlanesMut::new(&mut alone, one(to)),
                    prologue.as_ref(),
                    FusedEpilogue {
                        average_with: case
                            .average
                            .then(|| Planes::new(&other[image * to.image_stride..], one(to))),
                        ..epilogue
                    },
                );
                let start = image * to.image_stride;
                assert_eq!(
                    alone,
                    output[start..start + to.image_len()],
                    "alone: {what}"
                );
            }
        }
    }
}

/// As [`check_forward`], for the gradient with respect to the input.
fn check_gradient(case: &Case) {
    let mut numbers = Numbers(case.seed);
    let geometry = &case.geometry;
    let output_size = case.output_size();
    let (to, from) = (case.input_shape(), case.output_shape());
    let gradient = numbers.take(buffer_len(&from));
    let input = numbers.take(buffer_len(&to));
    let weight = weights(geometry, &mut numbers);
    let prologue = prologue(case, &mut numbers);
    let untouched = numbers.take(buffer_len(&to));

    let mut expected: Vec<f64> = untouched.iter().map(|&x| f64::from(x)).collect();
    for image in 0..case.images {
        let start = image * to.image_stride;
        let mut sums = vec![0.0; to.image_len()];
        each_product(geometry, case.size, output_size, |[o, i, w, y, x]| {
            let value = gradient[image * from.image_stride + o * from.plane_len() + y];
            sums[i * to.plane_len() + x] += f64::from(weight[w]) * f64::from(value);
        });
        for (at, sum) in sums.iter().enumerate() {
            let mut value = *sum;
            if let Some(p) = &prologue {
                let channel = at / to.plane_len();
                let (scale, shift) = (f64::from(p.scale[channel]), f64::from(p.shift[channel]));
                let open = scale * f64::from(input[start + at]) + shift > 0.0;
                // Cases without a ReLU in front stand for those without a factor here.
                let factor = if p.relu { scale } else { 1.0 };
                value = if open { value * factor } else { 0.0 };
            }
            let old = if case.accumulate {
                expected[start + at]
            } else {
                0.0
            };
            expected[start + at] = old + value;
        }
    }

    let gate = |mask| {
        prologue.as_ref().map(|p| Gate {
            mask,
            factor: p.relu.then_some(&p.scale[..]),
        })
    };
    let channel = |at: usize| at % to.image_stride / to.plane_len() % to.channels;
    let into_relu = prologue.as_ref().map(|p| {
        let value = |(at, &x): (usize, &f32)| p.scale[channel(at)] * x + p.shift[channel(at)];
        input.iter().enumerate().map(value).collect::<Vec<f32>>()
    });
    let mask = into_relu.map(|values| Mask::new(Planes::new(&values, to)));
    let values = prologue.as_ref().map(|affine| ReluMask::Values {
        values: Planes::new(&input, to),
        affine,
    });
    let ways = [values, mask.as_ref().map(ReluMask::Bits)];
    let ways: Vec<GradientEpilogue<'_, Planes<'_>, Mask>> = ways
        .into_iter()
        .map(|mask| GradientEpilogue {
            gate: mask.and_then(gate),
            accumulate: case.accumulate,
        })
        .collect();
    for set in InstructionSet::available() {
        for algorithm in algorithms(geometry) {
            let what = format!("gradient {} {algorithm:?} {case:?}", set.name());
            let packed =
                PackedConvolutionInputGradient::new_for(set, algorithm, *geometry, &weight);
            let run = |epilogue| {
                let mut output = untouched.clone();
                packed.run(
                    Planes::new(&gradient, from),
                    &mut PlanesMut::new(&mut output, to),
                    epilogue,
                );
                output
            };
            let output = with_threads(1, || run(ways[0]));
            assert_close(&output, &expected, tolerance(algorithm), &what);
            for epilogue in &ways {
                let again = with_threads(3, || run(*epilogue));
                assert_eq!(output, again, "three threads, {epilogue:?}: {what}");
            }
        }
    }
}

fn check(case: &Case) {
    check_forward(case);
    check_gradient(case);
}

/// Every layer shape of pasa (behaviour of the original: `fc1` to `fc15`), with smaller images.
#[test]
#[cfg_attr(miri, ignore = "too slow")]
fn the_layers_of_pasa() {
    let square = ConvolutionGeometry::square;
    let small = [
        (square(1, 4, 3, 2, 1), 64),
        (square(4, 16, 3, 2, 1), 64),
        (square(1, 16, 1, 4, 0), 64),
        (square(16, 24, 3, 1, 1), 31),
        (square(24, 32, 3, 1, 1), 31),
        (square(16, 32, 1, 1, 0), 31),
        (square(32, 40, 3, 1, 1), 21),
        (square(40, 48, 3, 1, 1), 21),
        (square(32, 48, 1, 1, 0), 21),
        (square(48, 56, 3, 1, 1), 15),
        (square(56, 64, 3, 1, 1), 15),
        (square(48, 64, 1, 1, 0), 15),
        (square(64, 72, 3, 1, 1), 7),
        (square(72, 80, 3, 1, 1), 7),
        (square(64, 80, 1, 1, 0), 7),
    ];
    for (geometry, size) in small {
        let plain = Case::plain(geometry, 2, [size; 2]);
        check(&Case {
            relu: true,
            average: geometry.kernel == [1; 2],
            ..plain
        });
    }
}

#[test]
#[cfg_attr(miri, ignore = "too slow")]
fn the_layers_of_densenet() {
    let square = ConvolutionGeometry::square;
    let layer = |geometry, size| Case {
        bias: false,
        prologue: Some(true),
        gap: 3 * size * size,
        ..Case::plain(geometry, 2, [size; 2])
    };
    check(&Case {
        relu: true,
        ..Case::plain(square(3, 64, 7, 2, 3), 1, [62, 62])
    });
    check(&Case {
        relu: true,
        ..layer(square(96, 128, 1, 1, 0), 20)
    });
    check(&layer(square(128, 32, 3, 1, 1), 20));
    check(&layer(square(256, 128, 1, 1, 0), 16));
    check(&Case {
        relu: true,
        ..layer(square(992, 128, 1, 1, 0), 7)
    });
    check(&layer(square(128, 32, 3, 1, 1), 7));
    check(&Case {
        images: 1,
        ..layer(square(1024, 512, 1, 1, 0), 7)
    });
}

#[test]
#[cfg_attr(miri, ignore = "too slow")]
fn the_layers_of_alexnet() {
    let square = ConvolutionGeometry::square;
    let layer = |geometry, size| Case {
        relu: true,
        ..Case::plain(geometry, 1, [size; 2])
    };
    check(&layer(square(3, 64, 11, 4, 2), 90));
    check(&layer(square(64, 192, 5, 1, 2), 13));
    check(&layer(square(192, 384, 3, 1, 1), 9));
    check(&layer(square(384, 256, 3, 1, 1), 9));
}

/// Images large enough that they are cut into tiles in both directions and by panels of weights.
#[test]
#[cfg_attr(miri, ignore = "too slow")]
fn layers_of_many_tiles() {
    let square = ConvolutionGeometry::square;
    check(&Case {
        prologue: Some(true),
        ..Case::plain(square(160, 9, 3, 1, 1), 1, [9, 400])
    });
    check(&Case::plain(square(96, 20, 5, 2, 2), 1, [40, 301]));
    check(&Case::plain(square(5, 12, 1, 1, 0), 2, [120, 90]));
    check(&Case::plain(square(3, 70, 3, 1, 1), 1, [70, 70]));
}

#[test]
#[cfg_attr(miri, ignore = "too slow")]
fn groups_and_dilation() {
    let geometry = ConvolutionGeometry {
        kernel: [3, 2],
        stride: [2, 1],
        padding: [2, 1],
        dilation: [2, 3],
        groups: 4,
        ..ConvolutionGeometry::square(8, 12, 1, 1, 0)
    };
    check(&Case {
        prologue: Some(false),
        ..Case::plain(geometry, 2, [13, 19])
    });
    let depthwise = ConvolutionGeometry {
        groups: 6,
        ..ConvolutionGeometry::square(6, 6, 3, 1, 1)
    };
    check(&Case::plain(depthwise, 1, [10, 23]));
    let dilated = ConvolutionGeometry {
        dilation: [2; 2],
        ..ConvolutionGeometry::square(5, 7, 3, 3, 2)
    };
    check(&Case::plain(dilated, 1, [17, 23]));
}

/// One of each kind, small enough for the interpreter that checks every access to memory:
/// `MIRIFLAGS="-Zmiri-disable-isolation -Zmiri-ignore-leaks" cargo +nightly
/// miri test -p mednet-network --test convolution small`; for masks, `--lib mask`.
#[test]
fn small_ones_of_each_kind() {
    let square = ConvolutionGeometry::square;
    let all = |geometry, size| Case {
        gap: 3,
        prologue: Some(true),
        relu: true,
        average: true,
        accumulate: true,
        ..Case::plain(geometry, 1, size)
    };
    check(&all(square(2, 5, 3, 1, 1), [5, 7]));
    check(&all(square(3, 3, 1, 1, 0), [3, 5]));
    check(&Case::plain(square(1, 3, 3, 2, 1), 2, [6, 9]));
    check(&Case::plain(square(1, 2, 1, 4, 0), 1, [5, 9]));
    check(&all(
        ConvolutionGeometry {
            groups: 2,
            ..square(2, 4, 2, 3, 2)
        },
        [4, 5],
    ));
    let weight = Numbers(1).take(7 * 9);
    let (mut output, mut slopes) = (vec![0.0; 18], vec![0.0; 14]);
    let linear = PackedLinear::new(7, 9, &weight, None);
    linear.run(&weight[..14], &mut output, false);
    linear.input_gradient(&output, &mut slopes, false);
    let first: f32 = (0..7).map(|i| weight[i] * weight[i]).sum();
    assert!((output[0] - first).abs() < 1e-5);
    assert!(slopes.iter().all(|x| x.is_finite()));
}

#[test]
#[cfg_attr(miri, ignore = "too slow")]
fn winograd_is_as_accurate_as_promised() {
    // The inputs of DenseNet's and AlexNet's layers are not negative.
    for (ins, outs) in [(128, 32), (384, 256)] {
        let geometry = ConvolutionGeometry::square(ins, outs, 3, 1, 1);
        let mut numbers = Numbers(3);
        let size = [24, 24];
        let input: Vec<f32> = numbers.take(ins * 576).iter().map(|x| x.max(0.0)).collect();
        let weight = weights(&geometry, &mut numbers);
        let mut expected = vec![0.0; outs * 576];
        each_product(&geometry, size, size, |[o, i, w, y, x]| {
            expected[o * 576 + y] += f64::from(weight[w]) * f64::from(input[i * 576 + x]);
        });
        let scale = expected.iter().fold(0.0f64, |m, x| m.max(x.abs()));
        for (algorithm, limit) in [(Algorithm::Direct, 2e-6), (Algorithm::Winograd, 5e-6)] {
            let set = InstructionSet::best();
            let packed = PackedConvolution::new_for(set, algorithm, geometry, &weight, None);
            let mut output = vec![0.0; outs * 576];
            packed.run(
                Planes::dense(&input, [1, ins, 24, 24]),
                &mut PlanesMut::dense(&mut output, [1, outs, 24, 24]),
                None,
                FusedEpilogue::default(),
            );
            let error = output
                .iter()
                .zip(&expected)
                .fold(0.0f64, |m, (&a, e)| m.max((f64::from(a) - e).abs()));
            println!(
                "{algorithm:?} {ins} -> {outs}: {:.2e} of the largest value",
                error / scale
            );
            assert!(error / scale <= limit, "{algorithm:?}: {:e}", error / scale);
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "too slow")]
fn linear_layers() {
    for (ins, outs, images) in [
        (80, 1, 1),
        (1024, 14, 3),
        (300, 200, 2),
        (1, 65, 1),
        (513, 64, 5),
    ] {
        let mut numbers = Numbers(11);
        let (input, weight) = (numbers.take(ins * images), numbers.take(ins * outs));
        let (bias, gradient) = (numbers.take(outs), numbers.take(outs * images));
        let value = |image: usize, o: usize| {
            let products = (0..ins)
                .map(|i| f64::from(input[image * ins + i]) * f64::from(weight[o * ins + i]));
            (products.sum::<f64>() + f64::from(bias[o])).max(0.0)
        };
        let expected: Vec<f64> = (0..images * outs)
            .map(|at| value(at / outs, at % outs))
            .collect();
        let slope = |image: usize, i: usize| {
            let products = (0..outs)
                .map(|o| f64::from(gradient[image * outs + o]) * f64::from(weight[o * ins + i]));
            products.sum::<f64>() + 2.0
        };
        let expected_gradient: Vec<f64> = (0..images * ins)
            .map(|at| slope(at / ins, at % ins))
            .collect();
        for set in InstructionSet::available() {
            let packed = PackedLinear::new_for(set, ins, outs, &weight, Some(&bias));
            let run = || {
                let mut output = vec![0.0; images * outs];
                packed.run(&input, &mut output, true);
                let mut slopes = vec![2.0; images * ins];
                packed.input_gradient(&gradient, &mut slopes, true);
                (output, slopes)
            };
            let (output, slopes) = with_threads(1, run);
            assert_close(&output, &expected, DIRECT_TOLERANCE, set.name());
            assert_close(&slopes, &expected_gradient, DIRECT_TOLERANCE, set.name());
            assert_eq!(
                (&output, &slopes),
                (&with_threads(3, run).0, &with_threads(3, run).1)
            );
            let mut alone = vec![0.0; outs];
            packed.run(&input[..ins], &mut alone, true);
            assert_eq!(alone, output[..outs]);
        }
    }
}

#[test]
fn an_output_smaller_than_the_kernel_has_no_size() {
    let geometry = ConvolutionGeometry::square(1, 1, 5, 1, 1);
    assert_eq!(geometry.output_size([3, 2]), None);
    assert_eq!(geometry.output_size([3, 4]), Some([1, 2]));
    assert_eq!(
        ConvolutionGeometry::square(3, 64, 7, 2, 3).output_size([512; 2]),
        Some([256; 2])
    );
    assert_eq!(
        ConvolutionGeometry::square(3, 64, 11, 4, 2).output_size([430; 2]),
        Some([106; 2])
    );
}

fn any_geometry() -> impl Strategy<Value = ConvolutionGeometry> {
    let pair = |range: std::ops::RangeInclusive<usize>| [range.clone(), range];
    (
        1usize..=11,
        1usize..=11,
        pair(1..=4),
        pair(0..=5),
        pair(1..=2),
        1usize..=3,
        0usize..3,
    )
        .prop_flat_map(
            move |(height, width, stride, padding, dilation, groups, kind)| {
                (1usize..=9, 1usize..=18).prop_map(move |(ins, outs)| {
                    let general = ConvolutionGeometry {
                        in_channels: ins,
                        out_channels: outs,
                        kernel: [height, width],
                        stride,
                        padding,
                        dilation: [1; 2],
                        groups: 1,
                    };
                    match kind {
                        0 => general,
                        1 => ConvolutionGeometry {
                            in_channels: ins * groups,
                            out_channels: outs * groups,
                            kernel: [height.min(4), width.min(4)],
                            dilation,
                            groups,
                            ..general
                        },
                        _ => ConvolutionGeometry {
                            kernel: [3; 2],
                            stride: [1; 2],
                            ..general
                        },
                    }
                })
            },
        )
}

fn any_case() -> impl Strategy<Value = Case> {
    (
        any_geometry(),
        1usize..=3,
        [1usize..=37, 1..=41],
        prop_oneof![Just(0usize), 1..50usize],
        any::<[bool; 4]>(),
        any::<Option<bool>>(),
        any::<u64>(),
    )
        .prop_filter_map(
            "a kernel within the padded input",
            |(geometry, images, size, gap, flags, prologue, seed)| {
                geometry.output_size(size)?;
                let [bias, relu, average, accumulate] = flags;
                Some(Case {
                    geometry,
                    images,
                    size,
                    gap,
                    bias,
                    prologue,
                    relu,
                    average,
                    accumulate,
                    seed,
                })
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 128,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    #[cfg_attr(miri, ignore = "too slow")]
    fn any_convolution_forwards(case in any_case()) {
        check_forward(&case);
    }

    #[test]
    #[cfg_attr(miri, ignore = "too slow")]
    fn any_convolution_backwards(case in any_case()) {
        check_gradient(&case);
    }
}
