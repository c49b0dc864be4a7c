//! Secrets from systemd credentials: files in `$CREDENTIALS_DIRECTORY`.

use crate::config::Config;
use crate::config::hsm::Unlock;
use crate::hsm::Secret32;
use crate::keys::parse_lookup_credential;
use secrecy::SecretString;
use std::io;
use std::path::PathBuf;
use zeroize::Zeroizing;

/// Longest credential, in bytes: PINs and secrets in hex are far shorter.
const LEN_MAX: u64 = 4096;

/// Why a credential cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(super) enum CredentialError {
    /// The file cannot be read.
    #[error("cannot read the credential {name}")]
    Read {
        /// Its name.
        name: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is empty, too long or no text.
    #[error("the credential {name} is not a short text")]
    Form {
        /// Its name.
        name: String,
    },
}

/// What systemd handed over, as far as the configuration wants it.
#[derive(Default)]
pub(super) struct Credentials {
    /// The token's PIN; where there is none the token stays locked.
    pub(super) pin: Option<SecretString>,
    /// The lookup secret.
    pub(super) lookup: Option<Secret32>,
}

impl Credentials {
    /// Reads those that the configuration names and that were given.
    ///
    /// # Errors
    /// [`CredentialError`] where there is one that cannot be used.
    pub(super) fn read(config: &Config) -> Result<Self, CredentialError> {
        let pin = match config.hsm.unlock {
            Unlock::Credential => read(&config.hsm.pin_credential)?,
            Unlock::Operator => None,
        };
        let lookup = match &config.keys.lookup_credential {
            Some(name) => lookup(name)?,
            None => None,
        };
        Ok(Self { pin: pin.map(|text| SecretString::from(text.as_str())), lookup })
    }
}

fn lookup(name: &str) -> Result<Option<Secret32>, CredentialError> {
    let Some(text) = read(name)? else { return Ok(None) };
    let form = || CredentialError::Form { name: name.to_owned() };
    parse_lookup_credential(&text).map(Some).ok_or_else(form)
}

/// The text of a credential without its last line break.
fn read(name: &str) -> Result<Option<Zeroizing<String>>, CredentialError> {
    let Some(folder) = std::env::var_os("CREDENTIALS_DIRECTORY") else { return Ok(None) };
    let path = PathBuf::from(folder).join(name);
    let read_error = |source| CredentialError::Read { name: name.to_owned(), source };
    let form = || CredentialError::Form { name: name.to_owned() };
    let bytes = match std::fs::metadata(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(read_error(error)),
        Ok(facts) if facts.len() > LEN_MAX => return Err(form()),
        Ok(_) => Zeroizing::new(std::fs::read(&path).map_err(read_error)?),
    };
    let text = std::str::from_utf8(&bytes).map_err(|_| form())?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    if text.is_empty() { Err(form()) } else { Ok(Some(Zeroizing::new(text.to_owned()))) }
}
