//! One error for everything that can go wrong.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, StatusCode};

/// The result of everything in this crate that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, and what to do about it.
///
/// Act on [`kind`](Error::kind), never on the text: the text is for people and changes freely. It is
/// one lower-case line about this level only; what lies below is in [`source`](StdError::source).
/// Secrets never appear in it.
///
/// An `Error` is one word wide and cheap to clone.
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    message: String,
    provider: Option<&'static str>,
    operation: Option<&'static str>,
    status: Option<StatusCode>,
    code: Option<String>,
    request_id: Option<String>,
    retry_after: Option<Duration>,
    /// The same call fails the same way whatever its kind says.
    lasting: bool,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// The kinds of failure that a program can tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A request that changes something was sent and its answer was lost: it may have been done.
    Ambiguous,
    /// The cloud does not accept who we say we are.
    Auth,
    /// The operation was cancelled by its [`Cancel`](crate::Cancel).
    Canceled,
    /// What is there already stands in the way.
    Conflict,
    /// No connection, or it broke.
    Connection,
    /// The cloud tried and could not, for example a node that went to its error state.
    Failed,
    /// The account is known but may not do this.
    Forbidden,
    /// An argument or a setting is wrong. Nothing was changed.
    Invalid,
    /// Something on this side of the network failed: a reader, a writer, a file, the disk.
    Local,
    /// There is no such thing.
    NotFound,
    /// Anything else the cloud answered; see [`status`](Error::status) and [`code`](Error::code).
    Other,
    /// The answer is not what the protocol says: cut short, not JSON, too large.
    Protocol,
    /// The account's quota does not allow this.
    Quota,
    /// The cloud asks for fewer requests; see [`retry_after`](Error::retry_after). With no
    /// [`status`](Error::status) the driver itself held the request back, because the cloud had asked
    /// another caller, and it was not sent.
    RateLimited,
    /// Time ran out in the named phase.
    Timeout(Phase),
    /// The cloud, or a part of it, is not serving now.
    Unavailable,
    /// This cloud or account has no such operation or service.
    Unsupported,
}

/// The part of an operation in which time ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// Waiting for a connection of the pool; nothing was sent.
    Acquire,
    /// Waiting for the answer, up to the end of its body.
    Answer,
    /// Opening a connection: address, TCP and TLS.
    Connect,
    /// Waiting for a login.
    Login,
    /// Waiting for the cloud to reach the state that was asked for.
    Wait,
}

impl Error {
    /// Returns the kind, which is what a program acts on.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Tells whether the same call may succeed later without a change on the caller's side.
    ///
    /// An [`Ambiguous`](ErrorKind::Ambiguous) failure is not retryable: look first what was done.
    pub fn is_retryable(&self) -> bool {
        let passes = matches!(
            self.0.kind,
            ErrorKind::Connection
                | ErrorKind::RateLimited
                | ErrorKind::Timeout(_)
                | ErrorKind::Unavailable
        );
        passes && !self.0.lasting
    }

