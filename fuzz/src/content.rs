//! Contents in the format MBX1: as they are stored, and as we seal and somebody alters them.

use mbx_common::id::ContentId;
use mbxd::cipher::{CHUNK_LEN, Dek, HEADER_LEN, Header, Reader, TagReader, content_root, seal};

const ID: ContentId = ContentId::from_bytes([2; 16]);

fn dek() -> Dek {
    Dek::from_bytes([1; Dek::LEN])
}

/// A stored content of anybody, and a sealed one that is altered.
pub(super) fn content(bytes: &[u8]) {
    stored(bytes);
    altered(bytes);
}

fn stored(bytes: &[u8]) {
    let Some((head, body)) = bytes.split_at_checked(HEADER_LEN) else {
        assert!(Header::decode(bytes).is_err(), "a header has 64 bytes");
        return;
    };
    let Ok(header) = Header::decode(head) else { return };
    assert_eq!(header.encode(), head, "one header has two spellings");
    let place = u64_at(body, 0);
    let stretch = header.stretch(place..u64_at(body, 8));
    assert!(stretch.stored.end <= header.stored_len() && stretch.len <= header.plain_len());
    let _ = (header.chunk_plain_len(place), header.is_last(place), header.tag_range(place));
    let reader = Reader::new(&dek(), header.content_id(), head).expect("the header was read");
    for chunk in [0, place, header.chunks() - 1] {
        assert!(reader.open_chunk(chunk, body).is_err(), "a forged chunk is opened");
    }
    assert!(reader.open_stretch(&stretch, body).is_err(), "a forged stretch is opened");
    if header.chunks() < 1 << 16 {
        let mut tags = TagReader::new(head).expect("the header was read");
        if tags.update(body).is_ok() {
            let whole = u64::try_from(bytes.len()).ok() == Some(header.stored_len());
            assert_eq!(tags.finish().is_ok(), whole, "a content has the length of its header");
        }
    }
}

/// The first bytes say how much is sealed, which bit is flipped and which range is read.
fn altered(bytes: &[u8]) {
    let Some((controls, plain)) = bytes.split_at_checked(16) else { return };
    let repeats = 1 + usize::from(controls[0]) % 4;
    let pieces = vec![plain; repeats];
    let plain = pieces.concat();
    let sealed = seal(&dek(), ID, &pieces);
    let mut stored = sealed.stored.to_vec();
    let range = read(&stored, controls).expect("what was sealed opens");
    let (from, until) = asked(controls, plain.len());
    assert_eq!(range, &plain[from..until.max(from)], "other bytes than were sealed");
    let mut tags = TagReader::new(&stored[..HEADER_LEN]).expect("we wrote the header");
    tags.update(&stored[HEADER_LEN..]).expect("the content is whole");
    let part = tags.finish().expect("the content is whole");
    assert_eq!(content_root([&part]), content_root([&sealed.digest]));
    let at = usize::try_from(u64_at(controls, 1)).unwrap_or_default() % stored.len();
    stored[at] ^= 1 << (controls[9] % 8);
    if let Some(range) = read(&stored, controls) {
        let chunk = at.saturating_sub(HEADER_LEN) / (CHUNK_LEN + 32);
        let first = from.min(plain.len()) / CHUNK_LEN;
        assert!(at >= HEADER_LEN, "an altered header opens a chunk");
        assert!(chunk < first || chunk > until / CHUNK_LEN, "an altered chunk is opened");
        assert_eq!(range, &plain[from..until.max(from)], "other bytes than were sealed");
    }
}

fn asked(controls: &[u8], len: usize) -> (usize, usize) {
    let place = |at: usize| usize::from(u16::from_be_bytes([controls[at], controls[at + 1]]));
    let from = place(10).min(len);
    (from, from.saturating_add(place(12)).min(len))
}

fn read(stored: &[u8], controls: &[u8]) -> Option<Vec<u8>> {
    let reader = Reader::new(&dek(), ID, &stored[..HEADER_LEN]).ok()?;
    let len = usize::try_from(reader.header().plain_len()).unwrap_or(usize::MAX);
    let (from, until) = asked(controls, len);
    let wide = |place| u64::try_from(place).unwrap_or(u64::MAX);
    let stretch = reader.stretch(wide(from)..wide(until));
    let start = usize::try_from(stretch.stored.start).ok()?;
    let end = usize::try_from(stretch.stored.end).ok()?;
    reader.open_stretch(&stretch, stored.get(start..end)?).ok().map(|plain| plain.to_vec())
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let bytes = bytes.get(at..).and_then(<[u8]>::first_chunk);
    bytes.map_or(0, |bytes| u64::from_be_bytes(*bytes))
}
