//! The session against a server that does what a test says, in every home.

mod server;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use http::{HeaderName, Method};

use self::server::{Asked, Reply, Server};
use super::{Session, Stats};
use crate::call::{
    Auth, Call, Endpoint, Grant, Replay, Request, Service, Signing, Step, Target, Token, Trust,
};
use crate::cancel::Cancel;
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::op::Op;
use crate::settings::{Retry, Settings};

const SERVICE: Service = Service {
    provider: "test",
    name: "things",
};

/// A cloud whose login answers `token lifetime_ms`.
struct TestCloud(String);

impl Auth for TestCloud {
    fn login(&self) -> Result<Call<Grant>> {
        let url = self.0.clone();
        let request = Request::new(Target::Url(url.clone()), Method::POST, "/login");
        Ok(Call::new(request.replay(Replay::Safe), move |answer| {
            let text = String::from_utf8_lossy(&answer.body).into_owned();
            let (token, life) = text.split_once(' ').ok_or_else(|| {
                Error::new(ErrorKind::Auth, format!("no login: {text}")).with_status(answer.status)
            })?;
            Ok(Step::Done(Grant {
                token: Token::new(token)?,
                lifetime: Duration::from_millis(life.parse().unwrap()),
                endpoints: vec![Endpoint {
                    service: "things".into(),
                    region: "R".into(),
                    url,
                }],
            }))
        }))
    }

    fn authorize(&self, signing: Signing<'_>) -> Result<()> {
        let name = HeaderName::from_static("x-auth-token");
        signing.headers.insert(name, signing.token.header());
        Ok(())
    }
}

fn session(server: &Server, settings: Settings) -> Session {
    Session::new(
        "test",
        Arc::new(TestCloud(server.url())),
        &Trust::default(),
        None,
        settings,
    )
    .unwrap()
}

fn call(method: Method, path: &str) -> Call<String> {
    Call::new(
        Request::new(Target::Service(SERVICE), method, path),
        |answer| {
            let text = String::from_utf8_lossy(&answer.body).into_owned();
            if answer.status.is_success() {
                return Ok(Step::Done(text));
            }
            Err(Error::new(ErrorKind::Other, text).with_status(answer.status))
        },
    )
}

fn get(session: &Session, path: &str) -> Op<String> {
    Op::new(session, "get", Ok(call(Method::GET, path)))
}

fn post(session: &Session, path: &str) -> Op<String> {
    Op::new(session, "post", Ok(call(Method::POST, path)))
}

/// Logs in anyone for an hour and answers each path with itself.
fn echo(asked: &Asked) -> Reply {
    match asked.path.as_str() {
        "/login" => Reply::Text(200, "t1 3600000".into()),
        path => Reply::Text(200, path.into()),
    }
}

fn quick() -> Settings {
    let ms = Duration::from_millis;
    Settings::new().retry(Retry::attempts(3).pauses(ms(1), ms(2)))
}

#[test]
fn every_home_uses_the_same_token_and_pool() {
    let server = Server::start(echo);
    let session = session(&server, quick());
    assert_eq!(get(&session, "/thread").wait().unwrap(), "/thread");

    let current = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    assert_eq!(
        current.block_on(get(&session, "/current")).unwrap(),
        "/current"
    );
    let s = session.clone();
    let task = current.spawn(async move { get(&s, "/inside").wait() });
    assert_eq!(current.block_on(task).unwrap().unwrap(), "/inside");
    drop(current);

    let multi = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    assert_eq!(
        multi
            .block_on(multi.spawn(get(&session, "/multi")))
            .unwrap()
            .unwrap(),
        "/multi"
    );
    drop(multi);

    assert_eq!(smol::block_on(get(&session, "/smol")).unwrap(), "/smol");
    assert_eq!(get(&session, "/again").wait().unwrap(), "/again");
    assert_eq!(server.seen.logins.load(SeqCst), 1);
    // The one that each home leaves idle serves the next.
    assert_eq!(server.seen.connections.load(SeqCst), 1);
}

#[test]
fn a_runtime_without_drivers_is_served_by_the_own_reactor() {
    let server = Server::start(echo);
    let session = session(&server, quick().own_reactor(true));
    let bare = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    assert_eq!(bare.block_on(get(&session, "/bare")).unwrap(), "/bare");
    let slow = get(&session, "/late").timeout(Duration::from_secs(5));
    assert_eq!(bare.block_on(bare.spawn(slow)).unwrap().unwrap(), "/late");
}

