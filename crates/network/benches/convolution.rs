//! Time of every convolution of DenseNet-121 (512 x 512), pasa (512 x 512) and AlexNet
//! (430 x 430), and of the sum of each network's, against the rate of a large product of matrices.
//!
//! `cargo bench -p mednet-network --bench convolution -- [--threads N] [--rounds N] [--batch N]
//! [--set NAME] [--gradient] [--algorithm Direct|Winograd] [--filter PART-OF-NAME]`. Each figure
//! is the minimum over the rounds; `*` marks the recommended algorithm, which the sums count.
#![allow(clippy::print_stdout)]

use mednet_network::device::cpu::convolution::FusedEpilogue;
use mednet_network::device::cpu::{
    Algorithm, InstructionSet, PackedConvolution, PackedConvolutionInputGradient, PackedLinear,
    Planes, PlanesMut, ScaleShift,
};
use mednet_network::device::{Gate, GradientEpilogue, ReluMask};
use mednet_network::geometry::ConvolutionGeometry;
use rustix::time::{ClockId, clock_gettime};

/// A convolution of a network.
struct Layer {
    network: &'static str,
    name: String,
    geometry: ConvolutionGeometry,
    size: usize,
    /// How often the network has it.
    count: usize,
    prologue: bool,
    relu: bool,
    average: bool,
}

fn layers() -> Vec<Layer> {
    let square = ConvolutionGeometry::square;
    let mut layers = Vec::new();
    let mut add =
        |network, name: &str, geometry, size, count, [prologue, relu, average]: [bool; 3]| {
            let name = name.to_owned();
            layers.push(Layer {
                network,
                name,
                geometry,
                size,
                count,
                prologue,
                relu,
                average,
            });
        };
    add(
        "densenet",
        "conv0",
        square(3, 64, 7, 2, 3),
        512,
        1,
        [false, true, false],
    );
    let mut channels = 64;
    for (block, (count, size)) in [(6, 128), (12, 64), (24, 32), (16, 16)]
        .into_iter()
        .enumerate()
    {
        // All layers of a block are alike but for the input: measured at the mean.
        let ins = channels + 32 * (count - 1) / 2;
        let name = format!("block{} conv1", block + 1);
        add(
            "densenet",
            &name,
            square(ins, 128, 1, 1, 0),
            size,
            count,
            [true, true, false],
        );
        let name = format!("block{} conv2", block + 1);
        add(
            "densenet",
            &name,
            square(128, 32, 3, 1, 1),
            size,
            count,
            [false; 3],
        );
        channels += 32 * count;
        if block < 3 {
            let geometry = square(channels, channels / 2, 1, 1, 0);
            let name = format!("transition{}", block + 1);
            // The means of windows are taken before it.
            add("densenet", &name, geometry, size / 2, 1, [false; 3]);
            channels /= 2;
        }
    }
    let relu = [false, true, false];
    let skip = [false, true, true];
    add("pasa", "fc1", square(1, 4, 3, 2, 1), 512, 1, relu);
    add("pasa", "fc2", square(4, 16, 3, 2, 1), 256, 1, relu);
    add("pasa", "fc3", square(1, 16, 1, 4, 0), 512, 1, skip);
    for (block, size) in [63, 31, 15, 7].into_iter().enumerate() {
        let (ins, fc) = (16 * (block + 1), 3 * block + 4);
        add(
            "pasa",
            &format!("fc{fc}"),
            square(ins, ins + 8, 3, 1, 1),
            size,
            1,
            relu,
        );
        add(
            "pasa",
            &format!("fc{}", fc + 1),
            square(ins + 8, ins + 16, 3, 1, 1),
            size,
            1,
            relu,
        );
        add(
            "pasa",
            &format!("fc{}", fc + 2),
            square(ins, ins + 16, 1, 1, 0),
            size,
            1,
            skip,
        );
    }
    add(
        "alexnet",
        "features.0",
        square(3, 64, 11, 4, 2),
        430,
        1,
        relu,
    );
    add(
        "alexnet",
        "features.3",
        square(64, 192, 5, 1, 2),
        52,
        1,
        relu,
    );
    add(
        "alexnet",
        "features.6",
        square(192, 384, 3, 1, 1),
        25,
        1,
        relu,
    );
    add(
        "alexnet",
        "features.8",
        square(384, 256, 3, 1, 1),
        25,
        1,
        relu,
    );
    add(
        "alexnet",
        "features.10",
        square(256, 256, 3, 1, 1),
        25,
        1,
        relu,
    );
    layers
}

