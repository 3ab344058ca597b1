//! Uploads of any size: what goes out again, what never does, and what is kept in memory.

use std::io::{self, Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::Stream;
use parking_lot::Mutex;

use super::*;
use crate::call::Content;

fn put(session: &Session, path: &str, content: impl Into<Content>) -> Op<String> {
    let mut call = call(Method::PUT, path);
    (call.request.body, call.request.patient) = (content.into(), true);
    Op::new(session, "put", Ok(call))
}

/// Answers with the sum of what came.
fn summing(asked: &Asked) -> Reply {
    match asked.path.as_str() {
        "/sum" => Reply::Text(200, sum(&asked.body).to_string()),
        _ => echo(asked),
    }
}

fn sum(bytes: &[u8]) -> u64 {
    bytes.iter().map(|b| u64::from(*b)).sum()
}

/// Pieces that come when they are asked for, counted.
struct Counted {
    piece: Bytes,
    left: usize,
    given: Arc<AtomicUsize>,
}

impl Stream for Counted {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        self.left -= 1;
        self.given.fetch_add(self.piece.len(), SeqCst);
        Poll::Ready(Some(Ok(self.piece.clone())))
    }
}

fn counted(pieces: usize, given: &Arc<AtomicUsize>) -> Content {
    let piece = Bytes::from(vec![1; 64 << 10]);
    let size = (pieces * piece.len()) as u64;
    Content::stream(Counted { piece, left: pieces, given: Arc::clone(given) }, size)
}

#[test]
fn bytes_readers_and_streams_arrive_whole_from_every_home() {
    let server = Server::start(summing);
    let session = session(&server, quick());
    let data: Vec<u8> = (0..3_000_000u32).map(|i| (i % 251) as u8).collect();
    let (size, expected) = (data.len() as u64, sum(&data).to_string());
    let pieces = counted(40, &Arc::default());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();

    assert_eq!(put(&session, "/sum", data.clone()).wait().unwrap(), expected);
    let reader = || Content::reader(io::Cursor::new(data.clone()), size);
    assert_eq!(put(&session, "/sum", reader()).wait().unwrap(), expected);
    assert_eq!(runtime.block_on(put(&session, "/sum", reader())).unwrap(), expected);
    assert_eq!(smol::block_on(put(&session, "/sum", reader())).unwrap(), expected);
    assert_eq!(put(&session, "/sum", pieces).wait().unwrap(), (40 * 65_536).to_string());
    assert_eq!(put(&session, "/sum", Content::reader(io::empty(), 0)).wait().unwrap(), "0");
    assert_eq!(server.seen.connections.load(SeqCst), 1, "each left its connection in order");
}

#[test]
fn a_server_is_told_that_nothing_follows() {
    let server = Server::start(|asked| match asked.path.as_str() {
        "/login" => echo(asked),
        _ => Reply::Text(200, format!("{:?}", asked.length)),
    });
    let session = session(&server, quick());
    assert_eq!(put(&session, "/x", "").wait().unwrap(), "Some(0)");
    assert_eq!(post(&session, "/x").wait().unwrap(), "Some(0)");
    assert_eq!(put(&session, "/x", "abc").wait().unwrap(), "Some(3)");
    assert_eq!(get(&session, "/x").wait().unwrap(), "None");
}

#[test]
fn content_of_another_size_than_said_is_refused_and_never_ends() {
    let bodies = Arc::<Mutex<Vec<usize>>>::default();
    let ended = Arc::clone(&bodies);
    let server = Server::start(move |asked| {
        if asked.path == "/x" {
            ended.lock().push(asked.body.len());
        }
        echo(asked)
    });
    let session = session(&server, quick());
    for said in [0, 3, 5, 1_000_000] {
        let error = put(&session, "/x", Content::reader(&b"four"[..], said)).wait().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Local, "{said}: {error:?}");
        assert!(!error.is_retryable());
    }
    assert_eq!(get(&session, "/after").wait().unwrap(), "/after", "the pool is sound");
    assert!(bodies.lock().is_empty(), "no server saw a whole body");
}

#[test]
fn a_source_that_fails_ends_the_upload_with_its_error() {
    struct Fails(usize);
    impl Read for Fails {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            self.0 += 1;
            if self.0 > 3 { Err(io::Error::other("disk is gone")) } else { Ok(into.len()) }
        }
    }
    let server = Server::start(echo);
    let session = session(&server, quick());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let fails = || put(&session, "/x", Content::reader(Fails(0), 10 << 20));
    for error in [fails().wait().unwrap_err(), runtime.block_on(fails()).unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::Local);
        let source = std::error::Error::source(&error).unwrap();
        assert!(source.to_string().contains("disk is gone"), "{error:?}");
    }
}

