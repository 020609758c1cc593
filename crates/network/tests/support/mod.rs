//! A second implementation of every operation, in double precision and as plain as can be, and
//! random graphs to compare it on.

use mednet_network::geometry::{ConvolutionGeometry, Window};
use mednet_network::graph::{
    BatchNorm, Convolution, Graph, GraphBuilder, Linear, NodeId, Operation, Parameters, Shape,
};

/// Small pseudo-random numbers in `[-1, 1)` (SplitMix64).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(crate) fn unit(&mut self) -> f32 {
        (self.bits() >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.bits() % end as u64) as usize
    }

    pub(crate) fn values(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.unit()).collect()
    }
}

struct NoParameters;
impl Parameters for NoParameters {
    fn take(&mut self, _name: &str, _shape: &[usize]) -> Vec<f32> {
        Vec::new()
    }
}

/// A network with two dense layers, a skip connection and every operation there is.
pub(crate) fn random_graph(seed: u64) -> Graph {
    let mut random = Random(seed);
    let shape = [
        1 + random.below(3),
        9 + random.below(8),
        9 + random.below(8),
    ];
    let mut none = NoParameters;
    let (mut builder, mut value) = GraphBuilder::new(shape, &mut none);
    value = affine(&mut builder, &mut random, "normalizer", value);
    let stride = 1 + random.below(2);
    value = convolution(
        &mut builder,
        &mut random,
        "stem",
        value,
        4,
        [3, stride, 1, 1, 1],
    );
    value = norm(&mut builder, &mut random, "stem.norm", value);
    value = builder.relu("stem.relu", value);
    let padding = random.below(2);
    value = builder.add(
        "pool",
        Operation::MaxPool(Window::square(3, 2, padding)),
        &[value],
    );

    // A dense block of two layers, norm-relu-convolution.
    let mut features = vec![value];
    for layer in ["layer1", "layer2"] {
        let joined = match features[..] {
            [only] => only,
            _ => builder.add(&format!("{layer}.concat"), Operation::Concat, &features),
        };
        let mut path = norm(&mut builder, &mut random, &format!("{layer}.norm1"), joined);
        path = builder.relu(&format!("{layer}.relu1"), path);
        path = convolution(
            &mut builder,
            &mut random,
            &format!("{layer}.conv1"),
            path,
            6,
            [1, 1, 0, 1, 1],
        );
        path = norm(&mut builder, &mut random, &format!("{layer}.norm2"), path);
        path = builder.relu(&format!("{layer}.relu2"), path);
        features.push(convolution(
            &mut builder,
            &mut random,
            &format!("{layer}.conv2"),
            path,
            2,
            [3, 1, 1, 1, 2],
        ));
    }
    value = builder.add("block", Operation::Concat, &features);

    // A transition, with and without what DenseNet has in front of it.
    let [_, height, width] = builder.shape(value);
    let side = (2 + random.below(2)).min(height).min(width);
    let [with_norm, with_relu, without] = [0; 3].map(|_| random.below(2) == 0);
    if side > 1 && (with_norm || with_relu || without) {
        if with_norm {
            value = norm(&mut builder, &mut random, "transition.norm", value);
        }
        if with_relu {
            value = builder.relu("transition.relu", value);
        }
        let groups = 1 + random.below(2);
        value = convolution(
            &mut builder,
            &mut random,
            "transition.conv",
            value,
            4,
            [1, 1, 0, 1, groups],
        );
        let means = Operation::AveragePool(Window::square(side, 2, 0));
        value = builder.add("transition.pool", means, &[value]);
    }

    // Two averaged branches, as in pasa; one of them dilated.
    let mut main = convolution(&mut builder, &mut random, "main", value, 6, [3, 1, 2, 2, 1]);
    main = builder.relu("main.relu", main);
    let mut skip = convolution(&mut builder, &mut random, "skip", value, 6, [1, 1, 0, 1, 1]);
    skip = norm(&mut builder, &mut random, "skip.norm", skip);
    skip = builder.relu("skip.relu", skip);
    value = builder.add("mean", Operation::Sum { scale: 0.5 }, &[main, skip]);
    // A value joined with itself cannot lie side by side with itself.
    value = builder.add("twice", Operation::Concat, &[value, value, main]);
    if random.below(2) == 0 {
        value = builder.add(
            "shrink",
            Operation::AveragePool(Window::square(2, 1, 1)),
            &[value],
        );
    }
    let grid = Operation::AdaptiveAveragePool {
        height: 2,
        width: 2,
    };
    value = builder.add("grid", grid, &[value]);
    value = builder.add("flatten", Operation::Flatten, &[value]);
    value = linear(&mut builder, &mut random, "hidden", value, 7);
    value = builder.relu("hidden.relu", value);
    linear(&mut builder, &mut random, "output", value, 3);
    builder.finish().unwrap()
}

