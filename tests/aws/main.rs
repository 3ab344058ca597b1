//! EC2 by what a real server, or moto in its stead, says.
//!
//! The cases need one, so that `cargo test` alone shows them as ignored. With one at hand (
//! `eval "$(tests/real/moto env)"`):
//! `WELKIN_REAL=aws cargo test --all-features --test aws -- --include-ignored`. They look at what
//! `tests/real/moto` has put there; what a case creates is destroyed, also when the case fails.
#![cfg(feature = "aws")]

// Not all of it is needed here.
#[allow(dead_code)]
#[path = "../twice/relay.rs"]
mod relay;
mod verbs;

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use relay::{Relay, forward};
use welkin::{Compute, Driver, ErrorKind, ImageState, NewNode, Node, NodeState, aws};

fn driver() -> Driver {
    let real = std::env::var("WELKIN_REAL").unwrap_or_default();
    assert_eq!(real, "aws", "set WELKIN_REAL=aws, and AWS_* for the server to ask");
    Driver::from_selector("aws").unwrap()
}

fn compute() -> Compute {
    driver().compute().unwrap()
}

fn var(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"))
}

#[test]
#[ignore = "asks a real server"]
fn nodes_are_listed_and_read_one_by_one() {
    let compute = compute();
    let nodes = compute.list_nodes().wait().unwrap();
    assert!(nodes.len() >= 7, "{} nodes", nodes.len());
    let ids: HashSet<_> = nodes.iter().map(|node| &node.id).collect();
    assert_eq!(ids.len(), nodes.len());
    for state in [NodeState::Running, NodeState::Stopped, NodeState::Terminated] {
        assert!(nodes.iter().any(|node| node.state == state), "one is {state:?}");
    }
    for node in nodes.iter().take(7) {
        assert!(node.id.starts_with("i-"), "{node:?}");
        assert!(!node.status.is_empty() && node.created_at.is_some(), "{node:?}");
        assert!(node.size.is_some() && node.image.is_some() && node.location.is_some());
        if node.state == NodeState::Running {
            assert!(!node.private_ips.is_empty(), "{node:?}");
        }
        assert_eq!(compute.get_node(node).wait().unwrap(), *node);
    }
    assert!(nodes.iter().any(|node| node.name != node.id), "some have names");
}

#[test]
#[ignore = "asks a real server"]
fn a_node_that_is_not_there_is_said_not_to_be() {
    let error = compute().wait_until_running("i-0123456789abcdef0").wait().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "not waited for for ever: {error:?}");
    let error = compute().get_node("i-0123456789abcdef0").wait().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error:?}");
    assert_eq!(error.code(), Some("InvalidInstanceID.NotFound"));
    assert_eq!((error.provider(), error.operation()), (Some("aws"), Some("get_node")));
    let elsewhere = driver().in_region("eu-west-1").unwrap().compute().unwrap();
    assert_eq!(elsewhere.list_nodes().wait().unwrap(), [], "another region, none of ours");
}

#[test]
#[ignore = "asks a real server"]
fn images_are_listed_and_found() {
    let compute = compute();
    let images = compute.list_images().wait().unwrap();
    assert!(images.len() > 100, "{} images", images.len());
    let image = images.iter().find(|i| i.state == ImageState::Active && i.min_disk_gb > 0);
    let image = image.expect("one that can be used");
    assert!(image.id.starts_with("ami-") && image.created_at.is_some(), "{image:?}");
    assert_eq!(compute.find_image(&image.id).wait().unwrap(), *image);
}

#[test]
#[ignore = "asks a real server"]
fn wrong_keys_are_auth_and_too_few_rights_forbidden() {
    driver();
    let with = |id: String, secret: &str| {
        let config = aws::Config::keys(id, secret).region(var("AWS_REGION"));
        let config = config.endpoint_url_ec2(var("AWS_ENDPOINT_URL_EC2"));
        Driver::open(config).unwrap().compute().unwrap().list_nodes().wait().unwrap_err()
    };
    let error = with(var("AWS_ACCESS_KEY_ID"), "not-this");
    assert_eq!((error.kind(), error.code()), (ErrorKind::Auth, Some("AuthFailure")), "{error:?}");
    assert_eq!(error.status().unwrap(), 401);
    assert!(!format!("{error} {error:?}").contains("not-this"));
    let error = with("AKIAWELKINNOBODY".into(), "not-this");
    assert_eq!(error.kind(), ErrorKind::Auth, "{error:?}");
    let powerless = var("WELKIN_AWS_OTHER_ACCESS_KEY_ID");
    let error = with(powerless, &var("WELKIN_AWS_OTHER_SECRET_ACCESS_KEY"));
    assert_eq!(error.kind(), ErrorKind::Forbidden, "{error:?}");
}

#[test]
#[ignore = "asks a real server"]
fn threads_and_tasks_share_one_driver() {
    let driver = driver();
    let compute = driver.compute().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let tasks: Vec<_> = (0..8).map(|_| runtime.spawn(compute.list_nodes())).collect();
    thread::scope(|s| {
        let threads: Vec<_> = (0..8).map(|_| s.spawn(|| compute.list_nodes().wait())).collect();
        for thread in threads {
            assert!(thread.join().unwrap().unwrap().len() >= 7);
        }
    });
    for task in tasks {
        assert!(runtime.block_on(task).unwrap().unwrap().len() >= 7);
    }
    assert_eq!(driver.stats().logins, 1);
}

/// Nodes that are destroyed when the case is over.
struct Guarded<'a>(&'a Compute, Vec<Node>);

