use super::*;
use crate::provider::dialect::by_hand::failed;
use crate::provider::dialect::config::{Folder, vars};
use crate::provider::openstack::login::keystone;

const FILE: &str = "/home/me/clouds.yaml";

fn source(text: &str) -> Source {
    Source::of(FILE.into(), text)
}

fn cloud(text: &str) -> Result<Values> {
    Files::of(Some(&source(text)), None, None)?.cloud("my")
}

fn with_vendors(text: &str, vendors: &str) -> Result<Values> {
    let vendors = Source::of("/home/me/clouds-public.yaml".into(), vendors);
    Files::of(Some(&source(text)), None, Some(&vendors))?.cloud("my")
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
cache: {class: dogpile.cache.memory, expiration: {server: 5}}
client: {force_ipv4: true}
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
    keystone(&values).expect("complete");
}

#[test]
fn what_looks_like_a_number_keeps_its_text() {
    for text in ["12345", "007", "1e3", "0x1F", "1_000", "true", "no", "3.10", ".5", "-1"] {
        let yaml = format!("clouds: {{my: {{auth: {{password: {text}, username: {text}}}}}}}");
        let values = cloud(&yaml).expect("a cloud");
        assert_eq!(values.text(Setting::Password), Some(text));
        assert_eq!(values.text(Setting::Username), Some(text));
    }
    let numbered = source("clouds: {1: {region_name: 2}, 3: {regions: [4, 5]}}");
    let region = |cloud| {
        let files = Files::of(Some(&numbered), None, None).expect("clouds");
        files.cloud(cloud).expect("a cloud").region().map(str::to_owned)
    };
    assert_eq!(region("1").as_deref(), Some("2"));
    assert_eq!(region("3").as_deref(), Some("4"));
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
fn keys_may_be_written_with_hyphens() {
    let values = cloud("clouds: {my: {region-name: north, auth: {auth-url: 'http://h'}}}");
    let values = values.expect("a cloud");
    assert_eq!(values.text(Setting::Region), Some("north"));
    assert_eq!(values.text(Setting::AuthUrl), Some("http://h"));
}

#[test]
fn nothing_counts_as_not_set() {
    let yaml =
        "clouds: {my: {auth: {password: , username: ~, project_name: ''}, region_name: null}}";
    let values = cloud(yaml).expect("a cloud");
    for setting in Setting::all() {
        assert_eq!(values.text(setting), None, "{setting:?}");
    }
    for yaml in ["clouds: {my: }", "clouds: {my: {}}", "clouds: {my: {auth: }}"] {
        let error = failed(keystone(&cloud(yaml).expect("a cloud")));
        let text = error.to_string();
        assert!(text.contains("auth.auth_url") && text.contains("\"my\""), "{text}");
        assert!(text.contains(FILE), "{text}");
    }
}

#[test]
fn below_auth_wins_but_for_what_openstacksdk_reads_beside_it_first() {
    let yaml = "clouds: {my: {username: beside, password: p, project_name: beside,
        auth: {username: inside, project_name: inside}}}";
    let values = cloud(yaml).expect("a cloud");
    assert_eq!(values.text(Setting::Username), Some("inside"));
    assert_eq!(values.text(Setting::Password), Some("p"));
    assert_eq!(values.text(Setting::ProjectName), Some("beside"));
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
        assert!(text.contains(FILE), "{text}");
    }
}

