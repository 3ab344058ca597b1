//! The same against a real Nova, whose answers are cut between it and the driver.
//!
//! It needs one, so that `cargo test` alone shows the cases as ignored. With one at hand, over plain
//! HTTP and named by `OS_*` variables:
//! `WELKIN_REAL=openstack cargo test --all-features --test twice -- --include-ignored nova`.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use welkin::{Compute, Driver, ErrorKind, ImageState, NewNode, Node, openstack};

use crate::relay::{Message, Relay, forward};

/// Where the answer to an order is lost.
#[derive(Clone, Copy)]
enum Cut {
    Before,
    /// When Nova has it, and is at work.
    During,
    After,
}

/// A driver that reaches a real cloud through a relay, which loses answers to orders.
struct Cloud {
    driver: Driver,
    compute: Compute,
    name: String,
    order: NewNode,
    /// Orders that came to the relay.
    orders: Arc<AtomicUsize>,
    _relays: [Relay; 2],
}

/// What is destroyed when the case is over.
struct Guarded<'a>(&'a Compute, Vec<Node>);

impl Drop for Guarded<'_> {
    fn drop(&mut self) {
        for node in &self.1 {
            let _ = self.0.destroy_node(node).wait();
        }
    }
}

fn cloud(cut: Cut) -> Cloud {
    let real = std::env::var("WELKIN_REAL").unwrap_or_default();
    assert_eq!(real, "openstack", "set WELKIN_REAL=openstack, and OS_* for the cloud to ask");
    let var = |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"));
    let auth_url = var("OS_AUTH_URL");
    let (keystone, path) = split(&auth_url);

    // Nova's address is in the catalog, so that it is known when somebody has logged in.
    let nova = Arc::new(OnceLock::<String>::new());
    let orders = Arc::<AtomicUsize>::default();
    let (behind, count) = (Arc::clone(&nova), Arc::clone(&orders));
    let to_nova = Relay::start(move |request| {
        let is_order = request.head.starts_with("POST ") && request.head.contains("/servers HTTP");
        count.fetch_add(usize::from(is_order), SeqCst);
        let (request, nova) = (request.clone(), behind.get().expect("a login").clone());
        match cut {
            _ if !is_order => return Some(forward(&request, &nova)),
            Cut::Before => {}
            Cut::During => drop(thread::spawn(move || forward(&request, &nova))),
            Cut::After => drop(forward(&request, &nova)),
        }
        None
    });
    let instead = to_nova.url();
    let to_keystone = Relay::start(move |request| {
        let answer = forward(request, &keystone);
        Some(redirected(answer, &instead, |address| drop(nova.set(address))))
    });

    let config = openstack::Config::password(
        format!("{}{path}", to_keystone.url()),
        var("OS_USERNAME"),
        var("OS_PASSWORD"),
    );
    let config = config.project(var("OS_PROJECT_NAME")).region(var("OS_REGION_NAME"));
    let driver = Driver::open(config).unwrap();
    let compute = driver.compute().unwrap();
    let nanos = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos();
    let name = format!("welkin-test (lost)* {nanos:x} [\u{fc}|");
    let order = order(&driver, &compute, &name);
    Cloud { driver, compute, name, order, orders, _relays: [to_nova, to_keystone] }
}

fn order(driver: &Driver, compute: &Compute, name: &str) -> NewNode {
    let sizes = compute.list_sizes().wait().unwrap();
    let fits = sizes.iter().filter(|size| size.disk_gb > 0 && size.vcpus > 0);
    let size = fits.min_by_key(|size| (size.ram_mb, size.vcpus)).expect("a size");
    let images = compute.list_images().wait().unwrap();
    let image = images.iter().find(|i| i.state == ImageState::Active).expect("an image");
    let order = NewNode::named(name).size(size).image(image);
    let native = driver.native::<openstack::OpenStack>().unwrap();
    let networks = driver.send(native.list_networks()).wait().unwrap();
    match networks.iter().find(|network| !network.is_external) {
        Some(network) => order.network(network),
        None => order,
    }
}

/// Splits a URL into its address and its path.
fn split(url: &str) -> (String, String) {
    let rest = url.strip_prefix("http://").expect("a cloud over plain HTTP");
    let (address, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    (address.to_owned(), path.to_owned())
}

/// Puts another address for Nova into the catalog of a login, and says which one was there.
fn redirected(answer: Message, instead: &str, found: impl Fn(String)) -> Message {
    let Ok(mut login) = serde_json::from_slice::<Value>(&answer.body) else { return answer };
    let Some(catalog) = login.pointer_mut("/token/catalog").and_then(Value::as_array_mut) else {
        return answer;
    };
    for service in catalog.iter_mut().filter(|service| service["type"] == "compute") {
        for endpoint in service["endpoints"].as_array_mut().expect("endpoints") {
            let url = endpoint["url"].as_str().expect("a URL");
            // Another region's may be served over TLS.
            if url.starts_with("http://") {
                let (address, path) = split(url);
                endpoint["url"] = format!("{instead}{path}").into();
                found(address);
            }
        }
    }
    answer.with_body(login.to_string())
}

impl Cloud {
    /// The nodes of the name that was ordered.
    fn made(&self) -> Guarded<'_> {
        let mut nodes = self.compute.list_nodes().wait().unwrap();
        nodes.retain(|node| node.name == self.name);
        Guarded(&self.compute, nodes)
    }

    fn wait_until_gone(&self) {
        let end = Instant::now() + Duration::from_secs(60);
        while !self.made().1.is_empty() {
            assert!(Instant::now() < end, "{} is not gone", self.name);
            thread::sleep(Duration::from_millis(200));
        }
    }
}

#[test]
#[ignore = "asks a real cloud"]
fn an_order_that_nova_took_is_found_after_its_answer_was_cut() {
    for cut in [Cut::After, Cut::During] {
        let cloud = cloud(cut);
        for round in 1..=2 {
            let node = cloud.compute.create_node(&cloud.order).wait();
            let made = cloud.made();
            let node = node.unwrap();
            assert_eq!(made.1.len(), 1, "one node: {:?}", made.1);
            assert_eq!(made.1[0].id, node.id);
            assert!(node.metadata.is_empty(), "{node:?}");
            assert_eq!(cloud.orders.load(SeqCst), round);
            let running = cloud.compute.wait_until_running(&node).wait();
            assert_eq!(running.unwrap().id, node.id);
            drop(made);
            cloud.wait_until_gone();
        }
        assert_eq!(cloud.driver.stats().logins, 1);
    }
}

#[test]
#[ignore = "asks a real cloud"]
fn an_order_that_never_came_to_nova_is_said_not_to_be_known() {
    let cloud = cloud(Cut::Before);
    let create = cloud.compute.create_node(&cloud.order).timeout(Duration::from_secs(4));
    let error = create.wait().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Ambiguous, "{error:?}");
    assert!(error.to_string().contains("times over"), "{error}");
    assert_eq!(cloud.made().1, []);
    assert_eq!(cloud.orders.load(SeqCst), 1);
}
