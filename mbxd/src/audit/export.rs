//! Reading a period of the log out, in a form that stands alone (`docs/formats/audit-export.md`).

use super::error::AuditError;
use super::log::AuditLog;
use crate::store::KeyRange;
use bytes::Bytes;
use mbx_common::audit::export::{
    CSV_HEADER, CheckpointLine, FileInfo, HexHash, Manifest, Proof, README, SCHEMA, csv_line,
    event_catalogue, files, json_line, tar_end, tar_header, tar_padding,
};
use mbx_common::audit::tree::{Hash, Tree, leaf_hash, suffix_ranges};
use mbx_common::audit::{Event, Fact, Origin};
use mbx_common::time::{Period, Timestamp};
use sha2::{Digest, Sha256};
use std::collections::VecDeque;
use std::ops::Range;

/// What form an export takes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Form {
    /// The single file: verifiable.
    Whole,
    /// `entries.csv` alone: for a spreadsheet, not verifiable.
    Table,
}

/// An export that is read piece by piece.
#[derive(Debug)]
pub struct Export {
    log: AuditLog,
    /// Name of the log, span, file hashes.
    manifest: Manifest,
    len: u64,
    covered: u64,
    steps: VecDeque<Step>,
}

/// What comes next in the file.
#[derive(Debug)]
enum Step {
    Bytes(Bytes),
    Lines(Range<u64>),
    Rows(Range<u64>),
}

impl AuditLog {
    /// Prepares the export of a period: signs a checkpoint if entries wait and the token is there,
    /// measures the files, and records the export before anything of it is given out.
    ///
    /// # Errors
    /// [`AuditError::NoCheckpoint`] where none was ever signed; others as they are named.
    pub async fn export(
        &self,
        period: Period,
        form: Form,
        origin: &Origin,
    ) -> Result<Export, AuditError> {
        if period.until <= period.from {
            return Err(AuditError::Period);
        }
        if let Err(error) = self.checkpoint().await {
            // The newest checkpoint there is covers what it covers; the export says how far.
            tracing::warn!(%error, "no fresh checkpoint for an export of the audit log");
        }
        let (covered, _) = self.newest_checkpoint().await?.ok_or(AuditError::NoCheckpoint)?;
        let span = self.span(period, covered).await?;
        let small = self.small_files(&span).await?;
        let created = self.0.clock.now();
        let export = self.compose(period, form, (span, covered), (small, created)).await?;
        let facts = vec![
            Fact::Moment(period.from),
            Fact::Moment(period.until),
            Fact::Count(export.manifest.until - export.manifest.first),
        ];
        self.record(origin, Event::AuditExported, facts).await?;
        Ok(export)
    }

    /// Every file but the manifest and the entries.
    async fn small_files(
        &self,
        span: &Range<u64>,
    ) -> Result<Vec<(&'static str, Bytes)>, AuditError> {
        let mut keys = String::new();
        for (_, key) in self.verifier_keys().await? {
            keys.push_str(&key.to_string());
            keys.push('\n');
        }
        let from = KeyRange { from: key(span.end), until: None, backwards: false };
        let (rows, _) = self.checkpoints(from, 1).await?;
        let (size, covering) = rows.into_iter().next().ok_or(AuditError::NoCheckpoint)?;
        let proof = self.proof(span, size).await?;
        Ok(vec![
            (files::README, Bytes::from_static(README.as_bytes())),
            (files::KEYS, keys.into()),
            (files::CHECKPOINT, covering.note.into()),
            (files::PROOF, json(&proof)),
            (files::CHECKPOINTS, self.checkpoint_lines(span).await?),
            (files::EVENTS, event_catalogue().into()),
        ])
    }

    async fn proof(&self, span: &Range<u64>, size: u64) -> Result<Proof, AuditError> {
        let mut before = self.tree_before(span.start).await?;
        self.follow(&mut before, span.start).await?;
        let mut suffix = Vec::new();
        for range in suffix_ranges(span.end, size) {
            suffix.push(HexHash(self.root_over(range).await?));
        }
        Ok(Proof {
            first: span.start,
            frontier: before.peaks().iter().copied().map(HexHash).collect(),
            until: span.end,
            size,
            suffix,
        })
    }

    /// The root over a span of leaves.
    async fn root_over(&self, range: Range<u64>) -> Result<Hash, AuditError> {
        let mut tree = Tree::new();
        let mut position = range.start;
        while position < range.end {
            for leaf in self.leaves(position, range.end).await? {
                tree.push(leaf_hash(&leaf));
                position += 1;
            }
        }
        Ok(tree.root())
    }

    async fn checkpoint_lines(&self, span: &Range<u64>) -> Result<Bytes, AuditError> {
        let mut lines = Vec::new();
        let until = span.end.checked_add(1).map(key);
        let mut range = Some(KeyRange { from: key(span.start), until, backwards: false });
        while let Some(page) = range {
            let (rows, next) = self.checkpoints(page, Self::BATCH).await?;
            for (size, row) in rows {
                lines.extend_from_slice(&json(&CheckpointLine { size, note: row.note }));
                lines.push(b'\n');
            }
            range = next;
        }
        Ok(lines.into())
    }