#[test]
fn what_is_wrong_with_a_file_is_told_by_line_and_key_without_quoting_a_secret() {
    let deep = format!("clouds: {{my: {{auth: {}", "{auth: ".repeat(50_000));
    for (yaml, why) in [
        ("clouds: {my: {auth: {password: s3cret", "that is no YAML"),
        ("clouds:\n  my:\n    auth: s3cret\n", "clouds.my.auth has to be a mapping of what the"),
        ("clouds:\n  my:\n    auth: [s3cret]\n", "clouds.my.auth has to be a mapping"),
        (
            "clouds:\n  my:\n    auth:\n      password: [s3cret]\n",
            "line 4, column 17: clouds.my.auth.password has to be one text",
        ),
        ("clouds: {my: {auth: {password: {a: s3cret}}}}", "my.auth.password has to be one text"),
        (
            "clouds:\n  my:\n    auth:\n      password: s3cret\n\tusername: demo\n",
            "indent with spaces",
        ),
        (
            "clouds:\n  my:\n    auth:\n      password: s3cret\n      password: s3cret\n",
            "line 5, column 7: a key of clouds.my.auth is there twice",
        ),
        ("clouds: {my: {regions: {name: s3cret}, regions: []}}", "a key of clouds.my is there"),
        ("clouds: {my: {regions: [{values: {}}]}}", "clouds.my.regions has to be names of regions"),
        ("clouds: {my: {regions: [{name: a, auth: {}}]}}", "has to be a mapping of `name` and"),
        ("clouds: {my: s3cret}", "clouds.my has to be a mapping of settings"),
        ("clouds: [my]", "clouds has to be a mapping of clouds by their names"),
        ("clouds: s3cret", "clouds has to be a mapping of clouds by their names"),
        ("- s3cret", "the whole has to be a mapping that begins with `clouds:`"),
        ("s3cret", "the whole has to be a mapping that begins with `clouds:`"),
        ("password: *s3cret", "line 1"),
        ("clouds: {}\n---\nclouds: {my: {auth: s3cret}}\n", "a second document begins"),
        (&deep, "line 1"),
    ] {
        let error = failed(cloud(yaml));
        assert_eq!(error.kind(), ErrorKind::Invalid);
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("s3cret"), "{shown}");
        assert!(shown.contains("line ") && shown.contains(FILE), "{yaml:.60}: {shown}");
        assert!(error.to_string().contains(why), "{yaml:.60}: {error}");
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
fn secure_yaml_is_laid_over_and_does_for_a_cloud_of_its_own() {
    let secure = Source::of(
        "/home/me/secure.yaml".into(),
        "clouds: {my: {auth: {password: better}, interface: sideways}, more: {region_name: x}}",
    );
    let files = || Files::of(Some(&source(USUAL)), Some(&secure), None).expect("clouds");
    let values = files().cloud("my").expect("a cloud");
    assert_eq!(values.text(Setting::Password), Some("better"));
    assert_eq!(values.text(Setting::Username), Some("demo"));
    let text = failed(keystone(&values)).to_string();
    assert!(text.starts_with("interface of cloud \"my\" in /home/me/secure.yaml: "), "{text}");
    assert_eq!(files().cloud("more").expect("a cloud").region(), Some("x"));

    let alone = Files::of(None, Some(&secure), None).expect("clouds");
    assert_eq!(alone.cloud("my").expect("a cloud").text(Setting::Password), Some("better"));
    let broken = source("clouds: [");
    assert!(Files::of(Some(&source(USUAL)), Some(&broken), None).is_err());
}

#[test]
fn a_cloud_is_laid_over_the_profile_that_it_names() {
    let vendors =
        "public-clouds: {acme: {auth: {auth_url: 'https://{region_name}.acme.example:5000',
        user_domain_name: Customers}, regions: [east, west], interface: internal, profile: no}}";
    for key in ["profile", "cloud"] {
        let yaml = format!(
            "clouds: {{my: {{{key}: acme, auth: {{username: demo, password: p, project_name: w}},
                interface: public}}}}"
        );
        let values = with_vendors(&yaml, vendors).expect("a cloud");
        assert_eq!(values.text(Setting::UserDomainName), Some("Customers"));
        assert_eq!(values.text(Setting::Interface), Some("public"));
        assert_eq!(values.region(), Some("east"), "the first that the profile lists");
        assert_eq!(keystone(&values).expect("complete").url, "https://east.acme.example:5000/v3");
    }
    // The vendor may have opened a region since.
    let newer = "clouds: {my: {profile: acme, region_name: north}}";
    assert_eq!(with_vendors(newer, vendors).expect("a cloud").region(), Some("north"));
    let values = with_vendors(newer, &vendors.replace("internal", "sideways")).expect("a cloud");
    let place = values.place(Setting::Interface);
    assert_eq!(place, "interface of profile \"acme\" in /home/me/clouds-public.yaml");
}

