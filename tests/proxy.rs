//! Through a proxy: it sees where a tunnel leads and nothing of what passes, and no token.
#![cfg(feature = "sim")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use welkin::sim::Sim;
use welkin::{Driver, ErrorKind, Result, Retry, Settings};

/// A proxy that opens tunnels, a thread for each, and keeps what clients send through them.
struct Proxy {
    address: SocketAddr,
    /// Of each tunnel its request's head, and the first of what followed.
    seen: Arc<Mutex<Vec<(String, Vec<u8>)>>>,
}

impl Proxy {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::<Mutex<Vec<_>>>::default();
        let tunnels = Arc::clone(&seen);
        // It ends with the process.
        thread::spawn(move || {
            for client in listener.incoming() {
                let (client, tunnels) = (client.unwrap(), Arc::clone(&tunnels));
                thread::spawn(move || tunnel(client, &tunnels));
            }
        });
        Self { address, seen }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn tunnels(&self) -> usize {
        self.seen.lock().unwrap().len()
    }
}

fn tunnel(client: TcpStream, seen: &Mutex<Vec<(String, Vec<u8>)>>) {
    let mut from_client = BufReader::new(client.try_clone().unwrap());
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if from_client.read_line(&mut head).unwrap_or(0) == 0 {
            return;
        }
    }
    let to = head.split(' ').nth(1).unwrap().to_owned();
    let place = {
        let mut seen = seen.lock().unwrap();
        seen.push((head, Vec::new()));
        seen.len() - 1
    };
    let server = TcpStream::connect(to).unwrap();
    (&client).write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").unwrap();
    let (mut from_server, mut to_client) = (server.try_clone().unwrap(), client);
    let back = thread::spawn(move || {
        let _ = std::io::copy(&mut from_server, &mut to_client);
        let _ = to_client.shutdown(Shutdown::Write);
    });
    let mut piece = [0; 4096];
    while let Ok(n @ 1..) = from_client.read(&mut piece) {
        seen.lock().unwrap()[place].1.extend_from_slice(&piece[..n]);
        if (&server).write_all(&piece[..n]).is_err() {
            break;
        }
    }
    let _ = server.shutdown(Shutdown::Write);
    back.join().unwrap();
}

fn sim(tls: bool) -> Sim {
    let no = Duration::ZERO;
    Sim::builder().login_delay(no).read_delay(no).tls(tls).start().unwrap()
}

fn list(sim: &Sim, settings: Settings) -> Result<()> {
    Driver::open_with(sim.config(), settings)?.compute()?.list_nodes().wait().map(drop)
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|w| w.eq_ignore_ascii_case(text.as_bytes()))
}

#[test]
fn of_https_a_proxy_sees_where_it_goes_and_no_more() {
    let (sim, proxy) = (sim(true), Proxy::start());
    let settings = Settings::new().proxy(&format!("http://me:pw@{}", proxy.address)).unwrap();
    let compute = Driver::open_with(sim.config(), settings).unwrap().compute().unwrap();
    assert_eq!(compute.list_nodes().wait().unwrap(), []);
    assert_eq!(smol::block_on(compute.list_nodes()).unwrap(), []);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    assert_eq!(runtime.block_on(compute.list_nodes()).unwrap(), []);

    assert_eq!(sim.stats().logins, 1);
    let seen = proxy.seen.lock().unwrap();
    assert_eq!(seen.len() as u64, sim.stats().connections, "nobody went another way");
    for (head, rest) in &*seen {
        let asked = format!("CONNECT {} HTTP/1.1\r\n", sim.addr());
        assert!(head.starts_with(&asked), "{head}");
        assert!(head.contains("\r\nProxy-Authorization: Basic bWU6cHc=\r\n"), "{head}");
        assert!(!head.to_lowercase().contains("x-auth-token"), "{head}");
        // A TLS record of the handshake (RFC 8446, 5.1).
        assert_eq!(rest[..2], [22, 3]);
        for hidden in ["HTTP/1.1", "x-auth-token", "proxy-authorization", "password"] {
            assert!(!contains(rest, hidden), "{hidden}");
        }
    }
}

#[test]
fn drivers_that_go_different_ways_share_no_login() {
    let (sim, proxy) = (sim(true), Proxy::start());
    let through = || Settings::new().proxy(&proxy.url()).unwrap();
    let ways = [Settings::new().no_proxy(), through(), through()];
    let drivers = ways.map(|way| Driver::open_with(sim.config(), way.shared_login(true)).unwrap());
    for driver in &drivers {
        driver.compute().unwrap().list_nodes().wait().unwrap();
    }
    assert_eq!(drivers.each_ref().map(|driver| driver.stats().logins), [1, 1, 0]);
    assert_eq!(sim.stats().logins, 2);
}

