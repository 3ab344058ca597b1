//! Servers from order to end.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::client::{Client, quick, text, until};

#[test]
fn a_server_boots_and_goes() {
    let boot = Duration::from_millis(400);
    let sim = quick().boot_time(boot).delete_time(Duration::from_millis(400)).start().unwrap();
    let mut client = Client::logged_in(&sim);
    let before = Instant::now();
    let mut body = client.new_server("web-1", "1");
    body["server"]["metadata"] = json!({"role": "web"});
    let created = client.post("/compute/v2.1/servers", &body);
    assert_eq!(created.status, 202);
    let id = text(&created.json()["server"]["id"]).to_owned();
    let path = format!("/compute/v2.1/servers/{id}");
    assert_eq!(created.header("location"), Some(format!("{}{path}", sim.base_url()).as_str()));

    let server = client.get(&path).json()["server"].take();
    assert_eq!(server["status"], "BUILD");
    assert_eq!(server["addresses"], json!({}));
    assert_eq!(server["metadata"], json!({"role": "web"}));
    until(|| client.get(&path).json()["server"]["status"] == "ACTIVE");
    assert!(before.elapsed() >= boot);
    let server = client.get(&path).json()["server"].take();
    assert_eq!(server["addresses"]["shared"][0]["version"], 4);
    assert_eq!(server["OS-EXT-STS:vm_state"], "active");
    assert_eq!(sim.servers()[0].name, "web-1");
    assert_eq!(sim.servers()[0].metadata["role"], "web");

    assert_eq!(client.send("DELETE", &path, &[], "").status, 204);
    assert_eq!(client.get(&path).json()["server"]["OS-EXT-STS:task_state"], "deleting");
    until(|| client.get(&path).status == 404);
    assert_eq!(
        client.get(&path).json(),
        json!({"itemNotFound": {"code": 404,
               "message": format!("Instance {id} could not be found.")}})
    );
    assert_eq!(client.send("DELETE", &path, &[], "").status, 404);
    assert!(sim.servers().is_empty());
}

#[test]
fn an_order_may_be_seen_only_after_a_while() {
    let sim = quick().hidden_time(Duration::from_secs(3600)).start().unwrap();
    let mut client = Client::logged_in(&sim);
    let path = format!("/compute/v2.1/servers/{}", client.create("late", "1"));
    let listed = |client: &mut Client| client.get("/compute/v2.1/servers").json();
    assert_eq!(client.get(&path).status, 404);
    assert_eq!(listed(&mut client)["servers"], json!([]));
    assert_eq!(client.send("DELETE", &path, &[], "").status, 404);
    assert_eq!(sim.servers().len(), 1, "it is there");

    sim.clear();
    sim.set_hidden_time(Duration::from_millis(50));
    client.create("soon", "1");
    until(|| listed(&mut client)["servers"][0]["name"] == "soon");
}

#[test]
fn the_impossible_flavor_ends_in_error() {
    let sim = quick().start().unwrap();
    let mut client = Client::logged_in(&sim);
    let id = client.create("bad", "99");
    let alone = client.get(&format!("/compute/v2.1/servers/{id}")).json()["server"].take();
    assert_eq!(alone["status"], "ERROR");
    assert_eq!(alone["fault"]["code"], 500);
    assert_eq!(alone["fault"]["message"], "No valid host was found. ");
    let listed = client.get("/compute/v2.1/servers/detail").json()["servers"][0].take();
    assert_eq!(listed["status"], "ERROR");
    assert_eq!(listed.get("fault"), None, "as in Nova, for a server that found no host");
}

