//! Lists, and things one by one.

use serde::Serialize;
use serde_json::{Value, json};
use welkin::Driver;
use welkin::sim::Fault;

use super::*;

#[test]
fn lists_are_the_librarys_own_in_json_and_columns_in_a_table() {
    let sim = quick();
    let compute_of = Driver::open(sim.config()).unwrap().compute().unwrap();
    compute_of.create_key_pair("me").wait().unwrap();
    for node in make(&sim, &["web-1", "größe 日本"]) {
        compute_of.wait_until_running(node).wait().unwrap();
    }

    let all: [(&str, Vec<Value>, &str, &[&str]); 5] = [
        (
            "list-nodes",
            values(compute_of.list_nodes().wait().unwrap()),
            "ID NAME STATE PUBLIC_IPS PRIVATE_IPS SIZE",
            &["web-1", "größe 日本"],
        ),
        (
            "list-sizes",
            values(compute_of.list_sizes().wait().unwrap()),
            "ID NAME VCPUS RAM_MB DISK_GB",
            &["m1.tiny", "m1.small", "2048"],
        ),
        (
            "list-images",
            values(compute_of.list_images().wait().unwrap()),
            "ID NAME STATE CREATED_AT",
            &["tiny", "active"],
        ),
        (
            "list-locations",
            values(compute_of.list_locations().wait().unwrap()),
            "ID NAME IS_AVAILABLE",
            &["nova", "true"],
        ),
        (
            "list-key-pairs",
            values(compute_of.list_key_pairs().wait().unwrap()),
            "NAME FINGERPRINT",
            &["me"],
        ),
    ];
    for (verb, expected, header, cells) in all {
        assert!(!expected.is_empty(), "{verb} has nothing to show");
        assert_eq!(compute_json(&sim, &[verb]).json(), expected, "{verb}");

        let table = compute(&sim, &[verb]);
        let mut lines = table.table().lines();
        let found: Vec<_> = lines.next().unwrap().split_whitespace().collect();
        assert_eq!(found.join(" "), header, "{verb}");
        assert_eq!(lines.count(), expected.len(), "{verb}: a line each");
        for cell in cells {
            assert!(table.out.contains(cell), "{verb}: {cell}: {}", table.out);
        }
        assert!(!table.out.contains('\u{1b}'), "{verb}: no colours in a pipe");
        assert!(table.out.lines().all(|line| line.trim_end() == line), "{verb}: {}", table.out);
    }
}

#[test]
fn nothing_is_an_empty_array_and_a_header() {
    let sim = quick();
    for verb in ["list-nodes", "list-key-pairs"] {
        assert_eq!(compute_json(&sim, &[verb]).json(), [] as [Value; 0], "{verb}");
        assert_eq!(compute(&sim, &[verb]).table().lines().count(), 1, "{verb}");
    }
}

#[test]
fn one_thing_is_found_by_id_and_by_name_and_shown_with_all_its_fields() {
    let sim = quick();
    let id = make(&sim, &["web"]).remove(0);
    let compute_of = Driver::open(sim.config()).unwrap().compute().unwrap();
    let node = compute_of.wait_until_running(&id).wait().unwrap();
    for key in [&*id, "web"] {
        assert_eq!(compute_json(&sim, &["get-node", key]).json(), values([&node]));
        let table = compute(&sim, &["get-node", key]);
        assert_eq!(fields_of(table.table()), fields_of_json(&json!(node)));
    }

    let image = compute_of.find_image("tiny").wait().unwrap();
    for key in [&*image.id, "tiny"] {
        assert_eq!(compute_json(&sim, &["get-image", key]).json(), values([&image]));
        let table = compute(&sim, &["get-image", key]);
        assert_eq!(fields_of(table.table()), fields_of_json(&json!(image)));
    }
}

#[test]
fn a_name_that_a_terminal_would_obey_is_written_out() {
    let sim = quick();
    let evil = "a\n\u{1b}[31mb\u{202e}c";
    let list = json!({"servers": [{
        "id": "1", "name": evil, "status": "ACTIVE", "metadata": {}, "addresses": {},
    }]});
    let answer = || {
        let fault = Fault::answer(200).header("content-type", "application/json");
        fault.body(list.to_string()).on("GET", "/compute/v2.1/servers/detail")
    };
    sim.fail_next(answer());
    let table = compute(&sim, &["list-nodes"]);
    assert!(table.table().contains(r"a\n\u{1b}[31mb\u{202e}c"), "{}", table.out);
    assert_eq!(table.out.lines().count(), 2, "{}", table.out);

    sim.fail_next(answer());
    assert_eq!(
        names(&compute_json(&sim, &["list-nodes"]).json()),
        [evil],
        "programs get it as it is"
    );

    sim.fail_next(answer());
    let missing = compute(&sim, &["get-node", "b\u{1b}"]);
    assert!(missing.complaint().contains(r#"no node "b\u{1b}"; there are: a\n\u{1b}[31mb"#));
}

#[test]
fn a_failure_names_the_operation_the_reason_the_request_and_what_to_do() {
    let sim = quick();
    let sorry = r#"{"forbidden": {"code": 403, "message": "Policy says no."}}"#;
    sim.fail_next(
        Fault::answer(403)
            .header("content-type", "application/json")
            .header("x-openstack-request-id", "req-7")
            .body(sorry)
            .on("GET", "/compute/v2.1/servers"),
    );
    assert_eq!(
        compute(&sim, &["list-nodes"]).complaint(),
        "welkin: list_nodes: Policy says no. (403, request req-7); ask the account's administrator \
         for the right to do this"
    );
}

fn values(all: impl IntoIterator<Item = impl Serialize>) -> Vec<Value> {
    all.into_iter().map(|one| json!(one)).collect()
}

/// The fields that a table has.
fn fields_of(table: &str) -> Vec<String> {
    let first = |line: &str| line.split_whitespace().next().unwrap().to_owned();
    let mut fields: Vec<_> = table.lines().skip(1).map(first).collect();
    fields.sort();
    fields
}

fn fields_of_json(one: &Value) -> Vec<String> {
    one.as_object().unwrap().keys().cloned().collect()
}
