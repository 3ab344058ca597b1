//! The same cases for every cloud: the sim, over HTTP and HTTPS, and any real OpenStack.
//!
//! With `WELKIN_REAL=openstack` they run against the cloud that `OS_*` (or `OS_CLOUD`) names, with
//! `WELKIN_NETWORK` naming the network for nodes (by default the first internal one); else against
//! the sim. What a case creates has a name of its own and is destroyed, also when the case fails.
#![cfg(feature = "sim")]

mod verbs;

use std::collections::HashSet;
use std::future::poll_fn;
use std::pin::Pin;
use std::thread;
use std::time::{Duration, Instant};

use futures_core::Stream;
use welkin::sim::Sim;
use welkin::{
    Cancel, Compute, Cursor, Driver, ErrorKind, Image, ImageState, NewNode, Node, NodeState, Phase,
    Size, openstack,
};

/// A cloud to ask, and what nodes are made of there.
struct Cloud {
    driver: Driver,
    compute: Compute,
    size: Size,
    image: Image,
    network: Option<String>,
    sim: Option<Sim>,
}

/// A node that is destroyed when the case is over.
struct Guarded<'a>(&'a Compute, Node);

impl Drop for Guarded<'_> {
    fn drop(&mut self) {
        let _ = self.0.destroy_node(&self.1).wait();
    }
}

fn is_real() -> bool {
    match std::env::var("WELKIN_REAL").as_deref() {
        Ok("openstack") => true,
        Ok("skip" | "") | Err(_) => false,
        Ok(other) => panic!("WELKIN_REAL is {other:?}; it may be openstack or skip"),
    }
}

/// Runs a case on the real cloud, or on each kind of sim.
fn on_every_cloud(case: impl Fn(&Cloud)) {
    if is_real() {
        return case(&cloud(openstack::Config::from_env().unwrap(), None));
    }
    for tls in [false, true] {
        let quick = Duration::from_millis(1);
        let sim = Sim::builder()
            .login_delay(quick)
            .read_delay(quick)
            .create_delay(quick)
            .boot_time(Duration::from_millis(300))
            .page_size(3)
            .tls(tls)
            .start()
            .unwrap();
        case(&cloud(sim.config(), Some(sim)));
    }
}

fn cloud(config: openstack::Config, sim: Option<Sim>) -> Cloud {
    let driver = Driver::open(config).unwrap();
    let compute = driver.compute().unwrap();
    let sizes = compute.list_sizes().wait().unwrap();
    let fits = |s: &&Size| s.disk_gb > 0 && s.vcpus > 0;
    let size = sizes.iter().filter(fits).min_by_key(|s| (s.ram_mb, s.vcpus)).unwrap().clone();
    let mut images = compute.list_images().wait().unwrap();
    images.retain(|i| i.state == ImageState::Active);
    images.sort_by(|a, b| a.name.cmp(&b.name));
    let image = images.swap_remove(0);
    let network = is_real().then(|| usable_network(&driver)).flatten();
    Cloud { driver, compute, size, image, network, sim }
}

/// The network that `WELKIN_NETWORK` names, or else the first that is not the way out.
fn usable_network(driver: &Driver) -> Option<String> {
    let native = driver.native::<openstack::OpenStack>().unwrap();
    let all = driver.send(native.list_networks()).wait().unwrap();
    let found = match std::env::var("WELKIN_NETWORK") {
        Ok(wanted) => {
            let found = all.iter().find(|n| n.id == wanted || n.name == wanted);
            Some(found.expect("the network that WELKIN_NETWORK names"))
        }
        Err(_) => all.iter().find(|n| !n.is_external),
    };
    found.map(|n| n.id.clone())
}

impl Cloud {
    fn new_node(&self, what: &str) -> NewNode {
        let nanos = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos();
        let node = NewNode::named(format!("welkin-test-{what}-{nanos:x}"));
        let node = node.size(&self.size).image(&self.image);
        match &self.network {
            Some(network) => node.network(network),
            None => node,
        }
    }

    fn create(&self, what: &str) -> Guarded<'_> {
        Guarded(&self.compute, self.compute.create_node(&self.new_node(what)).wait().unwrap())
    }
}

#[test]
fn sizes_are_listed_with_their_figures() {
    on_every_cloud(|cloud| {
        let sizes = cloud.compute.list_sizes().wait().unwrap();
        assert!(!sizes.is_empty());
        assert_eq!(sizes.iter().map(|s| &s.id).collect::<HashSet<_>>().len(), sizes.len());
        assert!(sizes.iter().all(|s| s.ram_mb > 0 && s.vcpus > 0 && !s.name.is_empty()));
    });
}

#[test]
fn images_are_listed_and_found_by_name_and_id() {
    on_every_cloud(|Cloud { compute, image, .. }| {
        let images = compute.list_images().wait().unwrap();
        assert!(images.iter().any(|i| i.id == image.id && i.created_at.is_some()));
        assert_eq!(compute.find_image(&image.id).wait().unwrap(), *image);
        let error = compute.find_image("no such image").wait().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().contains(&image.name), "it lists what there is: {error}");
    });
}

