//! One operation, not started: await it, or wait for it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{HeaderName, HeaderValue};

use crate::call::{Call, Step};
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::session::{Session, trace};
use crate::settings::Retry;
use crate::wire;

/// One operation that has not begun.
///
/// `.await` it on any executor, or `.wait()` for it on any thread. It owns all it needs, so it can be
/// spawned as it is. Building one does no I/O; a mistake in its arguments comes out when it runs.
///
/// # Threads
/// `Send + Unpin + 'static`. Polled inside a tokio runtime it waits with that runtime; on another
/// executor it waits with a small thread of the driver's; in `.wait()` it waits in place and needs
/// neither. It may change between them while it runs.
///
/// # Cancellation
/// Dropping it cancels it at any time: the connection in use is closed, and pool and token stay
/// sound. What was sent may still be done by the cloud.
///
/// # Example
/// ```no_run
/// # async fn f(compute: welkin::Compute) -> welkin::Result<()> {
/// use std::time::Duration;
///
/// let node = compute.get_node("5d2c…").timeout(Duration::from_secs(5)).await?;
/// let task = tokio::spawn(compute.get_node("5d2c…"));   // an Op is a future by itself
/// # let _ = (node, task);
/// # Ok(())
/// # }
/// ```
#[must_use = "an operation does nothing until it is awaited or waited for"]
pub struct Op<T>(State<T>);

// The large variant is the one that `.wait()` never puts in a box.
#[allow(clippy::large_enum_variant)]
enum State<T> {
    Ready(Ready<T>),
    /// More than one call; kept apart, so that one call costs no more for it.
    Own(Box<Own<T>>),
    Running(Pin<Box<dyn Future<Output = Result<T>> + Send>>),
    Over,
}

struct Ready<T> {
    session: Session,
    operation: &'static str,
    call: Result<Call<T>>,
    options: Options,
}

struct Own<T> {
    session: Session,
    operation: &'static str,
    /// Begun at the first poll.
    begin: Box<dyn FnOnce(Options) -> Pin<Box<dyn Future<Output = Result<T>> + Send>> + Send>,
    options: Options,
}

/// What a caller may set on one operation.
#[derive(Clone, Default)]
pub(crate) struct Options {
    pub(crate) timeout: Option<Duration>,
    pub(crate) retry: Option<Retry>,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) cancel: Option<Cancel>,
    /// The first mistake in the options; it comes out when the operation runs.
    pub(crate) mistake: Option<Error>,
}

impl Options {
    /// The same for one of several calls that end together.
    pub(crate) fn untimed(&self) -> Self {
        Self { timeout: None, ..self.clone() }
    }

    pub(crate) fn header(&mut self, name: &str, value: &str) {
        let parsed = HeaderName::try_from(name).ok().zip(HeaderValue::try_from(value).ok());
        match parsed {
            Some((name, _)) if RESERVED.contains(&name.as_str()) => {
                let text = format!("header {name} is set by the driver and by nobody else");
                self.mistake.get_or_insert_with(|| Error::invalid(text));
            }
            Some(header) => self.headers.push(header),
            None => {
                let text = format!("{name:?} with that value cannot be a header");
                self.mistake.get_or_insert_with(|| Error::invalid(text));
            }
        }
    }
}

/// Headers that frame the message, change the form of its answer, or say who we are.
const RESERVED: [&str; 18] = [
    "accept-encoding",
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-security-token",
    "x-auth-token",
];

