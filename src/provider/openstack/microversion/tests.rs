use super::*;
use crate::provider::dialect::answer::answer;
use crate::provider::dialect::by_hand::{failed, read};
use crate::service::compute::ComputeApi;
use crate::service::node::NodeState;

/// As Nova 26.2 answers below its endpoint, and above it.
const ONE: &str = r#"{"version": {"id": "v2.1", "status": "CURRENT", "version": "2.93",
    "min_version": "2.1", "updated": "2013-07-23T11:33:21Z", "links": [{"rel": "self",
    "href": "http://127.0.0.1:8774/v2.1/"}], "media-types": []}}"#;
const ALL: &str = r#"{"versions": [{"id": "v2.0", "status": "SUPPORTED", "version": "",
    "min_version": "", "links": []}, {"id": "v2.1", "status": "CURRENT", "version": "2.93",
    "min_version": "2.1", "links": []}]}"#;

fn raw(native: &OpenStack) -> Call<bytes::Bytes> {
    native.get("compute", "/os-keypairs")
}

fn versions(request: &Request) -> Vec<(&str, &str)> {
    let shown = |(name, value): &'_ (HeaderName, HeaderValue)| match name.as_str() {
        "openstack-api-version" => Some(("new", value.to_str().expect("text").to_owned())),
        "x-openstack-nova-api-version" => Some(("old", value.to_str().expect("text").to_owned())),
        _ => None,
    };
    let all = request.headers.iter().filter_map(shown);
    all.map(|(name, value)| (name, &*value.leak())).collect()
}

