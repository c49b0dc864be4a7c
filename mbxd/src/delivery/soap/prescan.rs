//! What is refused before any tree is built.
//!
//! Tree builders take tens of seconds over some thousands of attributes or declarations on one
//! element, and memory in proportion to marks rather than bytes. This scanner reads the bytes once,
//! keeps one number per open element, and lets only documents pass for which the tree is cheap. It
//! splits into tags exactly as XML does; where a document is not well formed it may let it pass,
//! and the tree builder refuses it at that very place.

use super::declaration;
use mbx_common::error::Kind;
use memchr::{memchr, memchr_iter};
use thiserror::Error;

/// How large the shape of a document may be. Source: `delivery` design, "Policy".
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PrescanLimits {
    /// Elements within one another.
    pub depth_max: usize,
    /// Elements.
    pub elements_max: usize,
    /// Attributes and namespace declarations on one element.
    pub attributes_max: usize,
    /// Attributes and namespace declarations of all elements together.
    pub attributes_total_max: usize,
    /// Bytes of one start tag.
    pub start_tag_len_max: usize,
    /// Namespace declarations on an element and all around it.
    pub in_scope_max: usize,
    /// Sum of the declarations in scope over all elements that declare any: what a tree copies.
    pub scope_work_max: usize,
}

impl Default for PrescanLimits {
    fn default() -> Self {
        Self {
            depth_max: 48,
            elements_max: 20_000,
            attributes_max: 48,
            attributes_total_max: 40_000,
            start_tag_len_max: 16 * 1024,
            in_scope_max: 96,
            scope_work_max: 1_000_000,
        }
    }
}

impl PrescanLimits {
    /// Nodes of the tree of a document that passes: the root, elements, text around them.
    pub(super) fn nodes_max(&self) -> u32 {
        let nodes = self.elements_max.saturating_mul(2).saturating_add(2);
        u32::try_from(nodes).unwrap_or(u32::MAX)
    }
}

/// Why bytes are refused before a tree is built.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum PrescanError {
    /// The bytes are not UTF-8.
    #[error("the request is not UTF-8")]
    NotUtf8,
    /// The XML declaration names an encoding other than UTF-8.
    #[error("the XML declaration names an encoding other than UTF-8")]
    Encoding,
    /// The XML declaration is malformed or of another XML version.
    #[error("the XML declaration is not one of XML 1.0")]
    Declaration,
    /// A document type declaration, or another `<!` construct.
    #[error("the request holds a document type declaration")]
    Doctype,
    /// A comment.
    #[error("the request holds a comment")]
    Comment,
    /// A processing instruction, or an XML declaration that is not at the start.
    #[error("the request holds a processing instruction")]
    ProcessingInstruction,
    /// A reference to an entity other than the five predefined, or to no character.
    #[error("the request refers to an entity, or to no character")]
    Entity,
    /// Elements are nested too deep.
    #[error("elements are nested deeper than {max}")]
    Depth {
        /// The limit.
        max: usize,
    },
    /// Too many elements, or too many `<`.
    #[error("the request holds more than {max} elements")]
    Elements {
        /// The limit.
        max: usize,
    },
    /// Too many attributes and declarations on one element.
    #[error("an element bears more than {max} attributes and declarations")]
    Attributes {
        /// The limit.
        max: usize,
    },
    /// Too many attributes and declarations in all, or too many `=`.
    #[error("the request holds more than {max} attributes and declarations")]
    AttributesTotal {
        /// The limit.
        max: usize,
    },
    /// A tag is too long.
    #[error("a tag is longer than {max} bytes")]
    TagLen {
        /// The limit.
        max: usize,
    },
    /// Too many namespace declarations in scope, or too often.
    #[error("more than {max} namespace declarations are in scope")]
    Namespaces {
        /// The limit.
        max: usize,
    },
    /// The same prefix is declared twice on an element, or declared as no namespace.
    #[error("a namespace declaration is not one of Namespaces in XML 1.0")]
    Declares,
    /// A carriage return without its line feed beside a reference: readers differ on it.
    #[error("a carriage return stands alone beside a reference")]
    CarriageReturn,
    /// A tag, reference or section does not end, or tags do not match in number.
    #[error("the request is not well-formed XML")]
    Malformed,
}

