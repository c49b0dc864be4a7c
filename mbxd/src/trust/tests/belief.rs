//! Whom the room believes, and whom not.

use super::pki::{
    self, AUTHORITY, Leaf, Pki, crl, crl_between, crl_for_part, key, name, organisation_params,
    pem, unknown_critical_extension,
};
use crate::config;
use crate::store::memory::Memory;
use crate::store::{CommitError, Store};
use crate::trust::*;
use base64::Engine as _;
use mbx_common::audit::{Actor, Event, Origin};
use mbx_common::error::Kind;
use proptest::prelude::*;
use rcgen::{
    CertifiedIssuer, CrlDistributionPoint, CrlIssuingDistributionPoint, CrlScope,
    ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose, PKCS_ED25519, PKCS_RSA_SHA256, RsaKeySize,
    SerialNumber, date_time_ymd,
};
use std::sync::Arc;

/// An RSA key of 1024 bits (`SubjectPublicKeyInfo`): the libraries here refuse to make one.
const RSA_1024: &str = "\
    MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQD5wrYNu6Q0hPWUR0Vioe7AsDamiZNbXzhV5hS1kBZGNNajLLno\
    399KgTDouwYk4a7zh9GzLpgF0Tcw7L9BkswwfHpOQUxWbKDnEiSOe7Siak+DWSNQVLxpmfQUIwKMtIUnziDF2S2f\
    7jhwdajSfTyoYFTZtYYn5nFFL5cS6kZlMwIDAQAB";

async fn trust(pki: &Pki) -> Trust {
    pki.trust(crate::store::memory::engine(), pki::clock()).await
}

async fn judge(pki: &Pki, leaf: &Leaf) -> (Result<Peer, ChainError>, Result<Peer, ChainError>) {
    let trust = trust(pki).await;
    (trust.check_signer(&leaf.chain), trust.check_client(Door::Authorities, &leaf.chain))
}

async fn refused_both_ways(pki: &Pki, leaf: &Leaf, cause: ChainError) {
    let (signer, client) = judge(pki, leaf).await;
    assert_eq!((signer, client), (Err(cause), Err(cause)));
}

#[tokio::test]
async fn an_organisation_certificate_under_the_root_is_believed_and_names_its_organisation() {
    let pki = Pki::new();
    let leaf = pki.leaf(|_| ());
    let (signer, client) = judge(&pki, &leaf).await;
    assert_eq!(signer.clone().unwrap().organisation, Ok(AUTHORITY.parse().unwrap()));
    assert_eq!(signer.unwrap().fingerprint, fingerprint(&leaf.chain[0]));
    assert!(client.is_ok());
}

#[tokio::test]
async fn a_chain_closes_without_the_intermediate_that_the_configuration_has() {
    let pki = Pki::new();
    let mut leaf = pki.leaf(|_| ());
    leaf.chain.truncate(1);
    assert!(judge(&pki, &leaf).await.0.is_ok());
}

#[tokio::test]
async fn a_chain_through_an_intermediate_that_nobody_gave_is_refused() {
    let pki = Pki::new();
    let mut leaf = pki.leaf(|_| ());
    leaf.chain.truncate(1);
    let config = config::Trust { intermediates: Vec::new(), ..pki.config() };
    let store = crate::store::memory::engine();
    let trust = Trust::open(config, Vec::new(), store, pki::clock()).await.unwrap();
    assert_eq!(trust.check_signer(&leaf.chain), Err(ChainError::UnknownIssuer));
}

#[tokio::test]
async fn expired_and_not_yet_valid_certificates_are_refused() {
    let pki = Pki::new();
    let expired = pki.leaf(|params| params.not_after = date_time_ymd(2026, 5, 31));
    refused_both_ways(&pki, &expired, ChainError::Expired).await;
    let early = pki.leaf(|params| params.not_before = date_time_ymd(2026, 6, 2));
    refused_both_ways(&pki, &early, ChainError::NotYetValid).await;
}

#[tokio::test]
async fn a_certificate_of_another_root_is_refused_even_with_equal_names() {
    let (ours, theirs) = (Pki::new(), Pki::new());
    refused_both_ways(&ours, &theirs.leaf(|_| ()), ChainError::UnknownIssuer).await;
}