fn next<T>(call: Call<T>, status: u16, headers: &[(&str, &str)], body: &str) -> Call<T> {
    match (call.read)(Ok(answer(status, headers, body))) {
        Ok(Step::Next(call)) => call,
        Ok(_) => panic!("another request follows"),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn the_range_is_asked_for_once_and_the_request_follows_in_its_version() {
    let native = OpenStack::new();
    let call = native.at_least("2.37", raw(&native)).expect("a call");
    assert_eq!((call.request.method.as_str(), call.request.path.as_ref()), ("GET", "/"));
    let call = next(call, 200, &[], ONE);
    assert_eq!(call.request.path, "/os-keypairs");
    assert_eq!(versions(&call.request), [("new", "compute 2.37")]);
    assert_eq!(read(call, 200, "keys").expect("an answer"), "keys");

    let call = native.at_least("2.2", raw(&native)).expect("a call");
    assert_eq!(call.request.path, "/os-keypairs", "nothing is asked twice");
    assert_eq!(versions(&call.request), [("new", "compute 2.2"), ("old", "2.2")]);
}

#[test]
fn a_nova_that_is_too_old_is_told_with_what_is_needed_and_what_it_has() {
    for (body, has) in [
        (ONE.replace("2.93", "2.30"), "2.1 to 2.30"),
        (ONE.replace("2.93", "").replace("\"2.1\"", "\"\""), "2.1 to 2.1"),
    ] {
        let native = OpenStack::new();
        let call = native.at_least("2.37", raw(&native)).expect("a call");
        let error = failed((call.read)(Ok(answer(200, &[], &body))));
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.to_string().contains("needs microversion 2.37"), "{error}");
        assert!(error.to_string().ends_with(has), "{error}");
        let known = native.at_least("2.37", raw(&native));
        assert_eq!(failed(known).kind(), ErrorKind::Unsupported, "and not asked again");
    }
}

#[test]
fn an_endpoint_that_names_the_project_is_asked_what_the_newest_is() {
    let nothing =
        r#"{"itemNotFound": {"code": 404, "message": "The resource could not be found."}}"#;
    let native = OpenStack::new();
    let call = native.at_least("2.37", raw(&native)).expect("a call");
    let call = next(call, 404, &[], nothing);
    assert_eq!(call.request.path, "/flavors?limit=1");
    assert_eq!(versions(&call.request), [("new", "compute latest"), ("old", "latest")]);
    let told =
        [("openstack-api-version", "compute 2.93"), ("x-openstack-nova-api-version", "2.93")];
    let call = next(call, 200, &told, r#"{"flavors": []}"#);
    assert_eq!(versions(&call.request), [("new", "compute 2.37")]);

    // Nova may be down altogether: that is what is told.
    let native = OpenStack::new();
    let call = native.at_least("2.37", raw(&native)).expect("a call");
    let call = next(call, 503, &[], "");
    assert_eq!(failed(read(call, 503, "")).kind(), ErrorKind::Unavailable);
}

#[test]
fn who_wishes_for_a_newer_one_gets_it() {
    let native = OpenStack::wishing(Some(Wish::Exactly(Microversion(79))));
    let call = native.at_least("2.37", raw(&native)).expect("a call");
    assert_eq!(call.request.path, "/os-keypairs");
    assert_eq!(versions(&call.request), [], "the login's standing header does it");
    let call = native.at_least("2.90", raw(&native)).expect("a call");
    let call = next(call, 200, &[], ONE);
    assert_eq!(versions(&call.request), [("new", "compute 2.90")]);

    let native = OpenStack::wishing(Some(Wish::Latest));
    let call = next(native.at_least("2.37", raw(&native)).expect("a call"), 200, &[], ONE);
    assert_eq!(versions(&call.request), [("new", "compute 2.93")]);
}

#[test]
fn requests_to_other_services_are_left_alone_and_later_ones_are_not() {
    let native = OpenStack::new();
    let nova = raw(&native);
    let both = native.get("network", "/networks").then(move |_| Ok(Step::Next(nova)));
    let call = next(native.at_least("2.37", both).expect("a call"), 200, &[], ONE);
    assert_eq!((call.request.path.as_ref(), versions(&call.request)), ("/networks", vec![]));
    let call = next(call, 200, &[], "");
    assert_eq!(versions(&call.request), [("new", "compute 2.37")]);
}

#[test]
fn wishes_are_read_and_what_is_none_is_refused() {
    for (text, wish) in [
        ("2.79", Wish::Exactly(Microversion(79))),
        ("v2.1", Wish::Exactly(Microversion::BASE)),
        ("2.0", Wish::Exactly(Microversion::BASE)),
        ("2.100", Wish::Exactly(Microversion(100))),
        ("latest", Wish::Latest),
        ("2.latest", Wish::Latest),
    ] {
        assert_eq!(Wish::parse(text), Ok(wish), "{text}");
    }
    for text in ["", "2", "2.", "2.x", "2.+3", "3.1", "2.79.1", "2.99999", "newest", "2.-1"] {
        assert!(Wish::parse(text).is_err(), "{text}");
        let native = OpenStack::new();
        if text != "2.0" {
            assert_eq!(failed(native.at_least(text, raw(&native))).kind(), ErrorKind::Invalid);
        }
    }
}

#[test]
fn the_newest_that_both_know_is_found_above_the_endpoint_without_a_token() {
    for (endpoint, above) in [
        ("http://h:8774/v2.1", "http://h:8774"),
        ("http://h:8774/v2.1/b1e5acb6", "http://h:8774"),
        ("https://h/compute/v2.1", "https://h/compute"),
        ("https://v2.example/v2", "https://v2.example"),
    ] {
        let request = latest(endpoint).expect("a call").request;
        assert!(matches!(&request.target, Target::Url(url) if url == above), "{request:?}");
        assert_eq!(request.path, "/");
    }
    for (status, newest, found) in [(200, "2.93", "2.93"), (300, "2.200", "2.96")] {
        let call = latest("http://h/v2.1").expect("a call");
        let headers = read(call, status, &ALL.replace("2.93", newest)).expect("headers");
        assert_eq!(headers[0].1, format!("compute {found}"));
    }
}

/// One server of Nova 26.2 in versions that differ: what they have in common reads the same.
#[test]
fn a_node_reads_the_same_in_each_microversion() {
    let read = |body: &str| {
        let call = OpenStack::new().get_node("21c5").expect("a call");
        let mut node = read(call, 200, body).expect("a node");
        // Since 2.47 only the flavor's name is told.
        node.size = None;
        node
    };
    let base = read(include_str!("tests/server-2.1.json"));
    assert_eq!(base.state, NodeState::Running);
    assert!(base.created_at.is_some() && base.image.is_some() && !base.private_ips.is_empty());
    assert_eq!(read(include_str!("tests/server-2.79.json")), base);
    assert_eq!(read(include_str!("tests/server-2.93.json")), base);
}
