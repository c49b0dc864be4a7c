//! Foreign references and games with transforms. Every signature here is a sound one of the
//! authority's own key over exactly what it says: only the profile refuses it.

use super::documents::{
    descend, in_each_style, insert, letter, one_tree, sealed_by_bent, signed_by_bent, signer,
};
use super::site::{Attack, Site, refused};
use mbx_sim::xml::{Element, ns};

const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";

/// A call whose sender's reference is to this URI.
fn to(site: &Site, uri: &'static str) -> Vec<Attack> {
    let call =
        signed_by_bent(site, |info| reference(info).attributes = vec![("URI", uri.to_owned())]);
    in_each_style(site, &call)
}

fn reference(info: &mut Element) -> &mut Element {
    descend(info, &["Reference"])
}

fn transform(uri: &str) -> Element {
    Element::new(ns::DS, "Transform").attribute("Algorithm", uri)
}

/// A call whose sender's signature names these transforms.
fn through(site: &Site, transforms: Vec<Element>) -> Vec<Attack> {
    let call = signed_by_bent(site, |info| {
        let list = transforms.into_iter().fold(Element::new(ns::DS, "Transforms"), Element::child);
        *descend(reference(info), &["Transforms"]) = list;
    });
    one_tree(site, &call)
}

/// The enveloped transform with another behind it.
fn then(site: &Site, second: Element) -> Vec<Attack> {
    through(site, vec![transform(ENVELOPED), second])
}

/// A call whose `SignedDelivery` bears an `Id` that its reference names, and bent once more.
fn by_id(site: &Site, bend: impl FnOnce(&mut Element)) -> Vec<Attack> {
    let authority = signer(site, "authority");
    let mut signed =
        Element::new(ns::M3, "SignedDelivery").attribute("Id", "d1").child(letter(site).tree());
    bend(&mut signed);
    let signed = authority.envelop_bent(signed, |info| {
        reference(info).attributes = vec![("URI", "#d1".to_owned())];
    });
    let call = letter(site).seal(signed.unwrap(), &authority, true).unwrap();
    one_tree(site, &call)
}