    /// Length and hash of both files of entries.
    async fn measure(&self, span: Range<u64>) -> Result<(FileInfo, FileInfo), AuditError> {
        let mut lines = (0, Sha256::new());
        let mut rows = (length(CSV_HEADER.len()), Sha256::new_with_prefix(CSV_HEADER));
        let mut position = span.start;
        while position < span.end {
            for leaf in self.leaves(position, span.end).await? {
                for (measure, text) in [
                    (&mut lines, json_line(position, &leaf)),
                    (&mut rows, csv_line(position, &leaf)),
                ] {
                    measure.0 += length(text.len());
                    measure.1.update(text);
                }
                position += 1;
            }
        }
        let info = |name: &str, (len, digest): (u64, Sha256)| FileInfo {
            name: name.to_owned(),
            len,
            sha256: HexHash(digest.finalize().into()),
        };
        Ok((info(files::ENTRIES, lines), info(files::TABLE, rows)))
    }

    async fn compose(
        &self,
        period: Period,
        form: Form,
        (span, covered): (Range<u64>, u64),
        (small, created): (Vec<(&'static str, Bytes)>, Timestamp),
    ) -> Result<Export, AuditError> {
        let (lines, rows) = self.measure(span.clone()).await?;
        let mut infos: Vec<FileInfo> =
            small.iter().map(|(name, bytes)| info(name, bytes)).collect();
        infos.extend([lines.clone(), rows.clone()]);
        let manifest = Manifest {
            schema: SCHEMA.to_owned(),
            origin: self.0.options.origin.clone(),
            period,
            created,
            first: span.start,
            until: span.end,
            files: infos,
        };
        let mut steps = VecDeque::new();
        let header = Bytes::from_static(CSV_HEADER.as_bytes());
        if form == Form::Table {
            steps.extend([Step::Bytes(header), Step::Rows(span)]);
            return Ok(Export { log: self.clone(), manifest, len: rows.len, covered, steps });
        }
        let mut len = 0;
        let mut file = |name: &str, file_len: u64, content: Vec<Step>| {
            let head = tar_header(name, file_len, created).ok_or(AuditError::TooLarge)?;
            let padding = vec![0; tar_padding(file_len)];
            len += 512 + file_len + length(padding.len());
            steps.push_back(Step::Bytes(head.to_vec().into()));
            steps.extend(content);
            steps.push_back(Step::Bytes(padding.into()));
            Ok::<_, AuditError>(())
        };
        let bytes = json(&manifest);
        file(files::MANIFEST, length(bytes.len()), vec![Step::Bytes(bytes)])?;
        for (name, bytes) in small {
            file(name, length(bytes.len()), vec![Step::Bytes(bytes)])?;
        }
        file(files::ENTRIES, lines.len, vec![Step::Lines(span.clone())])?;
        file(files::TABLE, rows.len, vec![Step::Bytes(header), Step::Rows(span)])?;
        let end = tar_end();
        len += length(end.len());
        steps.push_back(Step::Bytes(end.to_vec().into()));
        Ok(Export { log: self.clone(), manifest, len, covered, steps })
    }
}

impl Export {
    /// Length of the whole in bytes.
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// Whether it has no byte; it always has some.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// What it holds.
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Size of the log at the newest checkpoint: later entries cannot be exported yet.
    pub const fn covered(&self) -> u64 {
        self.covered
    }

    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// [`AuditError`] where the log cannot be read; the export is of no use then.
    pub async fn next(&mut self) -> Result<Option<Bytes>, AuditError> {
        loop {
            let (piece, rest) = match self.steps.pop_front() {
                None => return Ok(None),
                Some(Step::Bytes(bytes)) => (bytes, None),
                Some(Step::Lines(span)) => {
                    let (piece, rest) = self.render(span, json_line).await?;
                    (piece, rest.map(Step::Lines))
                }
                Some(Step::Rows(span)) => {
                    let (piece, rest) = self.render(span, csv_line).await?;
                    (piece, rest.map(Step::Rows))
                }
            };
            if let Some(rest) = rest {
                self.steps.push_front(rest);
            }
            if !piece.is_empty() {
                return Ok(Some(piece));
            }
        }
    }

    async fn render(
        &self,
        span: Range<u64>,
        line: fn(u64, &[u8]) -> String,
    ) -> Result<(Bytes, Option<Range<u64>>), AuditError> {
        if span.is_empty() {
            return Ok((Bytes::new(), None));
        }
        let mut text = String::new();
        let mut position = span.start;
        for leaf in self.log.leaves(span.start, span.end).await? {
            text.push_str(&line(position, &leaf));
            position += 1;
        }
        Ok((text.into(), Some(position..span.end)))
    }
}

fn key(size: u64) -> Bytes {
    size.to_be_bytes().to_vec().into()
}

fn info(name: &str, bytes: &Bytes) -> FileInfo {
    let sha256 = HexHash(Sha256::digest(bytes).into());
    FileInfo { name: name.to_owned(), len: length(bytes.len()), sha256 }
}

fn json(value: &impl serde::Serialize) -> Bytes {
    // Strings, numbers and lists only: nothing here can fail to be written.
    serde_json::to_vec(value).unwrap_or_default().into()
}

fn length(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}