#[test]
fn an_operation_begun_in_one_runtime_ends_in_another() {
    let server = Server::start(|asked| match asked.path.as_str() {
        "/slow" => Reply::Slow(Duration::from_millis(100), "/slow".into()),
        _ => echo(asked),
    });
    let session = session(&server, quick());
    get(&session, "/warm").wait().unwrap();
    let mut op = Box::pin(post(&session, "/slow"));
    let first = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    first.block_on(async {
        let some = tokio::time::timeout(Duration::from_millis(20), &mut op).await;
        assert!(some.is_err());
    });
    drop(first);
    let second = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    assert_eq!(second.block_on(op).unwrap(), "/slow");
}

#[test]
fn a_cold_start_of_many_threads_is_one_login() {
    let server = Server::start(|asked| match asked.path.as_str() {
        "/login" => Reply::Slow(Duration::from_millis(50), "t1 3600000".into()),
        path => Reply::Text(200, path.into()),
    });
    let session = session(&server, quick());
    thread::scope(|s| {
        for i in 0..64 {
            let session = &session;
            s.spawn(move || {
                let path = format!("/{i}");
                assert_eq!(get(session, &path).wait().unwrap(), path);
            });
        }
    });
    assert_eq!(server.seen.logins.load(SeqCst), 1);
    assert_eq!(session.stats().logins, 1);
}

#[test]
fn at_a_cap_of_one_a_renewal_never_waits_for_its_callers() {
    let generation = AtomicUsize::new(0);
    let server = Server::start(move |asked| {
        let live = format!("t{}", generation.load(SeqCst));
        match asked.path.as_str() {
            "/login" => {
                let next = generation.fetch_add(1, SeqCst) + 1;
                Reply::Text(200, format!("t{next} 3600000"))
            }
            "/revoke" => {
                generation.fetch_add(1, SeqCst);
                Reply::Text(200, String::new())
            }
            _ if asked.token != live => Reply::Text(401, "who?".into()),
            path => Reply::Text(200, path.into()),
        }
    });
    let session = session(&server, quick().connections_per_host(1));
    thread::scope(|s| {
        for i in 0..16 {
            let session = &session;
            s.spawn(move || {
                for n in 0..20 {
                    if (i, n) == (3, 5) {
                        get(session, "/revoke").wait().unwrap();
                    }
                    assert_eq!(get(session, "/x").wait().unwrap(), "/x");
                }
            });
        }
    });
    assert_eq!(server.seen.logins.load(SeqCst), 2);
    assert!(
        server.seen.most_open.load(SeqCst) <= 2,
        "one for callers, one for a login"
    );
}

#[test]
fn short_lived_tokens_are_renewed_without_a_failure() {
    let born: Arc<parking_lot::Mutex<Vec<Instant>>> = Arc::default();
    let server = Server::start(move |asked| {
        let mut born = born.lock();
        match asked.path.as_str() {
            "/login" => {
                born.push(Instant::now());
                Reply::Text(200, format!("{} 200", born.len() - 1))
            }
            _ => match born[asked.token.parse::<usize>().unwrap()].elapsed() {
                age if age > Duration::from_millis(200) => Reply::Text(401, "old".into()),
                _ => Reply::Text(200, "ok".into()),
            },
        }
    });
    let session = session(&server, quick());
    let end = Instant::now() + Duration::from_millis(1_500);
    thread::scope(|s| {
        for _ in 0..8 {
            s.spawn(|| {
                while Instant::now() < end {
                    assert_eq!(get(&session, "/x").wait().unwrap(), "ok");
                }
            });
        }
    });
    let logins = server.seen.logins.load(SeqCst);
    assert!(
        (7..=16).contains(&logins),
        "{logins} logins in 7.5 lifetimes"
    );
    assert_eq!(session.stats().logins_failed, 0);
}

#[test]
fn a_refused_login_fails_all_who_wait_and_is_not_hammered() {
    let server = Server::start(|asked| match asked.path.as_str() {
        "/login" => Reply::Text(401, "wrong".into()),
        _ => Reply::Text(500, String::new()),
    });
    let session = session(&server, quick());
    thread::scope(|s| {
        for _ in 0..16 {
            s.spawn(|| {
                for _ in 0..3 {
                    let error = get(&session, "/x").wait().unwrap_err();
                    assert_eq!(error.kind(), ErrorKind::Auth);
                    assert_eq!(error.operation(), Some("login"));
                }
            });
        }
    });
    let logins = server.seen.logins.load(SeqCst);
    assert!(logins <= 3, "{logins} logins for 48 calls at once");
}

