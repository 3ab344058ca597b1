//! One HTTP/1.1 connection, driven by whoever holds it.

use std::error::Error as _;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::response::Parts;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::runtime::Id;

use super::drive::{Drive, TimedOut};
use super::park;
use super::payload::Payload;
#[cfg(test)]
use super::stream::Plain;
use super::stream::{Stream, Transport};
use super::tcp::{Peek, Socket};
use super::terms::Terms;
use crate::error::{Error, ErrorKind, Phase, Result};

/// A connection that nobody drives unless they hold it.
///
/// hyper gives a sender and a connection future; the usual way is to spawn the second. Here both lie
/// idle together, and who leases them polls both.
pub(crate) struct Connection {
    socket: Arc<Socket>,
    /// Bytes of answers that ever came in.
    received: Arc<AtomicU64>,
    sender: SendRequest<Payload>,
    /// `None` once it has ended. It must be dropped then, or the sender never learns of it.
    driver: Option<Pin<Box<http1::Connection<TokioIo<Stream>, Payload>>>>,
    drive: Drive,
    /// An exchange has begun and not ended.
    busy: bool,
    /// What is left to read of the answer.
    body: Option<Incoming>,
    retires: Instant,
    used: Instant,
    uses: u64,
}

/// Why an exchange has no answer.
pub(crate) enum Broken {
    /// Not a byte went out.
    Unsent(Error),
    /// The request went out on a used connection, and the peer closed without a byte: most likely
    /// the two crossed.
    Stale(Error),
    /// The request went out; nobody knows what became of it.
    Lost(Error),
    /// What was to be sent could not be had; the peer never saw the end of it.
    Local(Error),
}

impl Connection {
    /// Speaks HTTP over what was opened.
    pub(super) async fn over(
        socket: Arc<Socket>,
        transport: Transport,
        drive: Drive,
        lifetime: Duration,
    ) -> hyper::Result<Self> {
        let received = Arc::<AtomicU64>::default();
        let stream = Stream { transport, received: Arc::clone(&received) };
        let (sender, driver) = http1::Builder::new().handshake(TokioIo::new(stream)).await?;
        let now = Instant::now();
        Ok(Self {
            socket,
            received,
            sender,
            driver: Some(Box::pin(driver)),
            drive,
            busy: false,
            body: None,
            retires: now + lifetime,
            used: now,
            uses: 0,
        })
    }

    /// Makes a second connection over the same socket: what no pool may ever hand out.
    #[cfg(test)]
    pub(crate) fn twin(&self) -> impl Future<Output = Self> + use<> {
        let socket = self.socket.twin();
        let transport = Transport::Plain(Plain(Arc::clone(&socket)));
        async {
            Self::over(socket, transport, Drive::new(false), Duration::from_secs(60))
                .await
                .expect("plain streams always open")
        }
    }

    /// Sends a request and returns the head of its answer; the body is read by the next two.
    ///
    /// # Cancellation
    /// Dropped half way, the connection is no longer [`reusable`](Self::reusable).
    pub(crate) async fn exchange(
        &mut self,
        request: Request<Payload>,
        terms: Terms,
    ) -> Result<Parts, Broken> {
        self.busy = true;
        self.socket.begin(terms, request.body().waits());
        let (reused, received) = (self.uses > 0, self.received.load(Relaxed));
        match self.send(request).await {
            Ok(Ok(response)) => {
                let (head, body) = response.into_parts();
                self.body = Some(body);
                Ok(head)
            }
            Ok(Err(mut e)) => {
                let quiet = self.received.load(Relaxed) == received;
                let unsent = e.take_message().is_some();
                let error = e.into_error();
                // Not the connection broke, but what fed it.
                let local = error.source().and_then(|source| source.downcast_ref::<Error>());
                if let Some(local) = local {
                    return Err(Broken::Local(local.clone()));
                }
                let error = broke(error);
                Err(match () {
                    () if unsent => Broken::Unsent(error),
                    () if quiet && reused => Broken::Stale(error),
                    () => Broken::Lost(error),
                })
            }
            Err(TimedOut) => {
                let error = Error::new(ErrorKind::Timeout(Phase::Answer), "no answer in time");
                Err(Broken::Lost(error))
            }
        }
    }

    async fn send(
        &mut self,
        request: Request<Payload>,
    ) -> Result<Result<Response<Incoming>, TrySendError<Request<Payload>>>, TimedOut> {
        let Self { socket, sender, driver, drive, .. } = self;
        let mut answer = pin!(sender.try_send_request(request));
        drive
            .run(socket, |cx| {
                if let Poll::Ready(answer) = answer.as_mut().poll(cx) {
                    return Poll::Ready(answer);
                }
                poll_driver(driver, cx);
                answer.as_mut().poll(cx)
            })
            .await
    }

