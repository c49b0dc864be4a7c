//! The request's bytes: encodings, document types, references, tags cut and spliced.

use super::{Move, Stage, breaks, keeps};
use crate::scene::Scene;
use rand::RngExt as _;
use rand::seq::IndexedRandom as _;

pub(super) fn moves() -> Vec<Move> {
    use Stage::Octets;
    vec![
        keeps("a byte order mark", Octets, |scene| {
            if !scene.octets.starts_with(b"\xef\xbb\xbf") {
                scene.octets.splice(..0, *b"\xef\xbb\xbf");
            }
        }),
        breaks("two byte order marks", Octets, |scene| {
            scene.octets.splice(..0, *b"\xef\xbb\xbf\xef\xbb\xbf");
        }),
        breaks("UTF-16", Octets, |scene| {
            let text = String::from_utf8_lossy(&scene.octets).into_owned();
            let big = scene.rng.random_bool(0.5);
            let mut octets = if big { vec![0xfe, 0xff] } else { vec![0xff, 0xfe] };
            for unit in text.encode_utf16() {
                octets.extend(if big { unit.to_be_bytes() } else { unit.to_le_bytes() });
            }
            scene.octets = octets;
        }),
        breaks("another declaration", Octets, |scene| {
            let forms = [
                "<?xml version=\"1.1\"?>",
                "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>",
                "<?xml version=\"1.0\" encoding=\"UTF-16\"?>",
                "<?xml version=\"1.0\" encoding=\"UTF-7\"?>",
                "<?xml encoding=\"UTF-8\"?>",
                "<?xml version=\"1.0\" standalone=\"maybe\"?>",
                "<?xml  version=\"1.0\"?>",
                "<?xml\tversion=\"1.0\"?>",
                " <?xml version=\"1.0\"?>",
                "<?XML version=\"1.0\"?>",
                "<?xml version=\"1.0\"?><?xml version=\"1.0\"?>",
                "<?xml version=\"1.0\" encoding=\"UTF8\"?>",
                "<?xml version=\"1.0\"encoding=\"UTF-8\"?>",
                "<?xml version=\"1.00\"?>",
                "<?xml version=\"1.0\" encoding='utf-8\"?>",
            ];
            let form = *forms.choose(&mut scene.rng).unwrap_or(&"");
            let text = String::from_utf8_lossy(&scene.octets).into_owned();
            let root = text.find("<?xml ").and(text.find("?>")).map_or(0, |end| end + 2);
            scene.octets = format!("{form}{}", &text[root..]).into_bytes();
        }),
        breaks("a document type", Octets, |scene| {
            let forms = [
                "<!DOCTYPE x>",
                "<!DOCTYPE x [<!ENTITY e \"x\">]>",
                "<!DOCTYPE x SYSTEM \"file:///etc/passwd\">",
                "<!DOCTYPE x [<!ATTLIST Message hidden CDATA \"1\">]>",
                "<!doctype x>",
                "<!DOCTYPE x [<!ATTLIST SignedDelivery Id ID #IMPLIED>]>",
                "<!ENTITY e \"x\">",
                "<!DOCTYPE x [<!ENTITY % p SYSTEM \"http://localhost/\"> %p;]>",
            ];
            let form = *forms.choose(&mut scene.rng).unwrap_or(&"");
            let place = root_place(&scene.octets);
            scene.octets.splice(place..place, form.bytes());
        }),
        breaks("a comment or an instruction anywhere", Octets, |scene| {
            let forms = ["<!---->", "<!-- x -->", "<?x?>", "<?x y?>", "<!--><!-->", "<!--->"];
            let form = *forms.choose(&mut scene.rng).unwrap_or(&"");
            insert(scene, form);
        }),
        breaks("a reference anywhere", Octets, |scene| {
            let forms = [
                "&e;",
                "&amp;",
                "&#0;",
                "&#xD800;",
                "&#xFFFE;",
                "&#x110000;",
                "&#13;",
                "&#10;",
                "&#32;",
                "&#x9;",
                "&",
                "&#;",
                "&#x;",
                "&#x41",
                "&AMP;",
                "&nbsp;",
                "&#65;",
                "&#x1;",
                "&#xFFFFFFFF41;",
            ];
            let form = *forms.choose(&mut scene.rng).unwrap_or(&"");
            insert(scene, form);
        }),
        breaks("a section anywhere", Octets, |scene| {
            let forms = [
                "<![CDATA[]]>",
                "<![CDATA[x]]>",
                "<![CDATA[",
                "]]>",
                "<![CDATA[<a>]]>",
                "<![cdata[x]]>",
            ];
            let form = *forms.choose(&mut scene.rng).unwrap_or(&"");
            insert(scene, form);
        }),
        breaks("a character anywhere", Octets, |scene| {
            let forms = [
                " ", "\n", "\r", "\r\n", "\t", "\0", "\u{1}", "\u{b}", "\u{c}", "\u{85}", "\u{a0}",
                "\u{2028}", "\u{feff}", "\u{fffe}", "\u{ffff}", "x", ">", "<", "/", "\"", "'", "=",
                ":", "\u{202e}", "\u{301}", ";", "#",
            ];
            let form = *forms.choose(&mut scene.rng).unwrap_or(&"");
            insert(scene, form);
        }),
        breaks("bytes that are no UTF-8", Octets, |scene| {
            let forms: [&[u8]; 7] = [
                b"\xc0\xbc",
                b"\xe0\x80\xbc",
                b"\xed\xa0\x80",
                b"\xf4\x90\x80\x80",
                b"\xff",
                b"\x80",
                b"\xed\xa0\xb4\xed\xb4\x9e",
            ];
            let form = *forms.choose(&mut scene.rng).unwrap_or(&forms[0]);
            let place = any_place(scene);
            scene.octets.splice(place..place, form.iter().copied());
        }),
        breaks("a bit flipped", Octets, |scene| {
            let place = any_place(scene);
            let bit = 1 << scene.rng.random_range(0..8);
            if let Some(octet) = scene.octets.get_mut(place) {
                *octet ^= bit;
            }
        }),
        breaks("a stretch left out", Octets, |scene| {
            let place = any_place(scene);
            let end = (place + scene.rng.random_range(1..40)).min(scene.octets.len());
            scene.octets.drain(place..end);
        }),
        breaks("a stretch doubled", Octets, |scene| {
            let place = any_place(scene);
            let end = (place + scene.rng.random_range(1..200)).min(scene.octets.len());
            let stretch = scene.octets[place..end].to_vec();
            scene.octets.splice(end..end, stretch);
        }),
        breaks("cut at the end", Octets, |scene| {
            let place = any_place(scene);
            scene.octets.truncate(place);
        }),
        breaks("something behind the root", Octets, |scene| {
            let forms = ["<x/>", "x", "&#32;", "<![CDATA[]]>", "<!-- -->", "\0", "<?x?>", "</x>"];
            let form = *forms.choose(&mut scene.rng).unwrap_or(&"");
            scene.octets.extend(form.bytes());
        }),
        breaks("an attribute or declaration on any tag", Octets, |scene| {
            let forms = [
                " Id=\"_inner\"",
                " Id=\"_outer\"",
                " id='_inner'",
                " xml:id=\"_inner\"",
                " a=\"1\" a=\"2\"",
                " xmlns=\"\"",
                " xmlns=\"urn:x\"",
                " xmlns:p0=\"urn:x\"",
                " xmlns:p=\"\"",
                " xmlns:xmlns=\"urn:x\"",
                " xmlns:xml=\"urn:x\"",
                " xmlns:xml=\"http://www.w3.org/XML/1998/namespace\"",
                " xmlns:xml=\"http://www.w3.org/XML/1998/namespace\" xmlns:xml=\"http://www.w3.org/XML/1998/namespace\"",
                " xmlns:q=\"http://www.w3.org/XML/1998/namespace\"",
                " xmlns=\"http://www.w3.org/2000/xmlns/\"",
                " xmlns:q=\"http://www.w3.org/2000/xmlns/\"",
                " q:a=\"1\"",
                " xmlns:q=\"urn:q\" xmlns:r=\"urn:q\" q:a=\"1\" r:a=\"2\"",
                " xmlns:q=\"urn:q\"",
                " :a=\"1\"",
                " a:=\"1\"",
                " a:b:c=\"1\"",
                " xmlns:=\"urn:q\"",
                " a=1",
                " a",
                " a=\"<\"",
                " a=\"&#60;\"",
                " a='\n'",
                "a=\"1\"",
                " q:xmlns=\"urn:q\"",
                " xmlns:a:b=\"urn:q\"",
                " xmlns:\u{e5}=\"urn:q\"",
                " xmlns:1=\"urn:q\"",
                " xmlns:q='urn:q&amp;'",
                " xmlns:q='&#10;'",
                " xmlns = 'urn:x' xmlns='urn:y'",
                " s:mustUnderstand=\"1\"",
            ];
            let form = *forms.choose(&mut scene.rng).unwrap_or(&"");
            let ends: Vec<usize> = tag_name_ends(&scene.octets);
            if let Some(place) = ends.choose(&mut scene.rng) {
                scene.octets.splice(place..place, form.bytes());
            }
        }),
        breaks("a name that begins with a colon", Octets, |scene| {
            let text = String::from_utf8_lossy(&scene.octets).into_owned();
            let names = ["Subject", "Delivery", "Body", "Signature", "Language", "w"];
            let name = names.choose(&mut scene.rng).copied().unwrap_or_default();
            let [start, end] = [format!("<{name}"), format!("</{name}")];
            let [colon_start, colon_end] = [format!("<:{name}"), format!("</:{name}")];
            let text = match scene.rng.random_range(0..4) {
                0 => text.replace(&start, &colon_start),
                1 => text.replace(&end, &colon_end),
                2 => text.replace(&start, &colon_start).replace(&end, &colon_end),
                _ => text.replace(" URI=", " :URI=").replace(" Id=", " :Id="),
            };
            scene.octets = text.into_bytes();
        }),
        breaks("a namespace spelled almost alike", Octets, |scene| {
            let text = String::from_utf8_lossy(&scene.octets).into_owned();
            let swaps = [
                ("schema/Message", "schema/message"),
                ("gov.se/schema", "gov.se/%73chema"),
                ("http://minameddelanden", "HTTP://minameddelanden"),
                ("Message/v3\"", "Message/v3/\""),
                ("Message/v3\"", "Message/v3 \""),
                ("xmldsig#\"", "xmldsig\""),
                ("xmldsig#", "xmldsig&#35;"),
                ("xmlsoap.org/soap", "xmlsoap.org//soap"),
                ("Message/v3", "Message&#x2f;v3"),
                ("Message/v2", "Message/v3"),
                ("schema/Sender", "schema/Sender\u{200b}"),
            ];
            let (from, to) = *swaps.choose(&mut scene.rng).unwrap_or(&swaps[0]);
            let count = if scene.rng.random_bool(0.5) { 1 } else { usize::MAX };
            scene.octets = text.replacen(from, to, count).into_bytes();
        }),
        breaks("a name in other letters", Octets, |scene| {
            let text = String::from_utf8_lossy(&scene.octets).into_owned();
            let swaps = [
                ("Subject", "subject"),
                ("SignedDelivery", "Signeddelivery"),
                ("Signature", "signature"),
                ("Recipient", "\u{420}ecipient"),
                ("Body", "B\u{43e}dy"),
                ("Supportinfo", "SupportInfo"),
                ("Language", "Language\u{200d}"),
                ("Id>", "ID>"),
            ];
            let (from, to) = *swaps.choose(&mut scene.rng).unwrap_or(&swaps[0]);
            scene.octets = text.replace(from, to).into_bytes();
        }),
    ]
}

