//! Bare `hyper::client::conn`, and hyper-util's client with its pool: as the other benches have them.

use std::sync::Arc;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{HOST, HeaderValue, USER_AGENT};
use hyper::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::crew::Asynchronous;
use crate::failure::Failure;
use crate::place::{LOGIN, Place, THING};

/// A request that is built once and sent often.
#[derive(Clone)]
struct Question {
    uri: Uri,
    host: HeaderValue,
    agent: HeaderValue,
    token: HeaderValue,
}

impl Question {
    /// `uri` is a path where a connection knows its host, or the whole address.
    fn new(place: &Place, uri: &str, token: HeaderValue) -> Result<Self, Failure> {
        let whole: Uri = place.url("/").parse()?;
        let host =
            whole.authority().ok_or_else(|| Failure::new("an address without a host"))?.as_str();
        Ok(Self {
            uri: uri.parse()?,
            host: host.parse()?,
            agent: HeaderValue::from_static("welkin/bench"),
            token,
        })
    }

    /// Asks for a token.
    fn login(place: &Place, uri: &str) -> Result<Request<Full<Bytes>>, Failure> {
        let mut request = Self::new(place, uri, HeaderValue::from_static(""))?.request();
        *request.method_mut() = Method::POST;
        *request.body_mut() = place.credentials().into();
        Ok(request)
    }

    fn request(&self) -> Request<Full<Bytes>> {
        let mut request = Request::default();
        *request.uri_mut() = self.uri.clone();
        let headers = request.headers_mut();
        headers.insert(HOST, self.host.clone());
        headers.insert(USER_AGENT, self.agent.clone());
        headers.insert("x-auth-token", self.token.clone());
        request
    }
}

/// One connection for each task, driven by a task of its own, as hyper's guide shows it.
pub(crate) struct Raw {
    road: Arc<Road>,
    question: Question,
    /// None until it is needed, and after a failure.
    connection: Option<SendRequest<Full<Bytes>>>,
}

struct Road {
    port: u16,
    tls: Option<TlsConnector>,
}

impl Clone for Raw {
    fn clone(&self) -> Self {
        Self { road: Arc::clone(&self.road), question: self.question.clone(), connection: None }
    }
}

impl Asynchronous for Raw {
    async fn open(place: &Place) -> Result<Self, Failure> {
        let tls = place.tls.then(|| tls(place)).transpose()?;
        let tls = tls.map(|config| TlsConnector::from(Arc::new(config)));
        let road = Arc::new(Road { port: place.port, tls });
        let mut connection = road.connect().await?;
        let login = Question::login(place, LOGIN)?;
        let answer = connection.send_request(login).await?;
        let token = token(answer.headers())?;
        whole(answer).await?;
        let question = Question::new(place, THING, token)?;
        Ok(Self { road, question, connection: Some(connection) })
    }

    async fn ask(&mut self) -> Result<(), Failure> {
        let mut connection = match self.connection.take() {
            Some(connection) if !connection.is_closed() => connection,
            _ => self.road.connect().await?,
        };
        connection.ready().await?;
        let request = self.question.request();
        let (status, _) = whole(connection.send_request(request).await?).await?;
        self.connection = Some(connection);
        welcome(status)
    }
}

impl Road {
    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, Failure> {
        let socket = TcpStream::connect(("127.0.0.1", self.port)).await?;
        socket.set_nodelay(true)?;
        let Some(tls) = &self.tls else {
            let (sender, connection) = http1::handshake(TokioIo::new(socket)).await?;
            tokio::spawn(connection);
            return Ok(sender);
        };
        let name = ServerName::try_from("127.0.0.1")?;
        let socket = tls.connect(name, socket).await?;
        let (sender, connection) = http1::handshake(TokioIo::new(socket)).await?;
        tokio::spawn(connection);
        Ok(sender)
    }
}

/// hyper-util's client, shared by all tasks.
#[derive(Clone)]
pub(crate) struct Pooled {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    question: Question,
}

impl Asynchronous for Pooled {
    async fn open(place: &Place) -> Result<Self, Failure> {
        let mut tcp = HttpConnector::new();
        tcp.set_nodelay(true);
        tcp.enforce_http(false);
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls(place)?)
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let client = Client::builder(TokioExecutor::new()).build(connector);
        let login = Question::login(place, &place.url(LOGIN))?;
        let answer = client.request(login).await?;
        let token = token(answer.headers())?;
        whole(answer).await?;
        Ok(Self { client, question: Question::new(place, &place.url(THING), token)? })
    }

    async fn ask(&mut self) -> Result<(), Failure> {
        let request = self.question.request();
        let (status, _) = whole(self.client.request(request).await?).await?;
        welcome(status)
    }
}

fn tls(place: &Place) -> Result<ClientConfig, Failure> {
    let mut roots = RootCertStore::empty();
    let ca = CertificateDer::from_pem_slice(place.ca_pem.as_bytes())?;
    roots.add(ca)?;
    Ok(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth())
}

/// Returns the token that a login brought.
pub(super) fn token(headers: &HeaderMap) -> Result<HeaderValue, Failure> {
    Ok(headers
        .get("x-subject-token")
        .ok_or_else(|| Failure::new("the login brought no token"))?
        .clone())
}

/// Reads a body; what comes in one piece is not copied.
async fn whole(answer: Response<Incoming>) -> Result<(StatusCode, Bytes), Failure> {
    let status = answer.status();
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
        return Ok((status, first));
    }
    rest.insert(0, first);
    Ok((status, rest.concat().into()))
}

fn welcome(status: StatusCode) -> Result<(), Failure> {
    if status.is_success() {
        return Ok(());
    }
    Err(Failure::new(format!("the server refuses: {status}")))
}
