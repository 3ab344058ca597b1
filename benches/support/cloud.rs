//! What the server of the benches answers: a login, a thing of 1 KiB, a list of nodes, and orders.

use std::collections::HashSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

use super::server::{Manner, Seen};

pub(crate) struct Cloud {
    manner: Manner,
    login_workers: Semaphore,
    thing: Bytes,
    nodes: Bytes,
    logins: AtomicU64,
    /// The first token that is still good.
    good_from: AtomicU64,
    requests: AtomicU64,
    refused: AtomicU64,
    limited: AtomicU64,
    /// When this second began, and how many requests came in it.
    second: Mutex<(Instant, u64)>,
    doubles: AtomicU64,
    accepted: AtomicU64,
    open: AtomicU64,
    most_open: AtomicU64,
    ends: Mutex<Vec<Instant>>,
    ordered: Mutex<HashSet<String>>,
}

impl Cloud {
    pub(crate) fn new(manner: Manner) -> Self {
        let login_workers = match manner.login_workers {
            0 => Semaphore::MAX_PERMITS,
            some => some as usize,
        };
        Self {
            manner,
            login_workers: Semaphore::new(login_workers),
            thing: Bytes::from(vec![b'x'; 1024]),
            nodes: Bytes::from_static(include_bytes!("../data/nova-servers-detail-20.json")),
            logins: AtomicU64::new(0),
            good_from: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            limited: AtomicU64::new(0),
            second: Mutex::new((Instant::now(), 0)),
            doubles: AtomicU64::new(0),
            accepted: AtomicU64::new(0),
            open: AtomicU64::new(0),
            most_open: AtomicU64::new(0),
            ends: Mutex::default(),
            ordered: Mutex::default(),
        }
    }

