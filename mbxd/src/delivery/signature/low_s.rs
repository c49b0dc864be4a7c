//! The two spellings of an ECDSA signature made one.
//!
//! Where r ‖ s fits, r ‖ (n − s) fits as well, n being the order of the curve's group. The lower of
//! the two is the one that is kept.
//!
//! Source: SEC 1 v2.0 §4.1.4; the orders from SP 800-186 §3.2.1.3 and §3.2.1.4.

use std::borrow::Cow;

/// The order of a curve's group.
#[derive(Clone, Copy, Debug)]
pub(super) enum Order {
    /// Of P-256.
    P256,
    /// Of P-384.
    P384,
}

impl Order {
    pub(super) const fn octets(self) -> &'static [u8] {
        match self {
            Self::P256 => &P256,
            Self::P384 => &P384,
        }
    }
}

/// r ‖ s with the lower of s and n − s. What is not of the curve's length stays as it is.
pub(super) fn settled(value: &[u8], order: Order) -> Cow<'_, [u8]> {
    let order = order.octets();
    let Some((r, s)) = value.split_at_checked(order.len()) else { return Cow::Borrowed(value) };
    match difference(order, s) {
        Some(other) if other.as_slice() < s => Cow::Owned([r, &other].concat()),
        _ => Cow::Borrowed(value),
    }
}

/// a − b of two numbers of the same length, written big-endian; `None` where b is larger.
pub(super) fn difference(a: &[u8], b: &[u8]) -> Option<Vec<u8>> {
    if a.len() != b.len() {
        return None;
    }
    let mut borrowed = false;
    let mut digits: Vec<u8> = Vec::with_capacity(a.len());
    for (a, b) in a.iter().zip(b).rev() {
        let (digit, first) = a.overflowing_sub(*b);
        let (digit, second) = digit.overflowing_sub(u8::from(borrowed));
        digits.push(digit);
        borrowed = first || second;
    }
    digits.reverse();
    (!borrowed).then_some(digits)
}

const P256: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

const P384: [u8; 48] = [
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xc7, 0x63, 0x4d, 0x81, 0xf4, 0x37, 0x2d, 0xdf,
    0x58, 0x1a, 0x0d, 0xb2, 0x48, 0xb0, 0xa7, 0x7a, 0xec, 0xec, 0x19, 0x6a, 0xcc, 0xc5, 0x29, 0x73,
];

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{
        self, EcdsaKeyPair, EcdsaSigningAlgorithm, KeyPair as _, UnparsedPublicKey,
        VerificationAlgorithm,
    };

    /// Both spellings fit, differ, and come out as one that fits.
    fn two_spellings_are_one(
        order: Order,
        signing: &'static EcdsaSigningAlgorithm,
        verifying: &'static dyn VerificationAlgorithm,
    ) {
        let random = SystemRandom::new();
        let key = EcdsaKeyPair::generate(signing).unwrap();
        let public = UnparsedPublicKey::new(verifying, key.public_key().as_ref());
        let mut untouched = Vec::new();
        for n in 0..32_u8 {
            let value = key.sign(&random, &[n]).unwrap();
            let (r, s) = value.as_ref().split_at(order.octets().len());
            let other = [r, &difference(order.octets(), s).unwrap()].concat();
            assert_ne!(value.as_ref(), other);
            public.verify(&[n], &other).unwrap();
            let kept = settled(value.as_ref(), order);
            assert_eq!(kept, settled(&other, order));
            public.verify(&[n], &kept).unwrap();
            assert_eq!(settled(&kept, order), kept);
            untouched.push(*kept == *value.as_ref());
        }
        assert!(untouched.contains(&true) && untouched.contains(&false), "{untouched:?}");
    }

    #[test]
    fn the_two_spellings_of_a_p256_signature_are_one() {
        two_spellings_are_one(
            Order::P256,
            &signature::ECDSA_P256_SHA256_FIXED_SIGNING,
            &signature::ECDSA_P256_SHA256_FIXED,
        );
    }

    #[test]
    fn the_two_spellings_of_a_p384_signature_are_one() {
        two_spellings_are_one(
            Order::P384,
            &signature::ECDSA_P384_SHA384_FIXED_SIGNING,
            &signature::ECDSA_P384_SHA384_FIXED,
        );
    }

    #[test]
    fn what_is_no_signature_of_the_curve_stays_as_it_is() {
        for len in [0, 31, 63, 65, 96] {
            assert_eq!(settled(&vec![0xff; len], Order::P256), vec![0xff; len]);
        }
        // Larger than the order: no signature fits, and nothing overflows.
        assert_eq!(settled(&[0xff; 64], Order::P256), [0xff; 64].as_slice());
    }
}
