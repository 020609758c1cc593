//! From a sample that was read to an explained image, with errors for people.

use mednet_data::Loaded;
use mednet_network::Tensor;
use mednet_network::device::Device;

use crate::explanation::{ExplainedImage, Needs, Settings};
use mednet_base::error::chain;

/// How many samples may be explained at the same time.
pub(super) fn at_once<D: Device>(settings: &Settings<'_, D>, needs: Needs) -> usize {
    let engine = settings.engine;
    let keep = ExplainedImage::kept(settings, needs);
    let at_once = engine.images_at_once(engine.graph().input_shape(), &keep);
    // Where the network refuses the image, each sample says so.
    at_once.unwrap_or(1)
}

/// The image `[1, C, H, W]` as it enters the network.
pub(super) fn image(loaded: Loaded) -> Result<Tensor, String> {
    let image = loaded.sample.image;
    let shape = [1, image.channels, image.height, image.width];
    Tensor::new(shape, image.pixels)
        .ok_or_else(|| "the image's values do not fit its shape".to_owned())
}

/// Runs the image through the network.
pub(super) fn explain<'e, D: Device>(
    settings: &'e Settings<'e, D>,
    name: &'e str,
    image: &'e Tensor,
    needs: Needs,
) -> Result<ExplainedImage<'e, D>, String> {
    let explained =
        ExplainedImage::new(settings, name, image, needs).map_err(|error| chain(&error))?;
    match explained.logits().iter().find(|logit| !logit.is_finite()) {
        None => Ok(explained),
        Some(logit) => Err(format!(
            "the network's logit for it is {logit}: check the weights"
        )),
    }
}
