//! Keys that are missing, doubled or not as they must be.

use super::*;
use crate::hsm::{CustodyError, attributes};
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::Attribute;
use cryptoki::session::{Session, UserType};

suite! {
    a_missing_key_is_told_and_the_others_work
    two_keys_with_one_id_are_refused
    a_key_with_a_usage_turned_on_later_closes_the_room
    a_key_that_can_be_extracted_or_was_not_made_in_the_token_is_refused
    a_retired_key_opens_and_does_not_seal
    no_key_of_ours_can_be_read_wrapped_or_made_extractable
    a_token_of_another_serial_number_is_not_taken
    a_module_that_is_not_there_is_awaited
}

/// Acts on the token while mbxd does not: as its own user would, behind our back.
fn behind_our_back(token: &Token, act: impl FnOnce(&Session)) {
    let module = Pkcs11::new(token.module()).unwrap();
    module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).unwrap();
    let slots = module.get_slots_with_token().unwrap();
    let ours = |slot: &&_| module.get_token_info(**slot).unwrap().label() == token.label();
    let slot = *slots.iter().find(ours).unwrap();
    let session = module.open_rw_session(slot).unwrap();
    session.login(UserType::User, Some(&token.pin().to_owned().into())).unwrap();
    act(&session);
    drop(session);
    module.finalize().unwrap();
}

fn find(session: &Session, key: KeySpec) -> cryptoki::object::ObjectHandle {
    let search = attributes::search(key, attributes::class(key.purpose));
    session.find_objects(&search).unwrap()[0]
}

/// Keys of a former run, that run being over.
async fn former<const N: usize>(token: &Token, purposes: [KeyPurpose; N]) -> [KeySpec; N] {
    let custody = ready(options(token, token.module())).await;
    let mut keys = purposes.map(key);
    for key in &mut keys {
        *key = made(&custody, key.purpose).await;
    }
    custody.stop().await;
    keys
}

async fn a_missing_key_is_told_and_the_others_work(token: Token) {
    let [basic, high] = former(&token, [KeyPurpose::KekBasic, KeyPurpose::KekHigh]).await;
    behind_our_back(&token, |session| session.destroy_object(find(session, high)).unwrap());

    let custody = ready(options(&token, token.module())).await;
    let missing = custody.expect_keys(vec![basic, high]).await;
    assert_eq!(missing, Err(CustodyError::UnknownKey));
    assert_eq!(custody.seal(high, &secret(1)).await, Err(CustodyError::UnknownKey));
    custody.seal(basic, &secret(1)).await.unwrap();
    let status = custody.status();
    assert_eq!((status.state, status.missing), (State::Ready, vec![high]));
}

async fn two_keys_with_one_id_are_refused(token: Token) {
    let [basic, high] = former(&token, [KeyPurpose::KekBasic, KeyPurpose::KekHigh]).await;
    behind_our_back(&token, |session| {
        let twin = attributes::sealing(high, attributes::Extent::Full);
        session.generate_key(&Mechanism::AesKeyGen, &twin).unwrap();
    });
    let custody = ready(options(&token, token.module())).await;
    let refused = custody.expect_keys(vec![basic, high]).await;
    assert_eq!(refused, Err(CustodyError::UnknownKey));
    assert_eq!(custody.seal(high, &secret(1)).await, Err(CustodyError::UnknownKey));
    custody.seal(basic, &secret(1)).await.unwrap();
}

async fn a_key_with_a_usage_turned_on_later_closes_the_room(token: Token) {
    let [basic, high] = former(&token, [KeyPurpose::KekBasic, KeyPurpose::KekHigh]).await;
    behind_our_back(&token, |session| {
        session.update_attributes(find(session, high), &[Attribute::Wrap(true)]).unwrap();
    });
    let custody = ready(options(&token, token.module())).await;
    let refused = custody.expect_keys(vec![basic, high]).await;
    assert_eq!(refused, Err(CustodyError::Policy));
    reaches(&custody, State::PolicyViolated, PATIENCE).await;
    // Nothing is opened any more, not even with the good key.
    assert_eq!(custody.seal(basic, &secret(1)).await, Err(CustodyError::Policy));
    let status = custody.status();
    assert!(status.cause.unwrap().contains("more usages than planned"));
    assert!(status.next_try.is_some());
    custody.stop().await;

    // Made good, it opens again.
    behind_our_back(&token, |session| {
        session.update_attributes(find(session, high), &[Attribute::Wrap(false)]).unwrap();
    });
    let custody = ready(options(&token, token.module())).await;
    custody.expect_keys(vec![basic, high]).await.unwrap();
}

