//! Number formats of stored tensors and their conversion to `f32`.

use super::error::Fault;

/// Format of the values of a stored tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scalar {
    Float16,
    BFloat16,
    Float32,
    Float64,
    /// Integers, booleans, complex and quantised numbers: never weights here.
    Other {
        name: &'static str,
        bytes: usize,
    },
    /// An untyped storage, whose tensors say their format themselves.
    Untyped,
}

const fn other(name: &'static str, bytes: usize) -> Scalar {
    Scalar::Other { name, bytes }
}

impl Scalar {
    /// From the name of a `torch.dtype`.
    pub(super) fn from_dtype(name: &str) -> Option<Self> {
        match name {
            "float16" | "half" => Some(Self::Float16),
            "bfloat16" => Some(Self::BFloat16),
            "float32" | "float" => Some(Self::Float32),
            "float64" | "double" => Some(Self::Float64),
            "int8" => Some(other("int8", 1)),
            "uint8" => Some(other("uint8", 1)),
            "int16" | "short" => Some(other("int16", 2)),
            "uint16" => Some(other("uint16", 2)),
            "int32" | "int" => Some(other("int32", 4)),
            "uint32" => Some(other("uint32", 4)),
            "int64" | "long" => Some(other("int64", 8)),
            "uint64" => Some(other("uint64", 8)),
            "bool" => Some(other("bool", 1)),
            "complex32" => Some(other("complex32", 4)),
            "complex64" => Some(other("complex64", 8)),
            "complex128" => Some(other("complex128", 16)),
            "float8_e4m3fn" | "float8_e5m2" | "float8_e4m3fnuz" | "float8_e5m2fnuz"
            | "float8_e8m0fnu" => Some(other("float8", 1)),
            _ => None,
        }
    }

    /// From the class name of a typed torch storage, such as `FloatStorage`.
    pub(super) fn from_storage(class: &str) -> Option<Self> {
        match class {
            "HalfStorage" => Some(Self::Float16),
            "BFloat16Storage" => Some(Self::BFloat16),
            "FloatStorage" => Some(Self::Float32),
            "DoubleStorage" => Some(Self::Float64),
            "CharStorage" => Some(other("int8", 1)),
            "ByteStorage" => Some(other("uint8", 1)),
            "ShortStorage" => Some(other("int16", 2)),
            "IntStorage" => Some(other("int32", 4)),
            "LongStorage" => Some(other("int64", 8)),
            "BoolStorage" => Some(other("bool", 1)),
            "ComplexFloatStorage" => Some(other("complex64", 8)),
            "ComplexDoubleStorage" => Some(other("complex128", 16)),
            "QInt8Storage" => Some(other("qint8", 1)),
            "QUInt8Storage" => Some(other("quint8", 1)),
            "QInt32Storage" => Some(other("qint32", 4)),
            "UntypedStorage" | "_UntypedStorage" => Some(Self::Untyped),
            _ => None,
        }
    }

    /// Bytes per value.
    pub(super) const fn bytes(self) -> usize {
        match self {
            Self::Float16 | Self::BFloat16 => 2,
            Self::Float32 => 4,
            Self::Float64 => 8,
            Self::Other { bytes, .. } => bytes,
            Self::Untyped => 1,
        }
    }

    /// Whether values of this format can be weights.
    pub(super) const fn is_float(self) -> bool {
        !matches!(self, Self::Other { .. } | Self::Untyped)
    }

    /// The name of the `torch.dtype`.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Float16 => "float16",
            Self::BFloat16 => "bfloat16",
            Self::Float32 => "float32",
            Self::Float64 => "float64",
            Self::Other { name, .. } => name,
            Self::Untyped => "untyped bytes",
        }
    }

    /// Values of consecutive bytes; a rest that is not a whole value is left out.
    pub(super) fn decode(self, bytes: &[u8], big_endian: bool) -> Result<Vec<f32>, Fault> {
        macro_rules! values {
            ($width:literal, $convert:expr) => {
                bytes
                    .chunks_exact($width)
                    .map(|chunk| {
                        let mut value = [0u8; $width];
                        value.copy_from_slice(chunk);
                        if big_endian {
                            value.reverse();
                        }
                        $convert(value)
                    })
                    .collect()
            };
        }
        Ok(match self {
            Self::Float16 => values!(2, |b| half_to_f32(u16::from_le_bytes(b))),
            Self::BFloat16 => {
                values!(2, |b| f32::from_bits(
                    u32::from(u16::from_le_bytes(b)) << 16
                ))
            }
            Self::Float32 => values!(4, f32::from_le_bytes),
            #[allow(clippy::cast_possible_truncation)]
            Self::Float64 => values!(8, |b| f64::from_le_bytes(b) as f32),
            Self::Other { .. } | Self::Untyped => {
                return Err(Fault::damaged(format!(
                    "a weight is stored as {}",
                    self.name()
                )));
            }
        })
    }
}

/// The value of an IEEE 754 binary16 number, which `f32` holds exactly.
fn half_to_f32(bits: u16) -> f32 {
    let sign = u32::from(bits >> 15) << 31;
    let exponent = u32::from(bits >> 10) & 0x1f;
    let fraction = u32::from(bits) & 0x3ff;
    match exponent {
        0 => {
            // Subnormal: the fraction counts units of 2^-24.
            let magnitude = f32::from(bits & 0x3ff) * (1.0 / 16_777_216.0);
            f32::from_bits(magnitude.to_bits() | sign)
        }
        31 => f32::from_bits(sign | 0x7f80_0000 | (fraction << 13)),
        _ => f32::from_bits(sign | ((exponent + 112) << 23) | (fraction << 13)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_precision_by_hand() {
        for (bits, value) in [
            (0x0000u16, 0.0f32),
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65504.0),
            (0x3555, 0.333_251_95),
            (0x0001, 5.960_464_5e-8),
            (0x03ff, 6.097_555e-5),
            (0x0400, 6.103_515_6e-5),
            (0x7c00, f32::INFINITY),
            (0xfc00, f32::NEG_INFINITY),
        ] {
            assert_eq!(half_to_f32(bits), value, "{bits:#06x}");
        }
        assert!(half_to_f32(0x7e00).is_nan());
        assert!(half_to_f32(0x8000).is_sign_negative());
    }

    #[test]
    fn big_endian_is_swapped() {
        let bytes = 1.5f32.to_be_bytes();
        assert_eq!(Scalar::Float32.decode(&bytes, true).unwrap(), [1.5]);
        let bytes = (-0.1f64).to_be_bytes();
        assert_eq!(Scalar::Float64.decode(&bytes, true).unwrap(), [-0.1]);
    }
}
