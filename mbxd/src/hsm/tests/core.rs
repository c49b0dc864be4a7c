//! What every token must do: the core suite.

use super::*;
use crate::hsm::{CustodyError, Public, Sealed, Signature};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ED25519, UnparsedPublicKey};

suite! {
    a_sealed_secret_opens_again_and_looks_different_each_time
    a_signature_verifies_under_the_key_that_the_token_tells
    a_flipped_byte_anywhere_is_refused_and_does_not_trip_the_breaker
    a_secret_of_another_purpose_is_refused
    making_a_key_again_is_success_and_makes_no_second_one
    keys_outlive_the_process_and_are_expected_at_the_next_start
    it_starts_locked_without_a_pin_and_locks_again
    a_soft_token_is_refused_unless_development_is_set
    many_callers_at_once_are_all_served_or_told_to_come_back
    the_sheet_says_that_the_token_is_usable_and_leaves_no_key_behind
}

async fn a_sealed_secret_opens_again_and_looks_different_each_time(token: Token) {
    let custody = ready(options(&token, token.module())).await;
    let kek = made(&custody, KeyPurpose::KekBasic).await;
    let first = custody.seal(kek, &secret(7)).await.unwrap();
    let second = custody.seal(kek, &secret(7)).await.unwrap();
    assert_ne!(first, second);
    for sealed in [&first, &second] {
        let opened = custody.open(KeyPurpose::KekBasic, sealed).await.unwrap();
        assert_eq!(opened.expose(), &[7; 32]);
    }
    assert_eq!(custody.status().opened[1], 2);
    custody.stop().await;
}

async fn a_signature_verifies_under_the_key_that_the_token_tells(token: Token) {
    let custody = ready(options(&token, token.module())).await;
    let key = made(&custody, KeyPurpose::Sign).await;
    let signature = custody.sign(key, b"checkpoint").await.unwrap();
    match (custody.public(key).await.unwrap(), signature) {
        (Public::Ed25519(public), Signature::Ed25519(signature)) => {
            let public = UnparsedPublicKey::new(&ED25519, public);
            public.verify(b"checkpoint", &signature).unwrap();
            public.verify(b"checkpoinT", &signature).unwrap_err();
        }
        (Public::EcdsaP256(public), Signature::EcdsaP256(signature)) => {
            let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, public);
            public.verify(b"checkpoint", &signature).unwrap();
            public.verify(b"checkpoinT", &signature).unwrap_err();
        }
        mixed => panic!("{mixed:?}"),
    }
}

async fn a_flipped_byte_anywhere_is_refused_and_does_not_trip_the_breaker(token: Token) {
    let custody = ready(options(&token, token.module())).await;
    let kek = made(&custody, KeyPurpose::KekHigh).await;
    let good = custody.seal(kek, &secret(1)).await.unwrap();
    for position in 0..good.0.len() {
        let mut bad = good.clone();
        bad.0[position] ^= 1;
        let refused = custody.open(KeyPurpose::KekHigh, &bad).await.unwrap_err();
        let expected = match position {
            0 | 1 => CustodyError::Malformed,
            3..19 => CustodyError::UnknownKey,
            _ => CustodyError::Tampered,
        };
        assert_eq!(refused, expected, "byte {position}");
        let others = custody.open(KeyPurpose::KekHigh, &good).await;
        assert!(others.is_ok(), "after byte {position}: {others:?}");
    }
    for len in 0..good.0.len() {
        let bad = Sealed(good.0[..len].to_vec());
        let refused = custody.open(KeyPurpose::KekHigh, &bad).await.unwrap_err();
        assert_eq!(refused, CustodyError::Malformed, "{len} bytes");
    }
    let status = custody.status();
    assert_eq!((status.state, status.epoch), (State::Ready, 1));
    assert_eq!(custody.metrics().tampered, 60);
}

async fn a_secret_of_another_purpose_is_refused(token: Token) {
    let custody = ready(options(&token, token.module())).await;
    let basic = made(&custody, KeyPurpose::KekBasic).await;
    let high = made(&custody, KeyPurpose::KekHigh).await;
    let sealed = custody.seal(basic, &secret(1)).await.unwrap();
    let refused = custody.open(KeyPurpose::KekHigh, &sealed).await.unwrap_err();
    assert_eq!(refused, CustodyError::Tampered);

    // Nor does it help to rewrite purpose and key id.
    let mut forged = sealed.clone();
    forged.0[2] = KeyPurpose::KekHigh.code();
    forged.0[3..19].copy_from_slice(high.id.as_bytes());
    let refused = custody.open(KeyPurpose::KekHigh, &forged).await.unwrap_err();
    assert_eq!(refused, CustodyError::Tampered);
    forged.0[3..19].copy_from_slice(basic.id.as_bytes());
    let refused = custody.open(KeyPurpose::KekHigh, &forged).await.unwrap_err();
    assert_eq!(refused, CustodyError::Tampered);
}

