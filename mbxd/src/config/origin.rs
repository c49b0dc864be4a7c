//! Where values stand: file and line.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use toml::de::{DeTable, DeValue};

/// A place in a file of the configuration.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Origin {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1; `None` where the whole file is meant.
    pub line: Option<usize>,
}

impl Origin {
    /// The whole of a file.
    pub fn file(path: &Path) -> Self {
        Self { file: path.to_owned(), line: None }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        self.line.map_or(Ok(()), |line| write!(f, ":{line}"))
    }
}

/// Notes where each key of a text stands, in the place of what an earlier file said. A list of
/// tables counts as one key.
///
/// # Errors
/// Where the text is no TOML.
pub(super) fn note(
    text: &str,
    path: &Path,
    into: &mut BTreeMap<String, Origin>,
) -> Result<(), toml::de::Error> {
    let table = DeTable::parse(text)?;
    let place = |start| {
        let before = text.bytes().take(start).filter(|byte| *byte == b'\n').count();
        Origin { file: path.to_owned(), line: Some(before + 1) }
    };
    walk(table.get_ref(), "", &place, into);
    Ok(())
}

fn walk(
    table: &DeTable<'_>,
    prefix: &str,
    place: &impl Fn(usize) -> Origin,
    into: &mut BTreeMap<String, Origin>,
) {
    for (key, value) in table {
        let name = key.get_ref();
        let dotted = if prefix.is_empty() { name.to_string() } else { format!("{prefix}.{name}") };
        match value.get_ref() {
            DeValue::Table(inner) if !inner.is_empty() => walk(inner, &dotted, place, into),
            DeValue::Table(_)
            | DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_) => {
                into.insert(dotted, place(key.span().start));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_is_found_on_its_line_and_a_later_file_wins() {
        let mut found = BTreeMap::new();
        let first = "# å\ndevelopment = true\n[delivery]\npath = \"/a\"\n\n[delivery.tls]\n\
                     certificate = \"c\"\n[[portal.client]]\nname = \"a\"\n[[portal.client]]\n";
        note(first, Path::new("one"), &mut found).unwrap();
        note("delivery = { path = \"/b\" }", Path::new("two"), &mut found).unwrap();
        let shown: Vec<_> = found.iter().map(|(key, at)| format!("{key} {at}")).collect();
        assert_eq!(
            shown,
            [
                "delivery.path two:1",
                "delivery.tls.certificate one:7",
                "development one:2",
                "portal.client one:8",
            ]
        );
    }
}
