//! The one tree of a request.

use super::error::ParseError;
use super::name::Name;
use super::prescan::{PrescanError, PrescanLimits, checked_text};
use mbx_common::error::Kind;
use std::fmt;
use std::ops::Range;
use thiserror::Error;

/// A request's bytes and the tree over them; made only behind the pre-scan.
///
/// Everything that is parsed, digested and stored comes from one value of this type, so that what
/// is stored is what was signed.
pub struct Document<'input> {
    tree: roxmltree::Document<'input>,
}

/// Why bytes are no document that we read.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum ReadError {
    /// The pre-scan refused them.
    #[error(transparent)]
    Prescan(#[from] PrescanError),
    /// They are not well-formed XML with namespaces.
    #[error("the request is not well-formed XML (line {line}, column {column})")]
    NotWellFormed {
        /// Line of the first error, from 1.
        line: u32,
        /// Column of the first error in characters, from 1.
        column: u32,
    },
}

impl ReadError {
    /// Whose move it is.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Prescan(error) => error.kind(),
            Self::NotWellFormed { .. } => Kind::Usage,
        }
    }

    /// The `ErrorCode` of the fault (contract §3.5).
    pub const fn error_code(&self) -> u16 {
        match self {
            Self::Prescan(error) => error.error_code(),
            Self::NotWellFormed { .. } => 5001,
        }
    }
}

impl<'input> Document<'input> {
    /// Scans the bytes, then builds the tree.
    ///
    /// # Errors
    /// [`ReadError`]; nothing was allocated in proportion to anything but the bytes.
    pub fn read(payload: &'input [u8], limits: &PrescanLimits) -> Result<Self, ReadError> {
        let text = checked_text(payload, limits)?;
        let options = roxmltree::ParsingOptions {
            allow_dtd: false,
            nodes_limit: limits.nodes_max(),
            entity_resolver: None,
        };
        let tree = roxmltree::Document::parse_with_options(text, options).map_err(|error| {
            let at = error.pos();
            ReadError::NotWellFormed { line: at.row, column: at.col }
        })?;
        Ok(Self { tree })
    }

    /// The bytes of the request; every range of a part counts from their first.
    pub fn payload(&self) -> &'input [u8] {
        self.tree.input_text().as_bytes()
    }

    /// The outermost element.
    pub(in crate::delivery) fn root(&self) -> Element<'_> {
        Element(self.tree.root_element())
    }
}

impl fmt::Debug for Document<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document").field("len", &self.payload().len()).finish_non_exhaustive()
    }
}

/// An element of a [`Document`].
#[derive(Clone, Copy, Eq, PartialEq)]
pub(in crate::delivery) struct Element<'d>(pub(in crate::delivery) roxmltree::Node<'d, 'd>);

impl<'d> Element<'d> {
    /// Whether its expanded name is this one.
    pub(in crate::delivery) fn is(self, name: Name) -> bool {
        let tag = self.0.tag_name();
        tag.name() == name.local && tag.namespace().unwrap_or_default() == name.ns
    }

    /// Its namespace URI, empty for none.
    pub(in crate::delivery) fn ns(self) -> &'d str {
        self.0.tag_name().namespace().unwrap_or_default()
    }

    /// Its local name.
    pub(in crate::delivery) fn local(self) -> &'d str {
        self.0.tag_name().name()
    }

    /// Its prefix as written, empty for none.
    pub(in crate::delivery) fn prefix(self) -> &'d str {
        let input = self.0.document().input_text();
        let tag = input.get(self.0.range()).unwrap_or_default().trim_start_matches('<');
        let name_end = tag.find([' ', '\t', '\r', '\n', '/', '>']).unwrap_or(tag.len());
        let name = tag.get(..name_end).unwrap_or_default();
        name.split_once(':').map_or("", |(prefix, _)| prefix)
    }

    /// Whether this prefix (empty for the default namespace) means this namespace here.
    pub(in crate::delivery) fn declares(self, prefix: &str, uri: &str) -> bool {
        let prefix = (!prefix.is_empty()).then_some(prefix);
        self.0.lookup_namespace_uri(prefix) == Some(uri)
    }

    /// The value of an attribute without namespace.
    pub(in crate::delivery) fn attribute(self, local: &str) -> Option<&'d str> {
        self.0
            .attributes()
            .find(|attribute| attribute.name() == local && attribute.namespace().is_none())
            .map(|attribute| attribute.value())
    }

    /// Where it stands in the payload, tags included.
    pub(in crate::delivery) fn range(self) -> Range<usize> {
        self.0.range()
    }

    /// Its characters, where it has no child element.
    ///
    /// # Errors
    /// [`ParseError::NotText`] where it has one.
    pub(in crate::delivery) fn text(self, name: &'static str) -> Result<&'d str, ParseError> {
        let mut children = self.0.children();
        match (children.next(), children.next()) {
            (None, _) => Ok(""),
            (Some(only), None) if only.is_text() => Ok(only.text().unwrap_or_default()),
            _ => Err(ParseError::NotText { element: name }),
        }
    }

    /// Where its characters stand in the payload, as written: between its two tags.
    ///
    /// Empty, at its end, where it has no child.
    pub(in crate::delivery) fn content_range(self) -> Range<usize> {
        let Some(first) = self.0.first_child() else { return self.range().end..self.range().end };
        let input = self.0.document().input_text();
        let start = first.range().start;
        let inner = input.get(start..self.range().end).unwrap_or_default();
        let len = inner.rfind("</").unwrap_or_default();
        start..start.saturating_add(len)
    }
}
