//! Games with XML itself: document types, entities, encodings, floods, malformed text.

use super::documents::{edited, one, sealed, swap};
use super::site::{Attack, Site, refused};
use mbx_sim::marshal::{Style, envelope};
use std::fmt::Write as _;

/// A sound call with a document type before it.
fn with_doctype(site: &Site, doctype: &str, edit: impl FnOnce(String) -> String) -> Vec<Attack> {
    edited(site, |text| edit(swap(&text, "?>\n", &format!("?>\n{doctype}"))))
}

fn text(site: &Site) -> String {
    envelope(&sealed(site), Style::Default)
}

/// The subject's place taken by something else.
fn for_subject(site: &Site, other: &str) -> Vec<Attack> {
    edited(site, |text| swap(&text, ">Beslut<", &format!(">{other}<")))
}

/// Attributes or declarations on one element.
fn many(count: usize, make: impl Fn(usize) -> String) -> String {
    (0..count).fold(String::new(), |mut text, number| {
        write!(text, " {}", make(number)).unwrap();
        text
    })
}

fn utf16(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(unit).collect()
}

refused! {
    a_document_type: 5001 DELIVERY_NOT_XML, |site: &Site| {
        with_doctype(site, "<!DOCTYPE a>", |text| text)
    };
    an_internal_entity: 5001 DELIVERY_NOT_XML, |site: &Site| {
        with_doctype(site, "<!DOCTYPE a [<!ENTITY x \"Beslut\">]>", |text| {
            swap(&text, ">Beslut<", ">&x;<")
        })
    };
    an_external_entity: 5001 DELIVERY_NOT_XML, |site: &Site| {
        let doctype = "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>";
        with_doctype(site, doctype, |text| swap(&text, ">Beslut<", ">&x;<"))
    };
    an_external_document_type: 5001 DELIVERY_NOT_XML, |site: &Site| {
        with_doctype(site, "<!DOCTYPE a SYSTEM \"http://127.0.0.1/evil.dtd\">", |text| text)
    };
    a_parameter_entity: 5001 DELIVERY_NOT_XML, |site: &Site| {
        let doctype = "<!DOCTYPE a [<!ENTITY % p SYSTEM \"http://127.0.0.1/p\"> %p;]>";
        with_doctype(site, doctype, |text| text)
    };
    a_billion_laughs: 5001 DELIVERY_NOT_XML, |site: &Site| {
        let mut doctype = "<!DOCTYPE a [<!ENTITY l0 \"ha\">".to_owned();
        for level in 1..30 {
            let name = format!("&l{};", level - 1);
            write!(doctype, "<!ENTITY l{level} \"{}\">", name.repeat(10)).unwrap();
        }
        with_doctype(site, &(doctype + "]>"), |text| swap(&text, ">Beslut<", ">&l29;<"))
    };
    an_entity_that_nobody_declared: 5001 DELIVERY_NOT_XML, |site: &Site| {
        for_subject(site, "&nbsp;")
    };
    a_processing_instruction: 5001 DELIVERY_NOT_XML, |site: &Site| {
        edited(site, |text| swap(&text, "<s:Body>", "<?php x?><s:Body>"))
    };
    a_style_sheet_instruction: 5001 DELIVERY_NOT_XML, |site: &Site| {
        edited(site, |text| swap(&text, "?>\n", "?>\n<?xml-stylesheet href=\"x.xsl\"?>"))
    };
    an_inclusion_of_a_file: 5001 DELIVERY_SHAPE, |site: &Site| {
        let uri = "http://www.w3.org/2001/XInclude";
        for_subject(site, &format!("<i:include xmlns:i=\"{uri}\" href=\"file:///etc/passwd\"/>"))
    };
    a_comment_in_a_signed_text: 5001 DELIVERY_NOT_XML, |site: &Site| {
        for_subject(site, "Bes<!-- -->lut")
    };
    a_comment_before_the_envelope: 5001 DELIVERY_NOT_XML, |site: &Site| {
        edited(site, |text| swap(&text, "?>\n", "?>\n<!-- -->"))
    };
    utf_16_with_a_mark: 5001 DELIVERY_NOT_XML, |site: &Site| {
        let mut bytes = vec![0xff, 0xfe];
        bytes.extend(utf16(&text(site), u16::to_le_bytes));
        one(site, bytes)
    };
    utf_16_without_a_mark: 5001 DELIVERY_NOT_XML, |site: &Site| {
        one(site, utf16(&text(site), u16::to_be_bytes))
    };
    latin_1_as_it_says: 5001 DELIVERY_NOT_XML, |site: &Site| {
        let text = swap(&text(site), "UTF-8", "ISO-8859-1");
        let text = swap(&text, "Example Authority", "F\u{f6}rvaltning");
        one(site, text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect::<Vec<u8>>())
    };
    latin_1_that_says_utf_8: 5001 DELIVERY_NOT_XML, |site: &Site| {
        let mut bytes = text(site).into_bytes();
        let place = bytes.windows(6).position(|window| window == b"Beslut").unwrap();
        bytes[place] = 0xe4;
        one(site, bytes)
    };
    a_declaration_of_another_encoding: 5001 DELIVERY_NOT_XML, |site: &Site| {
        edited(site, |text| swap(&text, "UTF-8", "UTF-7"))
    };
    a_declaration_of_another_xml_version: 5001 DELIVERY_NOT_XML, |site: &Site| {
        edited(site, |text| swap(&text, "version=\"1.0\"", "version=\"1.1\""))
    };
    a_declaration_that_is_not_at_the_start: 5001 DELIVERY_NOT_XML, |site: &Site| {
        edited(site, |text| format!(" {text}"))
    };
    two_byte_order_marks: 5001 DELIVERY_NOT_XML, |site: &Site| {
        edited(site, |text| format!("\u{feff}\u{feff}{text}"))
    };
    an_overlong_utf_8_spelling: 5001 DELIVERY_NOT_XML, |site: &Site| {
        let mut bytes = text(site).into_bytes();
        let place = bytes.windows(6).position(|window| window == b"Beslut").unwrap();
        bytes.splice(place..place, [0xc0, 0xbc]);
        one(site, bytes)
    };
    a_null_character: 5001 DELIVERY_NOT_XML, |site: &Site| for_subject(site, "Bes\0lut");
    a_reference_to_a_null_character: 5001 DELIVERY_NOT_XML, |site: &Site| {
        for_subject(site, "Bes&#0;lut")
    };
    a_reference_to_half_a_surrogate: 5001 DELIVERY_NOT_XML, |site: &Site| {
        for_subject(site, "&#xD800;")
    };
    a_reference_beyond_unicode: 5001 DELIVERY_NOT_XML, |site: &Site| {
        for_subject(site, "&#x110000;")
    };
    a_character_section_that_never_ends: 5001 DELIVERY_NOT_XML, |site: &Site| {
        for_subject(site, "<![CDATA[")
    };
    a_flood_of_attributes: 5005 DELIVERY_NOT_XML, |site: &Site| {
        let flood = many(20_000, |number| format!("a{number}=\"\""));
        edited(site, |text| swap(&text, "<s:Body>", &format!("<s:Body{flood}>")))
    };
    one_attribute_too_many: 5005 DELIVERY_NOT_XML, |site: &Site| {
        let flood = many(49, |number| format!("a{number}=\"\""));
        edited(site, |text| swap(&text, "<s:Body>", &format!("<s:Body{flood}>")))
    };
    attributes_on_every_element: 5005 DELIVERY_NOT_XML, |site: &Site| {
        let flood = format!("<a{}/>", many(48, |number| format!("a{number}=\"\""))).repeat(1000);
        edited(site, |text| swap(&text, "<s:Body>", &format!("<s:Header>{flood}</s:Header><s:Body>")))
    };
    a_flood_of_namespace_declarations: 5005 DELIVERY_NOT_XML, |site: &Site| {
        let flood = many(20_000, |number| format!("xmlns:n{number}=\"urn:n{number}\""));
        edited(site, |text| swap(&text, "<s:Body>", &format!("<s:Body{flood}>")))
    };
    namespace_declarations_piled_up: 5005 DELIVERY_NOT_XML, |site: &Site| {
        let open = many(10, |level| {
            format!("<a{}>", many(40, |number| format!("xmlns:n{level}-{number}=\"urn:n\"")))
        });
        let pile = format!("<s:Header>{open}{}</s:Header><s:Body>", "</a>".repeat(10));
        edited(site, |text| swap(&text, "<s:Body>", &pile))
    };
    elements_nested_too_deep: 5005 DELIVERY_NOT_XML, |site: &Site| {
        let deep = format!("<s:Header>{}{}</s:Header>", "<a>".repeat(60), "</a>".repeat(60));
        edited(site, |text| swap(&text, "<s:Body>", &(deep + "<s:Body>")))
    };
    elements_nested_a_hundred_thousand_deep: 5005 DELIVERY_NOT_XML, |site: &Site| {
        one(site, "<a>".repeat(100_000))
    };
    a_flood_of_elements: 5005 DELIVERY_NOT_XML, |site: &Site| {
        let flood = format!("<s:Header>{}</s:Header><s:Body>", "<a/>".repeat(20_001));
        edited(site, |text| swap(&text, "<s:Body>", &flood))
    };
    a_start_tag_of_20_kilobytes: 5005 DELIVERY_NOT_XML, |site: &Site| {
        let long = format!("<s:Body a=\"{}\">", "x".repeat(20_000));
        edited(site, |text| swap(&text, "<s:Body>", &long))
    };
    a_start_tag_that_never_ends: 5005 DELIVERY_NOT_XML, |site: &Site| {
        one(site, format!("<a b=\"{}", "x".repeat(500_000)))
    };
    an_element_name_of_20_kilobytes: 5005 DELIVERY_NOT_XML, |site: &Site| {
        one(site, format!("<{}/>", "a".repeat(20_000)))
    };
    an_attribute_twice: 5001 DELIVERY_NOT_XML, |site: &Site| {
        edited(site, |text| swap(&text, "<s:Body>", "<s:Body a=\"1\" a=\"2\">"))
    };
    an_attribute_twice_by_two_prefixes: 5001 DELIVERY_NOT_XML, |site: &Site| {
        let twice = "<s:Body xmlns:p=\"urn:a\" xmlns:q=\"urn:a\" p:a=\"1\" q:a=\"2\">";
        edited(site, |text| swap(&text, "<s:Body>", twice))
    };
    a_prefix_that_nobody_declared: 5001 DELIVERY_NOT_XML, |site: &Site| {
        edited(site, |text| swap(&text, "<Message>", "<Message q:a=\"1\">"))
    };
    a_prefix_declared_as_no_namespace: 5001 DELIVERY_NOT_XML, |site: &Site| {
        edited(site, |text| swap(&text, "<Message>", "<Message xmlns:q=\"\">"))
    };
    a_default_namespace_declared_twice: 5001 DELIVERY_NOT_XML, |site: &Site| {
        edited(site, |text| swap(&text, "<Message>", "<Message xmlns=\"a\" xmlns=\"b\">"))
    };
    the_prefix_xml_bound_to_another_namespace: 5001 DELIVERY_NOT_XML, |site: &Site| {
        edited(site, |text| swap(&text, "<s:Body>", "<s:Body xmlns:xml=\"urn:x\">"))
    };
    the_prefix_xmlns_declared: 5001 DELIVERY_NOT_XML, |site: &Site| {
        edited(site, |text| swap(&text, "<s:Body>", "<s:Body xmlns:xmlns=\"urn:x\">"))
    };
    tags_that_cross: 5001 DELIVERY_NOT_XML, |site: &Site| {
        edited(site, |text| swap(&text, "</s:Body></s:Envelope>", "</s:Envelope></s:Body>"))
    };
    a_request_cut_in_the_middle: 5001 DELIVERY_NOT_XML, |site: &Site| {
        edited(site, |text| text[..text.len() / 2].to_owned())
    };
    a_request_cut_before_its_last_character: 5001 DELIVERY_NOT_XML, |site: &Site| {
        edited(site, |text| text[..text.len() - 1].to_owned())
    };
    a_second_document_behind_the_first: 5001 DELIVERY_NOT_XML, |site: &Site| {
        edited(site, |text| text.clone() + &text[text.find("<s:Envelope").unwrap()..])
    };
    junk_behind_the_envelope: 5001 DELIVERY_NOT_XML, |site: &Site| {
        edited(site, |text| text + "junk")
    };
    an_empty_request: 5001 DELIVERY_NOT_XML, |site: &Site| one(site, "");
    a_request_of_white_space: 5001 DELIVERY_NOT_XML, |site: &Site| one(site, " \r\n".repeat(9999));
    json_instead_of_xml: 5001 DELIVERY_NOT_XML, |site: &Site| {
        one(site, "{\"deliverSecure\": {\"Recipient\": 1}}")
    };
    random_bytes: 5001 DELIVERY_NOT_XML, |site: &Site| {
        one(site, mbx_sim::load::filler(1, 50_000))
    };
    a_million_opening_brackets: 5005 DELIVERY_NOT_XML, |site: &Site| {
        one(site, "<".repeat(1_000_000))
    };
    a_million_references: 5001 DELIVERY_NOT_XML, |site: &Site| {
        one(site, format!("<a>{}</a", "&lt;".repeat(250_000)))
    };
}
