use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::*;
use crate::call::Trust;
use crate::error::Phase;
use crate::settings::Settings;
use crate::wire::block_on;
use crate::wire::dial::Dialer;

/// Reads what it is asked, says its piece, and keeps the connection until the other side closes it.
fn scripted(said: impl Into<Vec<u8>>) -> (String, mpsc::Receiver<String>) {
    let said = said.into();
    serve(move |stream| {
        // A byte at a time: no answer comes whole.
        let (start, rest) = said.split_at(said.len().min(100));
        for byte in start {
            let _ = (&*stream).write_all(&[*byte]);
        }
        let _ = (&*stream).write_all(rest);
        let _ = std::io::copy(&mut &*stream, &mut std::io::sink());
    })
}

/// As [`scripted`], but all of it comes at once.
fn at_once(said: &'static str) -> (String, mpsc::Receiver<String>) {
    serve(move |stream| {
        let _ = (&*stream).write_all(said.as_bytes());
        let _ = std::io::copy(&mut &*stream, &mut std::io::sink());
    })
}

/// As [`scripted`], but it hangs up after what it says.
fn cut(said: &'static str) -> (String, mpsc::Receiver<String>) {
    serve(move |stream| {
        let _ = (&*stream).write_all(said.as_bytes());
    })
}

fn serve(then: impl Fn(&TcpStream) + Send + 'static) -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (tell, told) = mpsc::channel();
    // It ends with the first that comes after the test is over, or with the process.
    thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            stream.set_nodelay(true).unwrap();
            let mut head = String::new();
            let mut reader = BufReader::new(&stream);
            while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).is_ok_and(|n| n > 0) {}
            if tell.send(head).is_err() {
                return;
            }
            then(&stream);
            let _ = stream.shutdown(Shutdown::Both);
        }
    });
    (address, told)
}

fn dialer(proxy: &str, settings: Settings) -> Dialer {
    let settings = settings.proxy(proxy).expect("a proxy");
    Dialer::new(&Trust::default(), &settings).expect("a dialer")
}

fn patient() -> Settings {
    Settings::new().connect_timeout(Duration::from_secs(60))
}

fn origin(host: &str) -> Origin {
    Origin { tls: false, host: host.into(), port: 8774 }
}

fn refusal(dialer: &Dialer) -> Error {
    block_on(dialer.dial(&origin("cloud.example"))).err().expect("no tunnel")
}

