//! Checking an export.

use super::chain::{Chain, Expected, Followed, Source};
use super::finding::{Finding, Findings, Report};
use super::read::{Lines, Measured, SMALL_LEN_MAX, small};
use crate::audit::checkpoint::{Checkpoint, SignedNote, VerifierKey};
use crate::audit::entry::Entry;
use crate::audit::export::{
    CSV_HEADER, CheckpointLine, LineHead, Manifest, Proof, SCHEMA, TarError, TarReader, csv_line,
    files, json_line,
};
use crate::audit::tree::{Hash, Tree};
use crate::time::Timestamp;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use std::io::{self, Read};

/// What the checker knows from elsewhere.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    /// The keys that may sign checkpoints. Where there is none, those of the export are taken, and
    /// the report says so.
    pub keys: Vec<VerifierKey>,
    /// Checkpoints that were kept outside.
    pub anchors: Vec<SignedNote>,
}

/// Why nothing could be checked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// There is no manifest that this program reads.
    #[error("not an audit export of a form that this program reads")]
    Form,
    /// The single file is damaged.
    #[error(transparent)]
    Tar(#[from] TarError),
    /// A file could not be read.
    #[error("cannot read the export")]
    Read(#[from] io::Error),
}

impl VerifyError {
    /// Whose move it is.
    pub const fn kind(&self) -> crate::error::Kind {
        match self {
            Self::Form => crate::error::Kind::Corrupt,
            Self::Tar(error) => error.kind(),
            Self::Read(_) => crate::error::Kind::Unavailable,
        }
    }
}

/// Checks an export in its single file.
///
/// # Errors
/// [`VerifyError`] where it is none; everything else stands in the report.
pub fn verify_export(source: impl Read, trust: Trust) -> Result<Report, VerifyError> {
    let mut verifier = ExportVerifier::new(trust);
    let mut tar = TarReader::new(source);
    while let Some(mut file) = tar.next_file()? {
        let name = file.name.clone();
        verifier.file(&name, &mut file)?;
        file.finish()?;
    }
    verifier.finish()
}

/// Checks an export file by file, in the order of [`files::ALL`].
#[derive(Debug)]
pub struct ExportVerifier {
    trust: Trust,
    keys_from_outside: bool,
    manifest: Option<Manifest>,
    seen: Vec<&'static str>,
    covering: Option<Checkpoint>,
    proof: Option<Proof>,
    expected: Vec<Expected>,
    far_anchors: Vec<Checkpoint>,
    chain: Option<Chain>,
    table: Sha256,
    times: Option<(Timestamp, Timestamp)>,
    unread: u64,
    unchecked: Vec<String>,
    early: Findings,
}

impl ExportVerifier {
    /// Begins a check.
    pub fn new(trust: Trust) -> Self {
        Self {
            keys_from_outside: !trust.keys.is_empty(),
            trust,
            manifest: None,
            seen: Vec::new(),
            covering: None,
            proof: None,
            expected: Vec::new(),
            far_anchors: Vec::new(),
            chain: None,
            table: Sha256::new_with_prefix(CSV_HEADER),
            times: None,
            unread: 0,
            unchecked: Vec::new(),
            early: Findings::default(),
        }
    }

    /// Checks one file; files of other names are passed over.
    ///
    /// # Errors
    /// [`VerifyError`] where the manifest cannot be read or comes late, or reading fails.
    pub fn file(&mut self, name: &str, content: &mut dyn Read) -> Result<(), VerifyError> {
        let Some(&name) = files::ALL.iter().find(|known| **known == name) else { return Ok(()) };
        if name == files::MANIFEST {
            return self.read_manifest(content);
        }
        if self.manifest.is_none() {
            return Err(VerifyError::Form);
        }
        let mut source = Measured::new(content);
        match name {
            files::KEYS => self.read_keys(&small(&mut source)?),
            files::CHECKPOINT => self.read_covering(&small(&mut source)?),
            files::PROOF => self.proof = serde_json::from_slice(&small(&mut source)?).ok(),
            files::CHECKPOINTS => self.read_checkpoints(&mut source)?,
            files::ENTRIES => self.read_entries(&mut source)?,
            _ => {}
        }
        io::copy(&mut source, &mut io::sink())?;
        let (len, digest) = source.finish();
        if name == files::TABLE && self.unread == 0 {
            let expected: Hash = self.table.clone().finalize().into();
            if digest != expected {
                self.early.add(Finding::Table);
            }
        }
        let info = self.manifest.iter().flat_map(|manifest| &manifest.files);
        let mut info = info.filter(|info| info.name == name);
        if !info.next().is_some_and(|info| info.len == len && info.sha256.0 == digest) {
            self.early.add(Finding::File { name });
        }
        self.seen.push(name);
        Ok(())
    }

    /// Ends the check.
    ///
    /// # Errors
    /// [`VerifyError::Form`] where there was no manifest.
    pub fn finish(mut self) -> Result<Report, VerifyError> {
        let manifest = self.manifest.take().ok_or(VerifyError::Form)?;
        for name in files::ALL.into_iter().filter(|&name| name != files::MANIFEST) {
            if !self.seen.contains(&name) {
                self.early.add(Finding::File { name });
            }
        }
        let chain = self.chain.take().unwrap_or_else(|| Chain::new(Tree::new(), Vec::new()));
        let mut followed = chain.finish();
        let until = manifest.until;
        if followed.next < until {
            followed.findings.add(Finding::Missing { from: followed.next, until });
            followed.is_whole = false;
        } else if followed.next > until {
            followed.findings.add(Finding::File { name: files::ENTRIES });
        }
        let ends_with_log = self.join(&mut followed, until);
        self.judge_borders(&mut followed, &manifest, ends_with_log);
        self.judge_far_anchors(&mut followed, &manifest);
        if self.unread > 0 {
            self.unchecked.push(format!(
                "{} entries are of kinds that this program does not know: hashed, not read",
                self.unread
            ));
        }
        for finding in self.early.kept() {
            followed.findings.add(finding.clone());
        }
        Ok(Report {
            origin: manifest.origin,
            period: Some(manifest.period),
            first: manifest.first,
            until: followed.next,
            root: followed.computed.root(),
            checkpoints: followed.inside,
            covered: followed.held,
            keys: self.trust.keys,
            keys_from_outside: self.keys_from_outside,
            unread: self.unread,
            anchors: followed.outside,
            unchecked: self.unchecked,
            findings: followed.findings,
        })
    }

    fn read_manifest(&mut self, content: &mut dyn Read) -> Result<(), VerifyError> {
        let mut bytes = Vec::new();
        content.take(SMALL_LEN_MAX).read_to_end(&mut bytes)?;
        let manifest: Manifest = serde_json::from_slice(&bytes).map_err(|_| VerifyError::Form)?;
        if manifest.schema != SCHEMA || manifest.first > manifest.until {
            return Err(VerifyError::Form);
        }
        self.manifest = Some(manifest);
        Ok(())
    }

    fn read_keys(&mut self, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        let keys: Result<Vec<VerifierKey>, _> = text.lines().map(str::parse).collect();
        match keys {
            Ok(keys) if self.trust.keys.is_empty() => self.trust.keys = keys,
            Ok(_) => {}
            Err(_) => self.early.add(Finding::File { name: files::KEYS }),
        }
        for anchor in std::mem::take(&mut self.trust.anchors) {
            if let Some(checkpoint) = self.believe(&anchor) {
                self.place_anchor(checkpoint);
            }
        }
    }

    fn place_anchor(&mut self, checkpoint: Checkpoint) {
        let Some(manifest) = &self.manifest else { return };
        let (size, root) = (checkpoint.size, checkpoint.root);
        if size < manifest.first {
            let note = format!("the checkpoint from outside at {size} lies before the export");
            self.unchecked.push(note);
        } else if size <= manifest.until {
            self.expected.push(Expected { size, root, source: Source::Outside });
        } else {
            self.far_anchors.push(checkpoint);
        }
    }

    fn read_covering(&mut self, bytes: &[u8]) {
        let note = std::str::from_utf8(bytes).ok().and_then(|text| text.parse().ok());
        match note {
            Some(note) => self.covering = self.believe(&note),
            None => self.early.add(Finding::Checkpoint { after: 0 }),
        }
    }

    /// The checkpoint of a note whose signature holds and whose log is this one.
    fn believe(&mut self, note: &SignedNote) -> Option<Checkpoint> {
        let Ok(checkpoint) = note.text().parse::<Checkpoint>() else {
            self.early.add(Finding::Checkpoint { after: 0 });
            return None;
        };
        let size = checkpoint.size;
        if note.verify(&self.trust.keys).is_err() {
            self.early.add(Finding::Signature { size });
            return None;
        }
        if self.manifest.as_ref().is_some_and(|manifest| manifest.origin != checkpoint.origin) {
            self.early.add(Finding::Origin { size });
            return None;
        }
        Some(checkpoint)
    }

    fn read_checkpoints(&mut self, source: &mut dyn Read) -> Result<(), VerifyError> {
        let mut lines = Lines::new(source);
        let mut after = 0;
        while let Some(line) = lines.next_line()? {
            let line: Option<CheckpointLine> = serde_json::from_slice(line).ok();
            let note = line.as_ref().and_then(|line| line.note.parse::<SignedNote>().ok());
            let Some((line, note)) = line.zip(note) else {
                self.early.add(Finding::Checkpoint { after });
                continue;
            };
            let before = std::mem::replace(&mut after, line.size);
            if let Some(Checkpoint { size, root, .. }) = self.believe(&note) {
                // The size beside the note is for people; the note's own is signed.
                if size != line.size {
                    self.early.add(Finding::Checkpoint { after: before });
                }
                self.expected.push(Expected { size, root, source: Source::Inside });
            }
        }
        Ok(())
    }

    fn read_entries(&mut self, source: &mut dyn Read) -> Result<(), VerifyError> {
        let mut chain = Chain::new(self.before(), std::mem::take(&mut self.expected));
        let mut lines = Lines::new(source);
        while let Some(line) = lines.next_line()? {
            let head: Option<LineHead> = serde_json::from_slice(line).ok();
            let leaf = head.as_ref().and_then(|head| STANDARD.decode(&head.leaf).ok());
            let Some((head, leaf)) = head.zip(leaf) else {
                chain.unreadable();
                continue;
            };
            let fits = chain.entry(head.position, &head.hash.0, &leaf);
            let entry = Entry::decode(&leaf).ok();
            let reads = entry.is_none() || json_line(head.position, &leaf).as_bytes() == line;
            if !fits || !reads {
                chain.add(Finding::Altered { position: head.position });
            }
            match entry {
                Some(entry) => {
                    let first = self.times.map_or(entry.time, |(first, _)| first);
                    self.times = Some((first, entry.time));
                }
                None => self.unread += 1,
            }
            self.table.update(csv_line(head.position, &leaf));
        }
        self.chain = Some(chain);
        Ok(())
    }

    /// The tree before the first entry, as the proof states it; the checkpoints judge it.
    fn before(&mut self) -> Tree {
        let first = self.manifest.as_ref().map_or(0, |manifest| manifest.first);
        let fits = self.proof.as_ref().filter(|proof| proof.first == first).and_then(|proof| {
            let peaks = proof.frontier.iter().map(|hash| hash.0).collect();
            Tree::from_peaks(first, peaks).ok()
        });
        fits.unwrap_or_else(|| {
            self.early.add(Finding::File { name: files::PROOF });
            let peaks = vec![[0; 32]; usize::try_from(first.count_ones()).unwrap_or(0)];
            Tree::from_peaks(first, peaks).unwrap_or_default()
        })
    }

    /// Joins the entries to the covering checkpoint. Returns whether the export ends where that
    /// checkpoint says that the log ended.
    fn join(&self, followed: &mut Followed, until: u64) -> bool {
        let (Some(covering), Some(proof)) = (&self.covering, &self.proof) else { return false };
        if !followed.is_whole {
            return covering.size == until;
        }
        let suffix: Vec<Hash> = proof.suffix.iter().map(|hash| hash.0).collect();
        let leads_there = |tree: &Tree| tree.root_at(covering.size, &suffix) == Ok(covering.root);
        if proof.size == covering.size
            && (leads_there(&followed.computed) || leads_there(&followed.stated))
        {
            if followed.held < covering.size {
                followed.inside += 1;
            }
            followed.held = followed.held.max(covering.size);
        } else {
            followed.findings.add(Finding::Between { after: followed.held, until: covering.size });
        }
        covering.size == until
    }

    /// Whether entries of the period may have been left out at either end.
    fn judge_borders(&self, followed: &mut Followed, manifest: &Manifest, ends_with_log: bool) {
        let (first, until) = (manifest.first, manifest.until);
        if first > 0 && self.times.is_none_or(|(time, _)| time >= manifest.period.from) {
            followed.findings.add(Finding::CutFront { first });
        }
        if !ends_with_log && self.times.is_none_or(|(_, time)| time < manifest.period.until) {
            followed.findings.add(Finding::CutPeriod { until });
        }
    }

    /// Checkpoints from outside that are newer than the last entry.
    fn judge_far_anchors(&mut self, followed: &mut Followed, manifest: &Manifest) {
        let is_closed = self.times.is_some_and(|(_, time)| time >= manifest.period.until);
        for anchor in &self.far_anchors {
            let size = anchor.size;
            match &self.covering {
                Some(covering) if covering.size == size && covering.root == anchor.root => {
                    followed.outside += 1;
                }
                Some(covering) if covering.size == size => {
                    followed.findings.add(Finding::Contradicts { size });
                }
                _ if is_closed => self.unchecked.push(format!(
                    "the checkpoint from outside at {size} lies after the export's period"
                )),
                _ => {
                    followed.findings.add(Finding::CutEnd { until: manifest.until, size });
                }
            }
        }
    }
}
