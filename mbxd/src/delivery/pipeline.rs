//! A delivery from its bytes to its answer. This file reads like the list in the architecture:
//!
//! bounds → pre-scan → parse → shape → signatures and trust → rights → content → scan → mailbox →
//! answer.

use super::answer;
use super::call::Call;
use super::cause::Cause;
use super::content::Rules;
use super::handover::{Judged, Parts};
use super::memory::Budget;
use super::port::{Intake, Screen, Screened, Taken};
use super::signature::{self, Form, Level, Policy, Verified, VerifiedLevel};
use super::soap::{self, Document, NotificationDelivery, PrescanLimits, Request, SealedDelivery};
use super::turns::Turns;
use crate::mailbox::incoming::{Operation, RepeatMark, Stage};
use crate::registers::{Claim, Senders};
use crate::telemetry::metrics;
use crate::trust::Trust;
use bytes::Bytes;
use mbx_common::assurance::ProtectionClass;
use mbx_common::error::Kind;
use mbx_common::identity::OrganisationNumber;
use std::sync::Arc;

/// Everything that a delivery is judged by.
pub(super) struct Pipeline {
    pub(super) trust: Trust,
    pub(super) senders: Senders,
    pub(super) intake: Arc<dyn Intake>,
    pub(super) screen: Arc<dyn Screen>,
    pub(super) rules: Rules,
    pub(super) limits: PrescanLimits,
    pub(super) memory: Arc<Budget>,
    pub(super) turns: Arc<Turns>,
}

impl Pipeline {
    /// Takes a call whose body was received within bounds; gives the answer's envelope.
    ///
    /// Verification runs off the async threads, a few at a time; who must wait too long is told to
    /// come back.
    pub(super) async fn run(
        self: &Arc<Self>,
        call: &mut Call,
        body: Bytes,
    ) -> Result<String, Cause> {
        let client = call.client.ok_or(Cause::NotStored(Kind::Internal))?;
        let turn = self.turns.wait(client).await.map_err(|_| Cause::Overloaded)?;
        let (pipeline, mut judging) = (Arc::clone(self), call.clone());
        let work = move || {
            let judged = pipeline.judge(&mut judging, client, &body);
            drop(turn);
            (judging, judged)
        };
        let done = tokio::task::spawn_blocking(work).await;
        let (judging, judged) = done.map_err(|_| Cause::NotStored(Kind::Internal))?;
        *call = judging;
        let judged = judged?;
        self.scan(call, &judged).await?;
        let Judged { parts, recipients } = judged;
        let taken = self.intake.accept(parts.incoming(call)).await.map_err(Cause::NotStored)?;
        count(&taken);
        answered(call, &taken, recipients)
    }

    /// Bytes to judged parts: everything that needs no waiting.
    fn judge(
        &self,
        call: &mut Call,
        client: OrganisationNumber,
        body: &Bytes,
    ) -> Result<Judged, Cause> {
        let document = Document::read(body, &self.limits)?;
        let request = soap::parse(&document)?;
        call.reached(Stage::Parsed);
        match request {
            Request::DeliverSecure(delivery) => self.deliver_secure(call, client, body, &delivery),
            Request::Notify(delivery) => self.notify(call, client, body, &delivery),
            Request::DeliverForward(_) => Err(Cause::Forward),
        }
    }

    /// Signed and sealed: protection class 3.
    fn deliver_secure(
        &self,
        call: &mut Call,
        client: OrganisationNumber,
        body: &Bytes,
        delivery: &SealedDelivery<'_>,
    ) -> Result<Judged, Cause> {
        call.operation = Some(Operation::DeliverSecure);
        let sender = organisation(delivery.header.sender.id)?;
        let verified = self.verify(sender, delivery)?;
        let signer = self.signer(Level::Sender, &verified.sender)?;
        let sealer = self.signer(Level::Seal, &verified.seal)?;
        call.reached(Stage::Signature);
        let claim = Claim { sender, signer, sealer, client };
        self.senders.entitled(&claim).map_err(Cause::NotEntitled)?;
        call.sender = Some(sender);
        call.reached(Stage::Rights);
        let messages = delivery
            .messages
            .iter()
            .map(|message| {
                let (header, body_part) = (&message.header, &message.body);
                self.rules.check(header, body_part, &message.attachments, body, 0)
            })
            .collect::<Result<Vec<_>, _>>()?;
        let parts = Parts {
            operation: Operation::DeliverSecure,
            sender,
            client,
            class: ProtectionClass::Three,
            payload: body.clone(),
            repeat_mark: RepeatMark::of(Operation::DeliverSecure, &verified.sender.settled_value()),
        };
        Ok(Judged::new(parts, &delivery.header, messages))
    }

    /// Unsigned, for many: protection class 1, or as agreed with the sender. What is stored is the
    /// message alone, so that no holder's payload names the others.
    fn notify(
        &self,
        call: &mut Call,
        client: OrganisationNumber,
        body: &Bytes,
        delivery: &NotificationDelivery<'_>,
    ) -> Result<Judged, Cause> {
        call.operation = Some(Operation::Notify);
        let sender = organisation(delivery.header.sender.id)?;
        let row = self.senders.entitled_to_notify(sender, client).map_err(Cause::NotEntitled)?;
        call.sender = Some(sender);
        call.reached(Stage::Rights);
        let range = delivery.message_range.clone();
        let offset = u64::try_from(range.start).unwrap_or(u64::MAX);
        let (header, body_part) = (&delivery.message_header, &delivery.body);
        let message = self.rules.check(header, body_part, &[], body, offset)?;
        let payload = body
            .get(range)
            .map(|message| body.slice_ref(message))
            .ok_or(Cause::NotStored(Kind::Internal))?;
        let parts = Parts {
            operation: Operation::Notify,
            sender,
            client,
            class: row.notify_class,
            repeat_mark: RepeatMark::of(Operation::Notify, &payload),
            payload,
        };
        Ok(Judged::new(parts, &delivery.header, vec![message]))
    }

