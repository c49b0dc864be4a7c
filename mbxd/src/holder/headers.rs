//! Headers of every answer: nothing is cached, guessed at or rendered.

use hyper::HeaderMap;
use hyper::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use mbx_common::id::RequestId;

/// The request's id, as in logs and the audit log.
const REQUEST_ID: HeaderName = HeaderName::from_static("mbx-request-id");

/// Adds what every answer has.
pub(super) fn secure(headers: &mut HeaderMap, request: RequestId) {
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; sandbox"),
    );
    if let Ok(value) = HeaderValue::from_str(&request.to_string()) {
        headers.insert(REQUEST_ID, value);
    }
}

/// `Content-Disposition` that never lets a browser render a part (RFC 6266, RFC 8187).
pub(super) fn attachment(file_name: Option<&str>) -> HeaderValue {
    let plain = HeaderValue::from_static("attachment");
    let Some(name) = file_name else { return plain };
    let mut encoded = String::from("attachment; filename*=UTF-8''");
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            for nibble in [byte >> 4, byte & 15] {
                encoded.extend(char::from_digit(u32::from(nibble), 16));
            }
        }
    }
    HeaderValue::from_str(&encoded).unwrap_or(plain)
}

/// The media type of a part, where it can stand in a header.
pub(super) fn media_type(text: &str) -> HeaderValue {
    HeaderValue::from_str(text)
        .unwrap_or_else(|_| HeaderValue::from_static("application/octet-stream"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_cannot_leave_its_header() {
        let value = attachment(Some("beslut \"å\"\r\nX: y;.pdf"));
        assert_eq!(
            value.to_str().unwrap(),
            "attachment; filename*=UTF-8''beslut%20%22%c3%a5%22%0d%0aX%3a%20y%3b.pdf"
        );
        assert_eq!(attachment(None), "attachment");
    }
}