    pub(crate) fn revoke(&self) {
        self.good_from.store(self.logins.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// Tells what was seen, and begins to count the most open connections anew.
    pub(crate) fn seen(&self) -> Seen {
        let open = self.open.load(Ordering::Relaxed);
        Seen {
            logins: self.logins.load(Ordering::Relaxed),
            requests: self.requests.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
            limited: self.limited.load(Ordering::Relaxed),
            doubles: self.doubles.load(Ordering::Relaxed),
            accepted: self.accepted.load(Ordering::Relaxed),
            open,
            most_open: self.most_open.swap(open, Ordering::Relaxed),
        }
    }

    pub(crate) async fn accept(self: Arc<Self>, listener: TcpListener, tls: Option<TlsAcceptor>) {
        loop {
            let Ok((socket, _)) = listener.accept().await else {
                // Out of descriptors: some come back when clients close theirs.
                tokio::time::sleep(Duration::from_millis(10)).await;
                continue;
            };
            let _ = socket.set_nodelay(true);
            let (cloud, tls) = (Arc::clone(&self), tls.clone());
            tokio::spawn(async move {
                cloud.accepted.fetch_add(1, Ordering::Relaxed);
                let open = cloud.open.fetch_add(1, Ordering::Relaxed) + 1;
                cloud.most_open.fetch_max(open, Ordering::Relaxed);
                match tls {
                    None => cloud.serve(socket, "http").await,
                    Some(tls) => {
                        if let Ok(socket) = tls.accept(socket).await {
                            cloud.serve(socket, "https").await;
                        }
                    }
                }
                cloud.open.fetch_sub(1, Ordering::Relaxed);
            });
        }
    }

    async fn serve(&self, socket: impl AsyncRead + AsyncWrite + Unpin, scheme: &'static str) {
        let last = Mutex::new((0_u32, Instant::now()));
        let service = service_fn(|request| async {
            last.lock().expect("nobody panics").0 += 1;
            let answer = self.answer(request, scheme).await;
            let mut last = last.lock().expect("nobody panics");
            *last = (last.0 - 1, Instant::now());
            Ok::<_, Infallible>(answer)
        });
        let connection = http1::Builder::new().serve_connection(TokioIo::new(socket), service);
        if self.manner.keep_alive == 0 {
            // Clients may end a connection as they like.
            let _ = connection.await;
            return;
        }
        let keep_alive = Duration::from_millis(self.manner.keep_alive);
        let idle = async {
            loop {
                let (busy, since) = *last.lock().expect("nobody panics");
                if busy == 0 && since.elapsed() >= keep_alive {
                    return;
                }
                let from = if busy == 0 { since } else { Instant::now() };
                tokio::time::sleep_until((from + keep_alive).into()).await;
            }
        };
        tokio::select! {
            _ = connection => {}
            () = idle => {}
        }
    }

    async fn answer(&self, request: Request<Incoming>, scheme: &str) -> Response<Full<Bytes>> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let host = request.headers().get("host").and_then(|h| h.to_str().ok()).unwrap_or_default();
        let base = format!("{scheme}://{host}");
        match request.uri().path().trim_end_matches('/') {
            "/v3/auth/tokens" => return self.log_in(&base).await,
            // Some clients look for what there is before they log in.
            "/v3" => return version("v3.14", "stable", &format!("{base}/v3/"), None),
            "/v2.1" => return version("v2.1", "CURRENT", &format!("{base}/v2.1/"), Some("2.93")),
            _ => {}
        }
        let token = request.headers().get("x-auth-token");
        if !token.and_then(|t| t.to_str().ok()).is_some_and(|t| self.is_good(t)) {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return answer(StatusCode::UNAUTHORIZED, r#"{"error": {"message": "who?"}}"#.into());
        }
        if self.manner.limit > 0 && self.is_one_too_many() {
            self.limited.fetch_add(1, Ordering::Relaxed);
            let mut answer = answer(StatusCode::TOO_MANY_REQUESTS, "later".into());
            answer.headers_mut().insert(http::header::RETRY_AFTER, 1.into());
            return answer;
        }
        if self.manner.service > 0 {
            tokio::time::sleep(Duration::from_millis(self.manner.service)).await;
        }
        match (request.method(), request.uri().path()) {
            (&Method::GET, "/bench/thing") => answer(StatusCode::OK, self.thing.clone()),
            (&Method::GET, "/v2.1/servers/detail") => answer(StatusCode::OK, self.nodes.clone()),
            (&Method::POST, "/v2.1/servers") => self.take_order(request).await,
            _ => answer(StatusCode::NOT_FOUND, "nothing here".into()),
        }
    }

    async fn log_in(&self, base: &str) -> Response<Full<Bytes>> {
        let _worker = self.login_workers.acquire().await;
        let number = {
            let mut ends = self.ends.lock().expect("nobody panics");
            let lifetime = self.lifetime();
            ends.push(Instant::now() + Duration::from_millis(self.manner.login) + lifetime);
            self.logins.fetch_add(1, Ordering::Relaxed)
        };
        tokio::time::sleep(Duration::from_millis(self.manner.login)).await;
        let issued = Timestamp::now();
        let endpoint = |kind: &str, path: &str| {
            let url = format!("{base}{path}");
            serde_json::json!({"type": kind, "name": kind, "id": kind, "endpoints": [
                {"id": kind, "interface": "public", "region": "R", "region_id": "R", "url": url}]})
        };
        let body = serde_json::json!({"token": {
            "issued_at": issued.to_string(),
            "expires_at": (issued + self.lifetime()).to_string(),
            "methods": ["password"],
            "user": {"id": "u", "name": "bench", "domain": {"id": "default", "name": "Default"}},
            "project": {"id": "p", "name": "bench", "domain": {"id": "default", "name": "Default"}},
            "roles": [{"id": "r", "name": "member"}],
            "catalog": [endpoint("compute", "/v2.1"), endpoint("bench", "/bench")],
        }});
        let mut answer = answer(StatusCode::CREATED, body.to_string().into());
        let token = format!("token-{number}").parse().expect("a header's value");
        answer.headers_mut().insert("x-subject-token", token);
        answer
    }

    fn lifetime(&self) -> Duration {
        match self.manner.token {
            0 => Duration::from_secs(24 * 60 * 60),
            life => Duration::from_millis(life),
        }
    }

    fn is_good(&self, token: &str) -> bool {
        let number = token.strip_prefix("token-").and_then(|n| n.parse::<u64>().ok());
        number.is_some_and(|number| {
            let revoked = number < self.good_from.load(Ordering::Relaxed);
            let ends = self.ends.lock().expect("nobody panics");
            !revoked && ends.get(number as usize).is_some_and(|end| Instant::now() < *end)
        })
    }

    fn is_one_too_many(&self) -> bool {
        let mut second = self.second.lock().expect("nobody panics");
        if second.0.elapsed() >= Duration::from_secs(1) {
            *second = (Instant::now(), 0);
        }
        second.1 += 1;
        second.1 > self.manner.limit
    }

    async fn take_order(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let body = request.into_body().collect().await.map(|body| body.to_bytes());
        let order = serde_json::from_slice::<serde_json::Value>(&body.unwrap_or_default());
        let order = order.unwrap_or_default();
        let name = order["server"]["name"].as_str().unwrap_or_default().to_owned();
        let id = format!("id-of-{name}");
        if !self.ordered.lock().expect("nobody panics").insert(name) {
            self.doubles.fetch_add(1, Ordering::Relaxed);
        }
        let body = serde_json::json!({"server": {"id": id}});
        answer(StatusCode::ACCEPTED, body.to_string().into())
    }
}

/// The document of a service's version, as Keystone and Nova answer at its root.
fn version(id: &str, status: &str, url: &str, newest: Option<&str>) -> Response<Full<Bytes>> {
    let body = serde_json::json!({"version": {
        "id": id,
        "status": status,
        "version": newest.unwrap_or_default(),
        "min_version": newest.map_or("", |_| "2.1"),
        "updated": "2020-04-07T00:00:00Z",
        "links": [{"rel": "self", "href": url}],
    }});
    answer(StatusCode::OK, body.to_string().into())
}

fn answer(status: StatusCode, body: Bytes) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::new(body));
    *answer.status_mut() = status;
    let json = http::HeaderValue::from_static("application/json");
    answer.headers_mut().insert(http::header::CONTENT_TYPE, json);
    answer
}
