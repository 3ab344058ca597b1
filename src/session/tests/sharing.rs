//! Many callers at once: every answer to its asker, nobody overlooked, nothing leaked.

use super::*;

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
            assert_eq!(wait.join().unwrap().unwrap_err().kind(), ErrorKind::Canceled);
        }
    });
    assert!(began.elapsed() < Duration::from_secs(10));
    assert_eq!(get(&session, "/after").wait().unwrap(), "/after");
    assert_eq!(
        get(&session, "/x").cancel_on(&cancel).wait().unwrap_err().kind(),
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
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
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
    // An answer that nobody waits for any more may still be on its way: calls look for it.
    let is_sound = |stats: &Stats| stats.connections_open == stats.connections_idle;
    let looks = (0..1_000).take_while(|_| !is_sound(&session.stats()));
    looks.for_each(|_| assert_eq!(get(&session, "/look").wait().unwrap(), "/look"));
    let stats = session.stats();
    assert!(is_sound(&stats) && stats.waiting == 0, "{stats:?}");
    assert!(server.seen.logins.load(SeqCst) == 1, "a dropped caller takes no login with it");
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
    assert_eq!(race(&session(&server, quick().connections_per_host(16)), 20_000), 0);
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
    server.wait_until_closed();
}

#[test]
fn connections_end_when_they_were_idle_too_long_or_have_had_their_time() {
    let ms = Duration::from_millis;
    for settings in [quick().idle_timeout(ms(200)), quick().connection_lifetime(ms(200))] {
        let server = Server::start(echo);
        let session = session(&server, settings);
        get(&session, "/x").wait().unwrap();
        let first = server.seen.connections.load(SeqCst);
        // The pool looks when it is used, once a second at most.
        thread::sleep(ms(1_100));
        get(&session, "/x").wait().unwrap();
        assert_eq!(server.seen.connections.load(SeqCst), first + 1);
        assert_eq!(session.stats().connections_open, 1);
    }
}
