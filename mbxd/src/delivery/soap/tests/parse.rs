//! The child lists of the operations: exact names, order, number.

use crate::delivery::signature::tests::signer::{
    M1, M2, M3, Plan, Refused, S3, SND, SOAP, Signer, delivery, envelope, judge,
};
use crate::delivery::soap::{
    Document, NotificationDelivery, ParseError, PrescanLimits, ReceiptRequest, RecipientId, Reply,
    Request, parse,
};
use crate::mailbox::incoming::PartSource;
use mbx_common::error::Kind;

const N2: &str = "http://minameddelanden.gov.se/schema/Notification/v2";
const N3: &str = "http://minameddelanden.gov.se/schema/Notification/v3";

#[test]
fn a_document_that_is_no_envelope_is_refused() {
    assert_error("<a/>", ParseError::NotAnEnvelope);
    assert_error("<Envelope><Body/></Envelope>", ParseError::NotAnEnvelope);
}

#[test]
fn an_envelope_of_soap_1_2_is_told_its_version() {
    let envelope = "<Envelope xmlns=\"http://www.w3.org/2003/05/soap-envelope\"/>";
    assert_error(envelope, ParseError::SoapVersion);
}

#[test]
fn an_envelope_without_body_or_with_an_empty_one_is_refused() {
    let none = format!("<e:Envelope xmlns:e=\"{SOAP}\"/>");
    assert_error(&none, ParseError::Missing { parent: "Envelope", child: "Body" });
    assert_error(&envelope(""), ParseError::BodyNotSingle);
}

#[test]
fn a_header_before_the_body_only_is_taken() {
    let late =
        format!("<e:Envelope xmlns:e=\"{SOAP}\"><e:Body><x/></e:Body><e:Header/></e:Envelope>");
    assert_error(&late, ParseError::Unexpected { parent: "Envelope" });
}

#[test]
fn a_header_entry_that_must_be_understood_is_refused() {
    let with = |value: &str| {
        let entry = format!("<e:Header><x e:mustUnderstand=\"{value}\"/></e:Header>");
        envelope("<x/>").replace("<e:Header/>", &entry)
    };
    assert_error(&with("1"), ParseError::MustUnderstand);
    assert_error(&with("true"), ParseError::MustUnderstand);
    assert_error(&with("0"), ParseError::UnknownOperation);
}

#[test]
fn operations_of_earlier_versions_are_named() {
    let body = |uri: &str, local: &str| envelope(&format!("<{local} xmlns=\"{uri}\"/>"));
    let v1 = "http://minameddelanden.gov.se/Service";
    for local in ["deliverSecure", "getUnusedMailboxes", "flagRemovedAccounts"] {
        assert_error(&body(v1, local), ParseError::OlderVersion { version: 1 });
    }
    let v2 = "http://minameddelanden.gov.se/schema/Service/v2";
    assert_error(&body(v2, "deliverSecure"), ParseError::OlderVersion { version: 2 });
    for (uri, local) in [(S3, "isReachable"), ("", "deliverSecure"), ("urn:x", "notify")] {
        assert_error(&body(uri, local), ParseError::UnknownOperation);
    }
}

#[test]
fn every_cause_has_its_code() {
    assert_eq!(ParseError::UnknownOperation.error_code(), 5021);
    assert_eq!(ParseError::TooMany { element: "x", count_max: 1 }.error_code(), 5005);
    assert_eq!(ParseError::OlderVersion { version: 1 }.error_code(), 5001);
    assert!(ParseError::OlderVersion { version: 1 }.to_string().contains("v3"));
    assert_eq!(ParseError::BodyNotSingle.kind(), Kind::Usage);
}

