use super::*;
use crate::error::ErrorKind;
use crate::provider::dialect::by_hand::failed;
use crate::provider::dialect::config::{Folder, PEM, vars};

const LOGIN: [(&str, &str); 5] = [
    ("OS_AUTH_URL", "http://h:5000"),
    ("OS_USERNAME", "demo"),
    ("OS_PASSWORD", "s3cret"),
    ("OS_PROJECT_NAME", "web"),
    ("OS_REGION_NAME", "north"),
];

fn provider(config: Config) -> Result<Provider> {
    config.try_into()
}

#[test]
fn a_configuration_of_code_becomes_a_provider() {
    let config = Config::password("http://h:5000", "demo", "s3cret")
        .project("web")
        .domain("Ops")
        .region("north")
        .interface("internal")
        .ca_pem(PEM)
        .insecure(true);
    let provider = provider(config).expect("a provider");
    assert_eq!(provider.name, "openstack");
    assert_eq!(provider.region.as_deref(), Some("north"));
    assert!(provider.compute.is_some());
    assert!(provider.native.downcast_ref::<OpenStack>().is_some());
    assert!(provider.trust.insecure);
    assert_eq!(provider.trust.roots, PEM.as_bytes());
    let login = provider.auth.login().expect("a login").call().request;
    let sent: serde_json::Value =
        serde_json::from_slice(login.body.bytes().expect("bytes")).expect("JSON");
    let domain = serde_json::json!({"name": "Ops"});
    assert_eq!(sent.pointer("/auth/identity/password/user/domain"), Some(&domain));
    assert_eq!(sent.pointer("/auth/scope/project/domain"), Some(&domain));
}

#[test]
fn the_last_word_counts_whether_id_or_name() {
    let sent = |config: Config| -> serde_json::Value {
        let provider = provider(config).expect("a provider");
        let login = provider.auth.login().expect("a login").call().request;
        serde_json::from_slice(login.body.bytes().expect("bytes")).expect("JSON")
    };
    let config = || Config::password("http://h", "demo", "s3cret");
    let scope = &sent(config().project_id("p1").project("web"))["auth"]["scope"];
    assert_eq!(scope["project"]["name"], "web");
    let scope = &sent(config().project("web").project_id("p1"))["auth"]["scope"];
    assert_eq!(scope["project"]["id"], "p1");
    let scope = &sent(config().project("web").scope_domain("ops"))["auth"]["scope"];
    assert_eq!(scope["domain"]["name"], "ops");
    let user = &sent(config().project("web").user_domain_id("d1").domain("Ops"))["auth"]["identity"]
        ["password"]["user"];
    assert_eq!(user["domain"], serde_json::json!({"name": "Ops"}));
    let user = &sent(config().project("web").user_id("u1"))["auth"]["identity"]["password"];
    assert_eq!(user["user"]["id"], "u1");
    let credential = &sent(Config::application_credential("http://h", "c1", "s3cret"))["auth"];
    assert_eq!(credential["identity"]["application_credential"]["id"], "c1");
}

#[test]
fn what_code_leaves_out_or_gets_wrong_comes_out_when_it_is_opened() {
    let config = || Config::password("http://h", "demo", "s3cret").project("web");
    for (config, part) in [
        (Config::password("http://h", "demo", "s3cret"), "project_name"),
        (Config::password("", "demo", "s3cret").project("web"), "auth_url"),
        (Config::password("http://h", "", "").project("web"), "password"),
        (Config::password("http://h/v2.0", "demo", "s").project("web"), "v2"),
        (Config::application_credential("http://h", "c1", ""), "secret"),
        (config().interface("privat"), "privat"),
        (config().ca_pem("no certificate"), "ca_pem"),
    ] {
        let error = failed(provider(config));
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().contains(part), "{error}");
    }
}

#[test]
fn the_environment_is_read() {
    let provider = provider(Config::from_vars(&vars(&LOGIN)).expect("complete"));
    assert_eq!(provider.expect("a provider").region.as_deref(), Some("north"));
    let empty = failed(Config::from_vars(&vars(&[("OS_CLOUD", "")])));
    assert!(empty.to_string().starts_with("set OS_AUTH_URL"), "{empty}");
}

#[test]
fn the_certificates_that_a_variable_names_are_read() {
    let folder = Folder::new("ca");
    let with = |path: &str| {
        let mut set = LOGIN.to_vec();
        let home = folder.0.display().to_string();
        set.extend([("OS_CACERT", path), ("HOME", &home)]);
        Config::from_vars(&vars(&set))
    };
    let file = folder.file("ca.pem", PEM);
    for path in [file.as_str(), "~/ca.pem"] {
        let provider = provider(with(path).expect("complete")).expect("a provider");
        assert_eq!(provider.trust.roots, PEM.as_bytes());
        assert_eq!(provider.trust.origin.as_deref(), Some(file.as_str()));
    }

    let missing = folder.0.join("missing.pem").display().to_string();
    let folder_itself = folder.0.display().to_string();
    let key = folder.file("key.pem", "-----BEGIN PRIVATE KEY-----\n");
    let empty = folder.file("empty.pem", "");
    for path in [missing, folder_itself, key, empty] {
        let error = failed(with(&path));
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().contains(&path), "{error}");
    }
}

