//! One HTTP/1.1 connection, driven by whoever holds it.

use std::error::Error as _;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, Waker, ready};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::Request;
use http::response::Parts;
use http_body::Body;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::runtime::Id;

use super::ask::{Ask, Unanswered, ask};
use super::drive::{Drive, TimedOut};
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
    /// As many as there were when the exchange began.
    heard: u64,
    ask: Pin<Box<dyn Ask>>,
    /// `None` once it has ended. It must be dropped then, or the sender never learns of it.
    driver: Option<Pin<Box<http1::Connection<TokioIo<Stream>, Payload>>>>,
    drive: Drive,
    stage: Stage,
    retires: Instant,
    /// Where its host was.
    epoch: u32,
    used: Instant,
    uses: u64,
}

/// Where an exchange is.
enum Stage {
    /// Over, or not begun.
    Idle,
    /// The request is on its way; what it may still have to send is `small`.
    Asked { small: bool },
    /// What is left to read of the answer.
    Reading(Incoming),
    /// Nothing more will come of it.
    Broken,
}

/// What became of an exchange that its caller left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// Its answer is still to come.
    Pending,
    /// It ended well: the connection is as good as ever.
    Over,
    /// The connection is of no use any more.
    Lost,
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
            heard: 0,
            ask: ask(sender),
            driver: Some(Box::pin(driver)),
            drive,
            stage: Stage::Idle,
            retires: now + lifetime,
            epoch: 0,
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

    /// Begins an exchange; nothing goes out before the next is polled.
    pub(crate) fn begin(&mut self, request: Request<Payload>, terms: Terms) {
        let body = request.body();
        self.stage = Stage::Asked { small: is_small(body) };
        self.socket.begin(terms, body.waits());
        self.heard = self.received.load(Relaxed);
        self.ask.as_mut().begin(request);
    }

    /// Sends the request and returns the head of its answer; the body is read by the next two.
    ///
    /// # Cancellation
    /// Dropped half way, the exchange is [left](Self::left).
    pub(crate) async fn answer(&mut self) -> Result<Parts, Broken> {
        let answer = poll_fn(|cx| {
            let Self { socket, ask, driver, drive, .. } = &mut *self;
            drive.poll(socket, cx, &mut |cx| {
                poll_driver(driver, cx);
                ask.as_mut().poll_answer(cx)
            })
        });
        match answer.await {
            Ok(Ok(response)) => {
                let (head, body) = response.into_parts();
                self.stage = Stage::Reading(body);
                Ok(head)
            }
            Ok(Err(refused)) => {
                self.stage = Stage::Broken;
                Err(self.broken(refused))
            }
            Err(TimedOut) => {
                let error = Error::new(ErrorKind::Timeout(Phase::Answer), "no answer in time");
                Err(Broken::Lost(error))
            }
        }
    }

    fn broken(&self, Unanswered { error, unsent }: Unanswered) -> Broken {
        let quiet = self.received.load(Relaxed) == self.heard;
        // Not the connection broke, but what fed it.
        let local = error.source().and_then(|source| source.downcast_ref::<Error>());
        if let Some(local) = local {
            return Broken::Local(local.clone());
        }
        let error = broke(error);
        match () {
            () if unsent => Broken::Unsent(error),
            () if quiet && self.uses > 0 => Broken::Stale(error),
            () => Broken::Lost(error),
        }
    }

    /// Reads the whole body of the answer.
    pub(crate) async fn read(&mut self, largest: usize) -> Result<Bytes> {
        let too_large = || {
            Error::protocol(format!(
                "the answer is larger than {largest} bytes, the limit set by largest_answer"
            ))
            .lasting()
        };
        if self.least_left() > largest as u64 {
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

    fn least_left(&self) -> u64 {
        match &self.stage {
            Stage::Reading(body) => body.size_hint().lower(),
            _ => 0,
        }
    }

    /// Reads a piece of the answer's body; `None` at its end, when the next request may come.
    pub(crate) fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        loop {
            let Self { socket, driver, drive, stage, .. } = self;
            let Stage::Reading(body) = stage else {
                return Poll::Ready(None);
            };
            if body.is_end_stream() {
                self.end();
                return Poll::Ready(None);
            }
            // What came with the head, often all of it, lies there already.
            let at_hand = Pin::new(&mut *body).poll_frame(&mut Context::from_waker(drive.waker()));
            let frame = match at_hand {
                Poll::Ready(frame) => Ok(frame),
                Poll::Pending => ready!(drive.poll(socket, cx, &mut |cx| {
                    poll_driver(driver, cx);
                    Pin::new(&mut *body).poll_frame(cx)
                })),
            };
            return Poll::Ready(match frame {
                Ok(None) => {
                    self.end();
                    None
                }
                // Trailers, which nobody asked for.
                Ok(Some(Ok(frame))) if !frame.is_data() => continue,
                Ok(Some(Ok(frame))) => frame.into_data().ok().map(Ok),
                Ok(Some(Err(e))) => {
                    self.stage = Stage::Broken;
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
        self.stage = Stage::Idle;
        self.uses += 1;
        self.used = Instant::now();
    }

    /// Tells whether the next request can go out on it.
    pub(crate) fn reusable(&mut self) -> bool {
        if !matches!(self.stage, Stage::Idle) {
            return false;
        }
        if !self.ask.is_ready() {
            // The end of the last answer may still have to reach hyper's own state.
            poll_driver(&mut self.driver, &mut Context::from_waker(self.drive.waker()));
        }
        self.drive.rest();
        self.driver.is_some() && self.ask.is_ready()
    }

    /// Reads on, without waiting, where a caller left an exchange, if little is to come of it.
    pub(crate) fn left(&mut self) -> Left {
        self.drive.rest();
        self.socket.look();
        let mut cx = Context::from_waker(Waker::noop());
        loop {
            if let Stage::Idle = self.stage {
                return if self.reusable() { Left::Over } else { Left::Lost };
            }
            let Self { ask, driver, stage, .. } = self;
            match stage {
                Stage::Idle | Stage::Broken | Stage::Asked { small: false } => return Left::Lost,
                Stage::Asked { .. } => {
                    poll_driver(driver, &mut cx);
                    match ask.as_mut().poll_answer(&mut cx) {
                        Poll::Ready(Ok(answer)) => *stage = Stage::Reading(answer.into_body()),
                        Poll::Pending if driver.is_some() => return Left::Pending,
                        Poll::Ready(Err(_)) | Poll::Pending => return Left::Lost,
                    }
                }
                Stage::Reading(body) if body.is_end_stream() => self.end(),
                Stage::Reading(body) if !is_small(body) => return Left::Lost,
                Stage::Reading(body) => {
                    poll_driver(driver, &mut cx);
                    match Pin::new(&mut *body).poll_frame(&mut cx) {
                        Poll::Ready(None) => self.end(),
                        Poll::Ready(Some(Ok(_))) => {}
                        Poll::Pending if driver.is_some() => return Left::Pending,
                        Poll::Ready(Some(Err(_))) | Poll::Pending => return Left::Lost,
                    }
                }
            }
        }
    }

    /// Looks whether the peer has left meanwhile.
    pub(crate) fn is_stale(&mut self) -> bool {
        match self.socket.peek() {
            Peek::Quiet => false,
            Peek::Closed => true,
            // Under TLS these may be session tickets; in plain HTTP nobody asked for anything.
            Peek::Bytes => {
                self.socket.look();
                poll_driver(&mut self.driver, &mut Context::from_waker(Waker::noop()));
                !self.reusable() || self.socket.peek() != Peek::Quiet
            }
        }
    }

    /// Returns the runtime that watches it, if one does.
    pub(crate) fn home(&self) -> Option<Id> {
        self.socket.home()
    }

    /// Moves it to a caller whose home is another.
    pub(crate) fn leave_home(&mut self) {
        self.socket.leave_home();
    }

    /// Tells whether no exchange has ended on it yet.
    pub(crate) fn is_new(&self) -> bool {
        self.uses == 0
    }

    /// Returns how long it has lain idle.
    pub(crate) fn idle(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.used)
    }

    /// Notes in which epoch of its host it was opened.
    pub(crate) fn leads_to(&mut self, epoch: u32) {
        self.epoch = epoch;
    }

    /// Tells whether it has lived as long as it may, or leads to where the host no longer is.
    pub(crate) fn has_had_its_time(&self, now: Instant, epoch: u32) -> bool {
        now >= self.retires || self.epoch != epoch
    }
}

/// Tells whether it is worth moving for nobody's sake.
fn is_small(body: &impl Body) -> bool {
    body.size_hint().upper().is_some_and(|size| size <= MOST_LEFT)
}

/// Polls the connection; what waits for something of it is polled after, and knows at once.
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
    if let Some(refusal) = said(&e) {
        return refusal;
    }
    Error::new(ErrorKind::Connection, "the connection broke before the answer came").with_source(e)
}

/// Returns what the wire itself has to say about it, such as a TLS refusal after the handshake.
fn said(e: &hyper::Error) -> Option<Error> {
    let io = e.source()?.downcast_ref::<std::io::Error>()?;
    io.get_ref()?.downcast_ref::<Error>().cloned()
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

/// So much of an exchange that its caller left is still moved, to save the connection.
const MOST_LEFT: u64 = 64 << 10;
