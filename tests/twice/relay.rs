//! Servers that a test makes up, or that stand before another one and lose what it says.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// A request or an answer, whole. Its body has a length.
#[derive(Clone)]
pub(crate) struct Message {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Message {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// Puts another body in.
    pub(crate) fn with_body(&self, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        let is_length = |line: &str| line.to_ascii_lowercase().starts_with("content-length:");
        let rest = self.head.lines().filter(|line| !line.is_empty() && !is_length(line));
        let mut head: String = rest.map(|line| format!("{line}\r\n")).collect();
        head.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
        Self { head, body }
    }

    fn read(from: &mut impl BufRead) -> Option<Self> {
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let start = head.len();
            from.read_line(&mut head).ok().filter(|n| *n > 0)?;
            let line = head[start..].trim_end().to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        from.read_exact(&mut body).ok()?;
        Some(Self { head, body })
    }

    fn write(&self, mut to: &TcpStream) -> std::io::Result<()> {
        to.write_all(self.head.as_bytes())?;
        to.write_all(&self.body)
    }
}

/// A server on loopback, until it is dropped.
pub(crate) struct Relay {
    address: SocketAddr,
    stopped: Arc<AtomicBool>,
}

impl Relay {
    /// Begins to answer each request with what `answer` makes of it; with `None` the connection is
    /// closed in place of an answer.
    pub(crate) fn start(
        answer: impl Fn(&Message) -> Option<Message> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (stopped, answer) = (Arc::<AtomicBool>::default(), Arc::new(answer));
        let stop = Arc::clone(&stopped);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                let answer = Arc::clone(&answer);
                thread::spawn(move || serve(&client, &*answer));
            }
        });
        Self { address, stopped }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
    }
}

fn serve(client: &TcpStream, answer: &dyn Fn(&Message) -> Option<Message>) {
    client.set_nodelay(true).unwrap();
    let mut requests = BufReader::new(client);
    while let Some(request) = Message::read(&mut requests) {
        let sent = answer(&request).map(|answer| answer.write(client));
        if !matches!(sent, Some(Ok(()))) {
            return;
        }
    }
}

/// Asks the server at an address, on a connection of its own.
pub(crate) fn forward(request: &Message, server: &str) -> Message {
    let upstream = TcpStream::connect(server).unwrap();
    upstream.set_nodelay(true).unwrap();
    request.write(&upstream).unwrap();
    Message::read(&mut BufReader::new(&upstream)).expect("an answer")
}
