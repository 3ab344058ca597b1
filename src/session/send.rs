//! One request until it has an answer: attempts, and what to do when one fails.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{HOST, USER_AGENT};
use http::uri::PathAndQuery;
use http::{HeaderMap, StatusCode, Uri};

use super::clock::Moment;
use super::core::Core;
use super::pool::{Lease, Need};
use super::retry;
use super::route::{self, Route};
use super::token::Snapshot;
use crate::call::{Endpoint, Replay, Request, Response, Signing, Target};
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::op::Options;
use crate::wire::alarm;
use crate::wire::connection::{Broken, Payload};

/// What one attempt came to.
enum Outcome {
    Answer(http::Response<Bytes>, Option<Arc<Snapshot>>),
    /// There is no token, or no way to the service.
    NotAllowed(Error),
    /// There is no connection, so nothing was sent.
    NotSent(Error),
    Broken(Broken),
}

impl Core {
    /// Sends a request until there is an answer to read, or none can be had.
    pub(super) async fn send(
        &self,
        request: &Request,
        region: Option<&str>,
        options: &Options,
        deadline: Instant,
    ) -> Result<Response> {
        let plan = options.retry.unwrap_or(self.settings.retry);
        let safe = request.replay == Replay::Safe;
        let (mut failed, mut refused, mut fresh, mut resent) = (0, 0, false, false);
        loop {
            let outcome = self
                .attempt(request, region, options, deadline, fresh)
                .await;
            // How long the cloud wants to be left alone, and what to return if there is no time.
            let (asked, last) = match outcome {
                Outcome::Answer(answer, Some(snapshot))
                    if answer.status() == StatusCode::UNAUTHORIZED =>
                {
                    self.tokens.reject(snapshot.generation);
                    refused += 1;
                    // Twice refused is refused, unless others do well with the same token.
                    if refused < if snapshot.was_accepted() { 4 } else { 2 } {
                        continue;
                    }
                    return Ok(whole(answer, resent));
                }
                Outcome::Answer(answer, snapshot) => {
                    if let Some(snapshot) = snapshot {
                        snapshot.note_accepted();
                    }
                    let status = answer.status();
                    if !retry::is_passing(status) {
                        self.budget.earn();
                        return Ok(whole(answer, resent));
                    }
                    // 429 says that nothing was done; the others may stand between us and a deed.
                    if !safe && status != StatusCode::TOO_MANY_REQUESTS {
                        return Ok(whole(answer, resent));
                    }
                    let asked = retry::retry_after(answer.headers(), Moment::now().wall);
                    (asked, Ok((answer, resent)))
                }
                // Logins have their own attempts.
                Outcome::NotAllowed(error) => return Err(error),
                Outcome::NotSent(error) => {
                    let again = matches!(
                        error.kind(),
                        ErrorKind::Connection | ErrorKind::Timeout(Phase::Connect)
                    );
                    if !again || !error.is_retryable() {
                        return Err(error);
                    }
                    (None, Err(error))
                }
                Outcome::Broken(Broken::Unsent(_)) if !fresh => {
                    fresh = true;
                    continue;
                }
                Outcome::Broken(Broken::Stale(_)) if safe && !fresh => {
                    self.replays.fetch_add(1, Ordering::Relaxed);
                    (fresh, resent) = (true, true);
                    continue;
                }
                Outcome::Broken(Broken::Unsent(error)) => (None, Err(error)),
                Outcome::Broken(Broken::Stale(error) | Broken::Lost(error)) => {
                    if error.is_lasting() {
                        return Err(error);
                    }
                    if !safe {
                        return Err(ambiguous(error));
                    }
                    (None, Err(error))
                }
            };
            failed += 1;
            let pause = plan.pause(failed) + asked.unwrap_or_default();
            if failed < plan.attempts && self.may_pause(pause, deadline) {
                resent |=
                    !matches!(&last, Ok((a, _)) if a.status() == StatusCode::TOO_MANY_REQUESTS);
                self.retries.fetch_add(1, Ordering::Relaxed);
                tracing::debug!(failed, ?pause, "trying again");
                let own_reactor = self.settings.own_reactor;
                Box::pin(alarm::sleep_until(Instant::now() + pause, own_reactor)).await;
                continue;
            }
            return last.map(|(answer, resent)| whole(answer, resent));
        }
    }

    fn may_pause(&self, pause: Duration, deadline: Instant) -> bool {
        Instant::now() + pause < deadline && self.budget.pay()
    }

