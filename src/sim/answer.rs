//! Building answers as OpenStack's services write them.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use http::{Response, StatusCode};
use http_body::{Frame, SizeHint};
use serde::Serialize;
use serde_json::json;

use super::cloud::Cloud;
use super::request::Request;

pub(super) fn empty(status: StatusCode) -> Response<Bytes> {
    of(status, "application/json", Bytes::new())
}

pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Response<Bytes> {
    // Our own types have string keys and no failing fields.
    of(status, "application/json", serde_json::to_vec(body).unwrap_or_default().into())
}

pub(super) fn of(status: StatusCode, content_type: &'static str, body: Bytes) -> Response<Bytes> {
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer
}

/// An error page of WebOb, the toolkit below Nova, Glance and the token check: HTML, JSON or
/// plain text, whichever the caller accepts.
pub(super) fn page(request: &Request, status: StatusCode, explanation: &str) -> Response<Bytes> {
    let accept = request.header(ACCEPT.as_str()).unwrap_or_default();
    let title = status.canonical_reason().unwrap_or_default();
    let code = format!("{} {title}", status.as_str());
    if ["text/html", "text/*", "*/*"].iter().any(|kind| accept.contains(kind)) {
        let html = format!(
            "<html>\n <head>\n  <title>{code}</title>\n </head>\n <body>\n  <h1>{code}</h1>\n  \
             {}<br /><br />\n\n\n\n </body>\n</html>",
            escaped(explanation)
        );
        of(status, "text/html; charset=UTF-8", html.into())
    } else if ["application/json", "application/*"].iter().any(|kind| accept.contains(kind)) {
        let message = format!("{}<br /><br />\n\n\n", escaped(explanation));
        json(status, &json!({"message": message, "code": code, "title": title}))
    } else {
        let text = format!("{code}\n\n{explanation}\n\n   ");
        of(status, "text/plain; charset=UTF-8", text.into())
    }
}

pub(super) fn not_found(request: &Request) -> Response<Bytes> {
    page(request, StatusCode::NOT_FOUND, "The resource could not be found.")
}

/// Says where tokens come from, as every 401 does.
pub(super) fn challenge(cloud: &Cloud, mut answer: Response<Bytes>) -> Response<Bytes> {
    let keystone = format!("Keystone uri=\"{}/identity/v3\"", cloud.settings.base_url);
    if let Ok(value) = HeaderValue::try_from(keystone) {
        answer.headers_mut().insert(WWW_AUTHENTICATE, value);
    }
    answer
}

/// The 401 of the token check in front of Nova and Neutron.
pub(super) fn unauthorized(cloud: &Cloud) -> Response<Bytes> {
    cloud.counts.unauthorized();
    let body = json!({"error": {
        "code": 401,
        "title": "Unauthorized",
        "message": "The request you have made requires authentication.",
    }});
    challenge(cloud, json(StatusCode::UNAUTHORIZED, &body))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A body in one piece.
pub(super) struct Body {
    rest: Option<Bytes>,
    size: u64,
}

impl Body {
    pub(super) fn whole(bytes: Bytes) -> Body {
        let size = bytes.len() as u64;
        Body { rest: Some(bytes).filter(|bytes| !bytes.is_empty()), size }
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.rest.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.size)
    }
}
