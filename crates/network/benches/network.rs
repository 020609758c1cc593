//! Time of a whole network: forward, or forward and the gradient of the first logit to the image.
//!
//! `cargo bench -p mednet-network --bench network -- --model NAME --weights FILE [--batch N]
//! [--threads N] [--rounds N] [--gradient]` prints the milliseconds of each round and the first
//! logit, a number a line. `benches/peers/run` compares them with those of other programs.

#![allow(clippy::print_stdout, reason = "what it is for")]

use std::path::Path;
use std::time::Instant;

use mednet_network::arch::Architecture;
use mednet_network::device::Cpu;
use mednet_network::{Engine, Keep, LoadedNetwork, Normalization, Source, Tensor};

/// The value behind an option.
fn option(name: &str) -> Option<String> {
    let mut arguments = std::env::args().skip_while(|argument| argument != name);
    arguments.nth(1)
}

fn number(name: &str, default: usize) -> usize {
    option(name).map_or(default, |text| text.parse().unwrap_or(default))
}

fn main() {
    let (Some(model), Some(weights)) = (option("--model"), option("--weights")) else {
        println!("give --model NAME and --weights FILE");
        return;
    };
    let Some(architecture) = Architecture::find(&model) else {
        println!("there is no model {model}");
        return;
    };
    let network = match LoadedNetwork::open(architecture, Path::new(&weights), &Normalization::None)
    {
        Ok(network) => network,
        Err(error) => {
            println!("{error}");
            return;
        }
    };
    let threads = number("--threads", 2);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    let Ok(pool) = pool else {
        println!("no {threads} threads can be had");
        return;
    };
    let batch = number("--batch", 1);
    let [channels, height, width] = architecture.input_shape;
    let mut images = Tensor::zeros([batch, channels, height, width]);
    // The same values as in the script: i mod 251 over 251.
    for (index, value) in images.data_mut().iter_mut().enumerate() {
        *value = (index % 251) as f32 / 251.0;
    }
    let gradient = std::env::args().any(|argument| argument == "--gradient");
    let engine = Engine::new(network.graph, Cpu);
    pool.install(|| {
        // The first round packs the weights.
        for round in 0..=number("--rounds", 5) {
            let start = Instant::now();
            let logit = if gradient {
                backward(&engine, &images)
            } else {
                forward(&engine, &images)
            };
            let milliseconds = start.elapsed().as_secs_f64() * 1e3;
            if round > 0 {
                println!("{milliseconds}");
            } else {
                println!("logit {logit}");
            }
        }
    });
}

fn forward(engine: &Engine<Cpu>, images: &Tensor) -> f32 {
    engine
        .forward(images)
        .map_or(f32::NAN, |logits| logits.data()[0])
}

fn backward(engine: &Engine<Cpu>, images: &Tensor) -> f32 {
    let graph = engine.graph();
    let keep = graph.needed_for_gradient(&[graph.input()]);
    let keep = keep.and(&Keep::values([graph.output()]));
    let Ok(trace) = engine.run(&[(graph.input(), Source::Host(images))], &keep) else {
        return f32::NAN;
    };
    let logits = engine.download(&trace, graph.output());
    let mut seed = Tensor::zeros(logits.shape());
    let outputs = graph.output_count();
    for row in seed.data_mut().chunks_exact_mut(outputs) {
        row[0] = 1.0;
    }
    engine.backward(&trace, &seed, &[graph.input()], &mut |_, _| {});
    logits.data()[0]
}
