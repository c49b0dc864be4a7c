//! What comes over the network: SOAP, signatures, certificates, assertions, control requests.

use super::choose;
use mbx_common::control::audit::{ExportRequest, VerifyRequest};
use mbx_common::control::hsm::PinRequest;
use mbx_common::control::mailbox;
use mbx_common::control::route::Route;
use mbx_common::control::sender::{AllowRequest, BlockRequest};
use mbx_common::control::session::{LoginRequest, PasswordRequest};
use mbx_common::control::setup::InitRequest;
use mbx_common::control::user::{FindRequest, Registration, RegistrationBatch};
use mbxd::delivery::signature::{self, Policy};
use mbxd::delivery::soap::{self, Document, PrescanLimits, Request};
use mbxd::{control, holder, trust};
use serde::de::DeserializeOwned;

/// A request as it comes: scanned, made a tree, read. What is read is dropped.
pub(super) fn soap(bytes: &[u8]) {
    let limits = PrescanLimits::default();
    let scanned = soap::prescan(bytes, &limits);
    let read = Document::read(bytes, &limits);
    assert!(scanned.is_ok() || read.is_err(), "a tree is built of what the scan refuses");
    let Ok(document) = read else { return };
    assert!(bytes.ends_with(document.payload()), "the tree is over other bytes");
    match soap::parse(&document) {
        Ok(Request::DeliverSecure(delivery)) => {
            drop(signature::verify(&delivery, Policy::default()));
        }
        Ok(Request::Notify(_) | Request::DeliverForward(_)) | Err(_) => {}
    }
}

/// Both signatures of a document, under the profile and under everything that may be tolerated.
pub(super) fn signature(bytes: &[u8]) {
    let Ok(document) = Document::read(bytes, &PrescanLimits::default()) else { return };
    let lax = Policy { sha1_allowed: true, rsa_bits_min: 1024 };
    let tolerated = signature::verify_document(&document, lax);
    if let Ok(strict) = signature::verify_document(&document, Policy::default()) {
        assert_eq!(tolerated.as_ref().ok(), Some(&strict), "tolerance refuses or reads otherwise");
        for level in [&strict.sender, &strict.seal] {
            assert!(!level.certificates.is_empty() && !level.uses_sha1());
            let settled = level.settled_value();
            assert_eq!(settled.len(), level.signature_value.len());
        }
    }
}

/// A certificate or a revocation list in DER.
pub(super) fn certificate(bytes: &[u8]) {
    match choose(bytes, 2) {
        Some((0, der)) => drop(trust::fuzzing::certificate(der)),
        Some((_, der)) => {
            assert!(!trust::fuzzing::revocation_list(der), "a list of nobody is believed");
        }
        None => {}
    }
}

/// A portal's assertion: as it comes, as claims whose signature held; and a portal's key file.
pub(super) fn assertion(bytes: &[u8]) {
    let Some((form, bytes)) = choose(bytes, 3) else { return };
    match (form, std::str::from_utf8(bytes)) {
        (0, Ok(token)) => drop(holder::fuzzing::assertion(token)),
        (1, _) => drop(holder::fuzzing::claims(bytes)),
        (2, _) => drop(holder::fuzzing::key_file(bytes)),
        _ => {}
    }
}

/// A `Range` header, behind the part's length in eight bytes; and a path of the portal's API.
pub(super) fn range(bytes: &[u8]) {
    let Some((len, text)) = bytes.split_first_chunk() else { return };
    let (len, Ok(text)) = (u64::from_be_bytes(*len), std::str::from_utf8(text)) else { return };
    if let Some(Ok(range)) = holder::fuzzing::range(text, len) {
        assert!(range.start < range.end && range.end <= len, "a range outside the part");
    }
    let _ = holder::fuzzing::path(text);
}

/// The body of a control request of each kind; a query; a path.
pub(super) fn control(bytes: &[u8]) {
    const BODIES: [fn(&[u8]); 12] = [
        body::<InitRequest>,
        body::<LoginRequest>,
        body::<PasswordRequest>,
        body::<Registration>,
        body::<RegistrationBatch>,
        body::<FindRequest>,
        body::<mailbox::VerifyRequest>,
        body::<AllowRequest>,
        body::<BlockRequest>,
        body::<PinRequest>,
        body::<ExportRequest>,
        body::<VerifyRequest>,
    ];
    let Some((form, bytes)) = choose(bytes, BODIES.len() + 2) else { return };
    if let Some(read) = BODIES.get(form) {
        return read(bytes);
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if form == BODIES.len() {
        let _ = control::fuzzing::query(text);
        return;
    }
    for method in ["GET", "POST", "PUT", "DELETE"] {
        if let Ok((route, parameter)) = Route::find(method, text) {
            assert_eq!(route.method().name(), method);
            drop(parameter.map(control::fuzzing::parameter));
        }
    }
}

fn body<T: DeserializeOwned>(bytes: &[u8]) {
    drop(serde_json::from_slice::<T>(bytes));
}
