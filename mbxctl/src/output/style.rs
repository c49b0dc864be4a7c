//! Colour, signs and width: what this terminal and locale can show.

use super::document::{Line, Tone};
use crate::cli::Color;

/// What one stream can show.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Style {
    /// Whether colour is used.
    pub color: bool,
    /// Whether signs beyond ASCII are used.
    pub unicode: bool,
    /// Columns of the terminal; `None` where the stream is none, so that nothing is cut.
    pub width: Option<usize>,
}

/// What the environment says.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// Whether the stream is a terminal.
    pub terminal: bool,
    /// Its columns.
    pub columns: Option<usize>,
    /// `NO_COLOR` is set and not empty.
    pub no_color: bool,
    /// `TERM`.
    pub term: Option<String>,
    /// The first set of `LC_ALL`, `LC_CTYPE`, `LANG`.
    pub locale: Option<String>,
}

impl Style {
    /// Neither colour nor cutting; signs as the locale has them.
    pub const PLAIN: Self = Self { color: false, unicode: true, width: None };

    /// What to show, by the person's wish and the surroundings.
    pub fn choose(wish: Color, around: &Surroundings) -> Self {
        let dumb = around.term.as_deref() == Some("dumb");
        let color = match wish {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => around.terminal && !around.no_color && !dumb,
        };
        let unicode = around.locale.as_deref().is_some_and(|locale| {
            let locale = locale.to_ascii_lowercase();
            locale.contains("utf-8") || locale.contains("utf8")
        });
        let width = if around.terminal { Some(around.columns.unwrap_or(80).max(40)) } else { None };
        Self { color, unicode, width }
    }

    /// A line as this stream shows it, without line end.
    pub fn line(&self, line: &Line) -> String {
        let text: String = line.0.iter().map(|(text, tone)| self.paint(text, *tone)).collect();
        text.trim_end().to_owned()
    }

    /// A text in the colour of its tone.
    pub fn paint(&self, text: &str, tone: Tone) -> String {
        let text = self.spell(text);
        match (self.color, escape(tone)) {
            (true, Some(code)) if !text.trim().is_empty() => {
                format!("\u{1b}[{code}m{text}\u{1b}[0m")
            }
            _ => text,
        }
    }

    /// A text in the characters that the locale has.
    pub fn spell(&self, text: &str) -> String {
        if self.unicode || text.is_ascii() { text.to_owned() } else { ascii(text) }
    }
}

const fn escape(tone: Tone) -> Option<&'static str> {
    match tone {
        Tone::Plain => None,
        Tone::Ok => Some("32"),
        Tone::Attention => Some("33"),
        Tone::Wrong => Some("31"),
        Tone::Dim => Some("2"),
    }
}

/// The nearest ASCII spelling; what has none becomes a question mark.
fn ascii(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '✓' => out.push('+'),
            '✗' => out.push('x'),
            '·' | '–' | '—' => out.push('-'),
            '•' => out.push('*'),
            '→' => out.push_str("->"),
            '…' => out.push_str("..."),
            '█' | '▌' | '▏' => out.push('#'),
            'å' | 'ä' | 'á' | 'à' => out.push('a'),
            'Å' | 'Ä' => out.push('A'),
            'ö' | 'ø' => out.push('o'),
            'Ö' | 'Ø' => out.push('O'),
            'é' | 'è' => out.push('e'),
            c if c.is_ascii() => out.push(c),
            _ => out.push('?'),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around(terminal: bool) -> Surroundings {
        Surroundings {
            terminal,
            columns: Some(120),
            locale: Some("sv_SE.UTF-8".to_owned()),
            ..Surroundings::default()
        }
    }

    #[test]
    fn colour_is_for_terminals_unless_it_is_unwanted() {
        assert!(Style::choose(Color::Auto, &around(true)).color);
        assert!(!Style::choose(Color::Auto, &around(false)).color);
        assert!(Style::choose(Color::Always, &around(false)).color);
        assert!(!Style::choose(Color::Never, &around(true)).color);
        let no_color = Surroundings { no_color: true, ..around(true) };
        assert!(!Style::choose(Color::Auto, &no_color).color);
        let dumb = Surroundings { term: Some("dumb".to_owned()), ..around(true) };
        assert!(!Style::choose(Color::Auto, &dumb).color);
    }

    #[test]
    fn a_stream_that_is_no_terminal_is_never_cut() {
        assert_eq!(Style::choose(Color::Auto, &around(false)).width, None);
        assert_eq!(Style::choose(Color::Auto, &around(true)).width, Some(120));
    }

    #[test]
    fn without_utf8_every_sign_is_ascii() {
        for locale in [None, Some("C".to_owned()), Some("sv_SE.ISO-8859-1".to_owned())] {
            let style = Style::choose(Color::Auto, &Surroundings { locale, ..around(false) });
            let text = style.spell("✓ ! ✗ · → mbx… 19121212-•••• – brevlåda €");
            assert_eq!(text, "+ ! x - -> mbx... 19121212-**** - brevlada ?");
        }
    }

    #[test]
    fn a_tone_colours_its_own_text_alone() {
        let style = Style { color: true, unicode: true, width: None };
        let line = Line::signed(Tone::Ok, "done");
        assert_eq!(style.line(&line), "\u{1b}[32m✓ \u{1b}[0mdone");
    }
}
