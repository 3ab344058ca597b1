use super::*;
use crate::provider::dialect::answer::answer;

/// `(status, body, kind, code, text)`: answers of real services, shortened.
const ANSWERS: &[(u16, &str, ErrorKind, &str, &str)] = &[
    (
        400,
        r#"{"badRequest": {"code": 400, "message": "Can not find requested image"}}"#,
        ErrorKind::Invalid,
        "badRequest",
        "Can not find requested image",
    ),
    (
        401,
        r#"{"error": {"code": 401, "title": "Unauthorized", "message": "Log in first."}}"#,
        ErrorKind::Auth,
        "Unauthorized",
        "Log in first.",
    ),
    (
        403,
        r#"{"forbidden": {"code": 403, "message": "Quota exceeded for cores: Requested 100000"}}"#,
        ErrorKind::Quota,
        "forbidden",
        "Quota exceeded for cores: Requested 100000",
    ),
    (
        403,
        r#"{"forbidden": {"code": 403, "message":
            "Policy doesn't allow os_compute_api:os-quota-sets:update to be performed."}}"#,
        ErrorKind::Forbidden,
        "forbidden",
        "Policy doesn't allow os_compute_api:os-quota-sets:update to be performed.",
    ),
    (
        404,
        r#"{"itemNotFound": {"code": 404, "message": "Instance x could not be found."}}"#,
        ErrorKind::NotFound,
        "itemNotFound",
        "Instance x could not be found.",
    ),
    (
        404,
        r#"{"NeutronError": {"type": "NetworkNotFound", "message": "No network.", "detail": ""}}"#,
        ErrorKind::NotFound,
        "NetworkNotFound",
        "No network.",
    ),
    (
        404,
        "<html>\n <head>\n  <title>404 Not Found</title>\n </head>\n <body>\n  \
         <h1>404 Not Found</h1>\n  No image found with ID none<br /><br />\n </body>\n</html>",
        ErrorKind::NotFound,
        "",
        "No image found with ID none",
    ),
    (
        406,
        r#"{"computeFault": {"code": 406, "message": "Version 2.999 is not supported"}}"#,
        ErrorKind::Unsupported,
        "computeFault",
        "Version 2.999 is not supported",
    ),
    (
        409,
        r#"{"conflictingRequest": {"code": 409, "message": "Multiple possible networks found"}}"#,
        ErrorKind::Conflict,
        "conflictingRequest",
        "Multiple possible networks found",
    ),
    (
        409,
        r#"{"NeutronError": {"type": "OverQuota", "message": "No more: ['network']."}}"#,
        ErrorKind::Quota,
        "OverQuota",
        "No more: ['network'].",
    ),
    (
        413,
        r#"{"overLimit": {"code": 413, "message": "This request was rate-limited."}}"#,
        ErrorKind::RateLimited,
        "overLimit",
        "This request was rate-limited.",
    ),
    (
        413,
        r#"{"overLimit": {"code": 413, "message": "VolumeLimitExceeded: quota of 10"}}"#,
        ErrorKind::Quota,
        "overLimit",
        "VolumeLimitExceeded: quota of 10",
    ),
    (413, "too large", ErrorKind::Invalid, "", "too large"),
    (500, r#"{"NeutronError": "It broke."}"#, ErrorKind::Other, "", "It broke."),
    (
        503,
        "<html><head><title>503 Service Unavailable</title></head></html>",
        ErrorKind::Unavailable,
        "",
        "503 Service Unavailable",
    ),
    (
        404,
        r#"{"errors": [{"status": 404, "title": "Not Found", "detail": "No provider."}]}"#,
        ErrorKind::NotFound,
        "Not Found",
        "No provider.",
    ),
    (
        429,
        r#"{"message": "API rate limit exceeded"}"#,
        ErrorKind::RateLimited,
        "",
        "API rate limit exceeded",
    ),
];

