//! The simple types of the schema.

use super::children::refuse_attributes;
use super::document::Element;
use super::error::ParseError;
use mbx_common::identity::NationalNumber;
use std::fmt;

/// Characters of a request, as the tree gives them. Content: no `Debug`, no `Display`.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct Text<'d>(&'d str);

impl<'d> Text<'d> {
    /// The characters.
    pub const fn as_str(&self) -> &'d str {
        self.0
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Text(redacted)")
    }
}

/// A `RecipientId`: twelve digits of the form of an organisation, personal or coordination number.
///
/// The form is checked, check digits are not: that is [`NationalNumber`]'s.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct RecipientId<'d>(&'d str);

impl<'d> RecipientId<'d> {
    /// The twelve digits, for the answer.
    pub const fn as_str(&self) -> &'d str {
        self.0
    }

    /// The number it is, unless no real number can be written so.
    pub fn national_number(&self) -> Option<NationalNumber> {
        self.0.parse().ok()
    }

    /// Source: `RecipientId` of the Recipient schema.
    fn has_form(text: &str) -> bool {
        let Ok(digits) = <&[u8; 12]>::try_from(text.as_bytes()) else { return false };
        if !digits.iter().all(u8::is_ascii_digit) {
            return false;
        }
        let [c1, c2, _, _, m1, m2, ..] = digits;
        match [*c1, *c2] {
            [b'1', b'6'] => true,
            [b'1', b'8' | b'9'] | [b'2', b'0'] => {
                matches!([*m1, *m2], [b'0', b'1'..=b'9'] | [b'1', b'0'..=b'2'])
            }
            _ => false,
        }
    }
}

impl fmt::Debug for RecipientId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecipientId(redacted)")
    }
}

/// `xs:string` of any length; white space is kept.
pub(super) fn string<'d>(element: Element<'d>, name: &'static str) -> Result<Text<'d>, ParseError> {
    refuse_attributes(element, name, &[])?;
    element.text(name).map(Text)
}

/// `xs:string` of at most so many characters.
pub(super) fn string_max<'d>(
    element: Element<'d>,
    name: &'static str,
    chars_max: usize,
) -> Result<Text<'d>, ParseError> {
    let text = string(element, name)?;
    check_max(text.0, name, chars_max)?;
    Ok(text)
}

/// `xs:string` of so many characters.
pub(super) fn string_between<'d>(
    element: Element<'d>,
    name: &'static str,
    chars_min: usize,
    chars_max: usize,
) -> Result<Text<'d>, ParseError> {
    let text = string_max(element, name, chars_max)?;
    if text.0.chars().count() < chars_min {
        return Err(ParseError::TooShort { element: name, chars_min });
    }
    Ok(text)
}

/// `xs:anyURI` of at most so many characters; white space around it is dropped.
pub(super) fn uri_max<'d>(
    element: Element<'d>,
    name: &'static str,
    chars_max: usize,
) -> Result<Text<'d>, ParseError> {
    let text = collapsed(element, name)?;
    check_max(text, name, chars_max)?;
    Ok(Text(text))
}

/// `EMailAdress`: 5 to 256 characters of the form `.+@.+\..+`.
pub(super) fn email<'d>(element: Element<'d>, name: &'static str) -> Result<Text<'d>, ParseError> {
    let text = string_between(element, name, 5, 256)?;
    let one_line = !text.0.contains(['\n', '\r']);
    // Some `@` with a character before it, and behind it a dot with one before and one after.
    let domain = text.0.char_indices().skip(1).find(|&(_, c)| c == '@').map(|(at, _)| at);
    let domain = domain.and_then(|at| text.0.get(at.saturating_add(1)..)).unwrap_or_default();
    let mut places = domain.char_indices().skip(1);
    let dotted = places.any(|(at, c)| c == '.' && at.saturating_add(1) < domain.len());
    if one_line && dotted { Ok(text) } else { Err(ParseError::Form { element: name }) }
}

/// `RecipientId`.
pub(super) fn recipient_id<'d>(
    element: Element<'d>,
    name: &'static str,
) -> Result<RecipientId<'d>, ParseError> {
    let text = string(element, name)?;
    if RecipientId::has_form(text.0) {
        Ok(RecipientId(text.0))
    } else {
        Err(ParseError::Form { element: name })
    }
}

