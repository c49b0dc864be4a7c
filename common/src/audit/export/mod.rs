//! The form in which a period of the log leaves the daemon (`docs/formats/audit-export.md`).

mod line;
mod manifest;
mod tar;

pub(crate) use line::LineHead;
pub use line::{CSV_HEADER, csv_line, json_line};
pub use manifest::{
    CheckpointLine, FileInfo, HexHash, Manifest, Proof, README, SCHEMA, event_catalogue, files,
};
pub use tar::{TarError, TarFile, TarReader, tar_end, tar_header, tar_padding};

#[cfg(test)]
mod tests;
