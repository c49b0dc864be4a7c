//! Configuration: one TOML file and its `conf.d`, one struct per section.
//!
//! Unknown keys are errors. Secrets never stand in it: files and systemd credentials hold them.

mod audit;
mod control;
mod delivery;
mod error;
#[cfg(test)]
mod example;
mod health;
pub mod hsm;
mod in_force;
mod installation;
mod keys;
mod load;
mod log;
mod operators;
mod origin;
mod paths;
mod policy;
pub mod portal;
mod root;
mod rules;
mod scan;
mod store;
mod terms;
mod trust;
pub mod value;

pub use audit::Audit;
pub use control::Control;
pub use delivery::{Checksum, Delivery};
pub use error::ConfigError;
pub use health::{BadListen, Health, Listen};
pub use hsm::Hsm;
pub use in_force::{Entry, InForce};
pub use installation::Installation;
pub use keys::Keys;
pub use load::{Loaded, load, parse};
pub use log::{Format, Log};
pub use operators::Operators;
pub use origin::Origin;
pub use paths::Paths;
pub use policy::Policy;
pub use portal::Portal;
pub use root::Config;
pub use scan::{Scan, Scanner};
pub use store::Store;
pub use terms::Terms;
pub use trust::{Fingerprint, TlsIdentity, Trust};