#[test]
fn http_goes_through_a_tunnel_too_and_the_cloud_never_sees_the_proxys_password() {
    let (sim, proxy) = (sim(false), Proxy::start());
    let settings = Settings::new().proxy(&format!("http://me:pw@{}", proxy.address)).unwrap();
    list(&sim, settings).unwrap();
    let seen = proxy.seen.lock().unwrap();
    let (head, rest) = &seen[0];
    assert!(head.starts_with("CONNECT ") && head.contains("Proxy-Authorization"), "{head}");
    assert!(!head.to_lowercase().contains("x-auth-token"), "{head}");
    assert!(rest.starts_with(b"POST /identity/v3/auth/tokens HTTP/1.1\r\n"));
    assert!(!contains(rest, "proxy-authorization"));
}

#[test]
fn a_proxy_that_refuses_gets_no_request_and_is_asked_as_often_as_it_makes_sense() {
    for (answer, kind, asked) in [
        ("407 Proxy Authentication Required", ErrorKind::Auth, 1),
        ("403 Forbidden", ErrorKind::Connection, 1),
        ("502 Bad Gateway", ErrorKind::Connection, 3),
    ] {
        let sim = sim(true);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, told) = mpsc::channel();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    let mut byte = [0];
                    stream.read_exact(&mut byte).unwrap();
                    head.push(byte[0]);
                }
                stream.write_all(format!("HTTP/1.1 {answer}\r\n\r\n").as_bytes()).unwrap();
                stream.shutdown(Shutdown::Write).unwrap();
                // Whatever else the client may say.
                let _ = stream.read_to_end(&mut head);
                tell.send(head).unwrap();
            }
        });
        let pause = Duration::from_millis(1);
        let settings = Settings::new().retry(Retry::attempts(3).pauses(pause, pause));
        let error = list(&sim, settings.proxy(&address.to_string()).unwrap()).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(&format!("the proxy http://{address}")), "{error}");
        assert_eq!(sim.stats().connections, 0);
        for _ in 0..asked {
            let head: Vec<u8> = told.recv().unwrap();
            assert!(head.starts_with(b"CONNECT ") && head.ends_with(b"\r\n\r\n"));
            assert_eq!(head.windows(4).filter(|w| w == b"\r\n\r\n").count(), 1, "and no more");
        }
        assert!(told.try_recv().is_err(), "nobody came more often");
    }
}

/// Runs [`a_driver_asks_the_environment`] in a process with these variables; returns how many
/// tunnels it opened.
fn tunnels_with(variables: &[(&str, &str)]) -> usize {
    let proxy = Proxy::start();
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "a_driver_asks_the_environment", "--ignored"]);
    for name in ["http_proxy", "https_proxy", "all_proxy", "no_proxy"] {
        child.env_remove(name).env_remove(name.to_uppercase());
    }
    child.envs(variables.iter().map(|(name, text)| (name, text.replace("PROXY", &proxy.url()))));
    let output = child.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    proxy.tunnels()
}

#[test]
#[ignore = "run by others, in a process of its own"]
fn a_driver_asks_the_environment() {
    let sim = sim(std::env::var_os("SIM_WITHOUT_TLS").is_none());
    let ignores = std::env::var_os("SETTINGS_WITHOUT_PROXY").is_some();
    let settings = Settings::new();
    let settings = if ignores { settings.no_proxy() } else { settings };
    list(&sim, settings).unwrap();
}

#[test]
#[cfg(unix)]
fn the_environment_names_the_proxy_and_those_who_go_without() {
    let dead = "http://127.0.0.1:1";
    for (variables, through) in [
        (&[][..], false),
        (&[("HTTPS_PROXY", "PROXY")], true),
        (&[("https_proxy", "PROXY"), ("HTTPS_PROXY", dead)], true),
        (&[("ALL_PROXY", "PROXY")], true),
        (&[("ALL_PROXY", "PROXY"), ("SIM_WITHOUT_TLS", "1")], true),
        (&[("http_proxy", "PROXY"), ("SIM_WITHOUT_TLS", "1")], true),
        // What a web server makes of the header `Proxy` is no setting of ours.
        (&[("HTTP_PROXY", dead), ("SIM_WITHOUT_TLS", "1")], false),
        (&[("HTTPS_PROXY", dead), ("NO_PROXY", "example.org,127.0.0.0/8")], false),
        (&[("HTTPS_PROXY", dead), ("no_proxy", "*")], false),
        (&[("HTTPS_PROXY", "PROXY"), ("NO_PROXY", "localhost")], true),
        (&[("HTTPS_PROXY", dead), ("SETTINGS_WITHOUT_PROXY", "1")], false),
    ] {
        assert_eq!(tunnels_with(variables) > 0, through, "{variables:?}");
    }
}
