//! One TCP socket where there is no `MSG_DONTWAIT` and no `poll(2)`.
//!
//! Every socket lives with our reactor; a waiting thread parks until that wakes it.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::task::{Context, Poll};
use std::time::Instant;

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::runtime::Id;

use super::terms::Terms;

/// A connected socket. At any time one caller uses it; the lock is never waited for.
pub(crate) struct Socket(Mutex<State>);

struct State {
    stream: TcpStream,
    terms: Terms,
}

/// What came of waiting in place.
pub(crate) enum Waited {
    /// Park: the reactor wakes the thread.
    Park,
}

impl Socket {
    /// Takes over a connected stream, which the reactor watches.
    pub(super) fn over(stream: TcpStream, deadline: Instant) -> Arc<Self> {
        Arc::new(Self(Mutex::new(State { stream, terms: Terms::until(deadline) })))
    }

    /// Begins an exchange.
    pub(crate) fn begin(&self, terms: Terms, _source_waits: Option<Arc<AtomicBool>>) {
        self.0.lock().terms = terms;
    }

    /// Goes on after a pause that was the caller's own: it does not count.
    pub(crate) fn resume(&self) {
        self.0.lock().terms.bytes_moved();
    }

    pub(crate) fn deadline(&self) -> Instant {
        self.0.lock().terms.deadline
    }

    /// Nothing here waits in place.
    pub(crate) fn look(&self) {}

    /// Every caller suits: they all wait for the reactor.
    pub(crate) fn home(&self) -> Option<Id> {
        None
    }

    pub(crate) fn leave_home(&self) {}

    /// Looks, without taking anything, whether the peer has closed or sent what nobody asked for.
    pub(crate) fn peek(&self) -> Peek {
        let mut byte = [0u8; 1];
        let mut buf = ReadBuf::new(&mut byte);
        let mut cx = Context::from_waker(std::task::Waker::noop());
        match self.0.lock().stream.poll_peek(&mut cx, &mut buf) {
            Poll::Pending => Peek::Quiet,
            Poll::Ready(Ok(1..)) => Peek::Bytes,
            Poll::Ready(_) => Peek::Closed,
        }
    }

    pub(crate) fn shutdown(&self) {
        let mut cx = Context::from_waker(std::task::Waker::noop());
        let _ = Pin::new(&mut self.0.lock().stream).poll_shutdown(&mut cx);
    }

    pub(crate) fn wait_in_place(&self) -> Waited {
        Waited::Park
    }

    pub(crate) fn poll_read(
        &self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let State { stream, terms } = &mut *self.0.lock();
        let before = buf.filled().len();
        let read = Pin::new(stream).poll_read(cx, buf);
        if buf.filled().len() > before {
            terms.bytes_moved();
        }
        read
    }

    pub(crate) fn poll_write(
        &self,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let State { stream, terms } = &mut *self.0.lock();
        let written = Pin::new(stream).poll_write_vectored(cx, bufs);
        if matches!(written, Poll::Ready(Ok(1..))) {
            terms.bytes_moved();
        }
        written
    }
}

/// What stands in an idle socket.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Peek {
    Bytes,
    Closed,
    Quiet,
}
