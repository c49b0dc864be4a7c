//! Soundly signed deliveries whose content breaks a rule, and over-long everything.

use super::documents::{
    descend, edited, forge, in_each_style, insert, letter, one_tree, signed_over, signer, swap,
    write,
};
use super::site::{Attack, Site, refused};
use mbx_sim::delivery::{Delivery, Message, notify};
use mbx_sim::marshal::{Style, envelope};
use mbx_sim::xml::{Element, Node, ns};
use mbx_tests::installation::{AUTHORITY, DISPATCHER};

/// A soundly signed delivery with another message, sent by the authority itself.
fn message(site: &Site, change: impl FnOnce(&mut Message)) -> Vec<Attack> {
    let own = signer(site, "authority");
    let mut delivery = letter(site);
    change(delivery.messages.first_mut().unwrap());
    by_authority(site, &delivery.sealed(&own, &own).unwrap())
}

fn by_authority(site: &Site, call: &Element) -> Vec<Attack> {
    let client = site.known("authority", AUTHORITY);
    vec![Attack { client, body: envelope(call, Style::Prefixed).into() }]
}

/// A delivery bent before it was signed.
fn signed(site: &Site, bend: impl FnOnce(&mut Element)) -> Vec<Attack> {
    in_each_style(site, &signed_over(site, bend))
}

/// An element of the message's header set to a text before it was signed.
fn header(site: &Site, path: &[&str], text: String) -> Vec<Attack> {
    signed(site, |delivery| {
        write(descend(descend(delivery, &["Message", "Header"]), path), text);
    })
}

fn reminder(recipients: &[String]) -> Element {
    let message = Message::text("reminder", "Reminder", "Tomorrow at nine");
    notify(AUTHORITY, "Example Authority", recipients, &message)
}

