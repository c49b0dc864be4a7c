//! Verdicts on chains, remembered for as long as nothing that they rest on can have changed.
//!
//! A chain costs a handful of RSA verifications and comes again with every delivery of its owner.
//! A verdict rests on four things: the certificates, the anchors and policy, the revocation lists
//! in force, and the time. The first is the key under which it is found; every [`Anchors`] has a
//! memory of its own, so that a reload forgets all; other lists in force forget all; and it holds
//! only between the moment of judging and the first moment at which one of the certificates or
//! lists ends. Refusals are never remembered.
//!
//! [`Anchors`]: super::anchors::Anchors

use super::crls::Crls;
use super::peer::{Peer, Usage};
use mbx_common::time::Timestamp;
use rustls::pki_types::CertificateDer;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Most verdicts that are remembered: about 200 KiB. When they are more, all are forgotten.
const VERDICTS_MAX: usize = 1024;

/// The believed chains.
#[derive(Default)]
pub(super) struct Verdicts(Mutex<Known>);

#[derive(Default)]
struct Known {
    /// The lists by which all of them were judged; held, so that no others can lie at their place.
    lists: Arc<Crls>,
    verdicts: HashMap<ChainKey, Verdict>,
}

/// A chain that was believed.
#[derive(Clone)]
pub(super) struct Verdict {
    pub(super) peer: Peer,
    /// When it was judged.
    pub(super) from: Timestamp,
    /// The first moment at which it must be judged anew.
    pub(super) until: Timestamp,
}

/// SHA-256 over the usage and every certificate with its length: equal only for equal chains.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub(super) struct ChainKey([u8; 32]);

impl ChainKey {
    pub(super) fn of(chain: &[CertificateDer<'_>], usage: Usage) -> Self {
        let mut hash = Sha256::new();
        hash.update([match usage {
            Usage::TlsClient => 1,
            Usage::Signature => 2,
        }]);
        for certificate in chain {
            hash.update(u64::try_from(certificate.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(certificate);
        }
        Self(hash.finalize().into())
    }
}

impl Verdicts {
    /// The peer, if the chain was believed by these lists and nothing ended since.
    pub(super) fn find(&self, key: &ChainKey, lists: &Arc<Crls>, now: Timestamp) -> Option<Peer> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let verdict = known.verdicts.get(key).filter(|_| Arc::ptr_eq(&known.lists, lists))?.clone();
        (verdict.from <= now && now < verdict.until).then_some(verdict.peer)
    }

    /// Remembers a chain that was believed by these lists.
    pub(super) fn keep(&self, key: ChainKey, lists: &Arc<Crls>, verdict: Verdict) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !Arc::ptr_eq(&known.lists, lists) {
            known.lists = Arc::clone(lists);
            known.verdicts.clear();
        }
        if known.verdicts.len() >= VERDICTS_MAX {
            known.verdicts.clear();
        }
        known.verdicts.insert(key, verdict);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Fingerprint;
    use crate::trust::OrganisationError;

    fn at(ms: u64) -> Timestamp {
        Timestamp::from_millis(ms).unwrap()
    }

    fn chain(parts: &[&[u8]]) -> ChainKey {
        let chain: Vec<_> = parts.iter().map(|der| CertificateDer::from(*der)).collect();
        ChainKey::of(&chain, Usage::Signature)
    }

    fn verdict(from: u64, until: u64) -> Verdict {
        let organisation = Err(OrganisationError::Missing);
        let peer = Peer { organisation, fingerprint: Fingerprint([1; 32]) };
        Verdict { peer, from: at(from), until: at(until) }
    }

    #[test]
    fn a_verdict_holds_from_its_judging_to_its_end_and_not_before_or_after() {
        let (verdicts, lists, key) = (Verdicts::default(), Arc::default(), chain(&[b"a"]));
        verdicts.keep(key, &lists, verdict(10, 20));
        let holds = |now| verdicts.find(&key, &lists, at(now)).is_some();
        assert_eq!([9, 10, 19, 20].map(holds), [false, true, true, false]);
    }

    #[test]
    fn other_lists_forget_every_verdict_even_when_the_old_ones_come_back() {
        let (verdicts, key) = (Verdicts::default(), chain(&[b"a"]));
        let (old, new) = (Arc::new(Crls::default()), Arc::new(Crls::default()));
        verdicts.keep(key, &old, verdict(0, 20));
        assert!(verdicts.find(&key, &new, at(1)).is_none());
        verdicts.keep(chain(&[b"b"]), &new, verdict(0, 20));
        assert!(verdicts.find(&key, &old, at(1)).is_none());
        assert!(verdicts.find(&key, &new, at(1)).is_none());
    }

    #[test]
    fn chains_cut_otherwise_or_for_another_usage_are_others() {
        assert!(chain(&[b"ab", b"c"]) != chain(&[b"a", b"bc"]));
        assert!(chain(&[b"a", b"b"]) != chain(&[b"b", b"a"]));
        let client = ChainKey::of(&[CertificateDer::from(&b"a"[..])], Usage::TlsClient);
        assert!(chain(&[b"a"]) != client);
    }

    #[test]
    fn no_more_are_remembered_than_the_bound() {
        let (verdicts, lists) = (Verdicts::default(), Arc::default());
        for number in 0..=VERDICTS_MAX {
            verdicts.keep(chain(&[&number.to_be_bytes()]), &lists, verdict(0, 20));
        }
        assert!(verdicts.0.lock().unwrap().verdicts.len() <= VERDICTS_MAX);
    }
}
