//! Prints the store's figures: `cargo run --release -p mbx-benches --bin store [FOLDER [UNITS]]`.

use mbx_benches::BenchError;
use mbx_benches::store::{against_floor, ready};
use std::path::PathBuf;
use std::time::Duration;

#[tokio::main]
#[expect(clippy::print_stdout, reason = "this is what it is for")]
async fn main() -> Result<(), BenchError> {
    let root = std::env::args_os().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
    println!("50 KiB a message; rates in messages per second, medians of interleaved rounds");
    for group in [1, 16, 32] {
        let folder = tempfile::tempdir_in(&root)?;
        let each = Duration::from_millis(1500);
        let figures = against_floor(folder.path(), group, 50 * 1024, 5, each).await?;
        println!(
            "{group:>3} senders: append+fdatasync {:>6.0}  engine {:>6.0}  ratio {:.2}  \
             units/group {:.1}  syncs/group {:.3}  bytes/byte {:.3} (log {:.3})",
            figures.floor_per_s,
            figures.engine_per_s,
            figures.ratio,
            figures.units_per_group,
            figures.syncs_per_group,
            figures.bytes_per_byte,
            figures.log_bytes_per_byte,
        );
    }
    let folder = tempfile::tempdir_in(&root)?;
    let units = std::env::args().nth(2).and_then(|units| units.parse().ok()).unwrap_or(100_000);
    let ready = ready(folder.path(), units).await?;
    println!(
        "{} units: ready after an orderly end {:?}, after a kill {:?}",
        ready.units, ready.clean, ready.killed
    );
    Ok(())
}
