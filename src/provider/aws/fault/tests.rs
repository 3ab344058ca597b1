use std::time::Duration;

use super::*;
use crate::provider::dialect::answer::answer;

/// The forms of S3, of EC2, and of the older services.
fn forms(code: &str, message: &str) -> [String; 4] {
    let words = format!("<Code>{code}</Code><Message>{message}</Message>");
    [
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>{words}<Resource>/web</Resource>\
             <RequestId>req-b</RequestId><HostId>host</HostId></Error>"
        ),
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error>{words}</Error>\
             </Errors><RequestID>req-b</RequestID></Response>"
        ),
        format!(
            "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error>\
             <Type>Sender</Type>{words}</Error><RequestId>req-b</RequestId></ErrorResponse>"
        ),
        format!(
            "<ErrorResponse><Errors><Error>{words}<Type>Sender</Type></Error></Errors>\
             <RequestId>req-b</RequestId></ErrorResponse>"
        ),
    ]
}

const CODES: &[(u16, ErrorKind, &[&str])] = &[
    (
        400,
        ErrorKind::Auth,
        &["ExpiredToken", "InvalidToken", "AuthorizationHeaderMalformed", "RequestExpired"],
    ),
    (401, ErrorKind::Auth, &["AuthFailure"]),
    (
        403,
        ErrorKind::Auth,
        &[
            "InvalidAccessKeyId",
            "InvalidClientTokenId",
            "RequestTimeTooSkewed",
            "SignatureDoesNotMatch",
            "UnrecognizedClientException",
        ],
    ),
    (403, ErrorKind::Forbidden, &["AccessDenied", "UnauthorizedOperation", "AllAccessDisabled"]),
    (400, ErrorKind::Forbidden, &["OperationNotPermitted", "PendingVerification"]),
    (404, ErrorKind::NotFound, &["NoSuchBucket", "NoSuchKey", "NoSuchUpload", "Other"]),
    (
        400,
        ErrorKind::NotFound,
        &["InvalidInstanceID.NotFound", "InvalidAMIID.NotFound", "InvalidKeyPair.NotFound"],
    ),
    (
        409,
        ErrorKind::Conflict,
        &[
            "BucketAlreadyExists",
            "BucketAlreadyOwnedByYou",
            "BucketNotEmpty",
            "OperationAborted",
            "Other",
        ],
    ),
    (
        400,
        ErrorKind::Conflict,
        &["IncorrectInstanceState", "InvalidKeyPair.Duplicate", "InvalidGroup.InUse"],
    ),
    (412, ErrorKind::Conflict, &["PreconditionFailed", "Other"]),
    (
        400,
        ErrorKind::Quota,
        &["InstanceLimitExceeded", "VcpuLimitExceeded", "TooManyBuckets", "QuotaExceeded"],
    ),
    (403, ErrorKind::Quota, &["QuotaExceeded"]),
    (
        400,
        ErrorKind::RateLimited,
        &["Throttling", "ThrottlingException", "RequestThrottled", "BandwidthLimitExceeded"],
    ),
    (503, ErrorKind::RateLimited, &["RequestLimitExceeded", "SlowDown"]),
    (429, ErrorKind::RateLimited, &["Other"]),
    (500, ErrorKind::Unavailable, &["InternalError", "InsufficientInstanceCapacity", "Other"]),
    (400, ErrorKind::Unavailable, &["RequestTimeout"]),
    (503, ErrorKind::Unavailable, &["ServiceUnavailable", "Unavailable", "Other"]),
    (400, ErrorKind::Protocol, &["BadDigest", "IncompleteBody", "XAmzContentSHA256Mismatch"]),
    (
        400,
        ErrorKind::Invalid,
        &[
            "InvalidParameterValue",
            "InvalidInstanceID.Malformed",
            "InvalidBucketName",
            "EntityTooLarge",
            "Other",
        ],
    ),
    (404, ErrorKind::Invalid, &["InvalidAMIID.Malformed"]),
    (400, ErrorKind::Unsupported, &["InvalidAction", "UnsupportedOperation"]),
    (405, ErrorKind::Unsupported, &["MethodNotAllowed", "Other"]),
    (501, ErrorKind::Unsupported, &["NotImplemented", "Other"]),
    (301, ErrorKind::Invalid, &["PermanentRedirect", "Other"]),
    (307, ErrorKind::Invalid, &["TemporaryRedirect", "Other"]),
    (418, ErrorKind::Other, &["Other"]),
];

