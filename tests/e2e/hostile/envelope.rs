//! Envelopes and operations that are none of ours.

use super::documents::{edited, in_each_style, one, sealed, swap};
use super::site::{Fault, Site, check, client, refused};
use mbx_common::explain;
use mbx_sim::marshal::{Style, envelope};
use mbx_sim::xml::{Element, ns};

fn enveloped(inside: &str) -> String {
    format!("<s:Envelope xmlns:s=\"{}\"><s:Body>{inside}</s:Body></s:Envelope>", ns::SOAP)
}

refused! {
    another_root_element: 5001 DELIVERY_SHAPE, |site: &Site| one(site, "<a/>");
    an_envelope_of_no_namespace: 5001 DELIVERY_SHAPE, |site: &Site| {
        edited(site, |text| swap(&text, ns::SOAP, ""). replace("xmlns:s=\"\"", "").replace("s:", ""))
    };
    the_operation_without_an_envelope: 5001 DELIVERY_SHAPE, |site: &Site| {
        one(site, sealed(site).canonical())
    };
    an_envelope_without_body: 5001 DELIVERY_SHAPE, |site: &Site| {
        one(site, format!("<s:Envelope xmlns:s=\"{}\"/>", ns::SOAP))
    };
    an_empty_body: 5001 DELIVERY_SHAPE, |site: &Site| one(site, enveloped(""));
    a_body_of_text: 5001 DELIVERY_SHAPE, |site: &Site| one(site, enveloped("deliverSecure"));
    a_body_before_its_header: 5001 DELIVERY_SHAPE, |site: &Site| {
        edited(site, |text| swap(&text, "</s:Envelope>", "<s:Header/></s:Envelope>"))
    };
    text_between_the_elements_of_the_envelope: 5001 DELIVERY_SHAPE, |site: &Site| {
        edited(site, |text| swap(&text, "<s:Body>", "text<s:Body>"))
    };
    an_element_behind_the_body: 5001 DELIVERY_SHAPE, |site: &Site| {
        edited(site, |text| swap(&text, "</s:Envelope>", "<x/></s:Envelope>"))
    };
    an_operation_of_service_version_1: 5001 DELIVERY_OLD_VERSION, |site: &Site| {
        let first = "http://minameddelanden.gov.se/Service";
        in_each_style(site, &Element::new(first, "deliverSecure"))
    };
    an_operation_of_service_version_2: 5001 DELIVERY_OLD_VERSION, |site: &Site| {
        edited(site, |text| swap(&text, ns::S3, "http://minameddelanden.gov.se/schema/Service/v2"))
    };
    an_operation_of_service_version_4: 5021 DELIVERY_OPERATION, |site: &Site| {
        edited(site, |text| swap(&text, ns::S3, "http://minameddelanden.gov.se/schema/Service/v4"))
    };
    an_operation_of_no_namespace: 5021 DELIVERY_OPERATION, |site: &Site| {
        edited(site, |text| swap(&text, ns::S3, ""))
    };
    an_operation_that_nobody_knows: 5021 DELIVERY_OPERATION, |site: &Site| {
        in_each_style(site, &Element::new(ns::S3, "deleteEverything"))
    };
    an_operation_in_other_letters: 5021 DELIVERY_OPERATION, |site: &Site| {
        in_each_style(site, &Element::new(ns::S3, "DeliverSecure"))
    };
    the_answer_as_the_request: 5021 DELIVERY_OPERATION, |site: &Site| {
        in_each_style(site, &Element::new(ns::S3, "deliverSecureResponse"))
    };
    a_soap_fault_as_the_request: 5021 DELIVERY_OPERATION, |site: &Site| {
        one(site, enveloped("<s:Fault><faultcode>s:Client</faultcode></s:Fault>"))
    };
    an_empty_deliver_secure: 5001 DELIVERY_SHAPE, |site: &Site| {
        in_each_style(site, &Element::new(ns::S3, "deliverSecure"))
    };
    an_empty_notify: 5001 DELIVERY_SHAPE, |site: &Site| {
        in_each_style(site, &Element::new(ns::S3, "notify"))
    };
}

#[test]
fn an_envelope_of_soap_1_2() {
    let fault = Fault { party: "VersionMismatch", ..client(5001, explain::DELIVERY_SHAPE) };
    check("an_envelope_of_soap_1_2", fault, |site| {
        let twelve = "http://www.w3.org/2003/05/soap-envelope";
        edited(site, |text| swap(&text, ns::SOAP, twelve))
    });
}

#[test]
fn a_header_entry_that_must_be_understood() {
    let fault = Fault { party: "MustUnderstand", ..client(5001, explain::DELIVERY_SHAPE) };
    check("a_header_entry_that_must_be_understood", fault, |site| {
        let entry = "<s:Header><x:Security xmlns:x=\"urn:x\" s:mustUnderstand=\"1\"/></s:Header>";
        let text = envelope(&sealed(site), Style::Default);
        one(site, swap(&text, "<s:Body>", &format!("{entry}<s:Body>")))
    });
}