#[test]
fn every_required_element_is_missed_when_left_out() {
    for (cut, parent, child) in [
        ("Sender", "Header", "Sender"),
        ("Id", "Sender", "Id"),
        ("Name", "Sender", "Name"),
        ("Recipient", "Header", "Recipient"),
        ("Message", "Delivery", "Message"),
        ("Subject", "Header", "Subject"),
        ("Supportinfo", "Header", "Supportinfo"),
        ("Text", "Supportinfo", "Text"),
        ("Language", "Header", "Language"),
        ("ContentType", "Body", "ContentType"),
        ("Delivery", "SignedDelivery", "Delivery"),
        ("SignedDelivery", "SealedDelivery", "SignedDelivery"),
        ("Seal", "SealedDelivery", "Seal"),
        ("ReceivedTime", "Seal", "ReceivedTime"),
        ("SignaturesOK", "Seal", "SignaturesOK"),
    ] {
        let (range, wire) = element(cut);
        let without = wire[..range.start].to_owned() + &wire[range.end..];
        assert_parse(&without, ParseError::Missing { parent, child });
    }
}

#[test]
fn every_single_element_is_refused_when_doubled() {
    for (doubled, error) in [
        ("Sender", ParseError::Missing { parent: "Header", child: "Recipient" }),
        ("Recipient", ParseError::TooMany { element: "Recipient", count_max: 1 }),
        ("Subject", ParseError::Missing { parent: "Header", child: "Supportinfo" }),
        ("Language", ParseError::Unexpected { parent: "Header" }),
        ("ContentType", ParseError::Missing { parent: "Body", child: "Body" }),
        ("Seal", ParseError::Missing { parent: "SealedDelivery", child: "Signature" }),
        ("ReceivedTime", ParseError::Missing { parent: "Seal", child: "SignaturesOK" }),
        ("SignaturesOK", ParseError::Unexpected { parent: "Seal" }),
        ("Delivery", ParseError::Missing { parent: "SignedDelivery", child: "Signature" }),
    ] {
        let (range, wire) = element(doubled);
        let twice = wire[..range.end].to_owned() + &wire[range.start..];
        assert_parse(&twice, error);
    }
}

#[test]
fn elements_out_of_order_are_refused() {
    let swapped = wire()
        .replace("<Id>m-1</Id><Subject>Beslut</Subject>", "<Subject>Beslut</Subject><Id>m-1</Id>");
    assert_parse(&swapped, ParseError::Missing { parent: "Header", child: "Id" });
}

#[test]
fn an_element_that_the_schema_does_not_have_is_refused() {
    let wire = wire();
    let inside = wire.replace("</Message>", "<Extra/></Message>");
    assert_parse(&inside, ParseError::Unexpected { parent: "Message" });
    let logo = wire.replace("<Text>Ring</Text>", "<Text>Ring</Text><Logo>x</Logo>");
    assert_parse(&logo, ParseError::Unexpected { parent: "Supportinfo" });
}

#[test]
fn characters_between_elements_are_refused_and_white_space_is_not() {
    let wire = wire();
    let stray = wire.replace("<Message>", "<Message>stray");
    assert_parse(&stray, ParseError::StrayText { parent: "Message" });
    let cdata = wire.replace("<Message>", "<Message><![CDATA[x]]>");
    assert_parse(&cdata, ParseError::StrayText { parent: "Message" });
    let document = wire.replace("<Message>", "<Message>\r\n\t ");
    assert!(matches!(judge(&document), Err(Refused::Signature(_))));
}

#[test]
fn an_attribute_that_the_schema_does_not_have_is_refused_in_any_namespace() {
    let wire = wire();
    for attribute in ["x=\"1\"", "xml:lang=\"sv\"", "xmlns:u=\"urn:u\" u:Id=\"1\"", "id=\"1\""] {
        let on_list = wire.replace("<Message>", &format!("<Message {attribute}>"));
        assert_parse(&on_list, ParseError::Attribute { element: "Message" });
        let on_text = wire.replace("<Subject>", &format!("<Subject {attribute}>"));
        assert_parse(&on_text, ParseError::Attribute { element: "Subject" });
        let on_octets = wire.replace("\">SGVq", &format!("\" {attribute}>SGVq"));
        assert_parse(&on_octets, ParseError::Attribute { element: "Body" });
    }
}

