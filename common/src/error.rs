//! Kinds of failure: whose move it is, and what each door says.
//!
//! Inside the daemon every operation has an error enum of its own whose `kind()` gives a [`Kind`].
//! The edges alone turn it into an exit code, an HTTP status or a SOAP fault.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Whose move it is after a failure. Closed: every table over it is total.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The caller must mend the request.
    Usage,
    /// The caller may not do this; never tells whether the object exists.
    Denied,
    /// The named thing does not exist.
    NotFound,
    /// It exists already, or the state no longer fits.
    Conflict,
    /// A limit was met; the same request may succeed later.
    Limit,
    /// Something needed is away (HSM, store, scanner); try again later.
    Unavailable,
    /// Stored or received data is damaged; someone must look.
    Corrupt,
    /// A defect of ours.
    Internal,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::Usage,
        Self::Denied,
        Self::NotFound,
        Self::Conflict,
        Self::Limit,
        Self::Unavailable,
        Self::Corrupt,
        Self::Internal,
    ];

    /// The exit code of mbxctl (sysexits numbers where they fit).
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Usage => 64,
            Self::Denied => 77,
            Self::NotFound => 67,
            Self::Conflict => 5,
            Self::Limit => 75,
            Self::Unavailable => 69,
            Self::Corrupt => 65,
            Self::Internal => 70,
        }
    }

    /// The HTTP status of the control and portal APIs.
    pub const fn http_status(self) -> u16 {
        match self {
            Self::Usage => 400,
            Self::Denied => 403,
            Self::NotFound => 404,
            Self::Conflict => 409,
            Self::Limit => 429,
            Self::Unavailable => 503,
            Self::Corrupt | Self::Internal => 500,
        }
    }

    /// The default `ErrorCode` of a SOAP fault: under 5000 = repeat later, from 5000 = mend first.
    ///
    /// Source: contract §3.5.
    pub const fn soap_error_code(self) -> u16 {
        match self {
            Self::Usage => 5001,
            Self::Denied => 5002,
            Self::NotFound => 5003,
            Self::Conflict => 5011,
            Self::Limit | Self::Unavailable | Self::Corrupt | Self::Internal => 1,
        }
    }

    /// Whether the same request may succeed later without being changed.
    pub const fn may_retry(self) -> bool {
        matches!(self, Self::Limit | Self::Unavailable)
    }
}

/// A stable error code of the product, `MBX-nnnn`; `mbxctl explain` tells of each.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Code(pub u16);

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MBX-{:04}", self.0)
    }
}

impl std::str::FromStr for Code {
    type Err = BadCode;

    /// Reads `MBX-nnnn`, or the four digits alone.
    fn from_str(text: &str) -> Result<Self, BadCode> {
        let digits = text.strip_prefix("MBX-").or(text.strip_prefix("mbx-")).unwrap_or(text);
        if digits.len() != 4 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
            return Err(BadCode);
        }
        digits.parse().map(Self).map_err(|_| BadCode)
    }
}

/// A text that is no code of ours.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a code is written MBX- and four digits")]
pub struct BadCode;

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn each_kind_has_its_own_exit_code_and_none_means_success() {
        let codes: HashSet<u8> = Kind::ALL.iter().map(|kind| kind.exit_code()).collect();
        assert_eq!(codes.len(), Kind::ALL.len());
        assert!(codes.iter().all(|&code| code > 2));
    }

    #[test]
    fn a_retry_is_offered_exactly_where_soap_says_repeat_later_or_we_are_at_fault() {
        for kind in Kind::ALL {
            let ours = matches!(kind, Kind::Corrupt | Kind::Internal);
            assert_eq!(kind.soap_error_code() < 5000, kind.may_retry() || ours, "{kind:?}");
        }
    }

    #[test]
    fn a_code_is_read_as_it_is_written() {
        assert_eq!("MBX-2041".parse(), Ok(Code(2041)));
        assert_eq!("0041".parse::<Code>().map(|code| code.to_string()), Ok("MBX-0041".to_owned()));
        for bad in ["", "MBX-41", "MBX-A101", "MBX-20411", "MBX-+041"] {
            assert_eq!(bad.parse::<Code>(), Err(BadCode), "{bad}");
        }
    }

    #[test]
    fn every_status_is_an_error_status() {
        assert!(Kind::ALL.iter().all(|kind| (400..600).contains(&kind.http_status())));
    }
}
