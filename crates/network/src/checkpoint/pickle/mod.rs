//! A reader of Python pickles that never executes anything.
//!
//! A pickle is a program for a small stack machine (protocols 0 to 5: Python's `pickletools`
//! module, PEP 307, PEP 3154, PEP 574) that may name any Python function and have it called. This
//! reader runs the machine on plain values only: the few functions with which torch describes its
//! tensors are known to it and build a [`Value`]; every other class or function becomes an inert
//! [`Value::Object`] that remembers its parts; and a call of a function that can run programs or
//! code is refused ([`global::refusal`]). Other calls that do more than describe data are noted
//! ([`execution`]).
//!
//! Values live in one flat arena and refer to each other by index. Nesting therefore costs no call
//! stack, neither while reading nor while dropping, and shared or cyclic values are harmless.

mod call;
mod data;
mod execution;
mod global;
mod input;
mod literal;
mod machine;
mod stack;
mod value;

pub(super) use machine::read;
pub(super) use value::{Arena, Id, TensorRef, Value};