#[tokio::test]
async fn a_self_signed_certificate_is_refused() {
    let pki = Pki::new();
    let key = key();
    let certificate = organisation_params(AUTHORITY).self_signed(&key).unwrap();
    let leaf = Leaf { chain: vec![certificate.der().clone()], key };
    refused_both_ways(&pki, &leaf, ChainError::UnknownIssuer).await;
}

#[tokio::test]
async fn a_leaf_that_issues_certificates_is_no_issuer() {
    let pki = Pki::new();
    let (upper, lower) = (key(), key());
    let upper =
        CertifiedIssuer::signed_by(organisation_params(AUTHORITY), upper, &pki.issuing).unwrap();
    let certificate = organisation_params(AUTHORITY).signed_by(&lower, &upper).unwrap();
    let chain = vec![certificate.der().clone(), upper.der().clone()];
    let (signer, client) = judge(&pki, &Leaf { chain, key: lower }).await;
    assert!(signer.is_err() && client.is_err());
}

#[tokio::test]
async fn a_signer_needs_digital_signature_or_non_repudiation() {
    let pki = Pki::new();
    let with = |usages: Vec<KeyUsagePurpose>| pki.leaf(|params| params.key_usages = usages);
    let verdict = async |usages| judge(&pki, &with(usages)).await.0.map(|_| ());
    assert_eq!(verdict(vec![KeyUsagePurpose::ContentCommitment]).await, Ok(()));
    assert_eq!(verdict(vec![KeyUsagePurpose::DigitalSignature]).await, Ok(()));
    assert_eq!(verdict(vec![]).await, Err(ChainError::KeyUsage));
    assert_eq!(verdict(vec![KeyUsagePurpose::KeyEncipherment]).await, Err(ChainError::KeyUsage));
}

#[tokio::test]
async fn a_tls_client_needs_client_auth_where_purposes_are_named() {
    let pki = Pki::new();
    let with = |purpose| pki.leaf(|params| params.extended_key_usages = vec![purpose]);
    let verdict = async |purpose| judge(&pki, &with(purpose)).await.1.map(|_| ());
    assert_eq!(verdict(ExtendedKeyUsagePurpose::ClientAuth).await, Ok(()));
    assert_eq!(verdict(ExtendedKeyUsagePurpose::ServerAuth).await, Err(ChainError::Purpose));
    let sealed = pki.leaf(|params| params.key_usages = vec![KeyUsagePurpose::ContentCommitment]);
    assert_eq!(judge(&pki, &sealed).await.1, Err(ChainError::KeyUsage));
}

#[tokio::test]
async fn a_revoked_certificate_is_refused() {
    let pki = Pki::new();
    let serial = SerialNumber::from(4711);
    let leaf = pki.leaf(|params| params.serial_number = Some(serial.clone()));
    assert!(judge(&pki, &leaf).await.0.is_ok());
    pki.write("crl/issuing.crl", &crl(&pki.issuing, &[&serial]));
    refused_both_ways(&pki, &leaf, ChainError::Revoked).await;
}

#[tokio::test]
async fn a_chain_that_was_believed_is_refused_once_a_new_list_revokes_it() {
    let pki = Pki::new();
    let serial = SerialNumber::from(4711);
    let leaf = pki.leaf(|params| params.serial_number = Some(serial.clone()));
    let trust = trust(&pki).await;
    assert!(trust.check_signer(&leaf.chain).is_ok());
    assert!(trust.check_client(Door::Authorities, &leaf.chain).is_ok());
    pki.write(
        "crl/issuing.crl",
        &crl_between(&pki.issuing, &[&serial], (2026, 5, 2), (2026, 7, 1)),
    );
    assert_eq!(trust.refresh_lists().await.updated, 1);
    assert_eq!(trust.check_signer(&leaf.chain), Err(ChainError::Revoked));
    assert_eq!(trust.check_client(Door::Authorities, &leaf.chain), Err(ChainError::Revoked));
}

