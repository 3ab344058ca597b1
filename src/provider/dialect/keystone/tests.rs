use super::*;
use crate::provider::dialect::answer::answer;

fn refusal(response: &Response) -> Error {
    let text = String::from_utf8_lossy(&response.body).into_owned();
    Error::new(ErrorKind::Other, text).with_status(response.status)
}

fn user(name: &str) -> User {
    User::Named { name: name.into(), domain: Domain::Name("Default".into()) }
}

fn keystone(identity: Identity, scope: Option<Scope>) -> Keystone {
    Keystone {
        url: "http://h:5000/v3".into(),
        identity,
        scope,
        interface: Interface::Public,
        insecure: false,
        overrides: Vec::new(),
        standing: None,
        fault: refusal,
    }
}

fn demo() -> Keystone {
    demo_with("s3cret")
}

fn demo_with(password: &str) -> Keystone {
    let project = Project::Named { name: "web".into(), domain: Domain::Id("default".into()) };
    let identity = Identity::Password { user: user("demo"), secret: Secret::new(password) };
    keystone(identity, Some(Scope::Project(project)))
}

fn sent(keystone: &Keystone) -> serde_json::Value {
    let call = keystone.login().expect("a login").call();
    serde_json::from_slice(call.request.body.bytes().expect("bytes")).expect("JSON")
}

fn granted(keystone: &Keystone, response: Response) -> Result<Grant> {
    match (keystone.login()?.call().read)(Ok(response))? {
        Step::Done(grant) => Ok(grant),
        Step::Next(_) | Step::Wait(..) => panic!("a login is one request"),
    }
}

const TOKEN: &str = r#"{"token": {"methods": ["password"],
    "expires_at": "2025-11-23T04:58:39.000000Z", "issued_at": "2025-11-23T03:58:39.000000Z",
    "user": {"domain": {"id": "default"}, "id": "abb6b0ac", "name": "demo"},
    "catalog": [
      {"type": "network", "name": "neutron", "id": "1", "endpoints": [
        {"id": "a", "interface": "admin", "region_id": "N", "url": "http://h:1", "region": "N"},
        {"id": "b", "interface": "public", "region_id": "N", "url": "http://h:9696", "region": "N"},
        {"id": "c", "interface": "public", "region": "S", "url": "https://s:9696/v2.0/"}]},
      {"type": "image", "endpoints": [
        {"interface": "public", "region_id": "N", "url": "http://h/image"},
        {"interface": "publicURL", "region_id": null, "region": null, "url": "http://h/v2/"}]},
      {"type": "compute", "endpoints": [
        {"interface": "public", "region_id": "N", "url": "http://h:8774/v2.1/b1e5acb6"},
        {"interface": "public", "region_id": "S", "url": "http://h/compute"}]},
      {"type": "object-store", "endpoints": [
        {"interface": "public", "region_id": "N", "url": "http://h:8080/v1/AUTH_b1e5"}]},
      {"type": "odd", "endpoints": [
        {"interface": "public", "region_id": "N", "url": "ftp://h/"},
        {"interface": "public", "region_id": "N", "url": "file:///etc/passwd"},
        {"interface": "public", "region_id": "N", "url": "http://user:pw@h/"},
        {"interface": "public", "region_id": "N", "url": "not an address"},
        {"interface": "public", "region_id": "N", "url": ""},
        {"interface": "public", "region_id": "N", "url": "http://h:99999/"},
        {"interface": "public", "region_id": "N", "url": "http://h:%(port)s/v1"},
        {"interface": "public", "region_id": "N", "url": "http://h:0/"},
        {"interface": "public", "region_id": "N"},
        {"region_id": "N", "url": "http://h"}]},
      {"type": "empty", "endpoints": []}, {"name": "of no type"}]}}"#;

const SUBJECT: (&str, &str) = ("x-subject-token", "gAAAA-made-up");

