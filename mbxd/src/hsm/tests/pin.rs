//! The PIN: tried once, never again by itself.

use super::*;
use crate::hsm::CustodyError;
use mbx_tests::faults::{Faults, code};

suite! {
    a_wrong_pin_is_tried_once_and_not_again_after_fifty_restarts
    a_rejected_pin_gives_way_to_an_operator_who_may_even_repeat_it
    a_rejected_pin_is_told_with_what_the_token_says_of_further_attempts
    a_slip_of_staff_does_not_make_a_refused_credential_new_again
    a_pin_given_in_an_outage_is_tried_even_where_it_was_refused_before
    a_locked_pin_is_latched
    a_pin_that_was_right_is_given_again_after_a_loss_but_not_after_a_refusal
    a_user_that_is_logged_in_already_is_success
    an_unlock_while_the_token_is_away_keeps_the_pin_for_its_return
    a_slip_at_unlocking_in_an_outage_gives_way_to_the_pin_that_was_right_before
    a_slip_and_a_former_pin_that_is_refused_too_are_tried_once_each
    a_pin_given_while_the_token_is_open_is_refused_untried
    a_pin_given_while_the_token_is_being_opened_is_not_called_right_untried
    a_lock_during_an_outage_holds_when_the_token_is_back
    nothing_that_is_shown_or_logged_holds_the_pin
}

fn with_pin(token: &Token, pin: &str) -> HsmOptions {
    HsmOptions { pin: Some(pin.to_owned().into()), ..options(token, token.fault_module()) }
}

async fn a_wrong_pin_is_tried_once_and_not_again_after_fifty_restarts(token: Token) {
    let faults = Faults::of(&token);
    for _ in 0..50 {
        let custody = Pkcs11Custody::start(with_pin(&token, "000000")).unwrap();
        reaches(&custody, State::PinRejected, PATIENCE).await;
        let status = custody.status();
        assert_eq!(status.next_try, None, "it is not tried again by itself");
        assert_eq!(custody.generate(key(KeyPurpose::Sign)).await, Err(CustodyError::Locked));
        custody.stop().await;
    }
    assert_eq!(faults.count("C_Login"), 1);

    // Another PIN from the credential is tried, and what was remembered is gone with it.
    let custody = ready(with_pin(&token, token.pin())).await;
    assert_eq!(faults.count("C_Login"), 2);
    custody.stop().await;
    assert!(!token.dir().join("rejected-pin").exists());
}

async fn a_rejected_pin_gives_way_to_an_operator_who_may_even_repeat_it(token: Token) {
    let faults = Faults::of(&token);
    let custody = Pkcs11Custody::start(with_pin(&token, "000000")).unwrap();
    reaches(&custody, State::PinRejected, PATIENCE).await;
    let again = custody.unlock("000000".to_owned().into()).await;
    assert_eq!(again, Err(CustodyError::PinRejected));
    assert_eq!(faults.count("C_Login"), 2);
    assert_eq!(custody.status().state, State::PinRejected);

    custody.unlock(token.pin().to_owned().into()).await.unwrap();
    assert_eq!(custody.status().state, State::Ready);
}

async fn a_slip_of_staff_does_not_make_a_refused_credential_new_again(token: Token) {
    let faults = Faults::of(&token);
    let custody = Pkcs11Custody::start(with_pin(&token, "000000")).unwrap();
    reaches(&custody, State::PinRejected, PATIENCE).await;
    let slip = custody.unlock("111111".to_owned().into()).await;
    assert_eq!(slip, Err(CustodyError::PinRejected));
    custody.stop().await;
    assert_eq!(faults.count("C_Login"), 2);
    let custody = Pkcs11Custody::start(with_pin(&token, "000000")).unwrap();
    reaches(&custody, State::PinRejected, PATIENCE).await;
    custody.stop().await;
    assert_eq!(faults.count("C_Login"), 2, "the credential was tried a second time");
}

async fn a_pin_given_in_an_outage_is_tried_even_where_it_was_refused_before(token: Token) {
    let faults = Faults::of(&token);
    faults.fail_next("C_Login", 0xa0, 1);
    let custody = Pkcs11Custody::start(with_pin(&token, token.pin())).unwrap();
    reaches(&custody, State::PinRejected, PATIENCE).await;
    // The token is away when its officer has reset the PIN and staff give it.
    faults.fail("C_Initialize", code::DEVICE_ERROR);
    let kept = custody.unlock(token.pin().to_owned().into()).await;
    assert!(matches!(kept, Err(CustodyError::Unavailable { .. })), "{kept:?}");
    faults.repair();
    reaches(&custody, State::Ready, PATIENCE).await;
}

