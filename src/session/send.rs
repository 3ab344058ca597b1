//! One request until it has an answer: attempts, and what to do when one fails.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING, USER_AGENT};
use http::response::Parts;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};

use super::body::{self, Body};
use super::clock::Moment;
use super::core::Core;
use super::pace::{Pass, Word};
use super::pool::{Lease, Need};
use super::route::Route;
use super::token::Snapshot;
use crate::call::{
    Endpoint, Live, Replay, Request, Response, Signing, Target, request_id, retry_after,
};
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::op::Options;
use crate::settings::A_YEAR;
use crate::wire::alarm;
use crate::wire::connection::Broken;
use crate::wire::payload::Payload;
use crate::wire::terms::Terms;

/// A request on its way, with all that its operation says about it.
pub(super) struct Outgoing<'a> {
    pub(super) request: &'a Request,
    pub(super) region: Option<&'a str>,
    pub(super) options: &'a Options,
    pub(super) deadline: Instant,
    /// The time as an attempt begins; read again after every wait, and by nobody in between.
    pub(super) now: Moment,
}

impl Outgoing<'_> {
    /// It moves content, for as long as its bytes move.
    pub(super) fn has_no_limit(&self) -> bool {
        self.request.patient && self.options.timeout.is_none()
    }

    fn need(&self, fresh: bool) -> Need {
        let Request { replay, body, .. } = self.request;
        let replayable = *replay != Replay::Never && body.bytes().is_some();
        Need { deadline: self.deadline, replayable, fresh, login: false }
    }
}

/// What one attempt came to.
enum Outcome {
    Answer(Response, Sent),
    /// There is no token, or no way to the service.
    NotAllowed(Error),
    /// There is no turn, or no connection, so nothing was sent.
    NotSent(Error),
    Broken(Broken),
}

/// What an attempt goes out with; a login has none of it.
#[derive(Default)]
struct Sent {
    snapshot: Option<Arc<Snapshot>>,
    /// Needed only while the cloud asks for fewer requests.
    pass: Option<Pass>,
}

/// Why there is nothing that could be waited for.
enum Hindered {
    /// There is no token, or no way to the service.
    NotAllowed(Error),
    /// There is no turn, or no connection.
    NotSent(Error),
}

