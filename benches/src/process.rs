//! What the kernel tells of a running process.

use crate::machine::{field, kib};
use crate::sample::number;
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

/// Forgets the greatest resident memory so far: [`peak_bytes`] counts from now.
///
/// # Errors
/// Those of the kernel's file, where the process is another user's.
pub fn forget_peak(pid: u32) -> std::io::Result<()> {
    fs::write(format!("/proc/{pid}/clear_refs"), "5")
}

/// Ids of the running processes whose program has this name.
pub fn named(name: &str) -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().filter_map(Result::ok);
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let bears = |pid: &u32| {
        fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|own| own.trim() == name)
    };
    ids.filter(bears).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_found_by_its_programs_name() {
        let own = fs::read_to_string("/proc/self/comm").unwrap();
        assert!(named(own.trim()).contains(&std::process::id()));
        assert!(named("no program of this name").is_empty());
    }

    #[test]
    fn the_greatest_memory_is_counted_anew_once_it_is_forgotten() {
        let own = std::process::id();
        let block = std::hint::black_box(vec![1_u8; 64 << 20]);
        assert!(block.iter().all(|byte| *byte == 1));
        drop(block);
        let before = peak_bytes(own);
        forget_peak(own).unwrap();
        assert!(peak_bytes(own) < before);
    }
}
