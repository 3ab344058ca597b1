//! Tokens end, are revoked and validated.

use std::time::{Duration, Instant};

use crate::client::{Client, login, micros, quick, until};

#[test]
fn token_expires_when_it_says() {
    let lifetime = Duration::from_millis(400);
    let sim = quick().token_lifetime(lifetime).start().unwrap();
    let mut client = Client::of(&sim);
    let before = Instant::now();
    let answer = client.post("/identity/v3/auth/tokens", &login("demo", "secret"));
    let token = &answer.json()["token"];
    let (issued, expires) = (micros(&token["issued_at"]), micros(&token["expires_at"]));
    assert_eq!(expires - issued, lifetime.as_micros() as i64);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    assert!((now.as_micros() as i64 - issued).abs() < 100_000, "issued_at is now");

    client.token = answer.header("x-subject-token").map(str::to_owned);
    assert_eq!(client.get("/compute/v2.1/servers").status, 200);
    until(|| client.get("/compute/v2.1/servers").status == 401);
    assert!(before.elapsed() >= lifetime, "not before its time");
    assert!(sim.stats().unauthorized >= 1);
}

#[test]
fn revoked_tokens_are_refused_and_new_ones_are_not() {
    let sim = quick().start().unwrap();
    let mut client = Client::logged_in(&sim);
    assert_eq!(client.get("/compute/v2.1/flavors").status, 200);
    sim.revoke_tokens();
    let refused = client.get("/compute/v2.1/flavors");
    assert_eq!(refused.status, 401);
    assert_eq!(refused.json()["error"]["title"], "Unauthorized");
    assert_eq!(client.get("/networking/v2.0/networks").status, 401);
    let glance = client.get("/image/v2/images");
    assert_eq!(glance.status, 401);
    assert!(glance.header("content-type").unwrap().starts_with("text/plain"), "no Accept");
    assert!(glance.header("www-authenticate").is_some());
    assert_eq!(sim.stats().unauthorized, 3);
    client.log_in();
    assert_eq!(client.get("/compute/v2.1/flavors").status, 200);
}

#[test]
fn a_token_can_be_validated_and_revoked() {
    let sim = quick().start().unwrap();
    let mut client = Client::logged_in(&sim);
    let subject = Client::logged_in(&sim).token.unwrap();
    let ask = |client: &mut Client, method| {
        let subject = [("X-Subject-Token", subject.as_str())];
        client.send(method, "/identity/v3/auth/tokens", &subject, "")
    };
    assert_eq!(ask(&mut client, "GET").json()["token"]["user"]["name"], "demo");
    assert_eq!(ask(&mut client, "DELETE").status, 204);
    assert_eq!(ask(&mut client, "GET").status, 404);
    client.token = Some(subject.clone());
    assert_eq!(ask(&mut client, "GET").status, 401);
}

#[test]
fn versions_need_no_token() {
    let sim = quick().start().unwrap();
    let mut client = Client::of(&sim);
    assert_eq!(client.get("/identity").status, 300);
    assert_eq!(client.get("/identity/v3").json()["version"]["id"], "v3.14");
    assert_eq!(client.get("/compute/v2.1").json()["version"]["version"], "2.93");
    assert_eq!(client.get("/image").status, 300);
    assert_eq!(client.get("/networking").status, 200);
}
