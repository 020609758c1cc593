//! DenseNet-121 (Huang, Liu, van der Maaten and Weinberger 2017, arXiv:1608.06993) as torchvision
//! names its parts: growth rate 32, blocks of 6, 12, 24 and 16 layers, 64 initial features.

use super::Architecture;
use crate::geometry::Window;
use crate::graph::{GraphBuilder, NodeId, Operation};

pub(super) const ARCHITECTURE: Architecture = Architecture {
    names: &["densenet", "densenet-pretrained"],
    description: "DenseNet-121 (Huang et al. 2017) for 512 x 512 images",
    input_shape: [3, 512, 512],
    default_layer: "features.denseblock4.denselayer16.conv2",
    final_bias: "classifier.bias",
    describe,
};

const GROWTH: usize = 32;
const BOTTLENECK: usize = 4 * GROWTH;
const BLOCKS: [usize; 4] = [6, 12, 24, 16];

fn describe(builder: &mut GraphBuilder<'_>, image: NodeId, outputs: usize) {
    let mut value =
        builder.convolution("features.conv0", image, 64, Window::square(7, 2, 3), false);
    value = builder.batch_norm("features.norm0", value);
    value = builder.relu("features.relu0", value);
    let pool = Operation::MaxPool(Window::square(3, 2, 1));
    value = builder.add("features.pool0", pool, &[value]);
    for (index, layers) in BLOCKS.into_iter().enumerate() {
        let number = index + 1;
        value = dense_block(
            builder,
            &format!("features.denseblock{number}"),
            value,
            layers,
        );
        if number < BLOCKS.len() {
            value = transition(builder, &format!("features.transition{number}"), value);
        }
    }
    value = builder.batch_norm("features.norm5", value);
    value = builder.relu("features.relu5", value);
    let pool = Operation::AdaptiveAveragePool {
        height: 1,
        width: 1,
    };
    value = builder.add("avgpool", pool, &[value]);
    value = builder.add("flatten", Operation::Flatten, &[value]);
    builder.linear("classifier", value, outputs);
}

/// Each layer sees all features before it and adds `GROWTH` of its own.
fn dense_block(builder: &mut GraphBuilder<'_>, name: &str, input: NodeId, layers: usize) -> NodeId {
    let mut features = vec![input];
    for layer in 1..=layers {
        let name = format!("{name}.denselayer{layer}");
        let joined = match features[..] {
            [only] => only,
            _ => builder.add(&format!("{name}.concat"), Operation::Concat, &features),
        };
        let mut value = builder.batch_norm(&format!("{name}.norm1"), joined);
        value = builder.relu(&format!("{name}.relu1"), value);
        let pointwise = Window::square(1, 1, 0);
        value = builder.convolution(
            &format!("{name}.conv1"),
            value,
            BOTTLENECK,
            pointwise,
            false,
        );
        value = builder.batch_norm(&format!("{name}.norm2"), value);
        value = builder.relu(&format!("{name}.relu2"), value);
        let window = Window::square(3, 1, 1);
        features.push(builder.convolution(&format!("{name}.conv2"), value, GROWTH, window, false));
    }
    builder.add(name, Operation::Concat, &features)
}

/// Halves channels, rows and columns between two blocks.
fn transition(builder: &mut GraphBuilder<'_>, name: &str, input: NodeId) -> NodeId {
    let channels = builder.shape(input)[0] / 2;
    let mut value = builder.batch_norm(&format!("{name}.norm"), input);
    value = builder.relu(&format!("{name}.relu"), value);
    let pointwise = Window::square(1, 1, 0);
    value = builder.convolution(&format!("{name}.conv"), value, channels, pointwise, false);
    let pool = Operation::AveragePool(Window::square(2, 2, 0));
    builder.add(&format!("{name}.pool"), pool, &[value])
}