impl<T: Send + 'static> Op<T> {
    pub(crate) fn new(session: &Session, operation: &'static str, call: Result<Call<T>>) -> Self {
        let (session, options) = (session.clone(), Options::default());
        Self(State::Ready(Ready { session, operation, call, options }))
    }

    /// Makes an operation of what `work` begins when it is first polled.
    pub(crate) fn own<F: Future<Output = Result<T>> + Send + 'static>(
        session: &Session,
        operation: &'static str,
        work: impl FnOnce(Options) -> F + Send + 'static,
    ) -> Self {
        let (session, options) = (session.clone(), Options::default());
        let begin = Box::new(|options| {
            let work: Pin<Box<dyn Future<Output = Result<T>> + Send>> = Box::pin(work(options));
            work
        });
        Self(State::Own(Box::new(Own { session, operation, begin, options })))
    }

    pub(crate) fn with(mut self, options: Options) -> Self {
        self.set(|own| *own = options);
        self
    }

    /// Waits for the operation on the calling thread; no runtime is needed or started.
    ///
    /// Inside an async runtime's thread it works too and blocks that thread. If that runtime's other
    /// tasks hold every connection of the pool meanwhile, the wait for one ends with the operation's
    /// time-out: `.await` there instead.
    ///
    /// # Errors
    /// Whatever the operation's own page names; and the kinds that every operation can end with:
    /// `Auth`, `Forbidden`, `RateLimited`, `Timeout`, `Connection`, `Protocol`, `Unavailable`,
    /// `Unsupported`, `Canceled`.
    ///
    /// # Panics
    /// If the operation was polled to its end before.
    pub fn wait(self) -> Result<T> {
        match self.0 {
            State::Ready(ready) if trace::is_heard() => ready.wait_heard(),
            State::Ready(ready) => wire::block_on(ready.run()),
            State::Own(own) => wire::block_on(own.run()),
            State::Running(future) => wire::block_on(future),
            State::Over => panic!("the operation is over; its result was taken"),
        }
    }

    /// Sets how long the operation may take, with all its attempts and waits.
    ///
    /// Options count when they are set before the operation is first polled.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.set(|o| o.timeout = Some(limit));
        self
    }

    /// Sets how failures that pass are tried again.
    pub fn retry(mut self, retry: Retry) -> Self {
        self.set(|o| o.retry = Some(retry));
        self
    }

    /// Sends one more header with every request of the operation.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.set(|o| o.header(name, value));
        self
    }

    /// Ends the operation with `Canceled` when `cancel` says so; the way for threads.
    pub fn cancel_on(mut self, cancel: &Cancel) -> Self {
        self.set(|o| o.cancel = Some(cancel.clone()));
        self
    }

    fn set(&mut self, change: impl FnOnce(&mut Options)) {
        match &mut self.0 {
            State::Ready(ready) => change(&mut ready.options),
            State::Own(own) => change(&mut own.options),
            State::Running(_) | State::Over => {}
        }
    }
}

impl<T: Send + 'static> Ready<T> {
    // An `async fn` would keep a second place for each of its arguments.
    fn run(self) -> impl Future<Output = Result<T>> + Send {
        let Self { session, operation, call, options } = self;
        let mut call = Some(call.map(Step::Next));
        async move { session.run(operation, &mut call, &options).await }
    }

    /// Runs in a span, unless those who listen do not care for it.
    #[cold]
    fn heard(self) -> Pin<Box<dyn Future<Output = Result<T>> + Send>> {
        let span = trace::operation(&self.session, self.operation);
        trace::within(span, Box::pin(self.run()))
    }

    #[cold]
    fn wait_heard(self) -> Result<T> {
        match trace::operation(&self.session, self.operation) {
            None => wire::block_on(self.run()),
            span => wire::block_on(trace::within(span, Box::pin(self.run()))),
        }
    }
}

impl<T: Send + 'static> Own<T> {
    fn run(self) -> Pin<Box<dyn Future<Output = Result<T>> + Send>> {
        let Self { session, operation, begin, options } = self;
        let span = trace::is_heard().then(|| trace::operation(&session, operation)).flatten();
        let run = Box::pin(async move {
            let work = begin(options.clone());
            session.oversee(operation, &options, work).await
        });
        trace::within(span, run)
    }
}

impl<T: Send + 'static> Future for Op<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T>> {
        if let State::Ready(_) = &self.0 {
            let State::Ready(ready) = std::mem::replace(&mut self.0, State::Over) else {
                unreachable!("it was ready one line above")
            };
            let heard = trace::is_heard();
            self.0 = State::Running(if heard { ready.heard() } else { Box::pin(ready.run()) });
        }
        if let State::Own(_) = &self.0 {
            let State::Own(own) = std::mem::replace(&mut self.0, State::Over) else {
                unreachable!("it was one line above")
            };
            self.0 = State::Running(own.run());
        }
        let State::Running(future) = &mut self.0 else {
            panic!("the operation is over; its result was taken")
        };
        let result = future.as_mut().poll(cx);
        if result.is_ready() {
            self.0 = State::Over;
        }
        result
    }
}

impl<T> fmt::Debug for Op<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            State::Ready(ready) => return write!(f, "Op({})", ready.operation),
            State::Own(own) => return write!(f, "Op({})", own.operation),
            State::Running(_) => "Op(running)",
            State::Over => "Op(over)",
        })
    }
}