#[test]
fn answers_become_errors_with_kind_code_and_text() {
    for &(status, body, kind, code, text) in ANSWERS {
        let error = fault(&answer(status, &[], body));
        assert_eq!(error.kind(), kind, "{body}");
        assert_eq!(error.code().unwrap_or_default(), code, "{body}");
        assert_eq!(error.to_string(), format!("{text} ({status})"));
        assert_eq!(error.status().map(|s| s.as_u16()), Some(status));
    }
}

#[test]
fn each_status_has_its_kind_when_nothing_is_said() {
    for (status, kind) in [
        (300, ErrorKind::Other),
        (302, ErrorKind::Other),
        (400, ErrorKind::Invalid),
        (401, ErrorKind::Auth),
        (403, ErrorKind::Forbidden),
        (404, ErrorKind::NotFound),
        (405, ErrorKind::Unsupported),
        (406, ErrorKind::Unsupported),
        (409, ErrorKind::Conflict),
        (410, ErrorKind::Other),
        (413, ErrorKind::Invalid),
        (418, ErrorKind::Other),
        (422, ErrorKind::Invalid),
        (429, ErrorKind::RateLimited),
        (498, ErrorKind::RateLimited),
        (500, ErrorKind::Other),
        (501, ErrorKind::Unsupported),
        (502, ErrorKind::Unavailable),
        (503, ErrorKind::Unavailable),
        (504, ErrorKind::Unavailable),
        (507, ErrorKind::Other),
    ] {
        for body in ["", " ", "{}", "[]", "null", "{\"a\": {\"b\": 1}}"] {
            let error = fault(&answer(status, &[], body));
            assert_eq!(error.kind(), kind, "{status} {body:?}");
            assert!(error.to_string().len() > "()".len() + 3, "{error}");
        }
    }
}

#[test]
fn the_request_id_is_kept_whatever_its_header_is_called() {
    for name in ["x-openstack-request-id", "x-compute-request-id", "x-trans-id"] {
        let error = fault(&answer(500, &[(name, "req-1")], ""));
        assert_eq!(error.request_id(), Some("req-1"));
    }
    let html = answer(200, &[("x-openstack-request-id", "req-2")], "<p>");
    let error = json::<String>(&html, "a text").expect_err("a web page");
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert_eq!(error.request_id(), Some("req-2"));
}

#[test]
fn too_large_for_now_is_too_often() {
    let slow = fault(&answer(413, &[("retry-after", "3")], ""));
    assert_eq!(slow.kind(), ErrorKind::RateLimited);
    assert_eq!(slow.retry_after(), Some(std::time::Duration::from_secs(3)));
}

#[test]
fn a_redirect_is_named_and_not_followed() {
    let headers = [("location", "https://login.example/?token=abc")];
    let text = fault(&answer(302, &headers, "")).to_string();
    assert!(text.contains("https://login.example/"), "{text}");
    assert!(!text.contains("abc"), "{text}");
}

#[test]
fn bad_bodies_of_errors_are_survived() {
    let deep = format!("{{\"error\": {}", "[".repeat(1_000_000));
    let deep_and_whole = format!("{{\"error\": {}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let huge = "word ".repeat(1_000_000);
    let cut = r#"{"forbidden": {"code": 403, "message": "Quota exc"#;
    for body in [deep.as_str(), &deep_and_whole, &huge, cut, "\u{0}\u{7f}", "<"] {
        let error = fault(&answer(503, &[], body));
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(error.to_string().len() < 1_100);
    }
    let mut binary = answer(503, &[], "");
    binary.body = vec![0xff; 100].into();
    assert_eq!(fault(&binary).kind(), ErrorKind::Unavailable);
}

#[test]
fn huge_numbers_in_an_error_do_not_hide_its_words() {
    let body = r#"{"forbidden": {"code": 99999999999999999999999999, "message": "No."}}"#;
    assert_eq!(fault(&answer(403, &[], body)).to_string(), "No. (403)");
}
