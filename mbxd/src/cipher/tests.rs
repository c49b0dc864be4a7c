//! What must hold of MBX1, and what must be refused.

use super::*;
use mbx_common::id::ContentId;
use proptest::prelude::*;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::path::PathBuf;

const CHUNK: u64 = 65_536;

fn dek() -> Dek {
    Dek::from_bytes([0x42; 32])
}

fn id(byte: u8) -> ContentId {
    ContentId::from_bytes([byte; 16])
}

/// Bytes that repeat with a period that divides neither block nor chunk.
fn pattern(len: usize) -> Vec<u8> {
    (0..=250).cycle().take(len).collect()
}

fn sealed(plain: &[u8]) -> Vec<u8> {
    seal(&dek(), id(7), &[plain]).stored.to_vec()
}

fn open_all(stored: &[u8]) -> Result<Vec<u8>, OpenError> {
    let (header, chunks) = stored.split_at_checked(HEADER_LEN).ok_or(HeaderError::Length)?;
    let reader = Reader::new(&dek(), id(7), header)?;
    let stretch = reader.stretch(0..u64::MAX);
    reader.open_stretch(&stretch, chunks).map(|plain| plain.to_vec())
}

fn edge_lens() -> impl Strategy<Value = usize> {
    prop_oneof![
        0_usize..100,
        (CHUNK_LEN - 40)..(CHUNK_LEN + 40),
        (2 * CHUNK_LEN - 2)..(2 * CHUNK_LEN + 2),
        0_usize..(3 * CHUNK_LEN),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// What is sealed opens to the same bytes, however the plaintext was cut into pieces.
    #[test]
    fn a_content_round_trips_whatever_the_pieces(
        len in edge_lens(),
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let plain = pattern(len);
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(len + 1)).collect();
        cuts.sort_unstable();
        cuts.push(len);
        let mut from = 0;
        let mut pieces: Vec<&[u8]> = Vec::new();
        for cut in cuts {
            pieces.push(&plain[from..cut]);
            from = cut;
        }
        let content = seal(&dek(), id(7), &pieces);
        let stored = content.stored.to_vec();
        let header = Header::decode(&stored[..HEADER_LEN]).unwrap();
        prop_assert_eq!(header.stored_len(), u64::try_from(stored.len()).unwrap());
        prop_assert_eq!(&stored, &sealed(&plain));
        prop_assert_eq!(open_all(&stored), Ok(plain));
    }

    /// Every range of the plaintext is found by fetching exactly the stretch that is named.
    #[test]
    fn a_range_is_read_from_its_stretch_alone(
        len in edge_lens(),
        from in 0_u64..200_000,
        range_len in 0_u64..200_000,
    ) {
        let plain = pattern(len);
        let stored = sealed(&plain);
        let reader = Reader::new(&dek(), id(7), &stored[..HEADER_LEN]).unwrap();
        let stretch = reader.stretch(from..from + range_len);
        let fetch = |at: u64| usize::try_from(at).unwrap();
        let fetched = &stored[fetch(stretch.stored.start)..fetch(stretch.stored.end)];
        let opened = reader.open_stretch(&stretch, fetched).unwrap();
        let start = fetch(from).min(len);
        let end = fetch(from + range_len).min(len);
        prop_assert_eq!(&opened[..], &plain[start..end]);
    }

    /// A flipped bit anywhere is refused.
    #[test]
    fn a_flipped_bit_is_refused(len in edge_lens(), at: prop::sample::Index, bit in 0_u8..8) {
        let mut stored = sealed(&pattern(len));
        let at = at.index(stored.len());
        stored[at] ^= 1 << bit;
        prop_assert!(open_all(&stored).is_err());
    }

    /// A content cut anywhere is refused.
    #[test]
    fn a_cut_content_is_refused(len in edge_lens(), at: prop::sample::Index) {
        let stored = sealed(&pattern(len));
        prop_assert!(open_all(&stored[..at.index(stored.len())]).is_err());
    }

    /// A header has one spelling: what decodes encodes to the same bytes.
    #[test]
    fn a_header_has_one_spelling(mut bytes: [u8; HEADER_LEN], plausible: bool) {
        if plausible {
            bytes[..16].copy_from_slice(&sealed(b"")[..16]);
            bytes[32] = 0;
            bytes[40..].fill(0);
        }
        match Header::decode(&bytes) {
            Ok(header) => prop_assert_eq!(header.encode(), bytes),
            Err(_) => prop_assert!(!plausible),
        }
    }

    /// The root read from stored bytes, in pieces of any size, is the root made while sealing.
    #[test]
    fn stored_bytes_give_the_root_that_sealing_gave(len in edge_lens(), step in 1_usize..100_000) {
        let content = seal(&dek(), id(7), &[&pattern(len)]);
        let stored = content.stored.to_vec();
        let mut tags = TagReader::new(&stored[..HEADER_LEN]).unwrap();
        for piece in stored[HEADER_LEN..].chunks(step) {
            tags.update(piece).unwrap();
        }
        let part = tags.finish().unwrap();
        prop_assert_eq!(content_root([&part]), content_root([&content.digest]));
    }
}

