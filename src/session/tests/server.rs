//! A server whose every answer a test decides, a thread for each connection.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

/// A request as the server saw it.
pub(super) struct Asked {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) token: String,
    pub(super) body: Vec<u8>,
    /// What the header said.
    pub(super) length: Option<usize>,
}

/// What the server does with a request.
pub(super) enum Reply {
    Text(u16, String),
    /// Status, one header line, body.
    With(u16, &'static str, String),
    /// Answers after a while.
    Slow(Duration, String),
    /// Answers, then closes when that much time has passed without a further request.
    ThenClose(Duration, String),
    /// Closes without a word.
    Close,
    /// Sends bytes as they are, and closes.
    Raw(&'static [u8]),
    /// Never answers.
    Silence,
    /// Answers 413 before the body, and does not read it.
    TooLarge,
    /// Does what it likes with the connection, and closes it.
    Hand(Box<dyn FnOnce(&mut BufReader<&TcpStream>) + Send>),
}

pub(super) struct Server {
    pub(super) address: SocketAddr,
    pub(super) seen: Arc<Seen>,
    stopped: Arc<AtomicBool>,
}

#[derive(Default)]
pub(super) struct Seen {
    pub(super) connections: AtomicUsize,
    pub(super) open: AtomicUsize,
    pub(super) most_open: AtomicUsize,
    pub(super) logins: AtomicUsize,
    pub(super) requests: AtomicUsize,
}

impl Server {
    pub(super) fn start(handler: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (seen, stopped) = (Arc::<Seen>::default(), Arc::<AtomicBool>::default());
        let handler = Arc::new(handler);
        let (counts, stop) = (Arc::clone(&seen), Arc::clone(&stopped));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if stop.load(SeqCst) {
                    return;
                }
                counts.connections.fetch_add(1, SeqCst);
                let open = counts.open.fetch_add(1, SeqCst) + 1;
                counts.most_open.fetch_max(open, SeqCst);
                let (handler, counts) = (Arc::clone(&handler), Arc::clone(&counts));
                thread::spawn(move || {
                    serve(&stream, &counts, &*handler);
                    let _ = stream.shutdown(Shutdown::Both);
                    counts.open.fetch_sub(1, SeqCst);
                });
            }
        });
        Self { address, seen, stopped }
    }

    /// Waits until every connection is closed from this side.
    pub(super) fn wait_until_closed(&self) {
        let end = Instant::now() + Duration::from_secs(10);
        while self.seen.open.load(SeqCst) > 0 {
            assert!(Instant::now() < end, "{} still open", self.seen.open.load(SeqCst));
            thread::sleep(Duration::from_millis(1));
        }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopped.store(true, SeqCst);
        let _ = TcpStream::connect(self.address);
    }
}

fn serve(stream: &TcpStream, seen: &Seen, handler: &dyn Fn(&Asked) -> Reply) {
    stream.set_nodelay(true).unwrap();
    let mut reader = BufReader::new(stream);
    while let Some(asked) = read(&mut reader) {
        seen.requests.fetch_add(1, SeqCst);
        if asked.path == "/login" {
            seen.logins.fetch_add(1, SeqCst);
        }
        let text = match handler(&asked) {
            Reply::Text(status, body) => answer(status, "X-A: b", &body),
            Reply::With(status, header, body) => answer(status, header, &body),
            Reply::Slow(pause, body) => {
                thread::sleep(pause);
                answer(200, "X-A: b", &body)
            }
            Reply::ThenClose(patience, body) => {
                let _ = (&*stream).write_all(answer(200, "X-A: b", &body).as_bytes());
                stream.set_read_timeout(Some(patience)).unwrap();
                if !matches!(stream.peek(&mut [0]), Ok(1)) {
                    return;
                }
                stream.set_read_timeout(None).unwrap();
                continue;
            }
            Reply::Close => return,
            Reply::Raw(bytes) => {
                let _ = (&*stream).write_all(bytes);
                return;
            }
            Reply::Silence => {
                let _ = reader.read(&mut [0]);
                return;
            }
            Reply::Hand(hand) => return hand(&mut reader),
            Reply::TooLarge => {
                let _ = (&*stream).write_all(answer(413, "X-A: b", "no").as_bytes());
                thread::sleep(Duration::from_secs(1));
                return;
            }
        };
        if (&*stream).write_all(text.as_bytes()).is_err() {
            return;
        }
    }
}

fn answer(status: u16, header: &str, body: &str) -> String {
    format!("HTTP/1.1 {status} X\r\n{header}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

fn read(reader: &mut BufReader<&TcpStream>) -> Option<Asked> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|n| *n > 0)?;
    let mut words = line.split_whitespace();
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let (mut token, mut length) = (String::new(), None);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim_end().split_once(": ") else {
            break;
        };
        match name.to_ascii_lowercase().as_str() {
            "x-auth-token" => token = value.to_owned(),
            "content-length" => length = Some(value.parse().ok()?),
            _ => {}
        }
    }
    // These are left for the handler.
    let by_hand = path == "/big" || path.starts_with("/hand");
    let mut body = vec![0; if by_hand { 0 } else { length.unwrap_or_default() }];
    reader.read_exact(&mut body).ok()?;
    Some(Asked { method, path, token, body, length })
}
