//! A download that has not begun: whole, or piece by piece.

use std::fmt;
use std::future::poll_fn;
use std::io::{self, Read};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;

use crate::call::{Call, Live, Response, Step};
use crate::cancel::{Cancel, Listening};
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::op::{Op, Options};
use crate::session::Session;
use crate::settings::Retry;
use crate::wire;

/// An object's content that has not been asked for.
///
/// [`bytes`](Download::bytes) gives it whole; [`stream`](Download::stream) and
/// [`reader`](Download::reader) give it as it comes, in pieces of a few hundred KiB at most, and keep
/// no more in memory than one.
///
/// It may take any time as long as bytes move ([`Settings::stall_timeout`](crate::Settings)), unless
/// [`timeout`](Download::timeout) limits the whole of it. A failure before the first byte is tried
/// again by itself; one in the middle ends a stream or a reader with the error, and `bytes` begins
/// anew. One that was cut short always ends with an error, never as if it were whole.
///
/// # Threads
/// `Send + 'static`, and what it gives as well. A stream may change its executor while it runs.
///
/// # Cancellation
/// Dropping a stream or a reader before its end closes the connection in use.
///
/// # Example
/// ```no_run
/// # fn f(storage: welkin::Storage) -> Result<(), Box<dyn std::error::Error>> {
/// let note = storage.download_object("notes", "today.txt").bytes().wait()?;
///
/// let mut backup = storage.download_object("backups", "disk.img").reader();
/// std::io::copy(&mut backup, &mut std::fs::File::create("disk.img")?)?;
/// # let _ = note;
/// # Ok(())
/// # }
/// ```
#[must_use = "a download does nothing until its bytes are asked for"]
pub struct Download {
    session: Session,
    call: Result<Call<Response>>,
    options: Options,
}

impl Download {
    /// `call` reads an answer by returning it if it went well.
    pub(crate) fn new(session: &Session, call: Result<Call<Response>>) -> Self {
        Self { session: session.clone(), call, options: Options::default() }
    }

    /// Reads the whole of it into memory.
    ///
    /// # Errors
    /// `NotFound` when there is no such object; `Protocol` when it is larger than
    /// [`Settings::largest_answer`](crate::Settings::largest_answer), 64 MiB unless that was set, or
    /// was cut short each time.
    pub fn bytes(self) -> Op<Bytes> {
        let Self { session, call, options } = self;
        let call = call.map(|call| call.then(|answer| Ok(Step::Done(answer.body))));
        Op::new(&session, OPERATION, call).with(options)
    }

    /// Gives it piece by piece; for async code. The stream ends after the first error.
    pub fn stream(self) -> impl Stream<Item = Result<Bytes>> + Send + Unpin + 'static {
        Pieces::new(self)
    }

    /// Gives it to a plain thread, piece by piece. Errors hold an [`Error`] inside; after the first
    /// there is nothing but that one.
    pub fn reader(self) -> impl Read + Send + 'static {
        let (cancel, at) = (self.options.cancel.clone(), Bytes::new());
        Reader { cancel, pieces: Pieces::new(self), at, failed: None }
    }

    /// Sets how long the whole may take, to its last byte.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.options.timeout = Some(limit);
        self
    }

    /// Sets how failures that pass are tried again.
    pub fn retry(mut self, retry: Retry) -> Self {
        self.options.retry = Some(retry);
        self
    }

    /// Sends one more header with the request.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.options.header(name, value);
        self
    }

    /// Ends it with `Canceled` when `cancel` says so.
    pub fn cancel_on(mut self, cancel: &Cancel) -> Self {
        self.options.cancel = Some(cancel.clone());
        self
    }
}

/// A download that runs.
struct Pieces {
    state: State,
    provider: &'static str,
    listening: Option<Listening>,
}

enum State {
    Asking(Box<Op<Live>>),
    Reading(Live),
    Over,
}

impl Pieces {
    fn new(download: Download) -> Self {
        let Download { session, call, options } = download;
        let provider = session.provider();
        let listening = options.cancel.clone().map(Listening::new);
        let call = call.map(|mut call| {
            call.request.live = true;
            call.then(|answer| match answer.live {
                Some(live) => Ok(Step::Done(live)),
                None => Err(Error::protocol("the answer holds no object").lasting()),
            })
        });
        let asking = Op::new(&session, OPERATION, call).with(options);
        Self { state: State::Asking(Box::new(asking)), provider, listening }
    }

    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        loop {
            let piece = match &mut self.state {
                State::Asking(asking) => match ready!(Pin::new(&mut **asking).poll(cx)) {
                    Ok(live) => {
                        self.state = State::Reading(live);
                        continue;
                    }
                    Err(e) => Some(Err(e)),
                },
                State::Reading(live) => ready!(live.poll_piece(cx)),
                State::Over => None,
            };
            if !matches!(piece, Some(Ok(_))) {
                self.state = State::Over;
            }
            return Poll::Ready(piece.map(|p| p.map_err(|e| e.during(self.provider, OPERATION))));
        }
    }
}

impl Stream for Pieces {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        let Self { state, listening, provider } = &mut *self;
        let canceled = match (&state, listening) {
            (State::Reading(_), Some(listening)) => listening.poll(cx),
            _ => None,
        };
        if let Some(canceled) = canceled {
            *state = State::Over;
            return Poll::Ready(Some(Err(canceled.during(provider, OPERATION))));
        }
        self.poll_piece(cx)
    }
}

struct Reader {
    pieces: Pieces,
    cancel: Option<Cancel>,
    /// What is left of the last piece.
    at: Bytes,
    failed: Option<Error>,
}

impl Read for Reader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        if let Some(error) = &self.failed {
            return Err(into_io(error.clone()));
        }
        if self.at.is_empty() {
            let pieces = &mut self.pieces;
            let piece = async { poll_fn(|cx| pieces.poll_piece(cx)).await.transpose() };
            let piece = match &self.cancel {
                None => wire::block_on(piece),
                Some(cancel) => wire::block_on(cancel.bound(piece)),
            };
            match piece {
                Ok(Some(piece)) => self.at = piece,
                Ok(None) => return Ok(0),
                Err(error) => {
                    self.pieces.state = State::Over;
                    let error = error.during(self.pieces.provider, OPERATION);
                    self.failed = Some(error.clone());
                    return Err(into_io(error));
                }
            }
        }
        let n = into.len().min(self.at.len());
        into[..n].copy_from_slice(&self.at.split_to(n));
        Ok(n)
    }
}

fn into_io(error: Error) -> io::Error {
    let kind = match error.kind() {
        ErrorKind::NotFound => io::ErrorKind::NotFound,
        ErrorKind::Auth | ErrorKind::Forbidden => io::ErrorKind::PermissionDenied,
        ErrorKind::Timeout(Phase::Acquire | Phase::Answer | Phase::Connect | Phase::Login) => {
            io::ErrorKind::TimedOut
        }
        ErrorKind::Protocol => io::ErrorKind::InvalidData,
        _ => io::ErrorKind::Other,
    };
    io::Error::new(kind, error)
}

const OPERATION: &str = "download_object";

impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download").field("call", &self.call).finish_non_exhaustive()
    }
}
