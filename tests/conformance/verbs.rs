//! What is done to nodes, what they are made of, and key pairs.

use std::time::Duration;

use welkin::{ErrorKind, NodeState, Reboot};

use super::{Cloud, Guarded, on_every_cloud};

/// A public key that nobody has the other half of.
const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl welkin test";

/// A key pair that is deleted when the case is over.
struct GuardedKey<'a>(&'a Cloud, String);

impl Drop for GuardedKey<'_> {
    fn drop(&mut self) {
        let _ = self.0.compute.delete_key_pair(&self.1).wait();
    }
}

impl Cloud {
    fn key_name(&self, what: &str) -> GuardedKey<'_> {
        let nanos = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos();
        GuardedKey(self, format!("welkin-test-{what}-{nanos:x}"))
    }
}

#[test]
fn a_node_is_stopped_started_and_restarted() {
    on_every_cloud(|cloud| {
        let compute = &cloud.compute;
        let node = cloud.create("acts");
        let id = &node.1.id;
        compute.wait_until_running(id).wait().unwrap();
        let error = compute.start_node(id).wait().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict, "it runs: {error}");

        compute.stop_node(id).wait().unwrap();
        assert_eq!(compute.wait_until_stopped(id).wait().unwrap().state, NodeState::Stopped);
        for error in [
            compute.stop_node(id).wait().unwrap_err(),
            compute.reboot_node(id, Reboot::Soft).wait().unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Conflict, "it does not run: {error}");
            assert!(error.request_id().is_some(), "{error}");
        }
        compute.start_node(id).wait().unwrap();
        compute.wait_until_running(id).wait().unwrap();

        for how in [Reboot::Soft, Reboot::Hard] {
            compute.reboot_node(id, how).wait().unwrap();
            // It may still run, or run again.
            std::thread::sleep(Duration::from_millis(500));
            compute.wait_until_running(id).wait().unwrap();
        }
        compute.destroy_node(id).wait().unwrap();
        compute.wait_until_gone(id).wait().unwrap();
        for error in [
            compute.stop_node(id).wait().unwrap_err(),
            compute.start_node(id).wait().unwrap_err(),
            compute.reboot_node(id, Reboot::Hard).wait().unwrap_err(),
        ] {
            // A real Nova may say for a moment that it is in the state "deleted".
            let is_gone = error.kind() == ErrorKind::NotFound
                || cloud.sim.is_none() && error.to_string().contains("vm_state deleted");
            assert!(is_gone, "{error}");
        }
    });
}

#[test]
fn many_nodes_are_made_at_once_and_waited_for_together() {
    on_every_cloud(|cloud| {
        let compute = &cloud.compute;
        let orders: Vec<_> = (0..5).map(|i| cloud.new_node(&format!("many{i}"))).collect();
        let made: Vec<_> = compute.create_nodes(&orders).at_once(3).wait();
        let made: Vec<_> = made.into_iter().map(|node| Guarded(compute, node.unwrap())).collect();
        let waits: Vec<_> = made.iter().map(|node| compute.wait_until_running(&node.1)).collect();
        std::thread::scope(|s| {
            for wait in waits {
                s.spawn(|| assert_eq!(wait.wait().unwrap().state, NodeState::Running));
            }
        });
        assert_eq!(compute.find_node(&made[3].1.name).wait().unwrap().id, made[3].1.id);
    });
}

#[test]
fn a_node_goes_to_the_location_that_was_named() {
    on_every_cloud(|cloud| {
        let all = cloud.compute.list_locations().wait().unwrap();
        let open = all.iter().find(|l| l.is_available).expect("a location that is open");
        let order = cloud.new_node("place").location(open);
        let node = Guarded(&cloud.compute, cloud.compute.create_node(&order).wait().unwrap());
        let node = cloud.compute.wait_until_running(&node.1).wait().unwrap();
        assert_eq!(node.location.as_deref(), Some(open.id.as_str()));

        let nowhere = cloud.new_node("nowhere").location("no-such-place");
        let error = cloud.compute.create_node(&nowhere).wait().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    });
}

#[test]
fn an_image_is_asked_for_by_its_id() {
    on_every_cloud(|Cloud { compute, image, .. }| {
        assert_eq!(compute.get_image(image).wait().unwrap(), *image);
        let none = "00000000-0000-4000-8000-000000000000";
        let error = compute.get_image(none).wait().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    });
}