async fn a_rejected_pin_is_told_with_what_the_token_says_of_further_attempts(token: Token) {
    let custody = Pkcs11Custody::start(with_pin(&token, "000000")).unwrap();
    reaches(&custody, State::PinRejected, PATIENCE).await;
    let status = custody.status();
    let cause = status.cause.unwrap();
    assert!(cause.starts_with("C_Login: PinIncorrect"), "{cause}");
    if status.model.starts_with("SoftHSM") {
        assert!(cause.contains("counts wrong PINs"), "{cause}");
    }
}

async fn a_locked_pin_is_latched(token: Token) {
    let faults = Faults::of(&token);
    faults.fail("C_Login", code::PIN_LOCKED);
    let custody = Pkcs11Custody::start(with_pin(&token, token.pin())).unwrap();
    reaches(&custody, State::PinLocked, PATIENCE).await;
    assert_eq!(custody.status().next_try, None);
    assert_eq!(faults.count("C_Login"), 1);

    let refused = custody.unlock(token.pin().to_owned().into()).await;
    assert_eq!(refused, Err(CustodyError::PinLocked));
    // The token's security officer has reset it.
    faults.repair();
    custody.unlock(token.pin().to_owned().into()).await.unwrap();
}

async fn a_pin_that_was_right_is_given_again_after_a_loss_but_not_after_a_refusal(token: Token) {
    let faults = Faults::of(&token);
    let custody = ready(with_pin(&token, token.pin())).await;
    let kek = made(&custody, KeyPurpose::KekBasic).await;
    faults.rule("C_EncryptInit 0x32 0 *\nC_DecryptInit 0x32 0 *\nC_Login 0xa0 0 *");
    assert!(custody.seal(kek, &secret(1)).await.is_err());
    // The PIN was changed behind our back: one attempt, then the latch.
    reaches(&custody, State::PinRejected, PATIENCE).await;
    assert_eq!(faults.count("C_Login"), 2);
    faults.repair();
    assert_eq!(custody.seal(kek, &secret(1)).await, Err(CustodyError::Locked));
    assert_eq!(faults.count("C_Login"), 2);
}

async fn a_user_that_is_logged_in_already_is_success(token: Token) {
    let faults = Faults::of(&token);
    // The log-in goes through, and the module says that it was there before.
    let first = ready(with_pin(&token, token.pin())).await;
    first.stop().await;
    faults.fail_next("C_Login", 0x100, 1);
    let custody = Pkcs11Custody::start(with_pin(&token, token.pin())).unwrap();
    reaches(&custody, State::Ready, PATIENCE).await;
    custody.stop().await;
}

async fn an_unlock_while_the_token_is_away_keeps_the_pin_for_its_return(token: Token) {
    let faults = Faults::of(&token);
    faults.fail("C_Initialize", code::DEVICE_ERROR);
    let options = HsmOptions { pin: None, ..options(&token, token.fault_module()) };
    let custody = Pkcs11Custody::start(options).unwrap();
    let refused = custody.unlock(token.pin().to_owned().into()).await;
    assert!(matches!(refused, Err(CustodyError::Unavailable { .. })), "{refused:?}");
    faults.repair();
    reaches(&custody, State::Ready, PATIENCE).await;
}

/// Open with the right PIN, then away; the operator gives a wrong PIN meanwhile.
async fn slipped(token: &Token, faults: &Faults) -> Arc<Pkcs11Custody> {
    let custody = ready(with_pin(token, token.pin())).await;
    let kek = made(&custody, KeyPurpose::KekBasic).await;
    faults.fail("*", code::DEVICE_REMOVED);
    assert!(custody.seal(kek, &secret(1)).await.is_err());
    reaches(&custody, State::Down, PATIENCE).await;
    let refused = custody.unlock("000000".to_owned().into()).await;
    assert!(matches!(refused, Err(CustodyError::Unavailable { .. })), "{refused:?}");
    custody
}

