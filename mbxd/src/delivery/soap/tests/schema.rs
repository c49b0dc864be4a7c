//! The parser against the infrastructure's own schemas, by an independent validator.
//!
//! Sound requests are damaged at random, in their elements and in their values; the parser must
//! take exactly what the schema takes. Left alone are the inside of signatures and of
//! `OfficialMatter` (not parsed here), and values where we are stricter or milder on purpose:
//! digits beyond ASCII, a time in place of a date, the syntax of a URI; and where the validator is
//! milder or stricter than the schema language: foreign characters in base64, white space around a
//! date.

use super::parse::{EXTRAS, forward, full, notify, read};
use crate::delivery::signature::tests::interop::{here, installed};
use crate::delivery::soap::{Document, PrescanLimits, parse};
use crate::delivery::tests::specification::specification;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use std::io::Write as _;
use std::ops::Range;
use std::path::Path;
use std::process::{Command, Stdio};

#[test]
fn the_parser_takes_what_the_schema_takes_and_nothing_else() {
    let Some(schema) = specification("sundsvall/schema/v3/Service.xsd") else { return };
    if !installed("python3", &["-c", "import lxml"]) {
        return;
    }
    let mut random = ChaCha8Rng::seed_from_u64(20_261_124);
    let sound = [full("<x xmlns=\"urn:x\"/>"), notify(&["198101032384"; 3], EXTRAS), forward()];
    let mut requests = sound.to_vec();
    for base in &sound {
        requests.extend((0..1000).map(|_| damaged(base, &mut random)));
    }
    let verdicts = verdicts(&schema, &requests);
    let mut taken = 0_usize;
    let mut apart = Vec::new();
    for (request, valid) in requests.iter().zip(&verdicts) {
        let document = Document::read(request.as_bytes(), &PrescanLimits::default()).unwrap();
        let parsed = parse(&document);
        taken += usize::from(*valid);
        if parsed.is_ok() != *valid {
            apart.push(format!("schema {valid}, parser {:?}: {request}", parsed.err()));
        }
    }
    assert_eq!(apart, Vec::<String>::new());
    // Both sides were met, or this test could not fail.
    assert!(taken > 300 && taken < requests.len() - 1000, "{taken} of {}", requests.len());
}

fn verdicts(schema: &Path, requests: &[String]) -> Vec<bool> {
    let mut oracle = Command::new("python3")
        .arg(here("schema.py"))
        .arg(schema)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let asked = serde_json::to_vec(requests).unwrap();
    let mut stdin = oracle.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(&asked));
    let output = oracle.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

/// One element of a request left out, doubled, swapped with its neighbour, or given another value.
fn damaged(base: &str, random: &mut ChaCha8Rng) -> String {
    let document = read(base);
    let elements: Vec<_> = document
        .root()
        .0
        .descendants()
        .filter(|node| node.is_element() && !is_left_alone(*node))
        .collect();
    let element = elements.choose(random).unwrap();
    let range = element.range();
    let with = |range: Range<usize>, text: &str| {
        let mut damaged = base.to_owned();
        damaged.replace_range(range, text);
        damaged
    };
    let text_at =
        element.first_child().filter(|child| child.is_text() && !element.has_children_elements());
    match random.random_range(0..10) {
        0 => with(range, ""),
        1 => with(range.end..range.end, &base[range]),
        2 => match element.next_sibling_element() {
            None => base.to_owned(),
            Some(next) => {
                let both = base[next.range()].to_owned() + &base[range.clone()];
                with(range.start..next.range().end, &both)
            }
        },
        3 => with(range.start..range.start, "<y xmlns=\"urn:y\"/>"),
        4 => with(range.end..range.end, "\n  "),
        _ => match text_at {
            None => with(range.start..range.start, "stray"),
            Some(text) => {
                let value = value_for(element.tag_name().name(), random);
                with(text.range(), &value)
            }
        },
    }
}

trait HasChildrenElements {
    fn has_children_elements(&self) -> bool;
}

impl HasChildrenElements for roxmltree::Node<'_, '_> {
    fn has_children_elements(&self) -> bool {
        self.children().any(|child| child.is_element())
    }
}

/// The envelope, and what is not read here.
fn is_left_alone(node: roxmltree::Node<'_, '_>) -> bool {
    let soap = "http://schemas.xmlsoap.org/soap/envelope/";
    let inside =
        |name: &str| node.ancestors().skip(1).any(|parent| parent.tag_name().name() == name);
    node.tag_name().namespace() == Some(soap) || inside("Signature") || inside("OfficialMatter")
}

/// A value that is right, or nearly right, for some type of the schema.
fn value_for(name: &str, random: &mut ChaCha8Rng) -> String {
    let repeated = |count: usize| "å".repeat(count);
    let lengths = [0, 1, 2, 4, 5, 11, 12, 160, 161, 254, 255, 256, 257, 1024, 1025];
    let any = repeated(*lengths.choose(random).unwrap());
    let values: &[&str] = match name {
        "Recipient" | "Id" => &[
            "198101632384",
            "165568402266",
            "198113032384",
            "19810103238",
            "178101032384",
            " 198101032384",
            "160000000000",
            "201512992384",
        ],
        "ReceivedTime" => &[
            "2026-11-24",
            "2026-11-24Z",
            "2026-11-24+13:59",
            "2026-11-31",
            "2027-02-29",
            "2028-02-29",
            "2026-11-24+15:00",
            "2026-1-24",
            "x",
        ],
        "SignaturesOK" => &["1", "0", " false\n", "TRUE", "yes", "2"],
        "Language" => &["sv", "sv-SE", " svSE ", "toolongtag", "1sv", "sv-", "sv_SE", "x-1"],
        "Reply" => &["REQUESTED", "ACCEPTED", "NOT_ALLOWED", " ACCEPTED", "No"],
        "ReceiptRequest" => &["NOT", "SIMPLE", "SIGNED", "not"],
        "EmailAdress" | "From" => {
            &["a@b.c", "a@@b.c", "@bb.cc", "aa@bb", "aa@b.", "aa@.b", "a.b@c", "a b@c.d"]
        }
        "Body" => &["SGVq", " SGVq\n", "SG Vq", "SGV", "SGVqSA==", "SGVqSA=", "=", "SGVqSB=="],
        "URL" => &["http://a.b/c", " u ", "a"],
        _ => &["x", " ", "<![CDATA[<y>]]>", "&#13;&amp;", "€uro"],
    };
    if matches!(name, "Body" | "ReceivedTime" | "SignaturesOK" | "URL") || random.random_bool(0.6) {
        return (*values.choose(random).unwrap()).to_owned();
    }
    any
}
