//! What is done to nodes, what they are made of, and key pairs.

use welkin::{ErrorKind, NodeState, Reboot};

use super::{Guarded, compute, order, var};

const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl welkin test";

#[test]
#[ignore = "asks a real server"]
fn sizes_and_locations_are_listed() {
    let compute = compute();
    let sizes = compute.list_sizes().wait().unwrap();
    assert!(sizes.len() > 100, "more than a page: {}", sizes.len());
    let nano = sizes.iter().find(|size| size.id == "t3.nano").expect("the smallest");
    assert_eq!((nano.ram_mb, nano.vcpus, nano.disk_gb), (512, 2, 0));
    assert_eq!(compute.find_size("t3.nano").wait().unwrap(), *nano);

    let locations = compute.list_locations().wait().unwrap();
    let region = var("AWS_REGION");
    assert!(!locations.is_empty());
    assert!(locations.iter().all(|zone| zone.id.starts_with(&region)), "{locations:?}");
}

#[test]
#[ignore = "asks a real server"]
fn a_node_is_stopped_started_and_restarted() {
    let compute = compute();
    let node = compute.create_node(&order(&compute, "acts")).wait().unwrap();
    let node = Guarded(&compute, vec![node]);
    let id = &node.1[0].id;
    compute.wait_until_running(id).wait().unwrap();
    compute.start_node(id).wait().unwrap();
    for _ in 0..2 {
        compute.stop_node(id).wait().unwrap();
        assert_eq!(compute.wait_until_stopped(id).wait().unwrap().state, NodeState::Stopped);
    }
    compute.start_node(id).wait().unwrap();
    compute.wait_until_running(id).wait().unwrap();
    compute.reboot_node(id, Reboot::Soft).wait().unwrap();
    let error = compute.reboot_node(id, Reboot::Hard).wait().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    compute.wait_until_running(id).wait().unwrap();
    compute.destroy_node(id).wait().unwrap();
    compute.wait_until_gone(id).wait().unwrap();

    let none = "i-0123456789abcdef0";
    for error in [
        compute.stop_node(none).wait().unwrap_err(),
        compute.start_node(none).wait().unwrap_err(),
        compute.reboot_node(none, Reboot::Soft).wait().unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    }
}

#[test]
#[ignore = "asks a real server"]
fn key_pairs_are_made_imported_and_deleted() {
    let compute = compute();
    let nanos = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos();
    let (made, imported) = (format!("welkin made {nanos:x}"), format!("welkin & {nanos:x}"));
    let pair = compute.create_key_pair(&made).wait().unwrap();
    assert!(pair.private_key.is_some_and(|key| key.expose().contains("PRIVATE KEY")));
    let pair = compute.import_key_pair(&imported, KEY).wait().unwrap();
    assert_eq!(pair.public_key.as_deref(), Some(KEY));
    for name in [&made, &imported] {
        let error = compute.import_key_pair(name, KEY).wait().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
        let all = compute.list_key_pairs().wait().unwrap();
        assert_eq!(all.iter().filter(|pair| pair.name == *name).count(), 1);
        assert_eq!(compute.get_key_pair(name).wait().unwrap().name, *name);
        compute.delete_key_pair(name).wait().unwrap();
        let error = compute.get_key_pair(name).wait().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
        // EC2 is silent about what is not there.
        compute.delete_key_pair(name).wait().unwrap();
    }
}

#[test]
#[ignore = "asks a real server"]
fn an_order_goes_out_with_all_that_was_wanted() {
    let compute = compute();
    let nanos = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos();
    let key = compute.create_key_pair(format!("welkin order {nanos:x}")).wait().unwrap();
    let zones = compute.list_locations().wait().unwrap();
    let spec = order(&compute, "whole")
        .location(zones.last().unwrap())
        .key_pair(&key)
        .security_group("default")
        .user_data("#!/bin/sh\ntrue\n")
        .root_volume_gb(12);
    let made = compute.create_nodes(&[spec.clone(), spec]).wait();
    let made = Guarded(&compute, made.into_iter().map(Result::unwrap).collect());
    for node in &made.1 {
        let node = compute.wait_until_running(node).wait().unwrap();
        assert_eq!(node.location.as_ref(), Some(&zones.last().unwrap().id));
        assert_eq!(node.key_pair.as_ref(), Some(&key.name));
    }
    compute.delete_key_pair(&key).wait().unwrap();

    let lost = order(&compute, "lost").image("ami-0123456789abcdef0").root_volume_gb(12);
    let error = compute.create_node(&lost).wait().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    let full = order(&compute, "full").user_data(vec![b'x'; 16_385]);
    let error = compute.create_node(&full).wait().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");

    let image = order(&compute, "image");
    let image = format!("{image:?}");
    let id = image.split('"').find(|word| word.starts_with("ami-")).expect("an image");
    assert_eq!(compute.get_image(id).wait().unwrap().id, id);
    let error = compute.get_image("ami-0123456789abcdef0").wait().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
}
