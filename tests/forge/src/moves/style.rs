//! How a request is written: marshalling styles, namespaces bound anew, odd spellings.

use super::{Move, Stage, breaks, keeps};
use crate::scene::Scene;
use crate::tree::ns;
use rand::RngExt as _;
use rand::seq::IndexedRandom as _;

const ALL: [&str; 7] = [ns::M1, ns::M2, ns::M3, ns::SENDER, ns::S3, ns::SOAP, ns::DS];

pub(super) fn moves() -> Vec<Move> {
    use Stage::Style;
    vec![
        keeps("prefixes on the envelope", Style, |scene| {
            prefixed(scene, "p", &ALL);
            scene.style.declared_on = "Envelope";
        }),
        keeps("prefixes on the wrapper, unused ones too", Style, |scene| {
            prefixed(scene, "ns", &ALL);
            for number in 8..18 {
                let uri = format!("http://minameddelanden.gov.se/schema/Unused/{number}");
                scene.style.prefixes.insert(uri, format!("ns{number}"));
            }
            scene.style.declared_on = "Body";
        }),
        keeps("prefixes where they are used", Style, |scene| prefixed(scene, "q", &ALL)),
        keeps("prefixes for some namespaces", Style, |scene| {
            let mut some = ALL.to_vec();
            some.retain(|_| scene.rng.random_bool(0.5));
            prefixed(scene, "some", &some);
        }),
        keeps("prefixes for the signatures alone", Style, |scene| prefixed(scene, "ds", &[ns::DS])),
        keeps("a prefix for each element as it comes", Style, |scene| scene.style.mixed = true),
        keeps("texts, values and tags spelled oddly", Style, |scene| scene.style.spelled = true),
        keeps("a prefix for each element, spelled oddly", Style, |scene| {
            (scene.style.mixed, scene.style.spelled) = (true, true);
        }),
        keeps("an XML declaration", Style, |scene| {
            let forms = [
                "<?xml version=\"1.0\"?>",
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n",
                "<?xml version='1.0' encoding='utf-8' standalone='yes'?>\r\n",
                "<?xml version=\"1.0\"  encoding = \"Utf-8\" standalone=\"no\" ?>",
            ];
            let form = forms.choose(&mut scene.rng).copied().unwrap_or_default();
            scene.style.prologue = form.to_owned();
        }),
        keeps("white space around the root", Style, |scene| {
            scene.style.epilogue.push_str("\r\n \t\n");
            if !scene.style.prologue.is_empty() {
                scene.style.prologue.push('\n');
            }
        }),
        keeps("the form as sent signed by the sender", Style, |scene| {
            scene.inner.as_sent = true;
            scene.inner.second_transform = true;
        }),
        keeps("the form as sent signed by the dispatcher", Style, |scene| {
            scene.outer.as_sent = true;
            scene.outer.second_transform = true;
        }),
        keeps("the form as sent signed by both", Style, |scene| {
            for spec in [&mut scene.inner, &mut scene.outer] {
                (spec.as_sent, spec.second_transform) = (true, true);
            }
        }),
        breaks("carriage returns written as they are", Style, |scene| {
            (scene.style.raw_returns, scene.style.spelled) = (true, scene.rng.random_bool(0.5));
        }),
        breaks("line feeds as carriage returns alone", Style, |scene| {
            (scene.style.bare_returns, scene.style.spelled) = (true, true);
        }),
    ]
}

fn prefixed(scene: &mut Scene<'_>, stem: &str, namespaces: &[&str]) {
    for (place, uri) in namespaces.iter().enumerate() {
        scene.style.prefixes.insert((*uri).to_owned(), format!("{stem}{place}"));
    }
}
