//! The embedded weights are those of a Pasa network with its normalizer, and small.

use mednet_phantom::PASA_WEIGHTS;
use safetensors::{Dtype, SafeTensors};

#[test]
fn weights_are_those_of_pasa_with_one_output() {
    assert!(
        PASA_WEIGHTS.len() < 1_000_000,
        "{} bytes",
        PASA_WEIGHTS.len()
    );
    let tensors = SafeTensors::deserialize(PASA_WEIGHTS).unwrap();
    // 15 convolutions of 2 tensors, as many normalisations of 5, the last layer, the normalizer.
    assert_eq!(tensors.len(), 15 * 2 + 15 * 5 + 2 + 2);
    let shape = |name: &str| tensors.tensor(name).unwrap().shape().to_vec();
    assert_eq!(shape("fc1.weight"), [4, 1, 3, 3]);
    assert_eq!(shape("fc14.weight"), [80, 72, 3, 3]);
    assert_eq!(shape("batchNorm2d_80_2.running_var"), [80]);
    assert_eq!(shape("dense.weight"), [1, 80]);
    assert_eq!(shape("normalizer.mean"), [1]);
    let parameters: usize = tensors
        .iter()
        .filter(|(name, _)| name.ends_with(".weight") || name.ends_with(".bias"))
        .map(|(_, tensor)| tensor.shape().iter().product::<usize>())
        .sum();
    assert_eq!(parameters, 201_905);
    for (name, tensor) in tensors.iter() {
        if name.ends_with("num_batches_tracked") {
            continue;
        }
        assert_eq!(tensor.dtype(), Dtype::F32, "{name}");
        let finite = |bytes: &[u8]| f32::from_le_bytes(bytes.try_into().unwrap()).is_finite();
        assert!(tensor.data().chunks_exact(4).all(finite), "{name}");
    }
}
