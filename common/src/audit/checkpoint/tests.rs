#![expect(clippy::string_slice, reason = "cut at character borders")]

use super::*;
use ed25519_dalek::Signer as _;
use proptest::prelude::*;

/// The key and note of the tests that the Go checksum database's notes are checked with.
const KNOWN_KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const KNOWN_NOTE: &str = "If you think cryptography is the answer to your problem,\n\
    then you don't know what your problem is.\n\
    \n\
    — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

fn ed25519(seed: u8) -> (ed25519_dalek::SigningKey, VerifierKey) {
    let secret = ed25519_dalek::SigningKey::from_bytes(&[seed; 32]);
    let public = PublicKey::Ed25519(secret.verifying_key().to_bytes());
    (secret, VerifierKey::new("example.org/log", public).unwrap())
}

fn ecdsa(seed: u8) -> (p256::ecdsa::SigningKey, VerifierKey) {
    let secret = p256::ecdsa::SigningKey::from_slice(&[seed; 32]).unwrap();
    let point = secret.verifying_key().to_sec1_point(false);
    let public = PublicKey::EcdsaP256(point.as_bytes().try_into().unwrap());
    (secret, VerifierKey::new("example.org/log", public).unwrap())
}

fn sample() -> Checkpoint {
    Checkpoint {
        origin: "example.org/log".to_owned(),
        size: 20_852_163,
        root: [7; 32],
        extensions: Vec::new(),
    }
}

#[test]
fn a_note_signed_by_another_program_verifies() {
    let key: VerifierKey = KNOWN_KEY.parse().unwrap();
    let note: SignedNote = KNOWN_NOTE.parse().unwrap();
    assert_eq!(note.verify(std::slice::from_ref(&key)), Ok(&key));
    let altered: SignedNote = KNOWN_NOTE.replace("answer", "Answer").parse().unwrap();
    assert_eq!(altered.verify(&[key]), Err(NoteError::False));
}

#[test]
fn both_kinds_of_key_sign_and_a_changed_size_is_noticed() {
    let text = sample().to_string();
    let (secret, key) = ed25519(1);
    let raw = secret.sign(text.as_bytes()).to_bytes();
    let by_ed25519 = SignedNote::new(text.clone(), &key, &raw).unwrap();
    let (secret, ecdsa_key) = ecdsa(2);
    let signature: p256::ecdsa::Signature = secret.sign(text.as_bytes());
    let raw: [u8; 64] = signature.to_bytes().into();
    let by_ecdsa = SignedNote::new(text, &ecdsa_key, &raw).unwrap();
    for (note, key) in [(by_ed25519, key), (by_ecdsa, ecdsa_key)] {
        let keys = [key];
        let again: SignedNote = note.to_string().parse().unwrap();
        assert_eq!(again.verify(&keys), Ok(&keys[0]));
        assert_eq!(again.text().parse(), Ok(sample()));
        let altered: SignedNote = note.to_string().replace("20852163", "20852164").parse().unwrap();
        assert_eq!(altered.verify(&keys), Err(NoteError::False));
    }
}

#[test]
fn a_signature_of_another_key_is_none() {
    let text = sample().to_string();
    let (secret, key) = ed25519(1);
    let note = SignedNote::new(text.clone(), &key, &secret.sign(text.as_bytes()).to_bytes());
    let (_, other) = ed25519(2);
    assert_eq!(note.unwrap().verify(std::slice::from_ref(&other)), Err(NoteError::Unsigned));
    let wrong = SignedNote::new(text.clone(), &other, &secret.sign(text.as_bytes()).to_bytes());
    assert_eq!(wrong, Err(NoteError::False));
}

#[test]
fn a_false_line_of_a_known_key_spoils_the_note_whatever_else_stands_there() {
    let text = sample().to_string();
    let (secret, key) = ed25519(1);
    let good = SignedNote::new(text.clone(), &key, &secret.sign(text.as_bytes()).to_bytes());
    let good = good.unwrap().to_string();
    let (secret, _) = ed25519(1);
    let other = Checkpoint { size: 1, ..sample() }.to_string();
    let line = SignedNote::new(other.clone(), &key, &secret.sign(other.as_bytes()).to_bytes());
    let line = line.unwrap().to_string();
    let line = line.lines().last().unwrap();
    let note: SignedNote = format!("{good}{line}\n").parse().unwrap();
    assert_eq!(note.verify(&[key]), Err(NoteError::False));
}

