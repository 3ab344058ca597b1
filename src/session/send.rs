//! One request until it has an answer: attempts, and what to do when one fails.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING, USER_AGENT};
use http::response::Parts;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use tracing::Span;

use super::body::{self, Body};
use super::clock::Moment;
use super::core::Core;
use super::pool::{Lease, Need};
use super::retry;
use super::route::Route;
use super::token::Snapshot;
use super::trace;
use crate::call::{Endpoint, Live, Replay, Request, Response, Signing, Target, request_id};
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::op::Options;
use crate::settings::A_YEAR;
use crate::wire::alarm;
use crate::wire::connection::Broken;
use crate::wire::payload::Payload;
use crate::wire::terms::Terms;

/// A request on its way, with all that its operation says about it.
#[derive(Clone, Copy)]
pub(super) struct Outgoing<'a> {
    pub(super) request: &'a Request,
    pub(super) region: Option<&'a str>,
    pub(super) options: &'a Options,
    pub(super) deadline: Instant,
}

impl Outgoing<'_> {
    /// It moves content, for as long as its bytes move.
    pub(super) fn has_no_limit(&self) -> bool {
        self.request.patient && self.options.timeout.is_none()
    }
}

/// What one attempt came to.
pub(super) enum Outcome {
    Answer(Response, Option<Arc<Snapshot>>),
    /// There is no token, or no way to the service.
    NotAllowed(Error),
    /// There is no connection, so nothing was sent.
    NotSent(Error),
    Broken(Broken),
}

/// What is known of a request from its attempts so far.
#[derive(Default)]
struct Tries {
    failed: u32,
    /// How often its token was refused.
    refused: u32,
    /// Only a new connection will do.
    fresh: bool,
    /// An earlier attempt may have done the work.
    resent: bool,
    /// How many attempts had a connection; for who listens.
    sent: u16,
}

/// What follows from an attempt.
enum Verdict {
    /// Try again at once: this was not the request's fault.
    Again,
    Final(Result<Response>),
    /// Try again after the time that the cloud asked for, if there is time; else this is the end.
    Passing(Duration, Result<Response>),
}

impl Tries {
    fn judge(&mut self, outcome: Outcome, request: &Request, core: &Core) -> Verdict {
        let safe = request.replay != Replay::Never;
        // Not a word about what it did: only that it cannot go out again.
        let spent = request.body.is_spent();
        if !matches!(outcome, Outcome::NotSent(_)) {
            self.sent = self.sent.saturating_add(1);
        }
        match outcome {
            Outcome::Answer(answer, snapshot) => {
                self.judge_answer(answer, snapshot, safe, spent, core)
            }
            // Logins have their own attempts.
            Outcome::NotAllowed(error) => Verdict::Final(Err(error)),
            Outcome::NotSent(error) => match error.kind() {
                ErrorKind::Connection | ErrorKind::Timeout(Phase::Connect) => self.failed(error),
                _ => Verdict::Final(Err(error)),
            },
            Outcome::Broken(Broken::Local(error)) => Verdict::Final(Err(error)),
            Outcome::Broken(Broken::Unsent(_)) if !self.fresh => {
                self.fresh = true;
                Verdict::Again
            }
            Outcome::Broken(Broken::Unsent(error)) => self.failed(error),
            Outcome::Broken(Broken::Stale(_)) if safe && !spent && !self.fresh => {
                core.replays.fetch_add(1, Ordering::Relaxed);
                (self.fresh, self.resent) = (true, true);
                Verdict::Again
            }
            Outcome::Broken(Broken::Stale(error) | Broken::Lost(error)) => {
                if !safe && !error.is_lasting() {
                    return Verdict::Final(Err(ambiguous(error)));
                }
                if spent {
                    return Verdict::Final(Err(error));
                }
                self.resent = true;
                self.failed(error)
            }
        }
    }

    fn judge_answer(
        &mut self,
        mut answer: Response,
        snapshot: Option<Arc<Snapshot>>,
        safe: bool,
        spent: bool,
        core: &Core,
    ) -> Verdict {
        let status = answer.status;
        answer.resent = self.resent;
        if let Some(snapshot) = snapshot {
            if !status.is_success() {
                // What a cloud says when it refuses us ends in messages and logs.
                answer.hide(&snapshot.token);
            }
            if status == StatusCode::UNAUTHORIZED {
                self.refused += 1;
                // Twice refused is refused, unless others did well with the same token.
                let most = if snapshot.was_accepted() { 4 } else { 2 };
                let now = Moment::now();
                let rejected = !snapshot.is_forever()
                    && self.refused < most
                    && core.tokens.reject(snapshot.generation, now);
                if rejected && !spent {
                    return Verdict::Again;
                }
            } else {
                snapshot.note_accepted();
            }
        }
        let refusal = (!status.is_success()).then(|| core.auth.refusal(&answer));
        let undone = match refusal {
            Some(ErrorKind::RateLimited) => true,
            // It may stand between us and a deed.
            Some(ErrorKind::Unavailable) if safe => false,
            _ => {
                core.budget.earn();
                return Verdict::Final(Ok(answer));
            }
        };
        if spent {
            return Verdict::Final(Ok(answer));
        }
        let asked = retry::retry_after(&answer.headers, Moment::now().wall).unwrap_or_default();
        self.resent |= !undone;
        self.failed += 1;
        Verdict::Passing(asked, Ok(answer))
    }

