#![expect(clippy::as_conversions, clippy::cast_possible_truncation, reason = "small numbers")]

use super::*;
use crate::audit::testing::unhex;
use proptest::prelude::*;
use sha2::{Digest, Sha256};

/// `MTH` as RFC 6962 §2.1 defines it, word for word.
fn naive_root(entries: &[Vec<u8>]) -> Hash {
    match entries {
        [] => Sha256::digest([]).into(),
        [one] => Sha256::digest([&[0][..], one].concat()).into(),
        many => {
            let mut k = 1;
            while 2 * k < many.len() {
                k *= 2;
            }
            let (left, right) = (naive_root(&many[..k]), naive_root(&many[k..]));
            Sha256::digest([&[1][..], &left, &right].concat()).into()
        }
    }
}

fn hash(hex: &str) -> Hash {
    unhex(hex).try_into().unwrap()
}

fn hashes(entries: &[Vec<u8>]) -> Vec<Hash> {
    entries.iter().map(|entry| leaf_hash(entry)).collect()
}

/// The eight leaves that Certificate Transparency's implementations share as test data.
fn known_leaves() -> Vec<Vec<u8>> {
    [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ]
    .map(unhex)
    .to_vec()
}

const KNOWN_ROOTS: [&str; 9] = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

#[test]
fn the_known_trees_have_their_known_roots() {
    let mut tree = Tree::new();
    assert_eq!(tree.root(), hash(KNOWN_ROOTS[0]));
    for (entry, root) in known_leaves().iter().zip(&KNOWN_ROOTS[1..]) {
        tree.push(leaf_hash(entry));
        assert_eq!(tree.root(), hash(root), "at size {}", tree.size());
    }
}

#[test]
fn the_known_inclusion_proof_is_made_and_verified() {
    let leaves = hashes(&known_leaves());
    let expected = [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ]
    .map(hash);
    let proof = inclusion_proof(&leaves, 0).unwrap();
    assert_eq!(proof, expected);
    verify_inclusion(&leaves[0], 0, 8, &proof, &hash(KNOWN_ROOTS[8])).unwrap();
    assert_eq!(inclusion_proof(&leaves, 8), None);
}

#[test]
fn the_known_consistency_proof_is_made_and_verified() {
    let leaves = hashes(&known_leaves());
    let expected = [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]
    .map(hash);
    let proof = consistency_proof(&leaves, 6).unwrap();
    assert_eq!(proof, expected);
    verify_consistency((6, &hash(KNOWN_ROOTS[6])), (8, &hash(KNOWN_ROOTS[8])), &proof).unwrap();
    assert_eq!(consistency_proof(&leaves, 9), None);
}

fn arb_entries() -> impl Strategy<Value = Vec<Vec<u8>>> {
    prop::collection::vec(prop::collection::vec(any::<u8>(), 0..8), 1..70)
}

