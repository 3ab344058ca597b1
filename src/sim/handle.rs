//! One request: counted, failed on demand, delayed, answered.

use std::convert::Infallible;
use std::future::{pending, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::HeaderValue;
use http::{HeaderMap, Method, Response, StatusCode};
use http_body::Body as _;
use hyper::body::Incoming;
use tokio::time::sleep;

use super::answer::{self, Body};
use super::cloud::Cloud;
use super::fault::FaultKind;
use super::line::{Ending, Line};
use super::request::Request;
use super::{glance, keystone, neutron, nova};

/// The largest request body taken; larger ones are answered 413.
const BODY_LIMIT: usize = 1 << 20;

pub(super) async fn handle(
    cloud: Arc<Cloud>,
    line: Arc<Line>,
    request: http::Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    let _busy = line.busy();
    let (parts, incoming) = request.into_parts();
    cloud.counts.request(parts.method.as_str(), parts.uri.path());
    let fault = cloud.faults.lock().take(&parts.method, parts.uri.path());
    if fault.is_some() {
        cloud.counts.fault();
    }
    if fault == Some(FaultKind::ResetBefore) {
        return reset(&line).await;
    }

    // Faults need the body read, too: else the connection could not be used again.
    let (body, too_large) = match collect(incoming).await {
        Collected::Whole(body) => (body, false),
        Collected::TooLarge => (Bytes::new(), true),
        // The client went away while it was sending.
        Collected::Broken => return reset(&line).await,
    };
    let request = Request::new(parts, body);
    if let Some(FaultKind::Answer { status, headers, body, done: false }) = fault {
        return Ok(instead(status, headers, body));
    }

    let mut answer = if too_large {
        let explanation =
            format!("Request is too large. Larger than max_request_body_size ({BODY_LIMIT}).");
        answer::page(&request, StatusCode::PAYLOAD_TOO_LARGE, &explanation)
    } else {
        serve(&cloud, &request).await
    };
    let id = cloud.world.lock().uuid();
    for name in request_id_headers(&request) {
        if let Ok(value) = HeaderValue::try_from(format!("req-{id}")) {
            answer.headers_mut().insert(*name, value);
        }
    }

    Ok(match fault {
        Some(FaultKind::Answer { status, headers, body, .. }) => instead(status, headers, body),
        Some(FaultKind::ResetAfter) => return reset(&line).await,
        Some(FaultKind::CutBody) => {
            line.end(Ending::Cut);
            answer.map(Body::half)
        }
        Some(FaultKind::CloseAfter) => {
            line.end(Ending::Close);
            answer.map(Body::whole)
        }
        Some(FaultKind::ResetBefore) | None => answer.map(Body::whole),
    })
}

/// What a proxy answers: nothing in it is of the service behind.
fn instead(status: StatusCode, headers: HeaderMap, body: Bytes) -> Response<Body> {
    let mut answer = Response::new(Body::whole(body));
    *answer.status_mut() = status;
    *answer.headers_mut() = headers;
    answer
}

/// Lets the connection's task reset the connection; never comes back.
async fn reset<T>(line: &Line) -> T {
    line.end(Ending::Reset);
    pending().await
}

enum Collected {
    Whole(Bytes),
    TooLarge,
    Broken,
}

async fn collect(mut incoming: Incoming) -> Collected {
    let mut body = BytesMut::new();
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut incoming).poll_frame(cx)).await {
        match frame.map(|frame| frame.into_data()) {
            Ok(Ok(data)) if body.len() + data.len() > BODY_LIMIT => return Collected::TooLarge,
            Ok(Ok(data)) => body.extend_from_slice(&data),
            // Trailers say nothing of interest.
            Ok(Err(_)) => {}
            Err(_) => return Collected::Broken,
        }
    }
    Collected::Whole(body.freeze())
}

/// The answer, when its time has come.
///
/// Questions wait before they are looked into, so the answer is fresh. Changes happen first and
/// wait then, so hanging up does not undo them: a real cloud would not notice either.
async fn serve(cloud: &Cloud, request: &Request) -> Response<Bytes> {
    let pace = *cloud.pace.lock();
    let (before, after) = match (request.method(), request.path()) {
        (&Method::POST, "/identity/v3/auth/tokens") => (pace.login_delay, Duration::ZERO),
        (&Method::POST, "/compute/v2.1/servers") => (Duration::ZERO, pace.create_delay),
        (&Method::GET | &Method::HEAD, _) => (pace.read_delay, Duration::ZERO),
        _ => (Duration::ZERO, pace.read_delay),
    };
    wait(before).await;
    let answer = route(cloud, request);
    wait(after).await;
    answer
}

/// A timer rounds up to the next millisecond, so no delay takes no timer.
async fn wait(delay: Duration) {
    if !delay.is_zero() {
        sleep(delay).await;
    }
}

fn route(cloud: &Cloud, request: &Request) -> Response<Bytes> {
    let segments = request.segments();
    match segments.as_slice() {
        ["identity", path @ ..] => keystone::answer(cloud, request, path),
        ["compute", path @ ..] => nova::answer(cloud, request, path),
        ["image", path @ ..] => glance::answer(cloud, request, path),
        ["networking", path @ ..] => neutron::answer(cloud, request, path),
        _ => answer::not_found(request),
    }
}

fn request_id_headers(request: &Request) -> &'static [&'static str] {
    if request.path().starts_with("/compute") {
        &["x-openstack-request-id", "x-compute-request-id"]
    } else {
        &["x-openstack-request-id"]
    }
}