#[test]
fn a_refusal_that_is_not_about_age_ends() {
    let server = Server::start(|asked| match asked.path.as_str() {
        "/login" => Reply::Text(200, "t1 3600000".into()),
        _ => Reply::Text(401, "never".into()),
    });
    let session = session(&server, quick());
    let error = get(&session, "/x").wait().unwrap_err();
    assert_eq!(error.status().unwrap(), 401);
    assert_eq!(
        server.seen.logins.load(SeqCst),
        2,
        "two generations, no more"
    );
}

#[test]
fn a_get_that_meets_a_closing_connection_is_sent_again_and_a_post_looks_first() {
    let server = Server::start(|asked| match asked.path.as_str() {
        "/login" => Reply::Text(200, "t1 3600000".into()),
        // Patience that ends while the client idles.
        path => Reply::ThenClose(Duration::from_millis(30), path.into()),
    });
    let session = session(&server, quick());
    for _ in 0..10 {
        assert_eq!(get(&session, "/x").wait().unwrap(), "/x");
        thread::sleep(Duration::from_millis(40));
        assert_eq!(post(&session, "/y").wait().unwrap(), "/y");
        thread::sleep(Duration::from_millis(40));
    }
    let Stats {
        replays,
        connections_stale,
        ..
    } = session.stats();
    assert!(replays >= 5, "gets were sent again: {replays}");
    assert!(connections_stale >= 5, "posts looked: {connections_stale}");
}

#[test]
fn a_post_whose_answer_is_lost_is_ambiguous_and_sent_once() {
    for reply in [
        || Reply::Close,
        || Reply::Raw(b"HTTP/1.1 202 X\r\nContent-Length: 50\r\n\r\nhalf"),
        || Reply::Silence,
    ] {
        let posts = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&posts);
        let server = Server::start(move |asked| match asked.method.as_str() {
            "POST" if asked.path == "/new" => {
                count.fetch_add(1, SeqCst);
                reply()
            }
            _ => echo(asked),
        });
        let session = session(&server, quick().attempt_timeout(Duration::from_millis(200)));
        let error = post(&session, "/new").wait().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Ambiguous);
        assert!(!error.is_retryable());
        assert_eq!(posts.load(SeqCst), 1);
        assert_eq!(
            get(&session, "/after").wait().unwrap(),
            "/after",
            "the pool is sound"
        );
    }
}

#[test]
fn passing_failures_are_tried_again_up_to_the_limit() {
    let failures = |status, header: &'static str, times: usize| {
        let left = AtomicUsize::new(times);
        Server::start(move |asked| match asked.path.as_str() {
            "/login" => echo(asked),
            _ if left
                .fetch_update(SeqCst, SeqCst, |n| n.checked_sub(1))
                .is_ok() =>
            {
                Reply::With(status, header, "not now".into())
            }
            path => Reply::Text(200, path.into()),
        })
    };
    let server = failures(503, "X-A: b", 2);
    assert_eq!(get(&session(&server, quick()), "/x").wait().unwrap(), "/x");
    let server = failures(503, "X-A: b", 3);
    let error = get(&session(&server, quick()), "/x").wait().unwrap_err();
    assert_eq!(error.status().unwrap(), 503);
    let server = failures(503, "X-A: b", 1);
    assert!(
        post(&session(&server, quick()), "/x").wait().is_err(),
        "503 may hide a deed"
    );
    let server = failures(429, "Retry-After: 0", 1);
    assert_eq!(post(&session(&server, quick()), "/x").wait().unwrap(), "/x");
    // No time to wait that long: said at once, not slept through.
    let server = failures(429, "Retry-After: 3600", 1);
    let began = Instant::now();
    assert!(get(&session(&server, quick()), "/x").wait().is_err());
    assert!(began.elapsed() < Duration::from_secs(30));
}