#[test]
fn an_element_inside_a_text_is_refused() {
    let inside = wire().replace("Beslut", "Bes<b/>lut");
    assert_parse(&inside, ParseError::NotText { element: "Subject" });
}

#[test]
fn a_local_name_in_another_namespace_is_not_that_element() {
    let other = wire().replace("<Subject>Beslut", "<Subject xmlns=\"urn:x\">Beslut");
    assert_parse(&other, ParseError::Missing { parent: "Header", child: "Subject" });
}

#[test]
fn a_body_that_is_no_base64_is_refused() {
    for text in ["SGV", "SGVq*", "SGVr=", "å"] {
        let wire = wire().replace("SGVq", text);
        assert_parse(&wire, ParseError::Base64 { element: "Body" });
    }
}

#[test]
fn everything_optional_is_read() {
    let matter = "<x xmlns=\"urn:x\" kept=\"1\">as it is</x>";
    let wire = full(matter);
    judge(&wire).unwrap();
    let document = read(&wire);
    let Ok(Request::DeliverSecure(delivery)) = parse(&document) else { panic!() };
    let text = |text: Option<crate::delivery::soap::Text<'_>>| text.unwrap().as_str().to_owned();
    assert_eq!(text(delivery.header.reference), "ref");
    assert_eq!(text(delivery.header.correlation_id), "cor");
    assert_eq!(text(delivery.header.attention), "att");
    let [message] = delivery.messages.as_slice() else { panic!() };
    assert_eq!(text(message.header.support.url), "u");
    assert_eq!(text(message.header.support.phone), "08");
    assert_eq!(text(message.header.support.email), "a@b.c");
    assert_eq!(message.header.metadata[0].value.as_str(), "v");
    assert_eq!(message.header.reply, Some(Reply::Requested));
    assert_eq!(message.header.receipt, Some(ReceiptRequest::Not));
    let matter_range = message.header.official_matter.clone().unwrap();
    assert_eq!(&wire[matter_range], format!("<OfficialMatter>{matter}</OfficialMatter>"));
    let attachment = &message.attachments[0];
    assert_eq!(text(attachment.file_name), "a.pdf");
    assert_eq!(attachment.octets.len, 6);
    let PartSource::Base64At(range) = &attachment.octets.source else { panic!() };
    let range = usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap();
    assert_eq!(&wire[range], "SGVq\nSGVq");
}

#[test]
fn several_messages_are_read_in_order() {
    let one = delivery("");
    let (start, end) = (one.find("<Message>").unwrap(), one.find("</Delivery>").unwrap());
    let second = one[start..end].replace("Beslut", "Bilaga");
    let both = one.replace("</Delivery>", &format!("{second}</Delivery>"));
    let wire = Plan { delivery: both, ..Plan::default() }.by(&Signer::p256());
    judge(&wire).unwrap();
    let document = read(&wire);
    let Ok(Request::DeliverSecure(delivery)) = parse(&document) else { panic!() };
    let subjects: Vec<_> = delivery.messages.iter().map(|m| m.header.subject.as_str()).collect();
    assert_eq!(subjects, ["Beslut", "Bilaga"]);
}

#[test]
fn octets_are_found_in_the_payload_or_decoded_where_they_are_interrupted() {
    for (written, decoded) in [
        ("SGVq", false),
        ("S G\r\nVq", false),
        ("SG&#86;q", true),
        ("<![CDATA[SGVq]]>", true),
        ("SG<![CDATA[]]>Vq", true),
        ("SGVq&#13;", true),
    ] {
        let wire = wire().replace("SGVq", written);
        let document = read(&wire);
        let Ok(Request::DeliverSecure(delivery)) = parse(&document) else { panic!() };
        let octets = &delivery.messages[0].body.octets;
        assert_eq!(matches!(octets.source, PartSource::Decoded(_)), decoded, "{written}");
        let mut plain = Vec::new();
        octets.each(wire.as_bytes(), |piece| plain.extend_from_slice(piece)).unwrap();
        assert_eq!((plain.as_slice(), octets.len), (&b"Hej"[..], 3));
    }
}

