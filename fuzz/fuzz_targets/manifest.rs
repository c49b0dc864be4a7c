#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| mbx_fuzz::run("manifest", bytes));
