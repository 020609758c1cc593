//! Choice of the vector instructions at run time.
//!
//! The loops of the solver are plain Rust over blocks of [`super::level::LANES`] numbers, which the
//! compiler turns into vector instructions. [`multiversion!`] compiles such a function once for
//! each [`InstructionSet`] and picks one when it is called. Aarch64 needs no choice: NEON is part
//! of its baseline, so that the portable version is the NEON version.

/// Vector instructions that the loops are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum InstructionSet {
    /// Whatever the target's baseline offers (SSE2 on x86-64, NEON on aarch64).
    Portable,
    /// AVX2 with fused multiply-add.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// AVX-512 (F, VL, BW, DQ).
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl InstructionSet {
    /// Every set that this processor can run, the best one last.
    pub(super) fn available() -> Vec<Self> {
        #[cfg_attr(not(target_arch = "x86_64"), allow(unused_mut))]
        let mut sets = vec![Self::Portable];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                sets.push(Self::Avx2);
                if is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512vl")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                {
                    sets.push(Self::Avx512);
                }
            }
        }
        sets
    }

    /// The best set that this processor can run.
    pub(super) fn best() -> Self {
        Self::available().pop().unwrap_or(Self::Portable)
    }
}

/// True where the target's baseline has a fused multiply-add; elsewhere it would be a slow call.
pub(super) const BASELINE_FMA: bool = cfg!(any(target_arch = "aarch64", target_feature = "fma"));

/// `a * b + c`, fused where `FMA` says that the instruction exists.
#[inline(always)]
pub(super) fn multiply_add<const FMA: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FMA { a.mul_add(b, c) } else { a * b + c }
}

/// Declares `fn name(instructions, arguments)`, which runs `body::<FMA>(arguments)` compiled for
/// the instruction set asked for. `body` must be `#[inline(always)]`, or it would be compiled once
/// for the baseline only.
macro_rules! multiversion {
    ($(#[$doc:meta])* $visibility:vis fn $name:ident($($argument:ident: $type:ty),* $(,)?) $(-> $result:ty)? = $body:ident) => {
        $(#[$doc])*
        $visibility fn $name(
            instructions: $crate::metric::imputation::instructions::InstructionSet,
            $($argument: $type),*
        ) $(-> $result)? {
            use $crate::metric::imputation::instructions::InstructionSet;
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
            match instructions {
                InstructionSet::Portable => {
                    $body::<{ $crate::metric::imputation::instructions::BASELINE_FMA }>(
                        $($argument),*
                    )
                }
                // SAFETY: `InstructionSet::Avx2` and `Avx512` are only ever made by
                // `InstructionSet::available`, after the processor reported these features.
                #[cfg(target_arch = "x86_64")]
                #[allow(unsafe_code)]
                InstructionSet::Avx2 => unsafe { avx2($($argument),*) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                #[allow(unsafe_code)]
                InstructionSet::Avx512 => unsafe { avx512($($argument),*) },
            }
        }
    };
}
pub(super) use multiversion;
