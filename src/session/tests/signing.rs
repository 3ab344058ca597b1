//! A cloud without logins: keys sign each request, and each attempt anew.

use std::time::{SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;

use super::*;
use crate::call::{Keys, Secret};

/// Signs by writing down what there was to sign.
struct SigningCloud(String);

impl Auth for SigningCloud {
    fn login(&self) -> Result<Step<Grant>> {
        let keys = Keys { id: "k".into(), secret: Secret::new("s"), session: None };
        Ok(Step::Done(Grant {
            token: Token::Keys(keys),
            lifetime: Duration::MAX,
            endpoints: vec![Endpoint {
                service: "things".into(),
                region: None,
                url: self.0.clone(),
            }],
        }))
    }

    fn authorize(&self, signing: Signing<'_>) -> Result<()> {
        let Signing { method, uri, headers, body, service, region, now, token } = signing;
        let Token::Keys(keys) = token else { panic!("the login gave another kind") };
        let (host, now) = (headers["host"].to_str().unwrap(), nanos(now));
        let body = body.bytes().unwrap();
        let signed = format!("{now} {} {method} {host} {uri} {body:?} {service} {region}", keys.id);
        headers.insert("x-auth-token", signed.parse().unwrap());
        Ok(())
    }
    fn refusal(&self, answer: &Response) -> ErrorKind {
        refusal(answer)
    }
}

fn nanos(time: SystemTime) -> u128 {
    time.duration_since(UNIX_EPOCH).unwrap().as_nanos()
}

fn signing_session(server: &Server, settings: Settings) -> Session {
    let auth = Arc::new(SigningCloud(server.url()));
    Session::new("test", auth, &Trust::default(), Some("north"), settings).unwrap()
}

/// When a signature was made.
fn signed_at(asked: &Asked) -> u128 {
    asked.token.split(' ').next().unwrap().parse().unwrap()
}

#[test]
fn a_signature_covers_the_request_as_it_goes_out() {
    let server = Server::start(|asked| Reply::Text(200, asked.token.clone()));
    let session = signing_session(&server, quick());
    let signed = get(&session, "/a?b=c%20d").wait().unwrap();
    let (_, signed) = signed.split_once(' ').unwrap();
    let host = server.address;
    assert_eq!(signed, format!("k GET {host} /a?b=c%20d b\"\" things north"));
    let south = get(&session.in_region("south"), "/x").wait().unwrap();
    assert!(south.ends_with("things south"), "{south}");
    assert_eq!(server.seen.logins.load(SeqCst), 0, "there is nowhere to log in");
    assert_eq!(server.seen.requests.load(SeqCst), 2);
}

#[test]
fn each_attempt_is_signed_anew() {
    let seen = Arc::<Mutex<Vec<u128>>>::default();
    let times = Arc::clone(&seen);
    let server = Server::start(move |asked| {
        let mut times = times.lock();
        times.push(signed_at(asked));
        Reply::Text(if times.len() < 3 { 503 } else { 200 }, String::new())
    });
    get(&signing_session(&server, quick()), "/x").wait().unwrap();
    let seen = seen.lock();
    assert_eq!(seen.len(), 3);
    assert!(seen.is_sorted_by(|a, b| a < b), "{seen:?}");
}

#[test]
fn what_waited_for_a_connection_is_signed_after_the_wait() {
    let server = Server::start(|asked| {
        let signed = signed_at(asked);
        let waited = nanos(SystemTime::now()) - signed;
        match asked.path.as_str() {
            "/long" => Reply::Slow(Duration::from_secs(1), String::new()),
            _ => Reply::Text(200, waited.to_string()),
        }
    });
    let session = signing_session(&server, quick().connections_per_host(1));
    thread::scope(|s| {
        let first = s.spawn(|| get(&session, "/long").wait().unwrap());
        thread::sleep(Duration::from_millis(50));
        let waits = s.spawn(|| get(&session, "/next").wait().unwrap());
        first.join().unwrap();
        let age = Duration::from_nanos(waits.join().unwrap().parse().unwrap());
        assert!(age < Duration::from_millis(800), "signed {age:?} before it went out");
    });
    assert_eq!(server.seen.most_open.load(SeqCst), 1);
}

#[test]
fn keys_that_are_refused_are_refused_once() {
    let server = Server::start(|_| Reply::Text(401, "who?".into()));
    let session = signing_session(&server, quick());
    let error = get(&session, "/x").wait().unwrap_err();
    assert_eq!(error.status().unwrap(), 401);
    assert_eq!(server.seen.requests.load(SeqCst), 1, "there are no others to try");
    assert_eq!(session.stats().logins, 1);
}
