//! The byte order mark and the XML declaration.

use super::prescan::PrescanError;

/// Skips the mark and the declaration, if there are such.
///
/// The declaration must say XML 1.0 and, where it names an encoding, UTF-8.
///
/// Source: XML 1.0 §2.8, §4.3.3.
pub(super) fn skip(bytes: &[u8]) -> Result<&[u8], PrescanError> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let Some(rest) = bytes.strip_prefix(b"<?xml ") else { return Ok(bytes) };
    let window = rest.get(..rest.len().min(LEN_MAX)).unwrap_or_default();
    let end = window.windows(2).position(|pair| pair == b"?>");
    let end = end.ok_or(PrescanError::Declaration)?;
    let (inside, rest) = rest.split_at(end);
    check(inside)?;
    Ok(rest.strip_prefix(b"?>").unwrap_or(rest))
}

fn check(inside: &[u8]) -> Result<(), PrescanError> {
    let inside = str::from_utf8(inside).map_err(|_| PrescanError::Declaration)?;
    let mut rest = inside.trim_start_matches(SPACE);
    let mut allowed = ["version", "encoding", "standalone"].iter();
    let mut version = false;
    while !rest.is_empty() {
        let (name, value, behind) = pair(rest).ok_or(PrescanError::Declaration)?;
        // Each at most once and in this order: the iterator never goes back.
        if !allowed.any(|allowed| *allowed == name) || version != (name != "version") {
            return Err(PrescanError::Declaration);
        }
        match name {
            "version" if value == "1.0" => version = true,
            "encoding" if value.eq_ignore_ascii_case("utf-8") => {}
            "encoding" => return Err(PrescanError::Encoding),
            "standalone" if matches!(value, "yes" | "no") => {}
            _ => return Err(PrescanError::Declaration),
        }
        rest = behind;
    }
    if version { Ok(()) } else { Err(PrescanError::Declaration) }
}

/// Splits `name = "value" rest`.
fn pair(text: &str) -> Option<(&str, &str, &str)> {
    let (name, rest) = text.split_once('=')?;
    let rest = rest.trim_start_matches(SPACE);
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let (value, behind) = rest.strip_prefix(quote)?.split_once(quote)?;
    let next = behind.trim_start_matches(SPACE);
    if !next.is_empty() && next.len() == behind.len() {
        return None;
    }
    Some((name.trim_end_matches(SPACE), value, next))
}

const SPACE: [char; 4] = [' ', '\t', '\r', '\n'];

/// No declaration that a writer of XML makes is longer.
const LEN_MAX: usize = 256;
