//! One login, renewed ahead, replaced when refused; and what a catalog lacks.

use super::*;

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
    assert!(server.seen.most_open.load(SeqCst) <= 2, "one for callers, one for a login");
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
    assert!((7..=16).contains(&logins), "{logins} logins in 7.5 lifetimes");
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
    assert_eq!(server.seen.logins.load(SeqCst), 2, "two generations, no more");
}

#[test]
fn a_call_of_another_provider_never_meets_this_token() {
    let server = Server::start(echo);
    let session = session(&server, quick());
    let target = Target::Service(Service { provider: "other", name: "things" });
    let foreign: Call<()> =
        Call::new(Request::new(target, Method::GET, "/x"), |_| Ok(Step::Done(())));
    let error = Op::new(&session, "x", Ok(foreign)).wait().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert_eq!(server.seen.requests.load(SeqCst), 0);
}

#[test]
fn what_the_catalog_lacks_is_said_with_what_it_has() {
    let server = Server::start(echo);
    let session = session(&server, quick());
    let ask = |session: &Session, name| {
        let target = Target::Service(Service { provider: "test", name });
        let call: Call<()> =
            Call::new(Request::new(target, Method::GET, "/x"), |_| Ok(Step::Done(())));
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
fn a_token_that_lives_shorter_than_its_login_takes_is_still_used() {
    let server = Server::start(|asked| match asked.path.as_str() {
        "/login" => Reply::Slow(Duration::from_millis(150), "t1 100".into()),
        path => Reply::Text(200, path.into()),
    });
    assert_eq!(get(&session(&server, quick()), "/x").wait().unwrap(), "/x");
}

#[test]
fn a_token_without_a_life_is_an_error_and_not_an_endless_login() {
    let server = Server::start(|asked| match asked.path.as_str() {
        "/login" => Reply::Text(200, "t1 0".into()),
        path => Reply::Text(200, path.into()),
    });
    let error = get(&session(&server, quick()), "/x").wait().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert_eq!(server.seen.logins.load(SeqCst), 1);
}