#[test]
fn an_empty_content_has_one_authenticated_chunk() {
    let stored = sealed(b"");
    assert_eq!(stored.len(), HEADER_LEN + TAG_LEN);
    assert_eq!(open_all(&stored), Ok(Vec::new()));
    assert!(open_all(&stored[..HEADER_LEN]).is_err());
}

#[test]
fn a_whole_chunk_cut_off_is_refused_even_with_the_length_adapted() {
    let whole = sealed(&pattern(2 * CHUNK_LEN));
    let mut cut = whole[..HEADER_LEN + CHUNK_LEN + TAG_LEN].to_vec();
    cut[32..40].copy_from_slice(&CHUNK.to_be_bytes());
    assert_eq!(open_all(&cut), Err(OpenError::Altered { chunk: 0 }));
}

#[test]
fn chunks_in_another_order_are_refused() {
    let stored = sealed(&pattern(3 * CHUNK_LEN));
    let (header, chunks) = stored.split_at(HEADER_LEN);
    let chunks: Vec<&[u8]> = chunks.chunks(CHUNK_LEN + TAG_LEN).collect();
    let swapped = [header, chunks[1], chunks[0], chunks[2]].concat();
    assert_eq!(open_all(&swapped), Err(OpenError::Altered { chunk: 0 }));
    let doubled = [header, chunks[0], chunks[0], chunks[2]].concat();
    assert_eq!(open_all(&doubled), Err(OpenError::Altered { chunk: 1 }));
}

#[test]
fn a_chunk_of_another_content_under_the_same_dek_is_refused() {
    let mine = sealed(&pattern(2 * CHUNK_LEN));
    let other = seal(&dek(), id(8), &[&pattern(2 * CHUNK_LEN)]).stored.to_vec();
    let spliced =
        [&mine[..HEADER_LEN + CHUNK_LEN + TAG_LEN], &other[HEADER_LEN + CHUNK_LEN + TAG_LEN..]];
    assert_eq!(open_all(&spliced.concat()), Err(OpenError::Altered { chunk: 1 }));
}

#[test]
fn a_whole_other_content_is_refused_by_its_name() {
    let other = seal(&dek(), id(8), &[b"other"]).stored.to_vec();
    assert_eq!(open_all(&other), Err(OpenError::OtherContent));
    let mut renamed = other;
    renamed[16..32].copy_from_slice(id(7).as_bytes());
    assert_eq!(open_all(&renamed), Err(OpenError::Altered { chunk: 0 }));
}

#[test]
fn an_extended_content_is_refused() {
    let mut stored = sealed(&pattern(100));
    stored.push(0);
    assert!(open_all(&stored).is_err());
    let mut chunk_more = sealed(&pattern(CHUNK_LEN));
    let chunk = chunk_more[HEADER_LEN..].to_vec();
    chunk_more.extend_from_slice(&chunk);
    chunk_more[32..40].copy_from_slice(&(2 * CHUNK).to_be_bytes());
    assert_eq!(open_all(&chunk_more), Err(OpenError::Altered { chunk: 0 }));
}

#[test]
fn a_dek_is_sealed_as_the_bytes_that_it_is_read_from() {
    let bytes: [u8; Dek::LEN] = std::array::from_fn(|n| n.to_le_bytes()[0]);
    assert_eq!(Dek::from_bytes(bytes).expose(), &bytes);
}

#[test]
fn another_dek_opens_nothing() {
    let stored = sealed(b"secret");
    let reader = Reader::new(&Dek::from_bytes([0x43; 32]), id(7), &stored[..HEADER_LEN]).unwrap();
    assert_eq!(
        reader.open_chunk(0, &stored[HEADER_LEN..]).unwrap_err(),
        OpenError::Altered { chunk: 0 }
    );
}