#[test]
fn quotas_are_kept() {
    let sim = quick().quota(2).start().unwrap();
    let mut client = Client::logged_in(&sim);
    client.create("one", "1");
    let body = client.new_server("cores", "98");
    let refused = client.post("/compute/v2.1/servers", &body);
    assert_eq!(refused.status, 403);
    assert_eq!(
        refused.json()["forbidden"]["message"],
        "Quota exceeded for cores: Requested 100000, but already used 1 of 10000 cores"
    );
    let two = client.create("two", "1");
    let body = client.new_server("three", "1");
    let refused = client.post("/compute/v2.1/servers", &body);
    assert_eq!(refused.status, 403);
    assert_eq!(
        refused.json(),
        json!({"forbidden": {"code": 403, "message":
            "Quota exceeded for instances: Requested 1, but already used 2 of 2 instances"}})
    );
    client.send("DELETE", &format!("/compute/v2.1/servers/{two}"), &[], "");
    assert_eq!(client.post("/compute/v2.1/servers", &body).status, 202);
}

#[test]
fn bad_creates_are_told_why() {
    let sim = quick().start().unwrap();
    let mut client = Client::logged_in(&sim);
    let good = client.new_server("x", "1");
    let queued =
        text(&client.get("/image/v2/images?name=unfinished").json()["images"][0]["id"]).to_owned();
    let nowhere = "6a1b0d1e-3a48-4c2d-9d2b-000000000000";
    let cases = [
        ("name", json!(""), "Invalid input for field/attribute name. Value: . '' is too short"),
        (
            "name",
            json!(3),
            "Invalid input for field/attribute name. Value: 3. 3 is not of type 'string'",
        ),
        ("flavorRef", json!("77"), "Flavor 77 could not be found."),
        ("imageRef", json!(""), "Missing imageRef attribute"),
        (
            "imageRef",
            json!("nope"),
            "Invalid input for field/attribute imageRef. Value: nope. 'nope' is not valid under any of the given schemas",
        ),
        ("imageRef", json!(nowhere), "Can not find requested image"),
        ("imageRef", json!(queued), &format!("Image {queued} is not active.")),
        (
            "metadata",
            json!({"a": 3}),
            "Invalid input for field/attribute a. Value: 3. 3 is not of type 'string'",
        ),
        (
            "networks",
            json!("none"),
            "Invalid input for field/attribute networks. Value: none. 'none' is not of type 'array'",
        ),
        (
            "networks",
            json!([{"uuid": "nope"}]),
            "Bad networks format: network uuid is not in proper format (nope)",
        ),
        ("networks", json!([{"uuid": nowhere}]), &format!("Network {nowhere} could not be found.")),
    ];
    for (property, value, message) in cases {
        let mut body = good.clone();
        body["server"][property] = value;
        let refused = client.post("/compute/v2.1/servers", &body);
        assert_eq!(refused.status, 400, "{body}");
        assert_eq!(refused.json(), json!({"badRequest": {"code": 400, "message": message}}));
    }
    let bodies = [
        ("", "None is not of type 'object'"),
        ("{\"x", "Malformed request body"),
        ("[]", "[] is not of type 'object'"),
        ("{}", "'server' is a required property"),
        (
            r#"{"server": {"name": "x"}}"#,
            "Invalid input for field/attribute server. Value: {'name': 'x'}. \
             'flavorRef' is a required property",
        ),
    ];
    for (body, message) in bodies {
        let refused = client.post_text("/compute/v2.1/servers", body);
        assert_eq!(
            (refused.status, &refused.json()["badRequest"]["message"]),
            (400, &json!(message))
        );
    }
    assert!(sim.servers().is_empty());
}

#[test]
fn microversions_are_spoken() {
    let sim = quick().start().unwrap();
    let mut client = Client::logged_in(&sim);
    let id = client.create("web", "2");
    let path = format!("/compute/v2.1/servers/{id}");
    let mut in_version =
        |version: &str| client.send("GET", &path, &[("X-OpenStack-Nova-API-Version", version)], "");
    assert_eq!(in_version("2.1").json()["server"]["flavor"]["id"], "2");
    let later = in_version("latest");
    assert_eq!(later.header("x-openstack-nova-api-version"), Some("2.93"));
    assert_eq!(later.json()["server"]["flavor"]["original_name"], "m1.small");
    assert_eq!(in_version("2.999").status, 406);
    assert_eq!(in_version("new").status, 400);
}
