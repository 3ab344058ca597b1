//! All that passes between a provider and the session.
//!
//! A provider never does I/O: it returns a [`Call`], a request as data together with the way to read
//! its answer, and the session carries it out. Both name the types of this file and not each other.

mod auth;
mod content;
pub(crate) mod headers;
mod trust;

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use crate::error::{Error, Result};

// Not every provider needs all of it.
#[cfg_attr(not(feature = "cli"), allow(unused_imports))]
pub(crate) use self::auth::{
    Account, Auth, Endpoint, Grant, Keys, Secret, Signing, Token, secret_header,
};
pub use self::content::Content;
pub(crate) use self::content::{Live, Supplied};
pub(crate) use self::trust::{Identity, Pem, Trust};

/// One operation of a cloud as data: a request, and how to read its answer.
///
/// A provider's own operations return it; [`Driver::send`](crate::Driver::send) carries it out.
#[must_use = "a call does nothing until a driver sends it"]
pub struct Call<T> {
    pub(crate) request: Request,
    pub(crate) read: Reader<T>,
}

/// Reads what came of a request, once: its answer, or why there is none.
pub(crate) type Reader<T> = Box<dyn FnOnce(Result<Response>) -> Result<Step<T>> + Send>;

/// What follows from an answer.
pub(crate) enum Step<T> {
    /// The operation has its result.
    Done(T),
    /// Another request is needed.
    Next(Call<T>),
    /// Not yet: ask again after this long.
    Wait(Duration, Call<T>),
}

#[cfg(test)]
impl<T> Step<T> {
    /// Returns the call that comes next.
    pub(crate) fn call(self) -> Call<T> {
        match self {
            Self::Next(call) | Self::Wait(_, call) => call,
            Self::Done(_) => panic!("there is nothing left to call"),
        }
    }
}

impl<T: 'static> Call<T> {
    pub(crate) fn new(
        request: Request,
        read: impl FnOnce(Response) -> Result<Step<T>> + Send + 'static,
    ) -> Self {
        Self { request, read: Box::new(|came| read(came?)) }
    }

    /// Continues with what `f` makes of the result.
    pub(crate) fn then<U: 'static>(
        self,
        f: impl FnOnce(T) -> Result<Step<U>> + Send + 'static,
    ) -> Call<U> {
        self.settled(|result| f(result?))
    }

    /// Continues with what `f` makes of the result, or of the failure, wherever on the way it came.
    ///
    /// An answer that was lost is [`Ambiguous`](crate::ErrorKind::Ambiguous); a wait that there is no time
    /// for is [`Timeout(Wait)`](crate::ErrorKind::Timeout).
    pub(crate) fn settled<U: 'static>(
        self,
        f: impl FnOnce(Result<T>) -> Result<Step<U>> + Send + 'static,
    ) -> Call<U> {
        let Self { request, read } = self;
        let read = Box::new(|came| {
            Ok(match read(came) {
                Ok(Step::Done(value)) => f(Ok(value))?,
                Ok(Step::Next(call)) => Step::Next(call.settled(f)),
                Ok(Step::Wait(pause, call)) => Step::Wait(pause, call.settled(f)),
                Err(error) => f(Err(error))?,
            })
        });
        Call { request, read }
    }

    /// Adds the cloud's id of the answer that the result came with.
    pub(crate) fn identified(self) -> Call<(T, Option<HeaderValue>)> {
        let Self { request, read } = self;
        let read = Box::new(|came: Result<Response>| {
            let id = came.as_ref().ok().and_then(|answer| request_id(&answer.headers));
            Ok(match read(came)? {
                Step::Done(value) => Step::Done((value, id)),
                Step::Next(call) => Step::Next(call.identified()),
                Step::Wait(pause, call) => Step::Wait(pause, call.identified()),
            })
        });
        Call { request, read }
    }
}

impl<T> fmt::Debug for Call<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("request", &self.request).finish_non_exhaustive()
    }
}

/// A request before it is signed and sent.
pub(crate) struct Request {
    pub(crate) target: Target,
    pub(crate) method: Method,
    /// Path and query, percent-encoded, beginning with `/`; joined to the endpoint's own path.
    pub(crate) path: Cow<'static, str>,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Content,
    pub(crate) replay: Replay,
    /// It moves content: its time counts from the last byte that moved.
    pub(crate) patient: bool,
    /// The body of an answer that says it went well is left on its connection, to be read piece by
    /// piece.
    pub(crate) live: bool,
}

