//! One sender as it is kept: a row of `Table::Sender` (`docs/formats/sender.md`).

use crate::store::Row;
use mbx_common::assurance::ProtectionClass;
use mbx_common::id::OperatorId;
use mbx_common::identity::OrganisationNumber;
use mbx_common::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Whether an organisation may send.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum Standing {
    /// It may send, itself or by its dispatchers.
    Allowed,
    /// It may do nothing: neither send nor act for others.
    Blocked,
}

/// A dispatcher (förmedlare) and what it may do for one sender.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Dispatcher {
    /// Its organisation.
    pub organisation: OrganisationNumber,
    /// Whether it may sign in the sender's place, and send `notify` in its name.
    pub may_sign: bool,
    /// Whether it may seal and bring what the sender signed.
    pub may_seal: bool,
}

/// One organisation as staff left it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Sender {
    /// The organisation.
    pub organisation: OrganisationNumber,
    /// Whether it may send.
    pub standing: Standing,
    /// Who may act for it.
    pub dispatchers: Vec<Dispatcher>,
    /// Protection class of its `notify` messages: 1, or 2 where agreed.
    pub notify_class: ProtectionClass,
    /// Until when signatures with SHA-1 are accepted from it; `None` = never.
    pub sha1_until: Option<Timestamp>,
    /// What staff noted.
    pub note: Option<String>,
    /// When the row was last changed.
    pub changed: Timestamp,
    /// Who changed it, where a member of staff did.
    pub changed_by: Option<OperatorId>,
}

impl Sender {
    /// An organisation of which nothing is known yet but its standing.
    pub(crate) const fn new(
        organisation: OrganisationNumber,
        standing: Standing,
        changed: Timestamp,
    ) -> Self {
        Self {
            organisation,
            standing,
            dispatchers: Vec::new(),
            notify_class: ProtectionClass::One,
            sha1_until: None,
            note: None,
            changed,
            changed_by: None,
        }
    }

    /// The dispatcher entry of this organisation.
    pub fn dispatcher(&self, organisation: OrganisationNumber) -> Option<&Dispatcher> {
        self.dispatchers.iter().find(|dispatcher| dispatcher.organisation == organisation)
    }
}

impl Row for Sender {
    const VERSION: u8 = 1;
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(crate) const ORGANISATIONS: [&str; 4] =
        ["162021004748", "165568402266", "162021003898", "162021005489"];

    fn organisation() -> impl Strategy<Value = OrganisationNumber> {
        prop::sample::select(ORGANISATIONS.to_vec()).prop_map(|text| text.parse().unwrap())
    }

    fn dispatcher() -> impl Strategy<Value = Dispatcher> {
        (organisation(), any::<bool>(), any::<bool>()).prop_map(
            |(organisation, may_sign, may_seal)| Dispatcher { organisation, may_sign, may_seal },
        )
    }

    pub(crate) fn sender() -> impl Strategy<Value = Sender> {
        let moment = (0..4_000_000_000_000_u64).prop_map(|ms| Timestamp::from_millis(ms).unwrap());
        (
            organisation(),
            prop::bool::ANY,
            prop::collection::vec(dispatcher(), 0..4),
            prop::option::of(moment.clone()),
            prop::option::of(".{0,40}"),
            moment,
            prop::option::of(any::<[u8; 16]>()),
        )
            .prop_map(
                |(organisation, allowed, dispatchers, sha1_until, note, changed, by)| Sender {
                    organisation,
                    standing: if allowed { Standing::Allowed } else { Standing::Blocked },
                    dispatchers,
                    notify_class: if allowed { ProtectionClass::One } else { ProtectionClass::Two },
                    sha1_until,
                    note,
                    changed,
                    changed_by: by.map(OperatorId::from_bytes),
                },
            )
    }

    proptest! {
        #[test]
        fn a_row_reads_back_and_has_one_spelling(sender in sender()) {
            let row = sender.encode().unwrap().to_vec();
            prop_assert_eq!(Sender::decode(&row).unwrap(), sender);
        }

        #[test]
        fn a_row_that_was_cut_or_lengthened_is_refused(sender in sender(), at in any::<prop::sample::Index>()) {
            let mut row = sender.encode().unwrap().to_vec();
            prop_assert!(Sender::decode(&row[..at.index(row.len())]).is_err());
            row.push(0);
            prop_assert!(Sender::decode(&row).is_err());
        }
    }

    #[test]
    fn a_row_of_another_version_is_refused() {
        let sender =
            Sender::new(ORGANISATIONS[0].parse().unwrap(), Standing::Allowed, Timestamp::EPOCH);
        let mut row = sender.encode().unwrap().to_vec();
        row[0] = 2;
        assert!(Sender::decode(&row).is_err());
    }

    #[test]
    fn the_row_of_the_format_page_is_written_as_drawn() {
        let sender = Sender {
            dispatchers: vec![Dispatcher {
                organisation: ORGANISATIONS[1].parse().unwrap(),
                may_sign: false,
                may_seal: true,
            }],
            sha1_until: Some(Timestamp::from_millis(300).unwrap()),
            note: Some("ok".to_owned()),
            changed_by: Some(OperatorId::from_bytes([0xab; 16])),
            ..Sender::new(ORGANISATIONS[0].parse().unwrap(), Standing::Blocked, Timestamp::EPOCH)
        };
        let mut drawn = vec![1];
        drawn.extend(b"162021004748");
        drawn.extend([1, 1]);
        drawn.extend(b"165568402266");
        drawn.extend([0, 1, 1, 1, 0xac, 0x02, 1, 2, b'o', b'k', 0, 1]);
        drawn.extend([0xab; 16]);
        assert_eq!(sender.encode().unwrap(), drawn);
        drawn.splice(14..=14, [0x81, 0]);
        assert!(Sender::decode(&drawn).is_err(), "a count has one spelling");
    }
}