#[test]
fn a_login_is_a_post_that_may_be_sent_again_and_carries_no_token() {
    let request = demo().login().expect("a login").call().request;
    assert_eq!(request.method, Method::POST);
    assert_eq!(request.path, "/auth/tokens");
    assert_eq!(request.replay, Replay::Safe);
    assert!(matches!(&request.target, Target::Url(url) if url == "http://h:5000/v3"));
    assert!(request.headers.iter().all(|(name, _)| *name != AUTH_TOKEN));
}

#[test]
fn a_password_login_names_user_domain_and_project() {
    let expected = serde_json::json!({"auth": {
        "identity": {"methods": ["password"], "password": {"user": {
            "name": "demo", "domain": {"name": "Default"}, "password": "s3cret"}}},
        "scope": {"project": {"name": "web", "domain": {"id": "default"}}}}});
    assert_eq!(sent(&demo()), expected);
}

#[test]
fn ids_stand_alone_and_a_domain_can_be_the_scope() {
    let identity = Identity::Password {
        user: User::Id { id: "u1".into() },
        secret: Secret::new("p\"\\\u{e4}"),
    };
    let scope = Scope::Project(Project::Id { id: "p1".into() });
    let expected = serde_json::json!({"auth": {
        "identity": {"methods": ["password"], "password": {"user": {
            "id": "u1", "password": "p\"\\\u{e4}"}}},
        "scope": {"project": {"id": "p1"}}}});
    assert_eq!(sent(&keystone(identity.clone(), Some(scope))), expected);

    let scope = Scope::Domain(Domain::Name("Default".into()));
    let expected = serde_json::json!({"domain": {"name": "Default"}});
    assert_eq!(sent(&keystone(identity, Some(scope)))["auth"]["scope"], expected);
}

#[test]
fn an_application_credential_goes_without_a_scope() {
    let by = |which| {
        let secret = Secret::new("s3cret");
        sent(&keystone(Identity::ApplicationCredential { which, secret }, None))
    };
    let expected = serde_json::json!({"auth": {"identity": {
        "methods": ["application_credential"],
        "application_credential": {"id": "c1", "secret": "s3cret"}}}});
    assert_eq!(by(Credential::Id { id: "c1".into() }), expected);

    let expected = serde_json::json!({"auth": {"identity": {
        "methods": ["application_credential"],
        "application_credential": {"name": "ci", "secret": "s3cret",
            "user": {"name": "demo", "domain": {"name": "Default"}}}}}});
    let named = Credential::Named { name: "ci".into(), user: user("demo") };
    assert_eq!(by(named), expected);
}

#[test]
fn the_token_is_read_with_its_times_and_its_catalog() {
    let grant = granted(&demo(), answer(201, &[SUBJECT], TOKEN)).expect("a grant");
    let Token::Header(token) = &grant.token else { panic!("a token for the header") };
    assert_eq!(token, "gAAAA-made-up");
    assert!(token.is_sensitive());
    assert_eq!(grant.lifetime, Duration::from_secs(3600));
    let endpoints: Vec<_> = grant
        .endpoints
        .iter()
        .map(|e| (e.service.as_str(), e.region.as_deref().unwrap_or_default(), e.url.as_str()))
        .collect();
    assert_eq!(
        endpoints,
        [
            ("network", "N", "http://h:9696/v2.0"),
            ("network", "S", "https://s:9696/v2.0"),
            ("image", "N", "http://h/image/v2"),
            ("image", "", "http://h/v2"),
            ("compute", "N", "http://h:8774/v2.1/b1e5acb6"),
            ("compute", "S", "http://h/compute/v2.1"),
            ("object-store", "N", "http://h:8080/v1/AUTH_b1e5"),
        ]
    );
}

#[test]
fn who_logs_in_by_tls_keeps_to_it_unless_all_may_be_read() {
    let mut keystone = demo();
    assert!(!keystone.keeps_to_tls());
    keystone.url = "https://h:5000/v3".into();
    assert!(keystone.keeps_to_tls());
    keystone.insecure = true;
    assert!(!keystone.keeps_to_tls());
}

