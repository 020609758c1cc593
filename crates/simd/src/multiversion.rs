//! Plain loops that are compiled for each instruction set.

/// Whether the target's baseline has a fused multiply-add.
pub const BASELINE_FMA: bool = cfg!(any(target_arch = "aarch64", target_feature = "fma"));

/// `a * b + c`, rounded once if `FMA`: elsewhere the fused operation would be a slow call.
#[inline(always)]
#[must_use]
pub fn multiply_add<const FMA: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FMA { a.mul_add(b, c) } else { a * b + c }
}

/// Declares `fn name(instructions, arguments)`, which runs `body::<FMA>(arguments)` compiled for
/// the [`InstructionSet`](crate::InstructionSet) that it is given. `FMA` says whether that has a
/// fused multiply-add, see [`multiply_add`](crate::multiply_add).
///
/// `body` must be `#[inline(always)]`, or it would be compiled once for the baseline only. Its
/// loops are plain Rust, which the compiler turns into vector instructions. The arguments are those
/// of a function of its own, not parts of one value, so that the compiler knows that references do
/// not overlap.
#[macro_export]
macro_rules! multiversion {
    ($(#[$doc:meta])* $visibility:vis fn $name:ident($($argument:ident: $type:ty),* $(,)?)
        $(-> $result:ty)? = $body:ident) => {
        $(#[$doc])*
        $visibility fn $name(
            instructions: $crate::InstructionSet,
            $($argument: $type),*
        ) $(-> $result)? {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            fn avx2($($argument: $type),*) $(-> $result)? {
                $body::<true>($($argument),*)
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,avx512f,avx512vl,avx512bw,avx512dq")]
            fn avx512($($argument: $type),*) $(-> $result)? {
                $body::<true>($($argument),*)
            }
            match instructions.kind() {
                $crate::Kind::Portable(_) => {
                    $body::<{ $crate::BASELINE_FMA }>($($argument),*)
                }
                // SAFETY: this kind is the proof that the processor has these instructions.
                #[cfg(target_arch = "x86_64")]
                #[allow(unsafe_code)]
                $crate::Kind::Avx2(_) => unsafe { avx2($($argument),*) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                #[allow(unsafe_code)]
                $crate::Kind::Avx512(_) => unsafe { avx512($($argument),*) },
                // NEON is part of the baseline, so that the portable loops are those of NEON.
                #[cfg(target_arch = "aarch64")]
                $crate::Kind::Neon(_) => $body::<{ $crate::BASELINE_FMA }>($($argument),*),
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::{BASELINE_FMA, multiply_add};
    use crate::InstructionSet;

    #[inline(always)]
    fn remainder_body<const FMA: bool>(x: f32) -> f32 {
        multiply_add::<FMA>(x, x, -(x * x))
    }
    crate::multiversion! {
        /// What rounding takes from a square, if it is computed in one step; else 0.
        fn remainder(x: f32) -> f32 = remainder_body
    }

    #[test]
    fn loops_are_fused_where_the_set_is() {
        let x = 1.0 + f32::EPSILON;
        let exact = f64::from(x) * f64::from(x) - f64::from(x * x);
        assert_ne!(exact, 0.0);
        for set in InstructionSet::available() {
            let found = f64::from(remainder(set, x));
            let fused = set != InstructionSet::portable() || BASELINE_FMA;
            assert_eq!(found, if fused { exact } else { 0.0 }, "{}", set.name());
        }
    }
}
