//! What the check tells of a configuration that it accepts: things that start and still are not
//! well. The state is not touched; lists and certificates are read from their files.

use super::settings::identities;
use crate::clock::Clock;
use crate::config::hsm::Unlock;
use crate::config::{Config, Scanner};
use crate::store::memory;
use crate::trust::{Door, Item, Role, Trust};
use mbx_common::control::Level;
use mbx_common::note::{Note, Topic};
use std::path::Path;

/// Words in the file names of modules that are software.
const SOFT_MODULES: [&str; 3] = ["softhsm", "kryoptic", "p11fault"];

/// Everything that is to be noted, by topic.
pub(super) async fn notes(config: &Config) -> Vec<Note> {
    let mut notes = Vec::new();
    if config.development {
        let text = "development = true admits what no production installation may have";
        notes.push(Note::attention(Topic::Development, text));
    }
    notes.extend(token(config));
    let credentials = std::env::var_os("CREDENTIALS_DIRECTORY");
    notes.extend(credentials.iter().flat_map(|folder| missing(config, Path::new(folder))));
    if config.scan.scanner == Some(Scanner::None) && config.delivery.listen.is_some() {
        let text = "deliveries are accepted unscanned (scan.scanner is \"none\")";
        notes.push(Note::attention(Topic::Scanner, text));
    }
    notes.extend(trust(config).await);
    notes
}

fn token(config: &Config) -> Vec<Note> {
    let module = &config.hsm.module;
    let mut notes = Vec::new();
    if !module.exists() {
        let text =
            format!("{} is not there: the daemon stays locked until it is", module.display());
        notes.push(Note::wrong(Topic::Token, text));
    }
    let name = module.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    if SOFT_MODULES.iter().any(|soft| name.contains(soft)) {
        let text = "the token is software: its keys are files that can be copied";
        notes.push(Note::attention(Topic::Token, text));
    } else if !config.hsm.require_hsm {
        let text = "hsm.require_hsm = false admits tokens that are software";
        notes.push(Note::attention(Topic::Token, text));
    }
    notes
}

/// Credentials that are wanted and were not given; asked only where systemd gave any.
fn missing(config: &Config, folder: &Path) -> Vec<Note> {
    let pin = (config.hsm.unlock == Unlock::Credential).then_some(&config.hsm.pin_credential);
    let wanted = [
        (pin, "the token stays locked until \"mbxctl hsm login\""),
        (config.keys.lookup_credential.as_ref(), "while locked, nothing is delivered"),
    ];
    wanted
        .into_iter()
        .filter_map(|(name, so)| Some((name?, so)))
        .filter(|(name, _)| !folder.join(name).exists())
        .map(|(name, so)| {
            Note::attention(Topic::Credentials, format!("{name} was not given: {so}"))
        })
        .collect()
}

async fn trust(config: &Config) -> Vec<Note> {
    let (clock, store) = (Clock::system(), memory::engine());
    let opened = Trust::open(config.trust.clone(), identities(config), store, clock).await;
    // What cannot be opened was refused before.
    let Ok(trust) = opened else { return Vec::new() };
    let refused = trust.refresh_lists().await.refused.into_iter();
    let mut notes: Vec<Note> = refused
        .map(|(path, error)| Note::wrong(Topic::Revocation, format!("{}: {error}", path.display())))
        .collect();
    notes.extend(trust.list().iter().filter_map(ends));
    notes
}

/// What ends, has ended or is not there.
fn ends(item: &Item) -> Option<Note> {
    let (topic, what) = match item.role {
        Role::Server(Door::Authorities) => (Topic::Certificates, "delivery.tls".to_owned()),
        Role::Server(Door::Portal) => (Topic::Certificates, "portal.tls".to_owned()),
        Role::Root | Role::Intermediate | Role::PortalRoot => {
            (Topic::Certificates, item.subject.clone())
        }
        Role::Crl => (Topic::Revocation, format!("the list of {}", item.subject)),
    };
    let text = match item.days_left {
        None => format!("{what} is missing: nobody under it is believed"),
        Some(days @ ..0) => format!("{what} ended {} d ago", days.unsigned_abs()),
        Some(days) => format!("{what} ends in {days} d"),
    };
    match item.level {
        Level::Ok => None,
        Level::Attention => Some(Note::attention(topic, text)),
        Level::Wrong => Some(Note::wrong(topic, text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Config {
        toml::from_str(text).unwrap()
    }

    fn levels(notes: &[Note]) -> Vec<(Topic, Level)> {
        notes.iter().map(|note| (note.topic, note.level)).collect()
    }

    #[test]
    fn a_module_that_is_missing_or_software_is_noted() {
        let missing = token(&config("[hsm]\nmodule = \"/nonexistent/libvendor.so\""));
        assert_eq!(levels(&missing), [(Topic::Token, Level::Wrong)]);
        let soft = token(&config("[hsm]\nmodule = \"/nonexistent/libSoftHSM2.so\""));
        assert_eq!(levels(&soft), [(Topic::Token, Level::Wrong), (Topic::Token, Level::Attention)]);
        let there = token(&config("[hsm]\nmodule = \"/proc/self/exe\""));
        assert!(there.is_empty(), "{there:?}");
    }

    #[test]
    fn wanted_credentials_that_are_not_there_are_noted() {
        let folder = tempfile::tempdir().unwrap();
        let both = config("[keys]\nlookup_credential = \"lookup\"");
        assert_eq!(missing(&both, folder.path()).len(), 2);
        std::fs::write(folder.path().join("hsm-pin"), "1").unwrap();
        let left = missing(&both, folder.path());
        assert!(left.len() == 1 && left[0].text.starts_with("lookup"), "{left:?}");
        let by_hand = config("[hsm]\nunlock = \"operator\"");
        assert!(missing(&by_hand, folder.path()).is_empty());
    }

    #[tokio::test]
    async fn an_unscanned_door_is_noted_and_a_shut_one_is_not() {
        let topics = |notes: Vec<Note>| notes.iter().map(|note| note.topic).collect::<Vec<_>>();
        let open = "[scan]\nscanner = \"none\"\n[delivery]\nlisten = \"192.0.2.1:443\"\n";
        let open = topics(notes(&config(open)).await);
        assert!(open.contains(&Topic::Scanner), "{open:?}");
        let shut = topics(notes(&config("[scan]\nscanner = \"none\"\n")).await);
        assert!(!shut.contains(&Topic::Scanner) && !shut.contains(&Topic::Development), "{shut:?}");
        let trial = topics(notes(&config("development = true")).await);
        assert!(trial.contains(&Topic::Development), "{trial:?}");
    }
}
