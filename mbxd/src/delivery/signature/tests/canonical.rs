//! The canonical forms against libxml2's, and against themselves.

use super::interop::{here, installed};
use crate::delivery::signature::Form;
use crate::delivery::signature::canonical::Apex;
use crate::delivery::soap::{Document, Name, PrescanLimits};
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

#[test]
fn the_forms_agree_with_libxml2_on_a_thousand_documents() {
    if !installed("python3", &["-c", "import lxml"]) {
        return;
    }
    let mut random = ChaCha8Rng::seed_from_u64(20_261_124);
    let documents: Vec<String> = (0..1000).map(|_| Generator::document(&mut random)).collect();
    let mut oracle = Command::new("python3")
        .arg(here("canonical.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let asked = serde_json::to_vec(&documents).unwrap();
    oracle.stdin.take().unwrap().write_all(&asked).unwrap();
    let output = oracle.wait_with_output().unwrap();
    assert!(output.status.success());
    let answers: Vec<[String; 3]> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answers.len(), documents.len());
    for (document, [plain, with_list, prefix_free]) in documents.iter().zip(&answers) {
        assert_same(document, &canonical(document, Form::Exclusive, &[]), plain);
        assert_same(document, &canonical(document, Form::Exclusive, &["p"]), with_list);
        assert_same(document, &canonical(document, Form::PrefixFree, &[]), prefix_free);
    }
}

/// Shows where two forms part, not both of them whole.
fn assert_same(document: &str, octets: &[u8], oracle: &str) {
    let ours = String::from_utf8_lossy(octets);
    let theirs = (0..oracle.len()).step_by(2).map(|at| &oracle[at..at + 2]);
    let theirs: Vec<u8> = theirs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect();
    let theirs = String::from_utf8_lossy(&theirs);
    let same = ours.chars().zip(theirs.chars()).take_while(|(ours, theirs)| ours == theirs).count();
    let from = same.saturating_sub(60);
    let part = |text: &str| text.chars().skip(from).take(160).collect::<String>();
    assert_eq!(part(&ours), part(&theirs), "{document}");
}

#[test]
fn each_form_is_its_own_canonical_form() {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    for _ in 0..500 {
        let document = Generator::document(&mut random);
        for form in Form::ORDER {
            let once = String::from_utf8(canonical(&document, form, &[])).unwrap();
            let twice = String::from_utf8(canonical(&once, form, &[])).unwrap();
            assert_eq!(once, twice, "{document}");
        }
    }
}

#[test]
fn the_special_characters_are_written_as_canonical_xml_says() {
    let text = "<a b='&lt;&amp;&quot;&apos;&#9;&#10;&#13;>'>&lt;&gt;&amp;\"'&#13;\r\n\t</a>";
    let expected = "<a b=\"&lt;&amp;&quot;'&#x9;&#xA;&#xD;>\">&lt;&gt;&amp;\"'&#xD;\n\t</a>";
    for form in Form::ORDER {
        assert_eq!(String::from_utf8(canonical(text, form, &[])).unwrap(), expected);
    }
}

/// As Java's canonicaliser has it; libxml2 passes over `#default`.
#[test]
fn the_default_namespace_can_be_treated_inclusively() {
    let text = "<a xmlns='urn:c' xmlns:r='urn:a'><r:x xmlns='urn:c'><r:b xmlns='urn:b' \
                xmlns:p='urn:p'/></r:x></a>";
    let octets = canonical(text, Form::Exclusive, &["p", ""]);
    let expected = "<a xmlns=\"urn:c\"><r:x xmlns:r=\"urn:a\"><r:b xmlns=\"urn:b\" \
                    xmlns:p=\"urn:p\"></r:b></r:x></a>";
    assert_eq!(String::from_utf8(octets).unwrap(), expected);
}

#[test]
fn a_renamed_root_is_written_with_its_new_name_and_its_attributes() {
    let text = "<s:x xmlns:s='S' xmlns:m='M' Id='i'><m:y/><s:z/></s:x>";
    let document = Document::read(text.as_bytes(), &PrescanLimits::default()).unwrap();
    let write = |form| {
        let apex = Apex {
            element: document.root(),
            renamed: Some((Name { ns: "M", local: "w" }, "m")),
            without: None,
            inclusive: Vec::new(),
        };
        let mut octets = Vec::new();
        apex.write(form, &mut octets);
        String::from_utf8(octets).unwrap()
    };
    assert_eq!(write(Form::PrefixFree), "<w xmlns=\"M\" Id=\"i\"><y></y><z xmlns=\"S\"></z></w>");
    assert_eq!(
        write(Form::Exclusive),
        "<m:w xmlns:m=\"M\" Id=\"i\"><m:y></m:y><s:z xmlns:s=\"S\"></s:z></m:w>"
    );
}

#[test]
fn pieces_of_any_length_give_one_digest() {
    use crate::delivery::signature::canonical::{Digester, Sink as _};
    use aws_lc_rs::digest::{SHA256, digest};
    let octets: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
    let mut random = ChaCha8Rng::seed_from_u64(1);
    for _ in 0..50 {
        let mut digester = Digester::new(&SHA256);
        let mut rest = octets.as_slice();
        while !rest.is_empty() {
            let len = *[0, 1, 7, 4095, 4096, 4097, 20_000].choose(&mut random).unwrap();
            let (piece, behind) = rest.split_at(rest.len().min(len));
            digester.put(piece);
            rest = behind;
        }
        assert_eq!(digester.finish().as_ref(), digest(&SHA256, &octets).as_ref());
    }
}

#[test]
fn only_the_named_child_is_left_out() {
    let text = "<a><s/><b><s/></b><s>x</s>tail</a>";
    let document = Document::read(text.as_bytes(), &PrescanLimits::default()).unwrap();
    let last = document.root().0.children().rfind(|n| n.has_tag_name("s"));
    let apex = Apex {
        element: document.root(),
        renamed: None,
        without: last.map(crate::delivery::soap::Element),
        inclusive: Vec::new(),
    };
    let mut octets = Vec::new();
    apex.write(Form::PrefixFree, &mut octets);
    assert_eq!(String::from_utf8(octets).unwrap(), "<a><s></s><b><s></s></b>tail</a>");
}

fn canonical(text: &str, form: Form, inclusive: &[&str]) -> Vec<u8> {
    let document = Document::read(text.as_bytes(), &PrescanLimits::default()).unwrap();
    let apex = Apex {
        element: document.root(),
        renamed: None,
        without: None,
        inclusive: inclusive.to_vec(),
    };
    let mut octets = Vec::new();
    apex.write(form, &mut octets);
    octets
}

/// Writes random documents with namespaces, prefixes bound anew, and odd characters.
///
/// No namespace name holds `&`: libxml2 does not escape it there, as Canonical XML 1.0 §2.3 asks. No
/// carriage return stands alone: the tree leaves one before a reference as it is, where XML asks for
/// a line feed, so that such a text (no sender writes it) would fail its digest.
struct Generator<'r> {
    random: &'r mut ChaCha8Rng,
    out: String,
}