    /// Returns the name of the provider, such as `openstack`.
    pub fn provider(&self) -> Option<&'static str> {
        self.0.provider
    }

    /// Returns the name of the operation, such as `create_node`.
    pub fn operation(&self) -> Option<&'static str> {
        self.0.operation
    }

    /// Returns the HTTP status of the answer, if there was one.
    pub fn status(&self) -> Option<StatusCode> {
        self.0.status
    }

    /// Returns the cloud's own word for the failure, such as `itemNotFound`.
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// Returns the cloud's id of the request, which its operators ask for.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// Returns how long the cloud asked to wait before the next try, or what is left of that.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: one_line(message.into()),
            provider: None,
            operation: None,
            status: None,
            code: None,
            request_id: None,
            retry_after: None,
            lasting: false,
            source: None,
        }))
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, message)
    }

    pub(crate) fn protocol(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Protocol, message)
    }

    /// Names it by another kind, where the same words mean something else.
    pub(crate) fn of_kind(mut self, kind: ErrorKind) -> Self {
        self.0.kind = kind;
        self
    }

    /// Says more of where it happened.
    pub(crate) fn beginning_with(mut self, where_: &str) -> Self {
        self.0.message = one_line(format!("{where_}: {}", self.0.message));
        self
    }

    pub(crate) fn with_source(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.0.source = Some(Arc::new(source));
        self
    }

    pub(crate) fn with_status(mut self, status: StatusCode) -> Self {
        self.0.status = Some(status);
        self
    }

    pub(crate) fn with_code(mut self, code: impl Into<String>) -> Self {
        self.0.code = Some(code.into());
        self
    }

    pub(crate) fn with_request_id(mut self, id: Option<String>) -> Self {
        if let Some(id) = id {
            self.0.request_id = Some(one_line(id));
        }
        self
    }

    /// Notes the id of the answer that the error came of, unless a nearer one is known.
    pub(crate) fn answered_as(self, id: Option<HeaderValue>) -> Self {
        match &self.0.request_id {
            Some(_) => self,
            None => self.with_request_id(id.and_then(|id| Some(id.to_str().ok()?.to_owned()))),
        }
    }

    pub(crate) fn with_retry_after(mut self, wait: Option<Duration>) -> Self {
        self.0.retry_after = wait;
        self
    }

    pub(crate) fn is_lasting(&self) -> bool {
        self.0.lasting
    }

    pub(crate) fn lasting(mut self) -> Self {
        self.0.lasting = true;
        self
    }

    /// Says whose error it is; the innermost word stands.
    pub(crate) fn during(mut self, provider: &'static str, operation: &'static str) -> Self {
        self.0.provider.get_or_insert(provider);
        self.0.operation.get_or_insert(operation);
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { operation, message, status, request_id, .. } = &*self.0;
        if let Some(operation) = operation {
            write!(f, "{operation}: ")?;
        }
        f.write_str(message)?;
        match (status, request_id) {
            (Some(status), Some(id)) => write!(f, " ({}, request {id})", status.as_u16()),
            (Some(status), None) => write!(f, " ({})", status.as_u16()),
            (None, Some(id)) => write!(f, " (request {id})"),
            (None, None) => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner {
            kind,
            message,
            provider,
            operation,
            status,
            code,
            request_id,
            retry_after,
            source,
            ..
        } = &*self.0;
        let mut out = f.debug_struct("Error");
        out.field("kind", kind).field("message", message);
        if let Some(v) = provider {
            out.field("provider", v);
        }
        if let Some(v) = operation {
            out.field("operation", v);
        }
        if let Some(v) = status {
            out.field("status", &v.as_u16());
        }
        if let Some(v) = code {
            out.field("code", v);
        }
        if let Some(v) = request_id {
            out.field("request_id", v);
        }
        if let Some(v) = retry_after {
            out.field("retry_after", v);
        }
        if let Some(v) = source {
            out.field("source", v);
        }
        out.finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|e| e as &(dyn StdError + 'static))
    }
}

/// Longest text of a cloud that an error repeats, in bytes.
const LONGEST_MESSAGE: usize = 1_000;

/// Folds white space and control characters: clouds send paragraphs, people read one line.
fn one_line(text: String) -> String {
    let clean = text.len() <= LONGEST_MESSAGE && !text.contains(|c: char| c.is_control());
    if clean {
        return text;
    }
    let mut line = String::with_capacity(text.len().min(LONGEST_MESSAGE));
    for word in text.split(|c: char| c.is_control() || c.is_whitespace()).filter(|w| !w.is_empty())
    {
        if !line.is_empty() {
            line.push(' ');
        }
        let room = LONGEST_MESSAGE.saturating_sub(line.len());
        if word.len() > room {
            line.extend(
                word.char_indices().take_while(|(i, c)| i + c.len_utf8() <= room).map(|(_, c)| c),
            );
            line.push('…');
            break;
        }
        line.push_str(word);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_one_word_wide() {
        assert_eq!(size_of::<Error>(), size_of::<usize>());
    }

    #[test]
    fn display_is_one_line_with_the_request_id() {
        let e = Error::new(ErrorKind::Quota, "Quota exceeded\r\n for\tcores")
            .with_status(StatusCode::FORBIDDEN)
            .with_request_id(Some("req-1".into()))
            .during("openstack", "create_node")
            .during("openstack", "wait_until_running");
        assert_eq!(e.to_string(), "create_node: Quota exceeded for cores (403, request req-1)");
    }

    #[test]
    fn a_request_id_that_is_not_one_word_breaks_no_line() {
        let e =
            Error::new(ErrorKind::Other, "no").answered_as(Some(HeaderValue::from_static("a\tb")));
        assert_eq!(e.to_string(), "no (request a b)");
        let e = Error::new(ErrorKind::Other, "no").with_request_id(Some("a\r\n b\n".into()));
        assert_eq!(e.to_string(), "no (request a b)");
    }

    #[test]
    fn endless_texts_of_a_cloud_are_cut() {
        for text in ["word ".repeat(10_000), "ß".repeat(10_000)] {
            let line = Error::new(ErrorKind::Other, text).to_string();
            assert!((LONGEST_MESSAGE - 10..LONGEST_MESSAGE + 10).contains(&line.len()));
        }
    }
}
