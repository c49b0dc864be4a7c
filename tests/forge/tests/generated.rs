//! Thousands of generated deliveries: what the product takes of them is what both signers signed,
//! and independent verifiers say the same of a part of them. Many more: `scripts/torture --only xml`.
#![expect(clippy::print_stdout, reason = "what came of the cases can be read from the output")]

use mbx_forge::forge::{Asked, Forge};

/// Cases of each test: together over five thousand.
const CASES: u64 = 1300;

fn assert_cases_hold(number: u64) {
    let mut forge = Forge::new(Asked { taken: 16, refused: 64 });
    if forge.peers() < 2 {
        let required = std::env::var_os("MBX_TEST_ALL").is_some();
        assert!(!required, "python-xmlsec or Java is not installed");
        println!("skipped in part: {} of 2 independent verifiers are installed", forge.peers());
    }
    let report = forge.run(number * CASES..(number + 1) * CASES);
    println!("{}", report.told());
    assert!(report.findings.is_empty(), "{}", report.findings.join("\n"));
    // A generator whose cases are all refused, or all taken, finds nothing.
    assert!(report.taken > CASES / 10 && report.refused > CASES / 4, "{}", report.told());
}

#[test]
fn what_is_taken_of_generated_deliveries_is_what_both_signed_first_quarter() {
    assert_cases_hold(0);
}

#[test]
fn what_is_taken_of_generated_deliveries_is_what_both_signed_second_quarter() {
    assert_cases_hold(1);
}

#[test]
fn what_is_taken_of_generated_deliveries_is_what_both_signed_third_quarter() {
    assert_cases_hold(2);
}

#[test]
fn what_is_taken_of_generated_deliveries_is_what_both_signed_fourth_quarter() {
    assert_cases_hold(3);
}
