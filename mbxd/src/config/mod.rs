//! Configuration: one file per section of `mbxd.toml`.

pub mod value;
