//! Wrong usage, help, and which cloud is meant.

use super::*;

const VERBS: [&str; 16] = [
    "list-nodes",
    "get-node",
    "create-node",
    "destroy-node",
    "reboot-node",
    "start-node",
    "stop-node",
    "list-sizes",
    "list-images",
    "get-image",
    "list-locations",
    "list-key-pairs",
    "get-key-pair",
    "create-key-pair",
    "import-key-pair",
    "delete-key-pair",
];

#[test]
fn every_verb_teaches_by_example() {
    for verb in VERBS {
        let help = welkin(&["compute", verb, "--help"]);
        assert!(help.table().contains("Examples:\n  "), "{}", help.out);
        assert!(help.out.contains(&format!("compute {verb} ")) || verb.starts_with("list"));
        assert_eq!(welkin(&["help", "compute", verb]).table(), help.out);
    }
    assert!(welkin(&["compute", "--help"]).table().contains("Examples:"));
    assert!(welkin(&["--help"]).table().contains("WELKIN_CLOUD"));
}

#[test]
fn wrong_usage_ends_with_status_2_and_asks_nobody() {
    let sim = quick();
    let new = ["create-node", "x", "--size", "m1.tiny", "--image", "tiny"];
    for args in [
        &["fly"][..],
        &[],
        &["list-nodes", "web"],
        &["list-nodes", "--output", "poem"],
        &["get-node"],
        &["get-node", "a", "b"],
        &["create-node"],
        &["create-node", "x", "--size", "m1.tiny"],
        &[&new[..], &["--count", "0"]].concat(),
        &[&new[..], &["--count", "many"]].concat(),
        &[&new[..], &["--metadata", "no-value"]].concat(),
        &[&new[..], &["--metadata", "=x"]].concat(),
        &[&new[..], &["--timeout", "5m"]].concat(),
        &[&new[..], &["--wait", "--timeout", "soon"]].concat(),
        &[&new[..], &["--root-volume-gb", "-1"]].concat(),
        &["destroy-node"],
        &["destroy-node", "x", "--timeout", "5m"],
        &["import-key-pair", "x"],
        &["delete-key-pair"],
    ] {
        let ran = compute(&sim, args);
        assert_eq!((ran.status, &*ran.out), (2, ""), "{args:?}: {}", ran.told);
        assert!(ran.told.contains("--help") || ran.told.contains("Usage:"), "{}", ran.told);
    }
    assert_eq!(sim.stats().requests, 0);
}

#[test]
fn a_cloud_that_is_not_said_or_not_there_is_told_with_those_that_are() {
    for (cloud, status, why) in [
        (&[][..], 2, "say which cloud, with --cloud or WELKIN_CLOUD: sim, openstack[:NAME], aws"),
        (&["--cloud", ""], 2, "say which cloud"),
        (&["--cloud", "azure"], 2, "no cloud \"azure\"; there are: sim, openstack[:NAME], aws"),
        (&["--cloud", "sim:2"], 2, "no cloud \"sim:2\"; there are: "),
        (&["--cloud", "openstack"], 1, "--cloud openstack: set OS_AUTH_URL, OS_USERNAME"),
        (&["--cloud", "openstack:"], 1, "ends in a colon; name a profile"),
        (&["--cloud", "openstack:mine"], 1, "no clouds.yaml to find cloud \"mine\" in"),
        (&["--cloud", "aws"], 1, "--cloud aws: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
        (&["--cloud", "aws:mine"], 1, "--cloud aws:mine: "),
    ] {
        let ran = welkin(&[cloud, &["compute", "list-nodes"]].concat());
        assert_eq!((ran.status, &*ran.out), (status, ""), "{cloud:?}: {}", ran.told);
        assert!(ran.told.contains(why), "{cloud:?}: {}", ran.told);
        assert_eq!(ran.told.lines().count(), 1, "{cloud:?}: {}", ran.told);
    }
}

#[test]
fn the_option_goes_before_the_variable_and_stands_anywhere() {
    let sim = quick();
    for args in [
        &["--cloud", "openstack", "compute", "list-sizes"][..],
        &["compute", "--cloud", "openstack", "list-sizes"],
        &["compute", "list-sizes", "--cloud", "openstack"],
    ] {
        let ran = command(&sim).env("WELKIN_CLOUD", "azure").args(args).output().unwrap();
        assert!(Ran::of(ran).table().contains("m1.tiny"));
    }
}

#[test]
fn the_embedded_cloud_needs_no_settings_and_ends_with_the_command() {
    let args = ["create-node", "web", "--size", "m1.tiny", "--image", "tiny", "--wait"];
    let made = welkin(&[&["--cloud", "sim", "compute"], &args[..]].concat());
    assert!(made.table().contains("running"), "{}", made.out);
    let nodes = welkin(&["--cloud", "sim", "compute", "list-nodes", "--output", "json"]);
    assert_eq!(nodes.table(), "[]\n");
}

#[test]
fn each_shell_gets_its_completions() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = welkin(&["completions", shell]);
        for word in ["create-node", "user-data"] {
            assert!(script.table().contains(word), "{shell}: {word}");
        }
    }
    assert!(welkin(&["completions", "--help"]).table().contains("To install it:"));
    assert_eq!(welkin(&["completions", "command.com"]).status, 2);
}

fn welkin(args: &[&str]) -> Ran {
    Ran::of(bare().args(args).output().unwrap())
}