fn affine(b: &mut GraphBuilder<'_>, r: &mut Random, name: &str, input: NodeId) -> NodeId {
    let channels = b.shape(input)[0];
    let scale = r.values(channels).iter().map(|v| v + 2.0).collect();
    b.add(
        name,
        Operation::Affine {
            scale,
            shift: r.values(channels),
        },
        &[input],
    )
}

fn norm(b: &mut GraphBuilder<'_>, r: &mut Random, name: &str, input: NodeId) -> NodeId {
    let channels = b.shape(input)[0];
    let norm = BatchNorm {
        weight: r.values(channels),
        bias: r.values(channels),
        running_mean: r.values(channels),
        running_variance: r.values(channels).iter().map(|v| v + 1.5).collect(),
        epsilon: 1e-5,
    };
    b.add(name, Operation::BatchNorm(norm), &[input])
}

fn convolution(
    b: &mut GraphBuilder<'_>,
    r: &mut Random,
    name: &str,
    input: NodeId,
    out_channels: usize,
    [kernel, stride, padding, dilation, groups]: [usize; 5],
) -> NodeId {
    let geometry = ConvolutionGeometry {
        in_channels: b.shape(input)[0],
        out_channels,
        kernel: [kernel; 2],
        stride: [stride; 2],
        padding: [padding; 2],
        dilation: [dilation; 2],
        groups: if b.shape(input)[0].is_multiple_of(groups) {
            groups
        } else {
            1
        },
    };
    let count = out_channels * geometry.in_channels / geometry.groups * kernel * kernel;
    let bias = (r.below(2) == 0).then(|| r.values(out_channels));
    let weight = r.values(count);
    b.add(
        name,
        Operation::Convolution(Convolution {
            geometry,
            weight,
            bias,
        }),
        &[input],
    )
}

fn linear(
    b: &mut GraphBuilder<'_>,
    r: &mut Random,
    name: &str,
    input: NodeId,
    out_features: usize,
) -> NodeId {
    let in_features = b.shape(input)[0];
    let weight = r.values(out_features * in_features);
    let bias = r.values(out_features);
    b.add(
        name,
        Operation::Linear(Linear {
            in_features,
            out_features,
            weight,
            bias,
        }),
        &[input],
    )
}

/// Values of all nodes for one image, with the value of one node replaced by another. Also the
/// pattern of open ReLUs and winning maxima: where it differs, differences are no derivatives.
pub(crate) struct Evaluation {
    pub(crate) values: Vec<Vec<f64>>,
    pub(crate) pattern: Vec<usize>,
}

pub(crate) fn evaluate(
    graph: &Graph,
    image: &[f64],
    replaced: Option<(NodeId, &[f64])>,
) -> Evaluation {
    let shapes = graph.shapes(graph.input_shape()).unwrap();
    let mut evaluation = Evaluation {
        values: Vec::new(),
        pattern: Vec::new(),
    };
    for (index, node) in graph.nodes().iter().enumerate() {
        let inputs: Vec<(&[f64], Shape)> = node
            .inputs
            .iter()
            .map(|id| (evaluation.values[id.0].as_slice(), shapes[id.0]))
            .collect();
        let value = match replaced {
            Some((id, value)) if id.0 == index => value.to_vec(),
            _ => operate(
                &node.operation,
                image,
                &inputs,
                shapes[index],
                &mut evaluation.pattern,
            ),
        };
        evaluation.values.push(value);
    }
    evaluation
}

