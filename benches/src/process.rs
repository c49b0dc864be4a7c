//! What the kernel tells of a running process.

use crate::machine::{field, kib};
use crate::report::number;
use std::fs;

/// Clock ticks a second, as Linux counts processor time for programs.
const TICKS: f64 = 100.0;

/// Processor time that a process used so far, in seconds.
pub fn cpu_seconds(pid: u32) -> f64 {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name in parentheses may hold anything; what follows does not.
    let after_name = text.rsplit_once(')').map_or("", |(_, after)| after);
    let ticks: u64 =
        after_name.split_whitespace().skip(11).take(2).filter_map(|n| n.parse::<u64>().ok()).sum();
    number(ticks) / TICKS
}

/// Resident memory of a process in bytes.
pub fn resident_bytes(pid: u32) -> f64 {
    number(kib(&field(&format!("/proc/{pid}/status"), "VmRSS"))) * 1024.0
}

/// Greatest resident memory of a process so far, in bytes.
pub fn peak_bytes(pid: u32) -> f64 {
    number(kib(&field(&format!("/proc/{pid}/status"), "VmHWM"))) * 1024.0
}