#[test]
fn codes_become_kinds_in_every_form() {
    for &(status, kind, codes) in CODES {
        for code in codes {
            for body in forms(code, "What it says.") {
                let answer = answer(status, &[], &body);
                let error = fault(&answer);
                assert_eq!(error.kind(), kind, "{status} {code}");
                assert_eq!(error.code(), Some(*code));
                assert_eq!(error.status().map(|s| s.as_u16()), Some(status));
                assert_eq!(error.request_id(), Some("req-b"), "{body}");
                assert!(error.to_string().starts_with("What it says"), "{error}");
            }
        }
    }
}

#[test]
fn each_status_has_its_kind_when_nothing_is_said() {
    for (status, kind) in [
        (300, ErrorKind::Other),
        (301, ErrorKind::Invalid),
        (304, ErrorKind::Other),
        (307, ErrorKind::Invalid),
        (400, ErrorKind::Invalid),
        (401, ErrorKind::Auth),
        (403, ErrorKind::Forbidden),
        (404, ErrorKind::NotFound),
        (405, ErrorKind::Unsupported),
        (409, ErrorKind::Conflict),
        (410, ErrorKind::Other),
        (412, ErrorKind::Conflict),
        (416, ErrorKind::Invalid),
        (429, ErrorKind::RateLimited),
        (500, ErrorKind::Unavailable),
        (501, ErrorKind::Unsupported),
        (502, ErrorKind::Unavailable),
        (503, ErrorKind::Unavailable),
        (504, ErrorKind::Unavailable),
    ] {
        for body in ["", " ", "<Error/>", "<Error><Code/><Message/></Error>", "<a><b/></a>", "<Err"]
        {
            let answer = answer(status, &[], body);
            let error = fault(&answer);
            assert_eq!(error.kind(), kind, "{status} {body:?}");
            assert_eq!(error.code(), None);
            assert!(error.to_string().contains("the cloud says \""), "{error}");
        }
    }
}

#[test]
fn a_code_without_a_message_is_said() {
    // As Ceph's gateway writes it.
    let body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>NoSuchBucket</Code>\
         <Message></Message><BucketName>none</BucketName>\
         <RequestId>tx0-default</RequestId><HostId>7-default-default</HostId></Error>";
    let text = fault(&answer(404, &[], body)).to_string();
    assert_eq!(text, "the cloud says \"NoSuchBucket\" and no more (404, request tx0-default)");
}

#[test]
fn a_refusal_of_keys_says_what_to_check() {
    for (code, advice) in [
        ("AuthFailure", "the access key id and the secret"),
        ("InvalidAccessKeyId", "access key id"),
        ("InvalidClientTokenId", "access key id"),
        ("UnrecognizedClientException", "access key id"),
        ("SignatureDoesNotMatch", "secret access key"),
        ("ExpiredToken", "get new ones"),
        ("InvalidToken", "session token"),
        ("RequestExpired", "this machine's clock"),
        ("RequestTimeTooSkewed", "this machine's clock"),
        ("AuthorizationHeaderMalformed", "the region"),
    ] {
        for body in forms(code, "No.") {
            let text = fault(&answer(403, &[], &body)).to_string();
            assert!(text.starts_with("No; "), "{text}");
            assert!(text.contains(advice), "{text}");
        }
    }
    let body = "<Error><Code>AuthorizationHeaderMalformed</Code><Message>The authorization header \
         is malformed; the region 'us-east-1' is wrong; expecting 'eu-west-1'</Message>\
         <Region>eu-west-1</Region></Error>";
    let text = fault(&answer(400, &[], body)).to_string();
    assert!(text.contains("set the region \"eu-west-1\""), "{text}");
}

#[test]
fn a_redirect_names_the_place_and_is_not_followed() {
    let code = "<Code>PermanentRedirect</Code><Message>Elsewhere.</Message>";
    let endpoint = format!("<Error>{code}<Endpoint>s3.eu-west-1.amazonaws.com</Endpoint></Error>");
    let region = ("x-amz-bucket-region", "eu-west-1");
    let location = ("location", "https://other.example/a?X-Amz-Signature=abc");
    for (status, headers, body, says) in [
        (301, &[region, location][..], endpoint.as_str(), "it is in region \"eu-west-1\""),
        (301, &[], &endpoint, "it is at \"s3.eu-west-1.amazonaws.com\""),
        (307, &[location], "", "it is at \"https://other.example/a\""),
        (301, &[region], "", "it is in region \"eu-west-1\""),
        (400, &[region], "", "it is in region \"eu-west-1\""),
        (301, &[], "", "it is elsewhere"),
    ] {
        let error = fault(&answer(status, headers, body));
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().contains(says), "{error}");
        assert!(!error.to_string().contains("abc"), "{error}");
    }
    let plain = fault(&answer(400, &[], "")).to_string();
    assert_eq!(plain, "the cloud says \"Bad Request\" and no more (400)");
}

