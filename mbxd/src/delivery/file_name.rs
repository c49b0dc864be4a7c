//! File names as senders write them, made harmless for display.

/// Longest name in characters: fits every file system with room for a number.
const CHARS_MAX: usize = 120;

/// Characters of the ending that survive shortening, its dot included.
const ENDING_CHARS_MAX: usize = 16;

/// The name where nothing of the sender's is left.
const FALLBACK: &str = "attachment";

/// Cleans a file name for display and for download; it is never used as a path here.
///
/// What precedes the last `/` or `\` is dropped, so are control, bidirectional and invisible
/// characters; characters that a file system reserves become `_`; dots and spaces at the ends go.
/// At most 120 characters, the ending kept. The payload keeps the name as sent.
pub(super) fn clean(name: &str) -> String {
    let base = name.rsplit(['/', '\\']).find(|part| !part.trim().is_empty()).unwrap_or_default();
    let kept: String = base
        .chars()
        .filter(|&c| !is_hidden(c))
        .map(|c| if is_reserved(c) { '_' } else { c })
        .collect();
    let name = shorten(trim(&kept));
    if name.is_empty() { FALLBACK.to_owned() } else { name }
}

fn trim(name: &str) -> &str {
    name.trim_matches(|c: char| c == '.' || c.is_whitespace())
}

/// Shortens in the middle: stem, then ending.
fn shorten(name: &str) -> String {
    let count = name.chars().count();
    if count <= CHARS_MAX {
        return name.to_owned();
    }
    let dot = name.rfind('.').unwrap_or(name.len());
    let (stem, ending) = name.split_at_checked(dot).unwrap_or((name, ""));
    let ending = if ending.chars().count() <= ENDING_CHARS_MAX { ending } else { "" };
    let room = CHARS_MAX.saturating_sub(ending.chars().count());
    let stem: String = stem.chars().take(room).collect();
    format!("{}{ending}", trim(&stem))
}

/// Control characters, bidirectional controls, zero-width characters, separators of lines.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{00ad}'
                | '\u{061c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

const fn is_reserved(c: char) -> bool {
    matches!(c, '<' | '>' | ':' | '"' | '|' | '?' | '*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ordinary_names_stay() {
        for name in ["Beslut 2026.pdf", "årsbesked (kopia).docx", "möte.ics"] {
            assert_eq!(clean(name), name);
        }
    }

    #[test]
    fn paths_tricks_and_nothing_at_all_become_harmless() {
        assert_eq!(clean("../../etc/passwd"), "passwd");
        assert_eq!(clean("C:\\temp\\beslut.pdf"), "beslut.pdf");
        assert_eq!(clean("beslut\u{202e}fdp.exe"), "beslutfdp.exe");
        assert_eq!(clean("a\r\nSet-Cookie: b.pdf"), "aSet-Cookie_ b.pdf");
        assert_eq!(clean("..."), FALLBACK);
        assert_eq!(clean("folder/"), "folder");
        assert_eq!(clean(""), FALLBACK);
    }

    #[test]
    fn a_long_name_keeps_its_ending() {
        let name = clean(&format!("{}.pdf", "å".repeat(500)));
        assert_eq!(name.chars().count(), CHARS_MAX);
        assert!(name.ends_with("å.pdf"));
    }

    proptest! {
        #[test]
        fn every_name_is_bounded_visible_and_no_path_and_cleaning_again_changes_nothing(
            name in any::<String>()
        ) {
            let cleaned = clean(&name);
            prop_assert!(!cleaned.is_empty() && cleaned.chars().count() <= CHARS_MAX);
            prop_assert!(!cleaned.contains(['/', '\\', '\0', '\n', '\r', '<', '"']));
            prop_assert!(!cleaned.starts_with('.') && !cleaned.chars().any(is_hidden));
            prop_assert_eq!(clean(&cleaned), cleaned);
        }
    }
}
