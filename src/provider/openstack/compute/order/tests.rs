use std::collections::BTreeMap;
use std::error::Error as _;
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use super::*;
use crate::call::{Replay, Target};
use crate::error::Phase;
use crate::provider::dialect::answer::answer;
use crate::provider::dialect::by_hand::{failed, read, read_with};

fn order() -> NewNode {
    NewNode::named("web-1").size("1").image("e54c1fc2")
}

fn ordered(new: &NewNode) -> Call<Node> {
    create(new).expect("a call")
}

/// What an order says, and its mark apart from the rest.
fn sent(call: &Call<Node>) -> (Value, String) {
    let bytes = call.request.body.bytes().expect("bytes");
    let mut sent: Value = serde_json::from_slice(bytes).expect("JSON");
    let metadata = sent["server"]["metadata"].as_object_mut().expect("metadata");
    let mark = metadata.remove(MARK).unwrap_or_default();
    (sent, mark.as_str().unwrap_or_default().to_owned())
}

/// What follows when the answer to an order, or to a look, is lost on its way.
fn cut(call: Call<Node>) -> Step<Node> {
    (call.read)(Err(Error::new(ErrorKind::Ambiguous, "cut"))).expect("something follows")
}

fn page(nodes: &[(&str, &str)], rest: &str) -> String {
    let nodes: Vec<_> = nodes
        .iter()
        .map(|(id, mark)| json!({"id": id, "name": "web-1", "metadata": {"a": "b", MARK: mark}}))
        .collect();
    format!("{{\"servers\": {}{rest}}}", json!(nodes))
}

#[test]
fn an_order_is_one_post_that_is_never_sent_again() {
    let call = ordered(&order());
    let request = &call.request;
    assert_eq!((&request.method, &*request.path), (&Method::POST, "/servers"));
    assert!(matches!(request.target, Target::Service(service) if service == NOVA));
    assert_eq!(request.replay, Replay::Never);
    let (sent, _) = sent(&call);
    let expected = json!({"server": {
        "name": "web-1", "flavorRef": "1", "imageRef": "e54c1fc2", "metadata": {}}});
    assert_eq!(sent, expected);
}

#[test]
fn an_order_says_all_that_was_asked_for() {
    let new = order()
        .network("net-1")
        .network("net-2")
        .key_pair("laptop")
        .metadata("role", "web \"\u{e4}\"")
        .location("west")
        .security_group("web")
        .security_group("9a3b")
        .user_data("#!/bin/sh\n");
    let call = ordered(&new);
    assert!(call.request.headers.iter().any(|(_, value)| value == "compute 2.1"));
    let (said, _) = sent(&call);
    let expected = json!({"server": {
        "name": "web-1", "flavorRef": "1", "imageRef": "e54c1fc2", "key_name": "laptop",
        "networks": [{"uuid": "net-1"}, {"uuid": "net-2"}],
        "availability_zone": "west", "security_groups": [{"name": "web"}, {"name": "9a3b"}],
        "user_data": "IyEvYmluL3NoCg==",
        "metadata": {"role": "web \"\u{e4}\""}}});
    assert_eq!(said, expected);
}

#[test]
fn a_root_volume_is_made_of_the_image_and_goes_with_the_node() {
    let call = ordered(&order().root_volume_gb(20));
    let (said, _) = sent(&call);
    let expected = json!({"server": {
        "name": "web-1", "flavorRef": "1", "metadata": {}, "block_device_mapping_v2": [{
            "boot_index": 0, "uuid": "e54c1fc2", "source_type": "image",
            "destination_type": "volume", "volume_size": 20, "delete_on_termination": true}]}});
    assert_eq!(said, expected);
    let node = read(call, 202, r#"{"server": {"id": "n1"}}"#).expect("a node");
    assert_eq!(node.image, None, "by Nova's word");
}

#[test]
fn user_data_over_novas_limit_is_invalid_before_anything_is_sent() {
    assert!(create(&order().user_data(vec![0; 49_149])).is_ok());
    let error = failed(create(&order().user_data(vec![0; 49_150])));
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains("Nova takes 49149"), "{error}");
}

