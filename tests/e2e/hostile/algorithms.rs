//! Algorithms, keys and key material outside the profile. `SignedInfo` is soundly signed over what
//! it says; only what stands outside of it is altered afterwards.

use super::documents::{
    bent, descend, insert, letter, one_tree, seal, sealed_by_bent, signed, signed_by_bent, signer,
    write,
};
use super::site::{Attack, Site, refused};
use mbx_sim::xml::{Element, Node, ns};

/// A call whose sender's signature names another algorithm for a method of `SignedInfo`.
fn by(site: &Site, path: &[&str], uri: &str) -> Vec<Attack> {
    let call = signed_by_bent(site, |info| {
        descend(info, path).attributes = vec![("Algorithm", uri.to_owned())];
    });
    one_tree(site, &call)
}

fn signature_method(site: &Site, uri: &str) -> Vec<Attack> {
    by(site, &["SignatureMethod"], uri)
}

fn digest_method(site: &Site, uri: &str) -> Vec<Attack> {
    by(site, &["Reference", "DigestMethod"], uri)
}

fn canonicalisation(site: &Site, uri: &str) -> Vec<Attack> {
    by(site, &["CanonicalizationMethod"], uri)
}

/// A call with the sender's `KeyInfo` altered.
fn key_info(site: &Site, bend: impl FnOnce(&mut Element)) -> Vec<Attack> {
    bent(site, |call| bend(descend(signed(call), &["Signature", "KeyInfo"])))
}

fn key_value() -> Element {
    let rsa = Element::new(ns::DS, "RSAKeyValue")
        .child(Element::of(ns::DS, "Modulus", "AQAB"))
        .child(Element::of(ns::DS, "Exponent", "AQAB"));
    Element::new(ns::DS, "KeyValue").child(rsa)
}

/// Replaces the certificates of an `X509Data` by others, as texts.
fn certificates(key_info: &mut Element, texts: Vec<String>) {
    let data = descend(key_info, &["X509Data"]);
    data.children = texts
        .into_iter()
        .map(|text| Node::Element(Element::of(ns::DS, "X509Certificate", text)))
        .collect();
}