#[test]
fn what_was_given_away_is_not_sent_again_and_what_was_not_is() {
    let left = Arc::new(AtomicUsize::new(0));
    let failures = Arc::clone(&left);
    let server = Server::start(move |asked| match asked.path.as_str() {
        "/sum" if failures.fetch_update(SeqCst, SeqCst, |n| n.checked_sub(1)).is_ok() => {
            Reply::Text(503, "not now".into())
        }
        _ => summing(asked),
    });
    let session = session(&server, quick());
    left.store(1, SeqCst);
    assert_eq!(put(&session, "/sum", "abc").wait().unwrap(), "294", "bytes go again");
    left.store(1, SeqCst);
    let error = put(&session, "/sum", Content::reader(&b"abc"[..], 3)).wait().unwrap_err();
    assert_eq!(error.status().unwrap(), 503);
    assert_eq!(left.load(SeqCst), 0);
    assert_eq!(session.stats().retries, 1);

    // A connection that turns out to be closed before the first byte costs nothing.
    let server = Server::start(|asked| match asked.path.as_str() {
        "/warm" => Reply::ThenClose(Duration::from_millis(1), String::new()),
        _ => summing(asked),
    });
    let session = super::session(&server, quick());
    for _ in 0..10 {
        get(&session, "/warm").wait().unwrap();
        server.wait_until_closed();
        thread::sleep(Duration::from_millis(11));
        for method in [Method::POST, Method::PUT] {
            let mut call = call(method, "/sum");
            call.request.body = Content::reader(&b"abc"[..], 3);
            assert_eq!(Op::new(&session, "send", Ok(call)).wait().unwrap(), "294");
            get(&session, "/warm").wait().unwrap();
            server.wait_until_closed();
            thread::sleep(Duration::from_millis(11));
        }
    }
}

#[test]
fn a_refused_token_is_replaced_for_bytes_and_said_for_what_was_given_away() {
    let server = Server::start(|asked| match (asked.path.as_str(), asked.token.as_str()) {
        ("/login", _) => {
            static LOGINS: AtomicUsize = AtomicUsize::new(0);
            Reply::Text(200, format!("t{} 3600000", LOGINS.fetch_add(1, SeqCst)))
        }
        (_, "t0" | "t2") => Reply::Text(401, "who?".into()),
        _ => summing(asked),
    });
    let session = session(&server, quick());
    assert_eq!(put(&session, "/sum", "abc").wait().unwrap(), "294");
    let session = super::session(&server, quick());
    let once = || put(&session, "/sum", Content::reader(&b"abc"[..], 3));
    assert_eq!(once().wait().unwrap_err().status().unwrap(), 401);
    assert_eq!(once().wait().unwrap(), "294", "the next one finds a new token");
}

#[test]
fn a_source_that_waits_is_waited_for_and_an_early_answer_is_heard() {
    /// Gives one piece, and another when a thread says so.
    struct Waits(Arc<Mutex<(bool, Option<std::task::Waker>)>>, usize);
    impl Stream for Waits {
        type Item = io::Result<Bytes>;
        fn poll_next(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
        ) -> Poll<Option<io::Result<Bytes>>> {
            let mut ready = self.0.lock();
            if self.1 == 1 && !ready.0 {
                ready.1 = Some(cx.waker().clone());
                return Poll::Pending;
            }
            drop(ready);
            self.1 += 1;
            Poll::Ready((self.1 < 3).then(|| Ok(Bytes::from_static(b"ab"))))
        }
    }
    let server = Server::start(|asked| match asked.path.as_str() {
        "/hand" => Reply::Hand(Box::new(|stream| {
            let mut out = *stream.get_ref();
            let _ = out.write_all(b"HTTP/1.1 413 X\r\nContent-Length: 2\r\n\r\nno");
            // Whoever closes with bytes unread resets the connection.
            let _ = stream.read_to_end(&mut Vec::new());
        })),
        _ => summing(asked),
    });
    let session = session(&server, quick());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for wait in [true, false] {
        let gate = Arc::<Mutex<(bool, Option<std::task::Waker>)>>::default();
        let content = Content::stream(Waits(Arc::clone(&gate), 0), 4);
        let opens = thread::spawn(move || {
            thread::sleep(Duration::from_millis(50));
            let mut gate = gate.lock();
            gate.0 = true;
            if let Some(waker) = gate.1.take() {
                waker.wake();
            }
        });
        let op = put(&session, "/sum", content);
        let sum = if wait { op.wait() } else { runtime.block_on(op) };
        assert_eq!(sum.unwrap(), "390");
        opens.join().unwrap();
    }
    let never = Content::stream(Waits(Arc::default(), 0), 4);
    let error = runtime.block_on(put(&session, "/hand", never)).unwrap_err();
    assert_eq!(error.status().unwrap(), 413, "heard while the source waits");
    let never = Content::stream(Waits(Arc::default(), 0), 4);
    let limit = Duration::from_millis(100);
    let error = put(&session, "/sum", never).timeout(limit).wait().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout(Phase::Answer));
}

