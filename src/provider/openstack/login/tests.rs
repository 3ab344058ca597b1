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
