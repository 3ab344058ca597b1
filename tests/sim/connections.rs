//! What happens on the wire, and what is counted.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use welkin::sim::Fault;

use crate::client::{Client, quick, until};

#[test]
fn connections_logins_and_requests_are_counted() {
    let sim = quick().start().unwrap();
    let mut first = Client::logged_in(&sim);
    let mut second = Client::logged_in(&sim);
    let id = first.create("web", "1");
    first.get(&format!("/compute/v2.1/servers/{id}"));
    second.get("/compute/v2.1/servers/nope");
    let stats = sim.stats();
    assert_eq!(stats.connections, 2);
    assert_eq!(stats.open_connections, 2);
    assert_eq!(stats.logins, 2);
    assert_eq!(stats.by_path["GET /compute/v2.1/servers/{id}"], 2);
    assert_eq!(stats.by_path["POST /identity/v3/auth/tokens"], 2);
    assert_eq!(stats.requests, stats.by_path.values().sum::<u64>());
    drop(first);
    until(|| sim.stats().open_connections == 1);
    assert_eq!(sim.stats().peak_open_connections, 2);
    sim.reset_stats();
    assert_eq!((sim.stats().requests, sim.stats().peak_open_connections), (0, 1));
    let as_json = serde_json::to_value(sim.stats()).unwrap();
    assert_eq!(as_json["open_connections"], 1);
}

#[test]
fn idle_connections_are_closed_and_busy_ones_are_not() {
    let idle = Duration::from_millis(200);
    let sim = quick().idle_close(idle).start().unwrap();
    let mut client = Client::logged_in(&sim);
    sim.set_read_delay(2 * idle);
    assert_eq!(client.get("/compute/v2.1/servers").status, 200, "slow, not idle");
    let answered = Instant::now();
    assert_eq!(client.stream.read(&mut [0]).unwrap(), 0, "an orderly end");
    assert!(answered.elapsed() >= idle - Duration::from_millis(5));
    until(|| sim.stats().open_connections == 0);
}

#[test]
fn delays_pass_before_the_answer_and_side_by_side() {
    let sim = quick().start().unwrap();
    let delay = Duration::from_millis(150);
    let mut clients: Vec<_> = (0..8).map(|_| Client::logged_in(&sim)).collect();
    sim.set_read_delay(delay);
    let start = Instant::now();
    thread::scope(|scope| {
        for client in &mut clients {
            scope.spawn(|| assert_eq!(client.get("/compute/v2.1/flavors").status, 200));
        }
    });
    assert!(start.elapsed() >= delay);
    assert!(start.elapsed() < 4 * delay, "eight at the same time");
}

#[test]
fn a_create_happens_even_if_the_caller_hangs_up() {
    let sim = quick().create_delay(Duration::from_secs(5)).start().unwrap();
    let mut client = Client::logged_in(&sim);
    let body = client.new_server("orphan", "1").to_string();
    client.write("POST", "/compute/v2.1/servers", &[], &body);
    drop(client);
    until(|| sim.servers().len() == 1);
    assert_eq!(sim.servers()[0].name, "orphan");
    sim.clear();
    assert!(sim.servers().is_empty());
}

#[test]
fn large_bodies_and_bad_requests_do_no_harm() {
    let sim = quick().start().unwrap();
    let mut client = Client::of(&sim);
    let head =
        "POST /compute/v2.1/servers HTTP/1.1\r\nHost: sim\r\nContent-Length: 1048577\r\n\r\n";
    client.stream.write_all(head.as_bytes()).unwrap();
    client.stream.write_all(&vec![b' '; 1_048_577]).unwrap();
    assert_eq!(client.read().status, 413);

    let mut client = Client::of(&sim);
    client.stream.write_all(b"\x16\x03\x01 no http\r\n\r\n").unwrap();
    assert_eq!(client.read().status, 400);

    let mut client = Client::logged_in(&sim);
    assert_eq!(client.get("/compute/v2.1/servers?name=%ff%zz&limit=%31&&=").status, 200);
    assert_eq!(client.get("/").status, 404);
    assert_eq!(client.send("PUT", "/identity/v3/auth/tokens", &[], "").status, 405);
}

#[test]
fn dropping_the_cloud_closes_its_connections_and_its_port() {
    let sim = quick().start().unwrap();
    let mut client = Client::logged_in(&sim);
    let addr = sim.addr();
    drop(sim);
    assert!(matches!(client.stream.read(&mut [0]), Ok(0) | Err(_)));
    assert!(TcpStream::connect(addr).is_err());
    let again = quick().port(addr.port()).start().unwrap();
    assert_eq!(again.addr(), addr);
}

#[tokio::test]
async fn it_starts_fails_and_stops_within_a_runtime() {
    let sim = quick().start().unwrap();
    let taken = quick().port(sim.addr().port()).start();
    assert_eq!(taken.unwrap_err().kind(), ErrorKind::AddrInUse);
    drop(sim);
}

#[test]
fn the_same_seed_makes_the_same_ids() {
    let [one, two] = [7, 7].map(|seed| quick().seed(seed).start().unwrap());
    let [one, two] = [&one, &two].map(Client::logged_in);
    assert_eq!(one.token, two.token);
    let [three, four] = [quick(), quick()].map(|builder| builder.start().unwrap());
    assert_ne!(Client::logged_in(&three).token, Client::logged_in(&four).token);
}

#[test]
fn tls_is_trusted_through_the_ca_and_only_so() {
    use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};

    let sim = quick().tls(true).start().unwrap();
    assert!(sim.auth_url().starts_with("https://127.0.0.1:"));
    let try_with = |name: &'static str, ca: Option<&str>| {
        let mut roots = rustls::RootCertStore::empty();
        if let Some(ca) = ca {
            roots.add(CertificateDer::from_pem_slice(ca.as_bytes()).unwrap()).unwrap();
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from(name).unwrap();
        let mut tls = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
        let mut socket = TcpStream::connect(sim.addr()).unwrap();
        let mut stream = rustls::Stream::new(&mut tls, &mut socket);
        let request = "GET /identity/v3 HTTP/1.1\r\nHost: sim\r\nConnection: close\r\n\r\n";
        stream.write_all(request.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).map(|_| answer)
    };
    for name in ["127.0.0.1", "localhost"] {
        let answer = try_with(name, sim.ca_pem()).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    }
    assert!(try_with("example.org", sim.ca_pem()).is_err());

    sim.fail_next(Fault::cut_body());
    let cut = try_with("127.0.0.1", sim.ca_pem()).unwrap_err();
    assert_eq!(cut.kind(), ErrorKind::UnexpectedEof, "no farewell");
    sim.fail_next(Fault::close_after());
    assert!(try_with("127.0.0.1", sim.ca_pem()).is_ok(), "a farewell");
    sim.fail_next(Fault::reset_after());
    let reset = try_with("127.0.0.1", sim.ca_pem()).unwrap_err();
    assert_eq!(reset.kind(), ErrorKind::ConnectionReset);

    let other = quick().tls(true).start().unwrap();
    assert!(try_with("127.0.0.1", other.ca_pem()).is_err());
    assert_eq!(quick().start().unwrap().ca_pem(), None);
}
