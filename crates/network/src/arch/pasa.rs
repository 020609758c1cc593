//! pasa: a small network for tuberculosis screening in chest X-rays (Pasa, Golkov, Pfeiffer,
//! Cremers and Pfeiffer 2019, doi:10.1038/s41598-019-42557-4): five blocks of two 3x3
//! convolutions beside a 1x1 convolution, averaged. Some 200,000 parameters.

use super::Architecture;
use crate::geometry::Window;
use crate::graph::{GraphBuilder, NodeId, Operation};

pub(super) const ARCHITECTURE: Architecture = Architecture {
    names: &["pasa"],
    description: "Pasa et al. 2019, a small network for 512 x 512 gray images",
    input_shape: [1, 512, 512],
    default_layer: "fc14",
    final_bias: "dense.bias",
    describe,
};

/// Channels between and behind the two convolutions of each block.
const BLOCKS: [[usize; 2]; 5] = [[4, 16], [24, 32], [40, 48], [56, 64], [72, 80]];

fn describe(builder: &mut GraphBuilder<'_>, image: NodeId, outputs: usize) {
    let mut value = image;
    for (block, [middle, last]) in BLOCKS.into_iter().enumerate() {
        // The first block shrinks the image by four, on both paths.
        let (stride, skip_stride) = if block == 0 { (2, 4) } else { (1, 1) };
        // The skip connections of the later blocks are padded by nothing: a 1x1 kernel needs none.
        let [first, second, skip] = [1, 2, 3].map(|position| format!("fc{}", 3 * block + position));
        let mut path = value;
        for (name, channels) in [(&first, middle), (&second, last)] {
            path = builder.convolution(name, path, channels, Window::square(3, stride, 1), true);
            path = builder.batch_norm(&format!("batchNorm2d_{channels}"), path);
            path = builder.relu(&format!("batchNorm2d_{channels}.relu"), path);
        }
        let mut beside =
            builder.convolution(&skip, value, last, Window::square(1, skip_stride, 0), true);
        beside = builder.batch_norm(&format!("batchNorm2d_{last}_2"), beside);
        beside = builder.relu(&format!("batchNorm2d_{last}_2.relu"), beside);
        let name = format!("block{}", block + 1);
        value = builder.add(&name, Operation::Sum { scale: 0.5 }, &[path, beside]);
        if block + 1 < BLOCKS.len() {
            let pool = Operation::MaxPool(Window::square(3, 2, 0));
            value = builder.add(&format!("pool{}", block + 1), pool, &[value]);
        }
    }
    let pool = Operation::AdaptiveAveragePool {
        height: 1,
        width: 1,
    };
    value = builder.add("avgpool", pool, &[value]);
    value = builder.add("flatten", Operation::Flatten, &[value]);
    builder.linear("dense", value, outputs);
}
