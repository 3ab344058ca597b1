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
        &[&new[..], &["--root-volume-gb", "0"]].concat(),
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

#[test]
fn configured_clouds_are_listed_with_their_files_and_without_secrets() {
    let folder = std::env::temp_dir().join(format!("welkin-cli-clouds-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (yaml, aws) = (folder.join("clouds.yaml"), folder.join("credentials"));
    let cloud = "clouds:\n  mine:\n    region_name: North\n    auth:\n      \
                 auth_url: https://user:hush@id.example/v3\n      username: me\n      \
                 password: hush\n      project_name: p\n";
    std::fs::write(&yaml, cloud).unwrap();
    let keys =
        "[work]\naws_access_key_id = AKIA\naws_secret_access_key = hush\nregion = eu-west-1\n";
    std::fs::write(&aws, keys).unwrap();
    let clouds = |more: &[&str]| {
        let mut command = bare();
        command.env("OS_CLIENT_CONFIG_FILE", &yaml).env("AWS_SHARED_CREDENTIALS_FILE", &aws);
        Ran::of(command.arg("clouds").args(more).output().unwrap())
    };

    let all = clouds(&["--output", "json"]).json();
    let selectors: Vec<_> = all.iter().map(|cloud| text(&cloud["selector"])).collect();
    assert_eq!(selectors, ["aws:work", "openstack:mine"]);
    assert_eq!((&all[1]["name"], &all[1]["region"]), (&"mine".into(), &"North".into()));
    assert_eq!(all[1]["address"], "id.example/v3");
    assert_eq!(all[1]["source"], yaml.to_str().unwrap());
    let table = clouds(&[]);
    assert!(table.table().contains("openstack:mine"), "{}", table.out);
    assert!(!format!("{all:?}{}", table.out).contains("hush"), "{}", table.out);

    // What one provider cannot read does not hide the others'.
    std::fs::write(&yaml, "clouds: [\n").unwrap();
    let ran = clouds(&["--output", "json"]);
    assert_eq!((ran.status, ran.told.lines().count()), (1, 1), "{}", ran.told);
    assert_eq!(ran.any_json().len(), 1);
    std::fs::remove_dir_all(&folder).unwrap();
}
