//! The compatibility sheet: what the daemon needs, tried on the operator's token.

use super::fault::Fault;
use super::sealed;
use super::session::TokenSession;
use super::sheet::{Check, Outcome, Rate, Sheet};
use super::{KeyPurpose, KeySpec, Secret32};
use crate::random;
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{Attribute, AttributeType, ObjectHandle};
use cryptoki::session::Session;
use mbx_common::id::KeyId;
use std::time::{Duration, Instant};

/// How long each rate is measured: one second, so that the count is the rate.
const MEASURED: Duration = Duration::from_secs(1);

/// What is sealed; nothing hangs on it.
const SAMPLE: [u8; 32] = [0x5a; 32];

/// Tries what the daemon needs, with keys made for it and destroyed at the end.
///
/// # Errors
/// Where the token cannot even be asked what it offers, or keeps the keys.
pub(super) fn run(session: &mut TokenSession) -> Result<Sheet, Fault> {
    let [kek, other, sign] = [KeyPurpose::KekBasic, KeyPurpose::KekHigh, KeyPurpose::Sign]
        .map(|purpose| KeySpec { id: KeyId::from_bytes(random::bytes()), purpose, version: 0 });
    let module = session.module()?;
    let offered = session.mechanisms()?;
    let mut probe = Probe { session, sheet: Sheet { module, ..Sheet::default() } };
    probe.sealing(kek, other);
    probe.guarding(kek, other);
    probe.signing(sign, &offered);
    probe.offers(&offered);
    let sheet = probe.sheet;
    session.discard();
    for key in [kek, other, sign] {
        session.destroy(key)?;
    }
    Ok(sheet)
}

struct Probe<'a> {
    session: &'a mut TokenSession,
    sheet: Sheet,
}

