//! Every way to log in, at the sim and by hand at a real OpenStack, and what its answers are in.
//!
//! By hand: `cargo test --all-features --test logins -- --ignored`, with `OS_*` of a user with a
//! password and a project that has a node. `WELKIN_TRUST` is the id of a trust whose trustee `WELKIN_TRUSTEE` has
//! `OS_PASSWORD`, too; `WELKIN_ADMIN` a user with that password and roles on the system and on its
//! domain; `WELKIN_CREDENTIAL` and `WELKIN_CREDENTIAL_SECRET` an application credential.
#![cfg(feature = "sim")]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use welkin::openstack::{Config, OpenStack};
use welkin::sim::Sim;
use welkin::{Driver, ErrorKind, NewNode, Result};

fn quick() -> Sim {
    let quick = Duration::from_millis(1);
    Sim::builder().login_delay(quick).read_delay(quick).start().unwrap()
}

/// Gets a token as another client would, from a Keystone at an `http://` address.
fn own_token(auth_url: &str, user: &str, password: &str, project: &str) -> String {
    let (host, path) = auth_url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let body = format!(
        r#"{{"auth": {{"identity": {{"methods": ["password"], "password": {{"user": {{
            "name": "{user}", "domain": {{"id": "default"}}, "password": "{password}"}}}}}},
            "scope": {{"project": {{"name": "{project}", "domain": {{"id": "default"}}}}}}}}}}"#
    );
    let mut stream = TcpStream::connect(host).unwrap();
    write!(
        stream,
        "POST /{path}/auth/tokens HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let mut lines = answer.lines().map(|line| line.split_once(": ").unwrap_or_default());
    let token = lines.find(|(name, _)| name.eq_ignore_ascii_case("x-subject-token"));
    token.unwrap_or_else(|| panic!("no token in {answer}")).1.to_owned()
}

fn nodes(config: Config) -> Result<usize> {
    Driver::open(config)?.compute()?.list_nodes().wait().map(|nodes| nodes.len())
}

#[test]
fn a_token_of_ones_own_is_used_as_it_is_and_ends_for_good() {
    let sim = quick();
    let auth_url = sim.auth_url();
    let token = own_token(auth_url, "demo", "secret", "demo");
    let as_it_is = Driver::open(Config::token(auth_url, &token)).unwrap();
    let exchanged = Driver::open(Config::token(auth_url, &token).project("demo")).unwrap();
    for driver in [&as_it_is, &exchanged] {
        driver.compute().unwrap().list_nodes().wait().unwrap();
    }
    sim.revoke_tokens();
    for driver in [&as_it_is, &exchanged] {
        let error = driver.compute().unwrap().list_nodes().wait().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Auth);
        assert!(error.to_string().contains("cannot be renewed"), "{error}");
        assert!(!format!("{error:?}").contains(&token));
    }
}

#[test]
fn what_the_user_has_no_role_for_is_refused_by_name() {
    let sim = quick();
    for (config, what) in [
        (sim.config().scope_system(), "the system"),
        (sim.config().scope_domain("Default"), "domain \"Default\""),
        (sim.config().scope_trust("t1"), "trust \"t1\""),
    ] {
        let error = nodes(config).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Auth);
        assert!(error.to_string().contains(what), "{error}");
    }
    let error = nodes(sim.config().unscoped()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "no project, no catalog: {error}");
}

