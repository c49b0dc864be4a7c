//! How passwords are kept: Argon2id, in PHC form with parameters and salt.

use super::super::error::PasswordError;
use super::super::options::Cost;
use super::rules::WeakPassword;
use crate::random;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use mbx_common::limit::PASSWORD_LEN_MAX;
use secrecy::{ExposeSecret as _, SecretString};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Hashes at a time: bounds the memory that logins can take.
const PARALLEL_MAX: usize = 2;
const SALT_LEN: usize = 16;

/// Makes and checks password hashes, on threads of their own.
#[derive(Clone)]
pub(in super::super) struct Hasher {
    argon2: Argon2<'static>,
    /// Hash of a password that nobody has: what names without an account are checked against, so
    /// that they take as long.
    nobody: Arc<str>,
    permits: Arc<Semaphore>,
}

impl Hasher {
    pub(in super::super) fn new(cost: Cost) -> Result<Self, PasswordError> {
        let params = Params::new(cost.memory_kib, cost.passes, 1, Some(32))
            .map_err(|_| PasswordError::Hash)?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let nobody = hash(&argon2, &random::bytes::<32>())?;
        Ok(Self { argon2, nobody: nobody.into(), permits: Arc::new(Semaphore::new(PARALLEL_MAX)) })
    }

    /// Whether the password is the hash's; false, after the same work, where there is none.
    pub(in super::super) async fn verify(
        &self,
        stored: Option<String>,
        password: SecretString,
    ) -> Result<bool, PasswordError> {
        let has_account = stored.is_some();
        let stored = stored.unwrap_or_else(|| self.nobody.to_string());
        let is_right = self.run(move |argon2| Ok(verify(argon2, &stored, &password))).await?;
        Ok(is_right && has_account)
    }

    /// The hash of a new password, refused where it is one of the earlier ones.
    pub(in super::super) async fn renew(
        &self,
        password: SecretString,
        earlier: Vec<String>,
    ) -> Result<String, PasswordError> {
        self.run(move |argon2| {
            if earlier.iter().any(|stored| verify(argon2, stored, &password)) {
                return Err(WeakPassword::Reused.into());
            }
            hash(argon2, password.expose_secret().as_bytes())
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Argon2<'static>) -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let argon2 = self.argon2.clone();
        let done = tokio::task::spawn_blocking(move || {
            let result = work(&argon2);
            drop(permit);
            result
        });
        done.await.map_err(|_| PasswordError::Hash)?
    }
}

fn hash(argon2: &Argon2<'_>, password: &[u8]) -> Result<String, PasswordError> {
    let salt = random::bytes::<SALT_LEN>();
    argon2
        .hash_password_with_salt(password, &salt)
        .map(|hash| hash.to_string())
        .map_err(|_| PasswordError::Hash)
}

fn verify(argon2: &Argon2<'_>, stored: &str, password: &SecretString) -> bool {
    let password = password.expose_secret().as_bytes();
    password.len() <= PASSWORD_LEN_MAX
        && PasswordHash::new(stored)
            .is_ok_and(|stored| argon2.verify_password(password, &stored).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_hash_names_its_parameters_and_fits_its_password_only() {
        let hasher = Hasher::new(Cost { memory_kib: 64, passes: 1 }).unwrap();
        let stored = hasher.renew("korrekt häst".into(), Vec::new()).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{stored}");
        assert!(hasher.verify(Some(stored.clone()), "korrekt häst".into()).await.unwrap());
        assert!(!hasher.verify(Some(stored.clone()), "Korrekt häst".into()).await.unwrap());
        assert!(!hasher.verify(None, "korrekt häst".into()).await.unwrap());
        let again = hasher.renew("korrekt häst".into(), Vec::new()).await.unwrap();
        assert_ne!(stored, again);
        let reused = hasher.renew("korrekt häst".into(), vec![again, stored]).await;
        assert!(matches!(reused, Err(PasswordError::Weak(WeakPassword::Reused))));
    }
}
