//! Failures on request.

use std::io::{ErrorKind, Read};
use std::time::Duration;

use welkin::sim::Fault;

use crate::client::{Client, find, quick};

#[test]
fn faults_answer_in_place_of_the_service() {
    let sim = quick().start().unwrap();
    let mut client = Client::logged_in(&sim);
    sim.fail_next(Fault::too_many_requests(Duration::from_millis(1500)).on("get", "/compute"));
    sim.fail_next(Fault::unavailable().on_path("/image").times(2));
    sim.fail_next(Fault::bad_gateway().on("POST", "/compute/v2.1/servers"));
    sim.fail_next(Fault::answer(418).header("x-why", "tea").body("pot").on_path("/networking"));

    let slow_down = client.get("/compute/v2.1/flavors");
    assert_eq!((slow_down.status, slow_down.header("retry-after")), (429, Some("2")));
    assert_eq!(client.get("/compute/v2.1/flavors").status, 200, "once");
    let statuses = [0; 3].map(|_| client.get("/image/v2/images").status);
    assert_eq!(statuses, [503, 503, 200]);
    let body = client.new_server("web", "1");
    let broken = client.post("/compute/v2.1/servers", &body);
    assert_eq!((broken.status, broken.header("content-type")), (502, Some("text/html")));
    assert!(sim.servers().is_empty(), "nothing was done");
    let tea = client.get("/networking/v2.0/networks");
    assert_eq!(
        (tea.status, tea.header("x-why"), tea.body.as_slice()),
        (418, Some("tea"), &b"pot"[..])
    );
    assert_eq!(sim.stats().connections, 1, "all on one connection");
    assert_eq!(sim.stats().faults, 5);
}

#[test]
fn a_proxy_may_lose_the_answer_to_what_was_done() {
    let sim = quick().start().unwrap();
    let mut client = Client::logged_in(&sim);
    sim.fail_next(Fault::bad_gateway().once_done().on("POST", "/compute/v2.1/servers"));
    let body = client.new_server("web", "1");
    let lost = client.post("/compute/v2.1/servers", &body);
    assert_eq!((lost.status, lost.header("content-type")), (502, Some("text/html")));
    assert_eq!(lost.header("x-openstack-request-id"), None, "nothing of the cloud's own");
    assert_eq!(sim.servers().len(), 1);
}

#[test]
fn faults_can_wait_and_be_forgotten() {
    let sim = quick().start().unwrap();
    let mut client = Client::logged_in(&sim);
    sim.fail_next(Fault::unavailable().on_path("/compute").after(2));
    let statuses = [0; 4].map(|_| client.get("/compute/v2.1/flavors").status);
    assert_eq!(statuses, [200, 200, 503, 200]);
    sim.fail_next(Fault::unavailable().times(u32::MAX));
    assert_eq!([0; 3].map(|_| client.get("/compute/v2.1").status), [503; 3]);
    sim.clear_faults();
    assert_eq!(client.get("/compute/v2.1").status, 200);
}

#[test]
fn a_reset_before_does_nothing_and_a_reset_after_does_all() {
    let sim = quick().start().unwrap();
    for (fault, servers) in [(Fault::reset_before(), 0), (Fault::reset_after(), 1)] {
        let mut client = Client::logged_in(&sim);
        let body = client.new_server("web", "1").to_string();
        sim.fail_next(fault.on("POST", "/compute/v2.1/servers"));
        client.write("POST", "/compute/v2.1/servers", &[], &body);
        let end = client.stream.read(&mut [0]).unwrap_err();
        assert_eq!(end.kind(), ErrorKind::ConnectionReset);
        assert_eq!(sim.servers().len(), servers);
    }
    assert_eq!(sim.stats().faults, 2);
}

#[test]
fn a_body_can_be_cut_half_way() {
    let sim = quick().start().unwrap();
    let mut client = Client::logged_in(&sim);
    let whole = client.get("/compute/v2.1/flavors/detail");
    sim.fail_next(Fault::cut_body().on("GET", "/compute"));
    client.write("GET", "/compute/v2.1/flavors/detail", &[], "");
    let mut bytes = Vec::new();
    client.stream.read_to_end(&mut bytes).expect("an orderly end");
    let head = find(&bytes, b"\r\n\r\n").unwrap() + 4;
    let promised = format!("content-length: {}", whole.body.len());
    assert!(String::from_utf8_lossy(&bytes[..head]).contains(&promised));
    assert_eq!(&bytes[head..], &whole.body[..whole.body.len() / 2]);
}

#[test]
fn keep_alive_can_end_without_a_word() {
    let sim = quick().start().unwrap();
    let mut client = Client::logged_in(&sim);
    let id = client.create("web", "1");
    for (method, path, status) in [
        ("GET", "/compute/v2.1/flavors".to_owned(), 200),
        ("DELETE", format!("/compute/v2.1/servers/{id}"), 204),
    ] {
        client.reconnect(&sim);
        sim.fail_next(Fault::close_after());
        let answer = client.send(method, &path, &[], "");
        assert_eq!((answer.status, answer.header("connection")), (status, None));
        assert_eq!(client.stream.read(&mut [0]).unwrap(), 0);
    }
}
