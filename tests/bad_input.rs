//! What goes wrong has the right kind, one line, the cloud's request id, and no consequences.
#![cfg(feature = "sim")]

use std::error::Error as _;
use std::net::TcpListener;
use std::time::Duration;

use welkin::sim::{Fault, Sim};
use welkin::{Compute, Driver, Error, ErrorKind, Retry, Settings, openstack};

fn sim() -> Sim {
    let no = Duration::ZERO;
    Sim::builder().login_delay(no).read_delay(no).create_delay(no).boot_time(no).start().unwrap()
}

fn compute(sim: &Sim) -> Compute {
    let pause = Duration::from_millis(1);
    let settings =
        Settings::new().largest_answer(100_000).retry(Retry::attempts(3).pauses(pause, pause));
    Driver::open_with(sim.config(), settings).unwrap().compute().unwrap()
}

fn one_line(error: &Error) {
    let text = error.to_string();
    assert!(!text.contains('\n') && text.len() < 600, "{text}");
}

#[test]
fn unknown_selectors_list_what_there_is() {
    for (selector, hint) in
        [("azurestack", "openstack"), ("", "openstack"), ("openstack:", "name a profile")]
    {
        let error = Driver::from_selector(selector).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().contains(hint), "{error}");
    }
}

#[test]
fn a_service_that_the_catalog_lacks_is_unsupported() {
    let sim =
        Sim::builder().login_delay(Duration::ZERO).without_service("compute").start().unwrap();
    let error = compute(&sim).list_nodes().wait().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("it has: "), "{error}");
    one_line(&error);
    assert!(!compute(&sim).list_images().wait().unwrap().is_empty(), "the others work");
}

#[test]
fn answers_that_make_no_sense_are_protocol_and_leave_the_pool_sound() {
    let sim = sim();
    let compute = compute(&sim);
    let answer = |body: &str| {
        Fault::answer(200)
            .header("content-type", "application/json")
            .header("x-openstack-request-id", "req-odd")
            .body(body.to_owned())
    };
    let html = answer("<html><body>Welcome to the proxy</body></html>")
        .header("content-type", "text/html");
    let deep = "[".repeat(50_000);
    for (what, fault) in [
        ("HTML", html),
        ("half of a JSON", answer("{\"servers\": [{\"id\": \"a")),
        ("another JSON", answer("[1, 2, 3]")),
        ("a wrong type", answer("{\"servers\": [{\"id\": {}, \"name\": 7}]}")),
        ("too deep", answer(&format!("{{\"servers\": {deep}"))),
        ("too large", answer(&" ".repeat(200_000))),
        ("empty", answer("")),
    ] {
        sim.fail_next(fault.on("GET", "/compute"));
        let error = compute.list_nodes().wait().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{what}: {error:?}");
        assert_eq!(error.request_id(), Some("req-odd"), "{what}");
        one_line(&error);
        assert_eq!(compute.list_nodes().wait().unwrap(), [], "after {what}");
    }
    sim.fail_next(Fault::cut_body().on("GET", "/compute").times(3));
    let error = compute.list_nodes().wait().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol, "{error:?}");
    assert!(error.source().is_some());
    assert_eq!(compute.list_nodes().wait().unwrap(), []);
    assert_eq!(sim.stats().logins, 1, "nothing of this is about the token");
}

#[test]
fn a_cloud_that_is_busy_is_asked_again_and_then_said_to_be() {
    let sim = sim();
    let compute = compute(&sim);
    for (fault, kind) in [
        (Fault::unavailable(), ErrorKind::Unavailable),
        (Fault::bad_gateway(), ErrorKind::Unavailable),
        (Fault::too_many_requests(Duration::ZERO), ErrorKind::RateLimited),
    ] {
        sim.fail_next(fault.clone().on("GET", "/compute").times(2));
        assert_eq!(compute.list_nodes().wait().unwrap(), []);
        sim.fail_next(fault.on("GET", "/compute").times(3));
        let error = compute.list_nodes().wait().unwrap_err();
        assert_eq!(error.kind(), kind, "{error:?}");
        assert!(error.is_retryable());
        one_line(&error);
    }
}