#[test]
fn key_pairs_are_made_imported_and_deleted() {
    on_every_cloud(|cloud| {
        let compute = &cloud.compute;
        let (made, text, file) =
            (cloud.key_name("made"), cloud.key_name("text"), cloud.key_name("file"));
        let pair = compute.create_key_pair(&made.1).wait().unwrap();
        let secret = pair.private_key.as_ref().expect("it is told once");
        assert!(secret.expose().contains("PRIVATE KEY"));
        assert!(!format!("{pair:?}").contains("PRIVATE KEY"));
        assert!(pair.public_key.as_ref().is_some_and(|key| key.starts_with("ssh-")));

        let imported = compute.import_key_pair(&text.1, KEY).wait().unwrap();
        assert!(imported.private_key.is_none());
        let path = std::env::temp_dir().join(&file.1);
        std::fs::write(&path, format!("{KEY}\n")).unwrap();
        let from_file = compute.import_key_pair_from_file(&file.1, &path).wait();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(from_file.unwrap().fingerprint, imported.fingerprint);

        let all = compute.list_key_pairs().wait().unwrap();
        for key in [&made, &text, &file] {
            assert_eq!(all.iter().filter(|pair| pair.name == key.1).count(), 1);
            let error = compute.import_key_pair(&key.1, KEY).wait().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
        }
        let found = compute.get_key_pair(&text.1).wait().unwrap();
        assert_eq!(found.public_key.as_deref().map(str::trim), Some(KEY));
        assert_eq!(found.fingerprint, imported.fingerprint);
        assert!(found.private_key.is_none());

        compute.delete_key_pair(&text.1).wait().unwrap();
        for error in [
            compute.get_key_pair(&text.1).wait().unwrap_err(),
            compute.delete_key_pair(&text.1).wait().unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
        }
    });
}

#[test]
fn a_key_pair_is_put_on_a_node() {
    on_every_cloud(|cloud| {
        let compute = &cloud.compute;
        let key = cloud.key_name("node");
        compute.import_key_pair(&key.1, KEY).wait().unwrap();
        let order = cloud.new_node("keyed").key_pair(&key.1);
        let node = Guarded(compute, compute.create_node(&order).wait().unwrap());
        let found = compute.get_node(&node.1).wait().unwrap();
        assert_eq!(found.key_pair.as_deref(), Some(key.1.as_str()));

        let other = cloud.new_node("lost").key_pair("no such key pair");
        let error = compute.create_node(&other).wait().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    });
}

#[test]
fn key_pairs_with_odd_names_or_no_key_are_invalid() {
    on_every_cloud(|Cloud { compute, .. }| {
        let long = "k".repeat(256);
        for name in ["", "a/b", "ümlaut 雲", "new\nline", &long] {
            let error = compute.import_key_pair(name, KEY).wait().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{name:?}: {error}");
        }
        for key in ["", "hello", "-----BEGIN OPENSSH PRIVATE KEY-----", "ssh-ed25519 AAAA"] {
            let error = compute.import_key_pair("welkin-odd", key).wait().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{key:?}: {error}");
        }
        let none = compute.import_key_pair_from_file("welkin-odd", "/no/such/file");
        assert_eq!(none.wait().unwrap_err().kind(), ErrorKind::Local);
    });
}

#[test]
fn user_data_and_security_groups_go_with_the_order() {
    on_every_cloud(|cloud| {
        let compute = &cloud.compute;
        let order = cloud.new_node("whole").user_data(vec![0xff; 49_149]).security_group("default");
        let node = Guarded(compute, compute.create_node(&order).wait().unwrap());
        compute.wait_until_running(&node.1).wait().unwrap();

        for odd in [
            cloud.new_node("full").user_data(vec![0; 49_150]),
            cloud.new_node("net").network("00000000-0000-4000-8000-000000000000"),
            cloud.new_node("volume").root_volume_gb(0),
        ] {
            let error = compute.create_node(&odd).wait().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        }
    });
}

#[test]
fn a_node_boots_from_a_volume_of_the_size_that_was_wanted() {
    on_every_cloud(|cloud| {
        let compute = &cloud.compute;
        let order = cloud.new_node("volume").root_volume_gb(2);
        let node = Guarded(compute, compute.create_node(&order).wait().unwrap());
        assert_eq!(node.1.image, None);
        match compute.wait_until_running(&node.1).wait() {
            Ok(node) => assert_eq!(node.image, None, "it boots from a volume"),
            // The order was right, and the volume was made of the image: as far as that cloud can.
            Err(error) if cloud.sim.is_none() && error.to_string().contains("Volume") => {
                eprintln!("this cloud makes no volumes of images: {error}");
            }
            Err(error) => panic!("{error}"),
        }
    });
}
