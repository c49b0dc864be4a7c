//! Entry points for hostile bytes (`fuzz/`).

use super::assertion::Judge;
use super::portals::{Portal, Portals};
use super::range::{Wanted, wanted};
use super::route::Route;
use super::verification_key;
use crate::config::Fingerprint;
use crate::config::portal::Client;
use hyper::Method;
use mbx_common::assurance::Loa;
use mbx_common::time::Timestamp;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::LazyLock;

/// The portal's issuer, its one key, its certificate and the moment: what corpora are made for.
pub const ISSUER: &str = "https://portal.example";
/// What assertions name in `aud`.
pub const AUDIENCE: &str = "https://mbx.example/";
/// Thumbprint of the client certificate.
pub const CERTIFICATE: [u8; 32] = [7; 32];
/// Seconds since 1970.
pub const NOW_SECS: u64 = 1_795_000_000;

static PORTALS: LazyLock<Option<(Portals, Portal)>> = LazyLock::new(|| {
    let client = Client {
        name: "portal".to_owned(),
        certificates: vec![Fingerprint(CERTIFICATE)],
        issuer: ISSUER.to_owned(),
        keys: PathBuf::from("/nonexistent"),
        acr: BTreeMap::from([("3".to_owned(), Loa::Three)]),
        loa_max: Loa::Three,
        number_claims: vec!["sub".to_owned()],
    };
    let keys = verification_key::parse(KEYS).ok()?;
    let portals = Portals::new(AUDIENCE.to_owned(), (60_000, 5_000));
    Some((portals, Portal::new(client, keys)))
});

/// The public half of the Ed25519 key of RFC 8037, appendix A.
const KEYS: &[u8] = br#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"one","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

/// An assertion as it comes: whether it is believed.
pub fn assertion(token: &str) -> bool {
    with_judge(|judge| judge.judge(token).is_ok())
}

/// The claims of an assertion whose signature held: whether they are believed.
pub fn claims(json: &[u8]) -> bool {
    with_judge(|judge| judge.believe_json(json).is_ok())
}

/// A portal's key file: how many keys it holds.
pub fn key_file(file: &[u8]) -> Option<usize> {
    verification_key::parse(file).ok().map(|keys| keys.len())
}

/// A `Range` header for a part of this length; `None` where the whole part is given.
pub fn range(header: &str, len: u64) -> Option<Result<Range<u64>, ()>> {
    match wanted(Some(header), len) {
        Wanted::Whole => None,
        Wanted::Part(range) => Some(Ok(range)),
        Wanted::Unsatisfiable => Some(Err(())),
    }
}

/// A path: whether there is something at it.
pub fn path(path: &str) -> bool {
    [Method::GET, Method::POST, Method::DELETE].iter().any(|method| Route::of(method, path).is_ok())
}

fn with_judge(ask: impl FnOnce(&Judge<'_>) -> bool) -> bool {
    let Some((portals, portal)) = &*PORTALS else { return false };
    let now = Timestamp::from_millis(NOW_SECS.saturating_mul(1000)).unwrap_or(Timestamp::EPOCH);
    ask(&Judge { portals, portal, certificate: Fingerprint(CERTIFICATE), now })
}
