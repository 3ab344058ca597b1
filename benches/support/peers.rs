//! What welkin is compared with: bare `hyper::client::conn::http1`, and hyper-util's pooled client.

use std::error::Error;
use std::sync::Arc;

use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{HOST, HeaderValue, USER_AGENT};
use hyper::{Method, Request, Response, Uri};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::server::At;
use super::tls;

/// The request that all clients send: the path, and the headers that welkin sends.
#[derive(Clone)]
pub(crate) struct Question {
    /// As it goes out: a connection knows its host.
    path: Uri,
    /// With the host, for a client that finds the connection by it.
    whole: Uri,
    host: HeaderValue,
    agent: HeaderValue,
    token: HeaderValue,
}

impl Question {
    pub(crate) fn new(at: &At, tls: bool, path: &str, token: &str) -> Self {
        let whole: Uri = format!("{}{path}", at.base(tls)).parse().expect("an address");
        let host = whole.authority().expect("it has a host").as_str();
        Self {
            path: path.parse().expect("a path"),
            host: host.parse().expect("a host"),
            whole,
            agent: HeaderValue::from_static("welkin/bench"),
            token: token.parse().expect("a token"),
        }
    }

    fn request(&self, uri: &Uri) -> Request<Empty<Bytes>> {
        let mut request = Request::new(Empty::new());
        *request.uri_mut() = uri.clone();
        let headers = request.headers_mut();
        headers.insert(HOST, self.host.clone());
        headers.insert(USER_AGENT, self.agent.clone());
        headers.insert("x-auth-token", self.token.clone());
        request
    }
}

/// One connection, driven by a task of its own, as hyper's guide shows it.
pub(crate) struct Raw(SendRequest<Empty<Bytes>>);

impl Raw {
    pub(crate) async fn connect(at: &At, tls: bool) -> Result<Self, Box<dyn Error>> {
        let port = if tls { at.tls } else { at.plain };
        let socket = TcpStream::connect(("127.0.0.1", port)).await?;
        socket.set_nodelay(true)?;
        if !tls {
            let (sender, connection) = http1::handshake(TokioIo::new(socket)).await?;
            tokio::spawn(connection);
            return Ok(Self(sender));
        }
        let connector = TlsConnector::from(Arc::new(tls::client(&at.ca_pem)?));
        let socket = connector.connect(ServerName::try_from("127.0.0.1")?, socket).await?;
        let (sender, connection) = http1::handshake(TokioIo::new(socket)).await?;
        tokio::spawn(connection);
        Ok(Self(sender))
    }

    pub(crate) async fn ask(&mut self, question: &Question) -> hyper::Result<Bytes> {
        self.0.ready().await?;
        let request = question.request(&question.path);
        whole(self.0.send_request(request).await?).await
    }

    /// Logs in, and returns the token.
    pub(crate) async fn log_in(&mut self, at: &At, tls: bool) -> Result<String, Box<dyn Error>> {
        let question = Question::new(at, tls, "/v3/auth/tokens", "");
        let mut request = question.request(&question.path);
        *request.method_mut() = Method::POST;
        let answer = self.0.send_request(request).await?;
        let token = answer.headers().get("x-subject-token").ok_or("no token came")?;
        Ok(token.to_str()?.to_owned())
    }
}

/// Logs in on a connection of its own.
pub(crate) fn token(at: &At) -> Result<String, Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async { Raw::connect(at, false).await?.log_in(at, false).await })
}

/// hyper-util's client with its pool.
#[derive(Clone)]
pub(crate) struct Legacy(Client<HttpsConnector<HttpConnector>, Empty<Bytes>>);

impl Legacy {
    pub(crate) fn new(at: &At) -> Result<Self, Box<dyn Error>> {
        let mut tcp = HttpConnector::new();
        tcp.set_nodelay(true);
        tcp.enforce_http(false);
        let connector = hyper_rustls::HttpsConnectorBuilder::new()
            .with_tls_config(tls::client(&at.ca_pem)?)
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        Ok(Self(Client::builder(TokioExecutor::new()).build(connector)))
    }

    pub(crate) async fn ask(
        &self,
        question: &Question,
    ) -> Result<Bytes, Box<dyn Error + Send + Sync>> {
        let request = question.request(&question.whole);
        Ok(whole(self.0.request(request).await?).await?)
    }
}

/// Reads a body; what comes in one piece is not copied.
async fn whole(answer: Response<Incoming>) -> hyper::Result<Bytes> {
    assert!(answer.status().is_success(), "the server refuses: {}", answer.status());
    let mut body = answer.into_body();
    let mut first = Bytes::new();
    let mut rest = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(piece) = frame?.into_data() else {
            continue;
        };
        match first.is_empty() {
            true => first = piece,
            false => rest.push(piece),
        }
    }
    if rest.is_empty() {
        return Ok(first);
    }
    rest.insert(0, first);
    Ok(rest.concat().into())
}
