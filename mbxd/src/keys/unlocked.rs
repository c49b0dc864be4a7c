//! An opened private key with the DEKs that it has opened.
//!
//! A portal lists a message, opens it and fetches its parts one by one, and each of these needs the
//! same DEK. Whoever has the private key has every DEK sealed to it, so that keeping a few beside
//! it tells nothing more; they are wiped with it.

use super::error::KeysError;
use super::pair::PrivateKey;
use super::sealed_dek::{Binding, SealedDek, open_dek};
use crate::cipher::Dek;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// DEKs kept beside one key; the one unused for longest goes first.
const DEKS_MAX: usize = 16;

/// An opened private key. Wiped on drop, its DEKs with it.
pub(super) struct UnlockedKey {
    private: PrivateKey,
    /// The one used last comes first. Each under the digest of its sealed form and of every fact
    /// that it is bound to: a row that was altered in anything finds none.
    deks: Mutex<VecDeque<([u8; 32], Arc<Dek>)>>,
}

impl UnlockedKey {
    pub(super) fn new(private: PrivateKey) -> Self {
        Self { private, deks: Mutex::default() }
    }

    /// Opens a DEK, or finds it where the very same was opened before.
    ///
    /// # Errors
    /// As [`open_dek`].
    pub(super) fn open_dek(
        &self,
        sealed: &SealedDek,
        binding: &Binding,
    ) -> Result<Arc<Dek>, KeysError> {
        let digest = sealed.digest(binding);
        if let Some(dek) = self.known(&digest) {
            return Ok(dek);
        }
        let dek = Arc::new(open_dek(sealed, &self.private, binding)?);
        let mut deks = self.deks();
        deks.truncate(DEKS_MAX.saturating_sub(1));
        deks.push_front((digest, Arc::clone(&dek)));
        Ok(dek)
    }

    fn known(&self, digest: &[u8; 32]) -> Option<Arc<Dek>> {
        let mut deks = self.deks();
        let place = deks.iter().position(|(known, _)| known == digest)?;
        let found = deks.remove(place)?;
        let dek = Arc::clone(&found.1);
        deks.push_front(found);
        Some(dek)
    }

    fn deks(&self) -> MutexGuard<'_, VecDeque<([u8; 32], Arc<Dek>)>> {
        self.deks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::super::sealed_dek::seal_dek;
    use super::super::tests::binding;
    use super::*;
    use mbx_common::assurance::ProtectionClass;
    use mbx_common::id::MessageId;

    struct Scene {
        key: UnlockedKey,
        binding: Binding,
        sealed: SealedDek,
    }

    fn scene() -> Scene {
        let key = UnlockedKey::new(PrivateKey::generate());
        let binding = binding(1, ProtectionClass::Three);
        let sealed = seal_dek(&Dek::generate(), &key.private.public(), &binding).unwrap();
        Scene { key, binding, sealed }
    }

    #[test]
    fn the_same_dek_is_opened_once() {
        let Scene { key, binding, sealed } = scene();
        let first = key.open_dek(&sealed, &binding).unwrap();
        assert!(Arc::ptr_eq(&first, &key.open_dek(&sealed, &binding).unwrap()));
    }

    #[test]
    fn a_dek_that_was_opened_is_still_refused_for_other_facts_or_bytes() {
        let Scene { key, binding, sealed } = scene();
        assert!(key.open_dek(&sealed, &binding).is_ok());
        let other = Binding { message: MessageId::from_bytes([9; 16]), ..binding };
        assert!(key.open_dek(&sealed, &other).is_err());
        let mut bytes = sealed.as_bytes().to_vec();
        for at in [1, 1100, 1130, 1168] {
            bytes[at] ^= 1;
            assert!(key.open_dek(&SealedDek::from_bytes(&bytes).unwrap(), &binding).is_err());
            bytes[at] ^= 1;
        }
    }

    #[test]
    fn the_dek_unused_for_longest_goes_first_and_goes_at_once() {
        let Scene { key, binding, sealed } = scene();
        let first = Arc::downgrade(&key.open_dek(&sealed, &binding).unwrap());
        let seal = || seal_dek(&Dek::generate(), &key.private.public(), &binding).unwrap();
        let others: Vec<SealedDek> = (0..DEKS_MAX).map(|_| seal()).collect();
        for other in &others[1..] {
            assert!(key.open_dek(other, &binding).is_ok());
        }
        assert!(first.upgrade().is_some());
        assert!(key.open_dek(&others[0], &binding).is_ok());
        assert!(first.upgrade().is_none());
        assert_eq!(key.deks().len(), DEKS_MAX);
    }

    #[test]
    fn the_deks_go_with_the_key() {
        let Scene { key, binding, sealed } = scene();
        let dek = Arc::downgrade(&key.open_dek(&sealed, &binding).unwrap());
        drop(key);
        assert!(dek.upgrade().is_none());
    }
}
