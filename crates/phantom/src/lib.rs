//! Procedural chest phantoms: drawings that look like frontal chest radiographs, half of them with
//! planted lesions whose boxes are known, and a small network trained to find those lesions.
//!
//! They let one try every command without any file, and test explanations against a truth that is
//! certain. They are no medical data: no picture of a patient went into them, and nothing seen in
//! them says anything about patients.
//!
//! A phantom depends on its seed and index only. Its arithmetic is `+ - * /` and square roots,
//! which IEEE 754 defines to the last bit, plus the sines of the `libm` crate, which are computed
//! by the same operations on every platform.

mod anatomy;
mod canvas;
mod distractor;
mod export;
mod film;
mod lesion;
mod mediastinum;
mod phantom;
mod random;
mod skeleton;

pub use canvas::SIDE_LENGTH;
pub use export::{ExportError, export};
pub use phantom::Phantom;

/// The weights of a Pasa network with one output, trained on phantoms of other seeds to tell those
/// with lesions from those without (`training/train.py`), as a `.safetensors` file.
///
/// It holds the parameters and running statistics under the names of mednet's checkpoints
/// (`fc1.weight`, ...) in `f32`, and `normalizer.mean` and `normalizer.std`, shape `[1]`.
pub const PASA_WEIGHTS: &[u8] = include_bytes!("../weights/pasa-phantom.safetensors");
