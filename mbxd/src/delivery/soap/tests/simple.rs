//! The simple types, accepted and refused sides.

use crate::delivery::signature::tests::signer::{Plan, Refused, Signer, judge};
use crate::delivery::soap::{Document, ParseError, PrescanLimits, Request, parse};

#[test]
fn recipient_ids_of_the_three_forms_are_taken() {
    for id in ["165568402266", "198101032384", "198101632384", "201512992384", "160000000000"] {
        assert_eq!(recipient(id), Ok(()), "{id}");
    }
}

#[test]
fn recipient_ids_of_other_forms_are_refused() {
    for id in [
        "",
        "19810103238",
        "1981010323844",
        "178101032384",
        "198113032384",
        "198100032384",
        "19810103238X",
        "1981 1032384",
        " 198101032384",
        "198101032384 ",
        "１98101032384",
    ] {
        assert_eq!(recipient(id), Err(ParseError::Form { element: "Recipient" }), "{id}");
    }
}

#[test]
fn an_id_that_no_real_number_has_is_read_and_is_no_number() {
    let wire = wire().replace("198101032384", "198101032385");
    let document = Document::read(wire.as_bytes(), &PrescanLimits::default()).unwrap();
    let Ok(Request::DeliverSecure(delivery)) = parse(&document) else { panic!() };
    assert!(delivery.header.recipients[0].national_number().is_none());
    assert!(delivery.header.sender.id.national_number().is_some());
}

#[test]
fn nothing_of_the_content_shows_in_debug() {
    let wire = wire();
    let document = Document::read(wire.as_bytes(), &PrescanLimits::default()).unwrap();
    let shown = format!("{:?} {document:?}", parse(&document).unwrap());
    for content in ["Beslut", "198101032384", "Kommun", "SGVq", "Hej", "Ring", "m-1"] {
        assert!(!shown.contains(content), "{content} in {shown}");
    }
}

#[test]
fn a_subject_of_255_characters_is_taken_and_one_more_refused() {
    let subject = |chars: usize| replaced("Beslut", &"å".repeat(chars));
    assert_eq!(subject(255), Ok(()));
    assert_eq!(subject(256), Err(ParseError::TooLong { element: "Subject", chars_max: 255 }));
    assert_eq!(subject(0), Ok(()));
}

#[test]
fn a_sender_name_has_2_to_256_characters() {
    let name = |chars: usize| replaced("Kommun A", &"å".repeat(chars));
    assert_eq!(name(1), Err(ParseError::TooShort { element: "Sender/Name", chars_min: 2 }));
    assert_eq!((name(2), name(256)), (Ok(()), Ok(())));
    assert_eq!(name(257), Err(ParseError::TooLong { element: "Sender/Name", chars_max: 256 }));
}

#[test]
fn support_information_keeps_its_lengths() {
    let text = |chars: usize| replaced("Ring", &"x".repeat(chars));
    assert_eq!(text(1024), Ok(()));
    let too_long = ParseError::TooLong { element: "Supportinfo/Text", chars_max: 1024 };
    assert_eq!(text(1025), Err(too_long));
    for (name, element) in [("URL", "Supportinfo/URL"), ("PhoneNumber", "PhoneNumber")] {
        assert_eq!(support(name, &"x".repeat(255)), Ok(()));
        let too_long = ParseError::TooLong { element, chars_max: 255 };
        assert_eq!(support(name, &"x".repeat(256)), Err(too_long));
    }
    // White space around a URI does not count.
    assert_eq!(support("URL", &format!("\n {} ", "x".repeat(255))), Ok(()));
}

#[test]
fn e_mail_addresses_have_the_form_of_the_schema() {
    for address in ["a@b.c", "info@kommun_b.se", "a@@b.c", "a b@c.d e", "å@ä.ö.x"] {
        assert_eq!(support("EmailAdress", address), Ok(()), "{address}");
    }
    for address in ["@bb.cc", "aaaaa", "aa@bb", "aa@.b", "aa@b.", "a@b.\nc", "a.b@c"] {
        let form = ParseError::Form { element: "EmailAdress" };
        assert_eq!(support("EmailAdress", address), Err(form), "{address}");
    }
    let long = format!("a@b.{}", "c".repeat(253));
    let too_long = ParseError::TooLong { element: "EmailAdress", chars_max: 256 };
    assert_eq!(support("EmailAdress", &long), Err(too_long));
    let too_short = ParseError::TooShort { element: "EmailAdress", chars_min: 5 };
    assert_eq!(support("EmailAdress", "a@.c"), Err(too_short));
}

