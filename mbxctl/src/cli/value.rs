//! Values on the command line: spans, moments, officers, named files.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use mbx_common::control::sender::Dispatcher;
use mbx_common::holder::{HolderKind, MailboxState};
use mbx_common::identity::ParseNumberError;
use mbx_common::role::Roles;
use mbx_common::time::Timestamp;
use std::path::PathBuf;
use std::time::Duration;

const UNITS: [(&str, u64); 6] =
    [("ms", 1), ("s", 1000), ("min", 60_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// Reads a span such as `250ms`, `30s`, `5min`, `24h`, `30d`.
///
/// # Errors
/// A sentence for people.
pub fn duration(text: &str) -> Result<Duration, String> {
    span_ms(text)
        .map(Duration::from_millis)
        .ok_or_else(|| "a number and a unit, such as 30s, 5min, 24h".to_owned())
}

fn span_ms(text: &str) -> Option<u64> {
    let split = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(split)?;
    let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit.trim_start())?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

/// Reads a kind of holder, by the names that the whole product uses.
pub fn kind() -> impl TypedValueParser<Value = HolderKind> {
    PossibleValuesParser::new(HolderKind::ALL.map(HolderKind::name))
        .try_map(|text| text.parse::<HolderKind>())
}

/// Reads a state of a mailbox.
pub fn state() -> impl TypedValueParser<Value = MailboxState> {
    PossibleValuesParser::new(MailboxState::ALL.map(MailboxState::name))
        .try_map(|text| text.parse::<MailboxState>())
}

/// A moment as given: fixed, or so long before now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Moment {
    /// RFC 3339.
    At(Timestamp),
    /// `-24h`: so many milliseconds ago.
    Ago(u64),
}

impl Moment {
    /// The moment, given the present one.
    pub const fn resolve(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(moment) => moment,
            Self::Ago(ms) => now.minus_millis(ms),
        }
    }
}

/// Reads RFC 3339, a date (midnight UTC), or a span ago such as `-24h`.
///
/// # Errors
/// A sentence for people.
pub fn moment(text: &str) -> Result<Moment, String> {
    let ago = text.strip_prefix('-').and_then(span_ms).map(Moment::Ago);
    let fixed = || text.parse::<Timestamp>().ok();
    let day = || format!("{text}T00:00:00Z").parse::<Timestamp>().ok();
    ago.or_else(|| fixed().or_else(day).map(Moment::At))
        .ok_or_else(|| "RFC 3339 (2026-11-24T03:41:00+01:00), a date, or -24h".to_owned())
}

/// `NAME` or `NAME:ROLES` of `init --officer`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OfficerArg {
    /// Login name.
    pub name: String,
    /// Roles besides security officer.
    pub roles: Roles,
}

/// Reads `anna` or `anna:KRSA`.
///
/// # Errors
/// A sentence for people.
pub fn officer(text: &str) -> Result<OfficerArg, String> {
    let (name, letters) = text.split_once(':').unwrap_or((text, ""));
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    if name.is_empty() || name.len() > 32 || !name.chars().all(fits) {
        return Err("a name has 1 to 32 lower-case letters, digits, - and _".to_owned());
    }
    let roles =
        letters.parse().map_err(|error: mbx_common::role::ParseRolesError| error.to_string())?;
    Ok(OfficerArg { name: name.to_owned(), roles })
}

/// Reads `ORG`, `ORG:seal` or `ORG:sign` of `sender allow --dispatcher`.
///
/// # Errors
/// A sentence for people.
pub fn dispatcher(text: &str) -> Result<Dispatcher, String> {
    let (organisation, rights) = text.split_once(':').unwrap_or((text, "both"));
    let (sign, seal) = match rights {
        "both" => (true, true),
        "sign" => (true, false),
        "seal" => (false, true),
        _ => return Err("what a dispatcher may do is :seal or :sign; alone, both".to_owned()),
    };
    let organisation = organisation.parse().map_err(|error: ParseNumberError| error.to_string())?;
    Ok(Dispatcher { organisation, sign, seal })
}

/// `NAME=FILE` of `--password-file`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NamedFile {
    /// Whose.
    pub name: String,
    /// Where.
    pub file: PathBuf,
}

/// Reads `anna=/path/to/file`.
///
/// # Errors
/// A sentence for people.
pub fn named_file(text: &str) -> Result<NamedFile, String> {
    match text.split_once('=') {
        Some((name, file)) if !name.is_empty() && !file.is_empty() => {
            Ok(NamedFile { name: name.to_owned(), file: file.into() })
        }
        _ => Err("NAME=FILE".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mbx_common::role::Role;

    #[test]
    fn spans_are_read_with_their_unit_and_refused_without() {
        assert_eq!(duration("30s"), Ok(Duration::from_secs(30)));
        assert_eq!(duration("5 min"), Ok(Duration::from_mins(5)));
        assert!(duration("30").is_err() && duration("s").is_err() && duration("1.5h").is_err());
    }

    #[test]
    fn moments_are_fixed_or_ago() {
        let now = Timestamp::from_millis(100_000_000).unwrap();
        assert_eq!(moment("-24h").unwrap().resolve(now).as_millis(), 13_600_000);
        assert_eq!(moment("1970-01-02").unwrap().resolve(now).as_millis(), 86_400_000);
        assert!(moment("yesterday").is_err() && moment("24h").is_err());
    }

    #[test]
    fn officers_are_names_with_role_letters() {
        let anna = officer("anna:KRSA").unwrap();
        assert!(anna.roles.has(Role::Auditor));
        assert!(officer("anna").unwrap().roles.is_empty());
        assert!(officer("Anna").is_err() && officer("anna:T").is_err() && officer("").is_err());
    }

    #[test]
    fn a_dispatcher_may_be_narrowed_to_one_right() {
        let rights = |text| dispatcher(text).map(|one| (one.sign, one.seal));
        assert_eq!(rights("165568402266"), Ok((true, true)));
        assert_eq!(rights("165568402266:seal"), Ok((false, true)));
        assert_eq!(rights("165568402266:sign"), Ok((true, false)));
        for bad in ["165568402266:", "165568402266:read", "165568402267", ":seal"] {
            assert!(dispatcher(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn named_files_have_both_parts() {
        assert_eq!(named_file("anna=/x").unwrap().name, "anna");
        assert!(named_file("anna").is_err() && named_file("=x").is_err());
    }
}
