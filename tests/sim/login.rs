//! Logins, good and bad, and the catalog.

use serde_json::{Value, json};
use welkin::sim::Sim;

use crate::client::{Client, array, login, password_login, quick, text};

#[test]
fn password_login_gives_token_and_catalog() {
    let sim = quick().regions(["RegionOne", "RegionTwo"]).start().unwrap();
    let mut client = Client::of(&sim);
    let answer = client.post("/identity/v3/auth/tokens", &login("demo", "secret"));
    assert_eq!(answer.status, 201);
    assert_eq!(answer.header("x-subject-token").unwrap().len(), 183);
    assert!(answer.header("x-openstack-request-id").unwrap().starts_with("req-"));
    let token = &answer.json()["token"];
    assert_eq!(token["user"]["name"], "demo");
    assert_eq!(token["project"]["domain"]["name"], "Default");
    let types: Vec<_> = array(&token["catalog"]).iter().map(|entry| text(&entry["type"])).collect();
    assert_eq!(types, ["identity", "compute", "image", "network", "block-storage", "volumev3"]);
    let compute = array(&token["catalog"][1]["endpoints"]);
    assert_eq!(compute.len(), 2 * 3, "two regions, three interfaces");
    for endpoint in compute {
        assert_eq!(endpoint["url"], format!("{}/compute/v2.1", sim.base_url()));
        assert_eq!(endpoint["region"], endpoint["region_id"]);
    }
}

#[test]
fn services_can_be_left_out_of_the_catalog() {
    let sim = quick().without_service("compute").start().unwrap();
    let answer = Client::of(&sim).post("/identity/v3/auth/tokens", &login("demo", "secret")).json();
    let types: Vec<_> =
        array(&answer["token"]["catalog"]).iter().map(|entry| text(&entry["type"])).collect();
    assert_eq!(types, ["identity", "image", "network", "block-storage", "volumev3"]);
}

#[test]
fn wrong_credentials_are_refused_with_401() {
    let sim = quick().start().unwrap();
    let mut client = Client::of(&sim);
    for (user, password) in [("demo", "wrong"), ("nobody", "secret")] {
        let answer = client.post("/identity/v3/auth/tokens", &login(user, password));
        assert_eq!(answer.status, 401);
        assert_eq!(
            answer.json(),
            json!({"error": {
                "code": 401,
                "message": "The request you have made requires authentication.",
                "title": "Unauthorized",
            }})
        );
        let challenge = format!("Keystone uri=\"{}\"", sim.auth_url());
        assert_eq!(answer.header("www-authenticate"), Some(challenge.as_str()));
    }
    assert_eq!(sim.stats().failed_logins, 2);
    assert_eq!(sim.stats().logins, 0);
}

#[test]
fn malformed_logins_are_refused_with_400() {
    let sim = quick().start().unwrap();
    let cases = [
        (json!({}).to_string(), "Expecting to find auth in request body."),
        (json!([]).to_string(), "Expecting to find valid JSON in request body."),
        ("{\"auth\":".into(), "Expecting to find valid JSON in request body."),
        (json!({"auth": {}}).to_string(), "'identity' is a required property"),
        (
            json!({"auth": {"identity": {"methods": ["password"]}}}).to_string(),
            "Expecting to find password in identity.",
        ),
        (
            password_login(json!({"password": "secret"})),
            "Invalid input for field identity/password/user: id or name must be present.",
        ),
        (
            password_login(json!({"name": "demo", "password": "secret"})),
            "Expecting to find domain in user.",
        ),
    ];
    for (body, message) in cases {
        let answer = Client::of(&sim).post_text("/identity/v3/auth/tokens", &body);
        assert_eq!(answer.status, 400, "{body}");
        let given = answer.json();
        assert!(text(&given["error"]["message"]).starts_with(message), "{body}: {given}");
    }
}

#[test]
fn application_credential_logs_in_by_id_and_by_name() {
    let sim = quick().start().unwrap();
    let mut client = Client::of(&sim);
    let mut try_with = |credential: Value| {
        let body = json!({"auth": {"identity": {
            "methods": ["application_credential"], "application_credential": credential}}});
        client.post("/identity/v3/auth/tokens", &body)
    };
    let (id, name, secret) = (
        Sim::APPLICATION_CREDENTIAL_ID,
        Sim::APPLICATION_CREDENTIAL_NAME,
        Sim::APPLICATION_CREDENTIAL_SECRET,
    );
    let user = json!({"name": "demo", "domain": {"id": "default"}});
    let by_id = try_with(json!({"id": id, "secret": secret}));
    assert_eq!(by_id.status, 201);
    assert_eq!(by_id.json()["token"]["methods"], json!(["application_credential"]));
    assert_eq!(by_id.json()["token"]["project"]["name"], "demo");
    assert_eq!(try_with(json!({"name": name, "user": user, "secret": secret})).status, 201);
    assert_eq!(try_with(json!({"name": "no", "user": user, "secret": secret})).status, 401);
    assert_eq!(try_with(json!({"id": id, "secret": "wrong"})).status, 401);
    assert_eq!(try_with(json!({"id": "no", "secret": secret})).status, 404);
    assert_eq!(try_with(json!({"secret": secret})).status, 400);
}

#[test]
fn user_and_project_can_be_given_by_id() {
    let sim = quick().start().unwrap();
    let mut client = Client::of(&sim);
    let token = client.post("/identity/v3/auth/tokens", &login("demo", "secret")).json();
    let (user, project) = (&token["token"]["user"]["id"], &token["token"]["project"]["id"]);
    let mut try_with = |user: &Value, project: &Value| {
        let body = json!({"auth": {
            "identity": {"methods": ["password"],
                         "password": {"user": {"id": user, "password": "secret"}}},
            "scope": {"project": {"id": project}},
        }});
        client.post("/identity/v3/auth/tokens", &body).status
    };
    assert_eq!(try_with(user, project), 201);
    assert_eq!(try_with(project, project), 401);
    assert_eq!(try_with(user, user), 401);
}
