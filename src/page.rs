//! Lists: all of it, page by page, or lazily, from one definition.

use std::collections::HashSet;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_core::Stream;

use crate::call::{Call, Cursor, Page, Step};
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::op::{Op, Options};
use crate::session::{Session, trace};
use crate::settings::Retry;
use crate::wire;

/// A list that has not been asked for.
///
/// `.await` or `.wait()` gives all of it, every page. [`stream`](List::stream) and
/// [`iter`](List::iter) ask for the next page when it is needed; [`page`](List::page) asks for one.
///
/// # Threads
/// `Send + Unpin + 'static`, as an [`Op`].
///
/// # Example
/// ```no_run
/// # fn f(compute: welkin::Compute) -> welkin::Result<()> {
/// for node in compute.list_nodes().iter() {
///     println!("{}", node?.name);
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "a list does nothing until it is awaited, waited for or iterated"]
pub struct List<T> {
    source: Source<T>,
    running: Option<Pin<Box<dyn Future<Output = Result<Vec<T>>> + Send>>>,
}

/// Where pages come from, and how they are asked for.
struct Source<T> {
    session: Session,
    operation: &'static str,
    ask: Arc<dyn Fn(Option<&Cursor>) -> Result<Call<Page<T>>> + Send + Sync>,
    options: Options,
}

impl<T: Send + 'static> List<T> {
    pub(crate) fn new(
        session: &Session,
        operation: &'static str,
        ask: impl Fn(Option<&Cursor>) -> Result<Call<Page<T>>> + Send + Sync + 'static,
    ) -> Self {
        let (session, ask, options) = (session.clone(), Arc::new(ask), Options::default());
        Self { source: Source { session, operation, ask, options }, running: None }
    }

    /// Waits for the whole list on the calling thread.
    ///
    /// # Errors
    /// As [`Op::wait`]; a page that fails fails the list.
    pub fn wait(self) -> Result<Vec<T>> {
        match self.running {
            Some(running) => wire::block_on(running),
            None if trace::is_heard() => self.source.wait_heard(),
            None => wire::block_on(self.source.all()),
        }
    }

    /// Asks for one page: the first, or the one that a cursor leads to.
    pub fn page(self, from: Option<&Cursor>) -> Op<Page<T>> {
        self.source.page(from)
    }

    /// Gives the items one by one, asking for pages as they are needed; for async code.
    ///
    /// The stream ends after the first error. `.timeout(..)` counts for each page.
    pub fn stream(self) -> impl Stream<Item = Result<T>> + Send + Unpin + 'static
    where
        T: Unpin,
    {
        Lazy::new(self.source)
    }

    /// Gives the items one by one, asking for pages as they are needed; for plain threads.
    ///
    /// The iterator ends after the first error. `.timeout(..)` counts for each page.
    pub fn iter(self) -> impl Iterator<Item = Result<T>> + Send + 'static
    where
        T: Unpin,
    {
        Lazy::new(self.source)
    }

    /// Sets how long the list may take as a whole; see [`Op::timeout`].
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.source.options.timeout = Some(limit);
        self
    }

    /// Sets how failures that pass are tried again.
    pub fn retry(mut self, retry: Retry) -> Self {
        self.source.options.retry = Some(retry);
        self
    }

    /// Sends one more header with every request of the list.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.source.options.header(name, value);
        self
    }

    /// Ends the list with `Canceled` when `cancel` says so.
    pub fn cancel_on(mut self, cancel: &Cancel) -> Self {
        self.source.options.cancel = Some(cancel.clone());
        self
    }
}

impl<T: Send + 'static> Source<T> {
    fn page(&self, from: Option<&Cursor>) -> Op<Page<T>> {
        Op::new(&self.session, self.operation, (self.ask)(from)).with(self.options.clone())
    }

    /// Follows every page as one operation with one deadline.
    async fn all(self) -> Result<Vec<T>> {
        let Self { session, operation, ask, options } = self;
        let mut call = Some(whole(ask).map(Step::Next));
        session.run(operation, &mut call, &options).await
    }

    #[cold]
    fn heard(self) -> Pin<Box<dyn Future<Output = Result<Vec<T>>> + Send>> {
        let span = trace::operation(&self.session, self.operation);
        trace::within(span, Box::pin(self.all()))
    }

    #[cold]
    fn wait_heard(self) -> Result<Vec<T>> {
        match trace::operation(&self.session, self.operation) {
            None => wire::block_on(self.all()),
            span => wire::block_on(trace::within(span, Box::pin(self.all()))),
        }
    }
}

