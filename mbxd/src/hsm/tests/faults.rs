//! What happens when the token fails, by the fault module in front of it.

use super::*;
use crate::config::hsm::Sessions;
use crate::hsm::{Check, CustodyError, Outcome, Public, Sealed, Sheet, Signature};
use mbx_tests::faults::{Faults, code};
use mbx_tests::token;
use std::fs;
use std::time::Instant;

suite! {
    a_removed_device_is_down_until_it_is_back_and_reads_resume_in_time
    every_ambiguous_code_is_a_loss_when_the_canary_fails_too
    an_ambiguous_code_for_one_record_alone_blames_the_record
    an_ambiguous_code_while_sealing_is_tried_once_more
    a_lost_session_is_replaced_within_the_call
    a_lost_login_is_healed_by_logging_in_anew
    a_hanging_call_costs_one_worker_and_no_other_caller
    when_every_call_hangs_it_is_down_and_never_finalizes_until_they_return
    a_lost_token_is_not_finalized_under_a_call_that_hangs
    no_session_of_a_former_epoch_is_used_however_often_it_is_opened_anew
    an_idle_token_is_kept_awake_by_a_canary
    ten_times_the_latency_still_serves_within_the_deadline
    a_fresh_key_that_does_not_work_yet_is_waited_for
    a_token_that_refuses_the_edwards_curve_signs_on_p256
    the_sheet_of_a_token_that_gives_keys_away_says_so
    the_sheet_of_a_token_without_aes_gcm_says_that_it_is_not_usable
    only_keys_of_the_wanted_purpose_are_opened_with
    what_is_sealed_wrong_is_never_given_out
    what_is_signed_wrong_is_never_given_out
    a_wrong_answer_while_opening_is_an_error_and_no_secret
    a_module_that_tells_of_more_than_there_can_be_is_lost_and_found_again
    a_token_that_admits_fewer_sessions_than_it_tells_serves_with_those
    a_key_that_is_missed_is_told_and_told_no_longer_when_it_is_back
}

/// Reads must be back this soon after a repair.
const RECOVERY: Duration = Duration::from_secs(5);

/// An open token behind the fault module, with a key and a secret sealed under it.
struct Rig {
    token: Token,
    faults: Faults,
    custody: Arc<Pkcs11Custody>,
    kek: KeySpec,
    sealed: Sealed,
}

impl Rig {
    async fn new(token: Token) -> Self {
        Self::with(token, |_| {}).await
    }

    async fn with(token: Token, change: impl FnOnce(&mut Hsm)) -> Self {
        let faults = Faults::of(&token);
        let mut options = options(&token, token.fault_module());
        change(&mut options.config);
        let custody = ready(options).await;
        let kek = made(&custody, KeyPurpose::KekBasic).await;
        let sealed = custody.seal(kek, &secret(7)).await.unwrap();
        Self { token, faults, custody, kek, sealed }
    }

    async fn open(&self) -> Result<Secret32, CustodyError> {
        self.custody.open(KeyPurpose::KekBasic, &self.sealed).await
    }

    async fn opens(&self) {
        let opened = self.open().await;
        assert_eq!(opened.expect("it opens").expose(), &[7; 32], "{:?}", self.custody.status());
    }

    /// The state is reached again in time, and secrets open.
    async fn recovers(&self) {
        reaches(&self.custody, State::Ready, RECOVERY).await;
        let opened = in_time(self, async || self.open().await).await;
        assert_eq!(opened.expose(), &[7; 32], "{:?}", self.custody.status());
        assert_eq!(self.faults.stale(), []);
    }
}

/// Tries until it works. A loss may be noted only after the call that met it was answered, so what
/// is tried right after a repair may still be refused.
async fn in_time<T>(rig: &Rig, attempt: impl AsyncFn() -> Result<T, CustodyError>) -> T {
    let until = Instant::now() + RECOVERY;
    loop {
        match attempt().await {
            Ok(done) => return done,
            Err(error) => {
                assert!(Instant::now() < until, "{error}: {:?}", rig.custody.status());
                tokio::task::yield_now().await;
            }
        }
    }
}

