//! Content of any size, both ways: what goes out again, what never does, and what is kept in memory.

use std::future::poll_fn;
use std::io::{self, BufRead, Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::Stream;
use parking_lot::Mutex;

use super::*;
use crate::call::{Content, Response};
use crate::download::Download;

fn put(session: &Session, path: &str, content: impl Into<Content>) -> Op<String> {
    let mut call = call(Method::PUT, path);
    (call.request.body, call.request.patient) = (content.into(), true);
    Op::new(session, "put", Ok(call))
}

fn download(session: &Session, path: &str) -> Download {
    let mut request = Request::new(Target::Service(SERVICE), Method::GET, path);
    request.patient = true;
    let read = |answer: Response| match answer.status.is_success() {
        true => Ok(Step::Done(answer)),
        false => Err(Error::new(ErrorKind::NotFound, "no such thing").with_status(answer.status)),
    };
    Download::new(session, Ok(Call::new(request, read)))
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
        let content = Content::reader(&b"abc"[..], 3);
        let mut call = call(Method::POST, "/sum");
        call.request.body = content;
        assert_eq!(Op::new(&session, "post", Ok(call)).wait().unwrap(), "294");
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
            gate.1.take().unwrap().wake();
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
        "/hand" => Reply::Hand(Box::new(|_| thread::sleep(Duration::from_millis(400)))),
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

/// Serves `/hand` as `pieces` of 64 KiB each, as fast as they are taken, counted.
fn source_of(pieces: usize, sent: &Arc<AtomicUsize>) -> Reply {
    let sent = Arc::clone(sent);
    Reply::Hand(Box::new(move |stream| {
        let mut out = *stream.get_ref();
        let head = format!("HTTP/1.1 200 X\r\nContent-Length: {}\r\n\r\n", pieces << 16);
        out.write_all(head.as_bytes()).unwrap();
        let piece = vec![1u8; 64 << 10];
        for _ in 0..pieces {
            if out.write_all(&piece).is_err() {
                return;
            }
            sent.fetch_add(piece.len(), SeqCst);
        }
        // Until the client leaves, or asks for the next one.
        while stream.read_line(&mut String::new()).is_ok_and(|n| n > 2) {}
    }))
}

#[test]
fn a_download_keeps_no_more_than_a_piece_and_gives_its_connection_back_at_the_end() {
    let sent = Arc::<AtomicUsize>::default();
    let counts = Arc::clone(&sent);
    let server = Server::start(move |asked| match asked.path.as_str() {
        "/hand" => source_of(1024, &counts),
        _ => echo(asked),
    });
    let session = session(&server, quick().connections_per_host(1));
    let mut reader = download(&session, "/hand").reader();
    let mut some = [0; 100];
    reader.read_exact(&mut some).unwrap();
    thread::sleep(Duration::from_millis(200));
    let ahead = sent.load(SeqCst);
    assert!(ahead < 16 << 20, "{ahead} of 64 MiB are on their way to one who took 100 bytes");
    let busy = get(&session, "/x").timeout(Duration::from_millis(50)).wait().unwrap_err();
    assert_eq!(busy.kind(), ErrorKind::Timeout(Phase::Acquire), "it has the only connection");
    let rest = io::copy(&mut reader, &mut io::sink()).unwrap();
    assert_eq!(rest, (64 << 20) - 100);
    let Stats { connections_idle, .. } = session.stats();
    assert_eq!(connections_idle, 1);
    drop(reader);

    let stream = download(&session, "/hand").stream();
    assert_eq!(smol::block_on(length(stream)).unwrap(), 64 << 20);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let stream = download(&session, "/hand").stream();
    assert_eq!(runtime.block_on(length(stream)).unwrap(), 64 << 20);
    // Begun here, ended there.
    let mut stream = download(&session, "/hand").stream();
    assert!(runtime.block_on(poll_fn(|cx| Pin::new(&mut stream).poll_next(cx))).is_some());
    drop(runtime);
    assert!(smol::block_on(length(stream)).unwrap() > 60 << 20);
}

async fn length(mut stream: impl Stream<Item = Result<Bytes>> + Unpin) -> Result<usize> {
    let mut length = 0;
    while let Some(piece) = poll_fn(|cx| Pin::new(&mut stream).poll_next(cx)).await {
        length += piece?.len();
    }
    Ok(length)
}

#[test]
fn a_download_dropped_early_frees_its_place() {
    let server = Server::start(|asked| match asked.path.as_str() {
        "/hand" => source_of(1024, &Arc::default()),
        _ => echo(asked),
    });
    let session = session(&server, quick().connections_per_host(1));
    let mut reader = download(&session, "/hand").reader();
    reader.read_exact(&mut [0; 10]).unwrap();
    drop(reader);
    assert_eq!(get(&session, "/x").wait().unwrap(), "/x");
    assert_eq!(server.seen.connections.load(SeqCst), 2, "the first was closed, half read");
}

#[test]
fn a_download_cut_short_never_looks_whole() {
    let cut = Arc::new(AtomicUsize::new(0));
    let cuts = Arc::clone(&cut);
    let server = Server::start(move |asked| match asked.path.as_str() {
        "/cut" if cuts.fetch_update(SeqCst, SeqCst, |n| n.checked_sub(1)).is_ok() => {
            Reply::Raw(b"HTTP/1.1 200 X\r\nContent-Length: 50\r\nX-Request-Id: r1\r\n\r\nhalf")
        }
        _ => echo(asked),
    });
    let session = session(&server, quick());
    cut.store(1, SeqCst);
    assert_eq!(download(&session, "/cut").bytes().wait().unwrap(), "/cut", "begun anew");
    cut.store(2, SeqCst);
    let mut text = String::new();
    let error = download(&session, "/cut").reader().read_to_string(&mut text).unwrap_err();
    assert_eq!((text.as_str(), error.kind()), ("half", io::ErrorKind::InvalidData));
    let error = error.into_inner().unwrap().downcast::<Error>().unwrap();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert_eq!((error.operation(), error.provider()), (Some("download_object"), Some("test")));
    assert_eq!(error.request_id(), Some("r1"));
    let error = smol::block_on(length(download(&session, "/cut").stream())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
}

#[test]
fn content_may_take_long_but_not_stand_still() {
    let slow = |pause: u64, pieces: usize| {
        Reply::Hand(Box::new(move |stream| {
            let mut out = *stream.get_ref();
            let head = format!("HTTP/1.1 200 X\r\nContent-Length: {pieces}\r\n\r\n");
            out.write_all(head.as_bytes()).unwrap();
            for _ in 0..pieces {
                thread::sleep(Duration::from_millis(pause));
                let _ = out.write_all(b"x");
            }
        }))
    };
    let server = Server::start(move |asked| match asked.path.as_str() {
        "/hand/slow" => slow(50, 12),
        "/hand/still" => slow(700, 2),
        _ => echo(asked),
    });
    let short = Duration::from_millis(300);
    let settings = quick().attempt_timeout(short).stall_timeout(short).timeout(short);
    let session = session(&server, settings.retry(Retry::never()));
    get(&session, "/warm").wait().unwrap();
    assert_eq!(download(&session, "/hand/slow").bytes().wait().unwrap(), "x".repeat(12));
    let mut text = String::new();
    download(&session, "/hand/slow").reader().read_to_string(&mut text).unwrap();
    assert_eq!(text.len(), 12);
    let all = smol::block_on(length(download(&session, "/hand/slow").stream()));
    assert_eq!(all.unwrap(), 12);

    let still = download(&session, "/hand/still").bytes().wait().unwrap_err();
    assert_eq!(still.kind(), ErrorKind::Timeout(Phase::Answer));
    let still = download(&session, "/hand/still").reader().read_to_string(&mut text).unwrap_err();
    assert_eq!(still.kind(), io::ErrorKind::TimedOut);
    let limited = download(&session, "/hand/slow").timeout(Duration::from_millis(200));
    let error = limited.reader().read_to_string(&mut text).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
}

#[test]
fn a_download_is_cancelled_between_and_within_its_pieces() {
    let server = Server::start(|asked| match asked.path.as_str() {
        "/hand" => Reply::Hand(Box::new(|stream| {
            let head = b"HTTP/1.1 200 X\r\nContent-Length: 9\r\n\r\nhalf";
            let mut out = *stream.get_ref();
            out.write_all(head).unwrap();
            let _ = stream.read_to_end(&mut Vec::new());
        })),
        _ => echo(asked),
    });
    let session = session(&server, quick());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for wait in [true, false] {
        let cancel = Cancel::new();
        let download = download(&session, "/hand").cancel_on(&cancel);
        let soon = thread::spawn(move || {
            thread::sleep(Duration::from_millis(50));
            cancel.cancel();
        });
        let error = if wait {
            let error = download.reader().read_to_string(&mut String::new()).unwrap_err();
            *error.into_inner().unwrap().downcast::<Error>().unwrap()
        } else {
            runtime.block_on(length(download.stream())).unwrap_err()
        };
        assert_eq!(error.kind(), ErrorKind::Canceled);
        assert_eq!(error.operation(), Some("download_object"));
        soon.join().unwrap();
    }
    assert_eq!(get(&session, "/x").wait().unwrap(), "/x");
}

#[test]
fn what_is_not_there_says_so_before_the_first_piece() {
    let server = Server::start(|asked| match asked.path.as_str() {
        "/none" => Reply::Text(404, "nothing".into()),
        _ => echo(asked),
    });
    let session = session(&server, quick());
    let error = smol::block_on(length(download(&session, "/none").stream())).unwrap_err();
    assert_eq!((error.kind(), error.status().unwrap().as_u16()), (ErrorKind::NotFound, 404));
    let error = download(&session, "/none").reader().read(&mut [0]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
    let settings = quick().largest_answer(10);
    let small = super::session(&server, settings);
    let error = download(&small, "/longer-than-ten").bytes().wait().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert_eq!(smol::block_on(length(download(&small, "/longer-than-ten").stream())).unwrap(), 16);
}
