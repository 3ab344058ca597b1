use super::*;
use crate::error::ErrorKind;
use crate::provider::dialect::by_hand::failed;

fn source(text: &str) -> Source {
    Source { file: "/home/me/clouds.yaml".into(), text: Zeroizing::new(text.into()) }
}

fn cloud(text: &str) -> Result<Values> {
    choose("my", &source(text), None)
}

const USUAL: &str = "
clouds:
  my:
    auth:
      auth_url: https://h:5000/v3
      username: demo
      password: s3cret
      project_name: web
      user_domain_name: Default
    region_name: north
    interface: internal
    identity_api_version: 3
    regions: [north, {name: south, values: {a: b}}]
    networks:
      - name: public
        routes_externally: true
    verify: false
    cacert: ~/ca.pem
  other: {}
";

#[test]
fn a_usual_cloud_is_read() {
    let values = cloud(USUAL).expect("a cloud");
    for (setting, text) in [
        (Setting::AuthUrl, "https://h:5000/v3"),
        (Setting::Username, "demo"),
        (Setting::Password, "s3cret"),
        (Setting::ProjectName, "web"),
        (Setting::UserDomainName, "Default"),
        (Setting::Region, "north"),
        (Setting::Interface, "internal"),
        (Setting::CaCert, "~/ca.pem"),
    ] {
        assert_eq!(values.text(setting), Some(text), "{setting:?}");
    }
    assert!(values.is_insecure().expect("a flag"));
    values.keystone().expect("complete");
}

#[test]
fn what_looks_like_a_number_keeps_its_text() {
    for text in ["12345", "007", "1e3", "0x1F", "1_000", "true", "no", "3.10", ".5", "-1"] {
        let yaml = format!("clouds: {{my: {{auth: {{password: {text}, username: {text}}}}}}}");
        let values = cloud(&yaml).expect("a cloud");
        assert_eq!(values.text(Setting::Password), Some(text));
        assert_eq!(values.text(Setting::Username), Some(text));
    }
    let numbered = source("clouds: {1: {region_name: 2}}");
    let values = choose("1", &numbered, None).expect("a cloud");
    assert_eq!(values.text(Setting::Region), Some("2"));
}

#[test]
fn quotes_blocks_anchors_and_merges_are_yaml_as_usual() {
    let yaml = r#"
base: &base {auth_url: "http://h", project_name: 'it''s'}
clouds:
  my:
    auth:
      <<: *base
      password: "tab\there # not a comment"
      username: |-
        demo
"#;
    let values = cloud(yaml).expect("a cloud");
    assert_eq!(values.text(Setting::AuthUrl), Some("http://h"));
    assert_eq!(values.text(Setting::ProjectName), Some("it's"));
    assert_eq!(values.text(Setting::Password), Some("tab\there # not a comment"));
    assert_eq!(values.text(Setting::Username), Some("demo"));
}

#[test]
fn nothing_counts_as_not_set() {
    let yaml =
        "clouds: {my: {auth: {password: , username: ~, project_name: ''}, region_name: null}}";
    let values = cloud(yaml).expect("a cloud");
    for setting in Setting::ALL {
        assert_eq!(values.text(setting), None, "{setting:?}");
    }
    for yaml in ["clouds: {my: }", "clouds: {my: {}}", "clouds: {my: {auth: }}"] {
        let error = failed(cloud(yaml).expect("a cloud").keystone());
        let text = error.to_string();
        assert!(text.contains("auth.auth_url") && text.contains("\"my\""), "{text}");
        assert!(text.contains("/home/me/clouds.yaml"), "{text}");
    }
}

#[test]
fn settings_beside_auth_are_read_and_those_in_it_win() {
    let yaml = "clouds: {my: {username: beside, password: p, auth: {username: inside}}}";
    let values = cloud(yaml).expect("a cloud");
    assert_eq!(values.text(Setting::Username), Some("inside"));
    assert_eq!(values.text(Setting::Password), Some("p"));
}

#[test]
fn an_unknown_cloud_is_told_which_there_are() {
    for (yaml, there) in [
        (USUAL.replace("  my:", "  mine:"), "there are: mine, other"),
        ("clouds: {}".into(), "there are: none"),
        ("clouds:".into(), "there are: none"),
        ("# nothing yet\n".into(), "there are: none"),
        (String::new(), "there are: none"),
        ("public-clouds: {my: {}}".into(), "there are: none"),
    ] {
        let error = failed(cloud(&yaml));
        assert_eq!(error.kind(), ErrorKind::Invalid);
        let text = error.to_string();
        assert!(text.contains(there), "{yaml:?}: {text}");
        assert!(text.contains("/home/me/clouds.yaml"), "{text}");
    }
}