#[test]
fn verifier_keys_are_read_back_and_mistyped_ones_refused() {
    for key in [ed25519(3).1, ecdsa(3).1] {
        let text = key.to_string();
        assert_eq!(text.parse(), Ok(key));
        let mistyped = text.replacen('+', "+0", 1);
        assert_eq!(mistyped.parse::<VerifierKey>(), Err(BadKey::Hash));
    }
    assert_eq!("".parse::<VerifierKey>(), Err(BadKey::Form));
    assert_eq!("a+b".parse::<VerifierKey>(), Err(BadKey::Form));
    assert_eq!("a+00000000+BAAA".parse::<VerifierKey>(), Err(BadKey::Form));
    let public = *ed25519(1).1.public();
    for name in ["", "a b", "a+b", "a\n"] {
        assert_eq!(VerifierKey::new(name, public), Err(BadKey::Name), "{name:?}");
    }
    assert_eq!(VerifierKey::new("a", PublicKey::EcdsaP256([4; 65])), Err(BadKey::Point));
}

#[test]
fn what_is_no_note_is_refused() {
    let good = KNOWN_NOTE;
    for bad in [
        String::new(),
        "\n".to_owned(),
        good.trim_end().to_owned(),
        good.replace("\n\n", "\n"),
        good.replace('—', "-"),
        good.replace("— PeterNeumann", "— "),
        good.replace("JnAM=", "JnA="),
        good.replace("If", "\tIf"),
        format!("{good}{}", "— a AAAAAAAA\n".repeat(64)),
        format!("{}{good}", "x".repeat(SignedNote::LEN_MAX)),
    ] {
        assert_eq!(bad.parse::<SignedNote>(), Err(NoteError::Form), "{bad:.40}");
    }
}

#[test]
fn a_note_of_the_greatest_length_and_with_the_most_signatures_is_taken() {
    let most = format!("{KNOWN_NOTE}{}", "— a AAAAAAAA\n".repeat(SignedNote::SIGNATURES_MAX - 1));
    let longest = format!("{}{KNOWN_NOTE}", "x".repeat(SignedNote::LEN_MAX - KNOWN_NOTE.len()));
    for note in [most, longest] {
        assert_eq!(note.parse::<SignedNote>().unwrap().to_string(), note);
    }
}

#[test]
fn what_is_no_checkpoint_is_refused() {
    let good = sample().to_string();
    assert_eq!(good.parse(), Ok(sample()));
    for bad in [
        String::new(),
        good.trim_end().to_owned(),
        good.replace("20852163", "020852163"),
        good.replace("20852163", "+20852163"),
        good.replace("20852163", "-1"),
        good.replace("20852163", "18446744073709551616"),
        good.replace("Bw", ""),
        format!("\n{good}"),
        format!("{good}\n"),
        "a\n1\n".to_owned(),
    ] {
        assert_eq!(bad.parse::<Checkpoint>(), Err(BadCheckpoint), "{bad:?}");
    }
}

proptest! {
    /// Every checkpoint that we write is read back.
    #[test]
    fn checkpoints_round_trip(size: u64, root: [u8; 32], extensions in prop::collection::vec("[a-z ]{1,20}", 0..3)) {
        let checkpoint = Checkpoint { origin: "o/log".to_owned(), size, root, extensions };
        prop_assert_eq!(checkpoint.to_string().parse(), Ok(checkpoint));
    }

    /// What is accepted as a note, checkpoint or key has the one spelling that is written.
    #[test]
    fn accepted_texts_have_one_spelling(
        place: prop::sample::Index, with in "[\\n +A/=a0—]",
    ) {
        let (_, key) = ed25519(1);
        for text in [KNOWN_NOTE.to_owned(), sample().to_string(), key.to_string()] {
            let at = text.floor_char_boundary(place.index(text.len()));
            let altered: String = text[..at].to_owned() + &with + text[at..].get(1..).unwrap_or("");
            if let Ok(note) = altered.parse::<SignedNote>() {
                prop_assert_eq!(note.to_string(), altered.clone());
            }
            if let Ok(checkpoint) = altered.parse::<Checkpoint>() {
                prop_assert_eq!(checkpoint.to_string(), altered.clone());
            }
            if let Ok(key) = altered.parse::<VerifierKey>() {
                prop_assert_eq!(key.to_string(), altered.clone());
            }
        }
    }
}
