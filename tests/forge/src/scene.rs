//! One case in the making: from what a sender says to the request's bytes, with a place for
//! mischief at every step.

use crate::base::{self, Parties};
use crate::keys::{Hash, KeyId, Keyring, Owner};
use crate::moves::{MOVES, Move, Stage};
use crate::sign::{Level, Signed, Spec, sign};
use crate::tree::{Element, ns};
use crate::wire::{Style, write};
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;

/// A case in the making.
#[derive(Debug)]
pub struct Scene<'k> {
    /// From which everything is drawn.
    pub rng: ChaCha8Rng,
    /// The keys.
    pub keys: &'k Keyring,
    /// The attacker's key.
    pub attacker: KeyId,
    /// `SignedDelivery`.
    pub signed: Element,
    /// `Seal`.
    pub seal: Element,
    /// How the sender signs.
    pub inner: Spec,
    /// How the dispatcher signs.
    pub outer: Spec,
    /// The envelope with everything in it, once it is marshalled.
    pub whole: Element,
    /// How it is written.
    pub style: Style,
    /// The request's bytes, once it is written.
    pub octets: Vec<u8>,
    /// What every key signed.
    pub ledger: Vec<Signed>,
}

/// A case.
#[derive(Debug)]
pub struct Case {
    /// The seed that it was made of.
    pub seed: u64,
    /// What was done to a valid delivery, in order.
    pub moves: Vec<&'static Move>,
    /// The request.
    pub octets: Vec<u8>,
    /// What every key signed for it.
    pub ledger: Vec<Signed>,
}

impl Case {
    /// Whether nothing was done that the profile does not take.
    pub fn is_sound(&self) -> bool {
        self.moves.iter().all(|one| one.keeps)
    }

    /// The names of its moves.
    pub fn told(&self) -> String {
        let names: Vec<&str> = self.moves.iter().map(|one| one.name).collect();
        if names.is_empty() { "nothing".to_owned() } else { names.join(" + ") }
    }
}

/// Makes the case of a seed: a valid delivery and none to four moves.
pub fn case(seed: u64, keys: &Keyring, parties: &Parties) -> Case {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let depth = *[0, 1, 1, 1, 1, 2, 2, 2, 3, 3, 4].choose(&mut rng).unwrap_or(&1);
    let mut moves = Vec::new();
    for _ in 0..depth {
        let stage = Stage::ALL.choose(&mut rng).copied().unwrap_or(Stage::Style);
        let of_stage: Vec<&Move> = MOVES.iter().filter(|one| one.stage == stage).collect();
        moves.extend(of_stage.choose(&mut rng).copied());
    }
    of_moves(seed, moves, rng, keys, parties)
}

/// Makes a case of these moves.
pub fn of_moves(
    seed: u64,
    mut moves: Vec<&'static Move>,
    mut rng: ChaCha8Rng,
    keys: &Keyring,
    parties: &Parties,
) -> Case {
    moves.sort_by_key(|one| one.stage);
    let mut scene = Scene::new(&mut rng, keys, parties);
    scene.run(&moves);
    Case { seed, moves, octets: scene.octets, ledger: scene.ledger }
}

impl<'k> Scene<'k> {
    fn new(rng: &mut ChaCha8Rng, keys: &'k Keyring, parties: &Parties) -> Self {
        let signed = base::delivery(rng, parties);
        let mut own = |owner| keys.of_owner(owner).choose(rng).copied().unwrap_or_default();
        let (sender, dispatcher) = (own(Owner::Sender), own(Owner::Dispatcher));
        let attacker = own(Owner::Attacker);
        let (mut inner, mut outer) = (Spec::new(sender), Spec::new(dispatcher));
        for spec in [&mut inner, &mut outer] {
            vary(spec, rng);
        }
        Self {
            keys,
            attacker,
            signed,
            seal: base::seal("true"),
            inner,
            outer,
            whole: Element::default(),
            style: Style { seed: rng.random(), ..Style::default() },
            octets: Vec::new(),
            ledger: Vec::new(),
            rng: ChaCha8Rng::seed_from_u64(rng.random()),
        }
    }

