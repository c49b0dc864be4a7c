//! Text in XML that we write.

/// Escapes text for element content; characters that XML 1.0 cannot carry become U+FFFD.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\r' => out.push_str("&#13;"),
            '\t' | '\n' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'.. => out.push(c),
            _ => out.push('\u{fffd}'),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever is escaped reads back, but for what XML cannot carry.
        #[test]
        fn escaped_text_is_read_back(text in any::<String>()) {
            let document = format!("<t>{}</t>", escape(&text));
            let tree = roxmltree::Document::parse(&document).unwrap();
            let carried: String = text
                .chars()
                .map(|c| match c {
                    '\t' | '\n' | '\r' => c,
                    c if c < ' ' || matches!(c, '\u{fffe}' | '\u{ffff}') => '\u{fffd}',
                    c => c,
                })
                .collect();
            prop_assert_eq!(tree.root_element().text().unwrap_or_default(), carried);
        }
    }
}