    /// Reads the whole body of the answer.
    pub(crate) async fn read(&mut self, largest: usize) -> Result<Bytes> {
        let too_large = || {
            Error::protocol(format!(
                "the answer is larger than {largest} bytes, the limit set by largest_answer"
            ))
            .lasting()
        };
        if self.body.as_ref().is_some_and(|body| body.size_hint().lower() > largest as u64) {
            return Err(too_large());
        }
        let mut whole = Gathered::default();
        while let Some(piece) = poll_fn(|cx| self.poll_piece(cx)).await {
            let piece = piece?;
            if whole.len() + piece.len() > largest {
                return Err(too_large());
            }
            whole.push(piece);
        }
        Ok(whole.into_bytes())
    }

    /// Reads a piece of the answer's body; `None` at its end, when the next request may come.
    pub(crate) fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        loop {
            let Self { socket, driver, drive, body, .. } = self;
            let Some(body) = body.as_mut().filter(|body| !body.is_end_stream()) else {
                self.end();
                return Poll::Ready(None);
            };
            let frame = ready!(drive.poll(socket, cx, &mut |cx| {
                if let Poll::Ready(frame) = Pin::new(&mut *body).poll_frame(cx) {
                    return Poll::Ready(frame);
                }
                poll_driver(driver, cx);
                Pin::new(&mut *body).poll_frame(cx)
            }));
            return Poll::Ready(match frame {
                Ok(None) => {
                    self.end();
                    None
                }
                // Trailers, which nobody asked for.
                Ok(Some(Ok(frame))) if !frame.is_data() => continue,
                Ok(Some(Ok(frame))) => frame.into_data().ok().map(Ok),
                Ok(Some(Err(e))) => {
                    Some(Err(Error::protocol("the answer was cut short").with_source(e)))
                }
                Err(TimedOut) => {
                    let text = "the answer did not end in time";
                    Some(Err(Error::new(ErrorKind::Timeout(Phase::Answer), text)))
                }
            });
        }
    }

    /// Goes on reading after a pause that was the reader's own.
    pub(crate) fn resume(&self) {
        self.socket.resume();
    }

    /// The exchange is over, and went well.
    fn end(&mut self) {
        if std::mem::take(&mut self.busy) {
            self.body = None;
            self.uses += 1;
            self.used = Instant::now();
        }
    }

    /// Tells whether the next request can go out on it.
    pub(crate) fn reusable(&mut self) -> bool {
        if self.busy {
            return false;
        }
        if !self.sender.is_ready() {
            // The end of the last answer may still have to reach hyper's own state.
            poll_driver(&mut self.driver, &mut Context::from_waker(self.drive.waker()));
        }
        self.drive.rest();
        self.driver.is_some() && self.sender.is_ready()
    }

    /// Looks whether the peer has left meanwhile.
    pub(crate) fn is_stale(&mut self) -> bool {
        match self.socket.peek() {
            Peek::Quiet => false,
            Peek::Closed => true,
            // Under TLS these may be session tickets; in plain HTTP nobody asked for anything.
            Peek::Bytes => {
                self.socket.begin(Terms::until(Instant::now() + A_MOMENT), None);
                let Self { socket, driver, drive, .. } = self;
                let waker = drive.waker().clone();
                if park::in_wait() {
                    socket.wait_in_place();
                }
                poll_driver(driver, &mut Context::from_waker(&waker));
                !self.reusable() || self.socket.peek() != Peek::Quiet
            }
        }
    }

    /// Tells whether a caller in `here` (`None`: a waiting thread) can use it without a move.
    pub(crate) fn suits(&self, here: Option<Id>) -> bool {
        self.socket.suits(here)
    }

    /// Moves it to a caller whose home is another.
    pub(crate) fn leave_home(&mut self) {
        self.socket.leave_home();
    }

    /// Returns how long it has lain idle.
    pub(crate) fn idle(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.used)
    }

    /// Tells whether it has lived as long as it may.
    pub(crate) fn has_had_its_time(&self, now: Instant) -> bool {
        now >= self.retires
    }
}

fn poll_driver(
    driver: &mut Option<Pin<Box<http1::Connection<TokioIo<Stream>, Payload>>>>,
    cx: &mut Context<'_>,
) {
    if driver.as_mut().is_some_and(|d| d.as_mut().poll(cx).is_ready()) {
        *driver = None;
    }
}

fn broke(e: hyper::Error) -> Error {
    if e.is_parse() {
        return Error::protocol("the answer is not HTTP").with_source(e);
    }
    Error::new(ErrorKind::Connection, "the connection broke before the answer came").with_source(e)
}

/// Pieces of a body; one piece alone is never copied.
#[derive(Default)]
struct Gathered {
    first: Bytes,
    rest: BytesMut,
}

impl Gathered {
    fn len(&self) -> usize {
        self.rest.len().max(self.first.len())
    }

    fn push(&mut self, data: Bytes) {
        if self.first.is_empty() {
            self.first = data;
            return;
        }
        if self.rest.is_empty() {
            self.rest.extend_from_slice(&self.first);
        }
        self.rest.extend_from_slice(&data);
    }

    fn into_bytes(self) -> Bytes {
        if self.rest.is_empty() { self.first } else { self.rest.freeze() }
    }
}

/// For reading what already lies in the socket.
const A_MOMENT: Duration = Duration::from_millis(1);
