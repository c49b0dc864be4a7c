//! Whether the organisations behind a call may deliver for a sender: one total function each.

use super::row::{Dispatcher, Sender, Standing};
use mbx_common::error::Kind;
use mbx_common::identity::OrganisationNumber;
use std::collections::BTreeMap;

/// Who stands behind a signed and sealed delivery, by verified certificates alone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Claim {
    /// `Sender/Id`: whom the delivery says it is from.
    pub sender: OrganisationNumber,
    /// Organisation of the certificate that signed it.
    pub signer: OrganisationNumber,
    /// Organisation of the certificate that sealed it.
    pub sealer: OrganisationNumber,
    /// Organisation of the TLS client certificate.
    pub client: OrganisationNumber,
}

/// Why a delivery is not admitted. Tells the caller no more than that it is not entitled.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NotEntitled {
    /// The sender was never allowed.
    #[error("the sender is not allowed to deliver here")]
    SenderUnknown,
    /// The sender, or somebody who acts for it, was blocked.
    #[error("an organisation behind the delivery is blocked")]
    Blocked,
    /// The signature is neither the sender's nor that of a dispatcher that may sign for it.
    #[error("the signing organisation may not sign for the sender")]
    Signer,
    /// The seal is neither the sender's nor that of a dispatcher that may seal for it.
    #[error("the sealing organisation may not seal for the sender")]
    Sealer,
    /// The TLS client is neither the sender nor its dispatcher.
    #[error("the calling organisation may not deliver for the sender")]
    Client,
}

impl NotEntitled {
    /// Whose move it is.
    pub const fn kind(&self) -> Kind {
        Kind::Denied
    }

    /// A word for audit reasons and metrics.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::SenderUnknown => "sender-not-allowed",
            Self::Blocked => "organisation-blocked",
            Self::Signer => "signer-not-entitled",
            Self::Sealer => "sealer-not-entitled",
            Self::Client => "client-not-entitled",
        }
    }
}

/// Every row by its organisation.
pub(crate) type Rows = BTreeMap<OrganisationNumber, Sender>;

/// Judges a signed and sealed delivery.
///
/// Inner signature: the sender's, or a dispatcher's that may sign for it. Seal: the sender's, or a
/// dispatcher's that may seal for it. TLS client: the sender, or any dispatcher of it. Nobody of
/// them blocked. Source: `docs/architecture.md`, "A delivery"; contract §4, §6.2.
pub(crate) fn delivery<'a>(rows: &'a Rows, claim: &Claim) -> Result<&'a Sender, NotEntitled> {
    let sender = allowed(rows, claim.sender)?;
    let acts = |organisation, admits: fn(&Dispatcher) -> bool, refused| {
        acts_for(rows, sender, organisation, admits, refused)
    };
    acts(claim.signer, |dispatcher| dispatcher.may_sign, NotEntitled::Signer)?;
    acts(claim.sealer, |dispatcher| dispatcher.may_seal, NotEntitled::Sealer)?;
    acts(
        claim.client,
        |dispatcher| dispatcher.may_seal || dispatcher.may_sign,
        NotEntitled::Client,
    )?;
    Ok(sender)
}

/// Judges a `notify`, which nobody signs: the TLS client is the sender, or a dispatcher that may
/// sign for it.
pub(crate) fn notify(
    rows: &Rows,
    sender: OrganisationNumber,
    client: OrganisationNumber,
) -> Result<&Sender, NotEntitled> {
    let sender = allowed(rows, sender)?;
    acts_for(rows, sender, client, |dispatcher| dispatcher.may_sign, NotEntitled::Client)?;
    Ok(sender)
}

fn allowed(rows: &Rows, sender: OrganisationNumber) -> Result<&Sender, NotEntitled> {
    let row = rows.get(&sender).ok_or(NotEntitled::SenderUnknown)?;
    match row.standing {
        Standing::Allowed => Ok(row),
        Standing::Blocked => Err(NotEntitled::Blocked),
    }
}

fn acts_for(
    rows: &Rows,
    sender: &Sender,
    organisation: OrganisationNumber,
    admits: fn(&Dispatcher) -> bool,
    refused: NotEntitled,
) -> Result<(), NotEntitled> {
    if rows.get(&organisation).is_some_and(|row| row.standing == Standing::Blocked) {
        return Err(NotEntitled::Blocked);
    }
    if organisation == sender.organisation || sender.dispatcher(organisation).is_some_and(admits) {
        return Ok(());
    }
    Err(refused)
}

#[cfg(test)]
mod tests {
    use super::super::row::tests::ORGANISATIONS;
    use super::*;
    use mbx_common::time::Timestamp;

