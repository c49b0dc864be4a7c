//! Following a log leaf by leaf and comparing its roots with those that were signed.

use super::finding::{Finding, Findings};
use crate::audit::tree::{Hash, Tree, leaf_hash};
use std::collections::VecDeque;

/// A root that the log must have at a size.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Expected {
    /// The size.
    pub size: u64,
    /// The root.
    pub root: Hash,
    /// Who says so.
    pub source: Source,
}

/// Who says which root the log has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Source {
    /// A checkpoint that stands in the log or export itself.
    Inside,
    /// A checkpoint that the checker brought.
    Outside,
}

/// A log that is followed leaf by leaf.
///
/// Two trees are built: one of the entries' bytes, one of the hashes that stand beside them. Where
/// the second agrees with a signed root, the stated hashes are those that were logged, and every
/// entry that does not fit its hash is known to be the altered one.
#[derive(Debug)]
pub struct Chain {
    computed: Tree,
    stated: Tree,
    next: u64,
    expected: VecDeque<Expected>,
    /// Size at the last root that held.
    held: u64,
    counts: Counts,
    /// False after a gap: the trees cannot go on then.
    is_whole: bool,
    findings: Findings,
}

/// How many signed roots held.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Counts {
    inside: u64,
    outside: u64,
}

/// What following a live log to its end gave.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Live {
    /// What is wrong.
    pub findings: Findings,
    /// Checkpoints of the log that hold.
    pub inside: u64,
    /// Checkpoints from outside that hold.
    pub outside: u64,
    /// Size of the log at the last one that holds.
    pub covered: u64,
}

/// What following an export gave.
#[derive(Debug)]
pub(crate) struct Followed {
    pub(crate) computed: Tree,
    pub(crate) stated: Tree,
    pub(crate) next: u64,
    pub(crate) held: u64,
    pub(crate) inside: u64,
    pub(crate) outside: u64,
    pub(crate) is_whole: bool,
    pub(crate) findings: Findings,
}

impl Chain {
    /// Begins after the leaves of `before`; `expected` in any order.
    pub fn new(before: Tree, mut expected: Vec<Expected>) -> Self {
        expected.sort_by_key(|expected| expected.size);
        let next = before.size();
        let mut chain = Self {
            computed: before.clone(),
            stated: before,
            next,
            expected: expected.into(),
            held: next,
            counts: Counts::default(),
            is_whole: true,
            findings: Findings::default(),
        };
        chain.compare();
        chain
    }

    /// Takes the next leaf: the position and hash that are stated for it, and its bytes.
    ///
    /// Returns whether the bytes have the stated hash.
    pub fn entry(&mut self, position: u64, stated: &Hash, leaf: &[u8]) -> bool {
        let computed = leaf_hash(leaf);
        if position > self.next {
            self.findings.add(Finding::Missing { from: self.next, until: position });
            self.is_whole = false;
        } else if position < self.next {
            self.findings.add(Finding::Reordered { position: self.next, found: position });
            self.is_whole = false;
        }
        self.next = self.next.max(position).saturating_add(1);
        if self.is_whole {
            self.computed.push(computed);
            self.stated.push(*stated);
            self.compare();
        }
        computed == *stated
    }

    /// Takes the next leaf of a log that keeps no hash beside it.
    pub fn leaf(&mut self, leaf: &[u8]) {
        let hash = leaf_hash(leaf);
        self.entry(self.next, &hash, leaf);
    }

    /// A place where no entry can be read.
    pub fn unreadable(&mut self) {
        self.add(Finding::Unreadable { position: self.next });
        self.next = self.next.saturating_add(1);
        self.is_whole = false;
    }

    /// Notes what was found elsewhere.
    pub fn add(&mut self, finding: Finding) {
        self.findings.add(finding);
    }

    /// Position of the leaf that comes next.
    pub const fn next(&self) -> u64 {
        self.next
    }

    /// The tree over the bytes so far.
    pub const fn tree(&self) -> &Tree {
        &self.computed
    }

    pub(crate) fn finish(self) -> Followed {
        Followed {
            computed: self.computed,
            stated: self.stated,
            next: self.next,
            held: self.held,
            inside: self.counts.inside,
            outside: self.counts.outside,
            is_whole: self.is_whole,
            findings: self.findings,
        }
    }

    /// Ends the following of a live log, whose tree the engine says to have this size and root.
    pub fn finish_live(mut self, engine: (u64, &Hash)) -> Live {
        let (size, root) = engine;
        if self.computed.size() != size || self.computed.root() != *root {
            self.findings.add(Finding::Tree { size });
        }
        while let Some(expected) = self.expected.pop_front() {
            self.findings.add(Finding::CutEnd { until: self.next, size: expected.size });
        }
        Live {
            findings: self.findings,
            inside: self.counts.inside,
            outside: self.counts.outside,
            covered: self.held,
        }
    }

    /// Compares the roots at the present size.
    fn compare(&mut self) {
        let size = self.computed.size();
        while let Some(expected) = self.expected.front().copied() {
            if expected.size > size {
                return;
            }
            self.expected.pop_front();
            if expected.size < size {
                continue;
            }
            let holds =
                self.computed.root() == expected.root || self.stated.root() == expected.root;
            match (holds, expected.source) {
                (true, Source::Inside) => self.counts.inside += 1,
                (true, Source::Outside) => self.counts.outside += 1,
                (false, Source::Outside) => self.findings.add(Finding::Contradicts { size }),
                (false, Source::Inside) => self.disagree(size),
            }
            if holds {
                self.held = size;
            }
        }
    }

    /// An inner root does not hold: named once, then the tree is taken as lost.
    fn disagree(&mut self, size: u64) {
        self.findings.add(Finding::Between { after: self.held, until: size });
        self.expected.retain(|expected| expected.source == Source::Outside);
    }
}