#[test]
fn a_node_lives_its_life() {
    on_every_cloud(|cloud| {
        let compute = &cloud.compute;
        let spec = cloud.new_node("life").metadata("purpose", "conformance");
        let created = Guarded(compute, compute.create_node(&spec).wait().unwrap());
        let id = &created.1.id;
        assert_eq!(created.1.state, NodeState::Pending);

        let node = compute.wait_until_running(id).wait().unwrap();
        assert_eq!((&node.id, node.state), (id, NodeState::Running));
        assert_eq!(node.name, created.1.name);
        assert_eq!(node.size.as_deref(), Some(cloud.size.id.as_str()));
        assert_eq!(node.image.as_deref(), Some(cloud.image.id.as_str()));
        assert_eq!(node.metadata["purpose"], "conformance");
        assert!(node.created_at.is_some());
        assert!(!node.private_ips.is_empty() || !node.public_ips.is_empty());
        assert_eq!(compute.get_node(id).wait().unwrap().id, *id);

        let all = compute.list_nodes().wait().unwrap();
        assert_eq!(all.iter().filter(|n| n.name == node.name).count(), 1);
        compute.destroy_node(id).wait().unwrap();
        let end = Instant::now() + Duration::from_secs(60);
        loop {
            match compute.get_node(id).wait() {
                Err(e) if e.kind() == ErrorKind::NotFound => break,
                Ok(node) if node.state == NodeState::Terminated => break,
                other => assert!(Instant::now() < end, "not gone: {other:?}"),
            }
            thread::sleep(Duration::from_millis(200));
        }
    });
}

#[test]
fn lists_follow_every_page_in_every_way() {
    on_every_cloud(|cloud| {
        let made: Vec<_> = (0..4).map(|i| cloud.create(&format!("page{i}"))).collect();
        let ids = |nodes: Vec<Node>| nodes.into_iter().map(|n| n.id).collect::<HashSet<_>>();
        let compute = &cloud.compute;
        let all = ids(compute.list_nodes().wait().unwrap());
        assert!(made.iter().all(|m| all.contains(&m.1.id)));
        let lazily = compute.list_nodes().iter().collect::<Result<Vec<_>, _>>().unwrap();
        assert!(made.iter().all(|m| lazily.iter().any(|n| n.id == m.1.id)));

        let streamed = smol::block_on(drain(compute.list_nodes().stream()));
        let streamed = streamed.into_iter().collect::<Result<Vec<_>, _>>().unwrap();
        assert!(made.iter().all(|m| streamed.iter().any(|n| n.id == m.1.id)));

        let (mut paged, mut at, mut pages) = (Vec::new(), None::<Cursor>, 0);
        loop {
            let page = compute.list_nodes().page(at.as_ref()).wait().unwrap();
            paged.extend(page.items);
            pages += 1;
            // A cursor survives being kept as text.
            let kept = page.next.map(|c| serde_json::to_string(&c).unwrap());
            at = kept.map(|text| serde_json::from_str(&text).unwrap());
            if at.is_none() {
                break;
            }
        }
        assert!(made.iter().all(|m| paged.iter().any(|n| n.id == m.1.id)));
        if cloud.sim.is_some() {
            assert!(pages > 1, "the sim gives pages of three");
        }
    });
}

async fn drain<S: Stream + Unpin>(mut stream: S) -> Vec<S::Item> {
    let mut items = Vec::new();
    while let Some(item) = poll_fn(|cx| Pin::new(&mut stream).poll_next(cx)).await {
        items.push(item);
    }
    items
}

#[test]
fn threads_and_tasks_share_one_login() {
    on_every_cloud(|cloud| {
        let opened = Driver::clone(&cloud.driver);
        let compute = opened.compute().unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let tasks: Vec<_> = (0..8).map(|_| runtime.spawn(compute.list_sizes())).collect();
        thread::scope(|s| {
            let compute = &compute;
            let threads: Vec<_> = (0..8).map(|_| s.spawn(|| compute.list_sizes().wait())).collect();
            for thread in threads {
                assert!(!thread.join().unwrap().unwrap().is_empty());
            }
        });
        for task in tasks {
            assert!(!runtime.block_on(task).unwrap().unwrap().is_empty());
        }
        assert_eq!(opened.stats().logins, 1);
        if let Some(sim) = &cloud.sim {
            assert_eq!(sim.stats().logins, 1, "the server counted the same");
        }
    });
}

#[test]
fn what_is_not_there_is_not_found_with_the_request_id() {
    on_every_cloud(|Cloud { compute, .. }| {
        let none = "00000000-0000-4000-8000-000000000000";
        for error in [
            compute.get_node(none).wait().unwrap_err(),
            compute.destroy_node(none).wait().unwrap_err(),
            compute.wait_until_running(none).wait().unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
            assert!(error.request_id().is_some_and(|id| !id.is_empty()), "{error:?}");
        }
    });
}

