//! What cannot be recorded is not done: each act of the service over a store that refuses its
//! commit leaves every row as it was and gives nothing away (K3.3).

use super::*;
use crate::mailbox::reading::{ListRequest, Listed};
use crate::mailbox::staff::{HolderFilter, MessageFilter, Numbers};
use crate::operators::{self, Cost, NewOfficer, Operators};
use crate::registers::{Change, Senders};
use crate::store::{CommitError, KeyRange, Table};
use mbx_common::error::Kind;
use mbx_common::id::MessageId;

/// Every way in which a commit is refused.
fn refusals() -> [CommitError; 4] {
    [CommitError::Unavailable, CommitError::SpaceLow, CommitError::Busy, CommitError::Closed]
}

/// Everything that the store holds.
async fn whole(world: &World) -> (Vec<(Table, Bytes, Bytes)>, usize, usize) {
    let mut rows = Vec::new();
    for table in Table::ALL {
        let page = world.bench.store.scan(table, KeyRange::all(), 10_000).await.unwrap();
        rows.extend(page.rows.into_iter().map(|(key, value)| (table, key, value)));
    }
    let contents = world.bench.store.contents(None, 10_000).await.unwrap().len();
    (rows, contents, world.entries())
}

/// An installation with Anna, one letter of hers, one deleted, and staff.
struct Scene {
    world: World,
    anna: MailboxId,
    letter: MessageId,
    deleted: MessageId,
    staff: Operators,
    senders: Senders,
}

impl World {
    /// Delivers a letter to Anna; gives the message.
    async fn deliver(&self, number: u8) -> MessageId {
        self.mailboxes.accept(letter(number)).await.unwrap();
        let visit = self.visit(ANNA, Loa::Three).await;
        let listing = self.mailboxes.list(&visit, ListRequest::default()).await.unwrap();
        match &listing.messages[0] {
            Listed::Within(view) => view.id,
            Listed::OutOfReach { .. } | Listed::Damaged { .. } => panic!("not shown"),
        }
    }
}

const PASSWORD: &str = "first password of the day";

impl Scene {
    async fn new() -> Self {
        let memory = Arc::new(Memory::new());
        let bench = Bench::over(Store::new(Arc::<Memory>::clone(&memory))).await;
        let cost = Cost { memory_kib: 64, passes: 1 };
        let options = operators::Options { cost, ..operators::Options::default() };
        let staff = Operators::new(bench.store.clone(), bench.clock.clone(), options).unwrap();
        let founding = bench.keys.initialise().await.unwrap();
        let officers = ["anna", "bo"].map(|name| NewOfficer {
            name: name.to_owned(),
            roles: "KRSA".parse().unwrap(),
            password: PASSWORD.into(),
        });
        staff.initialise(officers.into(), &founding, &staff_caller()).await.unwrap();
        bench.keys.open().await.unwrap();
        let senders = Senders::open(bench.store.clone(), bench.clock.clone()).await.unwrap();
        let world = World::over(bench, memory);
        let anna = world.register(ANNA).await;
        let (deleted, letter) = (world.deliver(1).await, world.deliver(2).await);
        let visit = world.visit(ANNA, Loa::Three).await;
        world.mailboxes.delete(&visit, deleted, None).await.unwrap();
        Self { world, anna, letter, deleted, staff, senders }
    }

