use std::net::IpAddr;

use http::Method;

use super::*;
use crate::call::Target;
use crate::error::ErrorKind;
use crate::provider::dialect::answer::answer;
use crate::provider::dialect::by_hand::{failed, read, read_with};

const ID: &str = "21c56854-1bf7-4d35-b956-11ff5bd23b20";

const SERVERS: &str = r#"{"servers": [
  {"id": "21c56854-1bf7-4d35-b956-11ff5bd23b20", "name": "web-1", "status": "ACTIVE",
   "tenant_id": "b1e5", "metadata": {"role": "web", "welkin_order": "5f"}, "hostId": "9d44", "key_name": "laptop",
   "image": {"id": "e54c1fc2", "links": []}, "flavor": {"id": "1", "links": []},
   "created": "2025-11-23T04:01:58Z", "OS-EXT-AZ:availability_zone": "nova",
   "addresses": {"z-net": [
       {"version": 4, "addr": "10.20.3.39", "OS-EXT-IPS:type": "fixed"},
       {"version": 4, "addr": "203.0.113.7", "OS-EXT-IPS:type": "floating"},
       {"version": 6, "addr": "2001:db8::7", "OS-EXT-IPS:type": "fixed"}],
     "a-net": [{"version": 4, "addr": "172.16.0.9"}, {"version": 4, "addr": "10.20.3.39"},
       {"version": 4, "addr": "10.0.0.99", "OS-EXT-IPS:type": "floating"}]},
   "links": [], "OS-EXT-STS:vm_state": "active", "os-extended-volumes:volumes_attached": []},
  {"id": "bc7d1597", "name": "web-\u00e4", "status": "ERROR", "metadata": {}, "image": "",
   "flavor": {"original_name": "m1.impossible", "vcpus": 9}, "key_name": null,
   "created": "2025-11-23T04:01:58Z", "addresses": {}, "OS-EXT-AZ:availability_zone": "",
   "fault": {"code": 500, "created": "2025-11-23T04:01:59Z", "message": "No valid host. "}},
  {"id": "bare"}],
 "servers_links": [{"rel": "next",
   "href": "http://other:8774/v2.1/servers/detail?limit=3&marker=bare"}]}"#;

fn target(request: &Request) -> &'static str {
    match request.target {
        Target::Service(service) => service.name,
        Target::Url(_) => "a fixed address",
    }
}

fn ips(texts: &[&str]) -> Vec<IpAddr> {
    let parse = |text: &&str| text.parse().expect("an address");
    texts.iter().map(parse).collect()
}

#[test]
fn a_page_of_servers_is_read_as_nodes() {
    let call = OpenStack::new().list_nodes(None).expect("a call");
    assert_eq!(call.request.path, "/servers/detail");
    assert_eq!((&call.request.method, target(&call.request)), (&Method::GET, "compute"));
    let page = read(call, 200, SERVERS).expect("a page");
    let [web, failed, bare] = &page.items[..] else {
        panic!("three nodes: {page:?}");
    };

    let mut expected = Node::new(ID, "web-1", NodeState::Running);
    expected.status = "ACTIVE".into();
    expected.public_ips = ips(&["203.0.113.7", "2001:db8::7", "10.0.0.99"]);
    expected.private_ips = ips(&["10.20.3.39", "172.16.0.9"]);
    expected.size = Some("1".into());
    expected.image = Some("e54c1fc2".into());
    expected.location = Some("nova".into());
    expected.key_pair = Some("laptop".into());
    expected.created_at = answer::time("2025-11-23T04:01:58Z");
    expected.metadata = BTreeMap::from([("role".into(), "web".into())]);
    assert_eq!(*web, expected);

    assert_eq!((failed.name.as_str(), failed.state), ("web-\u{e4}", NodeState::Error));
    assert_eq!(failed.fault.as_deref(), Some("No valid host."));
    assert_eq!(failed.size.as_deref(), Some("m1.impossible"));
    assert_eq!((&failed.image, &failed.location, &failed.key_pair), (&None, &None, &None));

    assert_eq!(*bare, Node::new("bare", "", NodeState::Unknown));
}

#[test]
fn the_next_page_is_asked_for_at_home_whatever_host_the_link_names() {
    let nova = OpenStack::new();
    let page = read(nova.list_nodes(None).expect("a call"), 200, SERVERS).expect("a page");
    let call = nova.list_nodes(page.next.as_ref()).expect("a call");
    assert_eq!(call.request.path, "/servers/detail?limit=3&marker=bare");
    assert_eq!(target(&call.request), "compute");
    // The same link once more would go in a circle.
    assert_eq!(failed(read(call, 200, SERVERS)).kind(), ErrorKind::Protocol);
}

#[test]
fn a_last_page_has_no_successor() {
    for links in [
        "",
        ", \"servers_links\": []",
        ", \"servers_links\": [{\"rel\": \"previous\", \"href\": \"?a\"}]",
    ] {
        let call = OpenStack::new().list_nodes(None).expect("a call");
        let page = read(call, 200, &format!("{{\"servers\": []{links}}}")).expect("a page");
        assert_eq!(page, Page::new(Vec::new(), None));
    }
}

#[test]
fn fields_that_are_null_are_as_good_as_missing() {
    let body = r#"{"server": {"id": "a", "name": null, "status": null, "metadata": null,
        "image": null, "flavor": null, "created": null, "addresses": null,
        "OS-EXT-AZ:availability_zone": null, "key_name": null, "fault": null}}"#;
    let call = OpenStack::new().get_node("a").expect("a call");
    let node = read(call, 200, body).expect("a node");
    assert_eq!(node, Node::new("a", "", NodeState::Unknown));
}

