//! Downloads of any size: never more in memory than a piece, and never half of one taken for whole.

use std::future::poll_fn;
use std::io::{self, BufRead, Read, Write};
use std::pin::Pin;

use bytes::Bytes;
use futures_core::Stream;

use super::*;
use crate::download::Download;

fn download(session: &Session, path: &str) -> Download {
    let mut request = Request::new(Target::Service(SERVICE), Method::GET, path.to_owned());
    request.patient = true;
    let read = |answer: Response| match answer.status.is_success() {
        true => Ok(Step::Done(answer)),
        false => Err(Error::new(ErrorKind::NotFound, "no such thing").with_status(answer.status)),
    };
    Download::new(session, Ok(Call::new(request, read)))
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
        "/hand/still" => slow(2_000, 2),
        _ => echo(asked),
    });
    // Twelve pauses take longer, one does not by far.
    let short = Duration::from_millis(500);
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
fn a_reader_may_pause_and_loses_nothing() {
    let server = Server::start(|asked| match asked.path.as_str() {
        "/hand" => source_of(64, &Arc::default()),
        _ => echo(asked),
    });
    let short = Duration::from_millis(300);
    let session = session(&server, quick().stall_timeout(short));
    let mut reader = download(&session, "/hand").reader();
    let mut stream = download(&session, "/hand").stream();
    reader.read_exact(&mut [0; 10]).unwrap();
    let first = smol::block_on(poll_fn(|cx| Pin::new(&mut stream).poll_next(cx)));
    let first = first.unwrap().unwrap().len();
    thread::sleep(2 * short);
    assert_eq!(io::copy(&mut reader, &mut io::sink()).unwrap(), (64 << 16) - 10);
    assert_eq!(smol::block_on(length(stream)).unwrap(), (64 << 16) - first);
}

#[test]
fn an_error_of_a_reader_stays() {
    let server = Server::start(|asked| match asked.path.as_str() {
        "/cut" => Reply::Raw(b"HTTP/1.1 200 X\r\nContent-Length: 50\r\n\r\nhalf"),
        "/hand" => source_of(64, &Arc::default()),
        _ => echo(asked),
    });
    let session = session(&server, quick().connections_per_host(1));
    let mut reader = download(&session, "/cut").reader();
    reader.read_exact(&mut [0; 4]).unwrap();
    for _ in 0..3 {
        let error = reader.read(&mut [0; 9]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData, "never the end");
    }
    let cancel = Cancel::new();
    let mut reader = download(&session, "/hand").cancel_on(&cancel).reader();
    reader.read_exact(&mut vec![0; 1 << 20]).unwrap();
    cancel.cancel();
    let mut rest = Vec::new();
    assert!(reader.read_to_end(&mut rest).is_err(), "between its pieces");
    assert!(reader.read_to_end(&mut rest).is_err());
    assert_eq!(get(&session, "/x").wait().unwrap(), "/x", "its connection is free again");
}

#[test]
fn an_answer_without_an_end_is_refused() {
    let server = Server::start(|asked| match asked.path.as_str() {
        "/open" => Reply::Raw(b"HTTP/1.1 200 X\r\n\r\nhalf"),
        "/chunks" => Reply::Raw(
            b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nwhole\r\n0\r\n\r\n",
        ),
        _ => echo(asked),
    });
    let session = session(&server, quick());
    let error = download(&session, "/open").bytes().wait().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    let error = download(&session, "/open").reader().read(&mut [0]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    assert_eq!(download(&session, "/chunks").bytes().wait().unwrap(), "whole");
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