async fn a_removed_device_is_down_until_it_is_back_and_reads_resume_in_time(token: Token) {
    let rig = Rig::new(token).await;
    rig.faults.fail("*", code::DEVICE_REMOVED);
    let refused = rig.open().await.unwrap_err();
    assert!(matches!(refused, CustodyError::Unavailable { .. }), "{refused:?}");
    reaches(&rig.custody, State::Down, RECOVERY).await;

    let status = rig.custody.status();
    let next_try = status.next_try.expect("status says when the next attempt is due");
    assert!(next_try <= Duration::from_millis(3600), "{next_try:?}");
    assert!(status.cause.unwrap().contains("DeviceRemoved"));
    // Refused at once, without asking the token.
    let start = Instant::now();
    let refused = rig.open().await.unwrap_err();
    assert!(refused.retry_after().is_some(), "{refused:?}");
    assert!(start.elapsed() < Duration::from_millis(100));

    // Nothing of the module works: neither C_Finalize nor C_Initialize.
    eventually("some attempts", || rig.faults.count("C_Initialize") >= 4).await;
    rig.faults.repair();
    rig.recovers().await;
    assert_eq!(rig.custody.status().epoch, 2);
}

async fn every_ambiguous_code_is_a_loss_when_the_canary_fails_too(token: Token) {
    let rig = Rig::new(token).await;
    let vendors_own = 0x8000_0042;
    for ambiguous in [code::GENERAL_ERROR, code::DEVICE_ERROR, 0x6, 0xe0, vendors_own] {
        rig.faults.fail("C_DecryptInit", ambiguous);
        assert!(rig.open().await.is_err());
        reaches(&rig.custody, State::Down, RECOVERY).await;
        rig.faults.repair();
        rig.recovers().await;
    }
    assert_eq!(rig.custody.metrics().tampered, 0);
}

async fn an_ambiguous_code_for_one_record_alone_blames_the_record(token: Token) {
    let rig = Rig::new(token).await;
    for ambiguous in [code::GENERAL_ERROR, code::DEVICE_ERROR, code::DEVICE_REMOVED] {
        rig.faults.fail_next("C_Decrypt", ambiguous, 1);
        assert_eq!(rig.open().await.err(), Some(CustodyError::Tampered));
        rig.opens().await;
    }
    let status = rig.custody.status();
    assert_eq!((status.state, status.epoch), (State::Ready, 1));
    assert_eq!(rig.custody.metrics().tampered, 3);
}

async fn an_ambiguous_code_while_sealing_is_tried_once_more(token: Token) {
    let rig = Rig::new(token).await;
    rig.faults.fail_next("C_EncryptInit", code::DEVICE_ERROR, 1);
    rig.custody.seal(rig.kek, &secret(1)).await.unwrap();
    assert_eq!(rig.custody.metrics().errors["DeviceError"], 1);
    assert_eq!(rig.custody.status().epoch, 1);
}

async fn a_lost_session_is_replaced_within_the_call(token: Token) {
    let rig = Rig::new(token).await;
    for (function, broken) in [
        ("C_DecryptInit", code::SESSION_HANDLE_INVALID),
        ("C_DecryptInit", code::KEY_HANDLE_INVALID),
        ("C_Decrypt", 0xb0),
        ("C_DecryptInit", 0x90),
        ("C_DecryptInit", code::USER_NOT_LOGGED_IN),
    ] {
        rig.faults.fail_next(function, broken, 1);
        rig.opens().await;
    }
    assert_eq!(rig.custody.status().epoch, 1);
}

async fn a_lost_login_is_healed_by_logging_in_anew(token: Token) {
    let rig = Rig::new(token).await;
    let logins = rig.faults.count("C_Login");
    rig.faults.fail_next("C_DecryptInit", code::USER_NOT_LOGGED_IN, 2);
    assert!(rig.open().await.is_err());
    reaches(&rig.custody, State::Down, RECOVERY).await;
    rig.recovers().await;
    assert_eq!(rig.custody.status().epoch, 2);
    assert_eq!(rig.faults.count("C_Login"), logins + 1);
}

#[test]
fn a_token_whose_storage_goes_away_and_comes_back_is_opened_anew() {
    token::alone_async(|token| async move {
        let rig = Rig::new(token).await;
        let away = rig.token.dir().join("away");
        fs::rename(rig.token.storage(), &away).unwrap();
        assert!(rig.open().await.is_err());
        reaches(&rig.custody, State::Down, RECOVERY).await;
        fs::rename(&away, rig.token.storage()).unwrap();
        rig.recovers().await;
    });
}

