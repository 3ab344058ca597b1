//! What is around servers: networks, zones, limits, projects.

use serde_json::json;

use crate::client::{Client, array, quick, text};

#[test]
fn a_server_has_a_port_in_the_network_and_in_the_group() {
    let sim = quick().start().unwrap();
    let mut client = Client::logged_in(&sim);
    let id = client.create("web", "1");
    let mut body = client.new_server("alone", "1");
    body["server"]["networks"] = json!("none");
    assert_eq!(client.post_as("compute 2.37", "/compute/v2.1/servers", &body).status, 202);

    let ports = client.get("/networking/v2.0/ports").json()["ports"].take();
    assert_eq!(array(&ports).len(), 1, "who is alone has none");
    assert_eq!(ports[0]["device_id"], id);
    let server = client.get(&format!("/compute/v2.1/servers/{id}")).json()["server"].take();
    assert_eq!(ports[0]["fixed_ips"][0]["ip_address"], server["addresses"]["shared"][0]["addr"]);
    let interfaces = client.get(&format!("/compute/v2.1/servers/{id}/os-interface")).json();
    assert_eq!(interfaces["interfaceAttachments"][0]["port_id"], ports[0]["id"]);

    let networks = client.get("/networking/v2.0/networks").json()["networks"].take();
    let subnet = text(&networks[0]["subnets"][0]).to_owned();
    let subnet = client.get(&format!("/networking/v2.0/subnets/{subnet}")).json();
    assert_eq!(subnet["subnet"]["cidr"], "10.10.0.0/16");
    assert_eq!(subnet["subnet"]["id"], ports[0]["fixed_ips"][0]["subnet_id"]);
    let groups = client.get("/networking/v2.0/security-groups?name=default").json();
    assert_eq!(groups["security_groups"][0]["id"], ports[0]["security_groups"][0]);
    assert_eq!(array(&groups["security_groups"][0]["security_group_rules"]).len(), 4);
    let of_server = client.get(&format!("/compute/v2.1/servers/{id}/os-security-groups")).json();
    assert_eq!(of_server["security_groups"][0]["name"], "default");
}

#[test]
fn fields_select_and_limits_page() {
    let sim = quick().start().unwrap();
    let mut client = Client::logged_in(&sim);
    let count = |client: &mut Client, path: &str| {
        let rules = client.get(path).json()["security_group_rules"].take();
        array(&rules).len()
    };
    let rules = "/networking/v2.0/security-group-rules";
    assert_eq!(count(&mut client, &format!("{rules}?direction=ingress")), 2);
    let both = format!("{rules}?direction=ingress&direction=egress&ethertype=IPv6");
    assert_eq!(count(&mut client, &both), 2, "values of one field are alternatives");
    let page = client.get(&format!("{rules}?limit=3")).json();
    assert_eq!(array(&page["security_group_rules"]).len(), 3);
    let next = text(&page["security_group_rules_links"][0]["href"]);
    assert_eq!(count(&mut client, next.strip_prefix(sim.base_url()).unwrap()), 1);
    assert_eq!(client.get("/networking/v2.0/networks?shared=false").json()["networks"], json!([]));
    for (path, kind, message) in [
        ("subnets/x", "SubnetNotFound", "Subnet x could not be found."),
        ("security-groups/x", "SecurityGroupNotFound", "Security group x does not exist"),
        ("trunks", "HTTPNotFound", "The resource could not be found."),
    ] {
        let refused = client.get(&format!("/networking/v2.0/{path}"));
        assert_eq!(refused.status, 404);
        let error = &refused.json()["NeutronError"];
        assert_eq!((text(&error["type"]), text(&error["message"])), (kind, message));
    }
}

#[test]
fn orders_that_name_what_is_not_there_are_refused() {
    let sim = quick().start().unwrap();
    let mut client = Client::logged_in(&sim);
    let good = client.new_server("x", "1");
    let long = "QUFB".repeat(16_384);
    for (property, value, message) in [
        ("availability_zone", json!("mars"), "The requested availability zone is not available"),
        (
            "security_groups",
            json!([{"name": "web"}]),
            "Unable to find security_group with name or id 'web'",
        ),
        (
            "user_data",
            json!("no base64!"),
            "Invalid input for field/attribute user_data. Value: no base64!. \
             'no base64!' is not a 'base64'",
        ),
        (
            "user_data",
            json!(long),
            &format!(
                "Invalid input for field/attribute user_data. Value: {long}. '{long}' is too long"
            ),
        ),
    ] {
        let mut body = good.clone();
        body["server"][property] = value;
        let refused = client.post("/compute/v2.1/servers", &body);
        assert_eq!((refused.status, refused.message().as_str()), (400, message));
    }
    let mut body = good;
    body["server"]["availability_zone"] = json!("nova");
    body["server"]["security_groups"] = json!([{"name": "default"}]);
    body["server"]["user_data"] = json!(&long[4..]);
    assert_eq!(client.post("/compute/v2.1/servers", &body).status, 202);
}

#[test]
fn zones_limits_and_projects_are_told() {
    let sim = quick().quota(7).start().unwrap();
    let mut client = Client::logged_in(&sim);
    client.create("web", "4");
    let zones = client.get("/compute/v2.1/os-availability-zone").json();
    assert_eq!(zones["availabilityZoneInfo"][0]["zoneName"], "nova");
    assert_eq!(client.get("/compute/v2.1/os-availability-zone/detail").status, 403);
    let limits = client.get("/compute/v2.1/limits").json()["limits"]["absolute"].take();
    for (name, value) in [
        ("maxTotalInstances", 7),
        ("totalInstancesUsed", 1),
        ("totalCoresUsed", 4),
        ("maxImageMeta", 128),
    ] {
        assert_eq!(limits[name], value, "{name}");
    }
    let later = client.get_as("compute 2.57", "/compute/v2.1/limits").json();
    assert_eq!(later["limits"]["absolute"].get("maxImageMeta"), None);

    let own = client.get("/identity/v3/auth/projects").json()["projects"][0].take();
    assert_eq!(own["name"], "demo");
    let path = format!("/identity/v3/projects/{}", text(&own["id"]));
    assert_eq!(client.get(&path).json()["project"], own);
    assert_eq!(client.get("/identity/v3/projects").status, 403);
    client.token = None;
    assert_eq!(client.get("/identity/v3/auth/catalog").status, 401);
}
