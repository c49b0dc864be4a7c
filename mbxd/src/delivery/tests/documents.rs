//! What the door writes, read by others: zeep and libxml2 by way of Python.

use super::causes::table;
use super::specification::specification;
use crate::delivery::answer;
use crate::delivery::description::Description;
use crate::delivery::fault::fault;
use mbx_common::id::{DeliveryId, RequestId};
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

const ADDRESS: &str = "https://mailbox.example/service/v3";

/// Runs the peer; its output. Needs python3 with zeep and lxml (`scripts/prepare test`).
fn peer(command: &str, folder: &Path, files: &[PathBuf]) -> String {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/src/delivery/tests/peer.py");
    let output = Command::new("python3").arg(script).arg(command).arg(folder).args(files).output();
    let output = output.unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

/// A folder with every document as it is served.
fn served() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let description = Description::new(ADDRESS);
    std::fs::write(folder.path().join("service.wsdl"), description.get("wsdl").unwrap()).unwrap();
    for name in Description::schema_names() {
        let text = description.get(&format!("xsd={name}")).unwrap();
        std::fs::write(folder.path().join(format!("{name}.xsd")), text).unwrap();
    }
    folder
}

/// Messages of the door, each in a file.
fn written(folder: &Path) -> Vec<PathBuf> {
    let delivery = DeliveryId::from_bytes([7; 16]);
    let recipients = [("191212121212".to_owned(), true), ("162021004748".to_owned(), false)];
    let mut messages = vec![
        answer::delivered(delivery, "191212121212", true),
        answer::notified(delivery, &recipients),
    ];
    messages.extend(table().iter().map(|(cause, _)| fault(cause, RequestId::from_bytes([9; 16]))));
    messages
        .into_iter()
        .enumerate()
        .map(|(number, text)| {
            let path = folder.join(format!("{number}.xml"));
            std::fs::write(&path, text).unwrap();
            path
        })
        .collect()
}

#[test]
fn an_independent_client_loads_the_service_description() {
    let folder = served();
    let operations = peer("load", folder.path(), &[]);
    let names: Vec<&str> = operations.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(names, ["deliverForward", "deliverSecure", "notify"], "{operations}");
}

#[test]
fn answers_and_faults_are_valid_by_the_description() {
    let folder = served();
    let messages = written(folder.path());
    let valid = peer("validate", folder.path(), &messages);
    assert_eq!(valid.lines().count(), messages.len());
}

#[test]
fn an_answer_that_breaks_the_schema_is_noticed() {
    let folder = served();
    let path = folder.path().join("bad.xml");
    let text = answer::delivered(DeliveryId::from_bytes([7; 16]), "191212121212", true);
    std::fs::write(&path, text.replace("191212121212", "1912")).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/src/delivery/tests/peer.py");
    let output = Command::new("python3")
        .args([script, "validate"])
        .args([folder.path(), &path])
        .output()
        .unwrap();
    assert!(!output.status.success());
}

#[test]
fn the_public_address_is_escaped_and_unknown_documents_are_not_there() {
    let description = Description::new("https://mailbox.example/a?b=1&c=<2>");
    let text = description.get("wsdl").unwrap();
    let text = std::str::from_utf8(&text).unwrap();
    assert!(text.contains("https://mailbox.example/a?b=1&amp;c=&lt;2&gt;"));
    roxmltree::Document::parse(text).unwrap();
    for query in ["", "xsd", "xsd=", "xsd=../service", "wsdl2", "xsd=service"] {
        assert!(description.get(query).is_none(), "{query}");
    }
}

/// The infrastructure's own schemas, where the checkout has them beside it: what we write is valid
/// by them, and a genuine request is valid by ours.
#[test]
fn the_infrastructures_schemas_and_ours_agree() {
    let Some(theirs) = specification("sundsvall/schema") else { return };
    let folder = served();
    if let Some(sample) = specification("samples/kivra_v3_deliverSecure_request.xml") {
        peer("validate", folder.path(), &[sample]);
    }
    let root = folder.path().join("root.xsd");
    let imports = [("Service/v3", "v3/Service.xsd"), ("Common/v3", "v3/Common.xsd")]
        .map(|(ns, file)| {
            format!(
                r#"<xs:import namespace="http://minameddelanden.gov.se/schema/{ns}" schemaLocation="{}"/>"#,
                theirs.join(file).display()
            )
        })
        .concat();
    let schema =
        format!(r#"<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">{imports}</xs:schema>"#);
    std::fs::write(&root, schema).unwrap();
    for path in written(folder.path()) {
        let text = std::fs::read_to_string(&path).unwrap();
        let tree = roxmltree::Document::parse(&text).unwrap();
        let payload = tree
            .descendants()
            .find(|node| {
                ["applicationFault", "deliverSecureResponse", "notifyResponse"]
                    .contains(&node.tag_name().name())
            })
            .unwrap();
        let body = folder.path().join("body.xml");
        std::fs::write(&body, text.get(payload.range()).unwrap()).unwrap();
        let output = Command::new("python3")
            .args(["-c", "import sys; from lxml import etree; etree.XMLSchema(etree.parse(sys.argv[1])).assertValid(etree.parse(sys.argv[2]))"])
            .args([&root, &body])
            .output()
            .unwrap();
        assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    }
}