    fn failed(&mut self, error: Error) -> Verdict {
        self.failed += 1;
        if error.is_lasting() {
            return Verdict::Final(Err(error));
        }
        Verdict::Passing(Duration::ZERO, Err(error))
    }
}

impl Core {
    /// Sends a request until there is an answer to read, or none can be had.
    pub(super) async fn send(&self, outgoing: Outgoing<'_>) -> Result<Response> {
        let mut tries = Tries::default();
        let came = self.try_out(outgoing, &mut tries).await;
        match outgoing.request.replay {
            Replay::Known if tries.resent => came.map_err(ambiguous),
            Replay::Known | Replay::Never | Replay::Safe => came,
        }
    }

    async fn try_out(&self, mut outgoing: Outgoing<'_>, tries: &mut Tries) -> Result<Response> {
        let Outgoing { request, options, .. } = outgoing;
        if request.body.must_prove_empty() {
            Box::pin(self.prove_empty(&outgoing)).await?;
        }
        let plan = options.retry.unwrap_or(self.settings.retry);
        loop {
            let attempt = self.attempt(outgoing, tries.fresh, tries.sent);
            let verdict = tries.judge(attempt.await, request, self);
            if outgoing.has_no_limit() {
                outgoing.deadline = Instant::now() + self.settings.timeout;
            }
            let (asked, last) = match verdict {
                Verdict::Again => continue,
                Verdict::Final(result) => return result,
                Verdict::Passing(asked, last) => (asked, last),
            };
            let pause = plan.pause(tries.failed) + asked;
            let no_time = Instant::now() + pause >= outgoing.deadline;
            if tries.failed >= plan.attempts || no_time || !self.budget.pay() {
                return last;
            }
            self.retries.fetch_add(1, Ordering::Relaxed);
            tracing::debug!(failed = tries.failed, ?pause, "trying again");
            let again = alarm::sleep_until(Instant::now() + pause, self.settings.own_reactor);
            Box::pin(again).await;
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

    async fn attempt(&self, outgoing: Outgoing<'_>, fresh: bool, sent: u16) -> Outcome {
        let prepared = match &outgoing.request.target {
            Target::Url(url) => self.prepare_login(url, outgoing, fresh, sent).await,
            Target::Service(_) => self.prepare(outgoing, fresh, sent).await,
        };
        match prepared {
            Ok(prepared @ Prepared { span: None, .. }) => self.exchange(prepared, outgoing).await,
            Ok(prepared) => trace::exchange(self, prepared, outgoing).await,
            Err(outcome) => outcome,
        }
    }

    pub(super) async fn exchange(&self, prepared: Prepared, outgoing: Outgoing<'_>) -> Outcome {
        let Prepared { mut lease, head, snapshot, .. } = prepared;
        let Request { patient, live, method, .. } = outgoing.request;
        let now = Instant::now();
        if now >= outgoing.deadline {
            // What goes out now would be done without anybody hearing of it.
            let text = "the time was over before the request could be sent";
            return Outcome::NotAllowed(Error::new(ErrorKind::Timeout(Phase::Acquire), text));
        }
        let limit = if outgoing.has_no_limit() { now + A_YEAR } else { outgoing.deadline };
        let deadline = limit.min(now + self.settings.attempt_timeout);
        let stall = patient.then_some(self.settings.stall_timeout);
        let terms = Terms { deadline, stall, limit };
        let head = match lease.connection().exchange(head, terms).await {
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
        Outcome::Answer(Response { status, headers, body, live, resent: false }, snapshot)
    }

    async fn prepare_login(
        &self,
        url: &str,
        outgoing: Outgoing<'_>,
        fresh: bool,
        sent: u16,
    ) -> Result<Prepared, Outcome> {
        let Outgoing { request, options, deadline, .. } = outgoing;
        let endpoint = Endpoint { service: String::new(), region: None, url: url.to_owned() };
        let route = self.route(endpoint).map_err(Outcome::NotAllowed)?;
        let need = Need { deadline, replayable: true, fresh, login: true };
        let lease = match route.pool.take(need, Instant::now()) {
            Some(lease) => lease,
            None => {
                let wait = trace::waited("a connection", route.pool.wait(need));
                Box::pin(wait).await.map_err(Outcome::NotSent)?
            }
        };
        let head = self.head(request, &route, options, sent, |_, _| Ok(()));
        let (head, span) = head.map_err(Outcome::NotAllowed)?;
        Ok(Prepared { lease, head, snapshot: None, span })
    }

    /// Gets a token, then a connection, then looks whether the token is still the right one.
    async fn prepare(
        &self,
        outgoing: Outgoing<'_>,
        fresh: bool,
        sent: u16,
    ) -> Result<Prepared, Outcome> {
        let Outgoing { request, region, options, deadline } = outgoing;
        let service = self.service(request).map_err(Outcome::NotAllowed)?;
        let replayable = request.replay != Replay::Never && request.body.bytes().is_some();
        let need = Need { deadline, replayable, fresh, login: false };
        loop {
            let before = self.token(deadline).await.map_err(Outcome::NotAllowed)?;
            let route = before.routes.find(service, region, |e| self.route(e));
            let route = route.map_err(Outcome::NotAllowed)?;
            let lease = match route.pool.take(need, Instant::now()) {
                Some(lease) => lease,
                // It is rare and large: kept out of every operation's own size.
                None => {
                    let wait = trace::waited("a connection", route.pool.wait(need));
                    Box::pin(wait).await.map_err(Outcome::NotSent)?
                }
            };
            let now = Moment::now();
            let Some(snapshot) = self.tokens.usable(now) else {
                continue;
            };
            // A newer token brought its own catalog; mostly the endpoint is the same.
            let newer = snapshot.routes.find(service, region, |e| self.route(e));
            let newer = newer.map_err(Outcome::NotAllowed)?;
            if Arc::ptr_eq(&newer.pool, &route.pool) {
                let head = self.head(request, newer, options, sent, |uri, headers| {
                    self.auth.authorize(Signing {
                        method: &request.method,
                        uri,
                        headers,
                        body: &request.body,
                        service,
                        region: region.or(newer.region.as_deref()).unwrap_or_default(),
                        now: now.wall,
                        token: &snapshot.token,
                    })
                });
                let (head, span) = head.map_err(Outcome::NotAllowed)?;
                return Ok(Prepared { lease, head, snapshot: Some(snapshot), span });
            }
        }
    }

    async fn token(&self, deadline: Instant) -> Result<Arc<Snapshot>> {
        let now = Moment::now();
        if let Some(snapshot) = self.tokens.usable(now) {
            self.tokens.see_to_next(&snapshot, now, &self.login);
            return Ok(snapshot);
        }
        let waiting = self.tokens.wait(&self.login);
        let waited = alarm::timeout_at(deadline, self.settings.own_reactor, waiting);
        Box::pin(trace::waited("a login", waited)).await.unwrap_or_else(|| {
            let text = "the login did not end in time; is the cloud's identity service well?";
            Err(Error::new(ErrorKind::Timeout(Phase::Login), text))
        })
    }

    /// A call of another cloud's provider must never meet this cloud's token.
    fn service(&self, request: &Request) -> Result<&'static str> {
        match &request.target {
            Target::Service(service) if service.provider == self.provider => Ok(service.name),
            Target::Service(service) => Err(Error::invalid(format!(
                "this call is for provider {}; this driver is of provider {}",
                service.provider, self.provider
            ))),
            Target::Url(_) => unreachable!("logins are prepared on their own"),
        }
    }

    fn head(
        &self,
        request: &Request,
        route: &Route,
        options: &Options,
        sent: u16,
        authorize: impl FnOnce(&Uri, &mut HeaderMap) -> Result<()>,
    ) -> Result<(http::Request<Payload>, Option<Box<Span>>)> {
        let uri = join(&route.base, &request.path)?;
        let mut headers = HeaderMap::with_capacity(8);
        headers.insert(HOST, route.host.clone());
        headers.insert(USER_AGENT, self.settings.user_agent.clone());
        for (name, value) in request.headers.iter().chain(&options.headers) {
            headers.insert(name, value.clone());
        }
        if request.body.size() == 0 && matches!(request.method, Method::POST | Method::PUT) {
            // Some servers want to be told that nothing follows (RFC 9110, 8.6); hyper does not.
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        authorize(&uri, &mut headers)?;
        let mut head = http::Request::new(Payload::of(&request.body)?);
        let span = trace::attempt(&request.method, &route.pool, &uri, sent);
        *head.method_mut() = request.method.clone();
        *head.uri_mut() = uri;
        *head.headers_mut() = headers;
        Ok((head, span))
    }
}

/// Everything that one attempt needs.
pub(super) struct Prepared {
    lease: Lease,
    head: http::Request<Payload>,
    snapshot: Option<Arc<Snapshot>>,
    /// Of the attempt, if somebody listens.
    pub(super) span: Option<Box<Span>>,
}

fn join(base: &str, path: &str) -> Result<Uri> {
    let mut joined = String::with_capacity(base.len() + path.len());
    joined.push_str(base);
    joined.push_str(path);
    let parsed = PathAndQuery::from_maybe_shared(Bytes::from(joined)).map(Uri::from);
    parsed.map_err(|e| Error::invalid(format!("{path:?} cannot be a path")).with_source(e))
}

/// Tells whether a body that breaks off can be told from a whole one (RFC 9112, 6.3).
fn has_end(head: &Parts) -> bool {
    let framed = [CONTENT_LENGTH, TRANSFER_ENCODING].iter().any(|n| head.headers.contains_key(n));
    framed || !head.status.is_success() || head.status == StatusCode::NO_CONTENT
}

fn ambiguous(error: Error) -> Error {
    let text = "the request was sent and its answer was lost: it may have been carried out; \
                look before you repeat it";
    Error::new(ErrorKind::Ambiguous, text).with_source(error)
}