#[test]
fn ids_never_leave_their_place_in_the_path() {
    on_every_cloud(|Cloud { compute, .. }| {
        for id in ["../flavors", "a/b", "x?limit=1", "x#y", "ünï\nçode", "%2e%2e", "."] {
            let error = compute.get_node(id).wait().unwrap_err();
            let kinds = [ErrorKind::NotFound, ErrorKind::Invalid];
            assert!(kinds.contains(&error.kind()), "{id:?}: {error:?}");
        }
        assert_eq!(compute.get_node("").wait().unwrap_err().kind(), ErrorKind::Invalid);
    });
}

#[test]
fn orders_that_cannot_be_met_are_invalid() {
    on_every_cloud(|cloud| {
        let create = |spec: NewNode| cloud.compute.create_node(&spec).wait().unwrap_err();
        let whole = || cloud.new_node("odd");
        for (what, error) in [
            ("no name", create(NewNode::named("").size(&cloud.size).image(&cloud.image))),
            ("no size", create(NewNode::named("x").image(&cloud.image))),
            ("no image", create(NewNode::named("x").size(&cloud.size))),
            (
                "name of 256 bytes",
                create(NewNode::named("n".repeat(256)).size(&cloud.size).image(&cloud.image)),
            ),
            ("unknown size", create(whole().size("no-such-size"))),
            ("unknown image", create(whole().image("00000000-0000-4000-8000-000000000000"))),
        ] {
            assert_eq!(error.kind(), ErrorKind::Invalid, "{what}: {error:?}");
        }
    });
}

#[test]
fn odd_names_come_back_as_they_went() {
    on_every_cloud(|cloud| {
        for name in ["ümlaut 雲 ☁", "a \"quoted\" \\ name", &"n".repeat(255)] {
            let spec = NewNode::named(name).size(&cloud.size).image(&cloud.image);
            let spec = cloud.network.iter().fold(spec, |spec, network| spec.network(network));
            let node = cloud.compute.create_node(&spec).wait().unwrap();
            let node = Guarded(&cloud.compute, node);
            assert_eq!(cloud.compute.get_node(&node.1).wait().unwrap().name, name);
        }
    });
}

#[test]
fn a_node_that_fails_says_why() {
    on_every_cloud(|cloud| {
        let Ok(size) = cloud.compute.find_size("m1.impossible").wait() else {
            return eprintln!("this cloud has no size that fails: not asked");
        };
        let spec = cloud.new_node("fails").size(&size);
        let node = Guarded(&cloud.compute, cloud.compute.create_node(&spec).wait().unwrap());
        let error = cloud.compute.wait_until_running(&node.1).wait().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Failed);
        assert!(error.to_string().contains("No valid host"), "the cloud's words: {error}");
        assert!(error.request_id().is_some());
    });
}

#[test]
fn what_the_quota_forbids_is_said_as_that() {
    on_every_cloud(|cloud| {
        let Ok(size) = cloud.compute.find_size("m1.overquota").wait() else {
            return eprintln!("this cloud has no size over its quota: not asked");
        };
        let spec = cloud.new_node("quota").size(&size);
        let error = cloud.compute.create_node(&spec).wait().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Quota);
        assert!(error.to_string().contains("Quota exceeded"), "the cloud's words: {error}");
        assert!(error.request_id().is_some());
    });
}

#[test]
fn a_wrong_password_is_auth_and_an_unknown_region_invalid() {
    on_every_cloud(|cloud| {
        let error = cloud.driver.in_region("Atlantis").unwrap().compute().unwrap();
        let error = error.list_nodes().wait().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().contains("there are: Region"), "{error}");

        let config = match &cloud.sim {
            Some(sim) => {
                openstack::Config::password(sim.auth_url(), "demo", "not this").project("demo")
            }
            None => {
                let var = |name| std::env::var(name).unwrap_or_default();
                let user = var("OS_USERNAME");
                openstack::Config::password(var("OS_AUTH_URL"), user, "not this").project("demo")
            }
        };
        let config = match &cloud.sim {
            Some(sim) => sim.ca_pem().map_or(config.clone(), |pem| config.ca_pem(pem)),
            None => match std::env::var("OS_CACERT") {
                Ok(file) => config.ca_pem(std::fs::read(file).unwrap()),
                Err(_) => config,
            },
        };
        let error =
            Driver::open(config).unwrap().compute().unwrap().list_nodes().wait().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Auth, "{error:?}");
        assert!(error.request_id().is_some());
        assert!(!format!("{error:?} {error}").contains("not this"));
    });
}

#[test]
fn waiting_can_be_cut_short_and_cancelled() {
    on_every_cloud(|cloud| {
        let node = cloud.create("waits");
        let brief = cloud.compute.wait_until_running(&node.1).timeout(Duration::from_millis(250));
        let error = brief.wait().unwrap_err();
        assert!(matches!(
            error.kind(),
            ErrorKind::Timeout(Phase::Wait | Phase::Answer | Phase::Acquire)
        ));
        let cancel = Cancel::new();
        cancel.cancel();
        let waits = cloud.compute.wait_until_running(&node.1).cancel_on(&cancel);
        assert_eq!(waits.wait().unwrap_err().kind(), ErrorKind::Canceled);
        let node = cloud.compute.wait_until_running(&node.1).wait().unwrap();
        assert_eq!(node.state, NodeState::Running);
    });
}