#[tokio::test]
async fn a_chain_that_was_believed_is_refused_when_it_or_its_list_has_ended() {
    const DAY_MS: u64 = 86_400_000;
    let pki = Pki::new();
    let short = pki.leaf(|params| params.not_after = date_time_ymd(2026, 6, 10));
    let long = pki.leaf(|_| ());
    let clock = pki::clock();
    let trust = pki.trust(crate::store::memory::engine(), clock.clone()).await;
    assert!(trust.check_signer(&short.chain).is_ok() && trust.check_signer(&long.chain).is_ok());
    clock.advance(15 * DAY_MS);
    assert_eq!(trust.check_signer(&short.chain), Err(ChainError::Expired));
    assert!(trust.check_signer(&long.chain).is_ok());
    clock.advance(15 * DAY_MS);
    assert_eq!(trust.check_signer(&long.chain), Err(ChainError::RevocationListExpired));
}

#[tokio::test]
async fn a_chain_that_was_believed_is_refused_when_its_root_is_taken_away() {
    let (pki, other) = (Pki::new(), Pki::new());
    let leaf = pki.leaf(|_| ());
    let trust = trust(&pki).await;
    assert!(trust.check_signer(&leaf.chain).is_ok());
    let origin = Origin::of(Actor::Daemon);
    trust.reconfigure(other.config(), Vec::new(), &origin).await.unwrap();
    assert_eq!(trust.check_signer(&leaf.chain), Err(ChainError::UnknownIssuer));
}

#[tokio::test]
async fn a_certificate_under_a_revoked_issuing_ca_is_refused() {
    let pki = Pki::new();
    let parsed = certificate::parse(pki.issuing.der()).unwrap();
    let serial = SerialNumber::from(parsed.raw_serial().to_vec());
    pki.write("crl/root.crl", &crl(&pki.root, &[&serial]));
    refused_both_ways(&pki, &pki.leaf(|_| ()), ChainError::Revoked).await;
}

#[tokio::test]
async fn without_a_list_of_each_issuer_nobody_is_believed() {
    for missing in ["crl/issuing.crl", "crl/root.crl"] {
        let pki = Pki::new();
        pki::remove(&pki.path(missing));
        let leaf = pki.leaf(|_| ());
        refused_both_ways(&pki, &leaf, ChainError::NoRevocationList).await;
        assert_eq!(judge(&pki, &leaf).await.0.unwrap_err().kind(), Kind::Unavailable);
    }
}

#[tokio::test]
async fn an_outdated_list_is_not_enough() {
    let pki = Pki::new();
    pki.write("crl/issuing.crl", &crl_between(&pki.issuing, &[], (2026, 5, 1), (2026, 5, 31)));
    refused_both_ways(&pki, &pki.leaf(|_| ()), ChainError::RevocationListExpired).await;
}

#[tokio::test]
async fn a_missing_or_outdated_list_can_be_tolerated_by_issuer_but_a_revocation_cannot() {
    let pki = Pki::new();
    let serial = SerialNumber::from(4711);
    let good = pki.leaf(|_| ());
    let bad = pki.leaf(|params| params.serial_number = Some(serial.clone()));
    let tolerant =
        |der: &[u8]| config::Trust { crl_optional_for: vec![fingerprint(der)], ..pki.config() };
    let open = async |config| {
        let store = crate::store::memory::engine();
        let trust = Trust::open(config, Vec::new(), store, pki::clock()).await.unwrap();
        trust.refresh_lists().await;
        trust
    };
    pki::remove(&pki.path("crl/issuing.crl"));
    let trust = open(tolerant(pki.issuing.der())).await;
    assert!(trust.check_signer(&good.chain).is_ok());
    let trust = open(tolerant(pki.root.der())).await;
    assert_eq!(trust.check_signer(&good.chain), Err(ChainError::NoRevocationList));

    let outdated = crl_between(&pki.issuing, &[&serial], (2026, 5, 1), (2026, 5, 31));
    pki.write("crl/issuing.crl", &outdated);
    let trust = open(tolerant(pki.issuing.der())).await;
    assert!(trust.check_signer(&good.chain).is_ok());
    assert_eq!(trust.check_signer(&bad.chain), Err(ChainError::Revoked));
}

#[tokio::test]
async fn tolerance_for_a_certificate_that_is_not_configured_is_a_mistake() {
    let pki = Pki::new();
    let config =
        config::Trust { crl_optional_for: vec![config::Fingerprint([7; 32])], ..pki.config() };
    let store = crate::store::memory::engine();
    let opened = Trust::open(config, Vec::new(), store, pki::clock()).await;
    assert!(matches!(opened, Err(TrustError::UnknownFingerprint(_))));
}