#[test]
fn a_tunnel_is_asked_for_by_name_in_every_home() {
    let (address, told) = scripted("HTTP/1.0 200 Connection established\r\nVia: 1.0 p\r\n\r\n");
    let dialer = dialer(&address, patient());
    let (name, ip) = (origin("cloud.example"), origin("2001:db8::1"));
    block_on(dialer.dial(&name)).expect("a tunnel");
    let asked = |host: &str| {
        format!(
            "CONNECT {host}:8774 HTTP/1.1\r\nHost: {host}:8774\r\nUser-Agent: welkin/{}\r\n\r\n",
            env!("CARGO_PKG_VERSION")
        )
    };
    assert_eq!(told.recv().unwrap(), asked("cloud.example"));
    smol::block_on(dialer.dial(&ip)).expect("a tunnel");
    assert_eq!(told.recv().unwrap(), asked("[2001:db8::1]"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(dialer.dial(&name)).expect("a tunnel");
    assert_eq!(told.recv().unwrap(), asked("cloud.example"));
}

#[test]
fn what_comes_before_the_answer_is_passed_over() {
    let said =
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nA: b\r\n\r\nHTTP/1.1 200\r\n\r\n";
    let (address, _told) = scripted(said);
    block_on(dialer(&address, patient()).dial(&origin("cloud.example"))).expect("a tunnel");
}

#[test]
fn name_and_password_go_to_the_proxy_and_into_no_message() {
    for status in [407, 401] {
        let (address, told) = scripted(format!("HTTP/1.1 {status} Who?\r\n\r\n"));
        let error = refusal(&dialer(&format!("http://me:s3cret@{address}"), patient()));
        assert_eq!(error.kind(), ErrorKind::Auth);
        let head = told.recv().unwrap();
        assert!(head.contains("\r\nProxy-Authorization: Basic bWU6czNjcmV0\r\n"), "{head}");
        let text = format!("{error} {error:?}");
        assert!(text.contains(&format!("the proxy http://{address} does not accept")), "{text}");
        assert!(!text.contains("s3cret") && !text.contains("bWU6"), "{text}");
    }
}

#[test]
fn a_proxy_that_refuses_is_named_with_what_it_says() {
    for (said, kind, passes, part) in [
        ("407 Who are you?", ErrorKind::Auth, false, "wants a name and a password (407)"),
        ("403 Forbidden", ErrorKind::Connection, false, "it says \"403 Forbidden\""),
        ("404", ErrorKind::Connection, false, "it says \"404\""),
        ("429 Later", ErrorKind::Connection, true, "it says \"429 Later\""),
        ("502 Bad\tGate\u{1b}way", ErrorKind::Connection, true, "Gate\\u{1b}way"),
        ("503 ", ErrorKind::Connection, true, "it says \"503\""),
        ("301 Elsewhere", ErrorKind::Connection, false, "301 Elsewhere"),
    ] {
        let page = "Location: http://evil.example/\r\n\r\n<p>no</p>";
        let (address, _told) = scripted(format!("HTTP/1.1 {said}\r\n{page}"));
        let error = refusal(&dialer(&address, patient()));
        let text = error.to_string();
        assert_eq!(error.kind(), kind, "{text}");
        assert_eq!(error.is_retryable(), passes, "{text}");
        assert!(text.contains(&format!("the proxy http://{address}")), "{text}");
        assert!(text.contains(part), "{text}");
    }
    let (address, _told) = scripted(format!("HTTP/1.1 500 {}\r\n\r\n", "x".repeat(10_000)));
    let text = refusal(&dialer(&address, patient())).to_string();
    assert!(text.len() < 500, "{text}");
}

#[test]
fn what_is_no_answer_of_a_proxy_is_protocol() {
    for (said, part) in [
        ("SSH-2.0-OpenSSH\r\n".to_owned(), "does not speak HTTP"),
        ("\u{5}\u{0}".to_owned(), "does not speak HTTP"),
        ("HTTP/1.1 ok\r\n\r\n".to_owned(), "does not speak HTTP"),
        ("HTTP/1.1 2000 OK\r\n\r\n".to_owned(), "does not speak HTTP"),
        (format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(20_000)), "come to the end"),
    ] {
        let (address, _told) = scripted(said);
        let error = refusal(&dialer(&address, patient()));
        assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");
        assert!(error.to_string().contains(part), "{error}");
    }
    let (address, _told) = at_once("HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK");
    let error = refusal(&dialer(&address, patient()));
    assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");
    assert!(error.to_string().contains("bytes of its own"), "{error}");
}

#[test]
fn an_answer_that_is_cut_is_a_broken_connection() {
    for said in ["", "HTTP/1.1 200 OK\r\nVia: p\r\n", "HTTP/1.1 100 Continue\r\n\r\n"] {
        let (address, _told) = cut(said);
        let error = refusal(&dialer(&address, patient()));
        assert_eq!(error.kind(), ErrorKind::Connection, "{error}");
        assert!(error.is_retryable() && error.to_string().contains("hung up"), "{error}");
    }
}

#[test]
fn silence_ends_with_the_connect_time_out_in_every_home() {
    let (address, _told) = scripted("HTTP/1.1 200 O");
    let settings = Settings::new().connect_timeout(Duration::from_millis(200));
    let (dialer, to) = (dialer(&address, settings), origin("cloud.example"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for result in [
        block_on(dialer.dial(&to)),
        runtime.block_on(dialer.dial(&to)),
        smol::block_on(dialer.dial(&to)),
    ] {
        let error = result.err().expect("no tunnel");
        assert_eq!(error.kind(), ErrorKind::Timeout(Phase::Connect));
        let through = format!("http://cloud.example:8774 through the proxy http://{address}");
        assert!(error.to_string().contains(&through), "{error}");
    }
}

#[test]
fn a_proxy_that_is_not_there_is_named() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = refusal(&dialer(&free.to_string(), patient()));
    assert_eq!(error.kind(), ErrorKind::Connection);
    let text = error.to_string();
    assert!(text.contains(&format!("cannot connect to the proxy http://{free}")), "{text}");
    assert!(text.contains("check Settings::proxy"), "{text}");
}

#[test]
fn a_tunnel_carries_bytes_both_ways() {
    let (address, told) = serve(|stream| {
        let _ = (&*stream).write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n");
        // RFC 9110, 9.3.6: a length means nothing here. From now on it is the cloud who speaks.
        let mut request = [0; 1000];
        let n = (&*stream).read(&mut request).unwrap();
        assert!(request[..n].starts_with(b"GET /x HTTP/1.1\r\n"));
        let _ = (&*stream).write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    });
    let body = block_on(async {
        use crate::wire::payload::Payload;
        use crate::wire::terms::Terms;
        let dialer = dialer(&address, patient());
        let mut connection = dialer.dial(&origin("cloud.example")).await.unwrap();
        let content = crate::call::Content::from(bytes::Bytes::new());
        let request = http::Request::get("/x").header("host", "cloud.example");
        let request = request.body(Payload::of(&content).unwrap()).unwrap();
        let end = std::time::Instant::now() + Duration::from_secs(60);
        connection.begin(request, Terms::until(end));
        assert!(connection.answer().await.is_ok());
        connection.read(100).await.unwrap()
    });
    assert_eq!(body, "ok");
    assert!(told.recv().unwrap().starts_with("CONNECT"));
}
