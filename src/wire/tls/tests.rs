mod server;

use std::error::Error as _;
use std::process::Command;
use std::time::{Duration, Instant};

use rustls::HandshakeKind::{Full, Resumed};
use rustls::version::{TLS12, TLS13};
use zeroize::Zeroizing;

use self::server::{Authority, Server, Told};
use super::*;
use crate::call::{self, Content, Pem};
use crate::error::ErrorKind;
use crate::settings::Settings;
use crate::wire::connection::Broken;
use crate::wire::dial::Dialer;
use crate::wire::payload::Payload;
use crate::wire::terms::Terms;
use crate::wire::{Origin, block_on};

fn trusting(authority: &Authority) -> Trust {
    Trust { roots: authority.pem().into_bytes(), ..Trust::default() }
}

fn pem(text: &str, place: &str) -> Pem {
    Pem { text: Zeroizing::new(text.as_bytes().to_vec()), place: place.to_owned() }
}

fn showing(mut trust: Trust, (certificate, key): &(String, String)) -> Trust {
    let (certificate, key) = (pem(certificate, "me.pem"), pem(key, "me.key"));
    trust.identity = Some(call::Identity { certificate, key });
    trust
}

fn dialer(trust: &Trust, settings: &Settings) -> Dialer {
    Dialer::new(trust, settings).expect("a dialer")
}

/// Opens a connection, asks once, and closes it.
fn ask(dialer: &Dialer, port: u16) -> Result<()> {
    let origin = Origin { tls: true, host: "127.0.0.1".into(), port };
    block_on(async {
        let mut connection = dialer.dial(&origin).await?;
        let body = Content::from(bytes::Bytes::new());
        let request = http::Request::get("/").header("host", "h").body(Payload::of(&body)?);
        let terms = Terms::until(Instant::now() + Duration::from_secs(30));
        connection.begin(request.expect("a request"), terms);
        match connection.answer().await {
            Ok(_) => connection.read(100).await.map(drop),
            Err(Broken::Unsent(e) | Broken::Stale(e) | Broken::Lost(e) | Broken::Local(e)) => {
                Err(e)
            }
        }
    })
}

/// The error and all that it came of, as people read it.
fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(e) = source {
        text = format!("{text}: {e}");
        source = e.source();
    }
    text
}

#[test]
fn the_next_connection_resumes_the_session_of_the_last() {
    let authority = Authority::new("CA");
    for version in [&TLS13, &TLS12] {
        let server = Server::start(authority.identity("h", |_| {}), &[version], None);
        let dialer = dialer(&trusting(&authority), &Settings::new());
        for _ in 0..3 {
            ask(&dialer, server.port).expect("an answer");
        }
        let kinds: Vec<_> = (0..3).map(|_| server.next()).collect();
        let expected = [Full, Resumed, Resumed].map(Told::Done);
        assert_eq!(kinds, expected, "{version:?}");
        // Another driver has no part in it.
        ask(&self::dialer(&trusting(&authority), &Settings::new()), server.port).expect("one");
        assert_eq!(server.next(), Told::Done(Full));
    }
}

#[test]
fn a_certificate_that_is_refused_is_named_with_its_host() {
    let (authority, other) = (Authority::new("CA"), Authority::new("Other CA"));
    let day = rcgen::date_time_ymd;
    for (identity, parts) in [
        (other.identity("mine", |_| {}), &["\"mine\", issued by \"Other CA\"", "OS_CACERT"][..]),
        (
            authority.identity("old", |p| p.not_after = day(2020, 1, 2)),
            &["\"old\", issued by \"CA\"", "to 2020-01-02", "has expired"],
        ),
        (
            authority.identity("new", |p| p.not_before = day(2090, 1, 2)),
            &["\"new\"", "from 2090-01-02", "not valid yet"],
        ),
        (
            authority.identity("else", |p| {
                p.subject_alt_names =
                    vec![rcgen::SanType::DnsName("h.example".try_into().unwrap())];
            }),
            &["\"else\"", "other names (h.example)"],
        ),
    ] {
        let server = Server::start(identity, &[&TLS13, &TLS12], None);
        let dialer = dialer(&trusting(&authority), &Settings::new());
        let error = ask(&dialer, server.port).expect_err("no trust");
        assert_eq!(error.kind(), ErrorKind::Connection);
        assert!(!error.is_retryable(), "it will be the same certificate: {error}");
        let text = error.to_string();
        assert!(text.contains("no TLS with 127.0.0.1: "), "{text}");
        assert!(parts.iter().all(|part| text.contains(part)), "{parts:?}: {text}");
    }
}