#[tokio::test]
async fn a_forged_list_changes_nothing() {
    let (pki, other) = (Pki::new(), Pki::new());
    let trust = trust(&pki).await;
    let leaf = pki.leaf(|params| params.serial_number = Some(SerialNumber::from(4711)));
    let forged =
        crl_between(&other.issuing, &[&SerialNumber::from(4711)], (2026, 5, 20), (2026, 8, 1));
    pki.write("crl/issuing.crl", &forged);
    let report = trust.refresh_lists().await;
    assert!(matches!(report.refused.as_slice(), [(_, ListError::Crl(CrlError::Forged))]));
    assert!(trust.check_signer(&leaf.chain).is_ok());
}

#[tokio::test]
async fn a_flipped_byte_anywhere_in_a_list_is_noticed() {
    let pki = Pki::new();
    let trust = trust(&pki).await;
    let good = crl_between(&pki.issuing, &[&SerialNumber::from(4711)], (2026, 5, 20), (2026, 8, 1));
    for place in (0..good.len()).step_by(3) {
        let mut bad = good.clone();
        bad[place] ^= 1;
        pki.write("crl/issuing.crl", &bad);
        let report = trust.refresh_lists().await;
        assert_eq!((report.updated, report.refused.len()), (0, 1), "byte {place}");
    }
}

#[tokio::test]
async fn lists_of_strangers_from_the_future_or_older_than_the_known_one_are_not_used() {
    let pki = Pki::new();
    let trust = trust(&pki).await;
    let cause = async |der: Vec<u8>| {
        pki.write("crl/issuing.crl", &der);
        let mut report = trust.refresh_lists().await;
        match report.refused.pop() {
            Some((_, ListError::Crl(cause))) => Some(cause),
            _ => None,
        }
    };
    let stranger = CertifiedIssuer::self_signed(pki::ca("Somebody else"), key()).unwrap();
    assert_eq!(cause(crl(&stranger, &[])).await, Some(CrlError::UnknownIssuer));
    let early = crl_between(&pki.issuing, &[], (2026, 6, 2), (2026, 7, 1));
    assert_eq!(cause(early).await, Some(CrlError::NotYetValid));
    let older = crl_between(&pki.issuing, &[], (2026, 4, 1), (2026, 8, 1));
    assert_eq!(cause(older).await, Some(CrlError::Older));
    assert_eq!(cause(b"no list".to_vec()).await, Some(CrlError::Form));
    let newer = crl_between(&pki.issuing, &[], (2026, 5, 20), (2026, 8, 1));
    assert_eq!(cause(newer).await, None);
}

#[tokio::test]
async fn a_list_for_a_part_speaks_for_that_part_alone() {
    let pki = Pki::new();
    let address =
        |name: &str| CrlDistributionPoint { uris: vec![format!("http://crl.example/{name}")] };
    let part =
        |name, scope| CrlIssuingDistributionPoint { distribution_point: address(name), scope };
    let serial = SerialNumber::from(4711);
    let in_part = |name: &'static str| {
        let serial = serial.clone();
        pki.leaf(move |params| {
            params.serial_number = Some(serial);
            params.crl_distribution_points = vec![address(name)];
        })
    };
    let list = crl_for_part(&pki.issuing, &[&serial], part("1", None));
    pki.write("crl/issuing.crl", &list);
    assert_eq!(judge(&pki, &in_part("1")).await.0, Err(ChainError::Revoked));
    assert_eq!(judge(&pki, &in_part("2")).await.0, Err(ChainError::NoRevocationList));
    assert_eq!(judge(&pki, &pki.leaf(|_| ())).await.0, Err(ChainError::NoRevocationList));
    // Both parts are kept beside one another.
    pki.write("crl/second.crl", &crl_for_part(&pki.issuing, &[], part("2", None)));
    assert_eq!(judge(&pki, &in_part("1")).await.0, Err(ChainError::Revoked));
    assert!(judge(&pki, &in_part("2")).await.0.is_ok());
    // A list of CA certificates says nothing of organisations.
    pki::remove(&pki.path("crl/second.crl"));
    let of_cas = part("1", Some(CrlScope::CaCertsOnly));
    pki.write("crl/issuing.crl", &crl_for_part(&pki.issuing, &[], of_cas));
    assert_eq!(judge(&pki, &in_part("1")).await.0, Err(ChainError::NoRevocationList));
    let of_users = part("1", Some(CrlScope::UserCertsOnly));
    pki.write("crl/issuing.crl", &crl_for_part(&pki.issuing, &[], of_users));
    assert!(judge(&pki, &in_part("1")).await.0.is_ok());
}

