//! The canonical octets of an element, written straight into a digest.

use crate::delivery::soap::{Element, Name};
use aws_lc_rs::digest;
use mbx_common::find::position;
use mbx_common::size::wide;
use roxmltree::{Attribute, Node};

/// The forms that are tried, in this order.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Form {
    /// Every element without prefix and with a default namespace where it differs from its
    /// parent's; attributes in a namespace keep their prefix, declared where it is used.
    PrefixFree,
    /// Exclusive canonicalisation of the element with its prefixes as sent.
    Exclusive,
}

impl Form {
    /// Every form, in the order in which they are tried.
    pub const ORDER: [Self; 2] = [Self::PrefixFree, Self::Exclusive];

    /// Its short name, for labels of metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::PrefixFree => "prefix-free",
            Self::Exclusive => "exclusive",
        }
    }
}

/// What is canonicalised.
pub(super) struct Apex<'d> {
    /// The element, taken as a document of its own.
    pub(super) element: Element<'d>,
    /// The name that it bore when it was signed, and the prefix to write it with in
    /// [`Form::Exclusive`]; none where it bears it still.
    pub(super) renamed: Option<(Name, &'d str)>,
    /// The child that is left out: its own signature (the enveloped-signature transform).
    pub(super) without: Option<Element<'d>>,
    /// Prefixes that [`Form::Exclusive`] treats inclusively; empty for the default namespace.
    pub(super) inclusive: Vec<&'d str>,
}

/// Takes octets in order.
pub(super) trait Sink {
    /// Takes some.
    fn put(&mut self, octets: &[u8]);
}

impl Sink for Vec<u8> {
    fn put(&mut self, octets: &[u8]) {
        self.extend_from_slice(octets);
    }
}

/// Counts what is put.
#[derive(Default)]
pub(super) struct Length(pub(super) u64);

impl Sink for Length {
    fn put(&mut self, octets: &[u8]) {
        self.0 = self.0.saturating_add(wide(octets.len()));
    }
}

/// Digests what is put, gathered so that the many short pieces cost no call each.
pub(super) struct Digester {
    context: digest::Context,
    gathered: Vec<u8>,
}

impl Digester {
    /// Octets gathered before they are digested.
    const GATHERED_LEN: usize = 4096;

    /// Starts a digest.
    pub(super) fn new(algorithm: &'static digest::Algorithm) -> Self {
        let gathered = Vec::with_capacity(Self::GATHERED_LEN);
        Self { context: digest::Context::new(algorithm), gathered }
    }

    /// The digest of everything that was put.
    pub(super) fn finish(mut self) -> digest::Digest {
        self.context.update(&self.gathered);
        self.context.finish()
    }
}

impl Sink for Digester {
    fn put(&mut self, octets: &[u8]) {
        let room = Self::GATHERED_LEN.saturating_sub(self.gathered.len());
        if octets.len() > room {
            self.context.update(&self.gathered);
            self.gathered.clear();
        }
        if octets.len() > Self::GATHERED_LEN {
            self.context.update(octets);
        } else {
            self.gathered.extend_from_slice(octets);
        }
    }
}

impl Apex<'_> {
    /// Writes the octets of one form. Iterative; memory grows with depth alone.
    ///
    /// Source: Canonical XML 1.0 §2.3 for the writing, Exclusive XML Canonicalization 1.0 §3 for
    /// the namespaces.
    pub(super) fn write(&self, form: Form, sink: &mut impl Sink) {
        let mut writer = Writer { apex: self, form, sink, rendered: Vec::new(), marks: Vec::new() };
        let mut node = self.element.0;
        'down: loop {
            let left_out = self.without.is_some_and(|without| without.0 == node);
            if !left_out {
                writer.open(node);
                if let Some(child) = node.first_child() {
                    node = child;
                    continue;
                }
                writer.close(node);
            }
            while node != self.element.0 {
                if let Some(next) = node.next_sibling() {
                    node = next;
                    continue 'down;
                }
                let Some(parent) = node.parent() else { return };
                node = parent;
                writer.close(node);
            }
            return;
        }
    }
}

struct Writer<'w, 'd, S> {
    apex: &'w Apex<'d>,
    form: Form,
    sink: &'w mut S,
    /// Declarations written on the elements that are open, innermost last.
    rendered: Vec<(&'d str, &'d str)>,
    /// For each open element, how many declarations were there before it.
    marks: Vec<usize>,
}

