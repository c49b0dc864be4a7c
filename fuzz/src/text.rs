//! What people and other programs write: numbers, ids, names, the configuration.

use mbx_common::assurance::Loa;
use mbx_common::error::Code;
use mbx_common::holder::HolderKind;
use mbx_common::id::{ContentId, DeliveryId, KeyId, MailboxId, MessageId, OperatorId, PseudonymId};
use mbx_common::identity::{NationalNumber, OrganisationNumber};
use mbx_common::role::Roles;
use mbx_common::time::Timestamp;
use mbxd::config::{self, Config};
use mbxd::operators::{OperatorName, SessionToken};
use std::fmt::{Debug, Display};
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Numbers, ids and every other short text.
pub(super) fn identity(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match text.parse::<NationalNumber>() {
        Ok(number) => {
            assert_eq!(number.expose(), text, "a number has two spellings");
            assert!(!format!("{number:?}").contains(text), "Debug shows a number");
            assert!(!number.masked().contains(text), "a masked number is shown");
        }
        Err(error) => silent(&error, text),
    }
    match text.parse::<OrganisationNumber>() {
        Ok(number) => assert!(number.to_string().ends_with(text), "another number was read"),
        Err(error) => silent(&error, text),
    }
    one_spelling::<MailboxId>(text);
    one_spelling::<MessageId>(text);
    one_spelling::<DeliveryId>(text);
    one_spelling::<ContentId>(text);
    one_spelling::<OperatorId>(text);
    one_spelling::<KeyId>(text);
    one_spelling::<PseudonymId>(text);
    one_spelling::<OperatorName>(text);
    settles::<Timestamp>(text);
    settles::<Code>(text);
    let _ = text.parse::<Loa>();
    let _ = text.parse::<HolderKind>();
    let _ = text.parse::<Roles>();
    if let Ok(token) = SessionToken::parse(text) {
        assert_eq!(*token.expose(), text, "a token has two spellings");
    }
    let shown = mbxd::delivery::fuzzing::file_name(text);
    assert!(!shown.is_empty() && shown.chars().count() <= 120, "a file name has 1–120 characters");
    assert!(!shown.contains(['/', '\\']) && !shown.chars().any(char::is_control));
    assert_eq!(mbxd::delivery::fuzzing::file_name(&shown), shown, "a clean name is cleaned again");
}

/// A configuration: what is taken can be shown, and what was shown is taken and means the same.
pub(super) fn config(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(config) = parse(text) else { return };
    let shown = toml::to_string(&config).expect("a configuration can be shown");
    assert_eq!(parse(&shown).ok().as_ref(), Some(&config), "what is shown means something else");
}

fn parse(text: &str) -> Result<Config, config::ConfigError> {
    let main = Path::new("mbxd.toml");
    config::parse(main, vec![(PathBuf::from(main), text.to_owned())]).map(|loaded| loaded.config)
}

fn one_spelling<T: Display + FromStr>(text: &str) {
    if let Ok(value) = text.parse::<T>() {
        assert_eq!(value.to_string(), text, "one value has two spellings");
    }
}

fn settles<T: Debug + Display + FromStr + PartialEq>(text: &str) {
    if let Ok(value) = text.parse::<T>() {
        assert_eq!(value.to_string().parse().ok().as_ref(), Some(&value), "reads otherwise");
    }
}

/// An error about a number must not repeat it.
fn silent(error: &(impl Debug + Display), text: &str) {
    if text.len() >= 6 && text.bytes().any(|byte| byte.is_ascii_digit()) {
        assert!(!format!("{error} {error:?}").contains(text), "an error repeats a number");
    }
}