#[test]
fn a_language_is_a_tag_and_white_space_around_it_is_dropped() {
    for tag in ["svSE", "sv", "sv-SE", "en-GB-oxendict", " sv\n"] {
        assert_eq!(replaced("svSE", tag), Ok(()), "{tag}");
    }
    for tag in ["", "-", "sv-", "toolongtag", "1sv", "sv_SE", "sv SE", "å"] {
        assert_eq!(replaced("svSE", tag), Err(ParseError::Form { element: "Language" }), "{tag}");
    }
    let long = "sv".to_owned() + &"-abcdefgh".repeat(8);
    assert_eq!(replaced("svSE", &long), Err(ParseError::Form { element: "Language" }));
}

#[test]
fn the_day_of_the_seal_is_a_date_or_a_time() {
    for date in [
        "2026-11-24",
        "2026-11-24Z",
        "2026-11-24+01:00",
        "2026-11-24-14:00",
        "2026-11-24T08:09:10",
        "2026-11-24T08:09:10.123+02:00",
        " 2026-11-24\n",
        "2028-02-29",
    ] {
        assert_eq!(replaced("2026-11-24+01:00", date), Ok(()), "{date}");
    }
    for date in [
        "",
        "2026-11-31",
        "2027-02-29",
        "26-11-24",
        "2026-1-24",
        "2026/11/24",
        "2026-11-24+1:00",
        "2026-11-24+15:00",
        "2026-11-24T",
        "2026-11-24T25:00:00",
        "2026-11-24T08:60:00",
        "2026-11-24T08:09",
        "2026-11-24T08:09:10.",
        "+026-11-24",
        "2026-11-24 x",
    ] {
        let form = ParseError::Form { element: "ReceivedTime" };
        assert_eq!(replaced("2026-11-24+01:00", date), Err(form), "{date}");
    }
}

#[test]
fn the_flag_of_the_seal_is_a_boolean() {
    let flag = |text: &str| replaced(">true<", &format!(">{text}<"));
    assert_eq!((flag("1"), flag(" true ")), (Ok(()), Ok(())));
    for text in ["", "TRUE", "yes", "2", "true false"] {
        assert_eq!(flag(text), Err(ParseError::Form { element: "SignaturesOK" }), "{text}");
    }
}

#[test]
fn the_enumerations_take_their_values_only() {
    let after = |xml: &str| replaced("</Language>", &format!("</Language>{xml}"));
    let both = "<Reply>NOT_ALLOWED</Reply><ReceiptRequest>SIGNED</ReceiptRequest>";
    assert_eq!(after(both), Ok(()));
    assert_eq!(after("<Reply>No</Reply>"), Err(ParseError::Form { element: "Reply" }));
    let form = ParseError::Form { element: "ReceiptRequest" };
    assert_eq!(after("<ReceiptRequest> NOT</ReceiptRequest>"), Err(form));
}

fn wire() -> String {
    let wire = Plan::default().by(&Signer::p256());
    judge(&wire).unwrap();
    wire
}

/// What parsing says of the sound delivery with a text of it replaced; signatures are not asked.
fn replaced(from: &str, to: &str) -> Result<(), ParseError> {
    let wire = wire().replacen(from, to, 1);
    match judge(&wire) {
        Err(Refused::Parse(error)) => Err(error),
        Err(Refused::Read(error)) => panic!("{error}"),
        Ok(_) | Err(Refused::Signature(_)) => Ok(()),
    }
}

fn recipient(id: &str) -> Result<(), ParseError> {
    replaced("198101032384", id)
}

fn support(name: &str, value: &str) -> Result<(), ParseError> {
    replaced("</Supportinfo>", &format!("<{name}>{value}</{name}></Supportinfo>"))
}