async fn a_hanging_call_costs_one_worker_and_no_other_caller(token: Token) {
    let rig = Rig::with(token, |config| config.deadline = Span::secs(1)).await;
    rig.faults.hang_next("C_DecryptInit", 1);
    assert_eq!(rig.open().await.err(), Some(CustodyError::Timeout));
    for _ in 0..20 {
        rig.opens().await;
    }
    eventually("status shows it", || rig.custody.status().workers_lost == 1).await;
    assert_eq!(rig.custody.status().state, State::Ready);

    // It comes back, closes its session and ends.
    let closed = rig.faults.count("C_CloseSession");
    rig.faults.repair();
    eventually("the lost worker ends", || {
        rig.custody.status().workers_lost == 0 && rig.faults.count("C_CloseSession") > closed
    })
    .await;
    rig.opens().await;
    assert_eq!(rig.custody.status().epoch, 1);
    assert_eq!(rig.faults.stale(), []);
}

async fn when_every_call_hangs_it_is_down_and_never_finalizes_until_they_return(token: Token) {
    let rig = Rig::with(token, |config| {
        config.deadline = Span::millis(500);
        config.sessions = Sessions::new(2).unwrap();
    })
    .await;
    let finalized = rig.faults.count("C_Finalize");
    rig.faults.hang_next("C_DecryptInit", 1000);
    for _ in 0..20 {
        assert!(rig.open().await.is_err());
        if rig.custody.status().state == State::Down {
            break;
        }
    }
    reaches(&rig.custody, State::Down, RECOVERY).await;
    let status = rig.custody.status();
    assert_eq!(status.workers_lost, 4, "{status:?}");
    assert_eq!(rig.faults.count("C_Finalize"), finalized);

    rig.faults.repair();
    rig.recovers().await;
    assert_eq!(rig.custody.status().workers_lost, 0);
}

async fn a_lost_token_is_not_finalized_under_a_call_that_hangs(token: Token) {
    let rig = Rig::with(token, |config| config.deadline = Span::secs(1)).await;
    rig.faults.hang_next("C_Decrypt", 1);
    assert_eq!(rig.open().await.err(), Some(CustodyError::Timeout));
    let hanging = "C_Decrypt - 3600000 0";
    let finalized = rig.faults.count("C_Finalize");

    rig.faults.rule(&format!("C_DecryptInit 0x32 0 *\n{hanging}"));
    assert!(rig.open().await.is_err());
    reaches(&rig.custody, State::Down, RECOVERY).await;
    let asked = rig.faults.count("C_DecryptInit");
    eventually("it is asked again", || rig.faults.count("C_DecryptInit") >= asked + 2).await;
    assert_eq!(rig.faults.count("C_Finalize"), finalized);

    // The token is back, and that call still hangs.
    rig.faults.rule(hanging);
    rig.recovers().await;
    assert_eq!(rig.faults.count("C_Finalize"), finalized);
    assert_eq!(rig.custody.status().workers_lost, 1);
    rig.faults.repair();
    eventually("the lost worker ends", || rig.custody.status().workers_lost == 0).await;
    rig.opens().await;
}

async fn no_session_of_a_former_epoch_is_used_however_often_it_is_opened_anew(token: Token) {
    let rig = Arc::new(Rig::new(token).await);
    let mut load = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let rig = Arc::clone(&rig);
        load.spawn(async move {
            loop {
                if rig.open().await.is_err() {
                    tokio::task::yield_now().await;
                }
            }
        });
    }
    // A token that answers again before it was opened anew stays in its epoch: not every fault
    // begins a new one.
    let mut faults = 0;
    while rig.custody.status().epoch < 12 {
        faults += 1;
        assert!(faults <= 60, "the token is hardly ever opened anew");
        rig.faults.fail("C_DecryptInit", code::DEVICE_REMOVED);
        reaches(&rig.custody, State::Down, RECOVERY).await;
        rig.faults.repair();
        reaches(&rig.custody, State::Ready, RECOVERY).await;
    }
    load.shutdown().await;
    rig.recovers().await;
}

async fn an_idle_token_is_kept_awake_by_a_canary(token: Token) {
    let rig = Rig::with(token, |config| config.keep_alive = Span::millis(100)).await;
    let before = rig.faults.count("C_Decrypt");
    eventually("two canaries", || rig.faults.count("C_Decrypt") >= before + 4).await;
    // And an idle token that is lost is noticed without any caller.
    rig.faults.fail("*", code::DEVICE_REMOVED);
    reaches(&rig.custody, State::Down, PATIENCE).await;
    rig.faults.repair();
    rig.recovers().await;
}

