//! Canonical octets of a tree as a document of its own: what a signer of the other side digests.
//!
//! Source: Canonical XML 1.0 §2.3; Exclusive XML Canonicalization 1.0 §3; contract §4.

use crate::tree::{Attribute, Element, Node, ns};

/// How namespaces are written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Form {
    /// No prefix on any element.
    PrefixFree,
    /// Exclusive, with the prefixes that the tree says.
    AsSent,
}

/// The octets of an element; comments are left out.
pub fn canonical(element: &Element, form: Form) -> String {
    let mut out = String::new();
    write(element, form, &mut Vec::new(), &mut out);
    out
}

type Bindings = Vec<(String, String)>;

fn lookup<'s>(scope: &'s Bindings, prefix: &str) -> Option<&'s str> {
    let bound = scope.iter().rev().find(|(known, _)| known == prefix);
    bound.map(|(_, uri)| uri.as_str())
}

fn write(element: &Element, form: Form, rendered: &mut Bindings, out: &mut String) {
    let mark = rendered.len();
    let prefix = match form {
        Form::PrefixFree => "",
        Form::AsSent => element.prefix.as_deref().unwrap_or_default(),
    };
    let mut wanted = vec![(prefix.to_owned(), element.ns.clone())];
    for attribute in &element.attributes {
        if !attribute.ns.is_empty() && attribute.ns != ns::XML {
            wanted.push((attribute.prefix.clone(), attribute.ns.clone()));
        }
    }
    wanted.sort();
    wanted.dedup();
    let name = qualified(prefix, &element.local);
    out.push('<');
    out.push_str(&name);
    for (prefix, uri) in wanted {
        let known = lookup(rendered, &prefix);
        if known == Some(&uri) || (known.is_none() && prefix.is_empty() && uri.is_empty()) {
            continue;
        }
        out.push_str(if prefix.is_empty() { " xmlns" } else { " xmlns:" });
        out.push_str(&prefix);
        out.push_str("=\"");
        out.push_str(&attribute_text(&uri));
        out.push('"');
        rendered.push((prefix, uri));
    }
    let mut attributes: Vec<&Attribute> = element.attributes.iter().collect();
    attributes.sort_by(|a, b| (&a.ns, &a.local).cmp(&(&b.ns, &b.local)));
    for attribute in attributes {
        let name = qualified(&attribute.prefix, &attribute.local);
        out.push_str(&format!(" {name}=\"{}\"", attribute_text(&attribute.value)));
    }
    out.push('>');
    for child in &element.children {
        match child {
            Node::Element(child) => write(child, form, rendered, out),
            Node::Text(text) => out.push_str(&text_text(text)),
            Node::Comment(_) => {}
            Node::Instruction(target, data) if data.is_empty() => {
                out.push_str(&format!("<?{target}?>"));
            }
            Node::Instruction(target, data) => out.push_str(&format!("<?{target} {data}?>")),
        }
    }
    out.push_str(&format!("</{name}>"));
    rendered.truncate(mark);
}

/// `prefix:local`, or the local name alone.
pub(crate) fn qualified(prefix: &str, local: &str) -> String {
    if prefix.is_empty() { local.to_owned() } else { format!("{prefix}:{local}") }
}

fn text_text(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('\r', "&#xD;")
}

fn attribute_text(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
    text.replace('\t', "&#x9;").replace('\n', "&#xA;").replace('\r', "&#xD;")
}