refused! {
    an_attachment_with_a_wrong_checksum: 5001 DELIVERY_CHECKSUM, |site: &Site| {
        let call = signed_over(site, |delivery| {
            let checksum = descend(delivery, &["Message", "Attachment", "Checksum"]);
            write(checksum, "0123456789ABCDEF0123456789ABCDEF");
        });
        by_authority(site, &call)
    };
    an_attachment_with_something_else_for_a_checksum: 5001 DELIVERY_CHECKSUM, |site: &Site| {
        let call = signed_over(site, |delivery| {
            write(descend(delivery, &["Message", "Attachment", "Checksum"]), "2111066685");
        });
        let client = site.known("dispatcher", DISPATCHER);
        vec![Attack { client, body: envelope(&call, Style::Prefixed).into() }]
    };
    an_attachment_of_a_type_that_is_not_taken: 5019 DELIVERY_MEDIA_TYPE, |site: &Site| {
        message(site, |message| message.attachments[0].media_type = "image/png".to_owned())
    };
    a_body_of_a_type_that_is_not_taken: 5019 DELIVERY_MEDIA_TYPE, |site: &Site| {
        let own = signer(site, "authority");
        let mut delivery = letter(site);
        delivery.messages[0].body.media_type = "text/rtf".to_owned();
        let call = delivery.sealed(&own, &own).unwrap();
        let client = site.known("dispatcher", DISPATCHER);
        vec![Attack { client, body: envelope(&call, Style::Prefixed).into() }]
    };
    a_body_that_is_not_utf_8: 5001 DELIVERY_NOT_UTF8, |site: &Site| {
        message(site, |message| message.body.octets = b"v\xe4lkommen".to_vec())
    };
    a_message_one_byte_too_long: 5005 DELIVERY_MESSAGE_TOO_LONG, |site: &Site| {
        message(site, |message| {
            let body = message.body.octets.len();
            message.attachments[0].octets = vec![b'a'; 64 * 1024 + 1 - body];
        })
    };
    a_second_message_that_is_too_long: 5005 DELIVERY_MESSAGE_TOO_LONG, |site: &Site| {
        let own = signer(site, "authority");
        let mut delivery = letter(site);
        let text = "x".repeat(65 * 1024);
        delivery.messages.push(Message::text("second", "Second", &text));
        let call = delivery.sealed(&own, &own).unwrap();
        let client = site.known("dispatcher", DISPATCHER);
        vec![Attack { client, body: envelope(&call, Style::Prefixed).into() }]
    };
    a_request_longer_than_is_taken: 5005 DELIVERY_TOO_LONG, |site: &Site| {
        edited(site, |text| text + &" ".repeat(1024 * 1024))
    };
    a_text_of_a_megabyte_in_the_subject: 5005 DELIVERY_TOO_LONG, |site: &Site| {
        header(site, &["Subject"], "x".repeat(1024 * 1024))
    };
    a_subject_of_256_characters: 5001 DELIVERY_SHAPE, |site: &Site| {
        header(site, &["Subject"], "\u{e5}".repeat(256))
    };
    a_support_text_of_1025_characters: 5001 DELIVERY_SHAPE, |site: &Site| {
        header(site, &["Supportinfo", "Text"], "x".repeat(1025))
    };
    a_language_of_a_thousand_letters: 5001 DELIVERY_SHAPE, |site: &Site| {
        header(site, &["Language"], "x".repeat(1000))
    };
    a_language_that_is_none: 5001 DELIVERY_SHAPE, |site: &Site| {
        header(site, &["Language"], "../../etc".to_owned())
    };
    a_sender_name_of_257_characters: 5001 DELIVERY_SHAPE, |site: &Site| {
        let name = "x".repeat(257);
        signed(site, |delivery| write(descend(delivery, &["Header", "Sender", "Name"]), name))
    };
    a_sender_name_of_one_character: 5001 DELIVERY_SHAPE, |site: &Site| {
        signed(site, |delivery| write(descend(delivery, &["Header", "Sender", "Name"]), "x"))
    };
    a_sender_id_with_a_hyphen: 5001 DELIVERY_SHAPE, |site: &Site| {
        signed(site, |delivery| {
            write(descend(delivery, &["Header", "Sender", "Id"]), "202100-4748");
        })
    };
    a_recipient_of_thirteen_digits: 5001 DELIVERY_SHAPE, |site: &Site| {
        let number = format!("{}0", site.victim);
        signed(site, |delivery| write(descend(delivery, &["Header", "Recipient"]), number))
    };
    a_recipient_in_other_digits: 5001 DELIVERY_SHAPE, |site: &Site| {
        let arabic = site.victim.chars().map(|c| {
            char::from_u32(0x660 + c.to_digit(10).unwrap()).unwrap()
        });
        let number: String = arabic.collect();
        signed(site, |delivery| write(descend(delivery, &["Header", "Recipient"]), number))
    };
    two_recipients_of_a_signed_delivery: 5005 DELIVERY_SHAPE, |site: &Site| {
        signed(site, |delivery| {
            let header = descend(delivery, &["Header"]);
            let twin = descend(header, &["Recipient"]).clone();
            insert(header, 1, twin);
        })
    };
    no_recipient: 5001 DELIVERY_SHAPE, |site: &Site| {
        signed(site, |delivery| drop(descend(delivery, &["Header"]).take("Recipient").unwrap()))
    };
    no_message: 5001 DELIVERY_SHAPE, |site: &Site| {
        signed(site, |delivery| drop(delivery.take("Message").unwrap()))
    };
    a_message_before_the_header: 5001 DELIVERY_SHAPE, |site: &Site| {
        signed(site, |delivery| {
            let forged = forge(descend(delivery, &["Message"]));
            insert(delivery, 0, forged);
        })
    };
    a_header_twice: 5001 DELIVERY_SHAPE, |site: &Site| {
        signed(site, |delivery| {
            let twin = descend(delivery, &["Header"]).clone();
            insert(delivery, 1, twin);
        })
    };
    a_subject_twice: 5001 DELIVERY_SHAPE, |site: &Site| {
        signed(site, |delivery| {
            let header = descend(delivery, &["Message", "Header"]);
            let twin = descend(header, &["Subject"]).clone();
            insert(header, 2, twin);
        })
    };
    an_element_that_the_schema_does_not_have: 5001 DELIVERY_SHAPE, |site: &Site| {
        signed(site, |delivery| insert(delivery, 2, Element::of(ns::M3, "Priority", "high")))
    };
    markup_within_a_text: 5001 DELIVERY_SHAPE, |site: &Site| {
        signed(site, |delivery| {
            let header = descend(delivery, &["Message", "Header"]);
            insert(descend(header, &["Subject"]), 0, Element::of(ns::M3, "b", "bold"));
        })
    };
    text_between_elements: 5001 DELIVERY_SHAPE, |site: &Site| {
        signed(site, |delivery| delivery.children.push(Node::Text("text".to_owned())))
    };
    a_body_that_is_no_base64: 5001 DELIVERY_SHAPE, |site: &Site| {
        signed(site, |delivery| write(descend(delivery, &["Message", "Body", "Body"]), "%%%"))
    };
    a_body_of_base64_with_a_character_too_few: 5001 DELIVERY_SHAPE, |site: &Site| {
        signed(site, |delivery| write(descend(delivery, &["Message", "Body", "Body"]), "SGVqI"))
    };
    a_body_of_base64_that_goes_on_behind_its_end: 5001 DELIVERY_SHAPE, |site: &Site| {
        signed(site, |delivery| write(descend(delivery, &["Message", "Body", "Body"]), "SGVqIQ==SGVq"))
    };
    a_body_of_base64_with_spare_bits: 5001 DELIVERY_SHAPE, |site: &Site| {
        signed(site, |delivery| write(descend(delivery, &["Message", "Body", "Body"]), "SGVqIR=="))
    };
    a_body_of_base64_for_addresses: 5001 DELIVERY_SHAPE, |site: &Site| {
        signed(site, |delivery| write(descend(delivery, &["Message", "Body", "Body"]), "_-_-"))
    };
    an_attachment_without_file_name: 5001 DELIVERY_SHAPE, |site: &Site| {
        signed(site, |delivery| {
            drop(descend(delivery, &["Message", "Attachment"]).take("Filename").unwrap());
        })
    };
    a_day_of_the_seal_that_is_none: 5001 DELIVERY_SHAPE, |site: &Site| {
        edited(site, |text| swap(&text, "2026-11-24+01:00", "2026-02-30"))
    };
    a_seal_that_says_perhaps: 5001 DELIVERY_SHAPE, |site: &Site| {
        edited(site, |text| swap(&text, ">true<", ">perhaps<"))
    };
    ten_thousand_messages_at_once: 5005 DELIVERY_NOT_XML, |site: &Site| {
        let text = envelope(&signed_over(site, |_| {}), Style::Default);
        let flood = "<Message/>".repeat(20_000);
        super::documents::one(site, swap(&text, "<Message>", &format!("{flood}<Message>")))
    };
    a_notify_to_1001_recipients: 5005 DELIVERY_SHAPE, |site: &Site| {
        let client = site.known("authority", AUTHORITY);
        let body = envelope(&reminder(&vec![site.victim.clone(); 1001]), Style::Prefixed).into();
        vec![Attack { client, body }]
    };
    a_notify_with_a_malformed_recipient_among_others: 5001 DELIVERY_SHAPE, |site: &Site| {
        one_tree(site, &reminder(&[site.victim.clone(), "19121212121x".to_owned()]))
    };
    a_notify_to_nobody: 5001 DELIVERY_SHAPE, |site: &Site| one_tree(site, &reminder(&[]));
    a_notify_with_an_attachment: 5001 DELIVERY_SHAPE, |site: &Site| {
        let mut call = reminder(std::slice::from_ref(&site.victim));
        let attachment = Element::new(ns::M3, "Attachment");
        insert(descend(&mut call, &["notify", "Message"]), 2, attachment);
        one_tree(site, &call)
    };
    a_notify_in_the_words_of_deliver_secure: 5001 DELIVERY_SHAPE, |site: &Site| {
        let mut call = reminder(std::slice::from_ref(&site.victim));
        let message = letter(site).tree().take("Message").unwrap();
        *descend(&mut call, &["notify", "Message"]) = message;
        one_tree(site, &call)
    };
}

