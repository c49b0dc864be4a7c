//! Signing how far the log has come: by time, by count, and at stop.

use super::error::{AuditError, CheckpointError};
use super::log::{AuditLog, lock};
use super::row::{CheckpointRow, verifier_key};
use super::signing::{CheckpointStatus, Followed, Signing};
use crate::hsm::{KeySpec, Public, Signature};
use crate::store::{Changes, Expectation, KeyRange, Row, Table};
use mbx_common::audit::checkpoint::{Checkpoint, PublicKey, SignedNote, VerifierKey};
use mbx_common::audit::verify::Finding;
use mbx_common::audit::{Actor, Event, Fact, Origin, Subject};
use mbx_common::time::Timestamp;

/// A frontier is stored with the first checkpoint after so many leaves.
const FRONTIER_EVERY: u64 = 4096;

impl AuditLog {
    /// What is known of checkpoints.
    pub fn checkpoint_status(&self) -> CheckpointStatus {
        lock(&self.0.status).clone()
    }

    /// Signs a checkpoint if one is due; the daemon calls it every second. Returns whether it did.
    /// The first of a log is due at once: until then nothing proves what the log began with.
    /// While no key is known, only the waiting entries are counted.
    ///
    /// # Errors
    /// [`CheckpointError`]; tried again when the time or the count is reached anew.
    pub async fn tick(&self) -> Result<bool, CheckpointError> {
        let mut signing = self.0.signing.lock().await;
        let waiting = self.waiting(&mut signing).await?;
        let now = self.0.clock.now();
        if waiting == 0 {
            signing.waiting_since = None;
            return Ok(false);
        }
        let since = *signing.waiting_since.get_or_insert(now);
        if self.key().is_none() {
            return Ok(false);
        }
        let is_first =
            !signing.has_tried && signing.followed.as_ref().is_some_and(|log| log.signed.is_none());
        let is_due = is_first
            || waiting >= self.0.options.checkpoint_entries
            || now.apart(since) >= self.0.options.checkpoint_every_ms;
        if !is_due {
            return Ok(false);
        }
        (signing.waiting_since, signing.has_tried) = (Some(now), true);
        self.sign_noting(&mut signing).await.map(|()| true)
    }

    /// Signs a checkpoint over all entries there are, unless nothing waits: at stop, and before an
    /// export. Returns whether it did.
    ///
    /// # Errors
    /// [`CheckpointError`].
    pub async fn checkpoint(&self) -> Result<bool, CheckpointError> {
        let mut signing = self.0.signing.lock().await;
        if self.waiting(&mut signing).await? == 0 {
            return Ok(false);
        }
        self.sign_noting(&mut signing).await.map(|()| true)
    }

    /// The newest checkpoint's size and note.
    ///
    /// # Errors
    /// [`AuditError`] where it cannot be read.
    pub async fn newest_checkpoint(&self) -> Result<Option<(u64, String)>, AuditError> {
        Ok(self.newest_row().await?.map(|(size, row)| (size, row.note)))
    }

    async fn newest_row(&self) -> Result<Option<(u64, CheckpointRow)>, AuditError> {
        let (rows, _) = self.checkpoints(KeyRange::all().backwards(), 1).await?;
        Ok(rows.into_iter().next())
    }

    /// Entries past the last checkpoint. The entry that tells of the checkpoint itself does not
    /// count: signing it would never end.
    async fn waiting(&self, signing: &mut Signing) -> Result<u64, AuditError> {
        let (size, _) = self.0.store.tree().await?;
        let followed = self.followed(signing).await?;
        let waiting = match followed.signed {
            Some((signed, _)) => size.saturating_sub(signed).saturating_sub(1),
            None => size,
        };
        let mut status = lock(&self.0.status);
        (status.size, status.signed) = followed.signed.unzip();
        (status.entries, status.waiting) = (size, waiting);
        Ok(waiting)
    }

