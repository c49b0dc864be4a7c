//! Memory of a delivery that is under way, as a multiple of its length on the wire.

use crate::BenchError;
use crate::deliveries::{DOCUMENT_PERCENT, deliver, enough};
use crate::figure::{Bound, Figure, Unit};
use crate::process::{forget_peak, peak_bytes, resident_bytes};
use crate::rounds::Rounds;
use crate::sample::{Sample, length};
use crate::site::Site;
use mbx_sim::delivery::Message;
use mbx_sim::identity;
use mbx_sim::load::filler;
use mbx_sim::marshal::Style;

/// Part of the table.
const PART: &str = "memory of deliveries under way";

/// Deliveries under way at once.
const SENDERS: usize = 8;

/// Message lengths: usual, large, near the infrastructure's limit.
const SIZES: [(&str, usize); 3] =
    [("50 KB", 50 * 1024), ("300 KB", 300 * 1024), ("2 MB", 2 * 1024 * 1024)];

/// Each size: greatest resident memory under load, less what was resident after a warm-up with
/// small deliveries, divided by what eight such deliveries are long. The daemon is started anew for
/// each round, so that what the allocator kept of a round hides nothing of the next.
///
/// # Errors
/// [`BenchError`] where starting or delivering fails.
pub async fn figures(site: &mut Site, rounds: Rounds) -> Result<Vec<Figure>, BenchError> {
    let mut figures = Vec::new();
    for (name, len) in SIZES {
        let mut multiple = Sample::new();
        for _ in 0..rounds.count {
            multiple.push(multiple_of(site, len, rounds).await?);
        }
        let name = format!("{name}, {SENDERS} senders: memory as a multiple of the length");
        figures.push(
            Figure::alone(PART, name, multiple, Unit::Times)
                .held_to(Bound::AtMost(3.0), Bound::AtMost(4.0)),
        );
    }
    Ok(figures)
}

async fn multiple_of(site: &mut Site, len: usize, rounds: Rounds) -> Result<f64, BenchError> {
    site.installation.stop();
    site.start()?;
    deliver(site, 1024, SENDERS, (256, rounds.each)).await?;
    let pid = site.installation.pid();
    let rested = resident_bytes(pid);
    forget_peak(pid)?;
    let count = enough(len, 50.0 * 1024.0 * 1000.0 / length(len), rounds.each);
    deliver(site, len, SENDERS, (count, rounds.each)).await?;
    let message = Message::text("flight", "Flight", "As long as the others.")
        .with_pdf("letter.pdf", filler(1, len * DOCUMENT_PERCENT / 100));
    let request = site.installation.signed(&identity::person(0), message, Style::Prefixed);
    Ok((peak_bytes(pid) - rested) / length(SENDERS * request.len()))
}
