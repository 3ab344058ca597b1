//! One is told to slow down, and all do.

use super::*;

/// Serves so many at once, each for two milliseconds, and refuses the others; counts both.
struct Narrow {
    most: usize,
    busy: AtomicUsize,
    served: AtomicUsize,
    refused: AtomicUsize,
}

impl Narrow {
    fn new(most: usize) -> Arc<Self> {
        let (busy, served, refused) = Default::default();
        Arc::new(Self { most, busy, served, refused })
    }

    fn server(self: &Arc<Self>) -> Server {
        let own = Arc::clone(self);
        Server::start(move |asked| match asked.path.as_str() {
            "/login" => echo(asked),
            path => own.serve(path),
        })
    }

    fn serve(&self, path: &str) -> Reply {
        let busy = self.busy.fetch_add(1, SeqCst) + 1;
        let reply = if busy > self.most {
            self.refused.fetch_add(1, SeqCst);
            Reply::Text(429, "too many".into())
        } else {
            self.served.fetch_add(1, SeqCst);
            thread::sleep(Duration::from_millis(2));
            Reply::Text(200, path.into())
        };
        self.busy.fetch_sub(1, SeqCst);
        reply
    }
}

#[test]
fn a_cloud_that_serves_eight_at_once_refuses_few_of_32_threads_and_all_succeed() {
    const CALLS: usize = 60;
    let cloud = Narrow::new(8);
    let server = cloud.server();
    let session = session(&server, quick().retry(Retry::attempts(6)));
    get(&session, "/warm").wait().unwrap();
    thread::scope(|s| {
        for i in 0..32 {
            let session = &session;
            s.spawn(move || {
                for n in 0..CALLS {
                    let path = format!("/{i}/{n}");
                    assert_eq!(get(session, &path).wait().unwrap(), path);
                }
            });
        }
    });
    let (served, refused) = (cloud.served.load(SeqCst), cloud.refused.load(SeqCst));
    assert_eq!(served, 32 * CALLS + 1);
    assert!(refused > 0, "the cloud was narrow");
    assert!(refused * 8 < served, "{refused} refused of {served}");
    assert_eq!(session.stats().slowed_down, refused as u64);
    assert_eq!(session.stats().held_back, 0);
}

/// A server whose first answer is that; then it serves everybody.
fn once(status: u16, header: &'static str) -> Server {
    let asked_for = AtomicUsize::new(0);
    Server::start(move |asked| match asked.path.as_str() {
        "/login" => echo(asked),
        _ if asked_for.fetch_add(1, SeqCst) == 0 => Reply::With(status, header, "not now".into()),
        path => Reply::Text(200, path.into()),
    })
}

#[test]
fn each_word_for_slow_down_holds_the_next_caller_and_other_failures_do_not() {
    for (status, header, holds) in [
        (429, "Retry-After: 3600", true),
        (418, "Retry-After: 3600", true),
        (503, "Retry-After: 3600", true),
        (503, "X-A: b", false),
        (404, "Retry-After: 3600", false),
    ] {
        let server = once(status, header);
        let session = session(&server, quick().retry(Retry::never()));
        assert_eq!(get(&session, "/x").wait().unwrap_err().status().unwrap(), status);
        assert_eq!(session.stats().slowed_down, u64::from(holds), "{status} {header}");
        let asked = server.seen.requests.load(SeqCst);
        let next = get(&session, "/y").timeout(Duration::from_secs(20)).wait();
        if !holds {
            next.unwrap();
            continue;
        }
        let error = next.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RateLimited, "{error}");
        assert!(error.is_retryable());
        assert!(error.status().is_none() && error.to_string().contains("not sent"), "{error}");
        // Others are held for half a minute at most, whatever the cloud says.
        let wait = error.retry_after().unwrap();
        assert!(wait > Duration::from_secs(20) && wait <= Duration::from_secs(30), "{wait:?}");
        assert_eq!(server.seen.requests.load(SeqCst), asked);
    }
}

#[test]
fn a_login_is_never_held_and_what_is_held_gets_the_token_of_its_moment() {
    let logins = AtomicUsize::new(0);
    let gets = AtomicUsize::new(0);
    let server = Server::start(move |asked| match asked.path.as_str() {
        // The first token ends while everybody is held.
        "/login" => match logins.fetch_add(1, SeqCst) {
            0 => Reply::Text(200, "t0 400".into()),
            n => Reply::Text(200, format!("t{n} 3600000")),
        },
        _ if gets.fetch_add(1, SeqCst) == 0 => Reply::With(429, "Retry-After: 1", "no".into()),
        _ => Reply::Text(200, asked.token.clone()),
    });
    let session = session(&server, quick().retry(Retry::never()));
    assert!(get(&session, "/x").wait().is_err());
    assert_eq!(get(&session, "/x").wait().unwrap(), "t1");
}

#[test]
fn who_waits_in_line_past_its_time_is_told_that_it_was_never_sent() {
    let server = Server::start(|asked| match asked.path.as_str() {
        "/no" => Reply::With(429, "Retry-After: 0", "no".into()),
        "/silent" => Reply::Silence,
        _ => echo(asked),
    });
    let session = session(&server, quick().retry(Retry::never()));
    assert!(get(&session, "/no").wait().is_err());
    let cancel = Cancel::new();
    let before = server.seen.requests.load(SeqCst);
    thread::scope(|s| {
        // The only pass there is.
        let holder = s.spawn(|| get(&session, "/silent").cancel_on(&cancel).wait());
        while server.seen.requests.load(SeqCst) == before {
            thread::yield_now();
        }
        let asked = server.seen.requests.load(SeqCst);
        let error = get(&session, "/x").timeout(Duration::from_millis(50)).wait().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RateLimited);
        let text = error.to_string();
        assert!(text.contains("1 may be on their way") && text.contains("not sent"), "{text}");
        assert_eq!(server.seen.requests.load(SeqCst), asked);
        cancel.cancel();
        assert_eq!(holder.join().unwrap().unwrap_err().kind(), ErrorKind::Canceled);
    });
    assert_eq!(get(&session, "/x").wait().unwrap(), "/x", "its pass came back");
}