#[test]
fn answers_that_are_not_http_or_too_large_or_cut_are_protocol_errors() {
    for (raw, tries) in [
        (&b"HTTP/1.1 200 X\r\nContent-Length: 50\r\n\r\nhalf"[..], 3),
        (b"SSH-2.0-nonsense\r\n\r\n", 3),
        (b"HTTP/1.1 200 X\r\nContent-Length: 5000\r\n\r\n", 1),
    ] {
        let asked_for = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked_for);
        let server = Server::start(move |asked| match asked.path.as_str() {
            "/bad" => {
                count.fetch_add(1, SeqCst);
                Reply::Raw(raw)
            }
            _ => echo(asked),
        });
        let session = session(&server, quick().largest_answer(1_000));
        let error = get(&session, "/bad").wait().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{error:?}");
        assert_eq!(asked_for.load(SeqCst), tries, "{error}");
        assert_eq!(get(&session, "/after").wait().unwrap(), "/after");
    }
}

#[test]
fn time_outs_name_their_phase_in_every_home() {
    let server = Server::start(|asked| match asked.path.as_str() {
        "/silent" => Reply::Silence,
        _ => echo(asked),
    });
    let session = session(&server, quick().connections_per_host(1));
    let silent = || get(&session, "/silent").timeout(Duration::from_millis(60));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    for result in [
        silent().wait(),
        runtime.block_on(silent()),
        smol::block_on(silent()),
    ] {
        assert_eq!(
            result.unwrap_err().kind(),
            ErrorKind::Timeout(Phase::Answer)
        );
    }
    thread::scope(|s| {
        s.spawn(|| {
            get(&session, "/silent")
                .timeout(Duration::from_millis(400))
                .wait()
        });
        thread::sleep(Duration::from_millis(100));
        for result in [
            get(&session, "/x")
                .timeout(Duration::from_millis(50))
                .wait(),
            smol::block_on(get(&session, "/x").timeout(Duration::from_millis(50))),
        ] {
            let error = result.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Timeout(Phase::Acquire));
            assert!(error.to_string().contains("1 of 1 open"), "{error}");
        }
    });
    assert_eq!(get(&session, "/after").wait().unwrap(), "/after");
    assert_eq!(session.stats().waiting, 0);
}

#[test]
fn cancelling_ends_a_blocked_thread_and_a_queued_one() {
    let server = Server::start(|asked| match asked.path.as_str() {
        "/silent" => Reply::Silence,
        _ => echo(asked),
    });
    let session = session(&server, quick().connections_per_host(1));
    get(&session, "/warm").wait().unwrap();
    let cancel = Cancel::new();
    let began = Instant::now();
    thread::scope(|s| {
        let waits: Vec<_> = (0..3)
            .map(|_| s.spawn(|| get(&session, "/silent").cancel_on(&cancel).wait()))
            .collect();
        thread::sleep(Duration::from_millis(50));
        cancel.cancel();
        for wait in waits {
            assert_eq!(
                wait.join().unwrap().unwrap_err().kind(),
                ErrorKind::Canceled
            );
        }
    });
    assert!(began.elapsed() < Duration::from_secs(10));
    assert_eq!(get(&session, "/after").wait().unwrap(), "/after");
    assert_eq!(
        get(&session, "/x")
            .cancel_on(&cancel)
            .wait()
            .unwrap_err()
            .kind(),
        ErrorKind::Canceled
    );
}

#[test]
fn dropped_operations_leave_pool_and_token_sound() {
    let server = Server::start(|asked| match asked.path.as_str() {
        "/login" => Reply::Slow(Duration::from_millis(20), "t1 3600000".into()),
        path => Reply::Slow(Duration::from_millis(5), path.into()),
    });
    let session = session(&server, quick().connections_per_host(2));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        for i in 0..200 {
            let limit = Duration::from_micros(i * 100);
            let ops = (0..4).map(|_| tokio::time::timeout(limit, get(&session, "/x")));
            let tasks: Vec<_> = ops.map(tokio::spawn).collect();
            for task in tasks {
                // Either it was dropped half way, or it is right.
                if let Ok(result) = task.await.unwrap() {
                    assert_eq!(result.unwrap(), "/x");
                }
            }
        }
        assert_eq!(get(&session, "/after").await.unwrap(), "/after");
    });
    let stats = session.stats();
    assert_eq!(
        (stats.waiting, stats.connections_open),
        (0, stats.connections_idle)
    );
    assert!(
        server.seen.logins.load(SeqCst) == 1,
        "a dropped caller takes no login with it"
    );
}

