//! The first half of an attempt: a turn, a token, a connection, and the request is on its way.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HOST, USER_AGENT};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method, Uri};
use tracing::Span;

use super::clock::Moment;
use super::core::Core;
use super::pool::{Lease, Need};
use super::route::Route;
use super::send::Outgoing;
use super::token::Snapshot;
use super::trace;
use super::tries::Sent;
use crate::call::{Endpoint, Replay, Request, Signing, Target};
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::op::Options;
use crate::settings::A_YEAR;
use crate::wire::alarm;
use crate::wire::payload::Payload;
use crate::wire::terms::Terms;

/// A request that is on its way.
pub(super) struct Begun {
    pub(super) lease: Lease,
    pub(super) sent: Sent,
    /// Where the rest of the attempt belongs, if somebody listens.
    pub(super) span: Option<Box<Span>>,
}

/// Why there is nothing that could be waited for.
pub(super) enum Hindered {
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

impl Outgoing<'_> {
    fn need(&self, fresh: bool) -> Need {
        let Request { replay, body, .. } = self.request;
        let replayable = *replay != Replay::Never && body.bytes().is_some();
        Need { deadline: self.deadline, replayable, fresh, login: false }
    }
}

impl Core {
    /// Begins an exchange if nothing has to be waited for: mostly so, and then the time stands still.
    pub(super) fn begin(&self, outgoing: &Outgoing<'_>, fresh: bool) -> Result<Option<Begun>> {
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
        let (lease, span) = self.ask(outgoing, service, &snapshot, route, lease)?;
        Ok(Some(Begun { lease, sent: Sent { snapshot: Some(snapshot), pass: None }, span }))
    }

    pub(super) async fn wait_and_begin(
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
            None => {
                let wait = trace::waited("a connection", route.pool.wait(need));
                wait.await.map_err(Hindered::NotSent)?
            }
        };
        outgoing.now = Moment::now();
        let (lease, span) = self.exchange(outgoing, &route, lease, |_, _| Ok(()))?;
        Ok(Begun { lease, sent: Sent::default(), span })
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
                let turn = trace::waited("a turn", turn);
                pass = Some(turn.await.map_err(Hindered::NotSent)?);
                // The token may have ended meanwhile.
                continue;
            }
            let lease = match route.pool.take(need, Instant::now()) {
                Some(lease) => lease,
                None => {
                    let wait = trace::waited("a connection", route.pool.wait(need));
                    wait.await.map_err(Hindered::NotSent)?
                }
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
                let (lease, span) = self.ask(outgoing, service, &snapshot, newer, lease)?;
                return Ok(Begun { lease, sent: Sent { snapshot: Some(snapshot), pass }, span });
            }
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
        trace::waited("a login", waited).await.unwrap_or_else(|| {
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
    ) -> Result<(Lease, Option<Box<Span>>)> {
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
    ) -> Result<(Lease, Option<Box<Span>>)> {
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
        let span = trace::attempt(&request.method, &route.pool, head.uri(), outgoing.sent);
        lease.connection().begin(head, Terms { deadline, stall, limit });
        Ok((lease, span))
    }

    /// A call of another cloud's provider must never meet this cloud's token.
    pub(super) fn service(&self, request: &Request) -> Result<&'static str> {
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

fn join(base: &str, path: &str) -> Result<Uri> {
    let mut joined = String::with_capacity(base.len() + path.len());
    joined.push_str(base);
    joined.push_str(path);
    let parsed = PathAndQuery::from_maybe_shared(Bytes::from(joined)).map(Uri::from);
    parsed.map_err(|e| Error::invalid(format!("{path:?} cannot be a path")).with_source(e))
}