#[test]
fn an_empty_body_is_read() {
    for empty in [format!("<Body xmlns=\"{M1}\"/>"), format!("<Body xmlns=\"{M1}\"></Body>")] {
        let wire = wire().replace(&format!("<Body xmlns=\"{M1}\">SGVq</Body>"), &empty);
        let document = read(&wire);
        let Ok(Request::DeliverSecure(delivery)) = parse(&document) else { panic!() };
        assert_eq!(delivery.messages[0].body.octets.len, 0);
    }
}

#[test]
fn a_notification_is_read_with_its_recipients_in_order() {
    let wire = notify(&["198101032384", "165568402266"], EXTRAS);
    let document = read(&wire);
    let delivery = notification(&document);
    let ids: Vec<_> = delivery.header.recipients.iter().map(RecipientId::as_str).collect();
    assert_eq!(ids, ["198101032384", "165568402266"]);
    assert!(wire[delivery.message_range.clone()].starts_with("<n:Message>"));
    assert!(wire[delivery.message_range.clone()].ends_with("</n:Message>"));
    assert_eq!(delivery.message_header.subject.as_str(), "S");
    assert_eq!(delivery.email.unwrap().subject.as_str(), "E");
    assert_eq!(delivery.sms.unwrap().text.as_str(), "T");
}

#[test]
fn a_notification_to_1000_is_read_and_to_one_more_refused() {
    let ids = vec!["198101032384"; 1001];
    read_ok(&notify(&ids[..1000], ""));
    let too_many = ParseError::TooMany { element: "Recipient", count_max: 1000 };
    assert_error(&notify(&ids, ""), too_many);
    assert_error(&notify(&[], ""), ParseError::Missing { parent: "Header", child: "Recipient" });
}

#[test]
fn over_long_notification_texts_are_refused() {
    let wire = |from: &str, to: &str| notify(&["198101032384"], &EXTRAS.replacen(from, to, 1));
    let x = |count: usize| "x".repeat(count);
    let text = |count| wire("<o:text>T<", &format!("<o:text>{}<", x(count)));
    read_ok(&text(160));
    assert_error(&text(161), ParseError::TooLong { element: "SmsMessage/text", chars_max: 160 });
    let from = wire("<o:From>F<", &format!("<o:From>{}<", x(12)));
    assert_error(&from, ParseError::TooLong { element: "From", chars_max: 11 });
    let subject = wire("<o:Subject>E<", &format!("<o:Subject>{}<", x(255)));
    assert_error(&subject, ParseError::TooLong { element: "Subject", chars_max: 254 });
}

#[test]
fn a_forwarded_delivery_is_read_and_its_original_verifies() {
    let wire = forward();
    let document = read(&wire);
    let Ok(Request::DeliverForward(forward)) = parse(&document) else { panic!() };
    assert_eq!(forward.subject.as_str(), "Vidare");
    let policy = crate::delivery::signature::Policy::default();
    crate::delivery::signature::verify(&forward.original, policy).unwrap();
}

pub(super) const EXTRAS: &str = "<n:EmailMessage><o:header><o:From>a@b.c</o:From><o:Subject>E</o:Subject>\
    </o:header><o:text>M</o:text></n:EmailMessage><n:SmsMessage><o:header><o:From>F</o:From>\
    </o:header><o:text>T</o:text></n:SmsMessage>";

/// A sound `deliverForward`.
pub(super) fn forward() -> String {
    let key = Signer::p256();
    let [signed, seal, signature] = Plan::default().sealed(&key, &key);
    envelope(&format!(
        "<s:deliverForward xmlns:s=\"{S3}\"><s:forwardMessage><s:Header><m:Sender xmlns:m=\"{M1}\" \
         xmlns:p=\"{SND}\"><p:Id>162021004748</p:Id><p:Name>Kommun A</p:Name></m:Sender>\
         <m:Recipient xmlns:m=\"{M1}\">198101032384</m:Recipient></s:Header><s:Message><m:Subject \
         xmlns:m=\"{M1}\">Vidare</m:Subject><m:Body xmlns:m=\"{M1}\"><m:ContentType>text/plain\
         </m:ContentType><m:Body/></m:Body></s:Message><s:OrginalDelivery xmlns=\"{M3}\">{signed}\
         {seal}{signature}</s:OrginalDelivery></s:forwardMessage></s:deliverForward>"
    ))
}