#[test]
fn ids_that_are_numbers_are_read_as_texts() {
    let body =
        r#"{"server": {"id": 18446744073709551615, "image": {"id": 7}, "flavor": {"id": 2}}}"#;
    let call = OpenStack::new().get_node("a").expect("a call");
    let node = read(call, 200, body).expect("a node");
    assert_eq!(node.id, u64::MAX.to_string());
    assert_eq!((node.image.as_deref(), node.size.as_deref()), (Some("7"), Some("2")));
}

#[test]
fn one_server_is_asked_for_by_its_id() {
    let nova = OpenStack::new();
    let call = nova.get_node(ID).expect("a call");
    assert_eq!(call.request.path, format!("/servers/{ID}"));
    let gone = r#"{"itemNotFound": {"code": 404, "message": "Instance could not be found."}}"#;
    let error = failed(read_with(call, 404, &[("x-compute-request-id", "req-1")], gone));
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(error.request_id(), Some("req-1"));
    assert_eq!(error.code(), Some("itemNotFound"));

    let odd = nova.get_node("a?b").expect("a call");
    assert_eq!(odd.request.path, "/servers/a%3Fb");
    for id in ["a/metadata", "..", "../flavors"] {
        assert_eq!(failed(nova.get_node(id)).kind(), ErrorKind::Invalid);
        assert_eq!(failed(nova.destroy_node(id)).kind(), ErrorKind::Invalid);
    }
}

#[test]
fn answers_of_another_shape_are_protocol_errors() {
    let deep = format!("{{\"server\": {{\"id\": \"a\", \"image\": {}", "[".repeat(100_000));
    for body in [
        r#"{"server": {"name": "no id"}}"#,
        r#"{"server": {"id": null}}"#,
        r#"{"server": {"id": -7}}"#,
        r#"{"server": {"id": 7.5}}"#,
        r#"{"server": {"id": true}}"#,
        r#"{"server": {"id": "a", "addresses": {"net": [{"version": 4}]}}}"#,
        r#"{"server": {"id": "a", "metadata": ["b"]}}"#,
        r#"{"server": []}"#,
        r#"{"servers": []}"#,
        r#"{"server": {"id": "a""#,
        &deep,
        "<html>Sign in</html>",
        "",
        "null",
    ] {
        let call = OpenStack::new().get_node("a").expect("a call");
        let error = failed(read(call, 200, body));
        assert_eq!(error.kind(), ErrorKind::Protocol, "{body}");
        assert!(error.to_string().contains("a server"), "{error}");
    }
}

#[test]
fn an_image_is_an_object_with_an_id_or_an_empty_text() {
    let read_image = |image: &str| {
        let call = OpenStack::new().get_node("a").expect("a call");
        read(call, 200, &format!(r#"{{"server": {{"id": "a", "image": {image}}}}}"#))
    };
    for (image, id) in [
        (r#"{"links": [{"rel": "bookmark"}], "id": "b"}"#, Some("b")),
        (r#"{"id": ""}"#, None),
        (r#""""#, None),
        (r#""\u0062""#, Some("b")),
        ("null", None),
    ] {
        assert_eq!(read_image(image).expect("a node").image.as_deref(), id, "{image}");
    }
    for image in ["{}", r#"{"id": null}"#, "7", "true", "[]"] {
        assert_eq!(failed(read_image(image)).kind(), ErrorKind::Protocol, "{image}");
    }
}

#[test]
fn every_status_of_nova_has_its_state() {
    for (status, state) in [
        ("ACTIVE", NodeState::Running),
        ("BUILD", NodeState::Pending),
        ("DELETED", NodeState::Terminated),
        ("ERROR", NodeState::Error),
        ("HARD_REBOOT", NodeState::Rebooting),
        ("MIGRATING", NodeState::Migrating),
        ("PASSWORD", NodeState::Reconfiguring),
        ("PAUSED", NodeState::Paused),
        ("REBOOT", NodeState::Rebooting),
        ("REBUILD", NodeState::Pending),
        ("RESCUE", NodeState::Reconfiguring),
        ("RESIZE", NodeState::Reconfiguring),
        ("REVERT_RESIZE", NodeState::Reconfiguring),
        ("SHELVED", NodeState::Stopped),
        ("SHELVED_OFFLOADED", NodeState::Stopped),
        ("SHUTOFF", NodeState::Stopped),
        ("SOFT_DELETED", NodeState::Terminated),
        ("SUSPENDED", NodeState::Suspended),
        ("UNKNOWN", NodeState::Unknown),
        ("VERIFY_RESIZE", NodeState::Running),
        ("", NodeState::Unknown),
        ("active", NodeState::Unknown),
        ("DREAMING", NodeState::Unknown),
    ] {
        assert_eq!(node_state(status), state, "{status}");
    }
}

#[test]
fn a_node_that_is_gone_counts_as_destroyed_only_after_a_second_try() {
    let nova = OpenStack::new();
    let call = nova.destroy_node(ID).expect("a call");
    assert_eq!(call.request.method, Method::DELETE);
    assert_eq!(call.request.path, format!("/servers/{ID}"));
    read(call, 204, "").expect("destroyed");

    let call = nova.destroy_node(ID).expect("a call");
    assert_eq!(failed(read(call, 404, "")).kind(), ErrorKind::NotFound);

    for (status, is_done) in [(404, true), (204, true), (409, false), (503, false)] {
        let call = nova.destroy_node(ID).expect("a call");
        let mut again = answer(status, &[], "");
        again.resent = true;
        assert_eq!((call.read)(Ok(again)).is_ok(), is_done, "{status}");
    }
}

#[test]
fn images_come_from_glance() {
    let call = OpenStack::new().list_images(None).expect("a call");
    assert_eq!((target(&call.request), call.request.path.as_ref()), ("image", "/images"));
}
