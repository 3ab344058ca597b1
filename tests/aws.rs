//! EC2 by what a real server, or moto in its stead, says.
//!
//! The cases need one, so that `cargo test` alone shows them as ignored. With one at hand (
//! `eval "$(tests/real/moto env)"`):
//! `WELKIN_REAL=aws cargo test --all-features --test aws -- --include-ignored`. Nothing is created:
//! they look at what `tests/real/moto` has put there.
#![cfg(feature = "aws")]

use std::collections::HashSet;
use std::thread;

use welkin::{Compute, Driver, ErrorKind, ImageState, NewNode, NodeState, aws};

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

#[test]
#[ignore = "asks a real server"]
fn what_is_not_built_yet_says_so_before_anything_is_sent() {
    let driver = driver();
    let compute = driver.compute().unwrap();
    let order = NewNode::named("n").size("t3.nano").image("ami-1");
    let error = compute.create_node(&order).wait().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!(driver.stats().connections_opened, 0);
}