refused! {
    a_reference_to_a_web_page: 5006 DELIVERY_SIGNATURE_FORM, |site: &Site| {
        to(site, "http://127.0.0.1/evil.xml")
    };
    a_reference_to_a_file: 5006 DELIVERY_SIGNATURE_FORM, |site: &Site| {
        to(site, "file:///etc/passwd")
    };
    a_reference_to_another_element: 5006 DELIVERY_SIGNATURE_FORM, |site: &Site| {
        to(site, "#other")
    };
    a_reference_by_pointer: 5006 DELIVERY_SIGNATURE_FORM, |site: &Site| to(site, "#xpointer(/)");
    a_reference_to_an_empty_fragment: 5006 DELIVERY_SIGNATURE_FORM, |site: &Site| to(site, "#");
    a_reference_without_uri: 5006 DELIVERY_SIGNATURE_FORM, |site: &Site| {
        one_tree(site, &signed_by_bent(site, |info| reference(info).attributes.clear()))
    };
    a_reference_with_a_type: 5006 DELIVERY_SIGNATURE_FORM, |site: &Site| {
        let call = signed_by_bent(site, |info| {
            let manifest = "http://www.w3.org/2000/09/xmldsig#Manifest";
            let reference = reference(info);
            *reference = reference.clone().attribute("Type", manifest);
        });
        one_tree(site, &call)
    };
    two_references_of_the_sender: 5006 DELIVERY_SIGNATURE_FORM, |site: &Site| {
        let call = signed_by_bent(site, |info| {
            let twin = reference(info).clone();
            insert(info, 3, twin);
        });
        in_each_style(site, &call)
    };
    two_references_of_the_seal: 5006 DELIVERY_SIGNATURE_FORM, |site: &Site| {
        let call = sealed_by_bent(site, |info| {
            let twin = reference(info).clone();
            insert(info, 3, twin);
        });
        in_each_style(site, &call)
    };
    no_reference_of_the_sender: 5006 DELIVERY_SIGNATURE_FORM, |site: &Site| {
        let call = signed_by_bent(site, |info| drop(info.take("Reference").unwrap()));
        in_each_style(site, &call)
    };
    no_reference_of_the_seal: 5006 DELIVERY_SIGNATURE_FORM, |site: &Site| {
        let call = sealed_by_bent(site, |info| drop(info.take("Reference").unwrap()));
        in_each_style(site, &call)
    };
    a_reference_to_an_id_that_stands_twice: 5006 DELIVERY_SIGNATURE_FORM, |site: &Site| {
        by_id(site, |signed| {
            let twin = Element::new("urn:w", "w").attribute("id", "d1");
            super::documents::with_official_matter(signed, twin);
        })
    };
    a_reference_to_the_id_of_a_part_only: 5006 DELIVERY_SIGNATURE_FORM, |site: &Site| {
        by_id(site, |signed| {
            signed.attributes.clear();
            let part = Element::new("urn:w", "w").attribute("Id", "d1");
            super::documents::with_official_matter(signed, part);
        })
    };
    an_xpath_transform: 5006 DELIVERY_SIGNATURE_FORM, |site: &Site| {
        let uri = "http://www.w3.org/TR/1999/REC-xpath-19991116";
        let filter = Element::of(ns::DS, "XPath", "not(ancestor-or-self::Message)");
        then(site, transform(uri).child(filter))
    };
    an_xpath_filter_transform: 5006 DELIVERY_SIGNATURE_FORM, |site: &Site| {
        then(site, transform("http://www.w3.org/2002/06/xmldsig-filter2"))
    };
    a_style_sheet_transform: 5006 DELIVERY_SIGNATURE_FORM, |site: &Site| {
        let sheet = Element::new("http://www.w3.org/1999/XSL/Transform", "stylesheet")
            .attribute("version", "1.0");
        then(site, transform("http://www.w3.org/TR/1999/REC-xslt-19991116").child(sheet))
    };
    a_base64_transform: 5006 DELIVERY_SIGNATURE_FORM, |site: &Site| {
        then(site, transform("http://www.w3.org/2000/09/xmldsig#base64"))
    };
    a_transform_that_keeps_comments: 5006 DELIVERY_SIGNATURE_FORM, |site: &Site| {
        then(site, transform("http://www.w3.org/2001/10/xml-exc-c14n#WithComments"))
    };
    an_inclusive_canonicalisation_transform: 5006 DELIVERY_SIGNATURE_FORM, |site: &Site| {
        then(site, transform("http://www.w3.org/TR/2001/REC-xml-c14n-20010315"))
    };
    an_unknown_transform: 5006 DELIVERY_SIGNATURE_FORM, |site: &Site| {
        then(site, transform("urn:no-such-transform"))
    };
    no_transform: 5006 DELIVERY_SIGNATURE_FORM, |site: &Site| through(site, Vec::new());
    no_list_of_transforms: 5006 DELIVERY_SIGNATURE_FORM, |site: &Site| {
        let call = signed_by_bent(site, |info| drop(reference(info).take("Transforms").unwrap()));
        one_tree(site, &call)
    };
    the_enveloped_transform_twice: 5006 DELIVERY_SIGNATURE_FORM, |site: &Site| {
        then(site, transform(ENVELOPED))
    };
    transforms_in_the_wrong_order: 5006 DELIVERY_SIGNATURE_FORM, |site: &Site| {
        through(site, vec![transform(EXCLUSIVE), transform(ENVELOPED)])
    };
    a_thousand_transforms: 5006 DELIVERY_SIGNATURE_FORM, |site: &Site| {
        through(site, vec![transform(EXCLUSIVE); 1000])
    };
    a_list_of_33_inclusive_prefixes: 5006 DELIVERY_SIGNATURE_FORM, |site: &Site| {
        let prefixes: Vec<String> = (0..33).map(|number| format!("p{number}")).collect();
        let list = Element::new(EXCLUSIVE, "InclusiveNamespaces")
            .attribute("PrefixList", prefixes.join(" "));
        then(site, transform(EXCLUSIVE).child(list))
    };
}
