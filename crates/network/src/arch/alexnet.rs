//! AlexNet (Krizhevsky 2014, arXiv:1404.5997) as torchvision names its parts, with mednet's head:
//! 9216 to 4096 to 512 to the outputs.

use super::Architecture;
use crate::geometry::Window;
use crate::graph::{GraphBuilder, NodeId, Operation};

pub(super) const ARCHITECTURE: Architecture = Architecture {
    names: &["alexnet", "alexnet-pretrained"],
    description: "AlexNet (Krizhevsky 2014) for 430 x 430 images",
    input_shape: [3, 430, 430],
    default_layer: "features.10",
    final_bias: "classifier.6.bias",
    describe,
};

fn describe(builder: &mut GraphBuilder<'_>, image: NodeId, outputs: usize) {
    let mut value = convolution(builder, 0, image, 64, Window::square(11, 4, 2));
    value = max_pool(builder, 2, value);
    value = convolution(builder, 3, value, 192, Window::square(5, 1, 2));
    value = max_pool(builder, 5, value);
    value = convolution(builder, 6, value, 384, Window::square(3, 1, 1));
    value = convolution(builder, 8, value, 256, Window::square(3, 1, 1));
    value = convolution(builder, 10, value, 256, Window::square(3, 1, 1));
    value = max_pool(builder, 12, value);
    let pool = Operation::AdaptiveAveragePool {
        height: 6,
        width: 6,
    };
    value = builder.add("avgpool", pool, &[value]);
    value = builder.add("flatten", Operation::Flatten, &[value]);
    // Positions 0 and 3 are dropout, which does nothing outside training.
    value = builder.linear("classifier.1", value, 4096);
    value = builder.relu("classifier.2", value);
    value = builder.linear("classifier.4", value, 512);
    value = builder.relu("classifier.5", value);
    builder.linear("classifier.6", value, outputs);
}

/// A convolution at this position of `features` and the ReLU behind it.
fn convolution(
    builder: &mut GraphBuilder<'_>,
    position: usize,
    input: NodeId,
    channels: usize,
    window: Window,
) -> NodeId {
    let value = builder.convolution(
        &format!("features.{position}"),
        input,
        channels,
        window,
        true,
    );
    builder.relu(&format!("features.{}", position + 1), value)
}

fn max_pool(builder: &mut GraphBuilder<'_>, position: usize, input: NodeId) -> NodeId {
    let pool = Operation::MaxPool(Window::square(3, 2, 0));
    builder.add(&format!("features.{position}"), pool, &[input])
}