async fn a_slip_at_unlocking_in_an_outage_gives_way_to_the_pin_that_was_right_before(token: Token) {
    let faults = Faults::of(&token);
    let custody = slipped(&token, &faults).await;
    let logins = faults.count("C_Login");
    faults.repair();
    reaches(&custody, State::Ready, PATIENCE).await;
    // The slip once, the right one once.
    assert_eq!(faults.count("C_Login"), logins + 2);
}

async fn a_slip_and_a_former_pin_that_is_refused_too_are_tried_once_each(token: Token) {
    let faults = Faults::of(&token);
    let custody = slipped(&token, &faults).await;
    let logins = faults.count("C_Login");
    faults.rule("C_Login 0xa0 0 *");
    reaches(&custody, State::PinRejected, PATIENCE).await;
    assert_eq!(custody.status().next_try, None);
    assert_eq!(faults.count("C_Login"), logins + 2);
}

async fn a_pin_given_while_the_token_is_open_is_refused_untried(token: Token) {
    let faults = Faults::of(&token);
    let custody = ready(with_pin(&token, token.pin())).await;
    let kek = made(&custody, KeyPurpose::KekBasic).await;
    let logins = faults.count("C_Login");
    for pin in ["000000", token.pin()] {
        assert_eq!(custody.unlock(pin.to_owned().into()).await, Err(CustodyError::OpenAlready));
    }
    assert_eq!(faults.count("C_Login"), logins);
    // The PIN in use is the one that was right, also for the next opening.
    faults.fail("*", code::DEVICE_REMOVED);
    assert!(custody.seal(kek, &secret(1)).await.is_err());
    reaches(&custody, State::Down, PATIENCE).await;
    faults.repair();
    reaches(&custody, State::Ready, PATIENCE).await;
    assert_eq!(faults.count("C_Login"), logins + 1);
}

async fn a_pin_given_while_the_token_is_being_opened_is_not_called_right_untried(token: Token) {
    let faults = Faults::of(&token);
    faults.hang_next("C_Login", 1);
    let custody = Pkcs11Custody::start(with_pin(&token, token.pin())).unwrap();
    eventually("it is being opened", || faults.count("C_OpenSession") > 0).await;
    let slip = custody.unlock("000000".to_owned().into());
    let opened = async {
        // Given before the opening ends: the supervisor takes what it is told in order.
        tokio::task::yield_now().await;
        faults.repair();
    };
    let (slip, ()) = tokio::join!(slip, opened);
    assert_eq!(slip, Err(CustodyError::OpenAlready));
    assert_eq!(custody.status().state, State::Ready);
    custody.stop().await;

    // The other way round: the opening fails, and the PIN given meanwhile is tried.
    faults.hang_next("C_Login", 1);
    let custody = Pkcs11Custody::start(with_pin(&token, "000000")).unwrap();
    let before = faults.count("C_OpenSession");
    eventually("it is being opened", || faults.count("C_OpenSession") > before).await;
    let right = custody.unlock(token.pin().to_owned().into());
    let refused = async {
        tokio::task::yield_now().await;
        faults.repair();
    };
    let (right, ()) = tokio::join!(right, refused);
    assert_eq!(right, Ok(()));
    assert_eq!(custody.status().state, State::Ready);
}

async fn a_lock_during_an_outage_holds_when_the_token_is_back(token: Token) {
    let faults = Faults::of(&token);
    let custody = ready(with_pin(&token, token.pin())).await;
    let kek = made(&custody, KeyPurpose::KekBasic).await;
    faults.fail("*", code::DEVICE_REMOVED);
    assert!(custody.seal(kek, &secret(1)).await.is_err());
    reaches(&custody, State::Down, PATIENCE).await;
    let logins = faults.count("C_Login");
    custody.lock().await;
    faults.repair();
    eventually("the module is closed", || {
        faults.calls().last().is_some_and(|call| call.function == "C_Finalize")
    })
    .await;
    assert_eq!(custody.status().state, State::Locked);
    assert_eq!(faults.count("C_Login"), logins);
}

async fn nothing_that_is_shown_or_logged_holds_the_pin(token: Token) {
    let options = with_pin(&token, token.pin());
    assert!(!format!("{options:?}").contains(token.pin()));
    let custody = ready(options).await;
    assert!(!format!("{custody:?}{:?}", custody.status()).contains(token.pin()));
}