#[test]
fn each_order_has_a_mark_of_its_own_unless_there_is_no_room_for_it() {
    let marks = [0, 1].map(|_| sent(&ordered(&order())).1);
    assert!(marks[0].len() == 32 && marks[0] != marks[1], "{marks:?}");

    let items = |n| (0..n).fold(order(), |new, i| new.metadata(format!("key{i}"), "v"));
    assert_ne!(sent(&ordered(&items(127))).1, "");
    let full = ordered(&items(128));
    assert_eq!(sent(&full).1, "", "Nova would refuse one more");
    let lost = Error::new(ErrorKind::Ambiguous, "cut");
    assert_eq!(failed((full.read)(Err(lost))).to_string(), "cut", "nothing to look for");

    let error = failed(create(&order().metadata(MARK, "mine")));
    assert_eq!(error.kind(), ErrorKind::Invalid);
}

#[test]
fn the_ordered_node_is_returned_at_once_and_without_the_admin_password() {
    let new = order().key_pair("laptop").metadata("role", "web");
    let body = r#"{"server": {"id": "21c56854", "links": [], "OS-DCF:diskConfig": "MANUAL",
        "security_groups": [{"name": "default"}], "adminPass": "JDd5DRJB"}}"#;
    let node = read(ordered(&new), 202, body).expect("a node");
    assert!(!format!("{node:?}").contains("JDd5DRJB"));
    let mut expected = Node::new("21c56854", "web-1", NodeState::Pending);
    expected.status = "BUILD".into();
    expected.size = Some("1".into());
    expected.image = Some("e54c1fc2".into());
    expected.key_pair = Some("laptop".into());
    expected.metadata = BTreeMap::from([("role".into(), "web".into())]);
    assert_eq!(node, expected);
}

#[test]
fn an_accepted_order_is_not_lost_with_the_body_of_its_answer() {
    let location = ("location", "http://h:8774/v2.1/servers/21c56854");
    let node = read_with(ordered(&order()), 202, &[location], "{\"server\": {\"i").expect("a node");
    assert_eq!(node.id, "21c56854");

    for place in ["http://h/v2.1/servers/", "http://h/elsewhere", "http://h/servers/../x"] {
        let step = (ordered(&order()).read)(Ok(answer(202, &[("location", place)], "")));
        let look = step.expect("a look").call();
        assert!(look.request.path.starts_with("/servers/detail?name="), "{place}");
    }
    // A page that a proxy sent for it is no acceptance.
    assert_eq!(failed(read(ordered(&order()), 200, "<html>")).kind(), ErrorKind::Protocol);
}

#[test]
fn a_refusal_is_what_it_says_and_nothing_is_looked_for() {
    let body = r#"{"forbidden": {"code": 403, "message": "Quota exceeded for cores"}}"#;
    let error = failed(read(ordered(&order()), 403, body));
    assert_eq!(error.kind(), ErrorKind::Quota);
    assert!(!error.is_retryable());

    let id = [("x-compute-request-id", "req-1")];
    for (status, kind) in [(500, ErrorKind::Other), (503, ErrorKind::Unavailable)] {
        let said = r#"{"computeFault": {"code": 500, "message": "Unexpected API Error."}}"#;
        let error = failed(read_with(ordered(&order()), status, &id, said));
        assert_eq!((error.kind(), error.request_id()), (kind, Some("req-1")), "Nova's own word");
    }
    let refused = Error::new(ErrorKind::Connection, "refused");
    assert_eq!(failed((ordered(&order()).read)(Err(refused))).kind(), ErrorKind::Connection);
}

#[test]
fn what_a_proxy_says_in_novas_place_is_no_answer() {
    for status in [500, 502, 503, 504] {
        let proxys = [("x-request-id", "proxy-1"), ("retry-after", "1")];
        let step = (ordered(&order()).read)(Ok(answer(status, &proxys, "<h1>Bad Gateway</h1>")));
        let look = step.expect("a look").call();
        let none = Error::new(ErrorKind::Timeout(Phase::Wait), "no time");
        let error = failed((look.read)(Err(none)));
        let lost = error.source().expect("how the answer was lost");
        assert!(lost.to_string().ends_with(&format!("({status})")), "{lost}");
        let words = lost.source().expect("the proxy's own").to_string();
        assert!(words.starts_with("Bad Gateway (") && words.contains("proxy-1"), "{words}");
    }
}

