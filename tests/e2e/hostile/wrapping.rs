//! Signature wrapping in its known forms: signed elements moved, doubled, hidden or replaced so
//! that one thing is verified and another one read. Each in the three marshalling styles.

use super::documents::{
    bent, descend, edited, forge, insert, one, place, seal, sealed, signed, swap,
    with_official_matter,
};
use super::site::{Attack, Site, refused};
use mbx_sim::marshal::{Style, envelope};
use mbx_sim::xml::{Element, ns};

/// The signed delivery, forged in its place, and the sound one to be hidden.
fn forged_in_place(call: &mut Element) -> Element {
    let sound = signed(call).clone();
    *signed(call) = forge(&sound);
    sound
}

fn wrapper(inside: Element) -> Element {
    Element::new("urn:w", "w").child(inside)
}

/// Texts between the tags of the SOAP body, in each style.
fn in_each_body(site: &Site, edit: impl Fn(&str) -> String) -> Vec<Attack> {
    let call = sealed(site);
    Style::ALL
        .map(|style| {
            let document = envelope(&call, style);
            let start = document.find("Body>").unwrap() + "Body>".len();
            let end = document.rfind("</").unwrap();
            let end = document[..end].rfind("</").unwrap();
            let inside = edit(&document[start..end]);
            Attack::new(site, format!("{}{inside}{}", &document[..start], &document[end..]))
        })
        .into()
}

