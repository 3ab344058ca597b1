//! Volumes, alone and with servers.

use std::time::Duration;

use serde_json::{Value, json};
use welkin::sim::Sim;

use crate::client::{Client, array, quick, text, until};

const SERVERS: &str = "/compute/v2.1/servers";

/// A client, and where the project's volumes are.
fn logged_in(sim: &Sim) -> (Client, String) {
    let mut client = Client::logged_in(sim);
    let catalog = client.get("/identity/v3/auth/catalog").json()["catalog"].take();
    let cinder = array(&catalog).iter().find(|service| service["type"] == "block-storage");
    let url = text(&cinder.expect("it is in the catalog")["endpoints"][0]["url"]);
    let path = url.strip_prefix(sim.base_url()).expect("an address of this server").to_owned();
    (client, path)
}

fn create(client: &mut Client, path: &str, volume: &Value) -> String {
    let made = client.post(&format!("{path}/volumes"), &json!({"volume": volume}));
    assert_eq!(made.status, 202);
    text(&made.json()["volume"]["id"]).to_owned()
}

fn status(client: &mut Client, path: &str, id: &str) -> String {
    let answer = client.get(&format!("{path}/volumes/{id}"));
    if answer.status == 404 {
        return "gone".into();
    }
    text(&answer.json()["volume"]["status"]).to_owned()
}

#[test]
fn a_volume_is_made_attached_detached_and_deleted() {
    let sim = quick().start().unwrap();
    let (mut client, path) = logged_in(&sim);
    let server = client.create("web", "1");
    let held = format!("{SERVERS}/{server}/os-volume_attachments");
    sim.set_volume_time(Duration::from_millis(300));
    let id = create(&mut client, &path, &json!({"size": 3, "name": "data"}));
    assert_eq!(status(&mut client, &path, &id), "creating");
    let attach = json!({"volumeAttachment": {"volumeId": id}});
    let early = client.post(&held, &attach);
    assert_eq!(early.status, 400);
    assert!(early.message().contains("but the current status is creating"), "{}", early.message());

    until(|| status(&mut client, &path, &id) == "available");
    let answer = client.post(&held, &attach);
    assert_eq!(
        (answer.status, answer.json()),
        (
            200,
            json!({"volumeAttachment": {"id": id, "serverId": server, "volumeId": id,
                     "device": "/dev/vdb"}})
        )
    );
    until(|| status(&mut client, &path, &id) == "in-use");
    let volume = client.get(&format!("{path}/volumes/{id}")).json()["volume"].take();
    assert_eq!(volume["attachments"][0]["server_id"], server);
    let seen = client.get_as("compute 2.3", &format!("{SERVERS}/{server}")).json();
    assert_eq!(
        seen["server"]["os-extended-volumes:volumes_attached"],
        json!([{"id": id, "delete_on_termination": false}])
    );
    assert_eq!(client.post(&held, &attach).status, 400);
    assert_eq!(client.delete(&format!("{path}/volumes/{id}")).status, 400);
    let listed = client.get_as("compute 2.89", &held).json()["volumeAttachments"][0].take();
    assert_eq!((listed.get("id"), &listed["volumeId"]), (None, &json!(id)));

    assert_eq!(client.delete(&format!("{held}/{id}")).status, 202);
    assert_eq!(client.delete(&format!("{held}/{id}")).status, 400, "it is being detached");
    until(|| status(&mut client, &path, &id) == "available");
    assert_eq!(client.get(&format!("{held}/{id}")).status, 404);
    assert_eq!(client.delete(&format!("{path}/volumes/{id}")).status, 202);
    until(|| status(&mut client, &path, &id) == "gone");
    assert_eq!(
        client.get(&format!("{path}/volumes/{id}")).message(),
        format!("Volume {id} could not be found.")
    );
    assert_eq!(sim.stats().by_path["POST /volume/v3/{id}/volumes"], 1, "ids are folded");
}

#[test]
fn a_server_boots_from_a_volume_that_goes_with_it() {
    let sim = quick().start().unwrap();
    let (mut client, path) = logged_in(&sim);
    let kept = create(&mut client, &path, &json!({"size": 1}));
    let mut body = client.new_server("from-volume", "1");
    let image = body["server"]["imageRef"].take();
    body["server"]["imageRef"] = json!("");
    body["server"]["block_device_mapping_v2"] = json!([
        {"boot_index": "0", "source_type": "image", "destination_type": "volume", "uuid": image,
         "volume_size": "5", "delete_on_termination": true},
        {"boot_index": "-1", "source_type": "volume", "destination_type": "volume", "uuid": kept},
    ]);
    let id = text(&client.post(SERVERS, &body).json()["server"]["id"]).to_owned();
    let server = client.get(&format!("{SERVERS}/{id}")).json()["server"].take();
    assert_eq!(server["image"], "");
    assert_eq!(array(&server["os-extended-volumes:volumes_attached"]).len(), 2);
    let volumes = client.get(&format!("{path}/volumes/detail")).json();
    let root = &volumes["volumes"][0];
    assert_eq!(root["volume_image_metadata"]["image_name"], "tiny");
    assert_eq!((&root["size"], &root["bootable"]), (&json!(5), &json!("true")));
    assert_eq!(root["attachments"][0]["device"], "/dev/vda");
    let root = text(&root["id"]);
    let held = format!("{SERVERS}/{id}/os-volume_attachments");
    assert_eq!(client.delete(&format!("{held}/{root}")).status, 403, "it boots from that");

    client.delete(&format!("{SERVERS}/{id}"));
    assert_eq!(status(&mut client, &path, root), "gone");
    assert_eq!(status(&mut client, &path, &kept), "available");
}