impl PrescanError {
    /// Whose move it is: always the sender's.
    pub const fn kind(&self) -> Kind {
        Kind::Usage
    }

    /// The `ErrorCode` of the fault (contract §3.5).
    pub const fn error_code(&self) -> u16 {
        match self {
            Self::Depth { .. }
            | Self::Elements { .. }
            | Self::Attributes { .. }
            | Self::AttributesTotal { .. }
            | Self::TagLen { .. }
            | Self::Namespaces { .. } => 5005,
            Self::NotUtf8
            | Self::Encoding
            | Self::Declaration
            | Self::Doctype
            | Self::Comment
            | Self::ProcessingInstruction
            | Self::Entity
            | Self::CarriageReturn
            | Self::Declares
            | Self::Malformed => 5001,
        }
    }
}

/// Scans a request in one pass, in memory of one number per open element.
///
/// # Errors
/// [`PrescanError`] by its cause, at the first.
pub fn prescan(payload: &[u8], limits: &PrescanLimits) -> Result<(), PrescanError> {
    checked_text(payload, limits).map(|_| ())
}

/// The same, giving the bytes as text.
pub(super) fn checked_text<'input>(
    payload: &'input [u8],
    limits: &PrescanLimits,
) -> Result<&'input str, PrescanError> {
    let text = str::from_utf8(payload).map_err(|_| PrescanError::NotUtf8)?;
    // The tree reserves room for as many nodes and attributes as there are marks of them.
    if memchr_iter(b'<', payload).count() > limits.elements_max.saturating_mul(4) {
        return Err(PrescanError::Elements { max: limits.elements_max });
    }
    if memchr_iter(b'=', payload).count() > limits.attributes_total_max.saturating_mul(2) {
        return Err(PrescanError::AttributesTotal { max: limits.attributes_total_max });
    }
    Scanner::new(limits).run(declaration::skip(payload)?)?;
    Ok(text)
}

struct Scanner<'l> {
    limits: &'l PrescanLimits,
    /// Declarations on each open element.
    open: Vec<usize>,
    elements: usize,
    attributes: usize,
    in_scope: usize,
    scope_work: usize,
}

impl<'l> Scanner<'l> {
    fn new(limits: &'l PrescanLimits) -> Self {
        let open = Vec::with_capacity(limits.depth_max);
        Self { limits, open, elements: 0, attributes: 0, in_scope: 0, scope_work: 0 }
    }

    fn run(mut self, mut rest: &[u8]) -> Result<(), PrescanError> {
        while let Some(mark) = memchr(b'<', rest) {
            let (text, markup) = rest.split_at(mark);
            check_text(text)?;
            rest = self.markup(markup)?;
        }
        check_text(rest)?;
        if self.open.is_empty() { Ok(()) } else { Err(PrescanError::Malformed) }
    }

