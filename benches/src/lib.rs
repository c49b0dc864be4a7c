//! What mbxd reaches on a machine: engine, cipher, deliveries, reads, starting, memory.
//!
//! Every figure that is a ratio is of the same run: ours and what it is held against take turns.
//! `docs/benchmarks.md` tells what each means. No figure is a test.

pub mod appender;
pub mod cipher;
pub mod counting;
pub mod cpu;
pub mod deliveries;
pub mod engine;
pub mod figure;
pub mod flight;
pub mod machine;
pub mod notify;
pub mod peer;
pub mod process;
pub mod reads;
pub mod report;
pub mod rounds;
pub mod sample;
pub mod scale;
pub mod seed;
pub mod site;
pub mod stages;
pub mod unit;

/// Why a run ended early: whatever came in its way, for a person to read.
pub type BenchError = Box<dyn std::error::Error + Send + Sync>;