#[test]
fn every_request_to_nova_is_in_the_version_that_is_wished_for() {
    let sim = quick();
    let compute = Driver::open(sim.config()).unwrap().compute().unwrap();
    let (size, image) = (compute.find_size("m1.tiny"), compute.find_image("tiny"));
    let (size, image) = (size.wait().unwrap(), image.wait().unwrap());
    compute.create_node(&NewNode::named("web-1").size(&size).image(&image)).wait().unwrap();
    for version in ["2.1", "2.26", "2.79", "latest"] {
        let driver = Driver::open(sim.config().compute_microversion(version)).unwrap();
        answers_in(&driver, version);
    }
    let error = nodes(sim.config().compute_microversion("2.999")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    let text = error.to_string();
    assert!(["2.999", "2.1", "2.93"].iter().all(|part| text.contains(part)), "{text}");
}

/// Since 2.37 an order has to say its networks, and since 2.92 Nova makes no keys.
#[test]
fn what_newer_versions_would_not_take_is_ordered_in_the_one_it_is_written_for() {
    let sim = quick();
    let compute = Driver::open(sim.config().compute_microversion("2.93")).unwrap();
    let compute = compute.compute().unwrap();
    let key = compute.create_key_pair("mine").wait().unwrap();
    assert!(key.private_key.is_some());
    let image = compute.find_image("tiny").wait().unwrap();
    let order = NewNode::named("n").size("1").image(image).key_pair(&key);
    let node = compute.create_node(&order).wait().unwrap();
    assert_eq!(compute.wait_until_running(&node).wait().unwrap().size.as_deref(), Some("m1.tiny"));
}

/// Lists the nodes, of which there has to be one. Since 2.26 servers have tags; before, Nova does
/// not know of them.
fn answers_in(driver: &Driver, version: &str) {
    let native = driver.native::<OpenStack>().unwrap();
    let list = driver.send(native.get("compute", "/servers/detail")).wait().unwrap();
    let list = String::from_utf8_lossy(&list).into_owned();
    assert_eq!(list.contains("\"tags\""), version != "2.1", "{version}: {list}");
    assert!(!driver.compute().unwrap().list_nodes().wait().unwrap().is_empty());
}

#[test]
fn a_call_that_needs_a_microversion_gets_it() {
    let sim = quick();
    let driver = Driver::open(sim.config()).unwrap();
    let native = driver.native::<OpenStack>().unwrap();
    let list = || native.get("compute", "/servers/detail");
    driver.send(native.at_least("2.26", list()).unwrap()).wait().unwrap();
    let before = sim.stats().requests;
    driver.send(native.at_least("2.79", list()).unwrap()).wait().unwrap();
    assert_eq!(sim.stats().requests, before + 1, "the range is asked for once");
    let error = native.at_least("2.200", list()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("2.200") && error.to_string().contains("2.1 to 2.93"));
}

#[test]
fn an_endpoint_of_ones_own_takes_the_place_of_the_catalogs() {
    let (sim, other) = (quick(), quick());
    let url = format!("{}/compute/v2.1", other.base_url());
    let error = nodes(sim.config().endpoint("compute", url).unwrap()).unwrap_err();
    // The other cloud does not know this one's token.
    assert_eq!(error.kind(), ErrorKind::Auth);
    assert!(other.stats().requests > 0 && other.stats().logins == 0);
    let url = format!("{}/compute/v2.1", sim.base_url());
    nodes(sim.config().endpoint("compute", url).unwrap()).unwrap();
}

#[test]
#[ignore = "asks the OpenStack that OS_* names"]
fn a_real_openstack_takes_every_login() {
    let var = |name: &str| std::env::var(name).ok();
    let (url, password) = (var("OS_AUTH_URL").unwrap(), var("OS_PASSWORD").unwrap());
    let project = var("OS_PROJECT_NAME").unwrap();
    let usual = || Config::from_env().unwrap();
    nodes(usual()).unwrap();

    let token = own_token(&url, &var("OS_USERNAME").unwrap(), &password, &project);
    nodes(Config::token(&url, &token)).unwrap();
    nodes(Config::token(&url, &token).project(&project)).unwrap();
    for ended in [Config::token(&url, "gone"), Config::token(&url, "gone").project(&project)] {
        let error = nodes(ended).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Auth, "{error}");
        assert!(error.to_string().contains("cannot be renewed"), "{error}");
    }
    for version in ["2.1", "2.26", "2.79", "latest"] {
        answers_in(&Driver::open(usual().compute_microversion(version)).unwrap(), version);
    }
    let error = nodes(usual().compute_microversion("2.999")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    let driver = Driver::open(usual()).unwrap();
    let native = driver.native::<OpenStack>().unwrap();
    let keys = native.at_least("2.35", native.get("compute", "/os-keypairs?limit=1")).unwrap();
    driver.send(keys).wait().unwrap();
    let error = nodes(usual().unscoped()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");

    if let (Some(trust), Some(trustee)) = (var("WELKIN_TRUST"), var("WELKIN_TRUSTEE")) {
        let config = Config::password(&url, trustee, &password).scope_trust(trust);
        nodes(config).unwrap();
        println!("trust: fine");
    }
    if let Some(admin) = var("WELKIN_ADMIN") {
        let region = var("OS_REGION_NAME").unwrap();
        let config = || Config::password(&url, &admin, &password).region(&region);
        for config in [config().scope_system(), config().scope_domain("Default")] {
            // Such tokens are for Keystone; what they may do elsewhere is the operator's to say.
            let driver = Driver::open(config).unwrap();
            let native = driver.native::<OpenStack>().unwrap();
            driver.send(native.get("identity", "/users?domain_id=default")).wait().unwrap();
        }
        println!("system and domain: fine");
    }
    if let (Some(id), Some(secret)) = (var("WELKIN_CREDENTIAL"), var("WELKIN_CREDENTIAL_SECRET")) {
        nodes(Config::application_credential(&url, id, secret)).unwrap();
        println!("application credential: fine");
    }
}
