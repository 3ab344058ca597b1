//! Carries calls out: the only code that decides what is sent when.
//!
//! ```text
//! run:      loop { retry( attempt ) → read: Done returns, Next and Wait go round again }
//! attempt:  wait for a usable token → lease → look at the token again, sign → exchange
//! ```
//!
//! Retry encloses token and signature: every try uses the token of its moment, and signs after the
//! wait for a connection, not before.

mod body;
mod clock;
mod core;
mod desk;
pub(crate) mod pool;
mod retry;
mod route;
mod send;
mod stats;
mod sync;
mod token;

#[cfg(all(test, welkin_loom))]
mod models;
#[cfg(all(test, not(welkin_loom)))]
mod tests;

use std::sync::Arc;
use std::time::{Duration, Instant};

pub use pool::Exhausted;
pub use stats::Stats;

use self::core::Core;
use self::send::Outgoing;
use crate::call::{Auth, Call, Step, Trust, request_id};
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
    pub(crate) async fn run<T>(
        &self,
        operation: &'static str,
        step: Result<Step<T>>,
        options: &Options,
    ) -> Result<T> {
        let steps = async {
            if let Some(mistake) = &options.mistake {
                return Err(mistake.clone());
            }
            self.steps(step?, options).await
        };
        let result = match &options.cancel {
            None => steps.await,
            Some(cancel) => cancel.bound(steps).await,
        };
        result.map_err(|e| e.during(self.core.provider, operation))
    }

    async fn steps<T>(&self, mut step: Step<T>, options: &Options) -> Result<T> {
        let limit = options.timeout.unwrap_or(self.core.settings.timeout);
        let mut deadline = Instant::now() + limit.min(A_YEAR);
        loop {
            let Call { request, read } = match step {
                Step::Done(value) => return Ok(value),
                Step::Next(call) => call,
                Step::Wait(pause, call) => {
                    let again = Instant::now() + pause;
                    if again >= deadline {
                        step = (call.read)(Err(not_yet(limit)))?;
                        continue;
                    }
                    Box::pin(alarm::sleep_until(again, self.core.settings.own_reactor)).await;
                    call
                }
            };
            let region = self.region.as_deref();
            let outgoing = Outgoing { request: &request, region, options, deadline };
            let answer = self.core.send(outgoing).await;
            if outgoing.has_no_limit() {
                deadline = Instant::now() + limit.min(A_YEAR);
            }
            let id = answer.as_ref().ok().and_then(|answer| request_id(&answer.headers));
            step = read(answer).map_err(|e| e.answered_as(id))?;
        }
    }
}

fn not_yet(limit: Duration) -> Error {
    let text = format!("the cloud is not there yet after {limit:?}; wait again, or look why");
    Error::new(ErrorKind::Timeout(Phase::Wait), text)
}