refused! {
    a_second_signed_delivery_behind_the_first: 5001 DELIVERY_SHAPE, |site: &Site| {
        bent(site, |call| {
            let twin = signed(call).clone();
            insert(seal(call), 1, twin);
        })
    };
    a_forged_signed_delivery_before_the_sound_one: 5001 DELIVERY_SHAPE, |site: &Site| {
        bent(site, |call| {
            let forged = forge(signed(call));
            insert(seal(call), 0, forged);
        })
    };
    the_sound_delivery_hidden_in_a_header_entry_beside_a_forged_one:
        5006 DELIVERY_SIGNATURE_FORM, |site: &Site| {
            let mut call = sealed(site);
            let sound = forged_in_place(&mut call).canonical();
            let header = format!("<s:Header><h xmlns=\"urn:h\">{sound}</h></s:Header><s:Body>");
            one(site, swap(&envelope(&call, Style::Default), "<s:Body>", &header))
        };
    the_sound_delivery_hidden_in_an_object_of_the_forged_ones_signature:
        5006 DELIVERY_SIGNATURE_FORM, |site: &Site| {
            bent(site, |call| {
                let sound = forged_in_place(call);
                let signature = descend(signed(call), &["Signature"]);
                insert(signature, 3, Element::new(ns::DS, "Object").child(sound));
            })
        };
    the_sound_delivery_hidden_in_official_matter_of_a_forged_one:
        5006 DELIVERY_SIGNATURE_FORM, |site: &Site| {
            bent(site, |call| {
                let sound = forged_in_place(call);
                with_official_matter(signed(call), wrapper(sound));
            })
        };
    the_sound_delivery_hidden_in_a_foreign_element_behind_the_seal:
        5001 DELIVERY_SHAPE, |site: &Site| {
            bent(site, |call| {
                let sound = forged_in_place(call);
                insert(seal(call), 3, wrapper(sound));
            })
        };
    the_sound_delivery_hidden_in_the_seal: 5001 DELIVERY_SHAPE, |site: &Site| {
        bent(site, |call| {
            let sound = forged_in_place(call);
            insert(descend(seal(call), &["Seal"]), 2, sound);
        })
    };
    a_forged_delivery_whose_only_signature_is_the_hidden_ones: 5001 DELIVERY_SHAPE, |site: &Site| {
        bent(site, |call| {
            let sound = forged_in_place(call);
            signed(call).take("Signature").unwrap();
            with_official_matter(signed(call), wrapper(sound));
        })
    };
    the_sound_delivery_within_a_forged_delivery: 5001 DELIVERY_SHAPE, |site: &Site| {
        bent(site, |call| {
            let sound = forged_in_place(call);
            insert(descend(signed(call), &["Delivery"]), 0, sound);
        })
    };
    a_signature_wrapped_in_another_element: 5001 DELIVERY_SHAPE, |site: &Site| {
        bent(site, |call| {
            let signature = signed(call).take("Signature").unwrap();
            insert(signed(call), 1, wrapper(signature));
        })
    };
    the_senders_signature_before_its_content: 5001 DELIVERY_SHAPE, |site: &Site| {
        bent(site, |call| {
            let signature = signed(call).take("Signature").unwrap();
            insert(signed(call), 0, signature);
        })
    };
    the_seals_signature_before_the_seal: 5001 DELIVERY_SHAPE, |site: &Site| {
        bent(site, |call| {
            let signature = seal(call).take("Signature").unwrap();
            insert(seal(call), 1, signature);
        })
    };
    the_seals_signature_moved_into_the_signed_delivery: 5001 DELIVERY_SHAPE, |site: &Site| {
        bent(site, |call| {
            let signature = seal(call).take("Signature").unwrap();
            insert(signed(call), 2, signature);
        })
    };
    the_senders_signature_moved_out_to_the_seal: 5001 DELIVERY_SHAPE, |site: &Site| {
        bent(site, |call| {
            let signature = signed(call).take("Signature").unwrap();
            insert(seal(call), 2, signature);
        })
    };
    the_two_signatures_exchanged: 5006 DELIVERY_SIGNATURE_WRONG, |site: &Site| {
        bent(site, |call| {
            let inner = signed(call).take("Signature").unwrap();
            let outer = seal(call).take("Signature").unwrap();
            insert(signed(call), 1, outer);
            insert(seal(call), 2, inner);
        })
    };
    the_senders_signature_doubled: 5001 DELIVERY_SHAPE, |site: &Site| {
        bent(site, |call| {
            let twin = descend(signed(call), &["Signature"]).clone();
            insert(signed(call), 2, twin);
        })
    };
    the_seals_signature_doubled: 5001 DELIVERY_SHAPE, |site: &Site| {
        bent(site, |call| {
            let twin = descend(seal(call), &["Signature"]).clone();
            insert(seal(call), 3, twin);
        })
    };
    a_third_signature_where_anything_may_stand: 5006 DELIVERY_SIGNATURE_FORM, |site: &Site| {
        bent(site, |call| {
            with_official_matter(signed(call), Element::new(ns::DS, "Signature"));
        })
    };
    no_signature_of_the_sender: 5001 DELIVERY_SHAPE, |site: &Site| {
        bent(site, |call| drop(signed(call).take("Signature").unwrap()))
    };
    no_signature_of_the_seal: 5001 DELIVERY_SHAPE, |site: &Site| {
        bent(site, |call| drop(seal(call).take("Signature").unwrap()))
    };
    no_seal_at_all: 5001 DELIVERY_SHAPE, |site: &Site| {
        bent(site, |call| drop(seal(call).take("Seal").unwrap()))
    };
    the_sealed_element_doubled_in_the_operation: 5001 DELIVERY_SHAPE, |site: &Site| {
        bent(site, |call| {
            let twin = seal(call).clone();
            insert(call, 1, twin);
        })
    };
    the_sealed_element_without_its_operation: 5001 DELIVERY_SHAPE, |site: &Site| {
        bent(site, |call| *call = seal(call).clone())
    };
    the_sealed_element_one_operation_too_deep: 5001 DELIVERY_SHAPE, |site: &Site| {
        bent(site, |call| *call = Element::new(ns::S3, "deliverSecure").child(call.clone()))
    };
    the_signed_delivery_alone_as_the_call: 5001 DELIVERY_SHAPE, |site: &Site| {
        bent(site, |call| {
            *seal(call) = Element { ns: ns::S3, name: "deliverSecure", ..signed(call).clone() };
        })
    };
    the_sealed_element_under_notify: 5001 DELIVERY_SHAPE, |site: &Site| {
        bent(site, |call| {
            let sealed = Element { name: "notify", ..seal(call).clone() };
            *call = Element::new(ns::S3, "notify").child(sealed);
        })
    };
    a_whole_second_operation_in_the_body: 5001 DELIVERY_SHAPE, |site: &Site| {
        in_each_body(site, |operation| operation.repeat(2))
    };
    a_forged_operation_before_the_sound_one: 5001 DELIVERY_SHAPE, |site: &Site| {
        in_each_body(site, |operation| swap(operation, "Beslut", "Falskt") + operation)
    };
    a_second_body: 5001 DELIVERY_SHAPE, |site: &Site| {
        edited(site, |text| {
            let body = text[place(&text, "<s:Body>", "</s:Body>")].to_owned();
            swap(&text, "</s:Envelope>", &format!("{body}</s:Envelope>"))
        })
    };
    the_body_hidden_in_the_header_and_a_forged_one_in_its_place:
        5006 DELIVERY_SIGNATURE_FORM, |site: &Site| {
            edited(site, |text| {
                let body = text[place(&text, "<s:Body>", "</s:Body>")].to_owned();
                let forged = swap(&body, "Beslut", "Falskt");
                swap(&text, &body, &format!("<s:Header>{body}</s:Header>{forged}"))
            })
        };
    the_signed_delivery_of_one_call_in_the_seal_of_another:
        5006 DELIVERY_SIGNATURE_WRONG, |site: &Site| {
            bent(site, |call| {
                let other = super::documents::signed_over(site, |delivery| *delivery = forge(delivery));
                *signed(call) = signed(&mut other.clone()).clone();
            })
        };
    the_content_of_one_delivery_under_the_signature_of_another:
        5006 DELIVERY_SIGNATURE_WRONG, |site: &Site| {
            bent(site, |call| {
                let forged = forge(descend(signed(call), &["Delivery"]));
                *descend(signed(call), &["Delivery"]) = forged;
            })
        };
    a_second_message_slipped_under_the_signature: 5006 DELIVERY_SIGNATURE_WRONG, |site: &Site| {
        bent(site, |call| {
            let delivery = descend(signed(call), &["Delivery"]);
            let forged = forge(descend(delivery, &["Message"]));
            insert(delivery, 2, forged);
        })
    };
    white_space_added_between_signed_elements: 5006 DELIVERY_SIGNATURE_WRONG, |site: &Site| {
        edited(site, |text| swap(&text, "</Header><Message>", "</Header>\n<Message>"))
    };
    an_attribute_slipped_onto_a_signed_element: 5001 DELIVERY_SHAPE, |site: &Site| {
        edited(site, |text| swap(&text, "<Message>", "<Message hidden=\"1\">"))
    };
    a_claimed_type_slipped_onto_a_signed_element: 5006 DELIVERY_SIGNATURE_WRONG, |site: &Site| {
        let claimed = "<Message xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\" i:type=\"X\">";
        edited(site, |text| swap(&text, "<Message>", claimed))
    };
    signed_elements_in_a_lookalike_namespace: 5001 DELIVERY_SHAPE, |site: &Site| {
        edited(site, |text| swap(&text, ns::M3, &format!("{}/", ns::M3)))
    };
    signed_elements_in_no_namespace: 5001 DELIVERY_SHAPE, |site: &Site| {
        edited(site, |text| swap(&text, ns::M3, ""))
    };
    signed_elements_of_another_message_version: 5001 DELIVERY_SHAPE, |site: &Site| {
        edited(site, |text| swap(&text, ns::M3, ns::M2))
    };
    a_signature_in_a_lookalike_namespace: 5001 DELIVERY_SHAPE, |site: &Site| {
        edited(site, |text| swap(&text, ns::DS, "http://www.w3.org/2000/09/xmldsig"))
    };
    a_prefix_bound_to_another_namespace_on_the_way_down: 5001 DELIVERY_SHAPE, |site: &Site| {
        edited(site, |text| {
            let open = format!("<Sender xmlns=\"{}\">", ns::M2);
            let text = swap(&text, &open, &format!("<p:Sender xmlns:p=\"{}\">", ns::SOAP));
            swap(&text, "</Sender>", "</p:Sender>")
        })
    };
    a_prefix_bound_anew_under_the_envelope: 5001 DELIVERY_SHAPE, |site: &Site| {
        let text = envelope(&sealed(site), Style::Prefixed);
        // Below the signed delivery every prefix of the message means something else.
        let start = text.find("SignedDelivery").unwrap();
        let prefix = text[..start].rfind('<').unwrap() + 1;
        let bound = &text[prefix..start - 1];
        let open = format!("<{bound}:Delivery>");
        one(site, swap(&text, &open, &format!("<{bound}:Delivery xmlns:{bound}=\"urn:x\">")))
    };
}
