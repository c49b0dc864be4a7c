//! One byte, one character or one value altered under the signatures.

use super::documents::{bent, descend, edited, seal, signed, swap, write};
use super::site::{Site, refused};
use mbx_sim::xml::{Element, Node};

/// Changes the character at this place of an element's text, base64 or digits alike.
fn flip(element: &mut Element, place: usize) {
    let Some(Node::Text(text)) = element.children.first_mut() else { panic!("no text") };
    let other = if text.as_bytes()[place] == b'4' { "5" } else { "4" };
    text.replace_range(place..=place, other);
}

/// The same, counted from the end.
fn flip_near_end(element: &mut Element, back: usize) {
    let Some(Node::Text(text)) = element.children.first() else { panic!("no text") };
    let place = text.trim_end_matches('=').len() - back;
    flip(element, place);
}

const MESSAGE: [&str; 2] = ["Delivery", "Message"];

refused! {
    a_byte_of_the_body_flipped: 5006 DELIVERY_SIGNATURE_WRONG, |site: &Site| {
        bent(site, |call| flip(descend(descend(signed(call), &MESSAGE), &["Body", "Body"]), 3))
    };
    a_byte_of_an_attachment_flipped: 5006 DELIVERY_SIGNATURE_WRONG, |site: &Site| {
        bent(site, |call| flip(descend(descend(signed(call), &MESSAGE), &["Attachment", "Body"]), 5))
    };
    a_letter_of_the_subject_changed: 5006 DELIVERY_SIGNATURE_WRONG, |site: &Site| {
        bent(site, |call| flip(descend(descend(signed(call), &MESSAGE), &["Header", "Subject"]), 0))
    };
    a_letter_of_the_file_name_changed: 5006 DELIVERY_SIGNATURE_WRONG, |site: &Site| {
        bent(site, |call| flip(descend(descend(signed(call), &MESSAGE), &["Attachment", "Filename"]), 0))
    };
    a_media_type_changed: 5006 DELIVERY_SIGNATURE_WRONG, |site: &Site| {
        bent(site, |call| {
            write(descend(descend(signed(call), &MESSAGE), &["Body", "ContentType"]), "text/html");
        })
    };
    another_recipient: 5006 DELIVERY_SIGNATURE_WRONG, |site: &Site| {
        bent(site, |call| {
            let other = mbx_sim::identity::person(2);
            write(descend(signed(call), &["Delivery", "Header", "Recipient"]), other);
        })
    };
    another_sender_name: 5006 DELIVERY_SIGNATURE_WRONG, |site: &Site| {
        bent(site, |call| {
            let sender = descend(signed(call), &["Delivery", "Header", "Sender"]);
            write(descend(sender, &["Name"]), "Another Authority");
        })
    };
    another_day_in_the_seal: 5006 DELIVERY_SIGNATURE_WRONG, |site: &Site| {
        bent(site, |call| write(descend(seal(call), &["Seal", "ReceivedTime"]), "2026-11-25"))
    };
    a_seal_that_said_no_made_to_say_yes: 5006 DELIVERY_SIGNATURE_WRONG, |site: &Site| {
        bent(site, |call| write(descend(seal(call), &["Seal", "SignaturesOK"]), "1"))
    };
    a_byte_of_the_senders_digest_flipped: 5006 DELIVERY_SIGNATURE_WRONG, |site: &Site| {
        bent(site, |call| {
            let info = descend(signed(call), &["Signature", "SignedInfo"]);
            flip(descend(info, &["Reference", "DigestValue"]), 7);
        })
    };
    a_byte_of_the_seals_digest_flipped: 5006 DELIVERY_SIGNATURE_WRONG, |site: &Site| {
        bent(site, |call| {
            let info = descend(seal(call), &["Signature", "SignedInfo"]);
            flip(descend(info, &["Reference", "DigestValue"]), 7);
        })
    };
    a_byte_of_the_senders_signature_value_flipped: 5006 DELIVERY_SIGNATURE_WRONG, |site: &Site| {
        bent(site, |call| flip(descend(signed(call), &["Signature", "SignatureValue"]), 9))
    };
    a_byte_of_the_seals_signature_value_flipped: 5006 DELIVERY_SIGNATURE_WRONG, |site: &Site| {
        bent(site, |call| flip(descend(seal(call), &["Signature", "SignatureValue"]), 9))
    };
    a_byte_of_the_senders_certificate_flipped: 5006 DELIVERY_SIGNATURE_WRONG, |site: &Site| {
        bent(site, |call| {
            let data = descend(signed(call), &["Signature", "KeyInfo", "X509Data"]);
            flip_near_end(descend(data, &["X509Certificate"]), 40);
        })
    };
    a_byte_of_the_seals_certificate_flipped: 5006 DELIVERY_CERTIFICATE, |site: &Site| {
        bent(site, |call| {
            let data = descend(seal(call), &["Signature", "KeyInfo", "X509Data"]);
            flip_near_end(descend(data, &["X509Certificate"]), 40);
        })
    };
    a_space_added_to_a_signed_text: 5006 DELIVERY_SIGNATURE_WRONG, |site: &Site| {
        edited(site, |text| swap(&text, ">Beslut<", ">Beslut <"))
    };
    a_line_folded_into_a_signed_text: 5006 DELIVERY_SIGNATURE_WRONG, |site: &Site| {
        bent(site, |call| {
            let body = descend(descend(signed(call), &MESSAGE), &["Body", "Body"]);
            let Some(Node::Text(text)) = body.children.first_mut() else { panic!("no text") };
            text.insert(4, '\n');
        })
    };
}
