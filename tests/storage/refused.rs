//! What the server refuses, and how that is named here.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use welkin::{Error, Retry};

use super::proxy::{Fate, Passing, Proxy};
use super::*;

fn var(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"))
}

fn with(config: aws::Config) -> Storage {
    let config = config.region(var("AWS_REGION")).endpoint_url_s3(var("AWS_ENDPOINT_URL_S3"));
    Driver::open(config).unwrap().storage().unwrap()
}

fn through(proxy: &Proxy) -> Storage {
    let config = aws::Config::from_env().unwrap().endpoint_url_s3(proxy.url());
    Driver::open(config).unwrap().storage().unwrap()
}

/// It is named, has the server's word and its request id, and no secret.
fn assert_refused(error: &Error, kind: ErrorKind, codes: &[&str]) {
    assert_eq!(error.kind(), kind, "{error:?}");
    assert!(codes.contains(&error.code().unwrap_or_default()), "{error:?}");
    assert!(error.request_id().is_some(), "{error:?}");
    let secret = var("AWS_SECRET_ACCESS_KEY");
    assert!(!format!("{error} {error:?}").contains(&secret));
}

#[test]
#[ignore = "asks a real server"]
fn wrong_keys_are_auth() {
    is_real();
    let id = var("AWS_ACCESS_KEY_ID");
    let error = with(aws::Config::keys(&id, "not-this")).list_containers().wait().unwrap_err();
    assert_refused(&error, ErrorKind::Auth, &["SignatureDoesNotMatch"]);
    let unknown = with(aws::Config::keys("AKIAWELKINNOBODY", "not-this"));
    let error = unknown.list_containers().wait().unwrap_err();
    // Some servers do not say which of the two is wrong.
    let codes = ["InvalidAccessKeyId", "SignatureDoesNotMatch"];
    assert_refused(&error, ErrorKind::Auth, &codes);
    assert!(error.to_string().contains("check the"), "what to do: {error}");
}

#[test]
#[ignore = "asks a real server"]
fn what_belongs_to_somebody_else_is_forbidden() {
    let storage = storage();
    let container = Guarded::new(&storage, "mine");
    storage.upload_object(&container, "a", "b").wait().unwrap();
    if !refuses("others") {
        return;
    }
    let (id, secret) =
        (var("WELKIN_AWS_OTHER_ACCESS_KEY_ID"), var("WELKIN_AWS_OTHER_SECRET_ACCESS_KEY"));
    let other = with(aws::Config::keys(id, secret));
    for error in [
        other.list_objects(&container).wait().unwrap_err(),
        other.upload_object(&container, "a", "c").wait().unwrap_err(),
        other.download_object(&container, "a").bytes().wait().unwrap_err(),
    ] {
        assert_refused(&error, ErrorKind::Forbidden, &["AccessDenied"]);
    }
    assert_eq!(storage.download_object(&container, "a").bytes().wait().unwrap(), "b");
}

#[test]
#[ignore = "asks a real server"]
fn a_body_that_was_changed_on_the_way_is_refused() {
    let storage = storage();
    if !refuses("bodies") {
        return;
    }
    let container = Guarded::new(&storage, "changed");
    let proxy = Proxy::before(&var("AWS_ENDPOINT_URL_S3"), |passing: &mut Passing| {
        passing.body.iter_mut().take(1).for_each(|byte| *byte ^= 1);
        Fate::Passes
    });
    let error = through(&proxy).upload_object(&container, "a", "body").wait().unwrap_err();
    assert_refused(&error, ErrorKind::Protocol, &["XAmzContentSHA256Mismatch", "BadDigest"]);
    assert_eq!(storage.list_objects(&container).wait().unwrap(), [], "nothing is stored");
}

#[test]
#[ignore = "asks a real server"]
fn a_request_that_is_too_old_is_refused_with_advice() {
    is_real();
    if !refuses("dates") {
        return;
    }
    let proxy = Proxy::before(&var("AWS_ENDPOINT_URL_S3"), |passing: &mut Passing| {
        let at = passing.head.find("x-amz-date: ").unwrap() + "x-amz-date: ".len();
        let date = passing.head[at..at + 16].to_owned();
        // The same day of another year.
        passing.head = passing.head.replace(&date[..4], "2016");
        Fate::Passes
    });
    let error = through(&proxy).list_containers().wait().unwrap_err();
    assert_refused(&error, ErrorKind::Auth, &["RequestTimeTooSkewed"]);
    assert!(error.to_string().contains("clock"), "what to do: {error}");
}

#[test]
#[ignore = "asks a real server"]
fn a_wrong_region_is_refused_and_the_right_one_named() {
    is_real();
    if !refuses("regions") {
        return;
    }
    let config = aws::Config::from_env().unwrap().region("mars-north-1");
    let storage = Driver::open(config).unwrap().storage().unwrap();
    let error = storage.list_containers().wait().unwrap_err();
    assert_refused(&error, ErrorKind::Auth, &["AuthorizationHeaderMalformed"]);
    assert!(error.to_string().contains(&var("AWS_REGION")), "what to do: {error}");
}

#[test]
#[ignore = "asks a real server"]
fn an_attempt_that_comes_later_is_signed_anew_and_taken() {
    is_real();
    let (left, signatures) = (AtomicUsize::new(2), Arc::new(Mutex::new(Vec::new())));
    let seen = Arc::clone(&signatures);
    let proxy = Proxy::before(&var("AWS_ENDPOINT_URL_S3"), move |passing: &mut Passing| {
        let line = passing.head.lines().find(|line| line.starts_with("authorization")).unwrap();
        seen.lock().unwrap().push(line.to_owned());
        match left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)) {
            Ok(_) => {
                // The time in a signature has seconds.
                thread::sleep(Duration::from_millis(1_100));
                Fate::Answered("HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\n\r\n")
            }
            Err(_) => Fate::Passes,
        }
    });
    let storage = through(&proxy);
    let list = storage.list_containers().retry(Retry::attempts(3));
    list.wait().unwrap();
    let mut signatures = signatures.lock().unwrap().clone();
    assert_eq!(signatures.len(), 3);
    signatures.dedup();
    assert_eq!(signatures.len(), 3, "each attempt has a signature of its own");
}
