//! The HSM room: everything that talks to the token, behind five calls.

mod custody;

pub use custody::{
    Custody, CustodyError, KeyPurpose, KeySpec, Public, Sealed, Secret32, Signature, State, Status,
};
