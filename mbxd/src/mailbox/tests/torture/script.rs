//! The life of an installation: set-up, two holders, twenty deliveries of which some are repeated,
//! reading, marking, deleting, restoring, checkpoints, an end and a new start.

use super::ledger::{Book, Holder};
use super::machine::{Machine, Service, TRIES};
use crate::mailbox::incoming::{Incoming, Operation, PartSource, RepeatMark};
use crate::mailbox::reading::{HolderError, ListRequest, Listed, MessageView};
use crate::mailbox::staff::{RegisterError, Registration};
use crate::mailbox::tests::{ANNA, BO, fixture, numbers, registration};
use crate::operators::{self, NewOfficer};
use bytes::Bytes;
use mbx_common::assurance::ProtectionClass;
use mbx_common::audit::{Actor, Event, Origin};
use mbx_common::id::{MessageId, RequestId};
use std::collections::BTreeSet;

/// Who has a mailbox.
pub(super) const HOLDERS: [&str; 2] = [ANNA, BO];
/// Letters of one run; each run of the process has this many.
const LETTERS: u8 = 10;

/// Runs the script, going on wherever that can be done. The disk may fail at any time.
pub(super) async fn run(machine: &Machine, book: &Book) {
    for part in 0..2 {
        let mut started = machine.start().await;
        for _ in 1..TRIES {
            if started.is_err() {
                started = machine.start().await;
            }
        }
        let Ok(service) = started else { continue };
        let script = Script { service: &service, book };
        script.set_up().await;
        for number in part * LETTERS..(part + 1) * LETTERS {
            script.deliver(number).await;
            if number % 5 == 3 {
                script.deliver(number).await;
            }
        }
        // A repeat of the first letter, from the other run too.
        script.deliver(0).await;
        script.read(part).await;
        let _signed = service.audit.checkpoint().await;
        service.engine.close();
    }
}

/// The body of a letter: of another length each.
pub(super) fn body(number: u8) -> Vec<u8> {
    let len = 60 + usize::from(number) * 977 % 2700;
    let text = format!("Body of letter {number}. ");
    text.bytes().cycle().take(len).collect()
}

/// Whom a letter is for.
pub(super) fn recipients(number: u8) -> Vec<Holder> {
    if number % LETTERS == 7 { vec![0, 1] } else { vec![usize::from(number % 2)] }
}

/// A letter: a `notify` where it has two recipients, else a `deliverSecure`.
pub(super) fn letter(number: u8, request: RequestId) -> Incoming {
    let body = body(number);
    let text = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &body);
    let payload = format!("<Body>{text}</Body>");
    let end = u64::try_from(6 + text.len()).unwrap();
    let to: Vec<&str> = recipients(number).iter().map(|holder| HOLDERS[*holder]).collect();
    let mut incoming = Incoming {
        request,
        recipients: numbers(&to),
        payload: Bytes::from(payload),
        repeat_mark: RepeatMark::of(Operation::DeliverSecure, &[number]),
        ..fixture::incoming()
    };
    if to.len() > 1 {
        incoming.operation = Operation::Notify;
        incoming.class = ProtectionClass::One;
    }
    let message = &mut incoming.messages[0];
    message.subject = format!("letter {number}");
    message.body.len = u64::try_from(body.len()).unwrap();
    message.body.source = PartSource::Base64At(6..end);
    incoming
}

/// The number of a letter, from its subject.
pub(super) fn number_of(view: &MessageView) -> u8 {
    view.subject.strip_prefix("letter ").unwrap().parse().unwrap()
}

/// Somebody at the machine.
pub(super) fn origin(request: RequestId) -> Origin {
    Origin { request: Some(request), ..Origin::of(Actor::Local(0)) }
}

#[derive(Clone, Copy)]
enum Verb {
    Mark,
    Delete,
    Restore,
}

/// One run of the process.
pub(super) struct Script<'a> {
    pub(super) service: &'a Service,
    pub(super) book: &'a Book,
}