    /// Both signatures; SHA-1 only by the sender's exception, logged and counted.
    fn verify(
        &self,
        sender: OrganisationNumber,
        delivery: &SealedDelivery<'_>,
    ) -> Result<Verified, Cause> {
        let policy = Policy {
            sha1_allowed: self.senders.sha1_allowed(sender),
            rsa_bits_min: u32::from(self.trust.rsa_bits_min()),
        };
        let verified = signature::verify(delivery, policy)?;
        if count_signatures(&verified) {
            tracing::warn!(%sender, "SHA-1 accepted by exception");
        }
        Ok(verified)
    }

    /// The organisation that made a signature, by a believed certificate.
    fn signer(&self, level: Level, signed: &VerifiedLevel) -> Result<OrganisationNumber, Cause> {
        let refused = |error| Cause::Signer { level, error };
        let peer = self.trust.check_signer(&signed.certificates).map_err(refused)?;
        peer.organisation.map_err(|error| refused(error.into()))
    }

    async fn scan(&self, call: &mut Call, judged: &Judged) -> Result<(), Cause> {
        if !self.screen.is_on() {
            return Ok(());
        }
        let octets = judged.octets().ok_or(Cause::NotStored(Kind::Internal))?;
        let screened = self.screen.look(octets).await;
        call.reached(Stage::Scan);
        match screened {
            Screened::Pass => Ok(()),
            Screened::ComeBack => Err(Cause::NotStored(Kind::Unavailable)),
        }
    }
}

/// Counts both signatures; tells whether SHA-1 is in one.
fn count_signatures(verified: &Verified) -> bool {
    let levels = [(&verified.sender, &metrics::SHA1_SENDER), (&verified.seal, &metrics::SHA1_SEAL)];
    let mut is_sha1 = false;
    for (level, sha1) in levels {
        match level.form {
            Form::PrefixFree => metrics::FORM_PREFIX_FREE.add_one(),
            Form::Exclusive => metrics::FORM_AS_SENT.add_one(),
        }
        if level.uses_sha1() {
            sha1.add_one();
            is_sha1 = true;
        }
    }
    is_sha1
}

/// `Sender/Id` as an organisation number.
fn organisation(id: soap::RecipientId<'_>) -> Result<OrganisationNumber, Cause> {
    id.as_str().parse().map_err(|_| Cause::SenderNumber)
}

fn answered(call: &Call, taken: &Taken, recipients: Vec<String>) -> Result<String, Cause> {
    if taken.delivered.len() != recipients.len() {
        return Err(Cause::NotStored(Kind::Internal));
    }
    let statuses: Vec<(String, bool)> =
        recipients.into_iter().zip(taken.delivered.iter().copied()).collect();
    match (call.operation, statuses.as_slice()) {
        (Some(Operation::DeliverSecure), [(recipient, delivered)]) => {
            Ok(answer::delivered(taken.delivery, recipient, *delivered))
        }
        (Some(Operation::Notify), statuses) => Ok(answer::notified(taken.delivery, statuses)),
        _ => Err(Cause::NotStored(Kind::Internal)),
    }
}

fn count(taken: &Taken) {
    if taken.repeated {
        metrics::DELIVERIES_REPEATED.add_one();
    } else if taken.delivered.contains(&true) {
        metrics::DELIVERIES_ACCEPTED.add_one();
    } else {
        metrics::DELIVERIES_UNDELIVERABLE.add_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::signature::{DigestAlgorithm, SignatureAlgorithm};

    fn level(algorithm: SignatureAlgorithm, digest: DigestAlgorithm) -> VerifiedLevel {
        VerifiedLevel {
            certificates: Vec::new(),
            algorithm,
            digest,
            signature_value: Vec::new(),
            form: Form::PrefixFree,
            signed_info_form: Form::PrefixFree,
        }
    }

    #[test]
    fn sha_1_is_counted_at_the_level_that_used_it_in_digest_or_signature() {
        let good = || level(SignatureAlgorithm::RsaSha256, DigestAlgorithm::Sha256);
        let digest = level(SignatureAlgorithm::RsaSha256, DigestAlgorithm::Sha1);
        let signature = level(SignatureAlgorithm::RsaSha1, DigestAlgorithm::Sha256);
        let counted = || (metrics::SHA1_SENDER.get(), metrics::SHA1_SEAL.get());
        let (sender, seal) = counted();
        assert!(!count_signatures(&Verified { sender: good(), seal: good() }));
        assert_eq!(counted(), (sender, seal));
        assert!(count_signatures(&Verified { sender: digest, seal: good() }));
        assert_eq!(counted(), (sender + 1, seal));
        assert!(count_signatures(&Verified { sender: good(), seal: signature }));
        assert_eq!(counted(), (sender + 1, seal + 1));
    }
}