fn operate(
    operation: &Operation,
    image: &[f64],
    inputs: &[(&[f64], Shape)],
    [channels, rows, columns]: Shape,
    pattern: &mut Vec<usize>,
) -> Vec<f64> {
    let Some(&(x, [_, height, width])) = inputs.first() else {
        return image.to_vec();
    };
    let plane = height * width;
    let at = |channel: usize, y: isize, x_: isize| -> Option<f64> {
        let inside = y >= 0 && x_ >= 0 && y < height as isize && x_ < width as isize;
        inside.then(|| x[channel * plane + y as usize * width + x_ as usize])
    };
    let mut out = Vec::with_capacity(channels * rows * columns);
    match operation {
        Operation::Input => unreachable!(),
        Operation::Affine { scale, shift } => {
            for (i, v) in x.iter().enumerate() {
                let c = i / plane;
                out.push(v * f64::from(scale[c]) + f64::from(shift[c]));
            }
        }
        Operation::BatchNorm(n) => {
            for (i, v) in x.iter().enumerate() {
                let c = i / plane;
                let deviation = (f64::from(n.running_variance[c]) + n.epsilon).sqrt();
                let standard = (v - f64::from(n.running_mean[c])) / deviation;
                out.push(standard * f64::from(n.weight[c]) + f64::from(n.bias[c]));
            }
        }
        Operation::Relu => {
            pattern.extend(x.iter().map(|&v| usize::from(v > 0.0)));
            out.extend(x.iter().map(|v| v.max(0.0)));
        }
        Operation::Sum { scale } => {
            for i in 0..x.len() {
                let sum: f64 = inputs.iter().map(|input| input.0[i]).sum();
                out.push(sum * f64::from(*scale));
            }
        }
        Operation::Concat => inputs.iter().for_each(|input| out.extend(input.0)),
        Operation::Flatten => out.extend(x),
        Operation::Linear(l) => {
            for o in 0..l.out_features {
                let weights = &l.weight[o * l.in_features..(o + 1) * l.in_features];
                let sum: f64 = weights.iter().zip(x).map(|(&w, v)| f64::from(w) * v).sum();
                out.push(sum + f64::from(l.bias[o]));
            }
        }
        Operation::AdaptiveAveragePool { .. } => {
            for c in 0..channels {
                for r in 0..rows {
                    for k in 0..columns {
                        let (mut sum, mut count) = (0.0, 0.0);
                        for y in r * height / rows..((r + 1) * height).div_ceil(rows) {
                            for z in k * width / columns..((k + 1) * width).div_ceil(columns) {
                                sum += x[c * plane + y * width + z];
                                count += 1.0;
                            }
                        }
                        out.push(sum / count);
                    }
                }
            }
        }
        Operation::Convolution(convolution) => {
            let g = &convolution.geometry;
            let (group_in, group_out) = (g.in_channels / g.groups, g.out_channels / g.groups);
            for o in 0..channels {
                for r in 0..rows {
                    for k in 0..columns {
                        let mut sum = convolution
                            .bias
                            .as_ref()
                            .map_or(0.0, |bias| f64::from(bias[o]));
                        for i in 0..group_in {
                            for ky in 0..g.kernel[0] {
                                for kx in 0..g.kernel[1] {
                                    let y = (r * g.stride[0] + ky * g.dilation[0]) as isize
                                        - g.padding[0] as isize;
                                    let z = (k * g.stride[1] + kx * g.dilation[1]) as isize
                                        - g.padding[1] as isize;
                                    let weight =
                                        convolution.weight[((o * group_in + i) * g.kernel[0] + ky)
                                            * g.kernel[1]
                                            + kx];
                                    let value = at(o / group_out * group_in + i, y, z);
                                    sum += f64::from(weight) * value.unwrap_or(0.0);
                                }
                            }
                        }
                        out.push(sum);
                    }
                }
            }
        }
        Operation::MaxPool(w) | Operation::AveragePool(w) => {
            let maximum = matches!(operation, Operation::MaxPool(_));
            for c in 0..channels {
                for r in 0..rows {
                    for k in 0..columns {
                        let (mut sum, mut best, mut winner) = (0.0, f64::NEG_INFINITY, 0);
                        for ky in 0..w.kernel[0] {
                            for kx in 0..w.kernel[1] {
                                let y = (r * w.stride[0] + ky) as isize - w.padding[0] as isize;
                                let z = (k * w.stride[1] + kx) as isize - w.padding[1] as isize;
                                let Some(value) = at(c, y, z) else { continue };
                                sum += value;
                                if value > best {
                                    (best, winner) = (value, ky * w.kernel[1] + kx);
                                }
                            }
                        }
                        if maximum {
                            pattern.push(winner);
                            out.push(best);
                        } else {
                            out.push(sum / (w.kernel[0] * w.kernel[1]) as f64);
                        }
                    }
                }
            }
        }
    }
    out
}