#[test]
fn the_request_id_of_the_headers_goes_before_that_of_the_body() {
    let [body, ..] = forms("NoSuchKey", "No.");
    for name in ["x-amz-request-id", "x-amzn-requestid"] {
        let error = fault(&answer(404, &[(name, "req-h")], &body));
        assert_eq!(error.request_id(), Some("req-h"));
    }
    let page = answer(200, &[("x-amz-request-id", "req-2")], "<html></html>");
    let error = xml::<Body>(&page, "L", "a listing").err().expect("a web page");
    assert_eq!((error.kind(), error.request_id()), (ErrorKind::Protocol, Some("req-2")));
}

#[test]
fn an_error_that_follows_a_200_is_an_error() {
    let [busy, ..] = forms("SlowDown", "Please reduce your request rate.");
    let [broken, ..] = forms("InternalError", "We encountered an internal error.");
    for (body, kind) in [(busy, ErrorKind::RateLimited), (broken, ErrorKind::Unavailable)] {
        let answer = answer(200, &[], &body);
        let error = xml::<Body>(&answer, "CompleteMultipartUploadResult", "an object");
        assert_eq!(error.err().expect("no object").kind(), kind);
    }
    assert!(success(&answer(204, &[], "")).is_ok());
    let read = xml::<Inner>(&answer(200, &[], "<L><Code>a</Code></L>"), "L", "a listing");
    assert_eq!(read.expect("a listing").code, "a");
}

#[test]
fn words_of_no_known_form_are_repeated_unless_they_may_be_secret() {
    let html = [("content-type", "text/html")];
    let page = "<html><head><title>503 Service Unavailable</title></head>\
         <body><h1>503 Service Unavailable</h1>No server is available.</body></html>";
    let error = fault(&answer(503, &html, page));
    assert_eq!(error.to_string(), "No server is available. (503)");
    assert_eq!(fault(&answer(503, &[], "try later")).to_string(), "try later (503)");
    // moto writes its XML under that name.
    let [_, ec2, ..] = forms("AuthFailure", "AWS was not able to validate the keys");
    let error = fault(&answer(401, &html, &ec2));
    assert_eq!((error.kind(), error.code()), (ErrorKind::Auth, Some("AuthFailure")));
    for body in [
        "<Error><Code>ExpiredToken</Code><Message>Over.</Message><Token-0>t0ken</Token-0></Error>",
        "<?xml version=\"1.0\"?><Error><Token-0>t0ken</Token-0><Code>Expired",
        "<Odd><Token-0>t0ken</Token-0></Odd>",
    ] {
        let error = fault(&answer(400, &[], body));
        assert!(!format!("{error} {error:?}").contains("t0ken"), "{error:?}");
    }
}

#[test]
fn bad_bodies_of_errors_are_survived() {
    let deep = "<Error>".repeat(1_000_000);
    let deep_and_whole = format!("{}{}", "<Error>".repeat(100_000), "</Error>".repeat(100_000));
    let [huge, ..] = forms("SlowDown", &"word ".repeat(1_000_000));
    let many = format!("<Response><Errors>{}</Errors></Response>", "<Error/>".repeat(100_000));
    for body in [deep.as_str(), &deep_and_whole, &huge, &many, "\u{0}\u{7f}", "<", "<!DOCTYPE"] {
        let error = fault(&answer(503, &[], body));
        assert!(matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::RateLimited));
        assert!(error.to_string().len() < 1_100);
    }
    let mut binary = answer(503, &[], "");
    binary.body = vec![0xff; 100].into();
    assert_eq!(fault(&binary).kind(), ErrorKind::Unavailable);
}

#[test]
fn a_time_to_wait_is_kept() {
    let [body, ..] = forms("SlowDown", "Please reduce your request rate.");
    let error = fault(&answer(503, &[("retry-after", "7")], &body));
    assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
    assert!(error.is_retryable());
}
