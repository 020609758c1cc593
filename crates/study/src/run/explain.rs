//! From a sample that was read to an explained image, with errors for people.

use mednet_data::Loaded;
use mednet_network::Tensor;
use mednet_network::device::Device;
use mednet_saliency::{ExplainedImage, Needs, Settings};
use rayon::ThreadPool;

use crate::event::{FailureKind, Fault};

/// How many samples may be explained at the same time.
pub(super) fn at_once<D: Device>(
    pool: &ThreadPool,
    settings: &Settings<'_, D>,
    needs: Needs,
) -> usize {
    let engine = settings.engine;
    let keep = ExplainedImage::kept(settings, needs);
    let at_once = pool.install(|| engine.images_at_once(engine.graph().input_shape(), &keep));
    // Where the network refuses the image, each sample says so.
    at_once.unwrap_or(1)
}

/// The image `[1, C, H, W]` as it enters the network.
pub(super) fn image(loaded: Loaded) -> Result<Tensor, Fault> {
    let image = loaded.sample.image;
    let shape = [1, image.channels, image.height, image.width];
    Tensor::new(shape, image.pixels).ok_or_else(|| {
        Fault::new(
            FailureKind::Fault,
            "the image's values do not fit its shape",
        )
    })
}

/// Runs the image through the network.
pub(super) fn explain<'e, D: Device>(
    settings: &'e Settings<'e, D>,
    name: &'e str,
    image: &'e Tensor,
    needs: Needs,
) -> Result<ExplainedImage<'e, D>, Fault> {
    let explained = ExplainedImage::new(settings, name, image, needs)
        .map_err(|error| Fault::of(FailureKind::Computation, &error))?;
    match explained.logits().iter().find(|logit| !logit.is_finite()) {
        None => Ok(explained),
        Some(logit) => Err(Fault::new(
            FailureKind::Computation,
            format!("the network's logit for it is {logit}: check the weights"),
        )),
    }
}
