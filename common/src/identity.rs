//! National numbers: personal, coordination and organisation numbers.
//!
//! They are personal data: no type here shows itself in `Debug`, and `Display` does not exist;
//! [`NationalNumber::masked`] is for people, [`NationalNumber::digits`] for the wire.

use std::fmt;
use std::str::FromStr;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A holder's number as Mina meddelanden writes it: 12 digits.
///
/// `16` and ten digits for an organisation; century, date and four digits for a person, with the
/// day raised by 60 in a coordination number (samordningsnummer). Check digits are verified.
///
/// Source: `RecipientId` in the infrastructure's Common schema; SKV 704, 707, 709; K6.3.
#[derive(Clone, Eq, Hash, PartialEq, Zeroize, ZeroizeOnDrop)]
pub struct NationalNumber {
    digits: [u8; NationalNumber::LEN],
    #[zeroize(skip)]
    kind: NumberKind,
}

/// What kind of number it is.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum NumberKind {
    /// A personal number (personnummer).
    Person,
    /// A coordination number (samordningsnummer).
    Coordination,
    /// An organisation number (organisationsnummer) with its prefix 16.
    Organisation,
}

/// Why a text is not a national number. Never repeats the text.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseNumberError {
    /// Not exactly 12 ASCII digits.
    #[error("a national number is written with exactly 12 digits")]
    Form,
    /// The century is none of 16 (organisations), 18, 19 and 20.
    #[error("the first two digits of a national number are 16, 18, 19 or 20")]
    Century,
    /// The digits of the date name no day of the calendar.
    #[error("the number holds no date of the calendar")]
    Date,
    /// An organisation number's third digit is below 2.
    #[error("an organisation number has a third digit of at least 2")]
    Organisation,
    /// The last digit does not fit the others (Luhn).
    #[error("the check digit does not fit: a digit was mistyped")]
    CheckDigit,
}

impl NationalNumber {
    /// Length in digits.
    pub const LEN: usize = 12;

    /// What kind of number it is.
    pub const fn kind(&self) -> NumberKind {
        self.kind
    }

    /// The 12 ASCII digits, for the wire and for keyed look-up. Never for logs.
    pub fn digits(&self) -> &[u8; Self::LEN] {
        &self.digits
    }

    /// The 12 digits as text, for the wire. Never for logs.
    pub fn expose(&self) -> String {
        self.digits.iter().copied().map(char::from).collect()
    }

    /// The number with its last four digits hidden, for staff (`19121212-••••`).
    pub fn masked(&self) -> String {
        let shown: String = self.digits.iter().take(8).copied().map(char::from).collect();
        format!("{shown}-••••")
    }
}

impl fmt::Debug for NationalNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NationalNumber({:?}, redacted)", self.kind)
    }
}

impl FromStr for NationalNumber {
    type Err = ParseNumberError;

    fn from_str(text: &str) -> Result<Self, ParseNumberError> {
        let digits: [u8; Self::LEN] =
            text.as_bytes().try_into().map_err(|_| ParseNumberError::Form)?;
        if !digits.iter().all(u8::is_ascii_digit) {
            return Err(ParseNumberError::Form);
        }
        let [c1, c2, short @ ..] = digits;
        let kind = match (c1, c2) {
            (b'1', b'6') => organisation(&short)?,
            (b'1', b'8' | b'9') | (b'2', b'0') => person(&digits)?,
            _ => return Err(ParseNumberError::Century),
        };
        if !luhn_sum(&short).is_multiple_of(10) {
            return Err(ParseNumberError::CheckDigit);
        }
        Ok(Self { digits, kind })
    }
}

fn organisation(short: &[u8; 10]) -> Result<NumberKind, ParseNumberError> {
    let [_, _, third, ..] = short;
    if *third < b'2' {
        return Err(ParseNumberError::Organisation);
    }
    Ok(NumberKind::Organisation)
}

fn person(digits: &[u8; 12]) -> Result<NumberKind, ParseNumberError> {
    let pair = |tens: u8, ones: u8| i16::from(tens - b'0') * 10 + i16::from(ones - b'0');
    let [c1, c2, y1, y2, m1, m2, d1, d2, serial @ .., _] = *digits;
    let year = pair(c1, c2) * 100 + pair(y1, y2);
    let month = i8::try_from(pair(m1, m2)).map_err(|_| ParseNumberError::Date)?;
    let day = pair(d1, d2);
    let (kind, day) =
        if day > 60 { (NumberKind::Coordination, day - 60) } else { (NumberKind::Person, day) };
    let day = i8::try_from(day).map_err(|_| ParseNumberError::Date)?;
    jiff::civil::Date::new(year, month, day).map_err(|_| ParseNumberError::Date)?;
    if serial == *b"000" {
        return Err(ParseNumberError::Date);
    }
    Ok(kind)
}

