//! Which network a list of weight names seems to belong to.

/// The usual name of the architecture, if its weights' names give it away.
pub(super) fn guess<'a>(keys: &(impl Iterator<Item = &'a str> + Clone)) -> Option<&'static str> {
    let has = |part: &str| keys.clone().any(|key| key.contains(part));
    if has("denseblock1.") {
        return Some(
            if has("denseblock4.denselayer32.") && has("denseblock3.denselayer48.") {
                "DenseNet-201"
            } else if has("denseblock3.denselayer36.") {
                "DenseNet-161"
            } else if has("denseblock3.denselayer32.") {
                "DenseNet-169"
            } else if has("denseblock3.denselayer24.") {
                "DenseNet-121"
            } else {
                "DenseNet"
            },
        );
    }
    let signs: [(&str, &str); 10] = [
        ("batchNorm2d_4", "pasa"),
        ("conv3d_1_1", "3D CNN"),
        ("layer1.0.conv1", "ResNet"),
        ("Mixed_5b", "Inception"),
        ("attn.qkv", "vision transformer"),
        ("encoder.layers.encoder_layer_0", "vision transformer"),
        ("relative_position_bias_table", "Swin transformer"),
        ("_blocks.0._depthwise_conv", "EfficientNet"),
        ("features.0.0.weight", "MobileNet, EfficientNet or ConvNeXt"),
        ("features.28.weight", "VGG"),
    ];
    for (sign, name) in signs {
        if has(sign) {
            return Some(name);
        }
    }
    if has("features.10.weight") && has("classifier.6.weight") {
        return Some("AlexNet");
    }
    None
}
