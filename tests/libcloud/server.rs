//! A server on loopback that says what was recorded.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::cases::{Answer, Exchange};
use crate::request::Request;

/// Plays the exchanges of one call after the other, until the test is over.
pub(crate) struct Server {
    address: SocketAddr,
    script: Arc<Mutex<Script>>,
}

/// What is answered during one call.
pub(crate) struct Script {
    login: Option<Answer>,
    left: VecDeque<Exchange>,
    last: Option<Exchange>,
    tidy: fn(&mut Request),
    seen: Vec<Request>,
}

impl Server {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let script = Arc::new(Mutex::new(Script::new(None, Vec::new(), |_| {})));
        let shared = Arc::clone(&script);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let script = Arc::clone(&shared);
                thread::spawn(move || serve(&client, &script));
            }
        });
        Self { address, script }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Begins another call.
    pub(crate) fn play(&self, script: Script) {
        *self.script.lock().expect("a script") = script;
    }

    /// Returns what was asked since the call began.
    pub(crate) fn seen(&self) -> Vec<Request> {
        self.script.lock().expect("a script").seen.clone()
    }
}

/// Tells whether a request is a login at Keystone, of any version.
pub(crate) fn is_login(request: &Request) -> bool {
    request.method == "POST" && request.path.ends_with("/tokens")
}

impl Script {
    /// Makes one of exchanges that are tidy. With a `login`, logins are no part of what is played.
    pub(crate) fn new(
        login: Option<Answer>,
        exchanges: Vec<Exchange>,
        tidy: fn(&mut Request),
    ) -> Self {
        Self { login, left: exchanges.into(), last: None, tidy, seen: Vec::new() }
    }

    fn answer(&mut self, mut request: Request) -> Answer {
        (self.tidy)(&mut request);
        if let Some(login) = self.login.as_ref().filter(|_| is_login(&request)) {
            return login.clone();
        }
        if self.left.front().is_some_and(|next| next.request.asks_like(&request)) {
            self.last = self.left.pop_front();
        }
        // Who asks again is told the same again.
        let played = self.last.as_ref().filter(|last| last.request.asks_like(&request));
        let answer = played.and_then(|played| played.answer.clone());
        self.seen.push(request);
        let nothing = || Answer { status: 418, headers: Vec::new(), body: Vec::new() };
        answer.unwrap_or_else(nothing)
    }
}

fn serve(client: &TcpStream, script: &Mutex<Script>) {
    let mut requests = BufReader::new(client);
    while let Some(request) = read(&mut requests) {
        let answer = script.lock().expect("a script").answer(request);
        if write(client, &answer).is_err() {
            return;
        }
    }
}

fn read(from: &mut impl BufRead) -> Option<Request> {
    let (mut first, mut length) = (String::new(), 0);
    from.read_line(&mut first).ok().filter(|n| *n > 0)?;
    loop {
        let mut line = String::new();
        from.read_line(&mut line).ok().filter(|n| *n > 0)?;
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body).ok()?;
    let mut words = first.split(' ');
    Some(Request::new(words.next()?, words.next()?, &body))
}

fn write(mut to: &TcpStream, answer: &Answer) -> std::io::Result<()> {
    // How a message is framed is said anew.
    const FRAMING: &[&str] =
        &["connection", "content-encoding", "content-length", "transfer-encoding"];
    let mut head = format!("HTTP/1.1 {} recorded\r\n", answer.status);
    for (name, value) in &answer.headers {
        if !FRAMING.contains(&name.to_ascii_lowercase().as_str()) {
            let _ = write!(head, "{name}: {value}\r\n");
        }
    }
    if answer.status != 204 {
        let _ = write!(head, "content-length: {}\r\n", answer.body.len());
    }
    head.push_str("\r\n");
    let mut message = head.into_bytes();
    message.extend_from_slice(&answer.body);
    to.write_all(&message)
}