#[tokio::test]
async fn the_last_good_list_survives_a_restart_without_its_file() {
    let pki = Pki::new();
    let memory = Arc::new(Memory::new());
    let store = Store::new(memory.clone());
    let leaf = pki.leaf(|_| ());
    drop(pki.trust(store.clone(), pki::clock()).await);
    pki::remove(&pki.path("crl/root.crl"));
    pki::remove(&pki.path("crl/issuing.crl"));
    let trust = pki.trust(store, pki::clock()).await;
    assert!(trust.check_signer(&leaf.chain).is_ok());
    let updates = memory.entries().iter().filter(|entry| entry.event == Event::CrlUpdated).count();
    assert_eq!(updates, 2);
}

#[tokio::test]
async fn a_list_that_cannot_be_audited_is_not_put_in_force() {
    let pki = Pki::new();
    let memory = Arc::new(Memory::new());
    let trust = pki.trust(Store::new(memory.clone()), pki::clock()).await;
    memory.refuse(Some(CommitError::Unavailable));
    let newer = crl_between(&pki.issuing, &[], (2026, 5, 20), (2026, 8, 1));
    pki.write("crl/issuing.crl", &newer);
    let report = trust.refresh_lists().await;
    assert!(matches!(report.refused.as_slice(), [(_, ListError::Commit(_))]));
    memory.refuse(None);
    assert_eq!(trust.refresh_lists().await.updated, 1);
}

#[tokio::test]
async fn weak_and_unusual_keys_are_refused() {
    let pki = Pki::new();
    let ed25519 = KeyPair::generate_for(&PKCS_ED25519).unwrap();
    let leaf = pki.leaf_of(AUTHORITY, ed25519, |_| ());
    refused_both_ways(&pki, &leaf, ChainError::WeakKey).await;
    let rsa = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
    let leaf = pki.leaf_of(AUTHORITY, rsa, |_| ());
    assert!(judge(&pki, &leaf).await.0.is_ok());
    let config = config::Trust { rsa_bits_min: 3072, ..pki.config() };
    let store = crate::store::memory::engine();
    let trust = Trust::open(config, Vec::new(), store, pki::clock()).await.unwrap();
    assert_eq!(trust.check_signer(&leaf.chain), Err(ChainError::WeakKey));
}

#[tokio::test]
async fn a_short_rsa_key_is_refused() {
    let pki = Pki::new();
    let short = base64::engine::general_purpose::STANDARD.decode(RSA_1024).unwrap();
    refused_both_ways(&pki, &pki.leaf_with_key(&short), ChainError::WeakKey).await;
}

#[tokio::test]
async fn a_policy_below_2048_bits_is_refused() {
    let pki = Pki::new();
    let config = config::Trust { rsa_bits_min: 1024, ..pki.config() };
    let store = crate::store::memory::engine();
    let opened = Trust::open(config, Vec::new(), store, pki::clock()).await;
    assert!(matches!(opened, Err(TrustError::RsaBits)));
}

#[tokio::test]
async fn the_organisation_is_the_one_serial_number_of_the_whole_subject() {
    let pki = Pki::new();
    let trust = trust(&pki).await;
    let organisation = |subject: Vec<u8>| {
        let leaf = pki.leaf_with_subject(&subject);
        trust.check_signer(&leaf.chain).unwrap().organisation
    };
    let one = (5, AUTHORITY);
    assert_eq!(organisation(name(&[&[(3, "Kommun"), one]])), Ok(AUTHORITY.parse().unwrap()));
    assert_eq!(organisation(name(&[&[(3, "Kommun")]])), Err(OrganisationError::Missing));
    let two = [one, (5, "165568402266")];
    assert_eq!(organisation(name(&[&two])), Err(OrganisationError::Ambiguous));
    let apart: &[&[_]] = &[&[one], &[(3, "Kommun"), one]];
    assert_eq!(organisation(name(apart)), Err(OrganisationError::Ambiguous));
    for wrong in ["2021004748", "172021004748", "191212121212", "16202100474A", "162021004749", ""]
    {
        assert_eq!(organisation(name(&[&[(5, wrong)]])), Err(OrganisationError::Form), "{wrong}");
    }
}