#[test]
fn a_profile_is_missed_only_when_it_is_needed() {
    let yaml = "clouds: {my: {profile: vexxhost, auth: {username: demo}}}";
    let error = failed(cloud(yaml));
    assert_eq!(error.kind(), ErrorKind::Invalid);
    let text = error.to_string();
    assert!(text.starts_with("profile of cloud \"my\" in /home/me/clouds.yaml names \"vexxhost\""));
    assert!(text.contains("write auth.auth_url") && text.contains("there are: none"), "{text}");
    let text = failed(with_vendors(yaml, "public-clouds: {acme: {}, zeta: {}}")).to_string();
    assert!(text.contains("clouds-public.yaml; there are: acme, zeta"), "{text}");

    let error = failed(cloud("clouds: {my: {profile: 'https://me:s3cret@acme.example/x'}}"));
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    let text = error.to_string();
    assert!(text.contains("https://acme.example/.well-known/openstack/api"), "{text}");
    assert!(!text.contains("s3cret"), "{text}");

    let yaml = USUAL.replace("    auth:", "    profile: vexxhost\n    auth:");
    keystone(&cloud(&yaml).expect("a cloud")).expect("complete");
}

#[test]
fn a_region_has_values_of_its_own() {
    let yaml = "clouds: {my: {auth: {auth_url: 'http://h', username: demo, password: p,
        project_name: web}, interface: public, regions: [north, {name: south, values: {
        interface: internal, auth: {project_name: 'web-south'}}}, {name: odd, values: {
        interface: sideways}}]}}";
    let at = |region: Option<&str>| {
        let mut values = cloud(yaml).expect("a cloud");
        if let Some(region) = region {
            values.set(Setting::Region, region);
        }
        values
    };
    let shown = |values: &Values| {
        let text = |setting| values.text(setting).map(str::to_owned);
        (values.region().map(str::to_owned), text(Setting::Interface), text(Setting::ProjectName))
    };
    let of = |texts: [&str; 3]| {
        let [region, interface, project] = texts.map(|text| Some(text.to_owned()));
        (region, interface, project)
    };
    assert_eq!(shown(&at(None)), of(["north", "public", "web"]));
    assert_eq!(shown(&at(Some("south"))), of(["south", "internal", "web-south"]));
    let mut own = at(Some("south"));
    own.set(Setting::Interface, "admin");
    assert_eq!(shown(&own), of(["south", "admin", "web-south"]), "code has the last word");

    let text = failed(keystone(&at(Some("odd")))).to_string();
    assert!(text.starts_with("interface of region \"odd\" of cloud \"my\" in /home"), "{text}");
    let text = failed(keystone(&at(Some("west")))).to_string();
    assert!(text.contains("\"west\"") && text.ends_with("north, south, odd"), "{text}");
}

#[test]
fn several_names_of_regions_are_a_list_of_them() {
    for yaml in ["region_name: 'a, b'", "region_name: [a, b]", "regions: [a, b]"] {
        let values = cloud(&format!("clouds: {{my: {{{yaml}}}}}")).expect("a cloud");
        assert_eq!(values.region(), Some("a"), "{yaml}");
        assert_eq!(values.text(Setting::Region), None, "{yaml}");
    }
}

#[test]
fn a_file_that_is_nowhere_is_told_where_it_was_looked_for() {
    let folder = Folder::new("nowhere");
    let home = folder.0.display().to_string();
    let env = vars(&[("HOME", home.as_str()), ("XDG_CONFIG_DIRS", "/nowhere")]);
    let error = failed(Files::find(&env).expect("nothing").cloud("my"));
    assert_eq!(error.kind(), ErrorKind::Invalid);
    let text = error.to_string();
    assert!(text.contains("\"my\"") && text.contains("./clouds.yaml, ./clouds.yml"), "{text}");
    assert!(text.contains("/nowhere/openstack/clouds.json"), "{text}");
}

