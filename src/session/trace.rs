//! Spans of `tracing`: one for each operation, and within it one for each request that goes out.
//!
//! Names and fields are told in `manual/tracing.rs`. While nobody listens at DEBUG, all this is one
//! load and one comparison for each span; nothing is formed, and no future is larger for it.

use std::future::Future;
use std::pin::Pin;
use std::time::Instant;

use http::{Method, Uri};
use tracing::dispatcher::{self, Dispatch};
use tracing::field::Empty;
use tracing::level_filters::LevelFilter;
use tracing::{Instrument, Span};

use super::Session;
use super::pool::Pool;
use super::tries::Outcome;
use crate::call::request_id;
use crate::error::{Error, Result};
use crate::wire::Origin;
use crate::wire::connection::Broken;

/// Tells whether any subscriber of the process wants to hear of DEBUG.
#[inline]
pub(crate) fn is_heard() -> bool {
    LevelFilter::current() >= LevelFilter::DEBUG
}

/// Opens the span of an operation, if somebody listens. Its parent is the caller's current one.
#[cold]
pub(crate) fn operation(session: &Session, operation: &'static str) -> Option<Span> {
    heard(tracing::debug_span!(
        target: "welkin",
        "operation",
        otel.name = operation,
        otel.kind = "client",
        otel.status_code = Empty,
        otel.status_description = Empty,
        error.type = Empty,
        cloud.region = session.region(),
        welkin.operation = operation,
        welkin.provider = session.provider(),
    ))
}

/// Runs an operation in its span, if it has one. That ends when the operation ends or is dropped.
pub(crate) fn within<T: 'static>(
    span: Option<Span>,
    running: Pin<Box<dyn Future<Output = Result<T>> + Send>>,
) -> Pin<Box<dyn Future<Output = Result<T>> + Send>> {
    let Some(span) = span else { return running };
    Box::pin(async move {
        let result = running.instrument(span.clone()).await;
        if let Err(error) = &result {
            failed(&span, error);
        }
        result
    })
}

/// Opens the span of a request that is about to go out, if somebody listens. Its numbers have a sign,
/// as OpenTelemetry's do: `tracing-opentelemetry` makes texts of others.
pub(super) fn attempt(method: &Method, pool: &Pool, uri: &Uri, sent: u16) -> Option<Box<Span>> {
    #[cold]
    fn open(method: &Method, origin: &Origin, uri: &Uri, sent: u16) -> Option<Box<Span>> {
        let span = heard(tracing::debug_span!(
            target: "welkin",
            "attempt",
            otel.name = method.as_str(),
            otel.kind = "client",
            otel.status_code = Empty,
            otel.status_description = Empty,
            error.type = Empty,
            http.request.method = method.as_str(),
            http.request.resend_count = (sent > 0).then_some(i64::from(sent)),
            http.response.status_code = Empty,
            network.protocol.version = "1.1",
            server.address = origin.host,
            server.port = i64::from(origin.port),
            url.full = url(origin, uri),
            welkin.request_id = Empty,
        ));
        span.map(Box::new)
    }
    if is_heard() { open(method, pool.origin(), uri, sent) } else { None }
}

/// Hears the answer to a request in the span of the attempt. In a box, so that who does not listen
/// has no room for it.
#[cold]
pub(super) fn exchange<'a>(
    span: Box<Span>,
    exchange: impl Future<Output = Outcome> + Send + 'a,
) -> Pin<Box<dyn Future<Output = Outcome> + Send + 'a>> {
    Box::pin(async move {
        let outcome = exchange.instrument((*span).clone()).await;
        answered(&span, &outcome);
        outcome
    })
}

fn answered(span: &Span, outcome: &Outcome) {
    match outcome {
        Outcome::Answer(answer, _) => {
            let status = answer.status;
            span.record("http.response.status_code", i64::from(status.as_u16()));
            let id = request_id(&answer.headers);
            if let Some(id) = id.as_ref().and_then(|id| id.to_str().ok()) {
                span.record("welkin.request_id", id);
            }
            if status.is_client_error() || status.is_server_error() {
                span.record("otel.status_code", "ERROR").record("error.type", status.as_str());
            }
        }
        Outcome::NotAllowed(error) | Outcome::NotSent(error) => failed(span, error),
        Outcome::Broken(
            Broken::Unsent(error)
            | Broken::Stale(error)
            | Broken::Lost(error)
            | Broken::Local(error),
        ) => failed(span, error),
    }
}

