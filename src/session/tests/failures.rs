//! What is sent again, what never is, and how each failure is named.

use super::*;

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
        server.wait_until_closed();
        assert_eq!(post(&session, "/y").wait().unwrap(), "/y");
        server.wait_until_closed();
    }
    let Stats { replays, connections_stale, .. } = session.stats();
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
        assert_eq!(get(&session, "/after").wait().unwrap(), "/after", "the pool is sound");
    }
}

#[test]
fn passing_failures_are_tried_again_up_to_the_limit() {
    let failures = |status, header: &'static str, times: usize| {
        let left = AtomicUsize::new(times);
        Server::start(move |asked| match asked.path.as_str() {
            "/login" => echo(asked),
            _ if left.fetch_update(SeqCst, SeqCst, |n| n.checked_sub(1)).is_ok() => {
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
    assert!(post(&session(&server, quick()), "/x").wait().is_err(), "503 may hide a deed");
    for slow_down in [429, 418] {
        let server = failures(slow_down, "Retry-After: 0", 1);
        assert_eq!(post(&session(&server, quick()), "/x").wait().unwrap(), "/x");
    }
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
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for result in [silent().wait(), runtime.block_on(silent()), smol::block_on(silent())] {
        assert_eq!(result.unwrap_err().kind(), ErrorKind::Timeout(Phase::Answer));
    }
    thread::scope(|s| {
        s.spawn(|| get(&session, "/silent").timeout(Duration::from_millis(400)).wait());
        thread::sleep(Duration::from_millis(100));
        for result in [
            get(&session, "/x").timeout(Duration::from_millis(50)).wait(),
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
fn mistakes_in_options_come_out_when_the_operation_runs() {
    let server = Server::start(echo);
    let session = session(&server, quick());
    for (name, value) in [("x-a", "b\r\nx-evil: 1"), ("x a", "b"), ("x-auth-token", "mine")] {
        let error = get(&session, "/x").header(name, value).wait().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{name}");
    }
    assert_eq!(server.seen.requests.load(SeqCst), 0);
    assert_eq!(get(&session, "/x").header("x-b", "c").wait().unwrap(), "/x");
}

#[test]
fn limits_without_end_are_taken_as_long_ones() {
    let server = Server::start(echo);
    let settings = Settings::new()
        .connect_timeout(Duration::MAX)
        .attempt_timeout(Duration::MAX)
        .timeout(Duration::MAX)
        .idle_timeout(Duration::MAX)
        .connection_lifetime(Duration::MAX)
        .retry(Retry::attempts(u32::MAX).pauses(Duration::MAX, Duration::MAX));
    let session = session(&server, settings);
    let op = || get(&session, "/x").timeout(Duration::MAX);
    assert_eq!(op().wait().unwrap(), "/x");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    assert_eq!(runtime.block_on(op()).unwrap(), "/x");
}
