//! Signature wrapping where signatures name what they sign by `Id`: the eight forms known from the
//! literature (XSW 1 to 8, "On Breaking SAML: Be Whoever You Want to Be", 2012), and others that
//! such references invite. Each in the three marshalling styles.

use super::documents::{
    descend, forge, in_each_style, insert, seal, sealed_by_id, signed, with_official_matter,
};
use super::site::{Attack, Site, refused};
use mbx_sim::marshal::{Style, envelope};
use mbx_sim::soap::Reply;
use mbx_sim::xml::{Element, ns};

/// A call that is sound but for what is bent.
fn bent(site: &Site, bend: impl FnOnce(&mut Element)) -> Vec<Attack> {
    let mut call = sealed_by_id(site);
    bend(&mut call);
    in_each_style(site, &call)
}

/// The sound delivery, and a forged one under another `Id` with the signature of the sound.
fn pair(call: &mut Element) -> (Element, Element) {
    let sound = signed(call).clone();
    let mut forged = forge(&sound);
    forged.attributes = vec![("Id", "d2".to_owned())];
    (sound, forged)
}

/// The same delivery without its signature.
fn bare(delivery: &Element) -> Element {
    let mut bare = delivery.clone();
    bare.take("Signature").unwrap();
    bare
}

fn object(inside: Element) -> Element {
    Element::new(ns::DS, "Object").child(inside)
}

fn wrapper(inside: Element) -> Element {
    Element::new("urn:w", "w").child(inside)
}

refused! {
    form_1_the_sound_delivery_within_its_own_signature_in_the_forged_one:
        5006 DELIVERY_SIGNATURE_FORM, |site: &Site| {
            bent(site, |call| {
                let (sound, mut forged) = pair(call);
                insert(descend(&mut forged, &["Signature"]), 3, sound);
                *signed(call) = forged;
            })
        };
    form_2_the_forged_delivery_before_the_sound_one: 5001 DELIVERY_SHAPE, |site: &Site| {
        bent(site, |call| {
            let (_, forged) = pair(call);
            insert(seal(call), 0, bare(&forged));
        })
    };
    form_3_the_forged_delivery_before_the_sound_one_with_a_signature_too:
        5001 DELIVERY_SHAPE, |site: &Site| {
            bent(site, |call| {
                let (_, forged) = pair(call);
                insert(seal(call), 0, forged);
            })
        };
    form_4_the_sound_delivery_within_the_forged_one: 5001 DELIVERY_SHAPE, |site: &Site| {
        bent(site, |call| {
            let (sound, forged) = pair(call);
            *signed(call) = bare(&forged).child(sound);
        })
    };
    form_5_the_signature_in_the_forged_delivery_and_the_sound_one_at_the_end:
        5001 DELIVERY_SHAPE, |site: &Site| {
            bent(site, |call| {
                let (sound, forged) = pair(call);
                *signed(call) = forged;
                let place = seal(call).children.len();
                insert(seal(call), place, bare(&sound));
            })
        };
    form_6_the_sound_delivery_without_its_signature_within_it:
        5006 DELIVERY_SIGNATURE_FORM, |site: &Site| {
            bent(site, |call| {
                let (sound, mut forged) = pair(call);
                insert(descend(&mut forged, &["Signature"]), 3, bare(&sound));
                *signed(call) = forged;
            })
        };
    form_7_the_sound_delivery_where_anything_may_stand_in_the_forged_one:
        5006 DELIVERY_SIGNATURE_FORM, |site: &Site| {
            bent(site, |call| {
                let (sound, mut forged) = pair(call);
                with_official_matter(&mut forged, wrapper(bare(&sound)));
                *signed(call) = forged;
            })
        };
    form_8_the_sound_delivery_in_an_object_of_its_signature:
        5006 DELIVERY_SIGNATURE_FORM, |site: &Site| {
            bent(site, |call| {
                let (sound, mut forged) = pair(call);
                insert(descend(&mut forged, &["Signature"]), 3, object(bare(&sound)));
                *signed(call) = forged;
            })
        };
    both_deliveries_under_the_one_id: 5006 DELIVERY_SIGNATURE_FORM, |site: &Site| {
        bent(site, |call| {
            let (sound, mut forged) = pair(call);
            forged.attributes.clone_from(&sound.attributes);
            with_official_matter(&mut forged, wrapper(bare(&sound)));
            *signed(call) = forged;
        })
    };
    the_sound_delivery_under_the_id_in_other_letters: 5006 DELIVERY_SIGNATURE_FORM, |site: &Site| {
        bent(site, |call| {
            let (sound, mut forged) = pair(call);
            let hidden = Element { attributes: vec![("ID", "d1".to_owned())], ..bare(&sound) };
            with_official_matter(&mut forged, wrapper(hidden));
            *signed(call) = forged;
        })
    };
    a_forged_delivery_without_id: 5006 DELIVERY_SIGNATURE_FORM, |site: &Site| {
        bent(site, |call| {
            let (_, forged) = pair(call);
            *signed(call) = Element { attributes: Vec::new(), ..forged };
        })
    };
    a_forged_delivery_under_the_signed_id: 5006 DELIVERY_SIGNATURE_WRONG, |site: &Site| {
        bent(site, |call| {
            let (sound, forged) = pair(call);
            *signed(call) = Element { attributes: sound.attributes, ..forged };
        })
    };
    the_sound_seal_in_an_object_of_the_forged_ones_signature:
        5006 DELIVERY_SIGNATURE_FORM, |site: &Site| {
            bent(site, |call| {
                let sound = seal(call).clone();
                let forged = forge(&sound);
                *seal(call) = Element { attributes: vec![("Id", "s2".to_owned())], ..forged };
                insert(descend(seal(call), &["Signature"]), 3, object(bare(&sound)));
            })
        };
    the_sound_seal_beside_the_forged_one: 5001 DELIVERY_SHAPE, |site: &Site| {
        bent(site, |call| {
            let forged = forge(seal(call));
            insert(call, 0, Element { attributes: vec![("Id", "s2".to_owned())], ..forged });
        })
    };
    the_seals_reference_pointed_at_the_delivery: 5006 DELIVERY_SIGNATURE_FORM, |site: &Site| {
        bent(site, |call| {
            let info = descend(seal(call), &["Signature", "SignedInfo"]);
            descend(info, &["Reference"]).attributes = vec![("URI", "#d1".to_owned())];
        })
    };
}

/// Without this the cases could be refused for reasons of their own making.
#[test]
fn the_same_delivery_unbent_is_taken() {
    let site = Site::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = site.known("authority", mbx_tests::installation::AUTHORITY);
        let body = envelope(&sealed_by_id(&site), Style::Prefixed).into();
        let (answer, _) = site.send("unbent", &client, &body).await;
        let reply = Reply::parse(&answer.body).unwrap();
        assert!(matches!(reply, Reply::Result { .. }), "{reply:?}");
    });
}