#[test]
fn never_more_connections_than_the_cap_and_first_come_is_first_served() {
    let server = Server::start(|asked| match asked.path.as_str() {
        "/login" => echo(asked),
        path => Reply::Slow(Duration::from_millis(1), path.into()),
    });
    let session = session(&server, quick().connections_per_host(4));
    get(&session, "/warm").wait().unwrap();
    thread::scope(|s| {
        for i in 0..32 {
            let session = &session;
            s.spawn(move || {
                for n in 0..25 {
                    let path = format!("/{i}/{n}");
                    assert_eq!(get(session, &path).wait().unwrap(), path);
                }
            });
        }
    });
    assert!(server.seen.most_open.load(SeqCst) <= 4);
    assert!(session.stats().waits > 100);
}

/// Asks for a path of its own from each of 64 threads and counts what is not its answer.
fn race(session: &Session, calls: usize) -> usize {
    let wrong = AtomicUsize::new(0);
    thread::scope(|s| {
        for i in 0..64 {
            let wrong = &wrong;
            s.spawn(move || {
                for n in 0..calls / 64 {
                    let path = format!("/{i}/{n}");
                    let answer = get(session, &path).timeout(Duration::from_secs(2)).wait();
                    if answer.ok().as_ref() != Some(&path) {
                        wrong.fetch_add(1, SeqCst);
                    }
                }
            });
        }
    });
    wrong.into_inner()
}

#[test]
fn a_race_of_64_threads_for_one_pool_gets_every_answer_to_its_asker() {
    let server = Server::start(echo);
    assert_eq!(
        race(&session(&server, quick().connections_per_host(16)), 20_000),
        0
    );
}

#[test]
fn the_race_notices_a_pool_that_hands_one_connection_out_twice() {
    let server = Server::start(echo);
    let mut settings = quick().connections_per_host(16).retry(Retry::never());
    settings.hands_out_twice = true;
    assert!(race(&session(&server, settings), 640) > 0);
}

#[test]
fn the_last_handle_closes_every_socket() {
    let server = Server::start(echo);
    let session = session(&server, quick());
    thread::scope(|s| {
        (0..4).for_each(|_| drop(s.spawn(|| get(&session, "/x").wait().unwrap())));
    });
    session.close_idle();
    assert_eq!(session.stats().connections_open, 0);
    get(&session, "/x").wait().unwrap();
    drop(session);
    let end = Instant::now() + Duration::from_secs(5);
    while server.seen.open.load(SeqCst) > 0 {
        assert!(
            Instant::now() < end,
            "{} sockets still open",
            server.seen.open.load(SeqCst)
        );
        thread::yield_now();
    }
}

#[test]
fn a_call_of_another_provider_never_meets_this_token() {
    let server = Server::start(echo);
    let session = session(&server, quick());
    let target = Target::Service(Service {
        provider: "other",
        name: "things",
    });
    let foreign: Call<()> = Call::new(Request::new(target, Method::GET, "/x"), |_| {
        Ok(Step::Done(()))
    });
    let error = Op::new(&session, "x", Ok(foreign)).wait().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert_eq!(server.seen.requests.load(SeqCst), 0);
}

#[test]
fn what_the_catalog_lacks_is_said_with_what_it_has() {
    let server = Server::start(echo);
    let session = session(&server, quick());
    let ask = |session: &Session, name| {
        let target = Target::Service(Service {
            provider: "test",
            name,
        });
        let call: Call<()> = Call::new(Request::new(target, Method::GET, "/x"), |_| {
            Ok(Step::Done(()))
        });
        Op::new(session, "x", Ok(call)).wait().unwrap_err()
    };
    let error = ask(&session, "dns");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("things"), "{error}");
    let error = ask(&session.in_region("Mars"), "things");
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains("there are: R"), "{error}");
    assert_eq!(server.seen.logins.load(SeqCst), 1);
}

#[test]
fn mistakes_in_options_come_out_when_the_operation_runs() {
    let server = Server::start(echo);
    let session = session(&server, quick());
    for (name, value) in [
        ("x-a", "b\r\nx-evil: 1"),
        ("x a", "b"),
        ("x-auth-token", "mine"),
    ] {
        let error = get(&session, "/x").header(name, value).wait().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{name}");
    }
    assert_eq!(server.seen.requests.load(SeqCst), 0);
    assert_eq!(get(&session, "/x").header("x-b", "c").wait().unwrap(), "/x");
}
