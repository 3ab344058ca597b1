//! Faults below the answer: slowness, silence, half-closed and misframed connections.

use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, Instant, SystemTime};

use welkin::sim::{Fault, Sim};

use crate::client::{Client, find, quick, until};

const FLAVORS: &str = "/compute/v2.1/flavors/detail";
const SERVERS: &str = "/compute/v2.1/servers";

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn start() -> (Sim, Client) {
    let sim = quick().start().unwrap();
    let client = Client::logged_in(&sim);
    (sim, client)
}

/// Everything that comes until the server's end closes.
fn rest(client: &mut Client) -> Vec<u8> {
    let mut bytes = Vec::new();
    client.stream.read_to_end(&mut bytes).unwrap();
    bytes
}

/// Nothing comes, and the connection is open.
fn is_silent(client: &mut Client) -> bool {
    client.stream.set_read_timeout(Some(ms(50))).unwrap();
    let kind = client.stream.read(&mut [0]).map_err(|e| e.kind());
    matches!(kind, Err(ErrorKind::WouldBlock | ErrorKind::TimedOut))
}

#[test]
fn a_live_token_can_be_refused_as_a_dead_one_is() {
    let (sim, mut client) = start();
    sim.fail_next(Fault::unauthorized().on("GET", "/compute"));
    let token = client.token.replace("nonsense".into());
    let dead = client.get(FLAVORS);
    client.token = token;
    assert_eq!(dead.status, 401);
    sim.fail_next(Fault::unauthorized().on("GET", "/compute"));
    let live = client.get(FLAVORS);
    assert_eq!((live.status, live.json()), (401, dead.json()));
    assert_eq!(live.header("www-authenticate"), dead.header("www-authenticate"));
    assert_eq!(client.get(FLAVORS).status, 200);
    assert_eq!(sim.stats().unauthorized, 2);
}

#[test]
fn a_wait_can_be_asked_for_until_a_date() {
    let (sim, mut client) = start();
    let date = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
    sim.fail_next(Fault::unavailable_until(date));
    let answer = client.get(FLAVORS);
    assert_eq!(answer.status, 503);
    assert_eq!(answer.header("retry-after"), Some("Sun, 06 Nov 1994 08:49:37 GMT"));
}

#[test]
fn an_answer_can_be_late_and_the_deed_is_done_before() {
    let (sim, mut client) = start();
    let body = client.new_server("web", "1").to_string();
    sim.fail_next(Fault::delay(ms(300)).on("POST", SERVERS));
    let began = Instant::now();
    client.write("POST", SERVERS, &[], &body);
    until(|| sim.servers().len() == 1);
    assert!(is_silent(&mut client), "after {:?}", began.elapsed());
    client.stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    assert_eq!(client.read().status, 202);
    assert!(began.elapsed() >= ms(300));
    sim.fail_next(Fault::unavailable().late(ms(100)));
    let began = Instant::now();
    assert_eq!(client.get(FLAVORS).status, 503);
    assert!(began.elapsed() >= ms(100));
}

#[test]
fn bytes_can_dribble() {
    let (sim, mut client) = start();
    let whole = client.get(FLAVORS);
    sim.fail_next(Fault::slow_bytes(500, ms(10)));
    let began = Instant::now();
    assert_eq!(client.get(FLAVORS).body, whole.body);
    let pauses = whole.body.len() as u32 / 500;
    assert!(pauses > 2 && began.elapsed() >= ms(10) * pauses);
    assert_eq!(client.get(FLAVORS).body, whole.body, "on the same connection");
    assert_eq!(sim.stats().connections, 1);
}

#[test]
fn a_server_can_fall_silent_before_and_after_the_deed() {
    for (fault, servers) in [(Fault::silence_before(), 0), (Fault::silence_after(), 1)] {
        let (sim, mut client) = start();
        let body = client.new_server("web", "1").to_string();
        sim.fail_next(fault.on("POST", SERVERS));
        client.write("POST", SERVERS, &[], &body);
        until(|| sim.stats().faults == 1 && sim.servers().len() == servers);
        assert!(is_silent(&mut client));
        drop(client);
        until(|| sim.stats().open_connections == 0);
        assert_eq!(sim.servers().len(), servers);
    }
}

#[test]
fn a_server_can_close_its_own_side_and_go_on_listening() {
    let (sim, mut client) = start();
    sim.fail_next(Fault::half_close_after().on("GET", "/compute"));
    assert_eq!(client.get(FLAVORS).status, 200);
    for _ in 0..2 {
        assert_eq!(client.stream.read(&mut [0]).unwrap(), 0, "and no reset");
        client.write("GET", FLAVORS, &[], "");
    }
    assert_eq!(sim.stats().open_connections, 1);
    drop(client);
    until(|| sim.stats().open_connections == 0);

    let mut client = Client::logged_in(&sim);
    let body = client.new_server("web", "1").to_string();
    sim.fail_next(Fault::half_close_before().on("POST", "/compute"));
    client.write("POST", SERVERS, &[], &body);
    assert_eq!(client.stream.read(&mut [0]).unwrap(), 0);
    assert!(sim.servers().is_empty());
}