async fn ten_times_the_latency_still_serves_within_the_deadline(token: Token) {
    let rig = Rig::new(token).await;
    rig.faults.slow(1);
    let mut calls = tokio::task::JoinSet::new();
    let start = Instant::now();
    for _ in 0..16 {
        let (custody, sealed) = (Arc::clone(&rig.custody), rig.sealed.clone());
        calls.spawn(async move { custody.open(KeyPurpose::KekBasic, &sealed).await });
    }
    assert!(calls.join_all().await.iter().all(Result::is_ok));
    assert!(start.elapsed() < Duration::from_secs(5));
}

/// What a module may give in place of the right bytes, and how many calls of one attempt do it: the
/// length is asked for first.
const SPOILT: [(&str, u8); 4] = [("garbled", 2), ("short", 2), ("long", 2), ("huge", 1)];

async fn what_is_sealed_wrong_is_never_given_out(token: Token) {
    let rig = Rig::new(token).await;
    for (spoilt, calls) in SPOILT {
        // Wrong once, then right.
        rig.faults.rule(&format!("C_Encrypt {spoilt} 0 {calls}"));
        let sealed = rig.custody.seal(rig.kek, &secret(9)).await.expect(spoilt);
        rig.faults.rule(&format!("C_Encrypt {spoilt} 0 *"));
        let refused = rig.custody.seal(rig.kek, &secret(9)).await.err();
        assert!(matches!(refused, Some(CustodyError::Unavailable { .. })), "{spoilt}: {refused:?}");
        rig.faults.repair();
        let opened = rig.custody.open(KeyPurpose::KekBasic, &sealed).await.expect(spoilt);
        assert_eq!(opened.expose(), &[9; 32], "{spoilt}");
    }
    assert_eq!(rig.custody.status().epoch, 1, "the canary opened all the time");
}

async fn what_is_signed_wrong_is_never_given_out(token: Token) {
    let rig = Rig::new(token).await;
    let key = made(&rig.custody, KeyPurpose::Sign).await;
    for (spoilt, calls) in SPOILT {
        rig.faults.rule(&format!("C_Sign {spoilt} 0 {calls}"));
        in_time(&rig, async || rig.custody.sign(key, b"checkpoint").await).await;
        rig.faults.rule(&format!("C_Sign {spoilt} 0 *"));
        assert!(rig.custody.sign(key, b"checkpoint").await.is_err(), "{spoilt}");
        rig.faults.repair();
    }
}

async fn a_wrong_answer_while_opening_is_an_error_and_no_secret(token: Token) {
    let rig = Rig::new(token).await;
    for spoilt in ["short", "long", "huge"] {
        rig.faults.rule(&format!("C_Decrypt {spoilt} 0 *"));
        assert!(rig.open().await.is_err(), "{spoilt}");
        rig.faults.repair();
        rig.recovers().await;
    }
}

async fn a_module_that_tells_of_more_than_there_can_be_is_lost_and_found_again(token: Token) {
    let rig = Rig::new(token).await;
    rig.faults.rule("C_DecryptInit 0x60 0 1\nC_FindObjects many 0 *");
    let refused = rig.open().await.err();
    assert!(matches!(refused, Some(CustodyError::Unavailable { .. })), "{refused:?}");
    reaches(&rig.custody, State::Down, RECOVERY).await;
    // It is opened anew in vain, and the supervisor lives on.
    let before = rig.faults.count("C_Initialize");
    eventually("another attempt", || rig.faults.count("C_Initialize") >= before + 2).await;
    rig.faults.repair();
    rig.recovers().await;
}

async fn a_token_that_admits_fewer_sessions_than_it_tells_serves_with_those(token: Token) {
    let rig = Rig::with(token, |config| config.sessions = Sessions::new(4).unwrap()).await;
    rig.opens().await;
    let session_count = 0xb1;
    rig.faults.rule(&format!("C_OpenSession {session_count:#x} 0 *\nC_Decrypt - 20 *"));
    for _ in 0..3 {
        let mut calls = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let (custody, sealed) = (Arc::clone(&rig.custody), rig.sealed.clone());
            calls.spawn(async move { custody.open(KeyPurpose::KekBasic, &sealed).await });
        }
        for outcome in calls.join_all().await {
            assert!(outcome.is_ok(), "{outcome:?}, {:?}", rig.custody.status());
        }
    }
    assert_eq!(rig.custody.status().state, State::Ready);
    assert_eq!(rig.custody.status().epoch, 1);
}

