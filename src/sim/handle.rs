//! One request: counted, failed on demand, delayed, answered.

use std::convert::Infallible;
use std::future::{pending, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::HeaderValue;
use http::{Method, Response, StatusCode};
use http_body::Body as _;
use hyper::body::Incoming;
use tokio::time::sleep;

use super::answer::{self, Body};
use super::cloud::Cloud;
use super::fault::plan::{Answer, Plan, Reaches};
use super::line::Line;
use super::request::Request;
use super::script::Script;
use super::{cinder, glance, keystone, neutron, nova};

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
    let plan = cloud.faults.lock().take(&parts.method, parts.uri.path());
    if plan.is_some() {
        cloud.counts.fault();
    }
    if let Some(plan) = plan.as_ref().filter(|plan| plan.reaches == Reaches::Head) {
        return play(&line, faulty(plan, &cloud, &parts.method, None)).await;
    }

    // Faults need the body read, too: else the connection could not be used again.
    let (body, too_large) = match collect(incoming).await {
        Collected::Whole(body) => (body, false),
        Collected::TooLarge => (Bytes::new(), true),
        // The client went away while it was sending.
        Collected::Broken => return play(&line, Script::raw(&Plan::RESET, b"")).await,
    };
    let request = Request::new(parts, body);
    let Some(plan) = plan else {
        return Ok(answered(&cloud, &request, too_large).await.map(Body::whole));
    };
    let services = match plan.reaches {
        Reaches::Service => Some(answered(&cloud, &request, too_large).await),
        Reaches::Head | Reaches::Body => None,
    };
    let script = faulty(&plan, &cloud, request.method(), services);
    // Where a body was not read to its end, no other request can follow.
    play(&line, if too_large { script.closing() } else { script }).await
}

/// Lets the connection's task go on by hand; never comes back.
async fn play<T>(line: &Line, script: Script) -> T {
    line.play(script);
    pending().await
}

/// What a fault makes of the service's answer, or of none.
fn faulty(
    plan: &Plan,
    cloud: &Cloud,
    method: &Method,
    services: Option<Response<Bytes>>,
) -> Script {
    let answer = match (&plan.answer, services) {
        (Answer::Services, Some(answer)) => answer,
        (Answer::Own { status, headers, body }, _) => {
            let mut answer = Response::new(body.clone());
            *answer.status_mut() = *status;
            *answer.headers_mut() = headers.clone();
            answer
        }
        (Answer::TokenChecks, _) => answer::unauthorized(cloud),
        (Answer::Raw(bytes), _) => return Script::raw(plan, bytes),
        (Answer::Nobodys, _) | (Answer::Services, None) => return Script::raw(plan, b""),
    };
    Script::answering(plan, method, &answer)
}

async fn answered(cloud: &Cloud, request: &Request, too_large: bool) -> Response<Bytes> {
    let mut answer = if too_large {
        let explanation =
            format!("Request is too large. Larger than max_request_body_size ({BODY_LIMIT}).");
        answer::page(request, StatusCode::PAYLOAD_TOO_LARGE, &explanation)
    } else {
        serve(cloud, request).await
    };
    let id = cloud.world().uuid();
    for name in request_id_headers(request) {
        if let Ok(value) = HeaderValue::try_from(format!("req-{id}")) {
            answer.headers_mut().insert(*name, value);
        }
    }
    answer
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
        ["volume", path @ ..] => cinder::answer(cloud, request, path),
        ["networking", path @ ..] => neutron::answer(cloud, request, path),
        _ => answer::not_found(request),
    }
}

fn request_id_headers(request: &Request) -> &'static [&'static str] {
    if request.path().starts_with("/compute") || request.path().starts_with("/volume") {
        &["x-openstack-request-id", "x-compute-request-id"]
    } else {
        &["x-openstack-request-id"]
    }
}