#[test]
fn a_chunk_that_is_not_there_is_the_callers_mistake() {
    let stored = sealed(b"short");
    let reader = Reader::new(&dek(), id(7), &stored[..HEADER_LEN]).unwrap();
    let error = reader.open_chunk(1, &stored[HEADER_LEN..]).unwrap_err();
    assert_eq!(error, OpenError::NoChunk { chunk: 1 });
    assert_eq!(error.kind(), mbx_common::error::Kind::Usage);
}

#[test]
fn an_unknown_suite_a_later_version_and_a_set_reserved_byte_are_told_apart() {
    let stored = sealed(b"");
    let with = |at: usize, byte: u8| {
        let mut bytes = stored[..HEADER_LEN].to_vec();
        bytes[at] = byte;
        Header::decode(&bytes)
    };
    assert_eq!(with(3, b'2'), Err(HeaderError::Magic));
    assert_eq!(with(4, 2), Err(HeaderError::Suite { suite: 2 }));
    assert_eq!(with(5, 1), Err(HeaderError::Damaged));
    assert_eq!(with(13, 0), Err(HeaderError::Damaged));
    assert_eq!(with(63, 1), Err(HeaderError::Damaged));
    assert_eq!(with(32, 0xff), Err(HeaderError::Damaged));
}

#[test]
fn the_root_depends_on_order_and_on_every_content() {
    let first = seal(&dek(), id(1), &[b"manifest"]).digest;
    let second = seal(&dek(), id(2), &[b"body"]).digest;
    let root = content_root([&first, &second]);
    assert_ne!(root, content_root([&second, &first]));
    assert_ne!(root, content_root([&first]));
    assert_ne!(root, content_root([&first, &second, &second]));
}

#[test]
fn stored_bytes_that_are_too_few_or_too_many_give_no_root() {
    let stored = sealed(&pattern(CHUNK_LEN + 5));
    let read = |bytes: &[u8]| -> Result<DigestPart, StoredFormError> {
        let mut tags = TagReader::new(&bytes[..HEADER_LEN])?;
        tags.update(&bytes[HEADER_LEN..])?;
        tags.finish()
    };
    assert!(read(&stored).is_ok());
    assert_eq!(read(&stored[..stored.len() - 1]), Err(StoredFormError::Length));
    assert_eq!(read(&[stored, vec![0]].concat()), Err(StoredFormError::Length));
}

#[test]
fn tags_lie_where_the_header_says() {
    let content = seal(&dek(), id(7), &[&pattern(CHUNK_LEN + 5)]);
    let stored = content.stored.to_vec();
    let header = Header::decode(&stored[..HEADER_LEN]).unwrap();
    let mut bytes = header.encode().to_vec();
    for chunk in 0..header.chunks() {
        let range = header.tag_range(chunk).unwrap();
        let at = |place: u64| usize::try_from(place).unwrap();
        bytes.extend_from_slice(&stored[at(range.start)..at(range.end)]);
    }
    assert_eq!(header.tag_range(2), None);
    let root: [u8; 32] = Sha256::digest(&bytes).into();
    assert_eq!(content_root([&content.digest]).as_bytes(), &root);
}

#[test]
fn neither_a_key_nor_plaintext_shows_in_debug_output() {
    let content = seal(&dek(), id(7), &[b"secret"]);
    let reader = Reader::new(&dek(), id(7), &content.stored[..HEADER_LEN]).unwrap();
    let shown = format!("{:?} {reader:?}", dek());
    assert!(!shown.contains("42") && !shown.contains("66"), "{shown}");
}

/// One known answer of `tests/vectors/mbx1.json`.
#[derive(Deserialize)]
struct Known {
    name: String,
    dek: String,
    content_id: String,
    /// The plaintext is this many bytes 0, 1, … 250, 0, 1 ….
    plain_len: usize,
    /// The whole stored content, where it is short.
    stored: Option<String>,
    stored_sha256: String,
    root: String,
}

#[test]
fn known_answers_are_reproduced() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/mbx1.json");
    let known: Vec<Known> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert!(known.len() >= 5);
    for answer in known {
        let dek = Dek::from_bytes(mbx_common::id::parse_hex(&answer.dek).unwrap());
        let content = answer.content_id.parse().unwrap();
        let sealed = seal(&dek, content, &[&pattern(answer.plain_len)]);
        let stored = sealed.stored.to_vec();
        let hex = |bytes: &[u8]| {
            bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
        };
        if let Some(expected) = &answer.stored {
            assert_eq!(&hex(&stored), expected, "{}", answer.name);
        }
        assert_eq!(hex(&Sha256::digest(&stored)), answer.stored_sha256, "{}", answer.name);
        assert_eq!(content_root([&sealed.digest]).to_string(), answer.root, "{}", answer.name);
    }
}
