use std::time::{Duration, UNIX_EPOCH};

use super::*;
use crate::error::ErrorKind;

/// A request of AWS's own examples.
#[derive(Clone)]
struct Example<'a> {
    keys: Keys,
    scope: Scope<'a>,
    now: SystemTime,
    method: Method,
    target: String,
    headers: Vec<(&'a str, String)>,
    payload: Payload<'a>,
}

impl Example<'_> {
    fn sign(&self) -> Result<HeaderMap> {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let name = HeaderName::try_from(*name).expect("a header's name");
            headers.append(name, HeaderValue::from_str(value).expect("a value"));
        }
        let target = self.target.parse().expect("a target");
        sign(&self.keys, self.scope, self.now, &self.method, &target, &mut headers, self.payload)?;
        Ok(headers)
    }

    fn authorization(&self) -> String {
        let headers = self.sign().expect("signed");
        assert!(headers[AUTHORIZATION].is_sensitive());
        headers[AUTHORIZATION].to_str().expect("text").to_owned()
    }

    fn signature(&self) -> String {
        let line = self.authorization();
        line.rsplit('=').next().expect("a signature").to_owned()
    }

    fn signed(&self) -> String {
        let line = self.authorization();
        let (_, after) = line.split_once("SignedHeaders=").expect("signed headers");
        after.split(',').next().expect("names").to_owned()
    }
}

/// Of the test suite of Signature Version 4.
fn suite<'a>(method: Method, target: &str, headers: &[(&'a str, &str)]) -> Example<'a> {
    let mut example = s3(method, target, headers);
    example.keys.id = "AKIDEXAMPLE".to_owned();
    example.keys.secret = Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
    example.scope.service = "service";
    // 2015-08-30T12:36:00Z
    example.now = UNIX_EPOCH + Duration::from_secs(1_440_938_160);
    example.headers[0].1 = "example.amazonaws.com".to_owned();
    example
}

/// Of the documentation of S3.
fn s3<'a>(method: Method, target: &str, headers: &[(&'a str, &str)]) -> Example<'a> {
    let host = [("host", "examplebucket.s3.amazonaws.com")];
    let headers = host.iter().chain(headers);
    Example {
        keys: Keys {
            id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
            secret: Secret::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
            session: None,
        },
        scope: Scope { region: "us-east-1", service: "s3" },
        // 2013-05-24T00:00:00Z
        now: UNIX_EPOCH + Duration::from_secs(1_369_353_600),
        method,
        target: target.to_owned(),
        headers: headers.map(|(name, value)| (*name, String::from(*value))).collect(),
        payload: Payload::Bytes(b""),
    }
}

