//! Repeats of what was taken before, bent.

use super::documents::{descend, forge, sealed, signed};
use super::site::{Site, client};
use mbx_common::explain;
use mbx_sim::marshal::{Style, envelope};
use mbx_sim::soap::Reply;
use mbx_sim::xml::Element;
use mbx_tests::installation::AUTHORITY;

/// The mark of a repeat is the sender's signature value: whoever knows one must not get the answer
/// of the delivery that it belongs to, nor put another in its place.
#[test]
fn other_content_under_the_signature_value_of_a_delivery_that_was_taken() {
    let site = Site::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let authority = site.known("authority", AUTHORITY);
        let sound = sealed(&site);
        let send = async |name: &str, call: &Element| {
            let body = envelope(call, Style::Prefixed).into();
            site.send(name, &authority, &body).await.0
        };
        let first = Reply::parse(&send("sound", &sound).await.body).unwrap();
        assert!(matches!(first, Reply::Result { .. }), "{first:?}");

        let mut bent = sound.clone();
        let delivery = descend(signed(&mut bent), &["Delivery"]);
        *delivery = forge(delivery);
        let before = site.stored();
        let answer = send("bent", &bent).await;
        site.assert_refusals("bent", before, 1);
        let fault = client(5006, explain::DELIVERY_SIGNATURE_WRONG);
        site.assert_fault("bent", fault, &authority, &answer);

        // Unbent it still gets its answer, and by nobody else.
        assert_eq!(Reply::parse(&send("again", &sound).await.body).unwrap(), first);
        let stranger = site.client();
        let body = envelope(&sound, Style::Prefixed).into();
        let before = site.stored();
        let (answer, _) = site.send("stranger", &stranger, &body).await;
        site.assert_refusals("stranger", before, 1);
        let fault = client(5002, explain::DELIVERY_CLIENT);
        site.assert_fault("stranger", fault, &stranger, &answer);
    });
}