#[tokio::test]
async fn chains_that_are_empty_too_long_or_no_certificates_are_refused() {
    let pki = Pki::new();
    let trust = trust(&pki).await;
    assert_eq!(trust.check_signer(&[]), Err(ChainError::Missing));
    let leaf = pki.leaf(|_| ());
    let long: Vec<_> = std::iter::repeat_n(leaf.chain[0].clone(), 7).collect();
    assert_eq!(trust.check_signer(&long), Err(ChainError::TooMany));
    assert_eq!(trust.check_signer(&[b"junk"[..].into()]), Err(ChainError::Malformed));
    let junk_behind = [leaf.chain[0].clone(), b"junk"[..].into()];
    assert_eq!(trust.check_signer(&junk_behind), Err(ChainError::Malformed));
}

#[tokio::test]
async fn an_unknown_critical_extension_is_refused() {
    let pki = Pki::new();
    let leaf = pki.leaf(|params| params.custom_extensions = vec![unknown_critical_extension()]);
    refused_both_ways(&pki, &leaf, ChainError::Constraint).await;
}

#[tokio::test]
async fn a_reload_takes_good_files_and_keeps_everything_when_one_is_bad() {
    let pki = Pki::new();
    let trust = trust(&pki).await;
    let origin = Origin::of(Actor::Daemon);
    let shown = |trust: &Trust| {
        let server = trust.list().into_iter().find(|item| item.role == Role::Server(Door::Portal));
        server.unwrap().fingerprint
    };
    let first = shown(&trust);
    pki.server("server");
    trust.reload(&origin).await.unwrap();
    let second = shown(&trust);
    assert_ne!(first, second);

    let tls = trust.tls(Door::Authorities).unwrap();
    pki.write("server.key", key().serialize_pem().as_bytes());
    assert!(matches!(trust.reload(&origin).await, Err(TrustError::Identity(_))));
    pki.server("server");
    pki.write("root.pem", b"nothing");
    assert!(matches!(trust.reload(&origin).await, Err(TrustError::Issuer(_))));
    assert_eq!(shown(&trust), second);
    assert!(Arc::ptr_eq(&tls, &trust.tls(Door::Authorities).unwrap()));
    assert!(trust.check_signer(&pki.leaf(|_| ()).chain).is_ok());
}

#[tokio::test]
async fn a_leaf_certificate_is_no_root() {
    let pki = Pki::new();
    pki.write("root.pem", &pem("CERTIFICATE", &pki.leaf(|_| ()).chain[0]));
    let store = crate::store::memory::engine();
    let opened = Trust::open(pki.config(), Vec::new(), store, pki::clock()).await;
    assert!(matches!(opened, Err(TrustError::Issuer(IssuerError::Certificate { .. }))));
}

#[tokio::test]
async fn the_list_tells_roles_days_and_what_is_missing() {
    let pki = Pki::new();
    pki::remove(&pki.path("crl/issuing.crl"));
    let trust = trust(&pki).await;
    let items = trust.list();
    let of = |role| items.iter().filter(|item| item.role == role).collect::<Vec<_>>();
    assert_eq!(of(Role::Root).len(), 1);
    assert_eq!(of(Role::Intermediate).len(), 1);
    assert_eq!(of(Role::PortalRoot).len(), 1);
    let server = of(Role::Server(Door::Authorities))[0];
    assert_eq!(server.organisation, Some(AUTHORITY.parse().unwrap()));
    assert_eq!(server.days_left, Some(213));
    let lists = of(Role::Crl);
    let missing: Vec<_> = lists.iter().filter(|item| item.not_after.is_none()).collect();
    assert_eq!((lists.len(), missing.len()), (2, 1));
    assert!(missing[0].subject.contains("Test issuing CA"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// No input makes the readers of certificates and lists panic or believe.
    #[test]
    fn junk_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(Facts::of(&bytes).is_err());
        prop_assert!(crl::Crl::read(&bytes, &[], pki::clock().now()).is_err());
    }
}
