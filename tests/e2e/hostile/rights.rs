//! Sound documents by those who may not: wrong signer, sealer, caller or sender.

use super::documents::{in_each_style, letter, one_tree, sealed, signer};
use super::site::{Site, refused};
use mbx_sim::delivery::{Delivery, Message, notify};
use mbx_sim::identity::organisation;
use mbx_sim::pki::{Credentials, Use};
use mbx_sim::sign::Signer;
use mbx_sim::xml::{Element, ns};
use mbx_tests::installation::{AUTHORITY, DISPATCHER};

/// An organisation with a sound certificate that no member of staff ever allowed.
fn stranger(site: &Site, index: u32) -> (String, Signer) {
    let number = organisation(index);
    let own: Credentials =
        site.installation.issuer.issue("stranger", Use::Organisation, &number).unwrap();
    (number, own.signer().unwrap())
}

/// A notification by somebody in the authority's name.
fn reminder(site: &Site, sender: &str) -> Element {
    let message = Message::text("reminder", "Reminder", "Tomorrow at nine");
    notify(sender, "Example Authority", std::slice::from_ref(&site.victim), &message)
}

refused! {
    a_sender_that_nobody_allowed: 5002 DELIVERY_SENDER_UNKNOWN, |site: &Site| {
        let (number, own) = stranger(site, 4001);
        let delivery = Delivery { sender: number, ..letter(site) };
        in_each_style(site, &delivery.sealed(&own, &own).unwrap())
    };
    a_sender_that_was_blocked: 5002 DELIVERY_BLOCKED, |site: &Site| {
        let (number, own) = stranger(site, 4002);
        let staff = &site.installation;
        staff.ok(&["sender", "allow", &number, "--yes"]);
        staff.ok(&["sender", "block", &number, "--reason", "misuse", "--yes"]);
        let delivery = Delivery { sender: number, ..letter(site) };
        in_each_style(site, &delivery.sealed(&own, &own).unwrap())
    };
    a_stranger_who_signs_in_the_authoritys_name: 5002 DELIVERY_SIGNER, |site: &Site| {
        let (_, own) = stranger(site, 4003);
        in_each_style(site, &letter(site).sealed(&own, &own).unwrap())
    };
    a_stranger_who_seals_for_the_authority: 5002 DELIVERY_SEALER, |site: &Site| {
        let (_, own) = stranger(site, 4004);
        in_each_style(site, &letter(site).sealed(&signer(site, "authority"), &own).unwrap())
    };
    a_stranger_who_brings_a_sound_delivery: 5002 DELIVERY_CLIENT, |site: &Site| {
        in_each_style(site, &sealed(site))
    };
    a_dispatcher_that_sends_in_its_own_name: 5002 DELIVERY_SENDER_UNKNOWN, |site: &Site| {
        let own = signer(site, "dispatcher");
        let delivery = Delivery { sender: DISPATCHER.to_owned(), ..letter(site) };
        in_each_style(site, &delivery.sealed(&own, &own).unwrap())
    };
    a_dispatcher_of_one_sender_that_signs_for_another: 5002 DELIVERY_SIGNER, |site: &Site| {
        let (number, _) = stranger(site, 4005);
        site.installation.ok(&["sender", "allow", &number, "--yes"]);
        let own = signer(site, "dispatcher");
        let delivery = Delivery { sender: number, ..letter(site) };
        in_each_style(site, &delivery.sealed(&own, &own).unwrap())
    };
    a_dispatcher_of_one_sender_that_seals_for_another: 5002 DELIVERY_SEALER, |site: &Site| {
        let (number, own) = stranger(site, 4006);
        site.installation.ok(&["sender", "allow", &number, "--yes"]);
        let delivery = Delivery { sender: number, ..letter(site) };
        in_each_style(site, &delivery.sealed(&own, &signer(site, "dispatcher")).unwrap())
    };
    a_person_as_the_sender: 5001 DELIVERY_SENDER_NUMBER, |site: &Site| {
        let own = signer(site, "authority");
        let delivery = Delivery { sender: site.victim.clone(), ..letter(site) };
        in_each_style(site, &delivery.sealed(&own, &own).unwrap())
    };
    a_seal_that_says_the_signatures_are_wrong: 5006 DELIVERY_SEAL_SAYS_NO, |site: &Site| {
        let own = signer(site, "authority");
        let signed = Element::new(ns::M3, "SignedDelivery").child(letter(site).tree());
        let signed = own.envelop(signed).unwrap();
        in_each_style(site, &letter(site).seal(signed, &own, false).unwrap())
    };
    a_notify_by_a_stranger: 5002 DELIVERY_CLIENT, |site: &Site| {
        one_tree(site, &reminder(site, AUTHORITY))
    };
    a_notify_in_the_name_of_one_that_nobody_allowed: 5002 DELIVERY_SENDER_UNKNOWN, |site: &Site| {
        one_tree(site, &reminder(site, &organisation(4099)))
    };
}