#[test]
fn broken_files_are_refused_by_line_without_quoting_a_secret() {
    let deep = format!("clouds: {{my: {{auth: {}", "{auth: ".repeat(50_000));
    for yaml in [
        "clouds: {my: {auth: {password: s3cret",
        "clouds:\n  my:\n    auth: s3cret\n",
        "clouds:\n  my:\n    auth: [s3cret]\n",
        "clouds:\n  my:\n    auth:\n      password: [s3cret]\n",
        "clouds:\n  my:\n    auth:\n      password: {a: s3cret}\n",
        "clouds:\n  my:\n    auth:\n      password: s3cret\n\tusername: demo\n",
        "clouds:\n  my:\n    auth:\n      password: s3cret\n      password: s3cret\n",
        "clouds: s3cret",
        "- s3cret",
        "s3cret",
        "password: *s3cret",
        &deep,
    ] {
        let error = failed(cloud(yaml));
        assert_eq!(error.kind(), ErrorKind::Invalid);
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("s3cret"), "{shown}");
        assert!(shown.contains("line "), "{yaml:.60}: {shown}");
    }
}

#[test]
fn an_alias_bomb_does_not_go_off() {
    let mut yaml = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for i in 1..12 {
        let inner = format!("*a{}", i - 1);
        let list = vec![inner; 10].join(", ");
        yaml.push_str(&format!("a{i}: &a{i} [{list}]\n"));
    }
    yaml.push_str("clouds: {my: {}}\n");
    assert_eq!(failed(cloud(&yaml)).kind(), ErrorKind::Invalid);
}

#[test]
fn secure_yaml_goes_first() {
    let secure = source("clouds: {my: {auth: {password: better}}, more: {auth: {password: no}}}");
    let values = choose("my", &source(USUAL), Some(&secure)).expect("a cloud");
    assert_eq!(values.text(Setting::Password), Some("better"));
    assert_eq!(values.text(Setting::Username), Some("demo"));
    let broken = source("clouds: [");
    assert!(choose("my", &source(USUAL), Some(&broken)).is_err());
}

#[test]
fn a_vendor_profile_is_missed_only_when_it_is_needed() {
    let values = cloud("clouds: {my: {profile: vexxhost, auth: {username: demo}}}");
    let text = failed(values.expect("a cloud").keystone()).to_string();
    assert!(text.contains("vendor profiles such as \"vexxhost\" are not read yet"), "{text}");
    let yaml = USUAL.replace("    auth:", "    profile: vexxhost\n    auth:");
    cloud(&yaml).expect("a cloud").keystone().expect("complete");
}

#[test]
fn a_file_that_is_nowhere_is_told_where_it_was_looked_for() {
    let nowhere = ["/nowhere/clouds.yaml", "/nowhere/clouds.yml"].map(PathBuf::from);
    let error = failed(read_first("my", &nowhere));
    assert_eq!(error.kind(), ErrorKind::Invalid);
    let text = error.to_string();
    assert!(text.contains("\"my\""), "{text}");
    assert!(text.contains("/nowhere/clouds.yaml, /nowhere/clouds.yml"), "{text}");
}

#[test]
fn the_file_is_looked_for_where_openstack_keeps_it() {
    let shown = |set: &[(&str, &str)]| {
        let env = |name: &str| {
            let (_, text) = set.iter().find(|(known, _)| *known == name)?;
            Some((*text).to_owned())
        };
        let places = places(&env);
        let places: Vec<_> = places.iter().map(|p| p.display().to_string()).collect();
        places.join(" ")
    };
    assert_eq!(
        shown(&[("OS_CLIENT_CONFIG_FILE", "/x/c.yaml"), ("HOME", "/home/me")]),
        "/x/c.yaml ./clouds.yaml ./clouds.yml /home/me/.config/openstack/clouds.yaml \
         /home/me/.config/openstack/clouds.yml /etc/openstack/clouds.yaml \
         /etc/openstack/clouds.yml"
    );
    assert_eq!(
        shown(&[("XDG_CONFIG_HOME", "/xdg"), ("HOME", "/home/me"), ("OS_CLIENT_CONFIG_FILE", "")]),
        "./clouds.yaml ./clouds.yml /xdg/openstack/clouds.yaml /xdg/openstack/clouds.yml \
         /etc/openstack/clouds.yaml /etc/openstack/clouds.yml"
    );
}
