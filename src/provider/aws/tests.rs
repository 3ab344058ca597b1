//! What the other tests of this provider share, and whether its parts fit together.

use crate::call::{Call, Content, Signing, Step, Token};
use crate::error::{ErrorKind, Result};
use crate::provider::Provider;
use crate::provider::aws::Config;
use crate::provider::dialect::answer::answer;
use crate::provider::dialect::by_hand::failed;

/// What a call sends, as text.
pub(super) fn body<T>(call: &Call<T>) -> &str {
    let bytes = call.request.body.bytes().expect("bytes");
    std::str::from_utf8(bytes).expect("text")
}

fn provider() -> Provider {
    let config = Config::keys("AKID", "s3cret").session_token("t0ken").region("eu-west-1");
    Provider::try_from(config).expect("a provider")
}

#[test]
fn the_account_is_granted_at_once_and_for_every_region() {
    let provider = provider();
    assert_eq!(provider.region.as_deref(), Some("eu-west-1"));
    let Step::Done(grant) = provider.auth.login().expect("a login") else {
        panic!("there is nobody to ask")
    };
    let urls: Vec<_> =
        grant.endpoints.iter().map(|e| (e.service.as_str(), e.url.as_str())).collect();
    let expected = [
        ("s3", "https://s3.{region}.amazonaws.com"),
        ("ec2", "https://ec2.{region}.amazonaws.com"),
    ];
    assert_eq!(urls, expected);
    assert!(grant.endpoints.iter().all(|e| e.region.is_none()));
    let shown = format!("{grant:?}");
    assert!(!shown.contains("s3cret") && !shown.contains("t0ken"), "{shown}");
}

#[test]
fn bytes_are_signed_and_what_nobody_has_seen_yet_is_not() {
    let provider = provider();
    let Step::Done(grant) = provider.auth.login().expect("a login") else {
        panic!("there is nobody to ask")
    };
    let sign = |body: &Content, token: &Token| -> Result<http::HeaderMap> {
        let mut headers = http::HeaderMap::new();
        headers.insert("host", http::HeaderValue::from_static("s3.eu-west-1.amazonaws.com"));
        provider.auth.authorize(Signing {
            method: &http::Method::PUT,
            uri: &http::Uri::from_static("/b/k"),
            headers: &mut headers,
            body,
            service: "s3",
            region: "eu-west-1",
            now: std::time::UNIX_EPOCH,
            token,
        })?;
        Ok(headers)
    };
    let signed = sign(&"abc".into(), &grant.token).expect("signed");
    assert!(signed["x-amz-content-sha256"].to_str().expect("text").starts_with("ba7816bf"));
    assert_eq!(signed["x-amz-security-token"], "t0ken");
    let line = signed["authorization"].to_str().expect("text");
    assert!(line.contains("Credential=AKID/19700101/eu-west-1/s3/aws4_request"), "{line}");
    let stream = Content::reader(&b"abc"[..], 3);
    let signed = sign(&stream, &grant.token).expect("signed");
    assert_eq!(signed["x-amz-content-sha256"], "UNSIGNED-PAYLOAD");
    let other = Token::header("a token of another kind").expect("a token");
    assert_eq!(failed(sign(&stream, &other)).kind(), ErrorKind::Invalid);
}

#[test]
fn each_refusal_says_whether_anything_may_have_been_done() {
    let refusal = |status, code: &str| {
        let body = format!("<Error><Code>{code}</Code></Error>");
        provider().auth.refusal(&answer(status, &[], &body))
    };
    assert_eq!(refusal(503, "SlowDown"), ErrorKind::RateLimited);
    assert_eq!(refusal(400, "Throttling"), ErrorKind::RateLimited);
    assert_eq!(refusal(500, "InternalError"), ErrorKind::Unavailable);
    assert_eq!(refusal(403, "AccessDenied"), ErrorKind::Forbidden);
}
