//! The stages that the daemon takes a delivery through.

use super::limits::Limits;
use super::stage::{Stage, us_each};
use super::tls::Records;
use crate::BenchError;
use crate::sample::{Sample, length};
use crate::site::Site;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use mbx_common::assurance::ProtectionClass;
use mbx_common::id::{ContentId, DeliveryId, MailboxId, MessageId};
use mbx_sim::delivery::Message;
use mbx_sim::identity;
use mbx_sim::load::filler;
use mbx_sim::marshal::Style;
use mbxd::cipher::{Dek, content_root, seal};
use mbxd::clock::Clock;
use mbxd::config::{self, TlsIdentity};
use mbxd::delivery::measuring::{ContentRules, canonical_len, vouch};
use mbxd::delivery::signature::{Policy, verify};
use mbxd::delivery::soap::{Document, PrescanLimits, Request, SealedDelivery, parse, prescan};
use mbxd::keys::{Binding, PrivateKey, PublicKey, seal_dek};
use mbxd::mailbox::decode_base64;
use mbxd::store::memory;
use mbxd::trust::{Door, Trust};
use std::time::Duration;

/// A signed delivery with everything that it is judged by.
pub(super) struct Judging {
    payload: Vec<u8>,
    /// The attachment as it stands in the payload, in base64.
    text: String,
    octets: Vec<u8>,
    trust: Trust,
    rules: ContentRules,
    recipient: PublicKey,
}

impl Judging {
    /// A delivery with an attachment of so many bytes.
    pub(super) async fn new(site: &Site, len: usize) -> Result<Self, BenchError> {
        let config = config::load(&site.installation.path("mbxd.toml"))?.config;
        let octets = filler(1, len);
        let message = Message::text("stages", "Stages", "A letter that is taken by stages.")
            .with_pdf("letter.pdf", octets.clone());
        let signed = site.installation.signed(&identity::person(0), message, Style::Prefixed);
        let identities: Vec<(Door, TlsIdentity)> =
            vec![(Door::Authorities, config.delivery.tls.clone())];
        let store = memory::engine();
        let trust = Trust::open(config.trust, identities, store, Clock::system()).await?;
        trust.refresh_lists().await;
        Ok(Self {
            payload: signed.into_bytes(),
            text: BASE64.encode(&octets),
            octets,
            trust,
            rules: ContentRules::new(&config.delivery),
            recipient: PrivateKey::generate().public(),
        })
    }

    /// The request's body.
    pub(super) fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// What the door believes, and how it speaks TLS.
    pub(super) const fn trust(&self) -> &Trust {
        &self.trust
    }

    /// Every stage once, each beside its limit.
    pub(super) fn stages(
        &self,
        records: &mut Records,
        limits: &mut Limits,
        each: Duration,
    ) -> Result<Vec<Stage>, BenchError> {
        let payload = self.payload.as_slice();
        let bounds = PrescanLimits::default();
        let document = Document::read(payload, &bounds)?;
        let Request::DeliverSecure(delivery) = parse(&document)? else {
            return Err("the delivery is no deliverSecure".into());
        };
        let policy = Policy::default();
        let canonical_bytes = canonical_len(&delivery, policy)?;
        let verified = verify(&delivery, policy)?;
        let chains = [&verified.sender.certificates, &verified.seal.certificates];
        let stage = |name, ours, limit| Stage { name, ours, limit };
        let records_us = records.us_each(payload, each)?;
        let scanned = us_each(each, || prescan(payload, &bounds).is_ok());
        let read = us_each(each, || Document::read(payload, &bounds).is_ok());
        let parsed = us_each(each, || parse(&document).is_ok());
        let vouched = us_each(each, || vouch(&delivery, policy).is_ok());
        let written = us_each(each, || canonical_len(&delivery, policy).is_ok());
        let whole = us_each(each, || verify(&delivery, policy).is_ok());
        let believed =
            us_each(each, || chains.iter().all(|chain| self.trust.check_signer(chain).is_ok()));
        let kept = us_each(each, || self.keeps_the_rules(&delivery));
        let decoded = us_each(each, || decode_base64(self.text.as_bytes()).is_ok());
        let less = |whole: &Sample, part: &Sample| whole.with(part, |whole, part| whole - part);
        let tree = less(&read, &scanned).with(&parsed, |tree, parsed| tree + parsed);
        Ok(vec![
            stage("TLS records: against AES-256-GCM", records_us, limits.gcm(each)),
            stage("pre-scan: against a memory copy", scanned, limits.copy(payload.len(), each)),
            stage("parse: against a memory copy", tree, limits.copy(payload.len(), each)),
            stage(
                "signature values (RSA): against 2 RSA verifications",
                vouched.clone(),
                limits.rsa(2, each),
            ),
            stage(
                "chains of the signers: against 2 RSA verifications",
                believed,
                limits.rsa(2, each),
            ),
            stage(
                "canonical form, twice: against a memory copy",
                less(&written, &vouched),
                limits.copy(usize::try_from(canonical_bytes)?, each),
            ),
            stage(
                "digest of both: against SHA-256",
                less(&whole, &written),
                limits.sha256(usize::try_from(canonical_bytes)?, each),
            ),
            stage("content rules (base64, MD5): against MD5", kept, limits.md5(each)),
            stage(
                "base64 for encrypting: against a memory copy",
                decoded,
                limits.copy(self.text.len(), each),
            ),
            stage(
                "encrypt: against AES-256-CTR + HMAC-SHA-256",
                self.sealed(each),
                limits.pair(each),
            ),
            stage(
                "seal the DEK: against ML-KEM-768 + X25519",
                self.dek_sealed(each),
                limits.hybrid(each)?,
            ),
        ])
    }

    fn keeps_the_rules(&self, delivery: &SealedDelivery<'_>) -> bool {
        self.rules.are_kept(delivery, &self.payload)
    }

    fn sealed(&self, each: Duration) -> Sample {
        let (dek, id) = (Dek::generate(), ContentId::from_bytes([9; 16]));
        us_each(each, || {
            length(seal(&dek, id, &[&self.octets]).stored.len()) > length(self.octets.len())
        })
    }

    fn dek_sealed(&self, each: Duration) -> Sample {
        let dek = Dek::generate();
        let sealed = seal(&dek, ContentId::from_bytes([9; 16]), &[b"octets"]);
        let binding = Binding {
            mailbox: MailboxId::from_bytes([1; 16]),
            epoch: 1,
            delivery: DeliveryId::from_bytes([2; 16]),
            message: MessageId::from_bytes([3; 16]),
            class: ProtectionClass::Three,
            place: 0,
            root: content_root([&sealed.digest]),
        };
        us_each(each, || seal_dek(&dek, &self.recipient, &binding).is_ok())
    }
}
