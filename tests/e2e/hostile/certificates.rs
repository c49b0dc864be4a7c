//! Certificates that are not believed: in the TLS handshake, and under each of the signatures.

use super::documents::{in_each_style, letter, one_tree, sealed, signer};
use super::site::{
    Attack, Client, Fault, Site, attack, attack_on, attack_refused, client, refused,
};
use bytes::Bytes;
use mbx_common::error::Code;
use mbx_common::explain;
use mbx_sim::marshal::{Style, envelope};
use mbx_sim::pki::{Credentials, Flaw, Use};
use mbx_tests::installation::{AUTHORITY, SERVICE};

/// A certificate of the authority with a flaw; what it needs is in force when this returns.
fn flawed(site: &Site, flaw: Flaw) -> Credentials {
    let issuer = &site.installation.issuer;
    let name = format!("flawed-{flaw:?}");
    let own = issuer.issue_flawed(&name, Use::Organisation, AUTHORITY, flaw).unwrap();
    if flaw == Flaw::Revoked {
        site.installation.publish_revocations();
        site.installation.ok(&["cert", "reload"]);
    }
    own
}

fn signed_by(site: &Site, flaw: Flaw) -> Vec<Attack> {
    let (own, authority) = (flawed(site, flaw).signer().unwrap(), signer(site, "authority"));
    in_each_style(site, &letter(site).sealed(&own, &authority).unwrap())
}

fn sealed_by(site: &Site, flaw: Flaw) -> Vec<Attack> {
    let (own, authority) = (flawed(site, flaw).signer().unwrap(), signer(site, "authority"));
    in_each_style(site, &letter(site).sealed(&authority, &own).unwrap())
}

refused! {
    a_delivery_signed_with_an_expired_certificate: 5006 DELIVERY_CERTIFICATE, |site: &Site| {
        signed_by(site, Flaw::Expired)
    };
    a_delivery_signed_with_a_certificate_not_valid_yet:
        5006 DELIVERY_CERTIFICATE, |site: &Site| signed_by(site, Flaw::NotYetValid);
    a_delivery_signed_with_a_certificate_not_for_signatures:
        5006 DELIVERY_CERTIFICATE, |site: &Site| signed_by(site, Flaw::NoSignatureUsage);
    a_delivery_signed_with_an_rsa_key_of_1024_bits: 5006 DELIVERY_CERTIFICATE, |site: &Site| {
        signed_by(site, Flaw::ShortKey)
    };
    a_delivery_sealed_with_an_rsa_key_of_1024_bits: 5006 DELIVERY_CERTIFICATE, |site: &Site| {
        sealed_by(site, Flaw::ShortKey)
    };
    a_delivery_signed_with_a_certificate_of_no_organisation:
        5006 DELIVERY_ORGANISATION, |site: &Site| signed_by(site, Flaw::NoSerialNumber);
    a_delivery_signed_with_a_certificate_of_a_foreign_root:
        5006 DELIVERY_CERTIFICATE, |site: &Site| signed_by(site, Flaw::ForeignRoot);
    a_delivery_signed_with_a_revoked_certificate: 5006 DELIVERY_REVOKED, |site: &Site| {
        signed_by(site, Flaw::Revoked)
    };
    a_delivery_sealed_with_an_expired_certificate: 5006 DELIVERY_CERTIFICATE, |site: &Site| {
        sealed_by(site, Flaw::Expired)
    };
    a_delivery_sealed_with_a_certificate_not_valid_yet:
        5006 DELIVERY_CERTIFICATE, |site: &Site| sealed_by(site, Flaw::NotYetValid);
    a_delivery_sealed_with_a_certificate_not_for_signatures:
        5006 DELIVERY_CERTIFICATE, |site: &Site| sealed_by(site, Flaw::NoSignatureUsage);
    a_delivery_sealed_with_a_certificate_of_no_organisation:
        5006 DELIVERY_ORGANISATION, |site: &Site| sealed_by(site, Flaw::NoSerialNumber);
    a_delivery_sealed_with_a_certificate_of_a_foreign_root:
        5006 DELIVERY_CERTIFICATE, |site: &Site| sealed_by(site, Flaw::ForeignRoot);
    a_delivery_sealed_with_a_revoked_certificate: 5006 DELIVERY_REVOKED, |site: &Site| {
        sealed_by(site, Flaw::Revoked)
    };
    the_authoritys_certificate_beside_another_ones_signature:
        5006 DELIVERY_SIGNATURE_WRONG, |site: &Site| {
            let own = Credentials::load(&site.installation.pki(), "authority").unwrap();
            let other = Credentials::load(&site.installation.pki(), "dispatcher").unwrap();
            let mixed = Credentials { chain: own.chain, key: other.key, subject: own.subject };
            let authority = signer(site, "authority");
            one_tree(site, &letter(site).sealed(&mixed.signer().unwrap(), &authority).unwrap())
        };
}

