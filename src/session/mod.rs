//! Carries calls out: the only code that decides what is sent when.
//!
//! ```text
//! run:      loop { retry( attempt ) → read: Done returns, Next and Wait go round again }
//! attempt:  wait for a usable token → for a pass, when the cloud asked for fewer requests → lease
//!           → look at the token again, sign → exchange
//! ```
//!
//! Retry encloses token and signature: every try uses the token of its moment, and signs after the
//! wait for a connection, not before.

mod begin;
mod body;
mod clock;
mod core;
mod desk;
mod pace;
pub(crate) mod pool;
mod retry;
mod route;
mod send;
mod stats;
mod sync;
mod token;
pub(crate) mod trace;
mod tries;
pub(crate) mod watch;

#[cfg(all(test, welkin_loom))]
mod models;
#[cfg(all(test, not(welkin_loom)))]
mod tests;

use std::sync::Arc;
use std::time::{Duration, Instant};

pub use pool::Exhausted;
pub use stats::Stats;
pub(crate) use sync::spawn;

use self::clock::Moment;
use self::core::Core;
use self::send::Outgoing;
use crate::call::{Auth, Response, Step, Trust, request_id};
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::op::Options;
use crate::settings::{A_YEAR, Settings};
use crate::wire::alarm;

/// What all handles of a driver share, and the region they look at.
#[derive(Clone)]
pub(crate) struct Session {
    core: Arc<Core>,
    region: Option<Arc<str>>,
}

impl Session {
    pub(crate) fn new(
        provider: &'static str,
        auth: Arc<dyn Auth>,
        trust: &Trust,
        region: Option<&str>,
        settings: Settings,
    ) -> Result<Self> {
        let core = Core::new(provider, auth, trust, settings)?;
        Ok(Self { core, region: region.map(Arc::from) })
    }

    pub(crate) fn in_region(&self, region: &str) -> Self {
        Self { core: Arc::clone(&self.core), region: Some(region.into()) }
    }

    pub(crate) fn region(&self) -> Option<&str> {
        self.region.as_deref()
    }

    pub(crate) fn provider(&self) -> &'static str {
        self.core.provider
    }

    pub(crate) fn stats(&self) -> Stats {
        self.core.stats()
    }

    pub(crate) fn close_idle(&self) {
        self.core.close_idle();
    }

    /// Carries a call out, with all the requests and waits that follow from its answers.
    ///
    /// `next` is where the call lies meanwhile: what is moved into futures is copied time and again.
    pub(crate) async fn run<T>(
        &self,
        operation: &'static str,
        next: &mut Option<Result<Step<T>>>,
        options: &Options,
    ) -> Result<T> {
        let result = match &options.cancel {
            None => self.steps(next, options).await,
            // In a box, or it would double the size of all the others.
            Some(cancel) => Box::pin(cancel.bound(self.steps(next, options))).await,
        };
        result.map_err(|e| e.during(self.core.provider, operation))
    }

    async fn steps<T>(&self, next: &mut Option<Result<Step<T>>>, options: &Options) -> Result<T> {
        if let Some(mistake) = &options.mistake {
            return Err(mistake.clone());
        }
        let mut now = Moment::now();
        let mut deadline = now.instant + self.limit(options);
        loop {
            if let Some(Ok(Step::Wait(pause, _))) = next {
                let again = now.instant + *pause;
                if again >= deadline {
                    read(next, Err(not_yet(self.limit(options))));
                    continue;
                }
                Box::pin(alarm::sleep_until(again, self.core.settings.own_reactor)).await;
                now = Moment::now();
            }
            let Some(Ok(Step::Next(call) | Step::Wait(_, call))) = next else {
                return end(next);
            };
            let (request, region) = (&call.request, self.region.as_deref());
            let mut outgoing = Outgoing { request, region, options, deadline, now, sent: 0 };
            let answer = self.core.send(&mut outgoing).await;
            let has_no_limit = outgoing.has_no_limit();
            read(next, answer);
            if let Some(Ok(Step::Done(_))) = next {
                return end(next);
            }
            now = Moment::now();
            if has_no_limit {
                deadline = now.instant + self.limit(options);
            }
        }
    }

    /// Runs what is more than one call, and looks after its own options.
    pub(crate) async fn oversee<T>(
        &self,
        operation: &'static str,
        options: &Options,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let result = match &options.mistake {
            Some(mistake) => Err(mistake.clone()),
            None => work.await,
        };
        result.map_err(|e| e.during(self.core.provider, operation))
    }

    /// When an operation that begins now has to be over, if its caller said so.
    pub(crate) fn end(&self, options: &Options) -> Option<Instant> {
        options.timeout.map(|limit| Moment::now().instant + limit.min(A_YEAR))
    }

    /// Ends work when its caller cancels it, or at that moment.
    pub(crate) async fn within<T>(
        &self,
        options: &Options,
        end: Option<Instant>,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let work = async {
            let Some(end) = end else { return work.await };
            let own_reactor = self.core.settings.own_reactor;
            let over = alarm::timeout_at(end, own_reactor, work).await;
            over.unwrap_or_else(|| Err(not_yet(self.limit(options))))
        };
        match &options.cancel {
            None => work.await,
            Some(cancel) => cancel.bound(work).await,
        }
    }

    pub(crate) async fn pause(&self, pause: Duration) {
        alarm::sleep_until(Moment::now().instant + pause, self.core.settings.own_reactor).await;
    }

    fn limit(&self, options: &Options) -> Duration {
        options.timeout.unwrap_or(self.core.settings.timeout).min(A_YEAR)
    }
}

/// Puts what follows from an answer in the place of the call that it answers.
fn read<T>(next: &mut Option<Result<Step<T>>>, answer: Result<Response>) {
    let Some(Ok(Step::Next(call) | Step::Wait(_, call))) = next.take() else {
        unreachable!("only calls are answered");
    };
    let id = answer.as_ref().ok().and_then(|answer| request_id(&answer.headers));
    *next = Some((call.read)(answer).map_err(|e| e.answered_as(id)));
}

fn end<T>(next: &mut Option<Result<Step<T>>>) -> Result<T> {
    match next.take() {
        Some(Ok(Step::Done(value))) => Ok(value),
        Some(Err(error)) => Err(error),
        Some(Ok(Step::Next(_) | Step::Wait(..))) | None => unreachable!("it is not over yet"),
    }
}

fn not_yet(limit: Duration) -> Error {
    let text = format!("the cloud is not there yet after {limit:?}; wait again, or look why");
    Error::new(ErrorKind::Timeout(Phase::Wait), text)
}