/// The Luhn sum over ten digits, weights 2, 1, 2, 1 …, digit sums of the products.
fn luhn_sum(short: &[u8; 10]) -> u32 {
    short
        .iter()
        .enumerate()
        .map(|(place, digit)| {
            let product = u32::from(digit - b'0') * if place % 2 == 0 { 2 } else { 1 };
            product / 10 + product % 10
        })
        .sum()
}

/// An organisation number with its prefix: `16` and ten digits, as in certificates.
///
/// Names authorities, dispatchers and companies; public data, so it has `Display`.
/// The check digit is verified. Source: contract §2 (`serialNumber`), SKV 709.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct OrganisationNumber([u8; NationalNumber::LEN]);

impl OrganisationNumber {
    /// The 12 ASCII digits.
    pub fn digits(&self) -> &[u8; NationalNumber::LEN] {
        &self.0
    }
}

impl FromStr for OrganisationNumber {
    type Err = ParseNumberError;

    /// Reads 12 digits beginning 16, or the bare ten digits of everyday use.
    fn from_str(text: &str) -> Result<Self, ParseNumberError> {
        let long = if text.len() == 10 { format!("16{text}") } else { text.to_owned() };
        let number: NationalNumber = long.parse()?;
        match number.kind {
            NumberKind::Organisation => Ok(Self(number.digits)),
            NumberKind::Person | NumberKind::Coordination => Err(ParseNumberError::Organisation),
        }
    }
}

impl fmt::Display for OrganisationNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|&digit| write!(f, "{}", char::from(digit)))
    }
}

impl fmt::Debug for OrganisationNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl serde::Serialize for OrganisationNumber {
    /// Text for people, the 12 bytes of it in stored rows.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            self.0.serialize(serializer)
        }
    }
}

impl<'de> serde::Deserialize<'de> for OrganisationNumber {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            let digits = <[u8; NationalNumber::LEN]>::deserialize(deserializer)?;
            let text: String = digits.iter().copied().map(char::from).collect();
            return text.parse().map_err(serde::de::Error::custom);
        }
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERSON: &str = "191212121212";
    const COORDINATION: &str = "197010632391";
    const ORGANISATION: &str = "162021004748";

    #[test]
    fn reads_each_kind() {
        assert_eq!(PERSON.parse::<NationalNumber>().unwrap().kind(), NumberKind::Person);
        assert_eq!(
            COORDINATION.parse::<NationalNumber>().unwrap().kind(),
            NumberKind::Coordination
        );
        assert_eq!(
            ORGANISATION.parse::<NationalNumber>().unwrap().kind(),
            NumberKind::Organisation
        );
    }

    #[test]
    fn refuses_each_fault_by_its_cause() {
        let cause = |text: &str| text.parse::<NationalNumber>().unwrap_err();
        assert_eq!(cause("1912121212"), ParseNumberError::Form);
        assert_eq!(cause("19121212121２"), ParseNumberError::Form);
        assert_eq!(cause("171212121212"), ParseNumberError::Century);
        assert_eq!(cause("191213121212"), ParseNumberError::Date);
        assert_eq!(cause("190102300000"), ParseNumberError::Date);
        assert_eq!(cause("191212121213"), ParseNumberError::CheckDigit);
        assert_eq!(cause("161011004748"), ParseNumberError::Organisation);
    }

    #[test]
    fn every_single_mistyped_digit_is_refused() {
        for place in 2..12 {
            for digit in b'0'..=b'9' {
                let mut digits = *b"191212121212";
                if digits[place] == digit {
                    continue;
                }
                digits[place] = digit;
                let text = String::from_utf8(digits.to_vec()).unwrap();
                assert!(text.parse::<NationalNumber>().is_err(), "place {place} digit {digit}");
            }
        }
    }

    #[test]
    fn debug_and_mask_hide_the_last_four_digits() {
        let number: NationalNumber = PERSON.parse().unwrap();
        assert!(!format!("{number:?}").contains("1212"));
        assert_eq!(number.masked(), "19121212-••••");
    }

    #[test]
    fn an_organisation_is_read_with_and_without_its_prefix() {
        let long: OrganisationNumber = ORGANISATION.parse().unwrap();
        assert_eq!("2021004748".parse::<OrganisationNumber>(), Ok(long));
        assert_eq!(long.to_string(), ORGANISATION);
        assert_eq!(PERSON.parse::<OrganisationNumber>(), Err(ParseNumberError::Organisation));
    }
}
