//! What is done with hostile bytes: one function per entry point of the daemon.
//!
//! Each takes bytes that anybody may have written, gives them to the code that reads them, and
//! panics where a promise is broken: nothing panics on any input; what is read can be written
//! again and reads the same; what is encrypted opens only unaltered. The fuzzer calls these
//! functions, and so does the test `corpus` of the workspace with every file of `corpus/`.

mod content;
mod doors;
mod log;
mod rows;
mod text;

/// A function that takes hostile bytes.
pub type Target = fn(&[u8]);

/// Every target, by the name of its corpus.
pub const TARGETS: &[(&str, Target)] = &[
    ("assertion", doors::assertion),
    ("audit_entry", log::audit_entry),
    ("audit_export", log::audit_export),
    ("certificate", doors::certificate),
    ("checkpoint", log::checkpoint),
    ("config", text::config),
    ("content", content::content),
    ("control", doors::control),
    ("identity", text::identity),
    ("keys", rows::keys),
    ("log_record", log::log_record),
    ("manifest", rows::manifest),
    ("range", doors::range),
    ("rows", rows::rows),
    ("signature", doors::signature),
    ("soap", doors::soap),
];

/// Gives bytes to the target of this name.
///
/// # Panics
/// Where a promise is broken, or there is no such target.
pub fn run(name: &str, bytes: &[u8]) {
    let (_, target) = TARGETS.iter().find(|(known, _)| *known == name).expect("a target's name");
    target(bytes);
}

/// The first byte chooses, the others are what is read.
fn choose(bytes: &[u8], choices: usize) -> Option<(usize, &[u8])> {
    let (first, rest) = bytes.split_first()?;
    Some((usize::from(*first) % choices, rest))
}

/// Reads bytes with a function that gives what it would write for them: that must read the same.
fn settles(read: fn(&[u8]) -> Option<Vec<u8>>, bytes: &[u8]) -> Option<Vec<u8>> {
    let written = read(bytes)?;
    assert_eq!(read(&written).as_deref(), Some(&*written), "what is written reads otherwise");
    Some(written)
}

/// The same for a format of which one value has one spelling.
fn one_spelling(read: fn(&[u8]) -> Option<Vec<u8>>, bytes: &[u8]) {
    if let Some(written) = settles(read, bytes) {
        assert_eq!(written, bytes, "one value has two spellings");
    }
}