    /// Tries the act and gives the kind of its error; `None` where it went through.
    async fn attempt(&self, act: Act) -> Option<Kind> {
        let mailboxes = &self.world.mailboxes;
        let visit = self.world.visit(ANNA, Loa::Three).await;
        let caller = staff_caller();
        match act {
            Act::Accept => mailboxes.accept(letter(9)).await.err().map(|e| e.kind()),
            Act::Repeat => mailboxes.accept(letter(1)).await.err().map(|e| e.kind()),
            Act::NotDeliverable => {
                let incoming = Incoming { recipients: numbers(&[BO]), ..letter(8) };
                mailboxes.accept(incoming).await.err().map(|e| e.kind())
            }
            Act::Register => {
                mailboxes.register(registration(BO), &origin()).await.err().map(|e| e.kind())
            }
            Act::Suspend => mailboxes.suspend(self.anna, &origin()).await.err().map(|e| e.kind()),
            Act::Find => {
                let found = mailboxes.find(&ANNA.parse().unwrap(), &origin()).await;
                found.err().map(|e| e.kind())
            }
            Act::ShowHolder => {
                let shown = mailboxes.show_holder(self.anna, Numbers::Whole, &origin()).await;
                shown.err().map(|e| e.kind())
            }
            Act::ListHolders => {
                let filter = HolderFilter::default();
                let listed = mailboxes.list_holders(filter, Numbers::Masked, &origin()).await;
                listed.err().map(|e| e.kind())
            }
            Act::ListMessages => {
                let filter = MessageFilter::default();
                let listed = mailboxes.messages(self.anna, filter, &origin()).await;
                listed.err().map(|e| e.kind())
            }
            Act::View => mailboxes.view(&visit).await.err().map(|e| e.kind()),
            Act::List => {
                mailboxes.list(&visit, ListRequest::default()).await.err().map(|e| e.kind())
            }
            Act::Open => mailboxes.open(&visit, self.letter).await.err().map(|e| e.kind()),
            Act::Mark => {
                mailboxes.mark_read(&visit, self.letter, None).await.err().map(|e| e.kind())
            }
            Act::Delete => {
                mailboxes.delete(&visit, self.letter, None).await.err().map(|e| e.kind())
            }
            Act::Restore => {
                mailboxes.restore(&visit, self.deleted, None).await.err().map(|e| e.kind())
            }
            Act::Login => {
                let login = self.staff.login("anna", PASSWORD.into(), &caller).await;
                login.err().map(|e| e.kind())
            }
            Act::WrongLogin => {
                let login = self.staff.login("anna", "wrong".into(), &caller).await;
                login.err().map(|e| e.kind())
            }
            Act::SenderAllow => {
                let organisation = "162021004748".parse().unwrap();
                let change = Change::default();
                let allowed = self.senders.allow(organisation, change, &origin()).await;
                allowed.err().map(|e| e.kind())
            }
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Act {
    Accept,
    Repeat,
    NotDeliverable,
    Register,
    Suspend,
    Find,
    ShowHolder,
    ListHolders,
    ListMessages,
    View,
    List,
    Open,
    Mark,
    Delete,
    Restore,
    Login,
    WrongLogin,
    SenderAllow,
}

const ACTS: [Act; 18] = [
    Act::Accept,
    Act::Repeat,
    Act::NotDeliverable,
    Act::Register,
    Act::Suspend,
    Act::Find,
    Act::ShowHolder,
    Act::ListHolders,
    Act::ListMessages,
    Act::View,
    Act::List,
    Act::Open,
    Act::Mark,
    Act::Delete,
    Act::Restore,
    Act::Login,
    Act::WrongLogin,
    Act::SenderAllow,
];

fn staff_caller() -> operators::Caller {
    let request = RequestId::from_bytes([9; 16]);
    operators::Caller { uid: 0, pid: None, tty: None, request }
}

#[tokio::test]
async fn no_act_is_done_or_gives_anything_away_that_cannot_be_recorded() {
    for act in ACTS {
        let scene = Scene::new().await;
        for refusal in refusals() {
            let before = whole(&scene.world).await;
            scene.world.memory.refuse(Some(refusal.clone()));
            let kind = scene.attempt(act).await;
            scene.world.memory.refuse(None);
            // Nobody waits for the delay after failed attempts.
            scene.world.bench.clock.advance(3_600_000);
            assert_eq!(kind, Some(refusal.kind()), "{act:?} under {refusal:?}");
            assert!(whole(&scene.world).await == before, "{act:?} under {refusal:?} left a trace");
        }
        assert!(scene.senders.list().is_empty(), "{act:?}: a sender is allowed in memory only");
        // The same act goes through, with its entry, as soon as it can be recorded.
        let before = scene.world.entries();
        let refused = matches!(act, Act::WrongLogin).then_some(Kind::Denied);
        assert_eq!(scene.attempt(act).await, refused, "{act:?}");
        assert_eq!(scene.world.entries(), before + 1, "{act:?}");
    }
}