    fn run(&mut self, moves: &[&'static Move]) {
        let of = |stage| moves.iter().filter(move |one| one.stage == stage);
        for one in of(Stage::Style) {
            one.make(self);
        }
        for one in of(Stage::Content) {
            one.make(self);
        }
        self.dress();
        for one in of(Stage::Inner) {
            one.make(self);
        }
        self.sign(Level::Sender);
        for one in of(Stage::Between) {
            one.make(self);
        }
        for one in of(Stage::Outer) {
            one.make(self);
        }
        self.marshal();
        self.sign(Level::Seal);
        for one in of(Stage::Whole) {
            one.make(self);
        }
        self.octets = write(&self.whole, &self.style);
        for one in of(Stage::Octets) {
            one.make(self);
        }
    }

    /// Gives every element a prefix where a form as sent is signed.
    fn dress(&mut self) {
        if !(self.inner.as_sent || self.outer.as_sent) {
            return;
        }
        let mut prefixes = BTreeMap::new();
        for (uri, prefix) in
            [(ns::M1, "m1"), (ns::M2, "m2"), (ns::M3, "m3"), (ns::SENDER, "snd"), (ns::DS, "ds")]
        {
            if self.rng.random_bool(0.6) {
                prefixes.insert(uri, prefix);
            }
        }
        for spec in [&mut self.inner, &mut self.outer] {
            spec.prefix = Some(prefixes.get(ns::DS).copied().unwrap_or_default().to_owned());
        }
        for root in [&mut self.signed, &mut self.seal] {
            root.each(&mut |element| {
                let prefix = prefixes.get(element.ns.as_str()).copied();
                element.prefix = Some(prefix.unwrap_or_default().to_owned());
            });
        }
    }

    /// Signs a level where it stands.
    pub fn sign(&mut self, level: Level) {
        let spec = if level == Level::Sender { self.inner.clone() } else { self.outer.clone() };
        self.sign_by(level, &spec);
    }

    /// The same in another way.
    pub fn sign_by(&mut self, level: Level, spec: &Spec) {
        let (keys, mut rng) = (self.keys, self.rng.clone());
        let Some(element) = self.level_mut(level) else { return };
        let signed = sign(element, level, spec, keys, &mut rng);
        self.rng = ChaCha8Rng::seed_from_u64(rng.random());
        self.ledger.push(signed);
    }

    /// The signed element of a level, wherever the case is.
    pub fn level_mut(&mut self, level: Level) -> Option<&mut Element> {
        let is_marshalled = self.whole.local == "Envelope";
        match (level, is_marshalled) {
            (Level::Sender, false) => Some(&mut self.signed),
            (Level::Seal, false) => None,
            (Level::Sender, true) => self.sealed_mut()?.own_mut("SignedDelivery"),
            (Level::Seal, true) => self.sealed_mut(),
        }
    }

    /// The sealed element of the marshalled request.
    pub fn sealed_mut(&mut self) -> Option<&mut Element> {
        let body = self.whole.own_mut("Body")?;
        body.elements_mut().next()?.own_mut("deliverSecure")
    }

    /// The specification of a level.
    pub fn spec_mut(&mut self, level: Level) -> &mut Spec {
        match level {
            Level::Sender => &mut self.inner,
            Level::Seal => &mut self.outer,
        }
    }

    /// One of the two levels.
    pub fn any_level(&mut self) -> Level {
        if self.rng.random_bool(0.5) { Level::Sender } else { Level::Seal }
    }

    fn marshal(&mut self) {
        let mut sealed = Element::new(ns::S3, "deliverSecure");
        if self.outer.as_sent {
            // As sent, the sealed element bears the prefix of its first child under its old name.
            sealed.prefix = Some("s3".to_owned());
            let prefix = self.signed.prefix.clone().unwrap_or_default();
            sealed.declared.push((prefix, ns::M3.to_owned()));
        }
        let sealed = sealed.child(self.signed.clone()).child(self.seal.clone());
        let wrapper = Element::new(ns::S3, "deliverSecure").child(sealed);
        self.whole = Element::new(ns::SOAP, "Envelope")
            .maybe(self.rng.random_bool(0.5).then(|| Element::new(ns::SOAP, "Header")))
            .child(Element::new(ns::SOAP, "Body").child(wrapper));
    }
}

/// Draws one of the ways in which real senders sign.
fn vary(spec: &mut Spec, rng: &mut ChaCha8Rng) {
    let hashes = [Hash::Sha256, Hash::Sha256, Hash::Sha384, Hash::Sha512];
    spec.digest = hashes.choose(rng).copied().unwrap_or(Hash::Sha256);
    spec.hash = hashes.choose(rng).copied().unwrap_or(Hash::Sha256);
    spec.by_id = rng.random_bool(0.3);
    spec.second_transform = rng.random_bool(0.4);
    spec.subject_name = rng.random_bool(0.7);
    spec.fold = *[0, 0, 64, 76].choose(rng).unwrap_or(&0);
}
