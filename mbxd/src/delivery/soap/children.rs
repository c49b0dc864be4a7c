//! A cursor over the children of an element that has only children.

use super::document::Element;
use super::error::ParseError;
use super::name::{Name, ns};

/// Reads a child list in the order of the schema.
pub(in crate::delivery) struct Children<'d> {
    parent: &'static str,
    rest: roxmltree::Children<'d, 'd>,
    ahead: Option<Element<'d>>,
}

impl<'d> Children<'d> {
    /// Starts before the first child; the parent may bear no attribute but `xsi:` ones.
    pub(in crate::delivery) fn of(
        element: Element<'d>,
        parent: &'static str,
    ) -> Result<Self, ParseError> {
        refuse_attributes(element, parent, &[])?;
        Self::with_any_attribute(element, parent)
    }

    /// The same for a parent that may bear `Id`.
    pub(in crate::delivery) fn of_signed(
        element: Element<'d>,
        parent: &'static str,
    ) -> Result<Self, ParseError> {
        refuse_attributes(element, parent, &["Id"])?;
        Self::with_any_attribute(element, parent)
    }

    /// The same for a parent whose attributes are nobody's business.
    pub(in crate::delivery) fn with_any_attribute(
        element: Element<'d>,
        parent: &'static str,
    ) -> Result<Self, ParseError> {
        let mut children = Self { parent, rest: element.0.children(), ahead: None };
        children.advance()?;
        Ok(children)
    }

    /// The next child, which must bear this name.
    pub(in crate::delivery) fn required(&mut self, name: Name) -> Result<Element<'d>, ParseError> {
        self.optional(name)?.ok_or(ParseError::Missing { parent: self.parent, child: name.local })
    }

    /// The next child if it bears this name.
    pub(in crate::delivery) fn optional(
        &mut self,
        name: Name,
    ) -> Result<Option<Element<'d>>, ParseError> {
        let Some(child) = self.ahead.filter(|child| child.is(name)) else { return Ok(None) };
        self.advance()?;
        Ok(Some(child))
    }

    /// The next child, whatever its name.
    pub(in crate::delivery) fn any(&mut self) -> Result<Option<Element<'d>>, ParseError> {
        let child = self.ahead;
        self.advance()?;
        Ok(child)
    }

    /// Ends the list: no child may be left.
    pub(in crate::delivery) fn end(self) -> Result<(), ParseError> {
        match self.ahead {
            None => Ok(()),
            Some(_) => Err(ParseError::Unexpected { parent: self.parent }),
        }
    }

    fn advance(&mut self) -> Result<(), ParseError> {
        self.ahead = None;
        for node in self.rest.by_ref() {
            if node.is_element() {
                self.ahead = Some(Element(node));
                break;
            }
            if !node.text().unwrap_or_default().bytes().all(|byte| byte.is_ascii_whitespace()) {
                return Err(ParseError::StrayText { parent: self.parent });
            }
        }
        Ok(())
    }
}

/// Refuses every attribute but `xsi:` ones (ignored, contract: `xsi:type` says nothing to us) and
/// the allowed ones without namespace.
pub(in crate::delivery) fn refuse_attributes(
    element: Element<'_>,
    name: &'static str,
    allowed: &[&str],
) -> Result<(), ParseError> {
    let known = |attribute: roxmltree::Attribute<'_, '_>| match attribute.namespace() {
        None => allowed.contains(&attribute.name()),
        Some(uri) => uri == ns::XSI,
    };
    if element.0.attributes().all(known) {
        return Ok(());
    }
    Err(ParseError::Attribute { element: name })
}
