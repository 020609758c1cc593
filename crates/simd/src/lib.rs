//! The choice of vector instructions at run time, made once for all kernels.
//!
//! An [`InstructionSet`] is the proof that this machine has the instructions: no other can be made.
//! A kernel is written once and compiled for each set, in one of two ways:
//!
//! - a [`Kernel`] computes with [`Vector`]s of `f32` and is called by [`InstructionSet::run`];
//! - [`multiversion!`] takes a function of plain loops, which the compiler turns into vector
//!   instructions.
//!
//! Either is called inside a function that has the instruction set enabled. It and all that it
//! calls must be `#[inline(always)]`, or they are compiled without the instruction set.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod instruction_set;
mod kernel;
mod multiversion;
#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;
mod vector;

#[cfg(target_arch = "x86_64")]
pub use avx2::Avx2;
#[cfg(target_arch = "x86_64")]
pub use avx512::Avx512;
pub use instruction_set::{InstructionSet, Kind};
pub use kernel::Kernel;
pub use multiversion::{BASELINE_FMA, multiply_add};
#[cfg(target_arch = "aarch64")]
pub use neon::Neon;
pub use portable::Portable;
pub use vector::{LARGEST_LANES, Vector, first_lanes};
