use super::*;
use crate::provider::dialect::by_hand::failed;
use crate::provider::dialect::config::vars;

fn env(set: &[(&str, &str)]) -> Values {
    Values::of_environment(&vars(set))
}

/// The login as Keystone would get it.
fn login(set: &[(&str, &str)]) -> serde_json::Value {
    use crate::call::Auth;

    let keystone = keystone(&env(set)).expect("complete");
    let call = keystone.login().expect("a login").call();
    serde_json::from_slice(call.request.body.bytes().expect("bytes")).expect("JSON")
}

fn refused(set: &[(&str, &str)]) -> Error {
    failed(keystone(&env(set)))
}

const URL: (&str, &str) = ("OS_AUTH_URL", "http://h:5000/v3");
const USER: (&str, &str) = ("OS_USERNAME", "demo");
const PASSWORD: (&str, &str) = ("OS_PASSWORD", "s3cret");
const PROJECT: (&str, &str) = ("OS_PROJECT_NAME", "web");

#[test]
fn domains_are_default_unless_they_are_named() {
    let (user, project) = ("/auth/identity/password/user/domain", "/auth/scope/project/domain");
    for (more, of_user, of_project) in [
        (&[][..], r#"{"name":"Default"}"#, r#"{"name":"Default"}"#),
        (&[("OS_USER_DOMAIN_NAME", "u")], r#"{"name":"u"}"#, r#"{"name":"Default"}"#),
        (&[("OS_PROJECT_DOMAIN_ID", "p")], r#"{"name":"Default"}"#, r#"{"id":"p"}"#),
        (&[("OS_DEFAULT_DOMAIN", "d")], r#"{"id":"d"}"#, r#"{"id":"d"}"#),
        (&[("OS_DOMAIN_NAME", "both")], r#"{"name":"both"}"#, r#"{"name":"both"}"#),
        (
            &[("OS_DOMAIN_ID", "both"), ("OS_USER_DOMAIN_NAME", "u"), ("OS_DEFAULT_DOMAIN", "d")],
            r#"{"name":"u"}"#,
            r#"{"id":"both"}"#,
        ),
        (
            &[("OS_USER_DOMAIN_ID", "i"), ("OS_USER_DOMAIN_NAME", "n")],
            r#"{"id":"i"}"#,
            r#"{"name":"Default"}"#,
        ),
    ] {
        let sent = login(&[&[URL, USER, PASSWORD, PROJECT], more].concat());
        let shown = |path| sent.pointer(path).expect("a domain").to_string();
        assert_eq!((shown(user).as_str(), shown(project).as_str()), (of_user, of_project));
    }
}

#[test]
fn ids_win_over_names_and_tenants_are_projects() {
    let sent =
        login(&[URL, USER, ("OS_USER_ID", "u1"), PASSWORD, PROJECT, ("OS_PROJECT_ID", "p1")]);
    let expected = serde_json::json!({"id": "u1", "password": "s3cret"});
    assert_eq!(sent["auth"]["identity"]["password"]["user"], expected);
    let expected = serde_json::json!({"project": {"id": "p1"}});
    assert_eq!(sent["auth"]["scope"], expected);

    let sent = login(&[URL, USER, PASSWORD, ("OS_TENANT_ID", "t1")]);
    assert_eq!(sent["auth"]["scope"], serde_json::json!({"project": {"id": "t1"}}));
    let sent = login(&[URL, USER, PASSWORD, ("OS_TENANT_NAME", "t")]);
    assert_eq!(sent["auth"]["scope"]["project"]["name"], "t");
}

#[test]
fn without_a_project_a_domain_is_the_scope() {
    let sent = login(&[URL, USER, PASSWORD, ("OS_DOMAIN_NAME", "ops")]);
    assert_eq!(sent["auth"]["scope"], serde_json::json!({"domain": {"name": "ops"}}));
    let user = &sent["auth"]["identity"]["password"]["user"];
    assert_eq!(user["domain"], serde_json::json!({"name": "Default"}));
}

#[test]
fn application_credentials_are_known_by_what_is_set() {
    let id = ("OS_APPLICATION_CREDENTIAL_ID", "c1");
    let secret = ("OS_APPLICATION_CREDENTIAL_SECRET", "s3cret");
    let sent = login(&[URL, id, secret, PROJECT]);
    assert_eq!(sent["auth"]["identity"]["methods"][0], "application_credential");
    assert!(sent["auth"].get("scope").is_none());

    let name = ("OS_APPLICATION_CREDENTIAL_NAME", "ci");
    let sent = login(&[URL, name, secret, USER]);
    let credential = &sent["auth"]["identity"]["application_credential"];
    assert_eq!(credential["name"], "ci");
    assert_eq!(credential["user"]["name"], "demo");

    // What is asked for by name goes first.
    let method = ("OS_AUTH_TYPE", "v3password");
    let sent = login(&[URL, id, secret, USER, PASSWORD, PROJECT, method]);
    assert_eq!(sent["auth"]["identity"]["methods"][0], "password");
}

#[test]
fn what_is_missing_is_named_and_nothing_else() {
    let credential = ("OS_APPLICATION_CREDENTIAL_ID", "c1");
    let secret = ("OS_APPLICATION_CREDENTIAL_SECRET", "s3cret");
    let named = ("OS_APPLICATION_CREDENTIAL_NAME", "ci");
    let empty = ("OS_PASSWORD", "");
    for (set, missing) in [
        (
            &[][..],
            "set OS_AUTH_URL, OS_USERNAME or OS_USER_ID, OS_PASSWORD, OS_PROJECT_NAME or \
             OS_PROJECT_ID in the environment, or OS_CLOUD to use clouds.yaml",
        ),
        (
            &[USER, PASSWORD, PROJECT],
            "set OS_AUTH_URL in the environment, or OS_CLOUD to use clouds.yaml",
        ),
        (&[URL, USER, PROJECT], "set OS_PASSWORD in the environment"),
        (&[URL, USER, PROJECT, empty], "set OS_PASSWORD in the environment"),
        (&[URL, PASSWORD, PROJECT], "set OS_USERNAME or OS_USER_ID in the environment"),
        (&[URL, USER, PASSWORD], "set OS_PROJECT_NAME or OS_PROJECT_ID in the environment"),
        (&[URL, credential], "set OS_APPLICATION_CREDENTIAL_SECRET in the environment"),
        (&[URL, secret], "set OS_APPLICATION_CREDENTIAL_ID in the environment"),
        (&[URL, named, secret], "set OS_USERNAME or OS_USER_ID in the environment"),
    ] {
        let error = refused(set);
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert_eq!(error.to_string(), missing);
    }
}

#[test]
fn other_ways_to_log_in_are_unsupported_and_named() {
    for method in ["v3oidcpassword", "none", "v2password", "v3totp", "v3multifactor"] {
        let error = refused(&[URL, USER, PASSWORD, PROJECT, ("OS_AUTH_TYPE", method)]);
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        let text = error.to_string();
        assert!(text.contains(method) && text.contains("OS_AUTH_TYPE"), "{text}");
    }
}

#[test]
fn keystone_v2_and_odd_interfaces_are_refused() {
    let login = [URL, USER, PASSWORD, PROJECT];
    for (name, text) in [("OS_INTERFACE", "secret"), ("OS_ENDPOINT_TYPE", "privateURL")] {
        let error = refused(&[&login[..], &[(name, text)]].concat());
        assert_eq!(error.kind(), ErrorKind::Invalid, "{name}={text}");
    }
    let version = ("OS_IDENTITY_API_VERSION", "3");
    let interface = ("OS_ENDPOINT_TYPE", "internalURL");
    let keystone = keystone(&env(&[&login[..], &[version, interface]].concat()));
    assert_eq!(keystone.expect("complete").interface, Interface::Internal);
}

#[test]
fn flags_are_read_in_several_spellings_and_no_others() {
    for (text, insecure) in [("1", true), ("True", true), ("yes", true), ("0", false), ("", false)]
    {
        let values = env(&[("OS_INSECURE", text)]);
        assert_eq!(values.is_insecure().expect("a flag"), insecure, "{text}");
    }
    let error = failed(env(&[("OS_INSECURE", "maybe")]).is_insecure());
    assert!(error.to_string().contains("OS_INSECURE"), "{error}");
}

#[test]
fn debug_shows_settings_and_no_secrets() {
    let url = ("OS_AUTH_URL", "http://demo:s3cret@h/v3");
    let secret = ("OS_APPLICATION_CREDENTIAL_SECRET", "s3cret");
    let shown = format!("{:?}", env(&[url, USER, PASSWORD, secret]));
    assert!(shown.contains("demo"), "{shown}");
    assert!(!shown.contains("s3cret"), "{shown}");
}

#[test]
fn no_two_settings_share_a_variable_or_a_key() {
    let variables = Setting::all().flat_map(Setting::variables);
    let keys = Setting::all().flat_map(Setting::keys);
    let mut names: Vec<_> = variables.chain(keys).collect();
    let all = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), all);
}

const TOKEN: (&str, &str) = ("OS_TOKEN", "gAAAA-made-up");

#[test]
fn a_login_is_for_what_is_set_and_for_one_thing_only() {
    let scope = |more: &[(&str, &str)]| {
        let sent = login(&[&[URL, USER, PASSWORD], more].concat());
        sent["auth"]["scope"].to_string()
    };
    assert_eq!(scope(&[("OS_SYSTEM_SCOPE", "all")]), r#"{"system":{"all":true}}"#);
    assert_eq!(scope(&[("OS_TRUST_ID", "t1")]), r#"{"OS-TRUST:trust":{"id":"t1"}}"#);
    assert_eq!(scope(&[("OS_DOMAIN_ID", "d1")]), r#"{"domain":{"id":"d1"}}"#);

    let some = refused(&[URL, USER, PASSWORD, ("OS_SYSTEM_SCOPE", "some")]);
    assert_eq!(
        some.to_string(),
        "OS_SYSTEM_SCOPE is \"some\"; there is only one system, write all"
    );
    let all = [PROJECT, ("OS_SYSTEM_SCOPE", "all"), ("OS_TRUST_ID", "t1"), ("OS_DOMAIN_ID", "d")];
    for (one, other) in [(0, 1), (0, 2), (1, 2), (3, 1), (3, 2)] {
        let error = refused(&[URL, USER, PASSWORD, all[one], all[other]]);
        assert_eq!(error.kind(), ErrorKind::Invalid);
        let text = error.to_string();
        assert!(text.contains(all[one].0) && text.contains(all[other].0), "{text}");
    }
}

#[test]
fn a_token_is_exchanged_for_a_scope_or_looked_at_as_it_is() {
    let sent = login(&[URL, TOKEN, PROJECT]);
    let expected = serde_json::json!({"methods": ["token"], "token": {"id": "gAAAA-made-up"}});
    assert_eq!(sent["auth"]["identity"], expected);
    assert_eq!(sent["auth"]["scope"]["project"]["name"], "web");
    // Who has a password as well has something that lasts.
    let sent = login(&[URL, TOKEN, USER, PASSWORD, PROJECT]);
    assert_eq!(sent["auth"]["identity"]["methods"][0], "password");
    let sent = login(&[URL, TOKEN, USER, PASSWORD, PROJECT, ("OS_AUTH_TYPE", "v3token")]);
    assert_eq!(sent["auth"]["identity"]["methods"][0], "token");

    use crate::call::Auth;
    let keystone = keystone(&env(&[URL, TOKEN])).expect("complete");
    let request = keystone.login().expect("a login").call().request;
    assert_eq!((request.method.as_str(), request.path.as_ref()), ("GET", "/auth/tokens"));
    assert!(keystone.account().is_none(), "it is not shared");
    let error = refused(&[URL, ("OS_AUTH_TYPE", "token")]);
    assert_eq!(error.to_string(), "set OS_TOKEN in the environment");
}

#[test]
fn versions_of_apis_that_are_not_spoken_are_unsupported() {
    let login = [URL, USER, PASSWORD, PROJECT];
    for (name, text) in [
        ("OS_IDENTITY_API_VERSION", "2"),
        ("OS_IDENTITY_API_VERSION", "2.0"),
        ("OS_IMAGE_API_VERSION", "1"),
        ("OS_COMPUTE_API_VERSION", "1.1"),
        ("OS_VOLUME_API_VERSION", "2"),
    ] {
        let error = refused(&[&login[..], &[(name, text)]].concat());
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{name}={text}");
        assert!(error.to_string().starts_with(&format!("{name} is {text}; ")), "{error}");
    }
    for (name, text) in [
        ("OS_IDENTITY_API_VERSION", "3"),
        ("OS_IDENTITY_API_VERSION", "v3"),
        ("OS_IMAGE_API_VERSION", "2.9"),
        ("OS_COMPUTE_API_VERSION", "2"),
        ("OS_COMPUTE_API_VERSION", "2.79"),
        ("OS_COMPUTE_API_VERSION", "latest"),
    ] {
        let set = [&login[..], &[(name, text)]].concat();
        keystone(&env(&set)).unwrap_or_else(|e| panic!("{name}={text}: {e}"));
    }
}

#[test]
fn what_is_set_for_one_service_is_an_override() {
    let login = [URL, USER, PASSWORD, PROJECT];
    let of = |more: &[(&str, &str)]| {
        let mut overrides = keystone(&env(&[&login[..], more].concat())).expect("fine").overrides;
        assert_eq!(overrides.len(), 1);
        overrides.remove(0)
    };
    let compute = of(&[
        ("OS_COMPUTE_ENDPOINT_OVERRIDE", "https://{region_name}.h/v2.1/%(project_id)s"),
        ("OS_COMPUTE_SERVICE_TYPE", "compute-beta"),
        ("OS_COMPUTE_SERVICE_NAME", "cloudServers"),
        ("OS_COMPUTE_INTERFACE", "adminURL"),
        ("OS_COMPUTE_REGION_NAME", "south"),
    ]);
    assert_eq!(compute.types, ["compute"]);
    assert_eq!(compute.url.as_deref(), Some("https://{region}.h/v2.1/%(project_id)s"));
    assert_eq!(compute.kind.as_deref(), Some("compute-beta"));
    assert_eq!(compute.name.as_deref(), Some("cloudServers"));
    assert_eq!(compute.interface, Some(Interface::Admin));
    assert_eq!(compute.region.as_deref(), Some("south"));
    // Under each of the names that it had.
    for name in ["OS_BLOCK_STORAGE_ENDPOINT", "OS_VOLUMEV3_ENDPOINT_OVERRIDE"] {
        assert_eq!(of(&[(name, "http://h:8776/v3")]).types[0], "block-storage");
    }
    for (name, text) in [
        ("OS_COMPUTE_ENDPOINT_OVERRIDE", "h:8774"),
        ("OS_COMPUTE_ENDPOINT_OVERRIDE", "http://h:0/%(project_id)s"),
        ("OS_IMAGE_INTERFACE", "sideways"),
    ] {
        let error = refused(&[&login[..], &[(name, text)]].concat());
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().starts_with(&format!("{name} cannot be used: ")), "{error}");
    }
}

#[test]
fn a_keystone_of_each_region_needs_the_region() {
    let url = ("OS_AUTH_URL", "https://{region_name}.cloud.example:5000");
    let error = refused(&[url, USER, PASSWORD, PROJECT]);
    assert!(error.to_string().ends_with("set OS_REGION_NAME"), "{error}");
    let set = [url, USER, PASSWORD, PROJECT, ("OS_REGION_NAME", "kna1")];
    let url = keystone(&env(&set)).expect("complete").url;
    assert_eq!(url, "https://kna1.cloud.example:5000/v3");
}
