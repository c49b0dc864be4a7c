use super::{Action, Attempt, Denied, HeldMailbox, Identified, Rules, decide};
use mbx_common::assurance::{Loa, ProtectionClass, RuleProfile};
use mbx_common::holder::{HolderKind, MailboxState};
use mbx_common::id::MailboxId;
use mbx_common::time::Timestamp;
use proptest::prelude::*;
use std::fmt::Write as _;

const MAILBOX: MailboxId = MailboxId::from_bytes([1; 16]);
const OTHER: MailboxId = MailboxId::from_bytes([2; 16]);
const MINUTE_MS: u64 = 60_000;

/// How person and mailbox relate, as the directory tells.
#[derive(Clone, Copy)]
enum Relation {
    Own(HolderKind),
    Anothers(HolderKind),
    WithoutOwn,
    Nothing,
}

impl Relation {
    const ALL: [(&'static str, Self); 8] = [
        ("own, person", Self::Own(HolderKind::Person)),
        ("own, sole trader", Self::Own(HolderKind::SoleTrader)),
        ("company", Self::Own(HolderKind::Company)),
        ("association", Self::Own(HolderKind::Association)),
        ("another's", Self::Anothers(HolderKind::Person)),
        ("another's, company", Self::Anothers(HolderKind::Company)),
        ("another's, has none", Self::WithoutOwn),
        ("no such mailbox", Self::Nothing),
    ];

    fn own_mailbox(self) -> Option<MailboxId> {
        match self {
            Self::Own(_) => Some(MAILBOX),
            Self::Anothers(_) | Self::Nothing => Some(OTHER),
            Self::WithoutOwn => None,
        }
    }

    fn mailbox(self, state: MailboxState) -> Option<HeldMailbox> {
        let kind = match self {
            Self::Own(kind) | Self::Anothers(kind) => kind,
            Self::WithoutOwn => HolderKind::Person,
            Self::Nothing => return None,
        };
        Some(HeldMailbox { id: MAILBOX, kind, state })
    }
}

fn now() -> Timestamp {
    "2026-11-24T12:00:00Z".parse().unwrap()
}

fn attempt(relation: Relation, loa: Loa, action: Action, age_ms: u64) -> Attempt {
    Attempt {
        person: Identified {
            own_mailbox: relation.own_mailbox(),
            loa,
            authenticated: now().minus_millis(age_ms),
        },
        mailbox: relation.mailbox(MailboxState::Active),
        action,
        now: now(),
    }
}

fn verdict(attempt: &Attempt, rules: &Rules) -> String {
    match decide(attempt, rules) {
        Ok(grant) => {
            assert_eq!(grant.mailbox(), MAILBOX);
            assert_eq!(grant.action(), attempt.action);
            "yes".to_owned()
        }
        Err(Denied::LevelTooLow { needed }) => format!("level {needed}"),
        Err(Denied::AuthenticationTooOld) => "identify again".to_owned(),
        Err(Denied::NotEntitled) => "no".to_owned(),
        Err(Denied::CompanyNotSupported) => "not yet".to_owned(),
        Err(Denied::Suspended) => "suspended".to_owned(),
        Err(Denied::Closing) => "closing".to_owned(),
        Err(other) => format!("{other:?}"),
    }
}

fn row(table: &mut String, head: &str, cells: impl Iterator<Item = String>) {
    write!(table, "{head:<22}").unwrap();
    for cell in cells {
        write!(table, "{cell:<16}").unwrap();
    }
    let len = table.trim_end().len();
    table.truncate(len);
    table.push('\n');
}

/// The whole table of K6.4–K6.6, in one file that people can read.
#[test]
fn the_table_of_levels_classes_actions_profiles_and_relations_is_as_agreed() {
    let mut table = String::new();
    for profile in RuleProfile::ALL {
        for (name, relation) in Relation::ALL {
            writeln!(table, "## {profile} · {name}\n").unwrap();
            row(&mut table, "", Loa::ALL.iter().map(|loa| format!("LoA {loa}")));
            for action in Action::ALL {
                row(
                    &mut table,
                    action.name(),
                    Loa::ALL.iter().map(|&loa| {
                        let rules = Rules { profile, ..Rules::default() };
                        verdict(&attempt(relation, loa, action, MINUTE_MS), &rules)
                    }),
                );
            }
            table.push('\n');
        }
        writeln!(table, "## {profile} · own, person, LoA 3, by age of the identification\n")
            .unwrap();
        let ages = [("now", 0), ("15 min", 15), ("16 min", 16), ("60 min", 60), ("61 min", 61)];
        row(&mut table, "", ages.iter().map(|(name, _)| (*name).to_owned()));
        for action in Action::ALL {
            row(
                &mut table,
                action.name(),
                ages.iter().map(|(_, minutes)| {
                    let own = Relation::Own(HolderKind::Person);
                    let rules = Rules { profile, ..Rules::default() };
                    verdict(&attempt(own, Loa::Three, action, minutes * MINUTE_MS), &rules)
                }),
            );
        }
        table.push('\n');
    }
    writeln!(table, "## own, person, LoA 3, by state of the mailbox\n").unwrap();
    row(&mut table, "", MailboxState::ALL.iter().map(ToString::to_string));
    for action in Action::ALL {
        row(
            &mut table,
            action.name(),
            MailboxState::ALL.iter().map(|&state| {
                let own = Relation::Own(HolderKind::Person);
                let mut attempt = attempt(own, Loa::Three, action, MINUTE_MS);
                attempt.mailbox = own.mailbox(state);
                verdict(&attempt, &Rules::default())
            }),
        );
    }
    insta::assert_snapshot!("table", table);
}

fn any_attempt() -> impl Strategy<Value = Attempt> {
    (0..Relation::ALL.len(), 0..4_usize, 0..4_usize, 0..Action::ALL.len(), 0..200 * MINUTE_MS)
        .prop_map(|(relation, loa, state, action, age_ms)| {
            let (_, relation) = Relation::ALL[relation];
            let mut attempt = attempt(relation, Loa::ALL[loa], Action::ALL[action], age_ms);
            attempt.mailbox = relation.mailbox(MailboxState::ALL[state]);
            attempt
        })
}

proptest! {
    /// A surer and fresher identification never takes away what a weaker one gave.
    #[test]
    fn more_assurance_never_opens_less(attempt in any_attempt()) {
        let rules = Rules::default();
        if decide(&attempt, &rules).is_ok() {
            let mut better = attempt;
            better.person.loa = Loa::Four;
            better.person.authenticated = attempt.now;
            prop_assert!(decide(&better, &rules).is_ok());
        }
    }

    /// Class 3 is reached at level 3 and above alone, by the holder alone, whatever the rules say.
    #[test]
    fn nothing_of_class_three_is_granted_below_level_three(
        attempt in any_attempt(),
        profile in 0..2_usize,
        grave in 0..4_usize,
    ) {
        let rules = Rules {
            profile: RuleProfile::ALL[profile],
            grave_loa: Loa::ALL[grave],
            ..Rules::default()
        };
        if let Ok(grant) = decide(&attempt, &rules) {
            prop_assert_eq!(attempt.person.own_mailbox, Some(grant.mailbox()));
            if grant.covers(MAILBOX, attempt.action, ProtectionClass::Three) {
                prop_assert!(grant.loa() >= Loa::Three);
            }
        }
    }
}

#[test]
fn a_stranger_cannot_tell_a_mailbox_from_none() {
    let rules = Rules::default();
    let nobodys = |action| decide(&attempt(Relation::Nothing, Loa::Four, action, 0), &rules);
    for action in Action::ALL {
        for (kind, state) in HolderKind::ALL
            .into_iter()
            .flat_map(|kind| MailboxState::ALL.into_iter().map(move |state| (kind, state)))
        {
            let relation = Relation::Anothers(kind);
            let mut strangers = attempt(relation, Loa::Four, action, 0);
            strangers.mailbox = relation.mailbox(state);
            assert_eq!(decide(&strangers, &rules), nobodys(action), "{kind}, {state}");
        }
    }
}

#[test]
fn an_identification_in_the_future_is_refused_beyond_the_skew() {
    let own = Relation::Own(HolderKind::Person);
    let mut attempt = attempt(own, Loa::Three, Action::ListBasic, 0);
    attempt.person.authenticated = now().plus_millis(5000);
    assert!(decide(&attempt, &Rules::default()).is_ok());
    attempt.person.authenticated = now().plus_millis(5001);
    assert_eq!(decide(&attempt, &Rules::default()), Err(Denied::AuthenticationInFuture));
}

#[test]
fn a_grant_to_the_holder_says_so_in_the_access_log() {
    let own = Relation::Own(HolderKind::Person);
    let grant = decide(&attempt(own, Loa::Three, Action::ReadBasic, 0), &Rules::default()).unwrap();
    assert_eq!(grant.capacity().name(), "holder");
}

#[test]
fn a_grant_covers_its_own_tier_mailbox_and_action_only() {
    let own = Relation::Own(HolderKind::Person);
    let grant = decide(&attempt(own, Loa::Three, Action::ReadBasic, 0), &Rules::default()).unwrap();
    assert!(grant.covers(MAILBOX, Action::ReadBasic, ProtectionClass::Two));
    assert!(!grant.covers(MAILBOX, Action::ReadBasic, ProtectionClass::Three));
    assert!(!grant.covers(MAILBOX, Action::RemoveBasic, ProtectionClass::One));
    assert!(!grant.covers(OTHER, Action::ReadBasic, ProtectionClass::One));
}