    async fn followed<'s>(&self, signing: &'s mut Signing) -> Result<&'s mut Followed, AuditError> {
        if let Some(followed) = signing.followed.take() {
            return Ok(signing.followed.insert(followed));
        }
        let signed = self.newest_row().await?.map(|(size, row)| (size, row.time));
        let tree = self.tree_before(signed.map_or(0, |(size, _)| size)).await?;
        let frontier_at = tree.size();
        Ok(signing.followed.insert(Followed { tree, frontier_at, signed }))
    }

    async fn sign_noting(&self, signing: &mut Signing) -> Result<(), CheckpointError> {
        let result = self.sign(signing).await;
        let mut status = lock(&self.0.status);
        match &result {
            Ok((size, time)) => {
                *status = CheckpointStatus {
                    size: Some(*size),
                    signed: Some(*time),
                    entries: size.saturating_add(1),
                    ..CheckpointStatus::default()
                };
            }
            Err(error) => {
                status.failure = Some(error.to_string());
                // What was read of the token's key may have been wrong.
                signing.verifier = None;
            }
        }
        drop(status);
        result.map(|_| ())
    }

    /// Signs the log as it stands and stores the checkpoint with the entry that tells of it.
    async fn sign(&self, signing: &mut Signing) -> Result<(u64, Timestamp), CheckpointError> {
        if self.integrity().is_violated() {
            return Err(AuditError::Violated.into());
        }
        let key = self.key().ok_or(CheckpointError::NoKey)?;
        let verifier = self.verifier(signing, key).await?;
        let (size, root) = self.0.store.tree().await.map_err(AuditError::from)?;
        let followed = self.followed(signing).await?;
        self.follow(&mut followed.tree, size).await?;
        if followed.tree.root() != root {
            self.violated(Finding::Tree { size }.to_string()).await?;
            return Err(AuditError::Violated.into());
        }
        let origin = self.0.options.origin.clone();
        let text = Checkpoint { origin, size, root, extensions: Vec::new() }.to_string();
        let raw = match self.0.signer.custody.sign(key, text.as_bytes()).await? {
            Signature::Ed25519(raw) | Signature::EcdsaP256(raw) => raw,
        };
        let note = SignedNote::new(text, &verifier, &raw)?;
        let has_frontier = size - followed.frontier_at >= FRONTIER_EVERY;
        let now = self.0.clock.now();
        let row = CheckpointRow {
            time: now,
            key: key.id,
            note: note.to_string(),
            frontier: has_frontier.then(|| followed.tree.to_bytes()),
        };
        let mut changes = Changes::new();
        let at = size.to_be_bytes().to_vec();
        changes
            .expect(Table::Checkpoint, at.clone(), Expectation::Absent)
            .put(Table::Checkpoint, at, row.encode().map_err(AuditError::from)?)
            .put(Table::Meta, verifier_key(key.id), verifier.to_string());
        let entry = Origin::of(Actor::Daemon)
            .entry(now, Event::CheckpointSigned)
            .about(Subject::Key(key.id))
            .fact(Fact::TreeSize(size))
            .fact(Fact::TreeRoot(root));
        self.0.store.commit(changes, entry).await.map_err(AuditError::from)?;
        followed.signed = Some((size, now));
        if has_frontier {
            followed.frontier_at = size;
        }
        Ok((size, now))
    }

    async fn verifier(
        &self,
        signing: &mut Signing,
        key: KeySpec,
    ) -> Result<VerifierKey, CheckpointError> {
        if let Some((_, known)) = signing.verifier.as_ref().filter(|(of, _)| *of == key) {
            return Ok(known.clone());
        }
        let verifier = self.read_key(key).await?;
        let stored = self.0.store.get(Table::Meta, &verifier_key(key.id)).await;
        let stored = stored.map_err(AuditError::from)?;
        if stored.is_some_and(|stored| stored != verifier.to_string()) {
            return Err(CheckpointError::OtherKey);
        }
        signing.verifier = Some((key, verifier.clone()));
        Ok(verifier)
    }

    /// The verifier key of a signing key as the token has it.
    ///
    /// # Errors
    /// [`CheckpointError::Custody`].
    pub(super) async fn read_key(&self, key: KeySpec) -> Result<VerifierKey, CheckpointError> {
        let public = match self.0.signer.custody.public(key).await? {
            Public::Ed25519(bytes) => PublicKey::Ed25519(bytes),
            Public::EcdsaP256(point) => PublicKey::EcdsaP256(point),
        };
        Ok(VerifierKey::new(self.0.options.origin.clone(), public)?)
    }
}
