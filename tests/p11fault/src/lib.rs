//! A PKCS#11 module that makes faults on demand in front of a real one. For tests alone.
//!
//! Environment:
//! - `P11FAULT_MODULE`: the real module;
//! - `P11FAULT_RULES`: a file of rules (see [`rules`]), read again before every call;
//! - `P11FAULT_LOG`: a file to which every call adds a line (see [`calls`]);
//! - `P11FAULT_SECRETS`: a file to which every secret that the token seals or opens is added, in
//!   hexadecimal, for tests that search for it where it must not stand.
//!
//! Session handles of this module carry the number of the `C_Initialize` that they come from. A
//! call with a handle from before the last `C_Finalize` is logged as `stale` and refused, where
//! the real module would have taken it for one of its new sessions.

pub mod calls;
mod proxy;
mod real;
pub mod rules;
pub mod spoil;

pub use proxy::C_GetFunctionList;
