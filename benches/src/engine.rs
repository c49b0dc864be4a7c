//! The engine's lines of the table.

use crate::BenchError;
use crate::report::{Bound, Figure, Unit};
use crate::store::against_floor;
use std::path::Path;
use std::time::Duration;

/// Part of the table.
const PART: &str = "engine, 50 KB a message, against append + fdatasync";

/// Alone and sixteen at a time.
///
/// # Errors
/// [`BenchError`] where the disk or the store fails.
pub async fn figures(
    folder: &Path,
    rounds: u32,
    each: Duration,
) -> Result<Vec<Figure>, BenchError> {
    let mut figures = Vec::new();
    for senders in [1, 16] {
        let folder = tempfile::tempdir_in(folder)?;
        let of = against_floor(folder.path(), senders, 50 * 1024, rounds, each).await?;
        let name = |what: &str| format!("{what}, {senders} at once");
        let rate = Figure::ratio(
            PART,
            name("commits"),
            of.engine_per_s,
            Some(of.floor_per_s),
            Unit::PerSecond,
        );
        let bytes = Figure::alone(
            PART,
            name("bytes written per byte of ciphertext"),
            of.bytes_per_byte,
            Unit::Plain,
        );
        let syncs = Figure::alone(
            PART,
            name("syncs per acknowledged group"),
            of.syncs_per_group,
            Unit::Plain,
        );
        // One at a time there is no group to share a sync; the goal speaks of groups.
        figures.push(if senders == 1 {
            rate
        } else {
            rate.held_to(Bound::AtLeast(0.9), Bound::AtLeast(0.7))
        });
        figures.push(syncs.held_to(Bound::AtMost(1.0), Bound::AtMost(1.0)));
        figures.push(bytes.held_to(Bound::AtMost(1.05), Bound::AtMost(1.1)));
    }
    Ok(figures)
}
