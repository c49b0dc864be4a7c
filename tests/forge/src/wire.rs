//! Writing a tree as a request: many spellings of one meaning.

use crate::canonical::qualified;
use crate::tree::{Element, Node, ns};
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;

/// How a request is written.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is one independent way to write the same")]
pub struct Style {
    /// Prefixes of namespaces; a namespace that is missing is written as the default one.
    pub prefixes: BTreeMap<String, String>,
    /// Declared on the element of this local name, whether needed or not.
    pub declared_on: &'static str,
    /// Whether each element takes any prefix that it can, bound anew where that is fun.
    pub mixed: bool,
    /// Whether texts, values and tags are spelled in odd ways.
    pub spelled: bool,
    /// Whether line feeds are written as carriage returns that stand alone.
    pub bare_returns: bool,
    /// Whether carriage returns are written as they are, which means line feeds.
    pub raw_returns: bool,
    /// What stands before the root.
    pub prologue: String,
    /// What stands behind it.
    pub epilogue: String,
    /// From which the choices are drawn.
    pub seed: u64,
}

/// Writes a request.
pub fn write(root: &Element, style: &Style) -> Vec<u8> {
    let mut writer = Writer {
        style,
        rng: ChaCha8Rng::seed_from_u64(style.seed),
        out: style.prologue.clone(),
        scope: vec![(String::new(), String::new()), ("xml".to_owned(), ns::XML.to_owned())],
    };
    writer.element(root);
    writer.out.push_str(&style.epilogue);
    writer.out.into_bytes()
}

/// Prefixes that a mixed style draws from; some look like what they are not.
const PREFIXES: [&str; 8] = ["a", "b", "ds", "ns2", "soap", "Signature", "xmlnsx", "\u{e5}"];

struct Writer<'s> {
    style: &'s Style,
    rng: ChaCha8Rng,
    out: String,
    scope: Vec<(String, String)>,
}

