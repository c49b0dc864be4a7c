use super::*;
use crate::audit::testing::{arb_entry, sample};
use crate::audit::{Actor, Entry, Event};
use crate::time::Timestamp;
use proptest::prelude::*;
use std::io::Read as _;

#[test]
fn a_line_holds_the_entry_in_bytes_and_in_words() {
    let leaf = sample().encode();
    let line = json_line(7, &leaf);
    assert!(line.ends_with("}\n") && line.lines().count() == 1);
    let value: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(value["position"], 7);
    let entry = &value["entry"];
    assert_eq!(entry["time"], "2026-11-24T03:41:00.500Z");
    assert_eq!(entry["event"], "MBX-A101");
    assert_eq!(entry["actor"]["value"], "opr_11111111111111111111111111111111");
    assert_eq!(entry["role"], "security-officer");
    assert_eq!(entry["peer"]["tty"], "pts/4");
    assert_eq!(entry["facts"][0]["value"], "2");
    assert!(entry.get("ticket").is_none());
}

#[test]
fn an_entry_of_an_unknown_kind_keeps_its_bytes_and_hash() {
    let value: serde_json::Value = serde_json::from_str(&json_line(1, b"\x02new")).unwrap();
    assert!(value["entry"].is_null());
    assert_eq!(value["leaf"], "Am5ldw==");
    assert_eq!(csv_line(1, b"\x02new").matches(',').count(), CSV_HEADER.matches(',').count());
}

#[test]
fn a_cell_that_a_spreadsheet_would_run_is_defused() {
    let entry = |reason: &str| {
        Entry::new(Timestamp::EPOCH, Event::CommandRefused, Actor::Daemon).reason(reason).encode()
    };
    assert!(csv_line(0, &entry("=HYPERLINK(1)")).contains(",'=HYPERLINK(1),"));
    assert!(csv_line(0, &entry("@x, \"y\"\n")).contains(",\"'@x, \"\"y\"\"\n\","));
    assert!(csv_line(0, &entry("a-b")).contains(",a-b,"));
}

proptest! {
    /// Every row has the columns of the header, whatever stands in the entry.
    #[test]
    fn rows_have_the_columns_of_the_header(entry in arb_entry()) {
        let row = csv_line(3, &entry.encode());
        let mut in_quotes = false;
        let commas = row.chars().filter(|&c| {
            in_quotes ^= c == '"';
            c == ',' && !in_quotes
        });
        prop_assert_eq!(commas.count(), CSV_HEADER.matches(',').count());
    }

    /// Files come out of the single file as they went in; cut anywhere it is refused.
    #[test]
    fn the_single_file_round_trips(content in prop::collection::vec(any::<u8>(), 0..1500), cut: prop::sample::Index) {
        let moment = Timestamp::from_millis(1_795_491_660_500).unwrap();
        let len = u64::try_from(content.len()).unwrap();
        let mut bytes = tar_header("entries.jsonl", len, moment).unwrap().to_vec();
        bytes.extend(&content);
        bytes.extend(vec![0; tar_padding(len)]);
        prop_assert_eq!(bytes.len() % 512, 0);
        bytes.extend(tar_end());

        let read = |bytes: &[u8]| -> Result<Vec<u8>, TarError> {
            let mut tar = TarReader::new(bytes);
            let mut file = tar.next_file()?.ok_or(TarError::Form)?;
            let mut content = Vec::new();
            file.read_to_end(&mut content)?;
            file.finish()?;
            assert!(tar.next_file()?.is_none());
            Ok(content)
        };
        prop_assert_eq!(read(&bytes).unwrap(), content);
        let cut = cut.index(bytes.len() - 512);
        prop_assert!(matches!(read(&bytes[..cut]), Err(TarError::Short)));
    }

    /// A changed header is refused.
    #[test]
    fn a_flipped_header_is_refused(place in 0..512_usize, flip in 1..=u8::MAX) {
        let mut bytes = tar_header("a", 0, Timestamp::EPOCH).unwrap().to_vec();
        bytes[place] ^= flip;
        prop_assert!(matches!(TarReader::new(&bytes[..]).next_file(), Err(TarError::Form)));
    }
}

#[test]
fn names_and_lengths_that_do_not_fit_have_no_header() {
    assert!(tar_header("", 0, Timestamp::EPOCH).is_none());
    assert!(tar_header(&"a".repeat(101), 0, Timestamp::EPOCH).is_none());
    assert!(tar_header("a", 8 << 30, Timestamp::EPOCH).is_none());
    assert!(tar_header("a", (8 << 30) - 1, Timestamp::EPOCH).is_some());
}

#[test]
fn stock_tools_know_the_header() {
    let header = tar_header("manifest.json", 5, Timestamp::EPOCH).unwrap();
    assert_eq!(&header[257..265], b"ustar\x0000");
    assert_eq!(&header[124..136], b"00000000005\0");
    assert_eq!(&header[100..108], b"0000600\0");
}