fn root_place(octets: &[u8]) -> usize {
    let text = String::from_utf8_lossy(octets);
    if text.trim_start_matches('\u{feff}').starts_with("<?xml ") {
        text.find("?>").map_or(0, |end| end + 2)
    } else {
        text.find('<').unwrap_or(0)
    }
}

fn any_place(scene: &mut Scene<'_>) -> usize {
    scene.rng.random_range(0..scene.octets.len().max(1))
}

/// Puts something at any place, at a border of tag and text more often than not.
fn insert(scene: &mut Scene<'_>, text: &str) {
    let borders: Vec<usize> = (0..scene.octets.len())
        .filter(|place| {
            scene.octets[*place] == b'<' || (*place > 0 && scene.octets[place - 1] == b'>')
        })
        .collect();
    let border = borders.choose(&mut scene.rng).copied();
    let anywhere = any_place(scene);
    let mut place = border.filter(|_| scene.rng.random_bool(0.6)).unwrap_or(anywhere);
    while place < scene.octets.len() && scene.octets[place] & 0xc0 == 0x80 {
        place += 1;
    }
    scene.octets.splice(place..place, text.bytes());
}

/// Where the names of start tags end.
fn tag_name_ends(octets: &[u8]) -> Vec<usize> {
    let mut ends = Vec::new();
    for place in 0..octets.len() {
        if octets[place] == b'<' && octets.get(place + 1).is_some_and(u8::is_ascii_alphabetic) {
            let rest = &octets[place..];
            let len =
                rest.iter().position(|b| matches!(b, b' ' | b'>' | b'/' | b'\n' | b'\t' | b'\r'));
            ends.extend(len.map(|len| place + len));
        }
    }
    ends
}
