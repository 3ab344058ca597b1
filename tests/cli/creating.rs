//! Ordering nodes.

use std::path::PathBuf;

use super::*;

const PLAIN: [&str; 4] = ["--size", "m1.tiny", "--image", "tiny"];

#[test]
fn a_node_is_ordered_with_all_that_was_asked_for() {
    let sim = quick();
    compute(&sim, &["create-key-pair", "me"]).table();
    let more = ["--network", "shared", "--key-pair", "me", "--security-group", "default"];
    let notes = ["--metadata", "team=blue", "--metadata", "a=b=c", "--location", "nova"];
    let args = [&["create-node", "web"], &PLAIN[..], &more, &notes, &["--wait"]].concat();
    let made = compute_json(&sim, &args).json();
    assert_eq!(made.len(), 1);
    assert_eq!(made[0]["name"], "web");
    assert_eq!(made[0]["state"], "running");
    assert_eq!(made[0]["key_pair"], "me");
    assert_eq!(made[0]["metadata"], serde_json::json!({"team": "blue", "a": "b=c"}));
    assert_eq!(compute_json(&sim, &["get-node", "web"]).json(), made);
}

#[test]
fn a_node_is_printed_also_before_it_runs() {
    let sim = quick();
    sim.set_boot_time(Duration::from_secs(3600));
    let made = compute(&sim, &[&["create-node", "web"], &PLAIN[..]].concat());
    assert!(made.table().contains(" web "), "{}", made.out);
    assert_eq!(made.out.lines().count(), 2);
}

#[test]
fn several_are_numbered_and_waited_for_together() {
    let sim = quick();
    let args = [&["create-node", "job", "--count", "20", "--wait"], &PLAIN[..]].concat();
    let made = compute_json(&sim, &args).json();
    let expected: Vec<_> = (1..=20).map(|i| format!("job-{i}")).collect();
    assert_eq!(names(&made), expected);
    assert!(made.iter().all(|node| node["state"] == "running"));
    let asked: u64 = (sim.stats().by_path.iter())
        .filter(|(path, _)| path.starts_with("GET") && path.contains("/servers"))
        .map(|(_, times)| times)
        .sum();
    assert!(asked < 20, "one list a tick, not a request each: {:?}", sim.stats().by_path);

    let one = compute_json(&sim, &[&["create-node", "one", "--count", "1"], &PLAIN[..]].concat());
    assert_eq!(names(&one.json()), ["one-1"]);
}

#[test]
fn when_the_quota_ends_eight_say_so_two_exist_and_nothing_is_hidden() {
    for form in ["json", "table"] {
        let sim = quick_with_room_for(2);
        let args =
            [&["--output", form, "create-node", "job", "--count", "10"], &PLAIN[..]].concat();
        let ran = compute(&sim, &args);
        assert_eq!(ran.status, 1);
        let existing: Vec<_> = sim.servers().into_iter().map(|server| server.name).collect();
        assert_eq!(existing.len(), 2);
        match form {
            "json" => {
                let mut told = names(&ran.any_json());
                told.sort();
                let mut existing = existing.clone();
                existing.sort();
                assert_eq!(told, existing);
            }
            _ => assert_eq!(ran.out.lines().count(), 1 + 2, "{}", ran.out),
        }
        assert_eq!(ran.told.lines().count(), 8, "{}", ran.told);
        for line in ran.told.lines() {
            let (start, rest) = line.split_once(": create_node: ").expect(line);
            let name = start.strip_prefix("welkin: ").expect(line);
            assert!(name.starts_with("job-") && !existing.iter().any(|e| e == name), "{line}");
            assert!(rest.contains("Quota exceeded for instances"), "{line}");
            assert!(rest.contains("request req-"), "{line}");
            assert!(rest.ends_with("make room in the account"), "{line}");
        }
    }
}

#[test]
fn those_that_go_wrong_while_they_are_waited_for_are_named_and_shown() {
    let sim = quick();
    let args = ["--size", "m1.impossible", "--image", "tiny", "--count", "2", "--wait"];
    let ran = compute_json(&sim, &[&["create-node", "big"], &args[..]].concat());
    assert_eq!(ran.status, 1);
    let made = ran.any_json();
    assert_eq!(names(&made), ["big-1", "big-2"]);
    for (i, node) in made.iter().enumerate() {
        assert_eq!(node["state"], "error");
        assert!(text(&node["fault"]).contains("No valid host"), "{node}");
        let line = ran.told.lines().nth(i).unwrap();
        assert!(
            line.starts_with(&format!("welkin: big-{}: wait_until_running: ", i + 1)),
            "{line}"
        );
        assert!(line.contains("No valid host") && line.contains("destroy it"), "{line}");
    }
}

#[test]
fn time_that_runs_out_is_said_and_the_node_is_shown() {
    let sim = quick();
    sim.set_boot_time(Duration::from_secs(3600));
    let ran = compute_json(
        &sim,
        &[&["create-node", "slow", "--wait", "--timeout", "1s"], &PLAIN[..]].concat(),
    );
    assert_eq!(ran.status, 1);
    assert_eq!(names(&ran.any_json()), ["slow"]);
    assert!(ran.told.contains("still BUILD"), "{}", ran.told);
    assert!(ran.told.ends_with("look at it later, or wait longer\n"), "{}", ran.told);
}

#[test]
fn odd_names_are_carried_or_refused_in_one_line() {
    let sim = quick();
    let longest = "ß".repeat(127) + "x";
    for name in ["日本 🚀", "-dash", "a/b?c#d%20", longest.as_str()] {
        let made = compute_json(&sim, &[&["create-node"], &PLAIN[..], &["--", name]].concat());
        assert_eq!(names(&made.json()), [name]);
        compute(&sim, &["destroy-node", "--", name]).table();
    }
    assert!(sim.servers().is_empty());
    let too_long = "x".repeat(256);
    for (name, why) in [
        ("", "no name"),
        ("a\nb", "printable"),
        (" a", "printable"),
        (too_long.as_str(), "too long"),
    ] {
        let refused = compute(&sim, &[&["create-node", name], &PLAIN[..]].concat());
        assert!(refused.complaint().contains(why), "{name:?}: {}", refused.told);
    }
}

#[test]
fn user_data_comes_from_a_file_or_stdin_and_is_never_too_long() {
    let sim = quick();
    let create =
        |from: &str| [&["create-node", "web", "--user-data", from], &PLAIN[..]].concat().join("\n");
    let run = |from: &str, stdin: &[u8]| {
        let args = create(from);
        compute_with(&sim, &args.split('\n').collect::<Vec<_>>(), stdin)
    };
    run("-", b"#!/bin/sh\n").table();
    let file = scratch("user-data");
    std::fs::write(&file, [0xff, 0x00, b'\n']).unwrap();
    run(file.to_str().unwrap(), b"").table();

    let before = sim.stats().requests;
    let missing = run("/no/such/file", b"");
    assert!(missing.complaint().contains("/no/such/file cannot be read: No such file"));
    assert!(run("/", b"").complaint().contains("/ cannot be read"));
    assert_eq!(sim.stats().requests, before, "nobody was asked in vain");

    let too_long = run("-", &vec![b'x'; 50_000]);
    assert!(too_long.complaint().contains("user data"), "{}", too_long.told);
    let endless = run("/dev/zero", b"");
    assert!(endless.complaint().contains("user data"), "{}", endless.told);
    assert_eq!(sim.servers().len(), 2);
}

/// A file of this test run.
fn scratch(name: &str) -> PathBuf {
    let name = format!("cli-{name}-{}", std::process::id());
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name)
}