#[test]
fn a_server_that_speaks_only_old_versions_is_told_from_others() {
    let authority = Authority::new("CA");
    let server = Server::start(authority.identity("h", |_| {}), &[&TLS12], None);
    let settings = Settings::new().min_tls(TlsVersion::Tls13);
    let error = ask(&dialer(&trusting(&authority), &settings), server.port).expect_err("too old");
    let text = error.to_string();
    assert!(text.contains("no version of TLS that is allowed here (1.3 alone"), "{text}");
    assert!(!error.is_retryable(), "{text}");

    let server = Server::start(authority.identity("h", |_| {}), &[&TLS13], None);
    ask(&dialer(&trusting(&authority), &settings), server.port).expect("new enough");
}

#[test]
fn a_server_without_tls_is_told_from_others() {
    let server = Server::plain();
    let settings = Settings::new().connect_timeout(Duration::from_secs(30));
    let error = ask(&dialer(&Trust::default(), &settings), server.port).expect_err("no TLS");
    let text = error.to_string();
    assert!(text.contains("what it speaks is not TLS; is it an http:// address?"), "{text}");
}

#[test]
fn a_client_certificate_is_shown_to_those_who_ask() {
    let (authority, clients) = (Authority::new("CA"), Authority::new("Client CA"));
    let me = clients.identity("me", |_| {});
    for version in [&TLS13, &TLS12] {
        let identity = authority.identity("h", |_| {});
        let server = Server::start(identity, &[version], Some(&clients));
        let trust = showing(trusting(&authority), &me);
        ask(&dialer(&trust, &Settings::new()), server.port).expect("it knows us");
        assert_eq!(server.next(), Told::Done(Full));

        // One file may hold both.
        let both = format!("{}{}", me.0, me.1);
        let trust = showing(trusting(&authority), &(both.clone(), both));
        ask(&dialer(&trust, &Settings::new()), server.port).expect("it knows us");
        assert_eq!(server.next(), Told::Done(Full));

        // In TLS 1.3 the refusal comes after the handshake.
        let error = ask(&dialer(&trusting(&authority), &Settings::new()), server.port)
            .expect_err("nobody knows us");
        assert!(matches!(server.next(), Told::Failed(_)));
        let text = chain(&error);
        assert!(text.contains("asks for a client certificate"), "{version:?}: {text}");
        assert!(text.contains("OS_CERT"), "{version:?}: {text}");

        let foreign = showing(trusting(&authority), &authority.identity("me", |_| {}));
        let error = ask(&dialer(&foreign, &Settings::new()), server.port).expect_err("foreign");
        assert!(matches!(server.next(), Told::Failed(_)));
        let text = chain(&error);
        assert!(text.contains("our client certificate"), "{version:?}: {text}");
    }
}

#[test]
fn a_client_certificate_that_cannot_be_used_is_found_when_a_driver_is_opened() {
    let authority = Authority::new("CA");
    let (mine, another) = (authority.identity("me", |_| {}), authority.identity("me", |_| {}));
    let encrypted = mine.1.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    let (certificate, key) = (&mine.0, &mine.1);
    for (certificate, key, parts) in [
        (certificate, &another.1, ["private key in me.key is not that of", "me.pem"]),
        (key, key, ["me.pem", "holds no certificate"]),
        (certificate, certificate, ["me.key", "holds no private key"]),
        (certificate, &encrypted, ["me.key", "not encrypted"]),
        (certificate, &String::new(), ["me.key", "holds no private key"]),
        (&"-----BEGIN CERTIFICATE-----\nMII".to_owned(), key, ["me.pem", "is not PEM"]),
    ] {
        let trust = showing(Trust::default(), &(certificate.clone(), key.clone()));
        let error = Dialer::new(&trust, &Settings::new()).err().expect("no dialer");
        assert_eq!(error.kind(), ErrorKind::Invalid);
        let text = chain(&error);
        assert!(parts.iter().all(|part| text.contains(part)), "{parts:?}: {text}");
        let secret = mine.1.lines().nth(1).expect("a key has lines");
        assert!(!text.contains(secret), "{text}");
    }
}

/// Runs itself in a process whose system has no certificates.
#[test]
fn without_the_systems_certificates_the_bundled_ones_judge_if_they_are_built_in() {
    const CHILD: &str = "WELKIN_TEST_WITHOUT_ROOTS";
    if std::env::var_os(CHILD).is_none() {
        let name = "wire::tls::tests::\
                    without_the_systems_certificates_the_bundled_ones_judge_if_they_are_built_in";
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name])
            .envs([(CHILD, "1"), ("SSL_CERT_FILE", "/dev/null"), ("SSL_CERT_DIR", "/dev/null")])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&child.stdout);
        assert!(child.status.success() && said.contains("1 passed"), "{said}");
        return;
    }
    let tls = Tls::new(&Trust::default(), TlsVersion::Tls12).unwrap();
    let verifier = tls.verifier().map(drop);
    assert_eq!(verifier.is_ok(), cfg!(feature = "webpki-roots"), "{verifier:?}");
    if let Err(e) = verifier {
        assert!(e.to_string().contains("no CA certificates: install them"), "{e}");
    }
}