    /// Passes one construct that begins with `<`; gives what is behind it.
    fn markup<'b>(&mut self, bytes: &'b [u8]) -> Result<&'b [u8], PrescanError> {
        match bytes {
            [b'<', b'!', b'-', ..] => Err(PrescanError::Comment),
            [b'<', b'!', b'[', b'C', b'D', b'A', b'T', b'A', b'[', rest @ ..] => after_cdata(rest),
            [b'<', b'!', ..] => Err(PrescanError::Doctype),
            [b'<', b'?', ..] => Err(PrescanError::ProcessingInstruction),
            [b'<', b'/', rest @ ..] => self.end_tag(rest),
            [b'<', rest @ ..] => self.start_tag(rest),
            _ => Err(PrescanError::Malformed),
        }
    }

    fn end_tag<'b>(&mut self, bytes: &'b [u8]) -> Result<&'b [u8], PrescanError> {
        check_name(bytes)?;
        let window = bytes.get(..self.limits.start_tag_len_max).unwrap_or(bytes);
        let end = memchr(b'>', window);
        let end = end.ok_or_else(|| self.unended(bytes))?;
        self.close()?;
        bytes.get(end.saturating_add(1)..).ok_or(PrescanError::Malformed)
    }

    fn start_tag<'b>(&mut self, bytes: &'b [u8]) -> Result<&'b [u8], PrescanError> {
        check_name(bytes)?;
        let window = bytes.get(..self.limits.start_tag_len_max).unwrap_or(bytes);
        let name_end = window.iter().position(|byte| ends_name(*byte) || *byte == b'<');
        let mut rest = window.get(name_end.ok_or_else(|| self.unended(bytes))?..).unwrap_or(&[]);
        let (mut attributes, mut declared) = (0_usize, 0_usize);
        let (mut default, mut xml) = (false, false);
        let empty = loop {
            rest = rest.trim_ascii_start();
            match rest {
                [] => return Err(self.unended(bytes)),
                [b'>', behind @ ..] => {
                    rest = behind;
                    break false;
                }
                [b'/', b'>', behind @ ..] => {
                    rest = behind;
                    break true;
                }
                _ => {}
            }
            attributes = attributes.saturating_add(1);
            if attributes > self.limits.attributes_max {
                return Err(PrescanError::Attributes { max: self.limits.attributes_max });
            }
            let Attribute { name, value, rest: behind } = match attribute(rest) {
                Err(PrescanError::Malformed) => return Err(self.unended(bytes)),
                read => read?,
            };
            let kind = Declared::by(name, value)?;
            // The tree passes over a second declaration of either.
            if (default && kind == Declared::Default) || (xml && kind == Declared::Xml) {
                return Err(PrescanError::Declares);
            }
            default |= kind == Declared::Default;
            xml |= kind == Declared::Xml;
            declared = declared.saturating_add(usize::from(kind != Declared::Nothing));
            rest = behind;
        };
        self.open_element(attributes, declared)?;
        if empty {
            self.close()?;
        }
        let passed = window.len().saturating_sub(rest.len());
        bytes.get(passed..).ok_or(PrescanError::Malformed)
    }

    fn open_element(&mut self, attributes: usize, declared: usize) -> Result<(), PrescanError> {
        let limits = self.limits;
        self.elements = self.elements.saturating_add(1);
        self.attributes = self.attributes.saturating_add(attributes);
        self.in_scope = self.in_scope.saturating_add(declared);
        if declared > 0 {
            self.scope_work = self.scope_work.saturating_add(self.in_scope);
        }
        self.open.push(declared);
        if self.elements > limits.elements_max {
            return Err(PrescanError::Elements { max: limits.elements_max });
        }
        if self.attributes > limits.attributes_total_max {
            return Err(PrescanError::AttributesTotal { max: limits.attributes_total_max });
        }
        if self.open.len() > limits.depth_max {
            return Err(PrescanError::Depth { max: limits.depth_max });
        }
        if self.in_scope > limits.in_scope_max || self.scope_work > limits.scope_work_max {
            return Err(PrescanError::Namespaces { max: limits.in_scope_max });
        }
        Ok(())
    }

    fn close(&mut self) -> Result<(), PrescanError> {
        let declared = self.open.pop().ok_or(PrescanError::Malformed)?;
        self.in_scope = self.in_scope.saturating_sub(declared);
        Ok(())
    }

    /// A tag that does not end: too long, or the request is cut.
    fn unended(&self, tag: &[u8]) -> PrescanError {
        let max = self.limits.start_tag_len_max;
        if tag.len() > max { PrescanError::TagLen { max } } else { PrescanError::Malformed }
    }
}

/// What an attribute declares.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Declared {
    Nothing,
    Default,
    Xml,
    Prefix,
}

impl Declared {
    /// Reads it from the name. Some tree builders take `p:xmlns` for a declaration and
    /// `xmlns:p=""` for one of no namespace, and some let `xmlns` itself be declared; none of it is
    /// Namespaces in XML 1.0.
    fn by(name: &[u8], value: &[u8]) -> Result<Self, PrescanError> {
        match name {
            b"xmlns" => Ok(Self::Default),
            b"xmlns:xml" => Ok(Self::Xml),
            b"xmlns:xmlns" => Err(PrescanError::Declares),
            [b'x', b'm', b'l', b'n', b's', b':', ..] if value.is_empty() => {
                Err(PrescanError::Declares)
            }
            [b'x', b'm', b'l', b'n', b's', b':', ..] => Ok(Self::Prefix),
            _ if name.ends_with(b":xmlns") => Err(PrescanError::Declares),
            _ => Ok(Self::Nothing),
        }
    }
}

/// `name = "value" rest`.
struct Attribute<'b> {
    name: &'b [u8],
    value: &'b [u8],
    rest: &'b [u8],
}