impl Script<'_> {
    /// First set-up and registrations, each tried again where it failed.
    pub(super) async fn set_up(&self) {
        for _ in 0..TRIES {
            if self.initialise().await {
                break;
            }
            self.service.settle();
        }
        for _ in 0..TRIES {
            if self.service.open_keys().await {
                break;
            }
            self.service.settle();
        }
        for holder in 0..HOLDERS.len() {
            for _ in 0..TRIES {
                if self.register(holder).await {
                    break;
                }
                self.service.settle();
            }
        }
    }

    async fn initialise(&self) -> bool {
        match self.service.operators.is_initialised().await {
            Ok(false) => {}
            Ok(true) => return true,
            Err(_) => return false,
        }
        let Ok(founding) = self.service.keys.initialise().await else { return false };
        let request = self.book.begin(&[Event::Initialised]);
        let caller = operators::Caller { uid: 0, pid: None, tty: None, request };
        let officer = |name: &str| NewOfficer {
            name: name.to_owned(),
            roles: "KRSA".parse().unwrap(),
            password: "first password of the day".into(),
        };
        let officers = vec![officer("anna"), officer("bo")];
        let made = self.service.operators.initialise(officers, &founding, &caller).await;
        if made.is_ok() {
            self.book.done(request);
            self.book.page().initialised = true;
        }
        made.is_ok()
    }

    async fn register(&self, holder: Holder) -> bool {
        if self.book.page().registered[holder] {
            return true;
        }
        let request = self.book.begin(&[Event::MailboxRegistered, Event::RegistrationRefused]);
        let person: Registration = registration(HOLDERS[holder]);
        match self.service.mailboxes.register(person, &origin(request)).await {
            Ok(_) => self.book.page().registered[holder] = true,
            Err(RegisterError::AlreadyRegistered) => {}
            Err(_) => return false,
        }
        self.book.done(request);
        true
    }

    /// Delivers a letter and, where that failed, waits until the store has recovered; says whether
    /// it was taken.
    pub(super) async fn deliver(&self, number: u8) -> bool {
        let is_taken = self.deliver_once(number).await;
        if !is_taken {
            self.service.settle();
        }
        is_taken
    }

    /// Delivers a letter; says whether it was taken.
    pub(super) async fn deliver_once(&self, number: u8) -> bool {
        const EVENTS: &[Event] =
            &[Event::DeliveryAccepted, Event::DeliveryRepeated, Event::DeliveryNotDeliverable];
        self.service.clock.advance(1000);
        let request = self.book.begin(EVENTS);
        for holder in recipients(number) {
            self.book.post(number, holder);
        }
        let Ok(accepted) = self.service.mailboxes.accept(letter(number, request)).await else {
            return false;
        };
        self.book.done(request);
        for (holder, is_delivered) in recipients(number).into_iter().zip(accepted.statuses) {
            let mut page = self.book.page();
            let letter = page.letters.get_mut(&(number, holder)).unwrap();
            letter.acknowledged |= is_delivered;
        }
        true
    }

    /// Each holder looks into the mailbox and does something with what is there.
    async fn read(&self, part: u8) {
        for holder in 0..HOLDERS.len() {
            let messages = self.list(holder).await;
            for (number, message) in messages {
                let verbs: &[Verb] = match number % LETTERS {
                    1 | 2 => {
                        let _octets = self.open(holder, message).await;
                        &[]
                    }
                    3 | 4 => &[Verb::Mark],
                    5 | 6 => &[Verb::Delete],
                    8 => &[Verb::Delete, Verb::Restore],
                    _ => &[],
                };
                for verb in verbs {
                    self.change((number, holder), message, *verb).await;
                }
            }
            if part == 1 {
                self.list(holder).await;
            }
        }
    }

    /// The letters in the mailbox; nothing where it cannot be read.
    pub(super) async fn list(&self, holder: Holder) -> Vec<(u8, MessageId)> {
        self.service.clock.advance(1000);
        let request = self.book.begin(&[Event::MessagesListed, Event::HolderRefused]);
        let Ok(visit) = self.service.visit(HOLDERS[holder], request).await else {
            return Vec::new();
        };
        let Ok(listing) = self.service.mailboxes.list(&visit, ListRequest::default()).await else {
            self.service.settle();
            return Vec::new();
        };
        self.book.done(request);
        let views = listing.messages.iter().map(|listed| match listed {
            Listed::Within(view) => (number_of(view), view.id),
            Listed::OutOfReach { .. } => panic!("level 3 reaches everything"),
            Listed::Damaged { .. } => panic!("nothing was altered"),
        });
        views.collect()
    }

    /// Opens a message and reads its body.
    pub(super) async fn open(&self, holder: Holder, message: MessageId) -> Option<Vec<u8>> {
        self.service.clock.advance(1000);
        let request = self.book.begin(&[Event::MessageOpened, Event::HolderRefused]);
        let visit = self.service.visit(HOLDERS[holder], request).await.ok()?;
        let Ok(opened) = self.service.mailboxes.open(&visit, message).await else {
            self.service.settle();
            return None;
        };
        self.book.done(request);
        let mut part = self.service.mailboxes.read_part(&opened, 0, 0..u64::MAX).await.ok()?;
        let mut octets = Vec::new();
        while let Some(piece) = part.next().await.ok()? {
            octets.extend_from_slice(&piece);
        }
        Some(octets)
    }

    async fn change(&self, letter: (u8, Holder), message: MessageId, verb: Verb) {
        self.service.clock.advance(1000);
        let events: &[Event] = match verb {
            Verb::Mark => &[Event::MessageMarked, Event::HolderRefused],
            Verb::Delete => &[Event::MessageDeleted, Event::HolderRefused],
            Verb::Restore => &[Event::MessageRestored, Event::HolderRefused],
        };
        let request = self.book.begin(events);
        let Ok(visit) = self.service.visit(HOLDERS[letter.1], request).await else { return };
        self.widen(letter, verb);
        let mailboxes = &self.service.mailboxes;
        let changed = match verb {
            Verb::Mark => mailboxes.mark_read(&visit, message, None).await,
            Verb::Delete => mailboxes.delete(&visit, message, None).await,
            Verb::Restore => mailboxes.restore(&visit, message, None).await,
        };
        match changed {
            Ok(_) => {
                self.book.done(request);
                self.settled(letter, verb);
            }
            // The letter was restored by nobody, because deleting it had failed.
            Err(HolderError::NoMessage) => {}
            Err(_) => self.service.settle(),
        }
    }

    /// Until it is answered, the act may be done or not.
    fn widen(&self, letter: (u8, Holder), verb: Verb) {
        let mut page = self.book.page();
        let letter = page.letters.get_mut(&letter).unwrap();
        match verb {
            Verb::Mark => letter.read.insert(true),
            Verb::Delete => letter.deleted.insert(true),
            Verb::Restore => letter.deleted.insert(false),
        };
    }

    fn settled(&self, letter: (u8, Holder), verb: Verb) {
        let mut page = self.book.page();
        let letter = page.letters.get_mut(&letter).unwrap();
        match verb {
            Verb::Mark => letter.read = BTreeSet::from([true]),
            Verb::Delete => letter.deleted = BTreeSet::from([true]),
            Verb::Restore => letter.deleted = BTreeSet::from([false]),
        }
    }
}