#[test]
fn another_interface_has_other_endpoints() {
    let mut admin = demo();
    admin.interface = Interface::parse("adminURL").expect("an interface");
    let grant = granted(&admin, answer(201, &[SUBJECT], TOKEN)).expect("a grant");
    let urls: Vec<_> = grant.endpoints.iter().map(|e| e.url.as_str()).collect();
    assert_eq!(urls, ["http://h:1/v2.0"]);
}

#[test]
fn interfaces_have_two_spellings_each_and_no_others() {
    for (name, interface) in [
        ("public", Interface::Public),
        ("publicURL", Interface::Public),
        ("internal", Interface::Internal),
        ("internalURL", Interface::Internal),
        ("admin", Interface::Admin),
        ("adminURL", Interface::Admin),
    ] {
        assert_eq!(Interface::parse(name).expect("an interface"), interface);
    }
    for name in ["", "URL", "Public", "privat"] {
        let error = Interface::parse(name).expect_err("none");
        assert_eq!(error.kind(), ErrorKind::Invalid);
    }
}

#[test]
fn a_catalog_may_be_missing() {
    for catalog in ["", ", \"catalog\": null", ", \"catalog\": []"] {
        let body = format!(
            r#"{{"token": {{"issued_at": "2025-11-23T03:58:39Z",
                "expires_at": "2025-11-23T03:58:51Z"{catalog}}}}}"#
        );
        let grant = granted(&demo(), answer(201, &[SUBJECT], &body)).expect("a grant");
        assert_eq!(grant.lifetime, Duration::from_secs(12));
        assert!(grant.endpoints.is_empty());
    }
}

#[test]
fn a_token_without_beginning_begins_with_its_answer() {
    let body = r#"{"token": {"expires_at": "2025-11-23T03:59:39Z"}}"#;
    let date = ("date", "Sun, 23 Nov 2025 03:58:39 GMT");
    let grant = granted(&demo(), answer(201, &[SUBJECT, date], body)).expect("a grant");
    assert_eq!(grant.lifetime, Duration::from_secs(60));
}

#[test]
fn answers_that_grant_nothing_are_protocol_errors_with_the_request_id() {
    let backwards = TOKEN.replace("2025-11-23T04:58:39", "2024-01-01T00:00:00");
    let undated = TOKEN.replace("2025-11-23T04:58:39.000000Z", "99999-99-99");
    let id = ("x-openstack-request-id", "req-1");
    for (status, headers, body) in [
        (201, &[id][..], TOKEN),
        (201, &[id, ("x-subject-token", "")], TOKEN),
        (201, &[id, SUBJECT], &backwards),
        (201, &[id, SUBJECT], &undated),
        (201, &[id, SUBJECT], &TOKEN[..500]),
        (201, &[id, SUBJECT], "<html>welcome</html>"),
        (201, &[id, SUBJECT], ""),
        (201, &[id, SUBJECT], r#"{"token": {}}"#),
        (200, &[], "<html>log in to the hotel's network</html>"),
        (204, &[SUBJECT], ""),
    ] {
        let error = granted(&demo(), answer(status, headers, body)).expect_err("no grant");
        assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");
        let has_id = !headers.is_empty() && headers[0] == id;
        assert_eq!(error.request_id(), has_id.then_some("req-1"), "{error}");
    }
}

#[test]
fn a_refused_login_says_who_and_what_to_check() {
    let error = granted(&demo(), answer(401, &[], "{}")).expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::Auth);
    let text = error.to_string();
    for part in ["user \"demo\"", "project \"web\"", "\"Default\"", "check"] {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
    let which = Credential::Id { id: "c1".into() };
    let secret = Secret::new("s3cret");
    let credential = keystone(Identity::ApplicationCredential { which, secret }, None);
    let text = granted(&credential, answer(401, &[], "")).expect_err("refused");
    assert!(text.to_string().contains("application credential \"c1\""));
}

#[test]
fn a_second_factor_is_said_to_be_wanted() {
    let receipt = [("openstack-auth-receipt", "r")];
    let error = granted(&demo(), answer(401, &receipt, "")).expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::Auth);
    assert!(error.to_string().contains("more than a password"), "{error}");
}