/// Splits off an attribute; the name is what stands before white space or `=`.
fn attribute(bytes: &[u8]) -> Result<Attribute<'_>, PrescanError> {
    let malformed = PrescanError::Malformed;
    let name_end = bytes.iter().position(|byte| ends_name(*byte)).ok_or(malformed)?;
    let (name, rest) = bytes.split_at(name_end);
    check_name(name)?;
    let [b'=', rest @ ..] = rest.trim_ascii_start() else { return Err(malformed) };
    let [quote @ (b'"' | b'\''), rest @ ..] = rest.trim_ascii_start() else {
        return Err(malformed);
    };
    let end = rest.iter().position(|byte| byte == quote || *byte == b'<').ok_or(malformed)?;
    let (value, rest) = rest.split_at(end);
    check_references(value)?;
    let [close, rest @ ..] = rest else { return Err(malformed) };
    if name.is_empty() || close != quote {
        return Err(malformed);
    }
    Ok(Attribute { name, value, rest })
}

/// A name with nothing before its colon: the tree passes over the colon, no other reader does.
///
/// Source: Namespaces in XML 1.0 §4.
const fn check_name(bytes: &[u8]) -> Result<(), PrescanError> {
    if matches!(bytes, [b':', ..]) { Err(PrescanError::Malformed) } else { Ok(()) }
}

const fn ends_name(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b'=' | b'>' | b'/' | b'"' | b'\'')
}

fn after_cdata(bytes: &[u8]) -> Result<&[u8], PrescanError> {
    let mut rest = bytes;
    while let Some(place) = rest.iter().position(|byte| *byte == b']') {
        rest = rest.get(place..).unwrap_or_default();
        if let Some(behind) = rest.strip_prefix(b"]]>") {
            return Ok(behind);
        }
        rest = rest.get(1..).unwrap_or_default();
    }
    Err(PrescanError::Malformed)
}

/// References of a text, and carriage returns beside them.
///
/// XML reads a carriage return without a line feed behind it as a line feed (§2.11). So does our
/// tree builder, unless a reference follows at once, or stands before it at the text's end: then the
/// return stays, and we would read otherwise than whoever signed. A `;` is taken for a reference's
/// end.
fn check_text(text: &[u8]) -> Result<(), PrescanError> {
    check_references(text)?;
    let mut rest = text;
    while let Some(place) = memchr(b'\r', rest) {
        let (before, from) = rest.split_at(place);
        rest = from.get(1..).unwrap_or_default();
        if rest.starts_with(b"&") || (rest.is_empty() && before.ends_with(b";")) {
            return Err(PrescanError::CarriageReturn);
        }
    }
    Ok(())
}

/// Each `&` must begin one of the five predefined references or a numeric one.
fn check_references(text: &[u8]) -> Result<(), PrescanError> {
    let mut rest = text;
    while let Some(place) = memchr(b'&', rest) {
        rest = rest.get(place.saturating_add(1)..).unwrap_or_default();
        let window = rest.get(..REFERENCE_LEN_MAX).unwrap_or(rest);
        let end = window.iter().position(|byte| *byte == b';').ok_or(PrescanError::Entity)?;
        let (name, _) = window.split_at(end);
        let known = match name {
            [b'#', b'x', digits @ ..] => is_character(digits, 16),
            [b'#', digits @ ..] => is_character(digits, 10),
            _ => [&b"amp"[..], b"lt", b"gt", b"quot", b"apos"].contains(&name),
        };
        if !known {
            return Err(PrescanError::Entity);
        }
    }
    Ok(())
}

/// Whether digits name a character of XML 1.0 (§2.2). Tree builders take a surrogate, or a number
/// beyond Unicode, for U+FFFD, and then two texts would read alike.
fn is_character(digits: &[u8], radix: u32) -> bool {
    let text = str::from_utf8(digits).unwrap_or_default();
    let plain = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let number = u32::from_str_radix(text, radix).ok().filter(|_| plain);
    match number.and_then(char::from_u32) {
        Some('\t' | '\n' | '\r') => true,
        Some(character) => character >= ' ' && !matches!(character, '\u{FFFE}' | '\u{FFFF}'),
        None => false,
    }
}

/// Between `&` and `;`, both excluded but the last: enough for every character with leading zeros.
const REFERENCE_LEN_MAX: usize = 12;