impl Drop for Guarded<'_> {
    fn drop(&mut self) {
        for node in &self.1 {
            let _ = self.0.destroy_node(node).wait();
        }
    }
}

/// What can be ordered: what one of the nodes is made of that are there.
fn order(compute: &Compute, what: &str) -> NewNode {
    let nanos = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos();
    let nodes = compute.list_nodes().wait().unwrap();
    let like = nodes.iter().find(|node| node.state == NodeState::Running).unwrap();
    let order = NewNode::named(format!("welkin test {what} & {nanos:x}"));
    order.size(like.size.as_ref().unwrap()).image(like.image.as_ref().unwrap())
}

fn until(mut what: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(120);
    while !what() {
        assert!(Instant::now() < end, "it does not come to pass");
        thread::sleep(Duration::from_millis(100));
    }
}

#[test]
#[ignore = "asks a real server"]
fn a_node_lives_its_life() {
    let compute = compute();
    let spec = order(&compute, "life").metadata("purpose", "a test, \u{fc}").metadata("empty", "");
    let created = compute.create_node(&spec).wait().unwrap();
    let created = Guarded(&compute, vec![created]);
    let node = &created.1[0];
    assert_eq!((node.state, node.status.as_str()), (NodeState::Pending, "pending"));

    let running = compute.wait_until_running(node).wait().unwrap();
    assert_eq!((&running.id, &running.name), (&node.id, &node.name));
    assert_eq!((&running.size, &running.image), (&node.size, &node.image));
    assert_eq!(running.metadata["purpose"], "a test, \u{fc}");
    assert_eq!((running.metadata["empty"].as_str(), running.metadata.len()), ("", 2));
    assert!(!running.private_ips.is_empty() && running.location.is_some());
    let nodes = compute.list_nodes().wait().unwrap();
    assert_eq!(nodes.iter().filter(|other| other.name == node.name).count(), 1);

    compute.destroy_node(node).wait().unwrap();
    until(|| compute.get_node(node).wait().unwrap().state == NodeState::Terminated);
    compute.destroy_node(node).wait().unwrap();
    let error = compute.wait_until_running(node).wait().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Failed, "{error:?}");
}

#[test]
#[ignore = "asks a real server"]
fn a_subnet_that_is_not_there_is_asked_for_and_refused() {
    let compute = compute();
    let error =
        compute.create_node(&order(&compute, "nowhere").network("subnet-0123456789abcdef0"));
    let error = error.wait().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error:?}");
    assert_eq!(error.code(), Some("InvalidSubnetID.NotFound"));
}

#[test]
#[ignore = "asks a real server"]
fn orders_that_cannot_be_met_are_refused_in_ec2s_words() {
    let compute = compute();
    for (spec, code) in [
        (order(&compute, "odd").image("ami-0123456789abcdef0"), "InvalidAMIID.NotFound"),
        (order(&compute, "odd").key_pair("nobody's"), "InvalidKeyPair.NotFound"),
    ] {
        let error = compute.create_node(&spec).wait().unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Invalid, Some(code)), "{error:?}");
    }
    let error = compute.create_node(&order(&compute, "odd").size("t3.none")).wait().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error:?}");
    let error = compute.destroy_node("i-0123456789abcdef0").wait().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error:?}");

    let id = var("WELKIN_AWS_OTHER_ACCESS_KEY_ID");
    let config = aws::Config::keys(id, var("WELKIN_AWS_OTHER_SECRET_ACCESS_KEY"));
    let config = config.region(var("AWS_REGION")).endpoint_url_ec2(var("AWS_ENDPOINT_URL_EC2"));
    let powerless = Driver::open(config).unwrap().compute().unwrap();
    let error = powerless.create_node(&order(&compute, "odd")).wait().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden, "{error:?}");
}

#[test]
#[ignore = "asks a real server"]
fn an_order_whose_answer_was_cut_is_sent_again_as_it_was() {
    let direct = compute();
    let url = var("AWS_ENDPOINT_URL_EC2");
    let server = url.trim_end_matches('/').strip_prefix("http://").expect("no TLS").to_owned();
    let orders = Arc::<Mutex<Vec<String>>>::default();
    let arrived = Arc::clone(&orders);
    let relay = Relay::start(move |request| {
        let answer = forward(request, &server);
        if !request.text().contains("Action=RunInstances") {
            return Some(answer);
        }
        let mut arrived = arrived.lock().unwrap();
        arrived.push(request.text().to_owned());
        (arrived.len() > 2).then_some(answer)
    });
    let config = aws::Config::from_env().unwrap().endpoint_url_ec2(relay.url());
    let compute = Driver::open(config).unwrap().compute().unwrap();

    let spec = order(&direct, "cut");
    let node = compute.create_node(&spec).wait();
    let name = orders.lock().unwrap()[0].clone();
    let mut made = direct.list_nodes().wait().unwrap();
    made.retain(|node| name.contains(&node.name.replace(' ', "+").replace('&', "%26")));
    let made = Guarded(&direct, made);
    let node = node.unwrap();
    assert!(made.1.iter().any(|other| other.id == node.id), "it is there");
    let mut orders = orders.lock().unwrap().clone();
    assert_eq!(orders.len(), 3);
    orders.dedup();
    assert_eq!(orders.len(), 1, "the same order with the same token: {orders:?}");
    // moto forgets tokens; EC2 does not.
    assert!(made.1.len() == 1 || url.contains("127.0.0.1"), "{:?}", made.1);
}
