//! The answers of the two operations.

use mbx_common::id::DeliveryId;
use std::fmt::Write as _;

/// `deliverSecureResponse`: our delivery id as a UUID, and whether it lies in the mailbox.
///
/// Source: contract §3.2.
pub(super) fn delivered(delivery: DeliveryId, recipient: &str, delivered: bool) -> String {
    enveloped(&format!(
        concat!(
            r#"<s3:deliverSecureResponse xmlns:s3="http://minameddelanden.gov.se/schema/Service/v3" "#,
            r#"xmlns:s1="http://minameddelanden.gov.se/schema/Service"><s3:return>"#,
            "<s1:TransId>{id}</s1:TransId><s1:Status><s1:RecipientId>{number}</s1:RecipientId>",
            "<s1:Delivered>{delivered}</s1:Delivered></s1:Status>",
            "</s3:return></s3:deliverSecureResponse>"
        ),
        id = delivery.to_uuid(),
        number = recipient,
        delivered = delivered,
    ))
}

/// `notifyResponse`: our delivery id as a UUID, and one status per recipient in the order of the
/// request. No notification channel is named: none was used before the answer.
///
/// Source: contract §3.3.
pub(super) fn notified(delivery: DeliveryId, statuses: &[(String, bool)]) -> String {
    let mut body = format!(
        concat!(
            r#"<s3:notifyResponse xmlns:s3="http://minameddelanden.gov.se/schema/Service/v3" "#,
            r#"xmlns:n3="http://minameddelanden.gov.se/schema/Notification/v3"><s3:return>"#,
            "<n3:TransId>{}</n3:TransId>"
        ),
        delivery.to_uuid()
    );
    for (recipient, delivered) in statuses {
        // Writing to a `String` cannot fail.
        write!(
            body,
            concat!(
                "<n3:Status><n3:RecipientId>{}</n3:RecipientId><n3:DeliveryStatus>",
                "<n3:DeliveredFlag>{}</n3:DeliveredFlag></n3:DeliveryStatus></n3:Status>"
            ),
            recipient, delivered
        )
        .ok();
    }
    body.push_str("</s3:return></s3:notifyResponse>");
    enveloped(&body)
}

fn enveloped(body: &str) -> String {
    format!(
        concat!(
            r#"<?xml version="1.0" encoding="UTF-8"?>"#,
            r#"<S:Envelope xmlns:S="http://schemas.xmlsoap.org/soap/envelope/">"#,
            "<S:Body>{}</S:Body></S:Envelope>"
        ),
        body
    )
}