#[test]
fn no_link_and_no_redirect_leads_the_token_to_another_host() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let there = format!("http://{}/compute/v2.1/servers/detail", elsewhere.local_addr().unwrap());
    let sim = sim();
    let compute = compute(&sim);
    let link = format!(
        r#"{{"servers": [], "servers_links": [{{"rel": "next", "href": "{there}?limit=1"}}]}}"#
    );
    sim.fail_next(Fault::answer(200).body(link).on("GET", "/compute/v2.1/servers"));
    assert_eq!(compute.list_nodes().wait().unwrap(), [], "the next page comes from our own host");
    assert_eq!(sim.stats().by_path["GET /compute/v2.1/servers/detail"], 2);

    sim.fail_next(Fault::answer(302).header("location", &there).on("GET", "/compute"));
    let error = compute.list_nodes().wait().unwrap_err();
    assert_eq!(error.status().unwrap(), 302);
    one_line(&error);
    assert!(elsewhere.accept().is_err(), "nobody came");
}

#[test]
fn a_list_that_leads_back_to_itself_ends() {
    let sim = sim();
    let link = r#"{"servers": [], "servers_links": [{"rel": "next", "href": "/x?marker=1"}]}"#;
    sim.fail_next(Fault::answer(200).body(link).on("GET", "/compute/v2.1/servers").times(u32::MAX));
    let compute = compute(&sim);
    assert_eq!(compute.list_nodes().wait().unwrap_err().kind(), ErrorKind::Protocol);
    assert_eq!(
        compute.list_nodes().iter().next().unwrap().unwrap_err().kind(),
        ErrorKind::Protocol
    );
}

#[test]
fn nobody_at_that_address_is_connection_and_says_where() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let config = openstack::Config::password(format!("http://{free}/v3"), "u", "p").project("x");
    let settings = Settings::new().retry(Retry::never());
    let driver = Driver::open_with(config, settings).unwrap();
    let error = driver.compute().unwrap().list_nodes().wait().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection);
    assert!(error.to_string().contains(&free.to_string()), "{error}");
    assert!(error.source().unwrap().to_string().contains("refused"));
    one_line(&error);
}

#[test]
fn tls_failures_are_named() {
    let sim = Sim::builder().tls(true).start().unwrap();
    let other = Sim::builder().tls(true).start().unwrap();
    let ask = |config: openstack::Config| {
        let compute = Driver::open(config).unwrap().compute().unwrap();
        compute.list_nodes().wait()
    };
    let of = |url: &str| openstack::Config::password(url, "demo", "secret").project("demo");
    let system = ask(of(sim.auth_url())).unwrap_err();
    assert_eq!(system.kind(), ErrorKind::Connection);
    assert!(system.to_string().contains("CA that is not trusted"), "{system}");
    assert!(!system.is_retryable(), "the certificate will be the same");
    let foreign = ask(of(sim.auth_url()).ca_pem(other.ca_pem().unwrap())).unwrap_err();
    assert_eq!(foreign.kind(), ErrorKind::Connection, "a named CA is the only one: {foreign}");
    let plain = sim.auth_url().replace("https", "http");
    assert!(ask(of(&plain).ca_pem(sim.ca_pem().unwrap())).is_err(), "http to an https port");
    assert_eq!(ask(of(sim.auth_url()).insecure(true)).unwrap(), []);
    assert_eq!(ask(sim.config()).unwrap(), []);
}

#[test]
fn a_get_that_meets_the_servers_keep_alive_is_sent_again_with_and_without_tls() {
    for tls in [false, true] {
        let (no, patience) = (Duration::ZERO, Duration::from_millis(40));
        let builder = Sim::builder().login_delay(no).read_delay(no).idle_close(patience).tls(tls);
        let sim = builder.start().unwrap();
        let settings = Settings::new().retry(Retry::never());
        let compute = Driver::open_with(sim.config(), settings).unwrap().compute().unwrap();
        for _ in 0..5 {
            assert_eq!(compute.list_nodes().wait().unwrap(), [], "tls: {tls}");
            std::thread::sleep(Duration::from_millis(120));
        }
        assert!(sim.stats().connections >= 5, "the server did close them");
    }
}