#[test]
fn a_client_certificate_is_read_from_two_files_or_from_one() {
    let folder = Folder::new("identity");
    let (cert, key) = (folder.file("me.pem", PEM), folder.file("me.key", "s3cret"));
    let with = |more: &[(&str, &str)]| Config::from_vars(&vars(&[&LOGIN[..], more].concat()));
    let shown = |set: &[(&str, &str)]| {
        let provider = provider(with(set).expect("complete")).expect("a provider");
        let identity = provider.trust.identity.expect("a certificate");
        assert_eq!(identity.certificate.text.as_slice(), PEM.as_bytes());
        (identity.certificate.place, identity.key.place)
    };
    let both = [("OS_CERT", cert.as_str()), ("OS_KEY", &key)];
    assert_eq!(shown(&both), (cert.clone(), key.clone()));
    assert_eq!(shown(&both[..1]), (cert.clone(), cert.clone()));

    let clouds = format!(
        "clouds: {{my: {{auth: {{auth_url: 'http://h', username: demo, password: p, \
         project_name: web}}, cert: '{cert}', key: '{key}'}}}}"
    );
    let file = folder.file("clouds.yaml", clouds);
    let set = [("OS_CLIENT_CONFIG_FILE", file.as_str())];
    let provider = provider(Config::from_clouds("my", &vars(&set)).expect("complete"));
    let identity = provider.expect("a provider").trust.identity.expect("a certificate");
    assert_eq!(identity.key.text.as_slice(), b"s3cret");
    assert!(!format!("{:?}", with(&both)).contains("s3cret"));

    let missing = folder.0.join("missing.pem").display().to_string();
    for (set, part) in [
        (&[("OS_KEY", key.as_str())][..], "OS_KEY is set and OS_CERT is not"),
        (&[("OS_CERT", &missing)], "OS_CERT names "),
        (&[("OS_CERT", &cert), ("OS_KEY", &missing)], "OS_KEY names "),
    ] {
        let error = failed(with(set));
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().contains(part), "{error}");
    }
}

