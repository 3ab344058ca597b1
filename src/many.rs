//! Many operations of one kind, some of them at once.

use std::collections::VecDeque;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use futures_core::Stream;
use futures_util::stream::{self, StreamExt};
use parking_lot::Mutex;

use crate::cancel::Cancel;
use crate::error::Result;
use crate::op::Op;
use crate::session::spawn;
use crate::settings::Retry;

/// Many operations of one kind that have not begun; each has a result of its own.
///
/// `.await` and `.wait()` give all results in the order of what was asked;
/// [`stream`](Many::stream) and [`iter`](Many::iter) give each with its place as soon as it is there.
///
/// # Threads
/// In async code all run in the caller's task. [`wait`](Many::wait) and [`iter`](Many::iter) start as
/// many threads as are to run at once.
///
/// # Cancellation
/// What has not begun when this, its stream or its iterator is dropped never does. What has begun is
/// dropped in async code, which does not take back what went out; on threads it is carried to its end.
/// With [`cancel_on`](Many::cancel_on) all end, and every result is still given.
///
/// # Example
/// ```no_run
/// # fn f(compute: welkin::Compute, orders: Vec<welkin::NewNode>) {
/// for (i, result) in compute.create_nodes(&orders).at_once(8).iter() {
///     println!("{i}: {:?}", result.map(|node| node.id));
/// }
/// # }
/// ```
#[must_use = "nothing begins until it is awaited, waited for or iterated"]
pub struct Many<T> {
    all: Vec<Op<T>>,
    at_once: usize,
}

impl<T: Send + 'static> Many<T> {
    pub(crate) fn new(all: Vec<Op<T>>) -> Self {
        Self { all, at_once: AT_ONCE }
    }

    /// Sets how many run at once; sixteen by default, and one at least.
    pub fn at_once(mut self, most: usize) -> Self {
        self.at_once = most.max(1);
        self
    }

    /// Sets how long each may take; see [`Op::timeout`].
    pub fn timeout(self, limit: Duration) -> Self {
        self.each(|op| op.timeout(limit))
    }

    /// Sets how each tries failures that pass again.
    pub fn retry(self, retry: Retry) -> Self {
        self.each(|op| op.retry(retry))
    }

    /// Sends one more header with every request of each.
    pub fn header(self, name: &str, value: &str) -> Self {
        self.each(|op| op.header(name, value))
    }

    /// Ends each with `Canceled` when `cancel` says so.
    pub fn cancel_on(self, cancel: &Cancel) -> Self {
        self.each(|op| op.cancel_on(cancel))
    }

    /// Waits for all on threads.
    pub fn wait(self) -> Vec<Result<T>> {
        in_order(self.iter().collect())
    }

    /// Gives each result with its place as soon as it is there; for async code.
    pub fn stream(self) -> impl Stream<Item = (usize, Result<T>)> + Send + Unpin + 'static {
        let all = self.all.into_iter().enumerate();
        let all = stream::iter(all.map(|(i, op)| Box::pin(async move { (i, op.await) })));
        all.buffer_unordered(self.at_once)
    }

    /// Gives each result with its place as soon as it is there; for plain threads.
    pub fn iter(self) -> impl Iterator<Item = (usize, Result<T>)> + Send + 'static {
        let threads = self.at_once.min(self.all.len());
        let left = Left(Arc::new(Mutex::new(self.all.into_iter().enumerate().collect())));
        let (done, results) = mpsc::channel();
        for _ in 0..threads {
            let (left, done) = (Left(Arc::clone(&left.0)), done.clone());
            spawn("welkin-many", move || left.work(&done));
        }
        OnThreads { left, results }
    }

    fn each(self, change: impl Fn(Op<T>) -> Op<T>) -> Self {
        Self { all: self.all.into_iter().map(change).collect(), ..self }
    }
}

fn in_order<T>(mut all: Vec<(usize, T)>) -> Vec<T> {
    all.sort_by_key(|(place, _)| *place);
    all.into_iter().map(|(_, result)| result).collect()
}

impl<T: Send + 'static> IntoFuture for Many<T> {
    type Output = Vec<Result<T>>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { in_order(self.stream().collect().await) })
    }
}

/// What no thread has begun yet.
struct Left<T>(Arc<Mutex<VecDeque<(usize, Op<T>)>>>);

impl<T: Send + 'static> Left<T> {
    fn work(&self, done: &Sender<(usize, Result<T>)>) {
        while let Some(result) = self.next() {
            if done.send(result).is_err() {
                return;
            }
        }
    }

    fn next(&self) -> Option<(usize, Result<T>)> {
        let (place, op) = self.0.lock().pop_front()?;
        Some((place, op.wait()))
    }
}

struct OnThreads<T> {
    left: Left<T>,
    results: Receiver<(usize, Result<T>)>,
}

impl<T: Send + 'static> Iterator for OnThreads<T> {
    type Item = (usize, Result<T>);

    fn next(&mut self) -> Option<Self::Item> {
        // If there was no thread to be had, this one does what is left.
        self.results.recv().ok().or_else(|| self.left.next())
    }
}

impl<T> Drop for OnThreads<T> {
    fn drop(&mut self) {
        self.left.0.lock().clear();
    }
}

impl<T> fmt::Debug for Many<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Many({} operations, {} at once)", self.all.len(), self.at_once)
    }
}

const AT_ONCE: usize = 16;
