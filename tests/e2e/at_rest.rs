//! Nothing readable stands on disk, in logs or in metrics.

use crate::reading::{call, id, list};
use base64::Engine as _;
use mbx_sim::delivery::Message;
use mbx_tests::installation::{Installation, Setup};
use std::path::Path;

const TEXT: &str = "a text that only its holder may read: kingfisher-over-the-weir";
const SUBJECT: &str = "subject-heron-on-one-leg";
const FILE: &str = "file-name-otter-at-dawn.pdf";

fn assert_nowhere(folder: &Path, secrets: &[Vec<u8>]) {
    let mut files = 0;
    for entry in walkdir::WalkDir::new(folder) {
        let entry = entry.unwrap();
        if !entry.file_type().is_file() {
            continue;
        }
        files += 1;
        let bytes = std::fs::read(entry.path()).unwrap();
        for secret in secrets {
            let found = bytes.windows(secret.len()).any(|window| window == secret);
            assert!(
                !found,
                "{} holds {:?}",
                entry.path().display(),
                String::from_utf8_lossy(secret)
            );
        }
    }
    assert!(files > 2, "the state folder is nearly empty");
}

#[tokio::test]
async fn no_text_subject_file_name_or_number_stands_in_state_log_or_metrics() {
    let mut installation = Installation::ready(&Setup::default());
    let (person, _) = installation.register(4711);
    let portal = installation.portal();
    let mut attachment = b"%PDF-1.7\n".to_vec();
    attachment.extend(TEXT.repeat(40).as_bytes());
    let message = Message::text("sender-id-1", SUBJECT, TEXT).with_pdf(FILE, attachment);
    installation.deliver(&person, message).await;
    let message = id(&list(&portal, (&person, 3)).await[0]).to_owned();
    call(&portal, "GET", &format!("/v1/messages/{message}/parts/1"), (&person, 3)).await;
    call(&portal, "GET", &format!("/v1/messages/{message}"), (&person, 2)).await;
    installation.ok(&["user", "list"]);
    installation.ok(&["delivery", "list"]);
    let metrics = installation.metrics();
    assert!(metrics.contains("mbx_deliveries_total{result=\"accepted\"} 1"), "{metrics}");
    assert!(installation.stop().success());

    let encoded = base64::engine::general_purpose::STANDARD.encode(TEXT);
    let secrets: Vec<Vec<u8>> = [TEXT, SUBJECT, FILE, &person, &encoded[..40], "271828"]
        .iter()
        .map(|text| text.as_bytes().to_vec())
        .collect();
    assert_nowhere(&installation.state(), &secrets);
    let log = installation.log();
    for secret in [TEXT, SUBJECT, FILE, person.as_str()] {
        assert!(!log.contains(secret), "the log holds {secret:?}");
        assert!(!metrics.contains(secret), "the metrics hold {secret:?}");
    }
}