/// A sound request with everything that the schema has.
pub(super) fn full(matter: &str) -> String {
    let header = delivery(matter)
        .replace("</Recipient></Header>", &format!(
            "</Recipient><Reference xmlns=\"{M2}\">ref</Reference><CorrelationId xmlns=\"{M2}\">cor\
             </CorrelationId><Attention xmlns=\"{M2}\">att</Attention></Header>"
        ))
        .replace("<Text>Ring</Text>", "<Text>Ring</Text><URL>u</URL><PhoneNumber>08</PhoneNumber>\
             <EmailAdress>a@b.c</EmailAdress>")
        .replace("<Language>", &format!(
            "<Metadata><Tag xmlns=\"{M1}\">t</Tag><Value xmlns=\"{M1}\">v</Value></Metadata><Language>"
        ))
        .replace("</Language>", "</Language><Reply>REQUESTED</Reply><ReceiptRequest>NOT</ReceiptRequest>")
        .replace("</Body></Message>", &format!(
            "</Body><Attachment><ContentType xmlns=\"{M1}\">application/pdf</ContentType><Body \
             xmlns=\"{M1}\">SGVq\nSGVq</Body><Checksum xmlns=\"{M1}\">00</Checksum><Filename \
             xmlns=\"{M1}\">a.pdf</Filename></Attachment></Message>"
        ));
    Plan { delivery: header, ..Plan::default() }.by(&Signer::p256())
}

pub(super) fn notify(recipients: &[&str], extras: &str) -> String {
    let recipients: String =
        recipients.iter().map(|id| format!("<m:Recipient>{id}</m:Recipient>")).collect();
    envelope(&format!(
        "<s:notify xmlns:s=\"{S3}\" xmlns:n=\"{N3}\" xmlns:o=\"{N2}\" xmlns:m=\"{M1}\" \
         xmlns:t=\"{M3}\" xmlns:p=\"{SND}\"><s:notify><n:Header><m:Sender><p:Id>162021004748</p:Id>\
         <p:Name>Kommun A</p:Name></m:Sender>{recipients}</n:Header><n:Message><n:header><t:Id>1\
         </t:Id><t:Subject>S</t:Subject><t:Supportinfo><t:Text/></t:Supportinfo><t:Language>svSE\
         </t:Language></n:header><n:body><m:ContentType>text/plain</m:ContentType><m:Body>SGVq\
         </m:Body></n:body></n:Message>{extras}</s:notify></s:notify>"
    ))
}

fn notification<'d>(document: &'d Document<'_>) -> NotificationDelivery<'d> {
    match parse(document) {
        Ok(Request::Notify(delivery)) => delivery,
        other => panic!("{other:?}"),
    }
}

pub(super) fn read(wire: &str) -> Document<'_> {
    Document::read(wire.as_bytes(), &PrescanLimits::default()).unwrap()
}

fn read_ok(wire: &str) {
    assert_eq!(parse(&read(wire)).err(), None);
}

fn assert_error(wire: &str, error: ParseError) {
    assert_eq!(parse(&read(wire)).err(), Some(error));
}

fn wire() -> String {
    Plan::default().by(&Signer::p256())
}

/// The sound request and where the first element of a local name stands in it.
fn element(local: &str) -> (std::ops::Range<usize>, String) {
    let wire = wire();
    let start =
        [format!("<{local}>"), format!("<{local} ")].iter().filter_map(|t| wire.find(t)).min();
    let start = start.unwrap();
    let end = format!("</{local}>");
    let end = start + wire[start..].find(&end).unwrap() + end.len();
    (start..end, wire)
}

fn assert_parse(wire: &str, error: ParseError) {
    assert_eq!(judge(wire), Err(Refused::Parse(error)));
}