/// Without this the other cases could be refused for reasons of their own making.
#[test]
fn the_same_deliveries_unbent_are_taken() {
    let config = "[delivery]\nmessage_max = \"64 KiB\"\n".to_owned();
    let setup = mbx_tests::installation::Setup { config, ..Default::default() };
    let installation = mbx_tests::installation::Installation::ready(&setup);
    let (person, _) = installation.register(1);
    let own = mbx_sim::pki::Credentials::load(&installation.pki(), "authority").unwrap();
    let own = own.signer().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for (place, style) in Style::ALL.into_iter().enumerate() {
        let text = "x".repeat(1024);
        let longest = Message::text(format!("m-{place}"), "\u{e5}".repeat(255), &text)
            .with_pdf("a.pdf", vec![b'a'; 63 * 1024]);
        let delivery = Delivery {
            sender: AUTHORITY.to_owned(),
            sender_name: "x".repeat(256),
            recipient: person.clone(),
            correlation: None,
            messages: vec![longest],
        };
        let body = envelope(&delivery.sealed(&own, &own).unwrap(), style);
        let reply = runtime.block_on(installation.post(body.into()));
        assert!(matches!(reply, mbx_sim::soap::Reply::Result { .. }), "{style:?}: {reply:?}");
    }
    let body = envelope(&reminder(&vec![person; 1000]), Style::Prefixed);
    let reply = runtime.block_on(installation.post(body.into()));
    assert!(matches!(reply, mbx_sim::soap::Reply::Result { .. }), "{reply:?}");
}
