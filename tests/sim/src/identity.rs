//! Numbers with right check digits for made-up people and organisations.

/// The made-up person number `index`: born 1930–1999, serial by index. Up to 25,000,000 of them.
pub fn person(index: u32) -> String {
    let serial = index % 998 + 1;
    let rest = index / 998;
    let day = rest % 28 + 1;
    let month = rest / 28 % 12 + 1;
    let year = 30 + rest / 336 % 70;
    let short = format!("{year:02}{month:02}{day:02}{serial:03}");
    format!("19{short}{}", check_digit(&short))
}

/// The made-up organisation `index` with its prefix 16.
pub fn organisation(index: u32) -> String {
    let short = format!("202{:06}", index % 1_000_000);
    format!("16{short}{}", check_digit(&short))
}

/// Luhn's check digit over nine digits.
fn check_digit(short: &str) -> u32 {
    let sum: u32 = short
        .bytes()
        .enumerate()
        .map(|(place, digit)| {
            let product = u32::from(digit - b'0') * if place % 2 == 0 { 2 } else { 1 };
            product / 10 + product % 10
        })
        .sum();
    (10 - sum % 10) % 10
}

#[cfg(test)]
mod tests {
    use super::*;
    use mbx_common::identity::{NationalNumber, OrganisationNumber};
    use std::collections::HashSet;

    #[test]
    fn numbers_are_valid_and_differ() {
        let numbers: HashSet<String> = (0..5000).map(|index| person(index * 211)).collect();
        assert_eq!(numbers.len(), 5000);
        assert!(numbers.iter().all(|number| number.parse::<NationalNumber>().is_ok()));
        for index in 0..100 {
            assert!(organisation(index).parse::<OrganisationNumber>().is_ok());
        }
    }
}