async fn a_key_that_can_be_extracted_or_was_not_made_in_the_token_is_refused(token: Token) {
    for (extractable, imported) in [(true, false), (false, true)] {
        let kek = key(KeyPurpose::KekBasic);
        behind_our_back(&token, |session| {
            let mut template = attributes::sealing(kek, attributes::Extent::Less);
            template.retain(|told| !matches!(told, Attribute::Extractable(_)));
            template.push(Attribute::Extractable(extractable));
            if imported {
                template.retain(|told| !matches!(told, Attribute::ValueLen(_)));
                template.push(Attribute::Class(attributes::class(kek.purpose)));
                template.push(Attribute::KeyType(cryptoki::object::KeyType::AES));
                template.push(Attribute::Value(vec![7; 32]));
                session.create_object(&template).unwrap();
            } else {
                session.generate_key(&Mechanism::AesKeyGen, &template).unwrap();
            }
        });
        let custody = ready(options(&token, token.module())).await;
        assert_eq!(custody.expect_keys(vec![kek]).await, Err(CustodyError::Policy));
        reaches(&custody, State::PolicyViolated, PATIENCE).await;
        custody.stop().await;
    }
}

async fn a_retired_key_opens_and_does_not_seal(token: Token) {
    let custody = ready(options(&token, token.module())).await;
    let kek = made(&custody, KeyPurpose::KekBasic).await;
    let sealed = custody.seal(kek, &secret(4)).await.unwrap();
    custody.stop().await;
    behind_our_back(&token, |session| {
        session.update_attributes(find(session, kek), &[Attribute::Encrypt(false)]).unwrap();
    });
    let custody = ready(options(&token, token.module())).await;
    custody.expect_keys(vec![kek]).await.unwrap();
    let opened = custody.open(KeyPurpose::KekBasic, &sealed).await.unwrap();
    assert_eq!(opened.expose(), &[4; 32]);
    assert!(custody.seal(kek, &secret(1)).await.is_err());
    assert_eq!(custody.status().state, State::Ready);
}

async fn no_key_of_ours_can_be_read_wrapped_or_made_extractable(token: Token) {
    let [kek, other] = former(&token, [KeyPurpose::KekHigh, KeyPurpose::KekBasic]).await;
    behind_our_back(&token, |session| {
        let (kek, other) = (find(session, kek), find(session, other));
        for weaker in
            [Attribute::Extractable(true), Attribute::Sensitive(false), Attribute::Copyable(true)]
        {
            session.update_attributes(kek, &[weaker]).unwrap_err();
        }
        session.wrap_key(&Mechanism::AesKeyWrap, other, kek).unwrap_err();
        let value = [cryptoki::object::AttributeType::Value];
        assert_eq!(session.get_attributes(kek, &value).unwrap(), []);
    });
}

async fn a_token_of_another_serial_number_is_not_taken(token: Token) {
    let mut options = options(&token, token.module());
    options.config.token_serial = "0000000000000000".to_owned();
    let custody = Pkcs11Custody::start(options).unwrap();
    eventually("it says why", || {
        custody.status().cause.is_some_and(|cause| cause.contains("serial number"))
    })
    .await;
    assert_eq!(custody.status().state, State::Down);
}

async fn a_module_that_is_not_there_is_awaited(token: Token) {
    let path = token.dir().join("module.so");
    let custody = Pkcs11Custody::start(options(&token, path.clone())).unwrap();
    eventually("it tries again", || custody.status().cause.is_some_and(|c| c.contains("module")))
        .await;
    std::os::unix::fs::symlink(token.module(), &path).unwrap();
    reaches(&custody, State::Ready, PATIENCE).await;
}