#[test]
fn an_address_without_keystone_is_a_wrong_setting() {
    for status in [300, 302, 404, 405] {
        let error = granted(&demo(), answer(status, &[], "")).expect_err("nobody");
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().contains("http://h:5000/v3"), "{error}");
    }
}

#[test]
fn no_error_repeats_the_password_that_keystone_echoes() {
    let odd = "it's \"\\ s3cret";
    for (password, echo) in [
        ("s3cret", "On instance['password']: {'password': 's3cret'}"),
        (odd, r#"On instance['password']: {'password': 'it\'s "\\ s3cret'}"#),
    ] {
        for status in [400, 401, 403, 404, 500, 503] {
            let login = demo_with(password);
            let error = granted(&login, answer(status, &[], echo)).expect_err("refused");
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains("s3cret"), "{shown}");
        }
    }
    let other = granted(&demo(), answer(503, &[], "come back later")).expect_err("refused");
    assert!(other.to_string().contains("come back later"));
}

#[test]
fn nothing_that_can_be_printed_shows_the_password_or_the_token() {
    let login = demo();
    let call = login.login().expect("a login").call();
    let grant = granted(&login, answer(201, &[SUBJECT], TOKEN)).expect("a grant");
    let shown = format!("{login:?} {call:?} {:?} {grant:?}", call.request);
    assert!(!shown.contains("s3cret"), "{shown}");
    assert!(!shown.contains("gAAAA"), "{shown}");
}

#[test]
fn authorizing_replaces_a_token_and_marks_it_sensitive() {
    let mut headers = http::HeaderMap::new();
    for secret in ["old", "new"] {
        let signing = Signing {
            method: &Method::GET,
            uri: &http::Uri::from_static("/servers"),
            headers: &mut headers,
            body: &Bytes::new().into(),
            service: "compute",
            region: "",
            now: std::time::UNIX_EPOCH,
            token: &Token::header(secret).expect("a token"),
        };
        demo().authorize(signing).expect("authorized");
    }
    let tokens: Vec<_> = headers.get_all("x-auth-token").iter().collect();
    assert_eq!(tokens, ["new"]);
    assert!(tokens[0].is_sensitive());
}

#[test]
fn addresses_to_log_in_at_are_taken_as_users_write_them() {
    for (written, meant) in [
        ("http://h:5000", "http://h:5000/v3"),
        ("http://h:5000/", "http://h:5000/v3"),
        ("http://h:5000/v3", "http://h:5000/v3"),
        (" http://h:5000/v3/ ", "http://h:5000/v3"),
        ("http://h/identity", "http://h/identity/v3"),
        ("https://h/identity/v3//", "https://h/identity/v3"),
        ("https://[::1]:5000/v3/auth/tokens", "https://[::1]:5000/v3"),
    ] {
        assert_eq!(auth_url(written).expect("an address"), meant);
    }
}

#[test]
fn addresses_that_cannot_be_meant_are_refused_and_say_why() {
    for (written, why) in [
        ("", "http"),
        ("http://", "no address"),
        ("h:5000/v3", "http"),
        ("/v3", "http"),
        ("ftp://h/v3", "http"),
        ("http://h/v2.0", "v2"),
        ("http://h:5000/v2.0/", "v2"),
        ("http://demo:s3cret@h/v3", "name and password"),
        ("http://h/v3?x=1", "query"),
        ("http://h/v3#x", "fragment"),
        ("http://h/a b", "no address"),
        ("http://h:/v3", "port"),
        ("http://h:0/v3", "port"),
        ("http://h:99999/v3", "port"),
        ("http://[::1]:v3/", "port"),
    ] {
        let error = auth_url(written).expect_err("no address");
        assert_eq!(error.kind(), ErrorKind::Invalid);
        let text = error.to_string();
        assert!(text.contains(why), "{written}: {text}");
        assert!(!text.contains("s3cret"), "{text}");
    }
}
