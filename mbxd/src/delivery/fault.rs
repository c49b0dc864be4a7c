//! SOAP 1.1 faults with the infrastructure's detail.

use super::cause::Cause;
use super::xml::escape;
use mbx_common::id::RequestId;

/// The fault for a cause: `c3:applicationFault{ErrorCode, Description, CallId}`; the call id is
/// the request's, as logs and the audit log name it.
///
/// Source: contract §3.5; SOAP 1.1 §4.4.
pub(super) fn fault(cause: &Cause, request: RequestId) -> String {
    let description = escape(&cause.description());
    format!(
        concat!(
            r#"<?xml version="1.0" encoding="UTF-8"?>"#,
            r#"<S:Envelope xmlns:S="http://schemas.xmlsoap.org/soap/envelope/"><S:Body><S:Fault>"#,
            "<faultcode>S:{faultcode}</faultcode><faultstring>{description}</faultstring><detail>",
            r#"<c3:applicationFault xmlns:c3="http://minameddelanden.gov.se/schema/Common/v3">"#,
            "<c3:ErrorCode>{code}</c3:ErrorCode><c3:Description>{description}</c3:Description>",
            "<c3:CallId>{call}</c3:CallId>",
            "</c3:applicationFault></detail></S:Fault></S:Body></S:Envelope>"
        ),
        faultcode = cause.fault_code(),
        description = description,
        code = cause.error_code(),
        call = request.to_uuid(),
    )
}
