//! A mutable XML tree that keeps what an attacker plays with: prefixes, declarations, comments.

/// Namespaces of the contract (§2).
pub mod ns {
    /// SOAP 1.1 envelope.
    pub const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";
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
    /// XML signatures.
    pub const DS: &str = "http://www.w3.org/2000/09/xmldsig#";
    /// Exclusive canonicalisation.
    pub const EXC: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
    /// Schema instance.
    pub const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";
    /// The prefix `xml`.
    pub const XML: &str = "http://www.w3.org/XML/1998/namespace";
}

/// A node.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Node {
    /// An element.
    Element(Element),
    /// A text, not escaped.
    Text(String),
    /// A comment.
    Comment(String),
    /// A processing instruction: target and data.
    Instruction(String, String),
}

/// An attribute; without prefix it is in no namespace.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Attribute {
    /// Prefix as written.
    pub prefix: String,
    /// Namespace.
    pub ns: String,
    /// Local name.
    pub local: String,
    /// Value, not escaped.
    pub value: String,
}

/// An element.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Element {
    /// The prefix that it must be written with, empty for none; `None` leaves it to the style.
    pub prefix: Option<String>,
    /// Namespace, empty for none.
    pub ns: String,
    /// Local name.
    pub local: String,
    /// Attributes in order of writing.
    pub attributes: Vec<Attribute>,
    /// Declarations beyond those that are needed: prefix and namespace.
    pub declared: Vec<(String, String)>,
    /// Children.
    pub children: Vec<Node>,
}

impl Element {
    /// An empty element.
    pub fn new(ns: &str, local: &str) -> Self {
        Self { ns: ns.to_owned(), local: local.to_owned(), ..Self::default() }
    }

    /// An element that holds a text.
    pub fn of(ns: &str, local: &str, text: &str) -> Self {
        let mut element = Self::new(ns, local);
        if !text.is_empty() {
            element.children.push(Node::Text(text.to_owned()));
        }
        element
    }

    /// Adds an attribute without namespace.
    #[must_use]
    pub fn with(mut self, local: &str, value: &str) -> Self {
        self.set(local, value);
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

    /// Sets an attribute without namespace.
    pub fn set(&mut self, local: &str, value: &str) {
        self.attributes.retain(|attribute| attribute.local != local || !attribute.ns.is_empty());
        self.attribute("", "", local, value);
    }

    /// Appends an attribute, whatever stands there.
    pub fn attribute(&mut self, prefix: &str, ns: &str, local: &str, value: &str) {
        let [prefix, ns, local, value] = [prefix, ns, local, value].map(str::to_owned);
        self.attributes.push(Attribute { prefix, ns, local, value });
    }

    /// The value of an attribute without namespace.
    pub fn get(&self, local: &str) -> Option<&str> {
        let mut found = self.attributes.iter().filter(|a| a.local == local && a.ns.is_empty());
        found.next().map(|attribute| attribute.value.as_str())
    }

    /// Child elements.
    pub fn elements(&self) -> impl Iterator<Item = &Self> {
        self.children.iter().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            Node::Text(_) | Node::Comment(_) | Node::Instruction(..) => None,
        })
    }

    /// Child elements, to be changed.
    pub fn elements_mut(&mut self) -> impl Iterator<Item = &mut Self> {
        self.children.iter_mut().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            Node::Text(_) | Node::Comment(_) | Node::Instruction(..) => None,
        })
    }

    /// The first element of this local name, itself and all below, in document order.
    pub fn find(&self, local: &str) -> Option<&Self> {
        if self.local == local {
            return Some(self);
        }
        self.elements().find_map(|child| child.find(local))
    }

    /// The same, to be changed.
    pub fn find_mut(&mut self, local: &str) -> Option<&mut Self> {
        if self.local == local {
            return Some(self);
        }
        self.elements_mut().find_map(|child| child.find_mut(local))
    }

    /// The first child element of this local name.
    pub fn own(&self, local: &str) -> Option<&Self> {
        self.elements().find(|child| child.local == local)
    }

    /// The same, to be changed.
    pub fn own_mut(&mut self, local: &str) -> Option<&mut Self> {
        self.elements_mut().find(|child| child.local == local)
    }

    /// Takes out the last child element of this local name.
    pub fn take(&mut self, local: &str) -> Option<Self> {
        let is_it = |node: &Node| matches!(node, Node::Element(child) if child.local == local);
        let place = self.children.iter().rposition(is_it)?;
        match self.children.remove(place) {
            Node::Element(child) => Some(child),
            Node::Text(_) | Node::Comment(_) | Node::Instruction(..) => None,
        }
    }

    /// Its texts and those of everything below it, in order.
    pub fn text(&self) -> String {
        self.children
            .iter()
            .map(|node| match node {
                Node::Element(element) => element.text(),
                Node::Text(text) => text.clone(),
                Node::Comment(_) | Node::Instruction(..) => String::new(),
            })
            .collect()
    }

    /// How many elements it is, itself and all below.
    pub fn count(&self) -> usize {
        1 + self.elements().map(Self::count).sum::<usize>()
    }

    /// The element of this number in document order, 0 being itself.
    pub fn nth_mut(&mut self, number: usize) -> Option<&mut Self> {
        if number == 0 {
            return Some(self);
        }
        let mut before = 1;
        for child in self.elements_mut() {
            let count = child.count();
            if number < before + count {
                return child.nth_mut(number - before);
            }
            before += count;
        }
        None
    }

    /// Does something to itself and every element below.
    pub fn each(&mut self, act: &mut impl FnMut(&mut Self)) {
        act(self);
        for child in self.elements_mut() {
            child.each(act);
        }
    }
}
