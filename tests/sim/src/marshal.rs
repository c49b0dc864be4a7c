//! The three ways in which real senders write the same signed tree into SOAP (contract §8, §10).

use crate::xml::{Element, Node, Ns, escape_attribute, escape_text, ns};
use std::collections::BTreeMap;

/// A way of writing namespaces.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Style {
    /// Default namespaces, as signed (.NET).
    Default,
    /// Every namespace by a prefix `p1 …` declared on the Envelope (Kivra's generator).
    Prefixed,
    /// Prefixes `ns2 …` declared on the body's child, unused ones among them (JAXB).
    Jaxb,
}

impl Style {
    /// Every style.
    pub const ALL: [Self; 3] = [Self::Default, Self::Prefixed, Self::Jaxb];
}

/// Wraps a tree in a SOAP 1.1 envelope, written in the style.
pub fn envelope(body: &Element, style: Style) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let soap = "http://schemas.xmlsoap.org/soap/envelope/";
    match style {
        Style::Default => {
            out.push_str("<s:Envelope xmlns:s=\"");
            out.push_str(soap);
            out.push_str("\"><s:Body>");
            out.push_str(&body.canonical());
            out.push_str("</s:Body></s:Envelope>");
        }
        Style::Prefixed => {
            let prefixes = prefixes(body, "p", 1);
            out.push_str("<soapenv:Envelope xmlns:soapenv=\"");
            out.push_str(soap);
            out.push('"');
            declare(&prefixes, &mut out);
            out.push_str("><soapenv:Header/><soapenv:Body>");
            write(body, &prefixes, "", &mut out);
            out.push_str("</soapenv:Body></soapenv:Envelope>");
        }
        Style::Jaxb => {
            let mut prefixes = prefixes(body, "ns", 2);
            for unused in [ns::C3, ns::N3, "http://minameddelanden.gov.se/schema/Receipt"] {
                let next = format!("ns{}", prefixes.len() + 2);
                prefixes.entry(unused).or_insert(next);
            }
            let mut declarations = String::new();
            declare(&prefixes, &mut declarations);
            out.push_str("<SOAP-ENV:Envelope xmlns:SOAP-ENV=\"");
            out.push_str(soap);
            out.push_str("\"><SOAP-ENV:Header/><SOAP-ENV:Body>");
            write(body, &prefixes, &declarations, &mut out);
            out.push_str("</SOAP-ENV:Body></SOAP-ENV:Envelope>");
        }
    }
    out
}

fn prefixes(body: &Element, stem: &str, first: usize) -> BTreeMap<Ns, String> {
    fn collect(element: &Element, found: &mut BTreeMap<Ns, String>) {
        found.entry(element.ns).or_default();
        for child in &element.children {
            if let Node::Element(child) = child {
                collect(child, found);
            }
        }
    }
    let mut found = BTreeMap::new();
    collect(body, &mut found);
    for (index, prefix) in found.values_mut().enumerate() {
        *prefix = format!("{stem}{}", index + first);
    }
    found
}

fn declare(prefixes: &BTreeMap<Ns, String>, out: &mut String) {
    for (uri, prefix) in prefixes {
        out.push_str(" xmlns:");
        out.push_str(prefix);
        out.push_str("=\"");
        out.push_str(uri);
        out.push('"');
    }
}

fn write(element: &Element, prefixes: &BTreeMap<Ns, String>, declarations: &str, out: &mut String) {
    let prefix = prefixes.get(element.ns).map_or("", String::as_str);
    out.push('<');
    out.push_str(prefix);
    out.push(':');
    out.push_str(element.name);
    out.push_str(declarations);
    for (name, value) in &element.attributes {
        out.push(' ');
        out.push_str(name);
        out.push_str("=\"");
        escape_attribute(value, out);
        out.push('"');
    }
    out.push('>');
    for child in &element.children {
        match child {
            Node::Element(child) => write(child, prefixes, "", out),
            Node::Text(text) => escape_text(text, out),
        }
    }
    out.push_str("</");
    out.push_str(prefix);
    out.push(':');
    out.push_str(element.name);
    out.push('>');
}