/// A client with this certificate gets no answer at all; the log says who was refused and why, and
/// that is all that is written.
fn shut_out(name: &str, cause: Code, own: impl FnOnce(&Site) -> Credentials) {
    // Alone: such refusals, of whoever, are counted where they come within a minute.
    attack_on(&Site::new(), name, async |site: &Site| {
        let own = own(site);
        let (before, stored) = (refusals(site, cause), site.stored());
        let body = Bytes::from(envelope(&sealed(site), Style::Default));
        assert!(!answers(site, Some(&own), body).await, "{name}");
        let deadline = std::time::Instant::now() + super::site::PATIENCE;
        // In TLS 1.3 the client is done before the daemon has judged its certificate.
        while refusals(site, cause) == before {
            assert!(std::time::Instant::now() < deadline, "{name}: no account of it");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        // The entry follows the line.
        while site.stored().units == stored.units {
            assert!(std::time::Instant::now() < deadline, "{name}: no entry");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        site.assert_refusals(name, stored, 1);
    });
}

/// A certificate for TLS clients and for signatures alike, but of no client.
fn servers(site: &Site) -> Credentials {
    site.installation.issuer.issue("no-client", Use::Server, AUTHORITY).unwrap()
}

/// How often the daemon's log tells of a refusal without an established client.
fn refusals(site: &Site, cause: Code) -> usize {
    let said = format!("code={cause} fault=5002 client=None");
    site.installation.log().lines().filter(|line| line.contains(&said)).count()
}

async fn answers(site: &Site, own: Option<&Credentials>, body: Bytes) -> bool {
    match site.peer(own).connect().await {
        Ok(mut connection) => connection.soap(SERVICE, body).await.is_ok(),
        Err(_) => false,
    }
}

#[test]
fn a_client_with_an_expired_certificate() {
    shut_out("expired", explain::DELIVERY_CERTIFICATE, |site| flawed(site, Flaw::Expired));
}

#[test]
fn a_client_with_a_certificate_not_valid_yet() {
    shut_out("not yet valid", explain::DELIVERY_CERTIFICATE, |site| {
        flawed(site, Flaw::NotYetValid)
    });
}

#[test]
fn a_client_with_a_certificate_not_for_signatures() {
    shut_out("no usage", explain::DELIVERY_CERTIFICATE, |site| {
        flawed(site, Flaw::NoSignatureUsage)
    });
}

#[test]
fn a_client_with_a_certificate_for_servers_only() {
    shut_out("for servers", explain::DELIVERY_CERTIFICATE, servers);
}

#[test]
fn a_client_that_shows_seven_certificates() {
    shut_out("seven certificates", explain::DELIVERY_CERTIFICATE, |site| {
        let mut own = flawed(site, Flaw::None);
        own.chain = vec![own.chain[0].clone(); 7];
        own
    });
}

#[test]
fn a_client_with_a_certificate_of_a_foreign_root() {
    shut_out("foreign root", explain::DELIVERY_CERTIFICATE, |site| flawed(site, Flaw::ForeignRoot));
}

#[test]
fn a_client_with_a_revoked_certificate() {
    shut_out("revoked", explain::DELIVERY_REVOKED, |site| flawed(site, Flaw::Revoked));
}

#[test]
fn a_client_without_certificate() {
    attack_refused("no certificate", 0, async |site: &Site| {
        let body = Bytes::from(envelope(&sealed(site), Style::Default));
        assert!(!answers(site, None, body).await);
    });
}

#[test]
fn a_client_whose_certificate_names_no_organisation() {
    let name = "no organisation";
    attack(name, async |site: &Site| {
        let own = flawed(site, Flaw::NoSerialNumber);
        let unknown = Client { number: "unknown".to_owned(), own };
        let body = Bytes::from(envelope(&sealed(site), Style::Default));
        let before = site.stored();
        let (answer, _) = site.send(name, &unknown, &body).await;
        site.assert_refusals(name, before, 1);
        let fault: Fault = client(5002, explain::DELIVERY_ORGANISATION);
        site.assert_fault(name, fault, &unknown, &answer);
    });
}