impl Probe<'_> {
    fn sealing(&mut self, kek: KeySpec, other: KeySpec) {
        let made = self.session.generate(kek).and_then(|()| self.session.generate(other));
        self.note("makes an AES-256 key with our attributes", true, passed(made));
        let sealed = self.session.seal(kek, &Secret32::new(SAMPLE));
        let outcome = sealed.as_ref().map(|_| ()).map_err(ToString::to_string);
        self.note("seals with AES-GCM", true, outcome);
        let Ok(sealed) = sealed else { return };

        let opened = sealed::decode(&sealed, kek.purpose)
            .map_err(|error| error.to_string())
            .and_then(|blob| self.session.open(kek, &blob).map_err(|fault| fault.to_string()));
        let outcome = opened.and_then(|secret| truth(*secret.expose() == SAMPLE, "another secret"));
        self.note("opens what it sealed", true, outcome);

        let mut altered = sealed.clone();
        if let Some(last) = altered.0.last_mut() {
            *last ^= 1;
        }
        let mut renamed = sealed.clone();
        if let Some(purpose) = renamed.0.get_mut(2) {
            *purpose = other.purpose.code();
        }
        for (name, purpose, sealed) in [
            ("refuses an altered secret", kek.purpose, &altered),
            ("refuses a secret whose authenticated data differ", other.purpose, &renamed),
        ] {
            let opened = sealed::decode(sealed, purpose)
                .map(|blob| self.session.open(KeySpec { purpose, ..kek }, &blob).is_ok());
            self.session.discard();
            self.note(name, true, truth(opened == Ok(false), "it opened"));
        }

        let secret = Secret32::new(SAMPLE);
        self.measure("seal", |session| session.seal(kek, &secret).is_ok());
        self.measure("open", |session| {
            sealed::decode(&sealed, kek.purpose).is_ok_and(|blob| session.open(kek, &blob).is_ok())
        });
    }

    /// What must not work.
    fn guarding(&mut self, kek: KeySpec, other: KeySpec) {
        let (Ok(kek), Ok(other)) = (self.session.handle(kek), self.session.handle(other)) else {
            return self.note("keeps the key to itself", true, Err("there is no key".to_owned()));
        };
        let Ok(raw) = self.session.raw() else { return };
        let told = raw.get_attributes(kek, &[AttributeType::Value]).unwrap_or_default();
        let shown = told.iter().any(|told| matches!(told, Attribute::Value(v) if !v.is_empty()));
        let wrapped = wraps(raw, kek);
        let exposed = raw.update_attributes(kek, &[Attribute::Extractable(true)]).is_ok()
            || raw.update_attributes(kek, &[Attribute::Sensitive(false)]).is_ok();
        let widened = raw.update_attributes(other, &[Attribute::Wrap(true)]).is_ok();
        self.session.discard();
        self.note("keeps the key to itself", true, truth(!shown, "its value can be read"));
        self.note("refuses to wrap the key", true, truth(!wrapped, "it was wrapped"));
        self.note("refuses to weaken the key", true, truth(!exposed, "it can be made extractable"));
        // Where they can be widened later, the check at each opening finds it.
        let outcome = if widened { Outcome::Absent } else { Outcome::Passed };
        self.sheet.checks.push(Check { name: "freezes the key's usages", needed: false, outcome });
    }

    fn signing(&mut self, sign: KeySpec, offered: &[MechanismType]) {
        let made = self.session.generate(sign);
        self.note("makes a signing key with our attributes", true, passed(made));
        let verified = super::canary::ask_signature(self.session, sign);
        let name = if offered.contains(&MechanismType::EDDSA) {
            "signs with Ed25519, and we verify it"
        } else {
            "signs with ECDSA P-256, and we verify it"
        };
        self.note(name, true, passed(verified));
        self.measure("sign", |session| session.sign(sign, &SAMPLE).is_ok());
    }

    /// What later profiles could use, by the token's own list.
    fn offers(&mut self, offered: &[MechanismType]) {
        for (name, mechanism) in [
            ("offers Ed25519", MechanismType::EDDSA),
            ("offers ECDSA", MechanismType::ECDSA),
            ("offers RSA-OAEP", MechanismType::RSA_PKCS_OAEP),
            ("offers ECDH", MechanismType::ECDH1_DERIVE),
            ("offers AES-CBC", MechanismType::AES_CBC),
        ] {
            let outcome =
                if offered.contains(&mechanism) { Outcome::Passed } else { Outcome::Absent };
            self.sheet.checks.push(Check { name, needed: false, outcome });
        }
    }

    fn note(&mut self, name: &'static str, needed: bool, outcome: Result<(), String>) {
        let outcome = outcome.map_or_else(Outcome::Failed, |()| Outcome::Passed);
        self.sheet.checks.push(Check { name, needed, outcome });
    }

    fn measure(
        &mut self,
        operation: &'static str,
        mut call: impl FnMut(&mut TokenSession) -> bool,
    ) {
        let mut took = Vec::new();
        let start = Instant::now();
        while start.elapsed() < MEASURED {
            let before = Instant::now();
            if !call(self.session) {
                return self.session.discard();
            }
            took.push(u32::try_from(before.elapsed().as_micros()).unwrap_or(u32::MAX));
        }
        took.sort_unstable();
        let count = u32::try_from(took.len()).unwrap_or(u32::MAX);
        let quantile = |percent: usize| took.get(took.len() * percent / 100).copied();
        self.sheet.rates.push(Rate {
            operation,
            per_second: count,
            p50_us: quantile(50).unwrap_or_default(),
            p99_us: quantile(99).unwrap_or_default(),
        });
    }
}

/// Whether the token wraps the key under a wrapping key made for it. Where it makes no such key,
/// it cannot.
fn wraps(raw: &Session, key: ObjectHandle) -> bool {
    let template = [
        Attribute::Token(false),
        Attribute::ValueLen(32.into()),
        Attribute::Encrypt(true),
        Attribute::Wrap(true),
        Attribute::Unwrap(true),
    ];
    raw.generate_key(&Mechanism::AesKeyGen, &template).is_ok_and(|wrapping| {
        [Mechanism::AesKeyWrap, Mechanism::AesKeyWrapPad, Mechanism::AesCbcPad([7; 16])]
            .iter()
            .any(|mechanism| raw.wrap_key(mechanism, wrapping, key).is_ok())
    })
}

fn passed(outcome: Result<(), Fault>) -> Result<(), String> {
    outcome.map_err(|fault| fault.to_string())
}

fn truth(holds: bool, otherwise: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise.to_owned()) }
}