/// Waits, and says for how long. It is for waits that are rare.
pub(super) async fn waited<T>(what: &'static str, wait: impl Future<Output = T>) -> T {
    let began = is_heard().then(Instant::now);
    let came = wait.await;
    if let Some(began) = began {
        let waited_ms = began.elapsed().as_secs_f64() * 1e3;
        tracing::debug!(target: "welkin", waited_ms, "waited for {what}");
    }
    came
}

/// Where a login is heard: by whoever hears its first caller.
pub(super) struct LoginSpan(Option<(Span, Dispatch)>);

impl LoginSpan {
    /// Opens a span that has no parent, for the caller does not wait for all of it, and may end
    /// before.
    pub(super) fn open() -> Self {
        if !is_heard() {
            return Self(None);
        }
        let span = heard(tracing::debug_span!(
            target: "welkin",
            parent: None,
            "operation",
            otel.name = "login",
            otel.kind = "client",
            otel.status_code = Empty,
            otel.status_description = Empty,
            error.type = Empty,
            welkin.operation = "login",
            welkin.provider = Empty,
        ));
        Self(span.map(|span| {
            // Here, where the caller's span still lives: it is not kept for this.
            span.follows_from(Span::current());
            (span, dispatcher::get_default(Dispatch::clone))
        }))
    }

    /// Runs the whole of a login, on the thread that does nothing else.
    pub(super) fn around(self, login: impl FnOnce()) {
        match self.0 {
            None => login(),
            Some((span, dispatch)) => dispatcher::with_default(&dispatch, || span.in_scope(login)),
        }
    }
}

/// Notes on the span of the login that runs on this thread whose it is, and how it ended.
pub(super) fn login<T>(provider: &'static str, result: &Result<T>) {
    let span = Span::current();
    span.record("welkin.provider", provider);
    if let Err(error) = result {
        failed(&span, error);
    }
}

fn heard(span: Span) -> Option<Span> {
    (!span.is_disabled()).then_some(span)
}

fn failed(span: &Span, error: &Error) {
    span.record("otel.status_code", "ERROR");
    span.record("otel.status_description", tracing::field::display(error));
    span.record("error.type", tracing::field::debug(error.kind()));
}

/// Writes where a request goes. The values of its query are left out: there are addresses that are
/// as good as a password, and people who take one of those for an object's name.
fn url(origin: &Origin, uri: &Uri) -> String {
    let path = uri.path();
    let mut url = match path.find("%3F") {
        Some(at) => format!("{origin}{}%3FREDACTED", &path[..at]),
        None => format!("{origin}{path}"),
    };
    let mut mark = '?';
    for pair in uri.query().into_iter().flat_map(|query| query.split('&')) {
        let (name, value) =
            pair.split_once('=').map_or((pair, ""), |(name, _)| (name, "=REDACTED"));
        url.push(mark);
        url.push_str(name);
        url.push_str(value);
        mark = '&';
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(uri: &str) -> String {
        let origin = Origin { tls: true, host: "store.example".into(), port: 443 };
        url(&origin, &uri.parse().unwrap()).replace("https://store.example:443", "")
    }

    #[test]
    fn an_address_is_shown_without_the_values_of_its_query() {
        assert_eq!(shown("/a/b%2Fc"), "/a/b%2Fc");
        assert_eq!(shown("/?uploads"), "/?uploads");
        assert_eq!(
            shown("/b/o?partNumber=1&X-Amz-Signature=5d6e%3D=&"),
            "/b/o?partNumber=REDACTED&X-Amz-Signature=REDACTED&"
        );
        assert_eq!(shown("/b/o%3FX-Amz-Signature%3D5d6e?id=5"), "/b/o%3FREDACTED?id=REDACTED");
    }
}
