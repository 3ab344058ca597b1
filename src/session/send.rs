//! One request until it has an answer: attempts, one after the other.

use std::sync::atomic::Ordering;
use std::time::Instant;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::response::Parts;
use http::{Method, StatusCode};

use super::begin::{Begun, Hindered};
use super::body::{self, Body};
use super::clock::Moment;
use super::core::Core;
use super::pool::Lease;
use super::trace;
use super::tries::{Outcome, Pause, Sent, Tries, Verdict};
use crate::call::{Live, Request, Response, request_id};
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::op::Options;
use crate::wire::alarm;
use crate::wire::connection::Broken;

/// A request on its way, with all that its operation says about it.
pub(super) struct Outgoing<'a> {
    pub(super) request: &'a Request,
    pub(super) region: Option<&'a str>,
    pub(super) options: &'a Options,
    pub(super) deadline: Instant,
    /// The time as an attempt begins; read again after every wait, and by nobody in between.
    pub(super) now: Moment,
    /// How many attempts had a connection; for who listens.
    pub(super) sent: u16,
}

impl Outgoing<'_> {
    /// It moves content, for as long as its bytes move.
    pub(super) fn has_no_limit(&self) -> bool {
        self.request.patient && self.options.timeout.is_none()
    }
}

impl Core {
    /// Sends a request until there is an answer to read, or none can be had.
    ///
    /// What is rare is boxed, here and below: every operation's future is as large as all of this.
    pub(super) async fn send(&self, outgoing: &mut Outgoing<'_>) -> Result<Response> {
        if outgoing.request.body.must_prove_empty() {
            Box::pin(self.prove_empty(outgoing)).await?;
        }
        let mut tries = Tries::default();
        loop {
            let outcome = self.attempt(outgoing, tries.fresh).await;
            if !matches!(outcome, Outcome::NotSent(_)) {
                outgoing.sent = outgoing.sent.saturating_add(1);
            }
            let verdict = tries.judge(outcome, outgoing, self);
            if outgoing.has_no_limit() {
                outgoing.deadline = Instant::now() + self.settings.timeout;
            }
            let (Pause { asked, is_paced }, last) = match verdict {
                Verdict::Final(result) => return tries.settle(result, outgoing.request),
                Verdict::Again => {
                    outgoing.now = Moment::now();
                    continue;
                }
                Verdict::Passing(pause, last) => (pause, last),
            };
            let plan = outgoing.options.retry.unwrap_or(self.settings.retry);
            let pause = plan.pause(tries.failed) + asked;
            let again = Instant::now() + pause;
            let no_time = again >= outgoing.deadline;
            let is_over = tries.failed >= plan.attempts || no_time;
            if is_over || !(is_paced || self.budget.pay()) {
                return tries.settle(last, outgoing.request);
            }
            drop(last);
            self.retries.fetch_add(1, Ordering::Relaxed);
            tracing::debug!(failed = tries.failed, ?pause, "trying again");
            Box::pin(alarm::sleep_until(again, self.settings.own_reactor)).await;
            outgoing.now = Moment::now();
        }
    }

    async fn prove_empty(&self, outgoing: &Outgoing<'_>) -> Result<()> {
        let proof = outgoing.request.body.prove_empty();
        let proof = alarm::timeout_at(outgoing.deadline, self.settings.own_reactor, proof);
        proof.await.unwrap_or_else(|| {
            let text = "the source of an empty upload did not end in time";
            Err(Error::new(ErrorKind::Timeout(Phase::Answer), text))
        })
    }

    async fn attempt(&self, outgoing: &mut Outgoing<'_>, fresh: bool) -> Outcome {
        let begun = match self.begin(outgoing, fresh) {
            Ok(Some(begun)) => begun,
            Ok(None) => match Box::pin(self.wait_and_begin(outgoing, fresh)).await {
                Ok(begun) => begun,
                Err(Hindered::NotAllowed(error)) => return Outcome::NotAllowed(error),
                Err(Hindered::NotSent(error)) => return Outcome::NotSent(error),
            },
            Err(error) => return Outcome::NotAllowed(error),
        };
        match begun {
            Begun { span: None, lease, sent } => self.hear_out(outgoing.request, lease, sent).await,
            Begun { span: Some(span), lease, sent } => {
                trace::exchange(span, self.hear_out(outgoing.request, lease, sent)).await
            }
        }
    }

    // An `async fn` would keep a second place for each of its arguments.
    #[allow(clippy::manual_async_fn)]
    fn hear_out<'a>(
        &'a self,
        request: &'a Request,
        mut lease: Lease,
        sent: Sent,
    ) -> impl Future<Output = Outcome> + Send + 'a {
        async move {
            let Request { patient, live, method, .. } = request;
            let head = match lease.connection().answer().await {
                Ok(head) => head,
                Err(broken) => return Outcome::Broken(broken),
            };
            if lease.connection().is_new() {
                lease.pool().hear(&head.headers);
            }
            if *patient && *method == Method::GET && !has_end(&head) {
                let id = request_id(&head.headers);
                let text = "the answer does not say where it ends, so that nobody could see it cut";
                let error = body::named(Error::protocol(text).lasting(), head.status, &id);
                return Outcome::NotAllowed(error);
            }
            let (body, live) = if *live && head.status.is_success() {
                (Bytes::new(), Some(Live::new(Body::new(lease, &head))))
            } else {
                match lease.connection().read(self.settings.largest_answer).await {
                    Ok(body) => (body, None),
                    Err(e) => {
                        let id = request_id(&head.headers);
                        return Outcome::Broken(Broken::Lost(body::named(e, head.status, &id)));
                    }
                }
            };
            let Parts { status, headers, .. } = head;
            Outcome::Answer(Response { status, headers, body, live, resent: false }, sent)
        }
    }
}

/// Tells whether a body that breaks off can be told from a whole one (RFC 9112, 6.3).
fn has_end(head: &Parts) -> bool {
    let framed = [CONTENT_LENGTH, TRANSFER_ENCODING].iter().any(|n| head.headers.contains_key(n));
    framed || !head.status.is_success() || head.status == StatusCode::NO_CONTENT
}