    async fn attempt(
        &self,
        request: &Request,
        region: Option<&str>,
        options: &Options,
        deadline: Instant,
        fresh: bool,
    ) -> Outcome {
        let prepared = match &request.target {
            Target::Url(url) => self.prepare_login(url, request, options, deadline).await,
            Target::Service(_) => {
                self.prepare(request, region, options, deadline, fresh)
                    .await
            }
        };
        let Prepared {
            mut lease,
            head,
            snapshot,
        } = match prepared {
            Ok(prepared) => prepared,
            Err(outcome) => return outcome,
        };
        let deadline = deadline.min(Instant::now() + self.settings.attempt_timeout);
        let answer = lease
            .connection()
            .exchange(head, deadline, self.settings.largest_answer);
        match answer.await {
            Ok(answer) => Outcome::Answer(answer, snapshot),
            Err(broken) => Outcome::Broken(broken),
        }
    }

    async fn prepare_login(
        &self,
        url: &str,
        request: &Request,
        options: &Options,
        deadline: Instant,
    ) -> Result<Prepared, Outcome> {
        let (service, region) = (String::new(), String::new());
        let route = self
            .route(Endpoint {
                service,
                region,
                url: url.to_owned(),
            })
            .map_err(Outcome::NotAllowed)?;
        let need = Need {
            deadline,
            replayable: true,
            fresh: false,
            login: true,
        };
        let lease = route.pool.lease(need).await.map_err(Outcome::NotSent)?;
        let head = self
            .head(request, &route, options, None)
            .map_err(Outcome::NotAllowed)?;
        Ok(Prepared {
            lease,
            head,
            snapshot: None,
        })
    }

    /// Gets a token, then a connection, then looks whether the token is still the right one.
    async fn prepare(
        &self,
        request: &Request,
        region: Option<&str>,
        options: &Options,
        deadline: Instant,
        fresh: bool,
    ) -> Result<Prepared, Outcome> {
        let service = self.service(request).map_err(Outcome::NotAllowed)?;
        let replayable = request.replay == Replay::Safe;
        let need = Need {
            deadline,
            replayable,
            fresh,
            login: false,
        };
        loop {
            let before = self.token(deadline).await.map_err(Outcome::NotAllowed)?;
            let route =
                route::find(&before.routes, service, region).map_err(Outcome::NotAllowed)?;
            let lease = route.pool.lease(need).await.map_err(Outcome::NotSent)?;
            let Some(snapshot) = self.tokens.usable(Moment::now()) else {
                continue;
            };
            // A newer token brought its own catalog; mostly the endpoint is the same.
            let newer =
                route::find(&snapshot.routes, service, region).map_err(Outcome::NotAllowed)?;
            if Arc::ptr_eq(&newer.pool, &route.pool) {
                let head = self.head(request, newer, options, Some(&snapshot));
                let head = head.map_err(Outcome::NotAllowed)?;
                return Ok(Prepared {
                    lease,
                    head,
                    snapshot: Some(snapshot),
                });
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
        Box::pin(waited).await.unwrap_or_else(|| {
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
        snapshot: Option<&Snapshot>,
    ) -> Result<http::Request<Payload>> {
        let mut headers = HeaderMap::with_capacity(8);
        headers.insert(HOST, route.host.clone());
        headers.insert(USER_AGENT, self.settings.user_agent.clone());
        for (name, value) in request.headers.iter().chain(&options.headers) {
            headers.append(name, value.clone());
        }
        if let Some(snapshot) = snapshot {
            self.auth.authorize(Signing {
                headers: &mut headers,
                token: &snapshot.token,
            })?;
        }
        let mut head = http::Request::new(Payload(request.body.clone()));
        *head.method_mut() = request.method.clone();
        *head.uri_mut() = join(&route.base, &request.path)?;
        *head.headers_mut() = headers;
        Ok(head)
    }
}

/// Everything that one attempt needs.
struct Prepared {
    lease: Lease,
    head: http::Request<Payload>,
    snapshot: Option<Arc<Snapshot>>,
}

fn join(base: &str, path: &str) -> Result<Uri> {
    let mut joined = String::with_capacity(base.len() + path.len());
    joined.push_str(base);
    joined.push_str(path);
    let parsed = PathAndQuery::from_maybe_shared(Bytes::from(joined)).map(Uri::from);
    parsed.map_err(|e| Error::invalid(format!("{path:?} cannot be a path")).with_source(e))
}

fn whole(answer: http::Response<Bytes>, resent: bool) -> Response {
    let (head, body) = answer.into_parts();
    Response {
        status: head.status,
        headers: head.headers,
        body,
        resent,
    }
}

fn ambiguous(error: Error) -> Error {
    let text = "the request was sent and its answer was lost: it may have been carried out; \
                look before you repeat it";
    Error::new(ErrorKind::Ambiguous, text).with_source(error)
}
