//! What can be done to a server between its order and its end.

use std::time::Duration;

use serde_json::{Value, json};

use crate::client::{Answer, Client, quick, text, until};

const LONG: Duration = Duration::from_secs(3600);

fn act(client: &mut Client, id: &str, action: &Value) -> Answer {
    client.post(&format!("/compute/v2.1/servers/{id}/action"), action)
}

fn shown(client: &mut Client, id: &str) -> Value {
    client.get_as("compute 2.93", &format!("/compute/v2.1/servers/{id}")).json()["server"].take()
}

/// Status, `vm_state`, `task_state` and `power_state`.
fn state(client: &mut Client, id: &str) -> (String, String, Value, Value) {
    let server = shown(client, id);
    let text = |field: &str| text(&server[field]).to_owned();
    let (task, power) = (&server["OS-EXT-STS:task_state"], &server["OS-EXT-STS:power_state"]);
    (text("status"), text("OS-EXT-STS:vm_state"), task.clone(), power.clone())
}

fn is(status: &str, vm: &str, task: Option<&str>, power: u8) -> (String, String, Value, Value) {
    (status.into(), vm.into(), json!(task), json!(power))
}

#[test]
fn a_server_reboots_stops_and_starts_and_takes_its_time_for_it() {
    let sim = quick().start().unwrap();
    let mut client = Client::logged_in(&sim);
    let id = client.create("web", "1");
    let (soft, hard) = (json!({"reboot": {"type": "SOFT"}}), json!({"reboot": {"type": "HARD"}}));
    let (stop, start) = (json!({"os-stop": null}), json!({"os-start": null}));
    let running = is("ACTIVE", "active", None, 1);
    let stopped = is("SHUTOFF", "stopped", None, 4);
    for (action, during, after) in [
        (&soft, is("REBOOT", "active", Some("reboot_started"), 1), &running),
        (&hard, is("HARD_REBOOT", "active", Some("reboot_started_hard"), 1), &running),
        (&stop, is("ACTIVE", "active", Some("powering-off"), 1), &stopped),
        (&start, is("SHUTOFF", "stopped", Some("powering-on"), 4), &running),
        (&stop, is("ACTIVE", "active", Some("powering-off"), 1), &stopped),
        (&hard, is("SHUTOFF", "stopped", Some("reboot_started_hard"), 4), &running),
    ] {
        sim.set_action_time(Duration::from_millis(300));
        let began = std::time::Instant::now();
        assert_eq!(act(&mut client, &id, action).status, 202, "{action}");
        let seen = state(&mut client, &id);
        // Whoever looks too late on a busy machine sees nothing of it.
        assert!(
            seen == during || began.elapsed() > Duration::from_millis(300),
            "{action}: {seen:?}"
        );
        until(|| state(&mut client, &id) == *after);
    }
    assert_eq!(sim.servers()[0].status, "ACTIVE");
    assert_eq!(sim.stats().by_path["POST /compute/v2.1/servers/{id}/action"], 6);
}

#[test]
fn an_action_in_the_wrong_state_is_a_conflict() {
    let sim = quick().action_time(LONG).start().unwrap();
    let mut client = Client::logged_in(&sim);
    let id = client.create("web", "1");
    let refused = act(&mut client, &id, &json!({"os-start": null}));
    assert_eq!(refused.status, 409);
    assert_eq!(
        refused.json(),
        json!({"conflictingRequest": {"code": 409, "message":
            format!("Cannot 'start' instance {id} while it is in vm_state active")}})
    );
    assert_eq!(act(&mut client, &id, &json!({"reboot": {"type": "SOFT"}})).status, 202);
    for (action, name) in
        [(json!({"reboot": {"type": "SOFT"}}), "reboot"), (json!({"os-stop": null}), "stop")]
    {
        let refused = act(&mut client, &id, &action);
        let why = format!("Cannot '{name}' instance {id} while it is in task_state reboot_started");
        assert_eq!((refused.status, refused.message()), (409, why));
    }
    let hard = json!({"reboot": {"type": "hard"}});
    assert_eq!(act(&mut client, &id, &hard).status, 202, "it ends a soft one that hangs");

    sim.set_boot_time(LONG);
    let id = client.create("young", "1");
    let why = format!("Cannot 'stop' instance {id} while it is in vm_state building");
    assert_eq!(act(&mut client, &id, &json!({"os-stop": null})).message(), why);
    sim.set_boot_time(Duration::ZERO);
    let id = client.create("bad", "99");
    let refused = act(&mut client, &id, &json!({"os-start": null}));
    assert_eq!((refused.status, refused.message()), (409, format!("Instance {id} is not ready")));
}

