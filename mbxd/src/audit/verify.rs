//! The self-check: entries, tree and checkpoints must agree.

use super::error::{AuditError, CheckpointError};
use super::integrity::Integrity;
use super::log::AuditLog;
use super::search::count;
use crate::store::KeyRange;
use mbx_common::audit::checkpoint::{Checkpoint, SignedNote, VerifierKey};
use mbx_common::audit::tree::Tree;
use mbx_common::audit::verify::{Chain, Expected, Finding, Findings, Report, Source};
use mbx_common::audit::{Event, Fact, Origin, Outcome};
use mbx_common::id::KeyId;

impl AuditLog {
    /// The check at start: the end of the log from the last stored frontier on, and the newest
    /// checkpoint. What it finds stands in [`AuditLog::integrity`] and in the log.
    ///
    /// # Errors
    /// [`AuditError`] where the log cannot be read.
    pub async fn check_head(&self) -> Result<Integrity, AuditError> {
        let (size, _) = self.0.store.tree().await?;
        let newest = self.newest_checkpoint().await?.map_or(0, |(size, _)| size);
        let before = self.tree_before(newest.min(size)).await?;
        let report = self.examine(before, &[]).await?;
        self.conclude(&report).await
    }

    /// The hourly check: the whole log.
    ///
    /// # Errors
    /// [`AuditError`] where the log cannot be read.
    pub async fn check_all(&self) -> Result<Integrity, AuditError> {
        let report = self.examine(Tree::new(), &[]).await?;
        self.conclude(&report).await
    }

    /// Checks the whole log for an auditor, with checkpoints that were kept outside. Recorded.
    ///
    /// # Errors
    /// [`AuditError`] where the log cannot be read or the check not be recorded.
    pub async fn verify(
        &self,
        anchors: &[SignedNote],
        origin: &Origin,
    ) -> Result<Report, AuditError> {
        let report = self.examine(Tree::new(), anchors).await?;
        let outcome = if report.is_sound() { Outcome::Done } else { Outcome::Failed };
        let mut entry = origin.entry(self.0.clock.now(), Event::AuditVerified).outcome(outcome);
        entry.facts = vec![
            Fact::TreeSize(report.until),
            Fact::TreeRoot(report.root),
            count(report.findings.kept().len()),
        ];
        self.0.store.commit(crate::store::Changes::new(), entry).await?;
        self.conclude(&report).await?;
        Ok(report)
    }

    async fn conclude(&self, report: &Report) -> Result<Integrity, AuditError> {
        match report.findings.kept().first() {
            None => self.sound(report.until),
            Some(finding) => self.violated(finding.to_string()).await?,
        }
        Ok(self.integrity())
    }

    /// Follows the log from this tree to its end.
    async fn examine(&self, before: Tree, anchors: &[SignedNote]) -> Result<Report, AuditError> {
        let first = before.size();
        let mut findings = Findings::default();
        let (keys, unchecked) = self.keys_of_the_token(&mut findings).await?;
        let origin = &self.0.options.origin;
        let mut judge = Judge { origin, keys, findings, expected: Vec::new() };
        // The checkpoints before the tree: all that are signed by now lie within it.
        let mut range = Some(KeyRange { from: at(first), until: None, backwards: false });
        while let Some(page) = range {
            let (rows, next) = self.checkpoints(page, Self::BATCH).await?;
            for (at, row) in rows {
                judge.note(at, row.note.parse().ok(), Source::Inside);
            }
            range = next;
        }
        for anchor in anchors {
            judge.note(0, Some(anchor.clone()), Source::Outside);
        }
        let Judge { keys, findings: mut all, expected, .. } = judge;
        let (size, root) = self.0.store.tree().await?;
        let mut chain = Chain::new(before, expected);
        while chain.next() < size {
            for leaf in self.leaves(chain.next(), size).await? {
                chain.leaf(&leaf);
            }
        }
        let seen = chain.tree().root();
        let live = chain.finish_live((size, &root));
        for finding in live.findings.kept() {
            all.add(finding.clone());
        }
        Ok(Report {
            origin: self.0.options.origin.clone(),
            period: None,
            first,
            until: size,
            root: seen,
            checkpoints: live.inside,
            covered: live.covered,
            keys,
            keys_from_outside: unchecked.is_empty(),
            unread: 0,
            anchors: live.outside,
            unchecked,
            findings: all,
        })
    }
}

impl AuditLog {
    /// The keys whose checkpoints are believed: of those that the store names, the ones that are
    /// the installation's and that the token has under the same id. A key that the token does not
    /// show, because it is away, or has lost or destroyed it, says nothing of the log: it is
    /// believed, and what is returned besides says so.
    async fn keys_of_the_token(
        &self,
        findings: &mut Findings,
    ) -> Result<(Vec<VerifierKey>, Vec<String>), AuditError> {
        let stored = self.verifier_keys().await?;
        let Some(ever) = (self.0.signer.ever)().await else {
            let keys = stored.into_iter().map(|(_, key)| key).collect();
            return Ok((keys, vec![UNREAD.to_owned()]));
        };
        let (mut keys, mut unchecked) = (Vec::new(), Vec::new());
        for (id, stored) in stored {
            let Some(spec) = ever.iter().find(|spec| spec.id == id) else {
                findings.add(Finding::Key { key: id });
                continue;
            };
            match self.read_key(*spec).await {
                Ok(key) if key == stored => keys.push(stored),
                Ok(_) => findings.add(Finding::Key { key: id }),
                Err(error) => {
                    keys.push(stored);
                    unchecked.push(not_compared(id, &error));
                }
            }
        }
        Ok((keys, unchecked))
    }
}

const UNREAD: &str = "the table of keys cannot be read: the keys that sign were not compared";

fn not_compared(key: KeyId, error: &CheckpointError) -> String {
    let why =
        if let CheckpointError::Custody(why) = error { why.to_string() } else { error.to_string() };
    format!("{why}: {key}, which signs checkpoints, was not compared with the HSM's")
}

/// Judges notes by the keys that are believed.
struct Judge<'a> {
    origin: &'a str,
    keys: Vec<VerifierKey>,
    findings: Findings,
    expected: Vec<Expected>,
}

impl Judge<'_> {
    fn note(&mut self, at: u64, note: Option<SignedNote>, source: Source) {
        let checkpoint = note.as_ref().and_then(|note| note.text().parse::<Checkpoint>().ok());
        let Some((note, checkpoint)) = note.zip(checkpoint) else {
            self.findings.add(Finding::Checkpoint { after: at });
            return;
        };
        let Checkpoint { size, root, .. } = checkpoint;
        if note.verify(&self.keys).is_err() || (source == Source::Inside && size != at) {
            self.findings.add(Finding::Signature { size });
        } else if checkpoint.origin != self.origin {
            self.findings.add(Finding::Origin { size });
        } else {
            self.expected.push(Expected { size, root, source });
        }
    }
}

fn at(size: u64) -> bytes::Bytes {
    size.to_be_bytes().to_vec().into()
}