    fn organisation(index: usize) -> OrganisationNumber {
        ORGANISATIONS[index].parse().unwrap()
    }

    fn row(index: usize, standing: Standing, dispatchers: &[(usize, bool, bool)]) -> Sender {
        let mut row = Sender::new(organisation(index), standing, Timestamp::EPOCH);
        row.dispatchers = dispatchers
            .iter()
            .map(|&(index, may_sign, may_seal)| Dispatcher {
                organisation: organisation(index),
                may_sign,
                may_seal,
            })
            .collect();
        row
    }

    fn rows(rows: Vec<Sender>) -> Rows {
        rows.into_iter().map(|row| (row.organisation, row)).collect()
    }

    /// The rule again, written as one truth table over every combination of four parties.
    #[test]
    fn the_table_of_signer_sealer_and_client_is_total() {
        const SENDER: usize = 0;
        const SEALS: usize = 1;
        const SIGNS: usize = 2;
        const STRANGER: usize = 3;
        let rows = rows(vec![row(
            SENDER,
            Standing::Allowed,
            &[(SEALS, false, true), (SIGNS, true, false)],
        )]);
        for signer in [SENDER, SEALS, SIGNS, STRANGER] {
            for sealer in [SENDER, SEALS, SIGNS, STRANGER] {
                for client in [SENDER, SEALS, SIGNS, STRANGER] {
                    let claim = Claim {
                        sender: organisation(SENDER),
                        signer: organisation(signer),
                        sealer: organisation(sealer),
                        client: organisation(client),
                    };
                    let expected = if ![SENDER, SIGNS].contains(&signer) {
                        Err(NotEntitled::Signer)
                    } else if ![SENDER, SEALS].contains(&sealer) {
                        Err(NotEntitled::Sealer)
                    } else if client == STRANGER {
                        Err(NotEntitled::Client)
                    } else {
                        Ok(())
                    };
                    assert_eq!(delivery(&rows, &claim).map(|_| ()), expected, "{claim:?}");
                }
            }
        }
    }

    #[test]
    fn a_sender_that_nobody_allowed_is_refused() {
        let claim = Claim {
            sender: organisation(0),
            signer: organisation(0),
            sealer: organisation(0),
            client: organisation(0),
        };
        assert_eq!(delivery(&Rows::new(), &claim), Err(NotEntitled::SenderUnknown));
        assert_eq!(
            notify(&Rows::new(), organisation(0), organisation(0)),
            Err(NotEntitled::SenderUnknown)
        );
    }

    #[test]
    fn a_dispatcher_of_one_sender_is_nothing_to_another() {
        let rows = rows(vec![
            row(0, Standing::Allowed, &[(1, true, true)]),
            row(2, Standing::Allowed, &[]),
        ]);
        let claim = Claim {
            sender: organisation(2),
            signer: organisation(2),
            sealer: organisation(1),
            client: organisation(1),
        };
        assert_eq!(delivery(&rows, &claim), Err(NotEntitled::Sealer));
        assert_eq!(notify(&rows, organisation(2), organisation(1)), Err(NotEntitled::Client));
    }

    #[test]
    fn a_blocked_organisation_neither_sends_nor_acts_for_others() {
        let blocked_sender = rows(vec![row(0, Standing::Blocked, &[(1, true, true)])]);
        assert_eq!(
            notify(&blocked_sender, organisation(0), organisation(0)),
            Err(NotEntitled::Blocked)
        );
        let blocked_dispatcher = rows(vec![
            row(0, Standing::Allowed, &[(1, true, true)]),
            row(1, Standing::Blocked, &[]),
        ]);
        let claim = Claim {
            sender: organisation(0),
            signer: organisation(0),
            sealer: organisation(1),
            client: organisation(1),
        };
        assert_eq!(delivery(&blocked_dispatcher, &claim), Err(NotEntitled::Blocked));
        assert_eq!(
            notify(&blocked_dispatcher, organisation(0), organisation(1)),
            Err(NotEntitled::Blocked)
        );
    }

    #[test]
    fn a_notify_comes_from_the_sender_or_a_dispatcher_that_may_sign() {
        let rows = rows(vec![row(0, Standing::Allowed, &[(1, false, true), (2, true, false)])]);
        let verdict = |client| notify(&rows, organisation(0), organisation(client)).map(|_| ());
        assert_eq!(verdict(0), Ok(()));
        assert_eq!(verdict(1), Err(NotEntitled::Client));
        assert_eq!(verdict(2), Ok(()));
        assert_eq!(verdict(3), Err(NotEntitled::Client));
    }
}