#[test]
fn an_upload_asks_its_source_for_no_more_than_the_peer_takes() {
    let server = Server::start(|asked| match asked.path.as_str() {
        "/hand" => Reply::Hand(Box::new(|_| thread::sleep(Duration::from_secs(2)))),
        _ => echo(asked),
    });
    let session = session(&server, quick());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for wait in [true, false] {
        let given = Arc::new(AtomicUsize::new(0));
        let op = put(&session, "/hand", counted(4096, &given));
        let op = op.timeout(Duration::from_millis(300));
        let error = if wait { op.wait() } else { runtime.block_on(op) }.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout(Phase::Answer));
        let given = given.load(SeqCst);
        assert!((64 << 10..16 << 20).contains(&given), "{given} of 256 MiB");
    }
}

/// Gives small pieces, each after a while.
struct Slow {
    pieces: usize,
    pause: Duration,
    given: Arc<AtomicUsize>,
}

impl Read for Slow {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        thread::sleep(self.pause);
        self.given.fetch_add(1, SeqCst);
        let some = into.len().min(1_000).min(self.pieces * 1_000);
        self.pieces = self.pieces.saturating_sub(1);
        Ok(some)
    }
}

fn slow(pieces: usize, given: &Arc<AtomicUsize>) -> Content {
    let pause = Duration::from_millis(20);
    let reader = Slow { pieces, pause, given: Arc::clone(given) };
    Content::reader(reader, 1_000 * pieces as u64)
}

#[test]
fn a_slow_reader_is_ended_by_time_and_by_cancel() {
    let server = Server::start(echo);
    let session = session(&server, quick());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    get(&session, "/warm").wait().unwrap();
    for wait in [true, false] {
        for by_cancel in [true, false] {
            let (given, cancel) = (Arc::default(), Cancel::new());
            let op = put(&session, "/x", slow(1_000, &given)).cancel_on(&cancel);
            let op = if by_cancel { op } else { op.timeout(Duration::from_millis(200)) };
            let soon = thread::spawn(move || {
                thread::sleep(Duration::from_millis(200));
                if by_cancel {
                    cancel.cancel();
                }
            });
            let error = if wait { op.wait() } else { runtime.block_on(op) }.unwrap_err();
            let expected = match by_cancel {
                true => ErrorKind::Canceled,
                false => ErrorKind::Timeout(Phase::Answer),
            };
            assert_eq!(error.kind(), expected);
            let given = given.load(SeqCst);
            assert!(given < 500, "{given} of 1000 pieces, which take 20 s");
            soon.join().unwrap();
        }
    }
    let given = Arc::default();
    let dropped = put(&session, "/x", slow(1_000, &given));
    let limit = Duration::from_millis(200);
    assert!(runtime.block_on(async { tokio::time::timeout(limit, dropped).await }).is_err());
    assert!(given.load(SeqCst) < 500);
}

#[test]
fn a_refusal_is_heard_before_all_was_sent() {
    for closes in [true, false] {
        let server = Server::start(move |asked| match asked.path.as_str() {
            "/hand" => Reply::Hand(Box::new(move |stream| {
                let mut out = *stream.get_ref();
                let _ = out.write_all(b"HTTP/1.1 403 X\r\nContent-Length: 2\r\n\r\nno");
                if !closes {
                    let _ = stream.read_to_end(&mut Vec::new());
                }
            })),
            _ => echo(asked),
        });
        let session = session(&server, quick());
        get(&session, "/warm").wait().unwrap();
        let given = Arc::default();
        let error = put(&session, "/hand", slow(200, &given)).wait().unwrap_err();
        assert_eq!(error.status().expect("an answer"), 403, "{error:?}");
        let given = given.load(SeqCst);
        assert!(given < 100, "{given} of 200 pieces");
    }
}

#[test]
fn an_empty_source_that_never_ends_is_not_waited_for() {
    struct Never;
    impl Stream for Never {
        type Item = io::Result<Bytes>;
        fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            Poll::Pending
        }
    }
    let server = Server::start(echo);
    let session = session(&server, quick());
    let limit = Duration::from_millis(100);
    let error = put(&session, "/x", Content::stream(Never, 0)).timeout(limit).wait().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout(Phase::Answer));
    assert_eq!(server.seen.requests.load(SeqCst), 0);
}