/// Numbers between -0.5 and 0.5.
fn numbers(count: usize) -> Vec<f32> {
    (0..count as u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 8) as f32 / 16_777_216.0 - 0.5)
        .collect()
}

/// Seconds: of this thread's processor time where it works alone, else of the clock on the wall.
///
/// Other programs disturb the former less.
fn now() -> f64 {
    let clock = if rayon::current_num_threads() == 1 {
        ClockId::ThreadCPUTime
    } else {
        ClockId::Monotonic
    };
    let now = clock_gettime(clock);
    now.tv_sec as f64 + now.tv_nsec as f64 * 1e-9
}

/// Shortest time in seconds of a call.
fn shortest(rounds: usize, mut work: impl FnMut()) -> f64 {
    work();
    (0..rounds)
        .map(|_| {
            let start = now();
            work();
            now() - start
        })
        .fold(f64::INFINITY, f64::min)
}

/// What to measure.
struct Settings {
    set: InstructionSet,
    threads: usize,
    rounds: usize,
    batch: usize,
    gradient: bool,
    algorithm: Option<String>,
    filter: Option<String>,
}

impl Settings {
    fn from_arguments() -> Self {
        let arguments: Vec<String> = std::env::args().collect();
        let value = |name: &str| {
            let at = arguments.iter().position(|a| a == name)?;
            arguments.get(at + 1).cloned()
        };
        let number = |name, default| value(name).and_then(|v| v.parse().ok()).unwrap_or(default);
        let set = value("--set").and_then(|name| {
            InstructionSet::available()
                .into_iter()
                .find(|s| s.name() == name)
        });
        Self {
            set: set.unwrap_or(InstructionSet::best()),
            threads: number("--threads", 2),
            rounds: number("--rounds", 30),
            batch: number("--batch", 1),
            gradient: arguments.iter().any(|a| a == "--gradient"),
            algorithm: value("--algorithm"),
            filter: value("--filter"),
        }
    }
}

fn main() {
    let settings = Settings::from_arguments();
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(settings.threads)
        .build()
        .expect("a pool");
    pool.install(|| run(&settings));
}

fn run(settings: &Settings) {
    let &Settings {
        set,
        threads,
        rounds,
        batch,
        gradient,
        ..
    } = settings;
    let filter = settings.filter.as_deref();
    let peak = peak(set, rounds.min(10));
    println!(
        "{}, {threads} threads, batch {batch}: product of matrices {peak:.1} GFLOP/s",
        set.name(),
    );
    let mut totals: Vec<(&str, f64, f64)> = Vec::new();
    for layer in layers() {
        let name = format!("{} {}", layer.network, layer.name);
        if filter.is_some_and(|f| !name.contains(f)) {
            continue;
        }
        let [height, width] = layer.geometry.output_size([layer.size; 2]).expect("a size");
        let operations = (batch * layer.geometry.operations([height, width])) as f64;
        let algorithms = [Algorithm::Direct, Algorithm::Winograd];
        let recommended = Algorithm::recommended(&layer.geometry, [height, width]);
        let mut counted = f64::INFINITY;
        for algorithm in algorithms
            .into_iter()
            .filter(|a| a.supports(&layer.geometry))
            .filter(|a| {
                settings
                    .algorithm
                    .as_ref()
                    .is_none_or(|name| *name == format!("{a:?}"))
            })
        {
            let time = if gradient {
                time_gradient(set, algorithm, &layer, rounds, batch, [height, width])
            } else {
                time_forward(set, algorithm, &layer, rounds, batch, [height, width])
            };
            println!(
                "{name:28} {:3} -> {:3} k{:<2} s{} {:3}x{:<3} {:8} {:9.1} us {:6.1} GFLOP/s {:4.0} %{}",
                layer.geometry.in_channels,
                layer.geometry.out_channels,
                layer.geometry.kernel[0],
                layer.geometry.stride[0],
                height,
                width,
                format!("{algorithm:?}"),
                time * 1e6,
                operations / time * 1e-9,
                operations / time * 1e-7 / peak,
                if recommended == algorithm { " *" } else { "" },
            );
            if recommended == algorithm || counted.is_infinite() {
                counted = time;
            }
        }
        let (time, operations) = (
            counted * layer.count as f64,
            operations * layer.count as f64,
        );
        match totals.iter_mut().find(|t| t.0 == layer.network) {
            Some(total) => (total.1, total.2) = (total.1 + time, total.2 + operations),
            None => totals.push((layer.network, time, operations)),
        }
    }
    for (network, time, operations) in totals {
        println!(
            "{network}: all convolutions {:.2} ms, {:.1} GFLOP, {:.2} of the floor of {:.2} ms",
            time * 1e3,
            operations * 1e-9,
            time * peak * 1e9 / operations,
            operations / peak * 1e-6,
        );
    }
    if filter.is_none_or(|f| f == "linear") {
        for (ins, outs) in [(9216, 4096), (4096, 512), (1024, 14), (80, 1)] {
            let layer = PackedLinear::new_for(set, ins, outs, &numbers(ins * outs), None);
            let (input, mut output) = (numbers(ins * batch), vec![0.0; outs * batch]);
            let time = shortest(rounds, || layer.run(&input, &mut output, false));
            println!(
                "linear {ins} -> {outs}: {:.1} us, {:.1} GB/s",
                time * 1e6,
                (4 * ins * outs) as f64 / time * 1e-9
            );
        }
    }
}