#[test]
fn files_are_found_apart_and_the_nearest_of_each_kind_counts() {
    let folder = Folder::new("places");
    let site = folder.0.join("site/openstack");
    let config = folder.0.join("config/openstack");
    std::fs::create_dir_all(&site).expect("a folder");
    std::fs::create_dir_all(&config).expect("a folder");
    let write = |path: &Path, text: &str| std::fs::write(path, text).expect("a file");
    write(
        &site.join("clouds.json"),
        "{\n\t\"clouds\": {\"my\": {\"profile\": \"acme\",\n\t\
        \"region_name\": 1, \"verify\": false}}\n}",
    );
    write(&site.join("secure.yaml"), "clouds: {my: {auth: {password: far}}}");
    write(&config.join("secure.yml"), "\u{feff}clouds: {my: {auth: {password: near}}}");
    write(&config.join("clouds-public.yaml"), "public-clouds: {acme: {auth: {auth_url: u}}}");
    let [site_dir, config_dir] = ["site", "config"].map(|n| folder.0.join(n).display().to_string());
    let set = [("XDG_CONFIG_HOME", config_dir.as_str()), ("XDG_CONFIG_DIRS", &site_dir)];
    let find = |more: &[(&str, &str)]| Files::find(&vars(&[&set[..], more].concat()));
    let values = find(&[]).expect("files").cloud("my").expect("a cloud");
    assert_eq!(values.text(Setting::Password), Some("near"));
    assert_eq!(values.text(Setting::AuthUrl), Some("u"));
    assert_eq!(values.region(), Some("1"));
    assert!(values.is_insecure().expect("a flag"));

    let named = folder.file("mine.yaml", "clouds: {my: {auth: {password: named}}}");
    let values = find(&[("OS_CLIENT_SECURE_FILE", &named)]).expect("files").cloud("my");
    assert_eq!(values.expect("a cloud").text(Setting::Password), Some("named"));
    // What lies beside a file that is named belongs to it.
    folder.file("secure.yaml", "clouds: {my: {auth: {password: beside}}}");
    let values = find(&[("OS_CLIENT_CONFIG_FILE", &named)]).expect("files").cloud("my");
    assert_eq!(values.expect("a cloud").text(Setting::Password), Some("beside"));

    for variable in ["OS_CLIENT_CONFIG_FILE", "OS_CLIENT_SECURE_FILE", "OS_CLIENT_VENDOR_FILE"] {
        let text = failed(find(&[(variable, "/nowhere/x.yaml")])).to_string();
        assert!(text.starts_with(&format!("{variable} names /nowhere/x.yaml")), "{text}");
    }
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let folder = Folder::new("unread");
    let huge = folder.file("huge.yaml", vec![b' '; 5 << 20]);
    let latin = folder.file("latin.yaml", b"clouds:\n  m\xfcller: {}\n");
    let itself = folder.0.display().to_string();
    for (file, why) in [
        (&huge, "is larger than 4 MiB"),
        (&latin, "is not valid UTF-8 at line 2"),
        (&itself, "cannot be read"),
    ] {
        let error = failed(Files::find(&vars(&[("OS_CLIENT_CONFIG_FILE", file)])));
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().starts_with(&format!("{file} {why}")), "{error}");
    }
}

#[test]
fn clouds_are_listed_without_secrets() {
    let yaml = "clouds: {my: {profile: acme, auth: {password: s3cret}}, your: {region_name: x,
        auth: {auth_url: 'http://me:s3cret@h/v3'}}, empty: }";
    let vendors = Source::of(
        "v.yaml".into(),
        "public-clouds: {acme: {auth: {auth_url: 'https://acme'}, regions: [a, b]}}",
    );
    let files = Files::of(Some(&source(yaml)), None, Some(&vendors)).expect("clouds");
    let entry = |name: &str, address: Option<&str>, region: Option<&str>| CloudEntry {
        name: name.into(),
        address: address.map(str::to_owned),
        region: region.map(str::to_owned),
        source: FILE.into(),
    };
    assert_eq!(
        files.entries(),
        [
            entry("empty", None, None),
            entry("my", Some("https://acme"), Some("a")),
            entry("your", Some("h/v3"), Some("x")),
        ]
    );
}