#[test]
fn a_lost_order_is_found_by_its_mark_on_whichever_page_it_is() {
    let call = ordered(&order());
    let (_, mark) = sent(&call);
    let look = cut(call).call();
    assert_eq!((&look.request.method, look.request.replay), (&Method::GET, Replay::Safe));
    assert_eq!(look.request.path, "/servers/detail?name=%5Eweb-1%24");
    let link = r#", "servers_links": [{"rel": "next", "href": "http://h/x?name=w&marker=2"}]"#;
    let first = page(&[("1", "another"), ("2", "")], link);
    let Ok(Step::Next(second)) = (look.read)(Ok(answer(200, &[], &first))) else {
        panic!("it reads all pages at once")
    };
    assert_eq!(second.request.path, "/servers/detail?name=w&marker=2");
    let node = read(second, 200, &page(&[("3", &mark)], "")).expect("the node");
    assert_eq!(node.id, "3");
    assert_eq!(node.metadata, BTreeMap::from([("a".into(), "b".into())]), "without the mark");
}

#[test]
fn it_is_looked_for_again_with_growing_pauses_and_then_said_not_to_be_known() {
    let call = ordered(&order());
    let (_, mark) = sent(&call);
    let mut step = cut(call);
    let mut pauses = Vec::new();
    let error = loop {
        let look = match step {
            Step::Next(look) => look,
            Step::Wait(pause, look) => {
                pauses.push(pause);
                look
            }
            Step::Done(node) => panic!("{node:?}"),
        };
        // A look may fail, and is only a look.
        let came = match pauses.len() {
            1 => Err(Error::new(ErrorKind::Connection, "refused")),
            2 => Ok(answer(503, &[], "")),
            _ => Ok(answer(200, &[], &page(&[("1", "another")], ""))),
        };
        match (look.read)(came) {
            Ok(next) => step = next,
            Err(error) => break error,
        }
    };
    assert_eq!(pauses.len(), 6);
    let all: Duration = pauses.iter().sum();
    assert!((Duration::from_secs(11)..Duration::from_secs(21)).contains(&all), "{pauses:?}");
    assert_eq!(error.kind(), ErrorKind::Ambiguous);
    assert!(!error.is_retryable());
    let text = error.to_string();
    for said in ["\"web-1\"", &format!("{MARK}={mark}"), "7 times over 1", "before you order again"]
    {
        assert!(text.contains(said), "{said}: {text}");
    }
    assert_eq!(error.source().expect("how it was lost").to_string(), "cut");
}

#[test]
fn a_look_that_cannot_go_better_is_the_last() {
    for (status, said) in [(403, "Forbidden"), (401, "Unauthorized")] {
        let look = cut(ordered(&order())).call();
        let error = failed((look.read)(Ok(answer(status, &[], ""))));
        assert_eq!(error.kind(), ErrorKind::Ambiguous);
        assert!(error.to_string().contains("once, at last in vain"), "{error}");
        assert!(error.to_string().contains(said), "{error}");
    }
}

#[test]
fn two_servers_of_one_order_are_both_named() {
    let call = ordered(&order());
    let (_, mark) = sent(&call);
    let look = cut(call).call();
    let both = page(&[("1", &mark), ("2", "another"), ("3", &mark)], "");
    let error = failed((look.read)(Ok(answer(200, &[], &both))));
    assert_eq!(error.kind(), ErrorKind::Ambiguous);
    assert!(error.to_string().contains(": 1, 3;"), "{error}");
}

#[test]
fn a_name_is_asked_for_without_what_may_have_a_meaning() {
    for (name, written) in [
        ("web-1_A", "^web-1_A$"),
        ("a.b*c+d?e", "^a.b.c.d.e$"),
        (r"(x|y)[z]{1}\d^$", "^.x.y..z..1..d..$"),
        (" größe 雲 ", "^größe.雲$"),
        ("50% & more", "^50....more$"),
    ] {
        assert_eq!(pattern(name), written);
    }
}