proptest! {
    /// Appending gives the root of the recursive definition at every size.
    #[test]
    fn appending_agrees_with_the_definition(entries in arb_entries()) {
        let mut tree = Tree::new();
        for (count, entry) in entries.iter().enumerate() {
            prop_assert_eq!(tree.root(), naive_root(&entries[..count]));
            tree.push(leaf_hash(entry));
        }
        prop_assert_eq!(tree.root(), naive_root(&entries));
    }

    /// A stored frontier is taken up where it was left, and only in its one spelling.
    #[test]
    fn a_frontier_is_stored_and_taken_up(entries in arb_entries(), more in arb_entries()) {
        let mut tree = Tree::new();
        for leaf in hashes(&entries) { tree.push(leaf); }
        let bytes = tree.to_bytes();
        let mut again = Tree::from_bytes(&bytes).unwrap();
        prop_assert_eq!(&again, &tree);
        for len in 0..bytes.len() {
            prop_assert_eq!(Tree::from_bytes(&bytes[..len]), Err(BadFrontier));
        }
        for leaf in hashes(&more) { again.push(leaf); }
        prop_assert_eq!(again.root(), naive_root(&[entries, more].concat()));
    }

    /// Every leaf is proved; another leaf, index, size or proof is not.
    #[test]
    fn inclusion_is_proved_for_exactly_this_leaf(entries in arb_entries(), index: prop::sample::Index, flip in 0..32_usize) {
        let leaves = hashes(&entries);
        let index = index.index(leaves.len());
        let (at, size) = (index as u64, leaves.len() as u64);
        let root = naive_root(&entries);
        let proof = inclusion_proof(&leaves, index).unwrap();
        prop_assert_eq!(verify_inclusion(&leaves[index], at, size, &proof, &root), Ok(()));
        let mut other = leaves[index];
        other[flip] ^= 1;
        prop_assert!(verify_inclusion(&other, at, size, &proof, &root).is_err());
        prop_assert!(verify_inclusion(&leaves[index], size, size, &proof, &root).is_err());
        for hash in 0..proof.len() {
            let mut bad = proof.clone();
            bad[hash][flip] ^= 1;
            prop_assert!(verify_inclusion(&leaves[index], at, size, &bad, &root).is_err());
        }
        let mut long = proof.clone();
        long.push(root);
        prop_assert!(verify_inclusion(&leaves[index], at, size, &long, &root).is_err());
        if let Some((_, short)) = proof.split_last() {
            prop_assert!(verify_inclusion(&leaves[index], at, size, short, &root).is_err());
        }
    }

    /// A tree is consistent with each of its beginnings and with no other tree.
    #[test]
    fn consistency_is_proved_for_exactly_the_beginnings(entries in arb_entries(), first: prop::sample::Index, flip in 0..32_usize) {
        let leaves = hashes(&entries);
        let first = first.index(leaves.len() + 1);
        let (early, late) = (naive_root(&entries[..first]), naive_root(&entries));
        let proof = consistency_proof(&leaves, first).unwrap();
        let (small, large) = (first as u64, leaves.len() as u64);
        prop_assert_eq!(verify_consistency((small, &early), (large, &late), &proof), Ok(()));
        if first > 0 {
            let mut other = early;
            other[flip] ^= 1;
            prop_assert!(verify_consistency((small, &other), (large, &late), &proof).is_err());
            let mut other = late;
            other[flip] ^= 1;
            prop_assert!(verify_consistency((small, &early), (large, &other), &proof).is_err());
        }
        for hash in 0..proof.len() {
            let mut bad = proof.clone();
            bad[hash][flip] ^= 1;
            prop_assert!(verify_consistency((small, &early), (large, &late), &bad).is_err());
            prop_assert!(verify_consistency((small, &early), (large, &late), &proof[..hash]).is_err());
        }
    }

    /// A frontier and the hashes after it give the later root, with no hash to spare.
    #[test]
    fn a_suffix_extends_the_frontier_to_the_later_root(entries in arb_entries(), first: prop::sample::Index) {
        let leaves = hashes(&entries);
        let first = first.index(leaves.len() + 1);
        let mut tree = Tree::new();
        leaves[..first].iter().for_each(|leaf| tree.push(*leaf));
        let size = leaves.len() as u64;
        let mut suffix: Vec<Hash> = suffix_ranges(first as u64, size)
            .into_iter()
            .map(|range| root_of(&leaves[range.start as usize..range.end as usize]))
            .collect();
        prop_assert_eq!(tree.root_at(size, &suffix), Ok(naive_root(&entries)));
        suffix.push([0; 32]);
        prop_assert_eq!(tree.root_at(size, &suffix), Err(ProofError::Length));
        suffix.truncate(suffix.len() - 2.min(suffix.len()));
        if first < leaves.len() {
            prop_assert_eq!(tree.root_at(size, &suffix), Err(ProofError::Length));
        }
    }

    /// Whatever the numbers, checking a proof ends and does not panic.
    #[test]
    fn absurd_sizes_are_refused_calmly(first: u64, second: u64, proof in prop::collection::vec(any::<[u8; 32]>(), 0..70)) {
        let hash = [1; 32];
        let _ = verify_inclusion(&hash, first, second, &proof, &hash).is_ok();
        let _ = verify_consistency((first, &hash), (second, &hash), &proof).is_ok();
        let peaks = proof.iter().copied().take(first.count_ones() as usize).collect();
        if let Ok(tree) = Tree::from_peaks(first, peaks) {
            let _ = tree.root_at(second, &proof).is_ok();
        }
        prop_assert!(suffix_ranges(first, second).len() <= 64);
    }
}
