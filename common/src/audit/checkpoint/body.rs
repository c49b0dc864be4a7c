//! The text of a checkpoint: which log, how many entries, which root.

use crate::audit::tree::Hash;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fmt;
use std::str::FromStr;

/// What a checkpoint states: the log of this origin had this size and root.
///
/// Written as three lines: origin, size in decimal, root in base64. Source: C2SP
/// `tlog-checkpoint`. We write no extension lines; those of others are kept as they are.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Checkpoint {
    /// Name of the log; non-empty, one line.
    pub origin: String,
    /// Number of leaves.
    pub size: u64,
    /// Root over them.
    pub root: Hash,
    /// Further lines, each non-empty.
    pub extensions: Vec<String>,
}

/// A text that is no checkpoint.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not a checkpoint: expected lines of origin, size and root")]
pub struct BadCheckpoint;

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}\n{}\n", self.origin, self.size, STANDARD.encode(self.root))?;
        self.extensions.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

impl FromStr for Checkpoint {
    type Err = BadCheckpoint;

    /// Reads the text of a note; whatever is accepted is written back in exactly these bytes.
    fn from_str(text: &str) -> Result<Self, BadCheckpoint> {
        let mut lines = text.strip_suffix('\n').ok_or(BadCheckpoint)?.split('\n');
        let mut line = || lines.next().filter(|line| !line.is_empty()).ok_or(BadCheckpoint);
        let origin = line()?.to_owned();
        let digits = line()?;
        let size: u64 = digits.parse().map_err(|_| BadCheckpoint)?;
        let root = STANDARD.decode(line()?).map_err(|_| BadCheckpoint)?;
        let root = root.try_into().map_err(|_| BadCheckpoint)?;
        let extensions: Vec<String> = lines.map(str::to_owned).collect();
        if size.to_string() != digits || extensions.iter().any(String::is_empty) {
            return Err(BadCheckpoint);
        }
        Ok(Self { origin, size, root, extensions })
    }
}