/// Joins all pages of a list to one call.
pub(crate) fn whole<T: Send + 'static>(
    ask: Arc<dyn Fn(Option<&Cursor>) -> Result<Call<Page<T>>> + Send + Sync>,
) -> Result<Call<Vec<T>>> {
    all_pages(ask(None)?, ask, Vec::new(), HashSet::new())
}

fn all_pages<T: Send + 'static>(
    call: Call<Page<T>>,
    ask: Arc<dyn Fn(Option<&Cursor>) -> Result<Call<Page<T>>> + Send + Sync>,
    mut seen: Vec<T>,
    mut been: HashSet<Cursor>,
) -> Result<Call<Vec<T>>> {
    Ok(call.then(move |page| {
        if seen.is_empty() {
            seen = page.items;
        } else {
            seen.extend(page.items);
        }
        match page.next {
            None => Ok(Step::Done(seen)),
            Some(next) => {
                let call = ask(Some(&next))?;
                if !been.insert(next) {
                    return Err(circle());
                }
                Ok(Step::Next(all_pages(call, ask, seen, been)?))
            }
        }
    }))
}

impl<T: Send + 'static> Future for List<T> {
    type Output = Result<Vec<T>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let list = self.get_mut();
        let running = list.running.get_or_insert_with(|| {
            let source = list.source.fork();
            if trace::is_heard() { source.heard() } else { Box::pin(source.all()) }
        });
        running.as_mut().poll(cx)
    }
}

impl<T> Source<T> {
    fn fork(&self) -> Self {
        Self {
            session: self.session.clone(),
            operation: self.operation,
            ask: Arc::clone(&self.ask),
            options: self.options.clone(),
        }
    }
}

/// A list that is read item by item.
struct Lazy<T> {
    source: Source<T>,
    items: std::vec::IntoIter<T>,
    at: At,
    been: HashSet<Cursor>,
    asked: Option<Op<Page<T>>>,
}

/// Which page to ask for when the items at hand are used up.
enum At {
    Start,
    Page(Cursor),
    End,
}

impl<T: Send + Unpin + 'static> Lazy<T> {
    fn new(source: Source<T>) -> Self {
        let (items, been) = (Vec::new().into_iter(), HashSet::new());
        Self { source, items, at: At::Start, been, asked: None }
    }

    /// Returns the request for the next page, or `None` at the end.
    fn next_page(&self) -> Option<Op<Page<T>>> {
        match &self.at {
            At::Start => Some(self.source.page(None)),
            At::Page(cursor) => Some(self.source.page(Some(cursor))),
            At::End => None,
        }
    }

    fn turn_to(&mut self, page: Result<Page<T>>) -> Result<()> {
        self.at = At::End;
        let Page { items, next } = page?;
        if next.as_ref().is_some_and(|next| !self.been.insert(next.clone())) {
            return Err(circle());
        }
        self.items = items.into_iter();
        self.at = next.map_or(At::End, At::Page);
        Ok(())
    }
}

impl<T: Send + Unpin + 'static> Iterator for Lazy<T> {
    type Item = Result<T>;

    fn next(&mut self) -> Option<Result<T>> {
        loop {
            if let Some(item) = self.items.next() {
                return Some(Ok(item));
            }
            let page = self.next_page()?.wait();
            if let Err(e) = self.turn_to(page) {
                return Some(Err(e));
            }
        }
    }
}

impl<T: Send + Unpin + 'static> Stream for Lazy<T> {
    type Item = Result<T>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<T>>> {
        loop {
            if let Some(item) = self.items.next() {
                return Poll::Ready(Some(Ok(item)));
            }
            if self.asked.is_none() {
                self.asked = self.next_page();
            }
            let Some(asked) = &mut self.asked else {
                return Poll::Ready(None);
            };
            let page = ready!(Pin::new(asked).poll(cx));
            self.asked = None;
            if let Err(e) = self.turn_to(page) {
                return Poll::Ready(Some(Err(e)));
            }
        }
    }
}

/// Pages that lead back to one before them would be read for ever.
fn circle() -> Error {
    Error::protocol(
        "the list leads back to a page that was read before; the cloud's paging is broken",
    )
}

impl<T> fmt::Debug for List<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "List({})", self.source.operation)
    }
}