refused! {
    a_keyed_hash_for_a_signature: 5006 DELIVERY_SIGNATURE_FORM, |site: &Site| {
        signature_method(site, "http://www.w3.org/2000/09/xmldsig#hmac-sha1")
    };
    a_keyed_hash_with_sha_256: 5006 DELIVERY_SIGNATURE_FORM, |site: &Site| {
        signature_method(site, "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256")
    };
    a_sound_keyed_hash_under_the_certificate_as_its_key:
        5006 DELIVERY_SIGNATURE_FORM, |site: &Site| {
            let authority = signer(site, "authority");
            let signed = Element::new(ns::M3, "SignedDelivery").child(letter(site).tree());
            let signed = authority.envelop_keyed(signed);
            one_tree(site, &letter(site).seal(signed, &authority, true).unwrap())
        };
    a_keyed_hash_cut_to_one_byte: 5006 DELIVERY_SIGNATURE_FORM, |site: &Site| {
        let call = signed_by_bent(site, |info| {
            let method = descend(info, &["SignatureMethod"]);
            let uri = "http://www.w3.org/2000/09/xmldsig#hmac-sha1";
            *method = Element::new(ns::DS, "SignatureMethod")
                .attribute("Algorithm", uri)
                .child(Element::of(ns::DS, "HMACOutputLength", "8"));
        });
        one_tree(site, &call)
    };
    an_output_length_on_a_sound_method: 5006 DELIVERY_SIGNATURE_FORM, |site: &Site| {
        let call = signed_by_bent(site, |info| {
            insert(
                descend(info, &["SignatureMethod"]),
                0,
                Element::of(ns::DS, "HMACOutputLength", "8"),
            );
        });
        one_tree(site, &call)
    };
    a_dsa_signature: 5006 DELIVERY_SIGNATURE_FORM, |site: &Site| {
        signature_method(site, "http://www.w3.org/2000/09/xmldsig#dsa-sha1")
    };
    a_signature_with_sha_1: 5006 DELIVERY_SHA1, |site: &Site| {
        signature_method(site, "http://www.w3.org/2000/09/xmldsig#rsa-sha1")
    };
    a_signature_with_md5: 5006 DELIVERY_SIGNATURE_FORM, |site: &Site| {
        signature_method(site, "http://www.w3.org/2001/04/xmldsig-more#rsa-md5")
    };
    a_signature_method_called_none: 5006 DELIVERY_SIGNATURE_FORM, |site: &Site| {
        signature_method(site, "none")
    };
    an_empty_signature_method: 5006 DELIVERY_SIGNATURE_FORM, |site: &Site| {
        signature_method(site, "")
    };
    an_unknown_signature_method: 5006 DELIVERY_SIGNATURE_FORM, |site: &Site| {
        signature_method(site, "urn:no-such-method")
    };
    a_method_of_another_kind_of_key: 5006 DELIVERY_CERTIFICATE, |site: &Site| {
        signature_method(site, "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256")
    };
    a_method_without_algorithm: 5006 DELIVERY_SIGNATURE_FORM, |site: &Site| {
        let call = signed_by_bent(site, |info| {
            descend(info, &["SignatureMethod"]).attributes.clear();
        });
        one_tree(site, &call)
    };
    a_digest_with_sha_1: 5006 DELIVERY_SHA1, |site: &Site| {
        digest_method(site, "http://www.w3.org/2000/09/xmldsig#sha1")
    };
    a_seal_with_sha_1: 5006 DELIVERY_SHA1, |site: &Site| {
        let call = sealed_by_bent(site, |info| {
            descend(info, &["SignatureMethod"]).attributes =
                vec![("Algorithm", "http://www.w3.org/2000/09/xmldsig#rsa-sha1".to_owned())];
        });
        one_tree(site, &call)
    };
    a_digest_with_md5: 5006 DELIVERY_SIGNATURE_FORM, |site: &Site| {
        digest_method(site, "http://www.w3.org/2001/04/xmldsig-more#md5")
    };
    an_unknown_digest_method: 5006 DELIVERY_SIGNATURE_FORM, |site: &Site| {
        digest_method(site, "urn:no-such-digest")
    };
    a_digest_of_the_wrong_length: 5006 DELIVERY_SIGNATURE_FORM, |site: &Site| {
        digest_method(site, "http://www.w3.org/2001/04/xmlenc#sha512")
    };
    inclusive_canonicalisation_of_the_signed_information:
        5006 DELIVERY_SIGNATURE_FORM, |site: &Site| {
            canonicalisation(site, "http://www.w3.org/TR/2001/REC-xml-c14n-20010315")
        };
    canonicalisation_that_keeps_comments: 5006 DELIVERY_SIGNATURE_FORM, |site: &Site| {
        canonicalisation(site, "http://www.w3.org/2001/10/xml-exc-c14n#WithComments")
    };
    no_canonicalisation: 5006 DELIVERY_SIGNATURE_FORM, |site: &Site| {
        canonicalisation(site, "")
    };
    an_empty_signature_value: 5006 DELIVERY_SIGNATURE_WRONG, |site: &Site| {
        bent(site, |call| write(descend(signed(call), &["Signature", "SignatureValue"]), ""))
    };
    a_signature_value_that_is_no_base64: 5006 DELIVERY_SIGNATURE_FORM, |site: &Site| {
        bent(site, |call| write(descend(signed(call), &["Signature", "SignatureValue"]), "%%%%"))
    };
    an_endless_signature_value: 5006 DELIVERY_SIGNATURE_FORM, |site: &Site| {
        bent(site, |call| {
            write(descend(signed(call), &["Signature", "SignatureValue"]), "A".repeat(40_000));
        })
    };
    an_object_in_the_senders_signature: 5006 DELIVERY_SIGNATURE_FORM, |site: &Site| {
        bent(site, |call| {
            let object = Element::of(ns::DS, "Object", "x");
            insert(descend(signed(call), &["Signature"]), 3, object);
        })
    };
    an_object_in_the_seals_signature: 5006 DELIVERY_SIGNATURE_FORM, |site: &Site| {
        bent(site, |call| {
            let object = Element::of(ns::DS, "Object", "x");
            insert(descend(seal(call), &["Signature"]), 3, object);
        })
    };
    a_key_value_beside_the_certificate: 5006 DELIVERY_SIGNATURE_FORM, |site: &Site| {
        key_info(site, |info| insert(info, 0, key_value()))
    };
    a_key_value_instead_of_the_certificate: 5006 DELIVERY_SIGNATURE_FORM, |site: &Site| {
        key_info(site, |info| info.children = vec![Node::Element(key_value())])
    };
    a_key_name: 5006 DELIVERY_SIGNATURE_FORM, |site: &Site| {
        key_info(site, |info| insert(info, 0, Element::of(ns::DS, "KeyName", "root")))
    };
    a_retrieval_method: 5006 DELIVERY_SIGNATURE_FORM, |site: &Site| {
        key_info(site, |info| {
            let method = Element::new(ns::DS, "RetrievalMethod")
                .attribute("URI", "http://127.0.0.1/key")
                .attribute("Type", "http://www.w3.org/2000/09/xmldsig#rawX509Certificate");
            info.children = vec![Node::Element(method)];
        })
    };
    no_key_material: 5006 DELIVERY_SIGNATURE_FORM, |site: &Site| {
        key_info(site, |info| info.children.clear())
    };
    no_key_info: 5006 DELIVERY_SIGNATURE_FORM, |site: &Site| {
        bent(site, |call| drop(descend(signed(call), &["Signature"]).take("KeyInfo").unwrap()))
    };
    two_lists_of_certificates: 5006 DELIVERY_SIGNATURE_FORM, |site: &Site| {
        key_info(site, |info| {
            let twin = descend(info, &["X509Data"]).clone();
            insert(info, 1, twin);
        })
    };
    no_certificate: 5006 DELIVERY_SIGNATURE_FORM, |site: &Site| {
        key_info(site, |info| certificates(info, Vec::new()))
    };
    seven_certificates: 5006 DELIVERY_SIGNATURE_FORM, |site: &Site| {
        key_info(site, |info| certificates(info, vec!["MAAA".to_owned(); 7]))
    };
    a_certificate_of_junk: 5006 DELIVERY_SIGNATURE_FORM, |site: &Site| {
        key_info(site, |info| certificates(info, vec!["anVuaw==".to_owned()]))
    };
    a_certificate_of_30_kilobytes: 5006 DELIVERY_SIGNATURE_FORM, |site: &Site| {
        key_info(site, |info| certificates(info, vec!["MAAA".repeat(10_000)]))
    };
    an_issuer_and_serial_number_instead_of_the_certificate:
        5006 DELIVERY_SIGNATURE_FORM, |site: &Site| {
            key_info(site, |info| {
                let named = Element::new(ns::DS, "X509IssuerSerial")
                    .child(Element::of(ns::DS, "X509IssuerName", "CN=root"))
                    .child(Element::of(ns::DS, "X509SerialNumber", "1"));
                descend(info, &["X509Data"]).children = vec![Node::Element(named)];
            })
        };
}