async fn making_a_key_again_is_success_and_makes_no_second_one(token: Token) {
    let custody = ready(options(&token, token.module())).await;
    let kek = made(&custody, KeyPurpose::Keyring).await;
    let sealed = custody.seal(kek, &secret(3)).await.unwrap();
    custody.generate(kek).await.unwrap();
    assert!(custody.open(KeyPurpose::Keyring, &sealed).await.is_ok());
}

async fn keys_outlive_the_process_and_are_expected_at_the_next_start(token: Token) {
    let custody = ready(options(&token, token.module())).await;
    let keys =
        [made(&custody, KeyPurpose::KekRegister).await, made(&custody, KeyPurpose::Sign).await];
    let sealed = custody.seal(keys[0], &secret(9)).await.unwrap();
    custody.stop().await;

    let custody = ready(options(&token, token.module())).await;
    custody.expect_keys(keys.to_vec()).await.unwrap();
    let opened = custody.open(KeyPurpose::KekRegister, &sealed).await.unwrap();
    assert_eq!(opened.expose(), &[9; 32]);
    let absent = key(KeyPurpose::Backup);
    let missing = custody.expect_keys(vec![keys[0], absent]).await.unwrap_err();
    assert_eq!(missing, CustodyError::UnknownKey);
    assert_eq!(custody.status().missing, vec![absent]);
}

async fn it_starts_locked_without_a_pin_and_locks_again(token: Token) {
    let custody =
        Pkcs11Custody::start(HsmOptions { pin: None, ..options(&token, token.module()) }).unwrap();
    let kek = key(KeyPurpose::KekBasic);
    assert_eq!(custody.status().state, State::Locked);
    assert_eq!(custody.generate(kek).await, Err(CustodyError::Locked));

    custody.unlock(token.pin().to_owned().into()).await.unwrap();
    assert_eq!(custody.status().state, State::Ready);
    custody.generate(kek).await.unwrap();
    custody.lock().await;
    assert_eq!(custody.status().state, State::Locked);
    assert_eq!(custody.seal(kek, &secret(1)).await, Err(CustodyError::Locked));

    custody.unlock(token.pin().to_owned().into()).await.unwrap();
    custody.seal(kek, &secret(1)).await.unwrap();
}

async fn a_soft_token_is_refused_unless_development_is_set(token: Token) {
    let strict = HsmOptions { development: false, ..options(&token, token.module()) };
    let custody = Pkcs11Custody::start(strict).unwrap();
    reaches(&custody, State::PolicyViolated, PATIENCE).await;
    let refused = custody.generate(key(KeyPurpose::KekBasic)).await;
    assert_eq!(refused, Err(CustodyError::Policy));
    assert!(custody.status().cause.unwrap().contains("software"));
}

async fn many_callers_at_once_are_all_served_or_told_to_come_back(token: Token) {
    let custody = ready(options(&token, token.module())).await;
    let kek = made(&custody, KeyPurpose::KekBasic).await;
    let sealed = custody.seal(kek, &secret(5)).await.unwrap();
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..200 {
        let (custody, sealed) = (Arc::clone(&custody), sealed.clone());
        calls.spawn(async move { custody.open(KeyPurpose::KekBasic, &sealed).await });
    }
    let (mut served, mut busy) = (0, 0);
    for outcome in calls.join_all().await {
        match outcome {
            Ok(_) => served += 1,
            Err(CustodyError::Busy) => busy += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(served + busy, 200);
    assert!(served >= 4, "{served}");
    assert_eq!(custody.metrics().busy, busy);
}

async fn the_sheet_says_that_the_token_is_usable_and_leaves_no_key_behind(token: Token) {
    let custody = ready(options(&token, token.module())).await;
    let kek = made(&custody, KeyPurpose::KekBasic).await;
    let before = token.objects();
    let sheet = custody.test().await.unwrap();
    assert!(sheet.usable(), "{sheet:#?}");
    let rates: Vec<_> = sheet.rates.iter().map(|rate| rate.operation).collect();
    assert_eq!(rates, ["seal", "open", "sign"]);
    assert!(sheet.rates.iter().all(|rate| rate.per_second > 0 && rate.p50_us <= rate.p99_us));
    assert_eq!(token.objects(), before);
    assert!(custody.seal(kek, &secret(1)).await.is_ok());
}
