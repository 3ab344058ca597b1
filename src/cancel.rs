//! Ending operations from outside.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;

use crate::error::{Error, ErrorKind, Result};
use crate::wire::park::{self, Parker};

/// Ends the operations that were told to listen to it; the way to cancel from another thread.
///
/// Clones are the same `Cancel`. In async code dropping the operation does the same.
///
/// # Example
/// ```no_run
/// # fn f(compute: welkin::Compute) -> welkin::Result<()> {
/// let cancel = welkin::Cancel::new();
/// std::thread::scope(|s| {
///     let waiting = s.spawn(|| compute.wait_until_running("5d2c…").cancel_on(&cancel).wait());
///     cancel.cancel();
///     assert_eq!(waiting.join().unwrap().unwrap_err().kind(), welkin::ErrorKind::Canceled);
/// });
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Cancel(Arc<Inner>);

#[derive(Default)]
struct Inner {
    canceled: AtomicBool,
    listeners: Mutex<Listeners>,
}

#[derive(Default)]
struct Listeners {
    next: u64,
    all: Vec<(u64, Listener)>,
}

struct Listener {
    waker: Waker,
    /// A thread that may be blocked in the system, which no waker ends.
    thread: Option<Arc<Parker>>,
}

impl Cancel {
    /// Makes one that nobody listens to yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends every operation that listens, now and later, with `Canceled`.
    ///
    /// What was sent before may still be done by the cloud.
    pub fn cancel(&self) {
        self.0.canceled.store(true, Ordering::Release);
        let mut listeners = self.0.listeners.lock();
        let all = std::mem::take(&mut listeners.all);
        // Under the lock: a thread must not be interrupted in what it does after it stopped
        // listening.
        for (_, listener) in &all {
            if let Some(thread) = &listener.thread {
                thread.interrupt();
            }
        }
        drop(listeners);
        for (_, listener) in all {
            listener.waker.wake();
        }
    }

    /// Tells whether [`cancel`](Cancel::cancel) was called.
    pub fn is_canceled(&self) -> bool {
        self.0.canceled.load(Ordering::Acquire)
    }

    /// Runs an operation's future until it ends or this is cancelled.
    pub(crate) async fn bound<T>(&self, operation: impl Future<Output = Result<T>>) -> Result<T> {
        let mut operation = pin!(operation);
        let mut listening = Listening::new(self.clone());
        poll_fn(|cx| {
            if let Some(canceled) = listening.poll(cx) {
                return Poll::Ready(Err(canceled));
            }
            match operation.as_mut().poll(cx) {
                // An interrupted thread sees its connection break.
                Poll::Ready(Err(_)) if self.is_canceled() => Poll::Ready(Err(canceled())),
                other => other,
            }
        })
        .await
    }
}

/// A registration, taken back when dropped. A waiting thread may hold it only while it waits.
pub(crate) struct Listening {
    cancel: Cancel,
    id: Option<u64>,
}

impl Listening {
    pub(crate) fn new(cancel: Cancel) -> Self {
        Self { cancel, id: None }
    }

    /// Returns the error to end with, if it was cancelled; if not, the poller is woken then.
    pub(crate) fn poll(&mut self, cx: &Context<'_>) -> Option<Error> {
        self.renew(cx.waker());
        self.cancel.is_canceled().then(canceled)
    }

    fn renew(&mut self, waker: &Waker) {
        let listener = Listener { waker: waker.clone(), thread: park::with_parker(Arc::clone) };
        let mut listeners = self.cancel.0.listeners.lock();
        let own = self.id.and_then(|id| listeners.all.iter_mut().find(|(i, _)| *i == id));
        if let Some((_, known)) = own {
            let before = std::mem::replace(known, listener);
            drop(listeners);
            // Outside of the lock: a waker's end may run anybody's code.
            drop(before);
            return;
        }
        let id = listeners.next;
        listeners.next += 1;
        listeners.all.push((id, listener));
        self.id = Some(id);
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            let mut listeners = self.cancel.0.listeners.lock();
            let at = listeners.all.iter().position(|(i, _)| *i == id);
            let own = at.map(|at| listeners.all.swap_remove(at));
            drop(listeners);
            drop(own);
        }
    }
}

fn canceled() -> Error {
    let text = "cancelled by the caller; what was sent before may still be done";
    Error::new(ErrorKind::Canceled, text)
}

impl fmt::Debug for Cancel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cancel").field("canceled", &self.is_canceled()).finish()
    }
}