impl From<Error> for Hindered {
    fn from(error: Error) -> Self {
        Self::NotAllowed(error)
    }
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
    fn judge(&mut self, outcome: Outcome, outgoing: &Outgoing<'_>, core: &Core) -> Verdict {
        let request = outgoing.request;
        let safe = request.replay != Replay::Never;
        // Not a word about what it did: only that it cannot go out again.
        let spent = request.body.is_spent();
        match outcome {
            Outcome::Answer(answer, sent) => self.judge_answer(answer, sent, outgoing, core),
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
        Sent { snapshot, pass }: Sent,
        outgoing: &Outgoing<'_>,
        core: &Core,
    ) -> Verdict {
        let request = outgoing.request;
        let (safe, spent) = (request.replay != Replay::Never, request.body.is_spent());
        let status = answer.status;
        answer.resent = self.resent;
        if let Some(snapshot) = &snapshot {
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
        let asked = refusal.and_then(|_| retry_after(&answer.headers, Some(Moment::now().wall)));
        let word = Word::of(refusal, asked);
        match (pass, snapshot) {
            (Some(pass), _) => pass.hear(word),
            (None, Some(snapshot)) => core.hear(word, &snapshot, outgoing),
            (None, None) => {}
        }
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
        self.resent |= !undone;
        self.failed += 1;
        Verdict::Passing(asked.unwrap_or_default(), Ok(answer))
    }

    fn failed(&mut self, error: Error) -> Verdict {
        self.failed += 1;
        if error.is_lasting() {
            return Verdict::Final(Err(error));
        }
        Verdict::Passing(Duration::ZERO, Err(error))
    }

    /// Says of the last failure what it means after all the attempts.
    fn settle(&self, came: Result<Response>, request: &Request) -> Result<Response> {
        match request.replay {
            Replay::Known if self.resent => came.map_err(ambiguous),
            Replay::Known | Replay::Never | Replay::Safe => came,
        }
    }
}

impl Core {
    /// Sends a request until there is an answer to read, or none can be had.
    ///
    /// What is rare is boxed, here and below: every operation's future is as large as all of this.
    pub(super) async fn send(&self, outgoing: &mut Outgoing<'_>) -> Result<Response> {
        let Outgoing { request, options, .. } = *outgoing;
        if request.body.must_prove_empty() {
            Box::pin(self.prove_empty(outgoing)).await?;
        }
        let plan = options.retry.unwrap_or(self.settings.retry);
        let mut tries = Tries::default();
        loop {
            let outcome = self.attempt(outgoing, tries.fresh).await;
            let verdict = tries.judge(outcome, outgoing, self);
            if outgoing.has_no_limit() {
                outgoing.deadline = Instant::now() + self.settings.timeout;
            }
            let (asked, last) = match verdict {
                Verdict::Final(result) => return tries.settle(result, request),
                Verdict::Again => {
                    outgoing.now = Moment::now();
                    continue;
                }
                Verdict::Passing(asked, last) => (asked, last),
            };
            let pause = plan.pause(tries.failed) + asked;
            let again = Instant::now() + pause;
            let no_time = again >= outgoing.deadline;
            if tries.failed >= plan.attempts || no_time || !self.budget.pay() {
                return tries.settle(last, request);
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
        let Request { patient, live, method, .. } = outgoing.request;
        let (mut lease, sent) = match self.begin(outgoing, fresh) {
            Ok(Some(begun)) => begun,
            Ok(None) => match Box::pin(self.wait_and_begin(outgoing, fresh)).await {
                Ok(begun) => begun,
                Err(Hindered::NotAllowed(error)) => return Outcome::NotAllowed(error),
                Err(Hindered::NotSent(error)) => return Outcome::NotSent(error),
            },
            Err(error) => return Outcome::NotAllowed(error),
        };
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

    /// Begins an exchange if nothing has to be waited for: mostly so, and then the time stands still.
    fn begin(&self, outgoing: &Outgoing<'_>, fresh: bool) -> Result<Option<Begun>> {
        if fresh || matches!(outgoing.request.target, Target::Url(_)) {
            return Ok(None);
        }
        let service = self.service(outgoing.request)?;
        let Some(snapshot) = self.usable(outgoing.now) else {
            return Ok(None);
        };
        let route = snapshot.routes.find(service, outgoing.region, |e| self.route(e))?;
        if route.pace.is_on() {
            return Ok(None);
        }
        let Some(lease) = route.pool.take(outgoing.need(false), outgoing.now.instant) else {
            return Ok(None);
        };
        let lease = self.ask(outgoing, service, &snapshot, route, lease)?;
        Ok(Some((lease, Sent { snapshot: Some(snapshot), pass: None })))
    }

    async fn wait_and_begin(
        &self,
        outgoing: &mut Outgoing<'_>,
        fresh: bool,
    ) -> Result<Begun, Hindered> {
        match &outgoing.request.target {
            Target::Url(url) => self.begin_login(url, outgoing, fresh).await,
            Target::Service(_) => self.begin_later(outgoing, fresh).await,
        }
    }

    async fn begin_login(
        &self,
        url: &str,
        outgoing: &mut Outgoing<'_>,
        fresh: bool,
    ) -> Result<Begun, Hindered> {
        let endpoint = Endpoint { service: String::new(), region: None, url: url.to_owned() };
        let route = self.route(endpoint)?;
        let need = Need { replayable: true, login: true, ..outgoing.need(fresh) };
        let lease = match route.pool.take(need, outgoing.now.instant) {
            Some(lease) => lease,
            None => route.pool.wait(need).await.map_err(Hindered::NotSent)?,
        };
        outgoing.now = Moment::now();
        Ok((self.exchange(outgoing, &route, lease, |_, _| Ok(()))?, Sent::default()))
    }

    /// Gets a token, then a connection, then looks whether the token is still the right one.
    async fn begin_later(
        &self,
        outgoing: &mut Outgoing<'_>,
        fresh: bool,
    ) -> Result<Begun, Hindered> {
        let service = self.service(outgoing.request)?;
        let need = outgoing.need(fresh);
        let mut pass = None;
        loop {
            let before = self.token(outgoing.deadline).await?;
            let route = before.routes.find(service, outgoing.region, |e| self.route(e))?;
            if route.pace.is_on() && pass.is_none() {
                let turn = route.pace.wait(outgoing.deadline, self.settings.own_reactor);
                pass = Some(turn.await.map_err(Hindered::NotSent)?);
                // The token may have ended meanwhile.
                continue;
            }
            let lease = match route.pool.take(need, Instant::now()) {
                Some(lease) => lease,
                None => route.pool.wait(need).await.map_err(Hindered::NotSent)?,
            };
            if route.pace.is_on() && pass.is_none() {
                // The cloud spoke while this waited for the connection.
                continue;
            }
            outgoing.now = Moment::now();
            let Some(snapshot) = self.tokens.usable(outgoing.now) else {
                continue;
            };
            // A newer token brought its own catalog; mostly the endpoint is the same.
            let newer = snapshot.routes.find(service, outgoing.region, |e| self.route(e))?;
            if Arc::ptr_eq(&newer.pool, &route.pool) {
                let lease = self.ask(outgoing, service, &snapshot, newer, lease)?;
                return Ok((lease, Sent { snapshot: Some(snapshot), pass }));
            }
        }
    }

    /// Hears what the answer to a request without a pass says about the pace of its service.
    fn hear(&self, word: Word, snapshot: &Snapshot, outgoing: &Outgoing<'_>) {
        let Word::SlowDown(asked) = word else { return };
        let route = self
            .service(outgoing.request)
            .and_then(|service| snapshot.routes.find(service, outgoing.region, |e| self.route(e)));
        // It went that way: the way is known.
        if let Ok(route) = route {
            route.pace.slow_down(asked, || route.pool.in_use() + 1);
        }
    }

    fn usable(&self, now: Moment) -> Option<Arc<Snapshot>> {
        let snapshot = self.tokens.usable(now)?;
        self.tokens.see_to_next(&snapshot, now, &self.login);
        Some(snapshot)
    }

    async fn token(&self, deadline: Instant) -> Result<Arc<Snapshot>> {
        if let Some(snapshot) = self.usable(Moment::now()) {
            return Ok(snapshot);
        }
        let waiting = self.tokens.wait(&self.login);
        let waited = alarm::timeout_at(deadline, self.settings.own_reactor, waiting);
        waited.await.unwrap_or_else(|| {
            let text = "the login did not end in time; is the cloud's identity service well?";
            Err(Error::new(ErrorKind::Timeout(Phase::Login), text))
        })
    }

    /// Signs a request with the token, and begins its exchange.
    fn ask(
        &self,
        outgoing: &Outgoing<'_>,
        service: &'static str,
        snapshot: &Snapshot,
        route: &Route,
        lease: Lease,
    ) -> Result<Lease> {
        let Outgoing { request, region, .. } = outgoing;
        self.exchange(outgoing, route, lease, |uri, headers| {
            self.auth.authorize(Signing {
                method: &request.method,
                uri,
                headers,
                body: &request.body,
                service,
                region: region.or(route.region.as_deref()).unwrap_or_default(),
                now: outgoing.now.wall,
                token: &snapshot.token,
            })
        })
    }

    fn exchange(
        &self,
        outgoing: &Outgoing<'_>,
        route: &Route,
        mut lease: Lease,
        authorize: impl FnOnce(&Uri, &mut HeaderMap) -> Result<()>,
    ) -> Result<Lease> {
        let Outgoing { request, options, deadline, now: Moment { instant: now, .. }, .. } =
            *outgoing;
        if now >= deadline {
            // What goes out now would be done without anybody hearing of it.
            let text = "the time was over before the request could be sent";
            return Err(Error::new(ErrorKind::Timeout(Phase::Acquire), text));
        }
        let head = self.head(request, route, options, authorize)?;
        let limit = if outgoing.has_no_limit() { now + A_YEAR } else { deadline };
        let deadline = limit.min(now + self.settings.attempt_timeout);
        let stall = request.patient.then_some(self.settings.stall_timeout);
        lease.connection().begin(head, Terms { deadline, stall, limit });
        Ok(lease)
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
        authorize: impl FnOnce(&Uri, &mut HeaderMap) -> Result<()>,
    ) -> Result<http::Request<Payload>> {
        let mut head = http::Request::new(Payload::of(&request.body)?);
        *head.method_mut() = request.method.clone();
        *head.uri_mut() = join(&route.base, &request.path)?;
        let mut headers = HeaderMap::with_capacity(6);
        headers.insert(HOST, route.host.clone());
        headers.insert(USER_AGENT, self.settings.user_agent.clone());
        for (name, value) in request.headers.iter().chain(&options.headers) {
            headers.insert(name, value.clone());
        }
        if request.body.size() == 0 && matches!(request.method, Method::POST | Method::PUT) {
            // Some servers want to be told that nothing follows (RFC 9110, 8.6); hyper does not.
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        authorize(head.uri(), &mut headers)?;
        *head.headers_mut() = headers;
        Ok(head)
    }
}

/// A request that is on its way: on which connection, and with what.
type Begun = (Lease, Sent);

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