#[test]
fn os_cloud_leads_to_clouds_yaml_and_the_secure_file_beside_it() {
    let folder = Folder::new("clouds");
    let clouds = "clouds: {my: {auth: {auth_url: 'http://h', username: demo, project_name: web},
        region_name: south}}";
    let file = folder.file("clouds.yaml", clouds);
    let set = [("OS_CLIENT_CONFIG_FILE", file.as_str()), ("OS_CLOUD", "my")];
    let error = failed(Config::from_vars(&vars(&set)));
    let text = error.to_string();
    assert!(text.contains("lacks auth.password") && text.contains(&file), "{text}");

    folder.file("secure.yaml", "clouds: {my: {auth: {password: 12345}}}");
    let config = Config::from_vars(&vars(&set)).expect("complete");
    let provider = provider(config).expect("a provider");
    assert_eq!(provider.region.as_deref(), Some("south"));
    let login = provider.auth.login().expect("a login").call().request;
    let body = String::from_utf8_lossy(login.body.bytes().expect("bytes"));
    assert!(body.contains(r#""password":"12345""#));

    let error = failed(Config::from_clouds("your", &vars(&set)));
    assert!(error.to_string().contains("there are: my"), "{error}");
}

#[test]
fn debug_shows_no_secret() {
    let config = Config::password("http://a:s3cret@h", "demo", "s3cret").ca_pem("s3cret");
    let shown = format!("{config:?}");
    assert!(shown.contains("demo"), "{shown}");
    assert!(!shown.contains("s3cret"), "{shown}");
}

const TWO: &str = "clouds:
  my: {auth: {auth_url: 'http://h', username: demo, password: p, project_name: web},
    regions: [north, {name: south, values: {auth: {project_name: web-south}}}]}
  your: {auth: {auth_url: 'https://other'}, region_name: west}
";

#[test]
fn the_environment_chooses_a_cloud_and_its_region_and_is_one_itself() {
    let folder = Folder::new("choice");
    let file = folder.file("clouds.yaml", TWO);
    let with = |more: &[(&str, &str)]| {
        let files = [("OS_CLIENT_CONFIG_FILE", file.as_str())];
        Config::from_vars(&vars(&[&files[..], more].concat()))
    };
    let region =
        |more: &[(&str, &str)]| provider(with(more).expect("complete")).expect("fine").region;
    let my = ("OS_CLOUD", "my");
    assert_eq!(region(&[my]).as_deref(), Some("north"));
    assert_eq!(region(&[my, ("OS_REGION_NAME", "south")]).as_deref(), Some("south"));
    let text = failed(with(&[my, ("OS_REGION_NAME", "west")])).to_string();
    assert!(text.contains("\"west\"") && text.ends_with("north, south"), "{text}");
    // What else is in the environment is another account.
    let debug = format!("{:?}", with(&[&[my], &LOGIN[..]].concat()).expect("complete"));
    assert!(debug.contains("\"http://h\"") && !debug.contains("5000"), "{debug}");

    for name in [("OS_CLOUD", "envvars"), ("OS_CLOUD_NAME", "mine")] {
        let more = [&[name, ("OS_CLOUD", name.1)], &LOGIN[..]].concat();
        assert!(format!("{:?}", with(&more).expect("complete")).contains("http://h:5000"));
    }
    let env = vars(&[&LOGIN[..], &[("OS_CLIENT_CONFIG_FILE", file.as_str())]].concat());
    assert!(Config::from_clouds("envvars", &env).is_ok());

    let text = failed(with(&[])).to_string();
    assert_eq!(text, "several clouds are configured; set OS_CLOUD to one of: my, your");
    folder.file("clouds.yaml", &TWO[..TWO.find("  your").expect("two")]);
    assert_eq!(region(&[("OS_REGION_NAME", "south")]).as_deref(), Some("south"), "the only one");
}

#[test]
fn what_is_configured_is_listed_with_the_environment() {
    let folder = Folder::new("listed");
    let file = folder.file("clouds.yaml", TWO);
    let listed = |more: &[(&str, &str)]| {
        let files = [("OS_CLIENT_CONFIG_FILE", file.as_str())];
        let entries = Config::listed(&vars(&[&files[..], more].concat())).expect("a list");
        let show = |entry: CloudEntry| {
            let CloudEntry { name, address, region, source } = entry;
            let source = if source == file { "file" } else { &source };
            format!(
                "{name} {} {} {source}",
                address.unwrap_or_default(),
                region.unwrap_or_default()
            )
        };
        entries.into_iter().map(show).collect::<Vec<_>>()
    };
    let files = ["my http://h north file", "your https://other west file"];
    assert_eq!(listed(&[]), files);
    let login = [&LOGIN[1..], &[("OS_AUTH_URL", "http://me:s3cret@h:5000")]].concat();
    let all = [&files[..], &["envvars h:5000 north the environment"]].concat();
    assert_eq!(listed(&login), all);
}

#[test]
fn code_may_log_in_to_other_things_and_ask_elsewhere() {
    let sent = |config: Config| -> serde_json::Value {
        let provider = provider(config).expect("a provider");
        let login = provider.auth.login().expect("a login").call().request;
        serde_json::from_slice(login.body.bytes().expect("bytes")).expect("JSON")
    };
    let config = || Config::password("http://h", "demo", "s3cret").project("web");
    assert_eq!(sent(config().unscoped())["auth"]["scope"], "unscoped");
    let scope = &sent(config().scope_system().scope_trust("t1"))["auth"]["scope"];
    assert_eq!(*scope, serde_json::json!({"OS-TRUST:trust": {"id": "t1"}}));
    let scope = &sent(config().scope_trust("t1").scope_system())["auth"]["scope"];
    assert_eq!(*scope, serde_json::json!({"system": {"all": true}}));
    let token = &sent(Config::token("http://h", "mine").project("web"))["auth"]["identity"];
    assert_eq!(token["token"]["id"], "mine");

    let text = failed(config().endpoint("computer", "http://h")).to_string();
    assert!(text.contains("\"computer\"") && text.contains("compute, dns"), "{text}");
    let elsewhere = config().endpoint("compute", "h:8774").expect("a service");
    assert_eq!(failed(provider(elsewhere)).kind(), ErrorKind::Invalid);
    let odd = config().compute_microversion("newest");
    assert!(failed(provider(odd)).to_string().contains("\"newest\""));
}

#[test]
fn drivers_share_a_login_only_if_it_gives_both_the_same() {
    let account = |config: Config| provider(config).expect("a provider").auth.account();
    let config = || Config::password("http://h", "demo", "s3cret").project("web");
    let at = |url: &str| config().endpoint("compute", url).expect("a service");
    assert!(account(config()) == account(config()));
    assert!(account(config()) != account(at("http://a")));
    assert!(account(at("http://a")) != account(at("http://b")));
    assert!(account(config().compute_microversion("2.79")) == account(config()));
    assert!(account(config().compute_microversion("latest")).is_none());
}

#[test]
fn who_accepts_any_certificate_is_warned_with_the_host_and_without_a_secret() {
    use std::sync::{Mutex, MutexGuard, PoisonError};

    static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());
    struct Log(MutexGuard<'static, Vec<u8>>);
    impl std::io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let log = || Log(LOG.lock().unwrap_or_else(PoisonError::into_inner));
    let subscriber = tracing_subscriber::fmt().with_writer(log).with_ansi(false).finish();
    tracing::subscriber::with_default(subscriber, || {
        let config = || Config::password("https://cloud.example:5000", "demo", "s3cret");
        provider(config().project("web").insecure(false)).expect("a provider");
        assert!(log().0.is_empty());
        provider(config().project("web").insecure(true)).expect("a provider");
    });
    let text = String::from_utf8_lossy(&log().0).into_owned();
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(text.contains("WARN") && text.contains("cloud.example:5000"), "{text}");
    assert!(!text.contains("s3cret"), "{text}");
}
