//! Stands between the driver and the real server, and changes what passes.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// A request on its way through.
pub(crate) struct Passing {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

/// What becomes of a request.
pub(crate) enum Fate {
    Passes,
    /// The proxy answers by itself.
    Answered(&'static str),
}

pub(crate) struct Proxy {
    address: SocketAddr,
    stopped: Arc<AtomicBool>,
}

impl Proxy {
    /// Begins to stand before the server at `url`.
    pub(crate) fn before(
        url: &str,
        judge: impl Fn(&mut Passing) -> Fate + Send + Sync + 'static,
    ) -> Self {
        let server = url.strip_prefix("http://").expect("a server without TLS");
        let server = server.trim_end_matches('/').to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (stopped, judge) = (Arc::<AtomicBool>::default(), Arc::new(judge));
        let stop = Arc::clone(&stopped);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                let (judge, server) = (Arc::clone(&judge), server.clone());
                thread::spawn(move || pass(&client, &server, &*judge));
            }
        });
        Self { address, stopped }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
    }
}

fn pass(client: &TcpStream, server: &str, judge: &dyn Fn(&mut Passing) -> Fate) {
    client.set_nodelay(true).unwrap();
    let upstream = TcpStream::connect(server).unwrap();
    upstream.set_nodelay(true).unwrap();
    let (mut from, mut to) = (upstream.try_clone().unwrap(), client.try_clone().unwrap());
    let back = thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Both);
    });
    let mut requests = BufReader::new(client);
    while let Some(mut passing) = read(&mut requests) {
        let sent = match judge(&mut passing) {
            Fate::Passes => (&upstream)
                .write_all(passing.head.as_bytes())
                .and_then(|()| (&upstream).write_all(&passing.body)),
            Fate::Answered(text) => (&*client).write_all(text.as_bytes()),
        };
        if sent.is_err() {
            break;
        }
    }
    let _ = upstream.shutdown(Shutdown::Both);
    back.join().unwrap();
}

fn read(from: &mut BufReader<&TcpStream>) -> Option<Passing> {
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
    Some(Passing { head, body })
}