/// `xs:language`: letters, then hyphenated letters and digits, eight at most each.
pub(super) fn language<'d>(
    element: Element<'d>,
    name: &'static str,
) -> Result<Text<'d>, ParseError> {
    let text = collapsed(element, name)?;
    let fits = |(place, part): (usize, &str)| {
        let letters = part.bytes().all(|b| b.is_ascii_alphabetic());
        let allowed = letters || (place > 0 && part.bytes().all(|b| b.is_ascii_alphanumeric()));
        allowed && (1..=8).contains(&part.len())
    };
    if text.len() <= LANGUAGE_LEN_MAX && text.split('-').enumerate().all(fits) {
        Ok(Text(text))
    } else {
        Err(ParseError::Form { element: name })
    }
}

/// `xs:boolean`.
pub(super) fn boolean(element: Element<'_>, name: &'static str) -> Result<bool, ParseError> {
    match collapsed(element, name)? {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(ParseError::Form { element: name }),
    }
}

/// `xs:date`, or `xs:dateTime` as some senders write: the calendar date of it.
pub(super) fn date(
    element: Element<'_>,
    name: &'static str,
) -> Result<jiff::civil::Date, ParseError> {
    read_date(collapsed(element, name)?).ok_or(ParseError::Form { element: name })
}

/// One of the values of an enumeration.
pub(super) fn one_of<T: Copy>(
    element: Element<'_>,
    name: &'static str,
    values: &[(&str, T)],
) -> Result<T, ParseError> {
    let text = string(element, name)?;
    let found = values.iter().find(|(spelling, _)| *spelling == text.0);
    found.map(|&(_, value)| value).ok_or(ParseError::Form { element: name })
}

fn read_date(text: &str) -> Option<jiff::civil::Date> {
    let (date, rest) = text.split_at_checked(10)?;
    let zone = match rest.strip_prefix('T') {
        None => rest,
        Some(time) => {
            let (clock, rest) = time.split_at_checked(8)?;
            is_clock(clock).then_some(())?;
            match rest.strip_prefix('.') {
                None => rest,
                Some(fraction) => {
                    let zone = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
                    (zone.len() < fraction.len()).then_some(zone)?
                }
            }
        }
    };
    is_zone(zone).then_some(())?;
    let number = |range: std::ops::Range<usize>| {
        let digits = date.get(range)?;
        digits.bytes().all(|b| b.is_ascii_digit()).then_some(digits)
    };
    if date.get(4..5) != Some("-") || date.get(7..8) != Some("-") {
        return None;
    }
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    jiff::civil::Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()
}

/// `hh:mm:ss`.
fn is_clock(text: &str) -> bool {
    let [h1, h2, b':', m1, m2, b':', s1, s2] = text.as_bytes() else { return false };
    let sixty = |tens: &u8, ones: &u8| matches!(tens, b'0'..=b'5') && ones.is_ascii_digit();
    let hours = matches!([*h1, *h2], [b'0' | b'1', b'0'..=b'9'] | [b'2', b'0'..=b'4']);
    hours && sixty(m1, m2) && sixty(s1, s2)
}

/// A zone of `xs:date`: nothing, `Z`, or `±hh:mm`.
fn is_zone(text: &str) -> bool {
    match text.as_bytes() {
        [] | [b'Z'] => true,
        [b'+' | b'-', h1, h2, b':', m1, m2] => {
            matches!([*h1, *h2], [b'0', b'0'..=b'9'] | [b'1', b'0'..=b'4'])
                && matches!(m1, b'0'..=b'5')
                && m2.is_ascii_digit()
        }
        _ => false,
    }
}

fn collapsed<'d>(element: Element<'d>, name: &'static str) -> Result<&'d str, ParseError> {
    Ok(string(element, name)?.0.trim_matches([' ', '\t', '\r', '\n']))
}

fn check_max(text: &str, name: &'static str, chars_max: usize) -> Result<(), ParseError> {
    if text.chars().nth(chars_max).is_some() {
        return Err(ParseError::TooLong { element: name, chars_max });
    }
    Ok(())
}

/// The schema sets no length for a language; this is longer than any tag in use.
const LANGUAGE_LEN_MAX: usize = 64;
