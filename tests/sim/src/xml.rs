//! A small XML tree and its canonical writing without prefixes, as signers see it.

/// Name of a namespace (URI).
pub type Ns = &'static str;

/// Namespaces of the contract (§2).
pub mod ns {
    /// SOAP 1.1 envelope.
    pub const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";
    /// Service, version 1 (answers).
    pub const S1: &str = "http://minameddelanden.gov.se/schema/Service";
    /// Service, version 3.
    pub const S3: &str = "http://minameddelanden.gov.se/schema/Service/v3";
    /// Message, version 1.
    pub const M1: &str = "http://minameddelanden.gov.se/schema/Message";
    /// Message, version 2.
    pub const M2: &str = "http://minameddelanden.gov.se/schema/Message/v2";
    /// Message, version 3.
    pub const M3: &str = "http://minameddelanden.gov.se/schema/Message/v3";
    /// Sender.
    pub const SENDER: &str = "http://minameddelanden.gov.se/schema/Sender";
    /// Notification, version 3.
    pub const N3: &str = "http://minameddelanden.gov.se/schema/Notification/v3";
    /// Common, version 3.
    pub const C3: &str = "http://minameddelanden.gov.se/schema/Common/v3";
    /// XML signatures.
    pub const DS: &str = "http://www.w3.org/2000/09/xmldsig#";
}

/// An element or a text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Node {
    /// An element.
    Element(Element),
    /// A text, not escaped.
    Text(String),
}

/// An element with a namespace, attributes without one, and children.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Element {
    /// Namespace.
    pub ns: Ns,
    /// Local name.
    pub name: &'static str,
    /// Attributes, in the order they are written; canonical where sorted.
    pub attributes: Vec<(&'static str, String)>,
    /// Children.
    pub children: Vec<Node>,
}

impl Element {
    /// An empty element.
    pub const fn new(ns: Ns, name: &'static str) -> Self {
        Self { ns, name, attributes: Vec::new(), children: Vec::new() }
    }

    /// An element that holds a text.
    pub fn of(ns: Ns, name: &'static str, text: impl Into<String>) -> Self {
        Self::new(ns, name).text(text)
    }

    /// Adds an attribute.
    #[must_use]
    pub fn attribute(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.attributes.push((name, value.into()));
        self
    }

    /// Adds a child.
    #[must_use]
    pub fn child(mut self, child: Self) -> Self {
        self.children.push(Node::Element(child));
        self
    }

    /// Adds a child where there is one.
    #[must_use]
    pub fn maybe(self, child: Option<Self>) -> Self {
        match child {
            Some(child) => self.child(child),
            None => self,
        }
    }

    /// Adds a text.
    #[must_use]
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.children.push(Node::Text(text.into()));
        self
    }

    /// The first child element of this name.
    pub fn find(&mut self, name: &str) -> Option<&mut Self> {
        self.children.iter_mut().find_map(|node| match node {
            Node::Element(child) if child.name == name => Some(child),
            Node::Element(_) | Node::Text(_) => None,
        })
    }

    /// Takes out the first child element of this name.
    pub fn take(&mut self, name: &str) -> Option<Self> {
        let is_it = |node: &Node| matches!(node, Node::Element(child) if child.name == name);
        let place = self.children.iter().position(is_it)?;
        match self.children.remove(place) {
            Node::Element(child) => Some(child),
            Node::Text(_) => None,
        }
    }

    /// The canonical octets as a document of its own: no prefix anywhere, a default `xmlns` only
    /// where it differs from the parent's. Inclusive and exclusive canonical XML agree on it.
    pub fn canonical(&self) -> String {
        let mut out = String::new();
        self.write(None, &mut out);
        out
    }

    fn write(&self, parent: Option<Ns>, out: &mut String) {
        out.push('<');
        out.push_str(self.name);
        if parent != Some(self.ns) {
            out.push_str(" xmlns=\"");
            out.push_str(self.ns);
            out.push('"');
        }
        for (name, value) in &self.attributes {
            out.push(' ');
            out.push_str(name);
            out.push_str("=\"");
            escape_attribute(value, out);
            out.push('"');
        }
        out.push('>');
        for child in &self.children {
            match child {
                Node::Element(element) => element.write(Some(self.ns), out),
                Node::Text(text) => escape_text(text, out),
            }
        }
        out.push_str("</");
        out.push_str(self.name);
        out.push('>');
    }
}

/// Escapes text as canonical XML does.
pub fn escape_text(text: &str, out: &mut String) {
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\r' => out.push_str("&#xD;"),
            other => out.push(other),
        }
    }
}

/// Escapes an attribute value as canonical XML does.
pub fn escape_attribute(value: &str, out: &mut String) {
    for character in value.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '"' => out.push_str("&quot;"),
            '\t' => out.push_str("&#x9;"),
            '\n' => out.push_str("&#xA;"),
            '\r' => out.push_str("&#xD;"),
            other => out.push(other),
        }
    }
}