impl<'r> Generator<'r> {
    fn document(random: &'r mut ChaCha8Rng) -> String {
        let mut generator = Self { random, out: String::new() };
        generator.element(0, &[("", "")]);
        generator.out
    }

    fn element(&mut self, depth: usize, scope: &[(&'static str, &'static str)]) {
        let mut scope = scope.to_vec();
        let mut declared = String::new();
        // No two prefixes share a name, or an oracle could not tell which one an attribute bears.
        for (prefix, uris) in [
            ("", ["urn:p", "urn:d?x=1"]),
            ("p", ["urn:p", "urn:p/2"]),
            ("q", ["urn:q", "urn:q/2"]),
            ("r", ["urn:r", "urn:r/2"]),
        ] {
            if self.random.random_bool(0.3) {
                let uri = *uris.choose(self.random).unwrap();
                let uri = if prefix.is_empty() && self.random.random_bool(0.3) { "" } else { uri };
                scope.retain(|(known, _)| *known != prefix);
                scope.push((prefix, uri));
                let colon = if prefix.is_empty() { "" } else { ":" };
                write!(declared, " xmlns{colon}{prefix}=\"{uri}\"").unwrap();
            }
        }
        let name = self.name(&scope, true);
        let mut attributes = String::new();
        let mut taken = Vec::new();
        for _ in 0..self.random.random_range(0..4) {
            let name = self.name(&scope, false);
            let local = name.rsplit(':').next().unwrap().to_owned();
            if !taken.contains(&local) {
                write!(attributes, " {name}=\"{}\"", self.text().replace('<', "&lt;")).unwrap();
                taken.push(local);
            }
        }
        if self.random.random_bool(0.1) {
            attributes.push_str(" xml:lang=\"sv\"");
        }
        let both = if self.random.random_bool(0.5) {
            format!("{declared}{attributes}")
        } else {
            format!("{attributes}{declared}")
        };
        write!(self.out, "<{name}{both}>").unwrap();
        for _ in 0..self.random.random_range(0..4) {
            let text = self.text();
            self.out.push_str(&text);
            if depth < 5 {
                self.element(depth + 1, &scope);
            }
            if self.random.random_bool(0.2) {
                self.out.push_str("<![CDATA[<c> & \r\n]] ]]>");
            }
        }
        write!(self.out, "</{name}>").unwrap();
    }

    fn name(&mut self, scope: &[(&'static str, &'static str)], element: bool) -> String {
        let local = *["a", "b", "åäö", "x-1.y"].choose(self.random).unwrap();
        let prefix = scope.choose(self.random).unwrap().0;
        if prefix.is_empty() || (!element && self.random.random_bool(0.5)) {
            local.to_owned()
        } else {
            format!("{prefix}:{local}")
        }
    }

    fn text(&mut self) -> String {
        let pieces = [
            "",
            " ",
            "å€𝄞",
            "&lt;&gt;&amp;",
            "\r\n",
            "\t",
            "\n",
            "&#13;",
            "&#10;",
            "\"'",
            ">",
            "x",
        ];
        (0..self.random.random_range(0..4))
            .map(|_| if let Some(piece) = pieces.choose(self.random) { *piece } else { "" })
            .map(|piece| piece.replace('"', "&quot;"))
            .collect()
    }
}