#[test]
fn disks_that_cannot_be_had_are_told_why() {
    let sim = quick().start().unwrap();
    let (mut client, path) = logged_in(&sim);
    let nothing = "6a1b0d1e-3a48-4c2d-9d2b-000000000000";
    let mut body = client.new_server("x", "1");
    let image = body["server"]["imageRef"].take();
    body["server"]["imageRef"] = json!("");
    let from_image = json!({"boot_index": 0, "source_type": "image", "uuid": image});
    let invalid = "Block Device Mapping is Invalid: ";
    for (mapping, why) in [
        (
            from_image,
            "Images with destination_type 'volume' need to have a non-zero size specified",
        ),
        (
            json!({"boot_index": 0, "source_type": "volume", "uuid": nothing}),
            &format!("failed to get volume {nothing}."),
        ),
        (
            json!({"boot_index": 0, "source_type": "image", "uuid": image,
                   "destination_type": "local"}),
            "Mapping image to local is not supported.",
        ),
        (
            json!({"source_type": "blank", "destination_type": "volume", "volume_size": 1}),
            "Boot sequence for the instance and image/block device mapping combination is not valid.",
        ),
    ] {
        body["server"]["block_device_mapping_v2"] = json!([mapping]);
        let refused = client.post(SERVERS, &body);
        assert_eq!((refused.status, refused.message()), (400, format!("{invalid}{why}")));
    }
    assert_eq!(client.get(&format!("{path}/volumes")).json()["volumes"], json!([]));
}

#[test]
fn volumes_have_pages_names_versions_and_a_quota() {
    let sim = quick().volume_quota(3).start().unwrap();
    let (mut client, path) = logged_in(&sim);
    for name in ["a", "b", "c"] {
        create(&mut client, &path, &json!({"size": 1, "name": name}));
    }
    let order = json!({"volume": {"size": 1}});
    let refused = client.post(&format!("{path}/volumes"), &order);
    assert_eq!((refused.status, refused.json()["overLimit"]["code"].take()), (413, json!(413)));
    let page = client.get(&format!("{path}/volumes?limit=2")).json();
    assert_eq!(page["volumes"][0]["name"], "c", "newest first");
    let next = text(&page["volumes_links"][0]["href"]).strip_prefix(sim.base_url()).unwrap();
    assert_eq!(client.get(next).json()["volumes"][0]["name"], "a");
    let named = client.get(&format!("{path}/volumes/detail?name=b")).json();
    assert_eq!(array(&named["volumes"]).len(), 1);

    let later = client.get_as("volume 3.65", &format!("{path}/volumes/detail"));
    assert_eq!(later.header("openstack-api-version"), Some("volume 3.65"));
    assert_eq!(later.json()["volumes"][0]["consumes_quota"], true);
    assert_eq!(client.get_as("volume 3.999", &format!("{path}/volumes")).status, 406);
    let other = "/volume/v3/00000000000000000000000000000000/volumes";
    assert_eq!(client.get(other).status, 400, "another project's");
    let limits = client.get(&format!("{path}/limits")).json()["limits"]["absolute"].take();
    assert_eq!((&limits["maxTotalVolumes"], &limits["totalVolumesUsed"]), (&json!(3), &json!(3)));
    client.token = None;
    assert_eq!(client.get(&format!("{path}/volumes")).status, 401);
}

#[test]
fn bad_volumes_are_told_why() {
    let sim = quick().start().unwrap();
    let (mut client, path) = logged_in(&sim);
    for volume in [
        json!({}),
        json!({"size": 0}),
        json!({"size": "big"}),
        json!({"size": 1, "imageRef": "6a1b0d1e-3a48-4c2d-9d2b-000000000000"}),
        json!({"size": 1, "volume_type": "fast"}),
        json!({"size": 1, "availability_zone": "mars"}),
        json!({"size": 1, "metadata": {"a": 3}}),
    ] {
        let refused = client.post(&format!("{path}/volumes"), &json!({"volume": volume}));
        assert_eq!(refused.status, 400, "{volume}");
        assert!(!refused.message().is_empty());
    }
    assert_eq!(client.get(&format!("{path}/types/fast")).status, 404);
    assert_eq!(
        client.get(&format!("{path}/types")).json()["volume_types"][0]["name"],
        "__DEFAULT__"
    );
}
