//! Looking for rare bytes in long texts: attachments are megabytes of base64 in which nothing is
//! to be found.

/// Bytes looked at together: the compiler makes wide instructions of a block without an early end.
const BLOCK_LEN: usize = 64;

/// Place of the first byte that `wanted` is true of, as `iter().position` gives it.
pub fn position(bytes: &[u8], wanted: impl Fn(u8) -> bool) -> Option<usize> {
    let holds = |block: &&[u8]| block.iter().fold(false, |held, byte| held | wanted(*byte));
    let blocks = bytes.chunks(BLOCK_LEN).take_while(|block| !holds(block)).count();
    let passed = blocks.saturating_mul(BLOCK_LEN);
    let place = bytes.get(passed..)?.iter().position(|byte| wanted(*byte))?;
    Some(passed.saturating_add(place))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Blocks or not: the place is that of a plain search.
        #[test]
        fn it_finds_what_a_plain_search_finds(
            bytes in proptest::collection::vec(any::<u8>(), 0..300),
            limit in any::<u8>(),
        ) {
            let wanted = |byte: u8| byte > limit;
            let plain = bytes.iter().position(|byte| wanted(*byte));
            prop_assert_eq!(position(&bytes, wanted), plain);
        }
    }
}