async fn a_key_that_is_missed_is_told_and_told_no_longer_when_it_is_back(token: Token) {
    let rig = Rig::with(token, |config| config.sessions = Sessions::new(1).unwrap()).await;
    let other = made(&rig.custody, KeyPurpose::Keyring).await;
    let sealed = rig.custody.seal(other, &secret(3)).await.unwrap();
    // Its handle is no longer good, and a search finds nothing.
    rig.faults.rule("C_DecryptInit 0x60 0 1\nC_FindObjects none 0 1");
    let refused = rig.custody.open(KeyPurpose::Keyring, &sealed).await.err();
    assert_eq!(refused, Some(CustodyError::UnknownKey));
    assert_eq!(rig.custody.status().missing, [other]);
    rig.custody.open(KeyPurpose::Keyring, &sealed).await.unwrap();
    assert_eq!(rig.custody.status().missing, []);
    assert_eq!(rig.custody.status().epoch, 1);
}

async fn a_fresh_key_that_does_not_work_yet_is_waited_for(token: Token) {
    let rig = Rig::new(token).await;
    rig.faults.fail_next("C_EncryptInit", code::KEY_HANDLE_INVALID, 5);
    let kek = made(&rig.custody, KeyPurpose::Keyring).await;
    rig.custody.seal(kek, &secret(1)).await.unwrap();
}

async fn a_token_that_refuses_the_edwards_curve_signs_on_p256(token: Token) {
    let rig = Rig::new(token).await;
    let curve_not_supported = 0x140;
    // Two spellings of the curve, three templates each, where the token offers Ed25519 at all.
    let model = rig.custody.status().model;
    let refused = if model.starts_with("SoftHSM") { 6 } else { 0 };
    rig.faults.fail_next("C_GenerateKeyPair", curve_not_supported, refused);
    let key = made(&rig.custody, KeyPurpose::Sign).await;
    let public = rig.custody.public(key).await.unwrap();
    assert!(matches!(public, Public::EcdsaP256(_)), "{public:?}");
    let signature = rig.custody.sign(key, b"checkpoint").await.unwrap();
    assert!(matches!(signature, Signature::EcdsaP256(_)), "{signature:?}");
}

async fn the_sheet_of_a_token_without_aes_gcm_says_that_it_is_not_usable(token: Token) {
    let rig = Rig::new(token).await;
    let before = rig.token.objects();
    rig.faults.fail("C_EncryptInit", 0x70);
    let sheet = rig.custody.test().await.unwrap();
    assert!(!sheet.usable());
    assert_eq!(failures(&sheet), ["seals with AES-GCM"]);
    assert_eq!(rig.token.objects(), before);
    rig.faults.repair();
    rig.opens().await;
}

async fn the_sheet_of_a_token_that_gives_keys_away_says_so(token: Token) {
    let rig = Rig::new(token).await;
    rig.faults.rule("C_WrapKey 0x0 0 *\nC_SetAttributeValue 0x0 0 *");
    let sheet = rig.custody.test().await.unwrap();
    assert!(!sheet.usable());
    assert_eq!(failures(&sheet), ["refuses to wrap the key", "refuses to weaken the key"]);
}

fn failures(sheet: &Sheet) -> Vec<&'static str> {
    let failed = |check: &&Check| check.needed && matches!(check.outcome, Outcome::Failed(_));
    sheet.checks.iter().filter(failed).map(|check| check.name).collect()
}

async fn only_keys_of_the_wanted_purpose_are_opened_with(token: Token) {
    let rig = Rig::new(token).await;
    let high = made(&rig.custody, KeyPurpose::KekHigh).await;
    let sealed = rig.custody.seal(high, &secret(1)).await.unwrap();
    let before = rig.faults.opened_with().len();
    rig.opens().await;
    // Naming the blob of another purpose does not even reach the token.
    assert!(rig.custody.open(KeyPurpose::KekBasic, &sealed).await.is_err());
    let used = rig.faults.opened_with().split_off(before);
    let basic: String = rig.kek.id.to_string().split_off(4);
    assert_eq!(used, [basic]);
}