#[test]
fn the_examples_of_the_test_suite_come_out_as_published() {
    let unreserved = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    for (example, signature) in [
        (
            suite(Method::GET, "/", &[]),
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        ),
        (
            suite(Method::GET, "/?Param1=value1", &[]),
            "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb",
        ),
        (
            suite(Method::GET, "/?Param2=value2&Param1=value1", &[]),
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
        (
            suite(Method::GET, &format!("/?{unreserved}={unreserved}"), &[]),
            "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197",
        ),
        (
            suite(Method::GET, "/?%E1%88%B4=bar", &[]),
            "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04",
        ),
        (
            suite(
                Method::GET,
                "/",
                &[("my-header1", "value2"), ("my-header1", "value2"), ("my-header1", "value1")],
            ),
            "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
        ),
        (
            suite(
                Method::GET,
                "/",
                &[
                    ("my-header1", "value4"),
                    ("my-header1", "value1"),
                    ("my-header1", "value3"),
                    ("my-header1", "value2"),
                ],
            ),
            "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01",
        ),
        (
            suite(Method::GET, "/", &[("my-header1", " value1"), ("my-header2", " \"a   b   c\"")]),
            "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
        ),
        (
            suite(Method::POST, "/", &[]),
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
        ),
    ] {
        assert_eq!(example.signature(), signature, "{}", example.target);
    }
    let mut form =
        suite(Method::POST, "/", &[("content-type", "application/x-www-form-urlencoded")]);
    form.payload = Payload::Bytes(b"Param1=value1");
    assert_eq!(
        form.authorization(),
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
         SignedHeaders=content-type;host;x-amz-date, \
         Signature=ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"
    );
    let mut lent = suite(Method::POST, "/", &[]);
    lent.keys.session = Some(Secret::new(
        "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxf\
         pSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQD\
         YwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8\
         FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==",
    ));
    assert_eq!(
        lent.signature(),
        "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"
    );
    assert_eq!(lent.signed(), "host;x-amz-date;x-amz-security-token");
}

#[test]
fn the_examples_of_the_documentation_of_s3_come_out_as_published() {
    let mut put = s3(
        Method::PUT,
        "/test$file.text",
        &[("date", "Fri, 24 May 2013 00:00:00 GMT"), ("x-amz-storage-class", "REDUCED_REDUNDANCY")],
    );
    put.payload = Payload::Bytes(b"Welcome to Amazon S3.");
    for (example, signature) in [
        (
            s3(Method::GET, "/test.txt", &[("range", "bytes=0-9")]),
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
        (put, "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"),
        (
            s3(Method::GET, "/?lifecycle", &[]),
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
        ),
        (
            s3(Method::GET, "/?max-keys=2&prefix=J", &[]),
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
    ] {
        assert_eq!(example.signature(), signature, "{}", example.target);
        assert!(example.signed().contains(";x-amz-content-sha256;"));
    }
}

#[test]
fn paths_are_escaped_once_for_s3_and_twice_for_others() {
    // AWS has published no example of it: these are what botocore 1.43 signs with.
    assert_eq!(
        s3(Method::GET, "/a%20b/./c//%E1%88%B4%2Bd", &[]).signature(),
        "b635225a88c14d29bf3ed335fe1420ca18e5f343bbedc99e4b2d163243acf075"
    );
    assert_eq!(
        suite(Method::GET, "/a%20b/c/%E1%88%B4%2Bd", &[]).signature(),
        "ce6780326f918450a764569a81668e506978946cd051fde37db1ebd208e6a2e1"
    );
    let signature = |target: &str| s3(Method::GET, target, &[]).signature();
    assert_eq!(signature("/a%20b$"), signature("/%61%20b%24"));
}

#[test]
fn each_byte_of_what_is_signed_counts() {
    let base = s3(
        Method::PUT,
        "/folder/thing?partNumber=1&uploadId=xyz",
        &[("content-type", "text/plain"), ("x-amz-meta-colour", "green blue")],
    );
    let mut seen = std::collections::HashSet::new();
    assert!(seen.insert(base.signature()));
    let mut new = |example: Example<'_>, what: &str| {
        assert!(seen.insert(example.signature()), "{what} does not count");
    };
    for at in 1..base.target.len() {
        if base.target.as_bytes()[at].is_ascii_alphanumeric() {
            let mut other = base.clone();
            other.target.replace_range(at..=at, "!");
            new(other, &format!("byte {at} of the target"));
        }
    }
    for (header, (name, value)) in base.headers.iter().enumerate() {
        for at in 0..value.len() {
            let mut other = base.clone();
            other.headers[header].1.replace_range(at..=at, "!");
            new(other, &format!("byte {at} of {name}"));
        }
    }
    for body in [&b"a"[..], b"b", b"ab", b"\0"] {
        new(Example { payload: Payload::Bytes(body), ..base.clone() }, "the body");
    }
    new(Example { payload: Payload::Unsigned, ..base.clone() }, "the body's absence");
    new(Example { method: Method::POST, ..base.clone() }, "the method");
    for seconds in [1, 60, 3_600, 86_400] {
        let now = base.now + Duration::from_secs(seconds);
        new(Example { now, ..base.clone() }, "the time");
    }
    for region in ["us-east-2", "us-east", "eu-west-1", ""] {
        new(Example { scope: Scope { region, ..base.scope }, ..base.clone() }, "the region");
    }
    new(Example { scope: Scope { service: "ec2", ..base.scope }, ..base.clone() }, "the service");
    let mut other = base.clone();
    other.headers.push(("x-amz-meta-size", "1".to_owned()));
    new(other, "one header more");
    for token in ["t", "u"] {
        let mut other = base.clone();
        other.keys.session = Some(Secret::new(token));
        new(other, "the session token");
    }
    let mut other = base.clone();
    other.keys.secret = Secret::new("another");
    new(other, "the secret");
}

#[test]
fn a_query_has_one_form_whatever_its_order_and_escapes() {
    let signature = |target: &str| s3(Method::GET, target, &[]).signature();
    assert_eq!(signature("/?b=2&a=1"), signature("/?a=1&b=2"));
    assert_eq!(signature("/?a=2&a=1"), signature("/?a=1&a=2"));
    assert_eq!(signature("/?acl"), signature("/?acl="));
    assert_eq!(signature("/?p=a/b~c"), signature("/?p=a%2fb%7Ec"));
    assert_eq!(signature("/?p=a+b"), signature("/?p=a%20b"));
    assert_eq!(signature("/?p=a=b"), signature("/?p=a%3Db"));
    assert_ne!(signature("/?p=a%2Bb"), signature("/?p=a%20b"));
    // By their escaped form: `%` stands before letters and digits.
    assert_eq!(query("a1=x&a%C3%A9=y&a=z&A=w"), "A=w&a=z&a%C3%A9=y&a1=x");
    assert_eq!(query("&&x"), "x=");
}

#[test]
fn what_proxies_and_the_wire_write_is_not_signed() {
    let plain = suite(Method::GET, "/", &[]);
    let mut other = plain.clone();
    other.headers.extend(UNSIGNED.map(|name| (name, "1".to_owned())));
    assert_eq!(other.signed(), "host;x-amz-date");
    assert_eq!(other.signature(), plain.signature());
}

#[test]
fn signing_again_replaces_what_was_there() {
    let mut first = s3(Method::GET, "/a", &[]);
    first.keys.session = Some(Secret::new("lent"));
    let mut headers = first.sign().expect("signed");
    assert!(headers["x-amz-security-token"].is_sensitive());
    let second = s3(Method::GET, "/a", &[]);
    let now = second.now + Duration::from_secs(30);
    let target = Uri::from_static("/a");
    let payload = Payload::Unsigned;
    sign(&second.keys, second.scope, now, &Method::GET, &target, &mut headers, payload)
        .expect("signed");
    let fresh = Example { now, payload, ..second };
    assert_eq!(headers, fresh.sign().expect("signed"));
    assert_eq!(headers["x-amz-content-sha256"], "UNSIGNED-PAYLOAD");
    assert_eq!(headers["x-amz-date"], "20130524T000030Z");
}

#[test]
fn what_cannot_be_signed_is_invalid_and_shows_no_secret() {
    let base = suite(Method::GET, "/", &[]);
    let refused = |example: &Example<'_>| {
        let error = example.sign().expect_err("not signed");
        assert_eq!(error.kind(), ErrorKind::Invalid);
        let text = format!("{error} {error:?}");
        assert!(!text.contains("s3cret"), "{text}");
        text
    };
    let mut example = base.clone();
    example.headers.clear();
    assert!(refused(&example).contains("host"));
    let mut example = base.clone();
    example.keys.session = Some(Secret::new("s3cret\n"));
    assert!(refused(&example).contains("session token"));
    let mut example = base.clone();
    example.keys.id = "s3cret\r\n".to_owned();
    assert!(refused(&example).contains("access key id"));
    let mut example = base.clone();
    example.now = UNIX_EPOCH - Duration::from_secs(1);
    assert!(refused(&example).contains("clock"));
    example.now = UNIX_EPOCH + Duration::from_secs(1 << 40);
    assert!(refused(&example).contains("clock"));
}

#[test]
fn keys_show_no_secret() {
    let keys = Keys {
        id: "AKID".to_owned(),
        secret: Secret::new("s3cret"),
        session: Some(Secret::new("t0ken")),
    };
    let text = format!("{keys:?}");
    assert!(text.contains("AKID"), "{text}");
    assert!(!text.contains("s3cret") && !text.contains("t0ken"), "{text}");
    let mut example = s3(Method::GET, "/", &[]);
    example.keys = keys;
    let text = format!("{:?}", example.sign().expect("signed"));
    assert!(!text.contains("t0ken") && !text.contains("AKID"), "{text}");
}