#[test]
fn an_answer_can_come_before_the_body() {
    let (sim, mut client) = start();
    sim.fail_next(Fault::early_answer(413).body("too much").on("POST", "/compute"));
    let head =
        "POST /compute/v2.1/servers HTTP/1.1\r\nHost: sim\r\nContent-Length: 9999999\r\n\r\n";
    client.stream.write_all(head.as_bytes()).unwrap();
    let answer = client.read();
    assert_eq!((answer.status, answer.body.as_slice()), (413, &b"too much"[..]));
    assert!(is_silent(&mut client));

    let mut client = Client::of(&sim);
    sim.fail_next(Fault::early_answer_and_close(413).on("POST", "/compute"));
    client.stream.write_all(head.as_bytes()).unwrap();
    assert_eq!(client.read().status, 413);
    assert_eq!(client.stream.read(&mut [0]).unwrap(), 0);
}

#[test]
fn a_length_can_be_wrong_both_ways() {
    for by in [3, -3] {
        let (sim, mut client) = start();
        let whole = client.get(FLAVORS).body;
        sim.fail_next(Fault::wrong_length(by));
        client.write("GET", FLAVORS, &[], "");
        let mut bytes = Vec::new();
        while !bytes.ends_with(&whole) {
            client.fill(&mut bytes);
        }
        let promised = format!("content-length: {}\r\n", whole.len() as i64 + by);
        assert!(find(&bytes, promised.as_bytes()).is_some());
        assert!(is_silent(&mut client));
    }
}

#[test]
fn what_comes_need_not_be_http_or_json() {
    let (sim, mut client) = start();
    sim.fail_next(Fault::not_json());
    let answer = client.get(FLAVORS);
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    assert!(answer.body.starts_with(b"<html>"));
    sim.fail_next(Fault::not_http());
    client.write("GET", FLAVORS, &[], "");
    assert!(rest(&mut client).starts_with(b"SSH-"));
}

#[test]
fn informational_answers_come_first() {
    let (sim, mut client) = start();
    sim.fail_next(Fault::informational(103));
    client.write("GET", FLAVORS, &[], "");
    let mut bytes = Vec::new();
    while find(&bytes, b"\r\n\r\nHTTP/1.1 200 OK\r\n").is_none() {
        client.fill(&mut bytes);
    }
    assert!(bytes.starts_with(b"HTTP/1.1 103 Early Hints\r\n\r\n"));
}

#[test]
fn a_body_can_be_larger_than_anybody_wants() {
    let (sim, mut client) = start();
    sim.fail_next(Fault::endless_body(200_000));
    client.write("GET", FLAVORS, &[("Connection", "close")], "");
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n0\r\n\r\n") {
        client.fill(&mut bytes);
    }
    assert!(find(&bytes, b"transfer-encoding: chunked").is_some());
    let body = find(&bytes, b"\r\n\r\n").unwrap();
    assert_eq!(bytes[body..].iter().filter(|byte| **byte == b' ').count(), 200_000);
}

#[test]
fn a_connection_can_end_when_the_next_request_is_on_its_way() {
    let (sim, mut client) = start();
    sim.fail_next(Fault::close_on_next().on("GET", "/compute"));
    assert_eq!(client.get(FLAVORS).status, 200);
    assert!(is_silent(&mut client), "it looks open");
    let seen = sim.stats().requests;
    client.write("GET", FLAVORS, &[], "");
    client.stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    assert_eq!(client.stream.read(&mut [0]).unwrap(), 0);
    assert_eq!(sim.stats().requests, seen, "the second was not looked at");
}

#[test]
fn a_large_upload_to_a_fault_leaves_no_bytes_behind_for_the_next_request() {
    let (sim, mut client) = start();
    sim.fail_next(Fault::delay(ms(1)).on("POST", "/compute"));
    let answer = client.post_text(SERVERS, &"x".repeat(2 << 20));
    assert_eq!(answer.status, 413);
}

#[test]
fn an_order_that_comes_twice_is_counted() {
    let (sim, mut client) = start();
    let mut body = client.new_server("web", "1");
    for (mark, duplicates) in [("a", 0), ("b", 0), ("a", 1)] {
        body["server"]["metadata"] = serde_json::json!({"order": mark});
        assert_eq!(client.post(SERVERS, &body).status, 202);
        assert_eq!(sim.stats().duplicates, duplicates);
    }
    sim.reset_stats();
    client.post(SERVERS, &body);
    assert_eq!(sim.stats().duplicates, 0);
}
