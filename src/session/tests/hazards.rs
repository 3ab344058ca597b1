//! Rare moments that once went wrong, or easily would.

use super::*;
use crate::call::{Cursor, Page};
use crate::page::List;

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

#[test]
fn connections_that_a_sweep_closed_are_not_counted_off_again_by_a_fresh_lease() {
    let asked_for = AtomicUsize::new(0);
    let server = Server::start(move |asked| match asked.path.as_str() {
        "/x" => match asked_for.fetch_add(1, SeqCst) {
            // The replay wants a fresh connection, and goes on wanting it a sweep later.
            0 => Reply::Close,
            1 => Reply::With(503, "Retry-After: 1", "later".into()),
            _ => Reply::Text(200, "x".into()),
        },
        "/slow" => Reply::Slow(ms(50), "s".into()),
        _ => echo(asked),
    });
    let session = session(&server, quick().idle_timeout(ms(300)).connections_per_host(4));
    get(&session, "/warm").wait().unwrap();
    thread::scope(|s| {
        let x = s.spawn(|| get(&session, "/x").wait().unwrap());
        thread::sleep(ms(200));
        for _ in 0..3 {
            s.spawn(|| get(&session, "/slow").wait().unwrap());
        }
        assert_eq!(x.join().unwrap(), "x");
    });
    assert!(session.stats().connections_open <= 4);
    assert_eq!(get(&session, "/y").wait().unwrap(), "/y");
}

#[test]
fn a_cancel_between_two_receives_is_heard() {
    let server = Server::start(echo);
    let session = session(&server, quick());
    get(&session, "/warm").wait().unwrap();
    let cancel = Cancel::new();
    let from_elsewhere = cancel.clone();
    let request = Request::new(Target::Service(SERVICE), Method::GET, "/first");
    let first: Call<String> = Call::new(request, move |_| {
        from_elsewhere.cancel();
        Ok(Step::Next(call(Method::GET, "/second")))
    });
    let began = Instant::now();
    let op = Op::new(&session, "x", Ok(first)).cancel_on(&cancel).timeout(ms(20_000));
    assert_eq!(op.wait().unwrap_err().kind(), ErrorKind::Canceled);
    assert!(began.elapsed() < ms(10_000), "it was not the time-out that ended it");
}

#[test]
fn a_deadline_rings_although_the_tasks_budget_was_used_up() {
    let server = Server::start(|asked| match asked.path.as_str() {
        "/silent" => Reply::Silence,
        _ => echo(asked),
    });
    let session = session(&server, quick().retry(Retry::never()));
    get(&session, "/warm").wait().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let task = runtime.spawn(async move {
        while tokio::task::coop::has_budget_remaining() {
            tokio::task::coop::consume_budget().await;
        }
        let silent = get(&session, "/silent").timeout(ms(100));
        tokio::time::timeout(ms(20_000), silent).await
    });
    let error = runtime.block_on(task).unwrap().expect("our own deadline came first").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout(Phase::Answer));
}

#[test]
fn nothing_is_sent_when_the_time_is_over() {
    let posts = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&posts);
    let server = Server::start(move |asked| {
        count.fetch_add(usize::from(asked.path == "/new"), SeqCst);
        echo(asked)
    });
    let session = session(&server, quick());
    get(&session, "/warm").wait().unwrap();
    let error = post(&session, "/new").timeout(Duration::ZERO).wait().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout(Phase::Acquire));
    get(&session, "/after").wait().unwrap();
    assert_eq!(posts.load(SeqCst), 0);
}

#[test]
fn a_failed_renewal_locks_nobody_out_once_the_token_has_ended() {
    let began = Instant::now();
    let logins = AtomicUsize::new(0);
    let server = Server::start(move |asked| match asked.path.as_str() {
        "/login" if logins.fetch_add(1, SeqCst) == 0 => Reply::Text(200, "t1 1000".into()),
        "/login" if began.elapsed() < ms(900) => Reply::Text(401, "down".into()),
        "/login" => Reply::Text(200, "t2 3600000".into()),
        path => Reply::Text(200, path.into()),
    });
    let session = session(&server, quick());
    while began.elapsed() < ms(1_600) {
        // The login is well again before the token ends, so no call may fail for it, except those
        // that share the last failure.
        if let Err(e) = get(&session, "/x").wait() {
            assert!(began.elapsed() < ms(1_450), "{e} after {:?}", began.elapsed());
        }
        thread::sleep(ms(10));
    }
    assert_eq!(get(&session, "/x").wait().unwrap(), "/x");
}

#[test]
fn an_endpoint_that_refuses_everything_does_not_drive_the_others_from_login_to_login() {
    let server = Server::start(|asked| match asked.path.as_str() {
        "/bad" => Reply::Text(401, "policy".into()),
        _ => echo(asked),
    });
    let session = session(&server, quick());
    thread::scope(|s| {
        for _ in 0..4 {
            s.spawn(|| (0..200).for_each(|_| drop(get(&session, "/good").wait().unwrap())));
        }
        s.spawn(|| {
            for _ in 0..200 {
                assert_eq!(get(&session, "/bad").wait().unwrap_err().status().unwrap(), 401);
            }
        });
    });
    let logins = server.seen.logins.load(SeqCst);
    assert!(logins <= 12, "{logins} logins for 200 refused calls");
}

#[test]
fn a_login_gets_past_connections_that_the_server_has_closed() {
    let server = Server::start(|asked| match asked.path.as_str() {
        "/login" => Reply::Text(200, "t1 300".into()),
        path => {
            thread::sleep(ms(20));
            Reply::ThenClose(ms(30), path.into())
        }
    });
    let session = session(&server, quick());
    thread::scope(|s| {
        (0..8).for_each(|_| drop(s.spawn(|| get(&session, "/x").wait().unwrap())));
    });
    thread::sleep(ms(500));
    assert_eq!(get(&session, "/x").wait().unwrap(), "/x", "the token has ended, too");
}

#[test]
fn pages_that_lead_in_a_circle_end() {
    let server = Server::start(echo);
    let session = session(&server, quick());
    let list = || {
        List::new(&session, "list", |from: Option<&Cursor>| {
            let next = if from.is_some_and(|c| c.as_str() == "a") { "b" } else { "a" };
            let request = Request::new(Target::Service(SERVICE), Method::GET, "/p");
            Ok(Call::new(request, move |_| {
                Ok(Step::Done(Page::new(vec![1], Some(Cursor::new(next)))))
            }))
        })
    };
    assert_eq!(list().wait().unwrap_err().kind(), ErrorKind::Protocol);
    let lazily: Vec<_> = list().iter().collect();
    assert_eq!(lazily.len(), 3, "two pages, and the error that ends it");
    assert!(lazily[2].is_err());
}

#[test]
fn an_answer_that_comes_early_ends_an_upload_in_every_home() {
    let server = Server::start(|asked| match asked.path.as_str() {
        "/big" => Reply::TooLarge,
        _ => echo(asked),
    });
    let session = session(&server, quick());
    let upload = || {
        let mut request = Request::new(Target::Service(SERVICE), Method::POST, "/big");
        request.body = vec![b'x'; 32 << 20].into();
        let call = Call::new(request, |answer| Ok(Step::Done(answer.status.as_u16())));
        Op::new(&session, "upload", Ok(call)).timeout(ms(20_000))
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    assert_eq!(upload().wait().unwrap(), 413);
    assert_eq!(runtime.block_on(upload()).unwrap(), 413);
    assert_eq!(smol::block_on(upload()).unwrap(), 413);
    assert_eq!(get(&session, "/after").wait().unwrap(), "/after");
}