impl Writer<'_> {
    fn bound(&self, prefix: &str) -> Option<&str> {
        let found = self.scope.iter().rev().find(|(known, _)| known == prefix);
        found.map(|(_, uri)| uri.as_str())
    }

    fn element(&mut self, element: &Element) {
        let mark = self.scope.len();
        let prefix = element.prefix.clone().unwrap_or_else(|| self.choose(element));
        let mut needed: Vec<(String, String)> = Vec::new();
        if self.bound(&prefix) != Some(&element.ns) {
            needed.push((prefix.clone(), element.ns.clone()));
        }
        for attribute in element.attributes.iter().filter(|a| !a.ns.is_empty() && a.ns != ns::XML) {
            let declaration = (attribute.prefix.clone(), attribute.ns.clone());
            let known = self.bound(&attribute.prefix) == Some(&attribute.ns);
            if !known && !needed.contains(&declaration) {
                needed.push(declaration);
            }
        }
        let mut more = element.declared.clone();
        if element.local == self.style.declared_on && !self.style.declared_on.is_empty() {
            more.extend(self.style.prefixes.iter().map(|(uri, p)| (p.clone(), uri.clone())));
        }
        if self.style.mixed && self.rng.random_bool(0.1) {
            let unused = ["urn:unused", ns::M3, ns::DS].choose(&mut self.rng).copied();
            more.push(("unused".to_owned(), unused.unwrap_or_default().to_owned()));
        }
        for (other, uri) in more {
            let used = other == prefix
                || element.attributes.iter().any(|a| !a.ns.is_empty() && a.prefix == other);
            if !used && !needed.iter().any(|(known, _)| *known == other) {
                needed.push((other, uri));
            }
        }
        self.scope.extend(needed.iter().cloned());
        let mut pairs: Vec<(String, String)> = needed
            .into_iter()
            .map(|(prefix, uri)| match prefix.as_str() {
                "" => ("xmlns".to_owned(), uri),
                _ => (format!("xmlns:{prefix}"), uri),
            })
            .collect();
        let own = element.attributes.iter();
        pairs.extend(own.map(|a| (qualified(&a.prefix, &a.local), a.value.clone())));
        if self.style.spelled {
            use rand::seq::SliceRandom as _;
            pairs.shuffle(&mut self.rng);
        }
        let name = qualified(&prefix, &element.local);
        self.out.push('<');
        self.out.push_str(&name);
        for (name, value) in pairs {
            self.pair(&name, &value);
        }
        self.blank(0.05);
        if element.children.is_empty() && self.chance(0.5) {
            self.out.push_str("/>");
        } else {
            self.out.push('>');
            for child in &element.children {
                self.node(child);
            }
            self.out.push_str("</");
            self.out.push_str(&name);
            self.blank(0.05);
            self.out.push('>');
        }
        self.scope.truncate(mark);
    }

    fn node(&mut self, node: &Node) {
        match node {
            Node::Element(element) => self.element(element),
            Node::Text(text) => self.text(text),
            Node::Comment(text) => self.out.push_str(&format!("<!--{text}-->")),
            Node::Instruction(target, data) => self.out.push_str(&format!("<?{target} {data}?>")),
        }
    }

    fn choose(&mut self, element: &Element) -> String {
        if element.ns.is_empty() {
            return String::new();
        }
        if element.ns == ns::XML {
            return "xml".to_owned();
        }
        if !self.style.mixed {
            return self.style.prefixes.get(&element.ns).cloned().unwrap_or_default();
        }
        let taken = |prefix: &str| {
            element.attributes.iter().any(|a| a.prefix == prefix && a.ns != element.ns)
        };
        let bound: Vec<String> = self
            .scope
            .iter()
            .map(|(prefix, _)| prefix.clone())
            .filter(|prefix| self.bound(prefix) == Some(&element.ns) && !taken(prefix))
            .collect();
        if let Some(prefix) = bound.choose(&mut self.rng).filter(|_| true)
            && self.rng.random_bool(0.6)
        {
            return prefix.clone();
        }
        let prefix = *PREFIXES.choose(&mut self.rng).unwrap_or(&"");
        if taken(prefix) || self.rng.random_bool(0.3) { String::new() } else { prefix.to_owned() }
    }

    fn chance(&mut self, odds: f64) -> bool {
        self.style.spelled && self.rng.random_bool(odds)
    }

    fn blank(&mut self, odds: f64) {
        if self.chance(odds) {
            let blanks = [" ", "\n", "\t ", "\r\n"];
            self.out.push_str(blanks.choose(&mut self.rng).copied().unwrap_or(" "));
        }
    }

    fn pair(&mut self, name: &str, value: &str) {
        self.out.push(' ');
        self.blank(0.1);
        self.out.push_str(name);
        self.blank(0.1);
        self.out.push('=');
        self.blank(0.1);
        let quote = if self.chance(0.3) { '\'' } else { '"' };
        self.out.push(quote);
        for character in value.chars() {
            let must = matches!(character, '&' | '<' | '\t' | '\n' | '\r') || character == quote;
            if must || self.chance(0.03) {
                self.reference(character);
            } else {
                self.out.push(character);
            }
        }
        self.out.push(quote);
    }

    fn text(&mut self, text: &str) {
        let mut rest: Vec<char> = text.chars().collect();
        rest.reverse();
        while let Some(character) = rest.pop() {
            if self.chance(0.01) {
                rest.push(character);
                self.section(&mut rest);
                continue;
            }
            let ends_section = character == '>' && self.out.ends_with("]]");
            let must = matches!(character, '&' | '<') || ends_section;
            let must = must || (character == '\r' && !self.style.raw_returns);
            let odds = if character.is_ascii_alphanumeric() { 0.01 } else { 0.1 };
            if must || self.chance(odds) {
                self.reference(character);
            } else if character == '\n' {
                self.line_feed();
            } else {
                self.out.push(character);
            }
        }
        if self.chance(0.02) {
            self.out.push_str("<![CDATA[]]>");
        }
    }

    fn line_feed(&mut self) {
        let ways: &[&str] = match (self.style.bare_returns, self.style.spelled) {
            (true, _) => &["\r", "\n"],
            (false, true) => &["\n", "\r\n"],
            (false, false) => &["\n"],
        };
        let way = ways.choose(&mut self.rng).copied().unwrap_or("\n");
        // Behind a carriage return that stands alone, a raw line feed would be the second half.
        let way = if way.starts_with('\n') && self.out.ends_with('\r') { "&#10;" } else { way };
        self.out.push_str(way);
    }

    /// A CDATA section of some of the characters.
    fn section(&mut self, rest: &mut Vec<char>) {
        self.out.push_str("<![CDATA[");
        let mut brackets = 0;
        for _ in 0..self.rng.random_range(0..12) {
            let Some(character) = rest.last().copied() else { break };
            if character == '\r' || (character == '>' && brackets >= 2) {
                break;
            }
            rest.pop();
            brackets = if character == ']' { brackets + 1 } else { 0 };
            if character == '\n' { self.line_feed() } else { self.out.push(character) }
        }
        // `&#10;` would be five characters inside a section.
        if let Some(place) = self.out.rfind("<![CDATA[") {
            let inside = self.out.split_off(place).replace("&#10;", "]]>&#10;<![CDATA[");
            self.out.push_str(&inside);
        }
        self.out.push_str("]]>");
    }

    fn reference(&mut self, character: char) {
        let named = match character {
            '&' => Some("&amp;"),
            '<' => Some("&lt;"),
            '>' => Some("&gt;"),
            '"' => Some("&quot;"),
            '\'' => Some("&apos;"),
            _ => None,
        };
        let code = u32::from(character);
        let forms = [
            named.map_or_else(|| format!("&#{code};"), str::to_owned),
            format!("&#{code};"),
            format!("&#x{code:x};"),
            format!("&#x{code:X};"),
            format!("&#x{code:06X};"),
            format!("&#{code:09};"),
        ];
        let plain = &forms[..1];
        let forms = if self.style.spelled { &forms[..] } else { plain };
        let form = forms.choose(&mut self.rng).cloned().unwrap_or_default();
        self.out.push_str(&form);
    }
}
