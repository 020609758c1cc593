//! One image on its way through a network, and what a saliency method may ask about it.
//!
//! One forward pass serves all methods and all classes: [`ExplainedImage`] keeps what they need,
//! and gradients are followed back once for each class.

use std::cell::OnceCell;

use mednet_data::Mode;
use mednet_network::device::Device;
use mednet_network::graph::{Graph, NodeId, ShapeError};
use mednet_network::{Engine, Keep, Tensor, TensorView, Trace};

use crate::random::Purpose;

/// What methods need besides the activation of the layer and the logits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Needs {
    /// The gradient of the logit with respect to the layer.
    pub gradient: bool,
    /// The gradients with respect to the image and to every layer that adds a bias.
    pub bias_gradients: bool,
    /// The logits for altered activations of the layer.
    pub suffix: bool,
}

impl Needs {
    /// What serves both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            gradient: self.gradient || other.gradient,
            bias_gradients: self.bias_gradients || other.bias_gradients,
            suffix: self.suffix || other.suffix,
        }
    }
}

/// What stays the same for all images of a run.
pub struct Settings<'e, D: Device> {
    /// The network.
    pub engine: &'e Engine<D>,
    /// The layer that the methods look at.
    pub layer: NodeId,
    /// Which numbers to produce.
    pub mode: Mode,
    /// Seed of everything random.
    pub seed: u64,
}

/// An image, its logits and what was kept of the way to them.
pub struct ExplainedImage<'e, D: Device> {
    settings: &'e Settings<'e, D>,
    name: &'e str,
    image: &'e Tensor,
    trace: Trace<D>,
    activation: Tensor,
    logits: Tensor,
}

impl<'e, D: Device> ExplainedImage<'e, D> {
    /// Runs an image `[1, C, H, W]` through the network. `name` is the sample's; random numbers
    /// are drawn from it.
    ///
    /// # Errors
    /// Where the network cannot take an image of this shape.
    pub fn new(
        settings: &'e Settings<'e, D>,
        name: &'e str,
        image: &'e Tensor,
        needs: Needs,
    ) -> Result<Self, ShapeError> {
        let engine = settings.engine;
        let graph = engine.graph();
        let keep = Self::kept(settings, needs);
        let trace = engine.prefix(image, &keep)?;
        let activation = engine.download(&trace, settings.layer);
        let logits = engine.download(&trace, graph.output());
        Ok(Self {
            settings,
            name,
            image,
            trace,
            activation,
            logits,
        })
    }

    /// What a run keeps for such needs.
    #[must_use]
    pub fn kept(settings: &Settings<'_, D>, needs: Needs) -> Keep {
        let graph = settings.engine.graph();
        let mut keep = Keep::values([settings.layer, graph.output()]);
        if needs.gradient {
            keep = keep.and(&graph.needed_for_gradient(&[settings.layer]));
        }
        if needs.bias_gradients {
            keep = keep.and(&graph.needed_for_gradient(&graph.bias_layers()));
        }
        if needs.suffix {
            keep = keep.and(&Keep::values(graph.beside(settings.layer)));
        }
        keep
    }

    /// The logits, one for each class.
    #[must_use]
    pub fn logits(&self) -> &[f32] {
        self.logits.data()
    }

    /// The question why the network gives this class its logit.
    #[must_use]
    pub fn explain(&self, class: usize) -> ExplainedClass<'_, D> {
        ExplainedClass {
            image: self,
            class,
            gradient: OnceCell::new(),
        }
    }
}

/// What a saliency method may ask: all that is known about one logit of one image.
pub trait Explanation {
    /// The network.
    fn graph(&self) -> &Graph;
    /// The layer that the method looks at.
    fn layer(&self) -> NodeId;
    /// Which numbers to produce.
    fn mode(&self) -> Mode;
    /// The image `[1, C, H, W]` as it enters the network, values in `[0, 1]`.
    fn image(&self) -> &Tensor;
    /// The value of the layer, `[1, K, h, w]`.
    fn activation(&self) -> &Tensor;
    /// The gradient of the logit with respect to the layer, `[1, K, h, w]`.
    fn gradient(&self) -> &Tensor;
    /// The logit that is to be explained.
    fn logit(&self) -> f32;
    /// The same logit for each of a batch of altered activations `[N, K, h, w]`.
    fn logits_of_activations(&self, activations: &Tensor) -> Result<Vec<f32>, ShapeError>;
    /// The same logit for each of a batch of altered images `[N, C, H, W]`.
    fn logits_of_images(&self, images: &Tensor) -> Result<Vec<f32>, ShapeError>;
    /// Hands over the gradients of the logit with respect to these layers, from the last one back.
    fn visit_gradients(&self, layers: &[NodeId], visit: &mut dyn FnMut(NodeId, TensorView<'_>));
    /// Random numbers for one purpose, the same in every run with the same seed.
    fn random(&self, purpose: Purpose) -> rand_chacha::ChaCha8Rng;
}

/// One logit of an [`ExplainedImage`].
pub struct ExplainedClass<'i, D: Device> {
    image: &'i ExplainedImage<'i, D>,
    class: usize,
    gradient: OnceCell<Tensor>,
}

impl<D: Device> ExplainedClass<'_, D> {
    /// This class's logit of every row of `[N, outputs, 1, 1]`.
    fn pick(&self, logits: &Tensor) -> Vec<f32> {
        let outputs = logits.image_shape()[0];
        logits
            .data()
            .chunks_exact(outputs)
            .map(|row| row[self.class])
            .collect()
    }
}

impl<D: Device> Explanation for ExplainedClass<'_, D> {
    fn graph(&self) -> &Graph {
        self.image.settings.engine.graph()
    }

    fn layer(&self) -> NodeId {
        self.image.settings.layer
    }

    fn mode(&self) -> Mode {
        self.image.settings.mode
    }

    fn image(&self) -> &Tensor {
        self.image.image
    }

    fn activation(&self) -> &Tensor {
        &self.image.activation
    }

    fn gradient(&self) -> &Tensor {
        self.gradient.get_or_init(|| {
            let mut gradient = Tensor::zeros(self.image.activation.shape());
            self.visit_gradients(&[self.layer()], &mut |_, value| {
                gradient = value.to_tensor();
            });
            gradient
        })
    }

    fn logit(&self) -> f32 {
        self.image.logits.data()[self.class]
    }

    fn logits_of_activations(&self, activations: &Tensor) -> Result<Vec<f32>, ShapeError> {
        let engine = self.image.settings.engine;
        let logits = engine.suffix(&self.image.trace, self.layer(), activations)?;
        Ok(self.pick(&logits))
    }

    fn logits_of_images(&self, images: &Tensor) -> Result<Vec<f32>, ShapeError> {
        Ok(self.pick(&self.image.settings.engine.forward(images)?))
    }

    fn visit_gradients(&self, layers: &[NodeId], visit: &mut dyn FnMut(NodeId, TensorView<'_>)) {
        let mut seed = Tensor::zeros(self.image.logits.shape());
        seed.data_mut()[self.class] = 1.0;
        self.image
            .settings
            .engine
            .backward(&self.image.trace, &seed, layers, visit);
    }

    fn random(&self, purpose: Purpose) -> rand_chacha::ChaCha8Rng {
        crate::random::generator(
            self.image.settings.seed,
            self.image.name,
            self.class,
            purpose,
        )
    }
}
