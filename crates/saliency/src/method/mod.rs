//! Saliency methods, one file each: how much each part of an image speaks for a class.
//!
//! To add one: write its file with a unit struct that is a [`Method`] and add it to [`METHODS`].
//! The command line, the tables of the documentation and the tests go through that list.
//!
//! [`CONTROLS`] are maps that know nothing of the network: what a method must beat.
//!
//! Notation: `A` is the activation of the layer (`[K, h, w]`), `G` the gradient of the explained
//! logit with respect to it. All maps of class activation methods go through [`Map::finish`].

mod ablationcam;
mod control;
mod control_center;
mod control_random;
mod control_uniform;
mod eigencam;
mod eigengradcam;
mod fullgrad;
mod gradcam;
mod gradcam_plus_plus;
mod gradcamelementwise;
mod hirescam;
mod layercam;
mod principal_component;
mod randomcam;
mod scorecam;
mod xgradcam;

pub use control::{CONTROLS, Control, find_control};

use mednet_data::Mode;
use mednet_network::Tensor;
use mednet_network::graph::ShapeError;

use crate::explanation::{Explanation, Needs};
use crate::map::Map;

/// All methods, in alphabetic order.
pub const METHODS: &[&dyn Method] = &[
    &ablationcam::AblationCam,
    &eigencam::EigenCam,
    &eigengradcam::EigenGradCam,
    &fullgrad::FullGrad,
    &gradcam::GradCam,
    &gradcam_plus_plus::GradCamPlusPlus,
    &gradcamelementwise::GradCamElementWise,
    &hirescam::HiResCam,
    &layercam::LayerCam,
    &randomcam::RandomCam,
    &scorecam::ScoreCam,
    &xgradcam::XGradCam,
];

/// A way to say which parts of an image speak for a class.
pub trait Method: Sync {
    /// What users call it, and its synonyms: the first is the canonical name, which is also the
    /// name of its output folder.
    fn names(&self) -> &'static [&'static str];
    /// One line for people.
    fn description(&self) -> &'static str;
    /// Author, year and where to find the paper.
    fn reference(&self) -> &'static str;
    /// What it needs besides the activation of the explained layer and the logits.
    fn needs(&self) -> Needs;
    /// Whether the map depends on the explained layer.
    fn uses_layer(&self) -> bool {
        true
    }
    /// Whether the map depends on the seed.
    fn uses_seed(&self) -> bool {
        false
    }
    /// What a reader of its numbers should know in this mode.
    fn note(&self, _mode: Mode) -> Option<&'static str> {
        None
    }
    /// What the method says about one logit of one image.
    ///
    /// # Errors
    /// Where the network cannot take the altered image or activation.
    fn attribution(&self, explanation: &dyn Explanation) -> Result<Attribution, ShapeError>;
}

/// What a method says about a logit, before it is enlarged to the image.
#[derive(Debug, Clone, PartialEq)]
pub enum Attribution {
    /// `[h, w]` of the layer, any values: [`Map::finish`] makes the saliency map of it. A
    /// thousandth of that map's size.
    Layer(Map),
    /// `[H, W]` of the image, values in `[0, 1]`: the saliency map itself.
    Image(Map),
}

impl Attribution {
    /// The saliency map `[height, width]`, values in `[0, 1]`.
    #[must_use]
    pub fn into_map(self, height: usize, width: usize) -> Map {
        match self {
            Self::Layer(map) => map.finish(height, width),
            Self::Image(map) => map,
        }
    }
}

impl dyn Method {
    /// The map of one logit of one image, `[H, W]` of the image, values in `[0, 1]`.
    ///
    /// # Errors
    /// As [`Method::attribution`].
    pub fn map(&self, explanation: &dyn Explanation) -> Result<Map, ShapeError> {
        let [_, height, width] = explanation.image().image_shape();
        Ok(self.attribution(explanation)?.into_map(height, width))
    }
}

/// Finds a method by any of its names, in upper or lower case.
#[must_use]
pub fn find(name: &str) -> Option<&'static dyn Method> {
    let name = name.to_lowercase();
    METHODS
        .iter()
        .copied()
        .find(|method| method.names().contains(&name.as_str()))
}

/// The channels of a value `[1, K, h, w]`.
fn channels(value: &Tensor) -> impl Iterator<Item = &[f32]> {
    let [_, height, width] = value.image_shape();
    value.data().chunks_exact(height * width)
}

/// The sum of values in double precision.
fn sum(values: impl IntoIterator<Item = f32>) -> f64 {
    values.into_iter().map(f64::from).sum()
}

/// The map `sum_k combine(G_k, A_k)`, position by position.
fn sum_over_channels(explanation: &dyn Explanation, combine: impl Fn(f64, f64) -> f64) -> Map {
    let [_, height, width] = explanation.activation().image_shape();
    let mut sums = vec![0.0; height * width];
    let pairs = channels(explanation.gradient()).zip(channels(explanation.activation()));
    for (gradient, activation) in pairs {
        for ((sum, &gradient), &activation) in sums.iter_mut().zip(gradient).zip(activation) {
            *sum += combine(f64::from(gradient), f64::from(activation));
        }
    }
    Map::from_sums(height, width, &sums)
}
