//! What is done to nodes that exist.

use serde_json::json;
use welkin::sim::Fault;

use super::*;

#[test]
fn all_are_tried_and_each_failure_is_a_line() {
    let sim = quick();
    let ids = make(&sim, &["web-1", "web-2", "web-3"]);
    let ran = compute_json(&sim, &["destroy-node", "web-1", "nope", &ids[2], "nada"]);
    assert_eq!(ran.status, 1);
    assert_eq!(
        ran.any_json(),
        [json!({"id": ids[0], "name": "web-1"}), json!({"id": ids[2], "name": "web-3"})]
    );
    let lines: Vec<_> = ran.told.lines().collect();
    assert_eq!(lines.len(), 2, "{}", ran.told);
    assert!(lines[0].contains("no node \"nope\""), "{}", ran.told);
    assert!(lines[1].contains("no node \"nada\""), "{}", ran.told);
    assert_eq!(names(&compute_json(&sim, &["list-nodes"]).json()), ["web-2"]);
}

#[test]
fn a_node_that_is_named_twice_is_told_once() {
    let sim = quick();
    let id = make(&sim, &["web"]).remove(0);
    let done = compute_json(&sim, &["destroy-node", "web", &id, "web"]);
    assert_eq!(done.json(), [json!({"id": id, "name": "web"})]);
    assert_eq!(sim.stats().by_path["DELETE /compute/v2.1/servers/{id}"], 1);
}

#[test]
fn destroying_can_be_waited_for() {
    let sim = quick();
    sim.set_delete_time(Duration::from_millis(300));
    make(&sim, &["web-1", "web-2"]);
    assert_eq!(compute(&sim, &["destroy-node", "web-1"]).table(), "");
    assert!(compute(&sim, &["list-nodes"]).table().contains("web-1"), "it is still on its way out");
    assert_eq!(compute(&sim, &["destroy-node", "web-2", "--wait"]).table(), "");
    assert!(!compute(&sim, &["list-nodes"]).table().contains("web-2"));
}

#[test]
fn nodes_are_stopped_started_and_restarted() {
    let sim = quick();
    let args = ["create-node", "web", "--count", "2", "--size", "m1.tiny", "--image", "tiny"];
    compute(&sim, &[&args[..], &["--wait"]].concat()).table();
    let states = |sim: &Sim| {
        let nodes = compute_json(sim, &["list-nodes"]).json();
        nodes.iter().map(|node| text(&node["state"])).collect::<Vec<_>>()
    };
    assert_eq!(compute(&sim, &["stop-node", "web-1", "web-2", "--wait"]).table(), "");
    assert_eq!(states(&sim), ["stopped", "stopped"]);
    let started = compute_json(&sim, &["start-node", "web-1", "web-2", "--wait"]).json();
    assert_eq!(names(&started), ["web-1", "web-2"]);
    assert_eq!(states(&sim), ["running", "running"]);

    sim.set_action_time(Duration::from_secs(3600));
    assert_eq!(compute(&sim, &["reboot-node", "web-1"]).table(), "");
    assert_eq!(names(&compute_json(&sim, &["reboot-node", "web-2", "--hard"]).json()), ["web-2"]);
    assert_eq!(states(&sim), ["rebooting", "rebooting"]);
    let status = |name| text(&compute_json(&sim, &["get-node", name]).json()[0]["status"]);
    assert_eq!([status("web-1"), status("web-2")], ["REBOOT", "HARD_REBOOT"]);
}

#[test]
fn a_node_in_no_state_for_it_is_named_with_the_clouds_reason() {
    let sim = quick();
    sim.set_boot_time(Duration::from_secs(3600));
    make(&sim, &["young"]);
    for verb in ["reboot-node", "start-node"] {
        let refused = compute(&sim, &[verb, "young"]);
        let start = format!("welkin: young: {}: ", verb.replace('-', "_"));
        assert!(refused.complaint().starts_with(&start), "{}", refused.told);
        assert!(refused.told.contains("(409, request req-"), "{}", refused.told);
    }
}

#[test]
fn what_is_locked_or_not_allowed_fails_alone() {
    let sim = quick();
    make(&sim, &["free", "locked"]);
    let locked = r#"{"conflictingRequest": {"code": 409, "message": "Instance is locked"}}"#;
    let sorry = Fault::answer(409).header("content-type", "application/json").body(locked);
    sim.fail_next(sorry.on("DELETE", "/compute/v2.1/servers"));
    let ran = compute_json(&sim, &["destroy-node", "free", "locked"]);
    assert_eq!(ran.status, 1);
    assert_eq!(ran.any_json().len(), 1);
    assert_eq!(ran.told.lines().count(), 1, "{}", ran.told);
    assert!(ran.told.contains(": destroy_node: Instance is locked (409"), "{}", ran.told);
    assert_eq!(sim.servers().len(), 1);
}