/// Where a request goes. Only a [`Service`] gets the token.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// An endpoint of the catalog that came with the token.
    Service(Service),
    /// A fixed address, asked without a token: where logins go.
    Url(String),
}

/// A service type in the catalog of one kind of cloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Service {
    pub(crate) provider: &'static str,
    pub(crate) name: &'static str,
}

/// May the same bytes go out again when nobody knows what became of the first time?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Replay {
    /// Doing it twice is doing it once (RFC 9110, 9.2.2).
    Safe,
    /// The cloud knows these bytes again by a token in them, and does them once. Whoever begins anew
    /// takes another token: what became of them must be known, or be said not to be.
    Known,
    /// It creates or changes something each time.
    Never,
}

impl Request {
    pub(crate) fn new(target: Target, method: Method, path: impl Into<Cow<'static, str>>) -> Self {
        let replay = match method {
            Method::POST | Method::PATCH => Replay::Never,
            _ => Replay::Safe,
        };
        Self {
            target,
            method,
            path: path.into(),
            headers: Vec::new(),
            body: Bytes::new().into(),
            replay,
            patient: false,
            live: false,
        }
    }

    pub(crate) fn get(service: Service, path: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Target::Service(service), Method::GET, path)
    }

    pub(crate) fn post(service: Service, path: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Target::Service(service), Method::POST, path)
    }

    pub(crate) fn put(service: Service, path: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Target::Service(service), Method::PUT, path)
    }

    pub(crate) fn delete(service: Service, path: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Target::Service(service), Method::DELETE, path)
    }

    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    pub(crate) fn json(mut self, body: &impl serde::Serialize) -> Result<Self> {
        let bytes = serde_json::to_vec(body)
            .map_err(|e| Error::invalid("the request cannot be written as JSON").with_source(e))?;
        self.body = Bytes::from(bytes).into();
        Ok(self.header(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json")))
    }

    pub(crate) fn replay(mut self, replay: Replay) -> Self {
        self.replay = replay;
        self
    }
}

/// Shows where a request goes, not what it says: a login's body holds the password.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("target", &self.target)
            .field("method", &self.method)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// An answer.
pub(crate) struct Response {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// The whole body; empty if it is live.
    pub(crate) body: Bytes,
    /// The body, where the request asked for it this way and it went well.
    pub(crate) live: Option<Live>,
    /// The request went out more than once, so an earlier one may have done the work.
    pub(crate) resent: bool,
}

impl Response {
    /// Takes the secrets of our token out of a body that repeats them.
    pub(crate) fn hide(&mut self, token: &Token) {
        // A short one would be found where it is none.
        for secret in token.secrets().filter(|secret| secret.len() >= 8) {
            let mut rest = &self.body[..];
            let mut shown = Vec::new();
            while let Some(at) = rest.windows(secret.len()).position(|part| part == secret) {
                shown.extend_from_slice(&rest[..at]);
                shown.extend_from_slice("…".as_bytes());
                rest = &rest[at + secret.len()..];
            }
            if rest.len() < self.body.len() {
                shown.extend_from_slice(rest);
                self.body = shown.into();
            }
        }
    }

    /// Returns a header as text, if it is there and is text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// Returns the cloud's id of a request, under whatever name it goes there.
pub(crate) fn request_id(headers: &HeaderMap) -> Option<HeaderValue> {
    // Few headers came; looking for six names would cost more.
    let is_id = |(name, value): (&HeaderName, _)| {
        let rank = match name.as_str() {
            "x-openstack-request-id" => 0,
            "x-compute-request-id" => 1,
            "x-trans-id" => 2,
            "x-amz-request-id" => 3,
            "x-amzn-requestid" => 4,
            "x-request-id" => 5,
            _ => return None,
        };
        Some((rank, value))
    };
    let (_, id): (_, &HeaderValue) = headers.iter().filter_map(is_id).min_by_key(|(r, _)| *r)?;
    Some(id.clone())
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Page<T> {
    /// What the page holds; may be empty although more pages follow.
    pub items: Vec<T>,
    /// Where the next page begins; `None` on the last one.
    pub next: Option<Cursor>,
}

impl<T> Page<T> {
    pub(crate) fn new(items: Vec<T>, next: Option<Cursor>) -> Self {
        Self { items, next }
    }
}

/// A place in a list, as the cloud names it; good for as long as the cloud honours it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Cursor(String);

impl Cursor {
    pub(crate) fn new(place: impl Into<String>) -> Self {
        Self(place.into())
    }

    /// Returns the cursor as text, to keep it; `Cursor` reads it back through serde.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