#[test]
fn bad_actions_are_told_why() {
    let sim = quick().start().unwrap();
    let mut client = Client::logged_in(&sim);
    let id = client.create("web", "1");
    for (action, why) in [
        (json!({"fly": null}), "There is no such action: fly"),
        (json!({}), "Malformed request body"),
        (
            json!({"reboot": {"type": "WARM"}}),
            "Invalid input for field/attribute type. Value: WARM. 'WARM' is not one of \
             ['HARD', 'Hard', 'hard', 'SOFT', 'Soft', 'soft']",
        ),
        (
            json!({"reboot": null}),
            "Invalid input for field/attribute reboot. Value: None. None is not of type 'object'",
        ),
    ] {
        let refused = act(&mut client, &id, &action);
        assert_eq!((refused.status, refused.message().as_str()), (400, why));
    }
    let gone = "6a1b0d1e-3a48-4c2d-9d2b-000000000000";
    let refused = act(&mut client, gone, &json!({"os-stop": null}));
    assert_eq!(
        (refused.status, refused.message()),
        (404, format!("Instance {gone} could not be found."))
    );
}

#[test]
fn a_locked_server_is_left_alone() {
    let sim = quick().start().unwrap();
    let mut client = Client::logged_in(&sim);
    let id = client.create("web", "1");
    let path = format!("/compute/v2.1/servers/{id}");
    let action = format!("{path}/action");
    let lock = json!({"lock": {"locked_reason": "it is needed"}});
    assert_eq!(client.post_as("compute 2.73", &action, &lock).status, 202);
    assert_eq!(shown(&mut client, &id)["locked"], true);
    assert_eq!(shown(&mut client, &id)["locked_reason"], "it is needed");
    let why = format!("Instance {id} is locked");
    let stop = json!({"os-stop": null});
    for refused in [
        client.delete(&path),
        client.post(&action, &stop),
        client.post(&format!("{path}/metadata"), &json!({"metadata": {"a": "b"}})),
    ] {
        assert_eq!((refused.status, refused.message()), (409, why.clone()));
    }
    assert_eq!(client.post(&action, &json!({"unlock": null})).status, 202);
    assert_eq!(shown(&mut client, &id)["locked"], false);
    assert_eq!(client.delete(&path).status, 204);
}

#[test]
fn metadata_can_be_changed() {
    let sim = quick().start().unwrap();
    let mut client = Client::logged_in(&sim);
    let path = format!("/compute/v2.1/servers/{}/metadata", client.create("web", "1"));
    let note = |client: &mut Client, method: &str, path: &str, body: &Value| {
        client.send(method, path, &[], &body.to_string())
    };
    let body = json!({"metadata": {"role": "web", "tier": "1"}});
    assert_eq!(client.post(&path, &body).json(), body);
    let one = json!({"meta": {"tier": "2"}});
    assert_eq!(note(&mut client, "PUT", &format!("{path}/tier"), &one).json(), one);
    assert_eq!(client.get(&format!("{path}/tier")).json(), one);
    assert_eq!(note(&mut client, "PUT", &format!("{path}/other"), &one).status, 400);
    assert_eq!(client.delete(&format!("{path}/tier")).status, 204);
    assert_eq!(client.delete(&format!("{path}/tier")).message(), "Metadata item was not found");
    assert_eq!(client.get(&path).json(), json!({"metadata": {"role": "web"}}));
    let only = json!({"metadata": {"a": "b"}});
    assert_eq!(note(&mut client, "PUT", &path, &only).json(), only);
    assert_eq!(sim.servers()[0].metadata["a"], "b");

    let many: serde_json::Map<_, _> = (0..129).map(|n| (n.to_string(), json!(""))).collect();
    let refused = client.post(&path, &json!({"metadata": many}));
    assert_eq!(
        (refused.status, refused.message().as_str()),
        (403, "Maximum number of metadata items exceeds 128")
    );
}

#[test]
fn faults_hit_actions_as_all_else() {
    let sim = quick().start().unwrap();
    let mut client = Client::logged_in(&sim);
    let id = client.create("web", "1");
    let path = format!("/compute/v2.1/servers/{id}/action");
    sim.fail_next(welkin::sim::Fault::bad_gateway().once_done().on("POST", &path));
    let stop = json!({"os-stop": null});
    assert_eq!(client.post(&path, &stop).status, 502);
    assert_eq!(sim.servers()[0].status, "SHUTOFF", "it was done");
    assert_eq!(client.post(&path, &stop).status, 409);
}