impl<'d, S: Sink> Writer<'_, 'd, S> {
    fn open(&mut self, node: Node<'d, 'd>) {
        if !node.is_element() {
            put_escaped(self.sink, node.text().unwrap_or_default(), text_escape);
            return;
        }
        let element = Element(node);
        let (prefix, uri, local) = self.written(element);
        self.marks.push(self.rendered.len());
        self.sink.put(b"<");
        put_name(self.sink, prefix, local);
        let mut attributes: Vec<_> = node.attributes().collect();
        attributes.sort_unstable_by_key(|attribute| (attribute.namespace(), attribute.name()));
        for (prefix, uri) in self.wanted(element, (prefix, uri), &attributes) {
            self.declare(prefix, uri);
        }
        for attribute in attributes {
            self.sink.put(b" ");
            put_name(self.sink, attribute_prefix(node, attribute), attribute.name());
            self.sink.put(b"=\"");
            put_escaped(self.sink, attribute.value(), attribute_escape);
            self.sink.put(b"\"");
        }
        self.sink.put(b">");
    }

    fn close(&mut self, node: Node<'d, 'd>) {
        if !node.is_element() {
            return;
        }
        let (prefix, _, local) = self.written(Element(node));
        self.sink.put(b"</");
        put_name(self.sink, prefix, local);
        self.sink.put(b">");
        self.rendered.truncate(self.marks.pop().unwrap_or_default());
    }

    /// Prefix, namespace and local name as this form writes them.
    fn written(&self, element: Element<'d>) -> (&'d str, &'d str, &'d str) {
        let renamed = self.apex.renamed.filter(|_| element == self.apex.element);
        let (prefix, uri, local) = match renamed {
            Some((name, prefix)) => (prefix, name.ns, name.local),
            None => (element.prefix(), element.ns(), element.local()),
        };
        match self.form {
            Form::PrefixFree => ("", uri, local),
            Form::Exclusive => (prefix, uri, local),
        }
    }

    /// The declarations that this element needs, sorted by prefix, each once.
    fn wanted(
        &self,
        element: Element<'d>,
        own: (&'d str, &'d str),
        attributes: &[Attribute<'d, 'd>],
    ) -> Vec<(&'d str, &'d str)> {
        let mut wanted = vec![own];
        for attribute in attributes {
            let prefix = attribute_prefix(element.0, *attribute);
            if !prefix.is_empty() && prefix != "xml" {
                wanted.push((prefix, attribute.namespace().unwrap_or_default()));
            }
        }
        if self.form == Form::Exclusive {
            for &prefix in &self.apex.inclusive {
                let name = (!prefix.is_empty()).then_some(prefix);
                match element.0.lookup_namespace_uri(name) {
                    Some(uri) => wanted.push((prefix, uri)),
                    None if prefix.is_empty() => wanted.push(("", "")),
                    None => {}
                }
            }
        }
        // Stable: where a prefix stands twice, the element's own use of it comes first.
        wanted.sort_by_key(|(prefix, _)| *prefix);
        wanted.dedup_by_key(|(prefix, _)| *prefix);
        wanted
    }

    /// Writes a declaration unless the nearest one of its prefix says the same.
    fn declare(&mut self, prefix: &'d str, uri: &'d str) {
        let nearest = self.rendered.iter().rev().find(|(known, _)| *known == prefix);
        let known = nearest.map(|(_, uri)| *uri);
        if known == Some(uri) || (known.is_none() && prefix.is_empty() && uri.is_empty()) {
            return;
        }
        self.rendered.push((prefix, uri));
        self.sink.put(if prefix.is_empty() { b" xmlns" } else { b" xmlns:" });
        self.sink.put(prefix.as_bytes());
        self.sink.put(b"=\"");
        put_escaped(self.sink, uri, attribute_escape);
        self.sink.put(b"\"");
    }
}

/// The prefix of an attribute as written, empty for none.
fn attribute_prefix<'d>(node: Node<'d, 'd>, attribute: Attribute<'d, 'd>) -> &'d str {
    if attribute.namespace().is_none() {
        return "";
    }
    let name = node.document().input_text().get(attribute.range_qname()).unwrap_or_default();
    name.split_once(':').map_or("", |(prefix, _)| prefix)
}

fn put_name(sink: &mut impl Sink, prefix: &str, local: &str) {
    if !prefix.is_empty() {
        sink.put(prefix.as_bytes());
        sink.put(b":");
    }
    sink.put(local.as_bytes());
}

fn put_escaped(sink: &mut impl Sink, text: &str, escape: impl Fn(u8) -> Option<&'static [u8]>) {
    let mut rest = text.as_bytes();
    while let Some(place) = position(rest, |byte| escape(byte).is_some()) {
        let (plain, from) = rest.split_at(place);
        let Some((special, behind)) = from.split_first() else { break };
        sink.put(plain);
        sink.put(escape(*special).unwrap_or_default());
        rest = behind;
    }
    sink.put(rest);
}

const fn text_escape(byte: u8) -> Option<&'static [u8]> {
    match byte {
        b'&' => Some(b"&amp;"),
        b'<' => Some(b"&lt;"),
        b'>' => Some(b"&gt;"),
        b'\r' => Some(b"&#xD;"),
        _ => None,
    }
}

const fn attribute_escape(byte: u8) -> Option<&'static [u8]> {
    match byte {
        b'&' => Some(b"&amp;"),
        b'<' => Some(b"&lt;"),
        b'"' => Some(b"&quot;"),
        b'\t' => Some(b"&#x9;"),
        b'\n' => Some(b"&#xA;"),
        b'\r' => Some(b"&#xD;"),
        _ => None,
    }
}
