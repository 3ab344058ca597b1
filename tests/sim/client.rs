//! A small HTTP client, so that nothing of this crate tests itself.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use welkin::sim::{Builder, Sim};

/// A cloud without delays.
pub(crate) fn quick() -> Builder {
    Sim::builder()
        .login_delay(Duration::ZERO)
        .read_delay(Duration::ZERO)
        .create_delay(Duration::ZERO)
        .boot_time(Duration::ZERO)
        .action_time(Duration::ZERO)
        .volume_time(Duration::ZERO)
}

/// One connection, kept alive.
pub(crate) struct Client {
    pub(crate) stream: TcpStream,
    pub(crate) token: Option<String>,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Client {
    pub(crate) fn of(sim: &Sim) -> Client {
        let stream = TcpStream::connect(sim.addr()).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        Client { stream, token: None }
    }

    pub(crate) fn logged_in(sim: &Sim) -> Client {
        let mut client = Client::of(sim);
        client.log_in();
        client
    }

    pub(crate) fn reconnect(&mut self, sim: &Sim) {
        let token = self.token.take();
        *self = Client { token, ..Client::of(sim) };
    }

    pub(crate) fn log_in(&mut self) {
        let answer = self.post("/identity/v3/auth/tokens", &login("demo", "secret"));
        assert_eq!(answer.status, 201);
        self.token = answer.header("x-subject-token").map(str::to_owned);
    }

    pub(crate) fn get(&mut self, path: &str) -> Answer {
        self.send("GET", path, &[], "")
    }

    pub(crate) fn post(&mut self, path: &str, body: &Value) -> Answer {
        self.post_text(path, &body.to_string())
    }

    pub(crate) fn post_text(&mut self, path: &str, body: &str) -> Answer {
        self.send("POST", path, &[("Content-Type", "application/json")], body)
    }

    pub(crate) fn delete(&mut self, path: &str) -> Answer {
        self.send("DELETE", path, &[], "")
    }

    /// With a microversion, such as `compute 2.92`.
    pub(crate) fn post_as(&mut self, version: &str, path: &str, body: &Value) -> Answer {
        let headers = [("Content-Type", "application/json"), ("OpenStack-API-Version", version)];
        self.send("POST", path, &headers, &body.to_string())
    }

    pub(crate) fn get_as(&mut self, version: &str, path: &str) -> Answer {
        self.send("GET", path, &[("OpenStack-API-Version", version)], "")
    }

    /// The body of a create from the image `tiny`.
    pub(crate) fn new_server(&mut self, name: &str, flavor: &str) -> Value {
        let images = self.get("/image/v2/images?name=tiny").json();
        let image = &images["images"][0]["id"];
        json!({"server": {"name": name, "imageRef": image, "flavorRef": flavor}})
    }

    pub(crate) fn create(&mut self, name: &str, flavor: &str) -> String {
        let body = self.new_server(name, flavor);
        let answer = self.post("/compute/v2.1/servers", &body);
        assert_eq!(answer.status, 202);
        text(&answer.json()["server"]["id"]).to_owned()
    }

    pub(crate) fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        self.write(method, path, headers, body);
        self.read()
    }

    pub(crate) fn write(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) {
        let mut request = format!("{method} {path} HTTP/1.1\r\nHost: sim\r\n");
        let token = self.token.as_deref().map(|token| ("X-Auth-Token", token));
        for (name, value) in headers.iter().copied().chain(token) {
            request += &format!("{name}: {value}\r\n");
        }
        request += &format!("Content-Length: {}\r\n\r\n{body}", body.len());
        self.stream.write_all(request.as_bytes()).unwrap();
    }

    pub(crate) fn read(&mut self) -> Answer {
        let mut bytes = Vec::new();
        let head = loop {
            if let Some(end) = find(&bytes, b"\r\n\r\n") {
                break end;
            }
            self.fill(&mut bytes);
        };
        let text = String::from_utf8(bytes[..head].to_vec()).unwrap();
        let mut lines = text.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers: Vec<_> = lines
            .map(|line| line.split_once(": ").unwrap_or((line, "")))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let mut answer = Answer { status, headers, body: bytes.split_off(head + 4) };
        let length = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
        while answer.body.len() < length {
            self.fill(&mut answer.body);
        }
        assert_eq!(answer.body.len(), length, "no more than promised");
        answer
    }

    pub(crate) fn fill(&mut self, bytes: &mut Vec<u8>) {
        let mut chunk = [0; 4096];
        let read = self.stream.read(&mut chunk).unwrap();
        assert_ne!(read, 0, "closed in the middle of an answer");
        bytes.extend_from_slice(&chunk[..read]);
    }
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The message of a refusal of Nova or Cinder, whatever its kind.
    pub(crate) fn message(&self) -> String {
        let body = self.json();
        let refusal = body.as_object().and_then(|body| body.values().next());
        text(&refusal.expect("a refusal")["message"]).to_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

pub(crate) fn login(user: &str, password: &str) -> Value {
    json!({"auth": {
        "identity": {"methods": ["password"], "password": {"user": {
            "name": user, "password": password, "domain": {"name": "Default"}}}},
        "scope": {"project": {"name": "demo", "domain": {"name": "Default"}}},
    }})
}

pub(crate) fn password_login(user: Value) -> String {
    json!({"auth": {"identity": {"methods": ["password"], "password": {"user": user}}}}).to_string()
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

pub(crate) fn array(value: &Value) -> &[Value] {
    value.as_array().expect("an array")
}

/// Microseconds since the epoch of a time like `2026-01-02T03:04:05.678901Z`.
pub(crate) fn micros(time: &Value) -> i64 {
    let time = text(time);
    assert_eq!(time.len(), "2026-01-02T03:04:05.678901Z".len(), "microseconds are written");
    time.parse::<jiff::Timestamp>().unwrap().as_microsecond()
}

pub(crate) fn find(bytes: &[u8], pattern: &[u8]) -> Option<usize> {
    bytes.windows(pattern.len()).position(|window| window == pattern)
}

/// Waits until it holds, and fails if it never does.
pub(crate) fn until(mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(5), "it never came true");
        thread::sleep(TICK);
    }
}

/// The shortest time that tests wait at once.
pub(crate) const TICK: Duration = Duration::from_millis(10);
