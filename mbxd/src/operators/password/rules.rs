//! Which passwords are good enough.

use mbx_common::limit::{PASSWORD_CHARS_MIN, PASSWORD_LEN_MAX};
use std::collections::HashSet;

/// Why a password is not good enough. Never repeats any of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum WeakPassword {
    /// Fewer than [`PASSWORD_CHARS_MIN`] characters.
    #[error("a password has at least {PASSWORD_CHARS_MIN} characters")]
    Short,
    /// More than [`PASSWORD_LEN_MAX`] bytes.
    #[error("a password has at most {PASSWORD_LEN_MAX} bytes")]
    Long,
    /// Control characters, which no keyboard types again.
    #[error("a password has no control characters")]
    Control,
    /// Made of words, runs and years that everybody tries first, or of few different characters.
    #[error("this password is one of those that are tried first")]
    Common,
    /// The person's own login name stands in it.
    #[error("a password does not hold the login name")]
    Name,
    /// One of the last ones.
    #[error("this password was used before")]
    Reused,
}

/// Words and runs that guessing begins with; a password made of them alone is refused. All lower
/// case, one a line.
const COMMON: &str = include_str!("common.txt");
/// Fewer different characters than this make no password.
const DIFFERENT_MIN: usize = 5;

/// Judges a new password of the person with this login name.
pub(in super::super) fn check(password: &str, name: &str) -> Result<(), WeakPassword> {
    if password.len() > PASSWORD_LEN_MAX {
        return Err(WeakPassword::Long);
    }
    if password.chars().count() < PASSWORD_CHARS_MIN {
        return Err(WeakPassword::Short);
    }
    if password.chars().any(char::is_control) {
        return Err(WeakPassword::Control);
    }
    let lower = password.to_lowercase();
    if lower.contains(name) {
        return Err(WeakPassword::Name);
    }
    if is_common(&lower) { Err(WeakPassword::Common) } else { Ok(()) }
}

fn is_common(lower: &str) -> bool {
    let different: HashSet<char> = lower.chars().collect();
    if different.len() < DIFFERENT_MIN {
        return true;
    }
    let words: HashSet<&str> = COMMON.lines().collect();
    let plain: String = lower.chars().filter(|c| c.is_alphanumeric()).collect();
    let letters: String = lower.chars().filter(|c| c.is_alphabetic()).collect();
    let core = lower.trim_matches(|c: char| !c.is_alphabetic());
    let unmasked: String = core.chars().map(unmask).filter(|c| c.is_alphabetic()).collect();
    let is_mostly_letters = |text: &str| 2 * text.chars().count() >= lower.chars().count();
    is_made_of(&plain, &words)
        || (is_mostly_letters(&letters) && is_made_of(&letters, &words))
        || (is_mostly_letters(&unmasked) && is_made_of(&unmasked, &words))
}

/// The letter that a digit or sign stands for in `p4ssw0rd`.
const fn unmask(c: char) -> char {
    match c {
        '0' => 'o',
        '1' | '!' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        other => other,
    }
}

/// Whether the text is nothing but words of the list, one after the other.
fn is_made_of(text: &str, words: &HashSet<&str>) -> bool {
    let mut ends = vec![0];
    for (at, c) in text.char_indices() {
        let end = at + c.len_utf8();
        let reached = ends
            .iter()
            .any(|&start| text.get(start..end).is_some_and(|piece| words.contains(piece)));
        if reached {
            ends.push(end);
        }
    }
    !text.is_empty() && ends.contains(&text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_passwords_are_taken() {
        for password in
            ["korrekt häst batteri", "tR9#kk2!pQwz", "long but never written down", "åäöåäöxyzåäö!"]
        {
            assert_eq!(check(password, "anna"), Ok(()), "{password}");
        }
    }

    #[test]
    fn length_is_counted_in_characters_and_bounded_in_bytes() {
        assert_eq!(check("kort häst!!", "anna"), Err(WeakPassword::Short));
        assert_eq!(check("åäöåäöbcdfgh", "anna"), Ok(()));
        let long: String = "abcdefgå".repeat(32);
        assert_eq!(check(&long, "anna"), Err(WeakPassword::Long));
        assert_eq!(check("bell\u{7} and whistle", "anna"), Err(WeakPassword::Control));
    }

    #[test]
    fn what_is_tried_first_is_refused_in_its_disguises() {
        for password in [
            "passwordpassword",
            "Password1234!",
            "P4ssw0rd2026!!",
            "123456789012",
            "aaaaaaaaaaaa",
            "abababababab",
            "qwertyuiop123",
            "Sommar2026!!",
            "Lösenord1234",
            "letmeinletmein",
            "Mailbox2026!",
        ] {
            assert_eq!(check(password, "anna"), Err(WeakPassword::Common), "{password}");
        }
    }

    #[test]
    fn the_login_name_may_not_stand_in_it() {
        assert_eq!(check("xx-Annika-99-yy", "annika"), Err(WeakPassword::Name));
    }

    #[test]
    fn the_list_is_lower_case_and_without_doubles() {
        let mut seen = HashSet::new();
        for word in COMMON.lines() {
            assert!(!word.is_empty() && word == word.to_lowercase() && seen.insert(word), "{word}");
        }
    }
}