/// Rate of a 1 x 1 convolution of a thousand channels, a large product of matrices, in GFLOP/s.
fn peak(set: InstructionSet, rounds: usize) -> f64 {
    let size = 1008;
    let geometry = ConvolutionGeometry::square(size, size, 1, 1, 0);
    let packed = PackedConvolution::new_for(
        set,
        Algorithm::Direct,
        geometry,
        &numbers(size * size),
        None,
    );
    let (input, mut output) = (numbers(size * size), vec![0.0; size * size]);
    let time = shortest(rounds, || {
        packed.run(
            Planes::dense(&input, [1, size, 1, size]),
            &mut PlanesMut::dense(&mut output, [1, size, 1, size]),
            None,
            FusedEpilogue::default(),
        );
    });
    geometry.operations([1, size]) as f64 / time * 1e-9
}

fn time_forward(
    set: InstructionSet,
    algorithm: Algorithm,
    layer: &Layer,
    rounds: usize,
    batch: usize,
    [height, width]: [usize; 2],
) -> f64 {
    let geometry = layer.geometry;
    let (ins, outs) = (geometry.in_channels, geometry.out_channels);
    let weight = numbers(geometry.weight_len());
    let bias = numbers(outs);
    let packed = PackedConvolution::new_for(set, algorithm, geometry, &weight, Some(&bias));
    let input = numbers(batch * ins * layer.size * layer.size);
    let other = numbers(batch * outs * height * width);
    let mut output = vec![0.0; other.len()];
    let prologue = layer.prologue.then(|| ScaleShift {
        scale: vec![1.0; ins],
        shift: vec![0.1; ins],
        relu: true,
    });
    let shape = [batch, outs, height, width];
    shortest(rounds, || {
        packed.run(
            Planes::dense(&input, [batch, ins, layer.size, layer.size]),
            &mut PlanesMut::dense(&mut output, shape),
            prologue.as_ref(),
            FusedEpilogue {
                relu: layer.relu,
                average_with: layer.average.then(|| Planes::dense(&other, shape)),
            },
        );
    })
}

fn time_gradient(
    set: InstructionSet,
    algorithm: Algorithm,
    layer: &Layer,
    rounds: usize,
    batch: usize,
    [height, width]: [usize; 2],
) -> f64 {
    let geometry = layer.geometry;
    let (ins, outs) = (geometry.in_channels, geometry.out_channels);
    let weight = numbers(geometry.weight_len());
    let packed = PackedConvolutionInputGradient::new_for(set, algorithm, geometry, &weight);
    let gradient = numbers(batch * outs * height * width);
    let input = numbers(batch * ins * layer.size * layer.size);
    let mut output = vec![0.0; input.len()];
    let prologue = ScaleShift {
        scale: vec![1.0; ins],
        shift: vec![0.1; ins],
        relu: true,
    };
    let shape = [batch, ins, layer.size, layer.size];
    shortest(rounds, || {
        packed.run(
            Planes::dense(&gradient, [batch, outs, height, width]),
            &mut PlanesMut::dense(&mut output, shape),
            GradientEpilogue {
                gate: layer.prologue.then(|| Gate {
                    mask: ReluMask::Values {
                        values: Planes::dense(&input, shape),
                        affine: &prologue,
                    },
                    factor: Some(&prologue.scale),
                }),
                accumulate: layer.prologue,
            },
        );
    })
}
