//! The embedded cloud, seen through a socket by a client that shares no code with it.

#![cfg(feature = "sim")]

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use welkin::sim::{Builder, Fault, Sim};

const TICK: Duration = Duration::from_millis(10);

// ---- login -------------------------------------------------------------------------------------

#[test]
fn password_login_gives_token_and_catalog() {
    let sim = quick().regions(["RegionOne", "RegionTwo"]).start().unwrap();
    let mut client = Client::of(&sim);
    let answer = client.post("/identity/v3/auth/tokens", &login("demo", "secret"));
    assert_eq!(answer.status, 201);
    assert_eq!(answer.header("x-subject-token").unwrap().len(), 183);
    assert!(
        answer
            .header("x-openstack-request-id")
            .unwrap()
            .starts_with("req-")
    );
    let token = &answer.json()["token"];
    assert_eq!(token["user"]["name"], "demo");
    assert_eq!(token["project"]["domain"]["name"], "Default");
    let types: Vec<_> = array(&token["catalog"])
        .iter()
        .map(|entry| text(&entry["type"]))
        .collect();
    assert_eq!(types, ["identity", "compute", "image", "network"]);
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
    let answer = Client::of(&sim)
        .post("/identity/v3/auth/tokens", &login("demo", "secret"))
        .json();
    let types: Vec<_> = array(&answer["token"]["catalog"])
        .iter()
        .map(|entry| text(&entry["type"]))
        .collect();
    assert_eq!(types, ["identity", "image", "network"]);
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
        (
            json!({}).to_string(),
            "Expecting to find auth in request body.",
        ),
        (
            json!([]).to_string(),
            "Expecting to find valid JSON in request body.",
        ),
        (
            "{\"auth\":".into(),
            "Expecting to find valid JSON in request body.",
        ),
        (
            json!({"auth": {}}).to_string(),
            "'identity' is a required property",
        ),
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
        assert!(
            text(&given["error"]["message"]).starts_with(message),
            "{body}: {given}"
        );
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
    assert_eq!(
        by_id.json()["token"]["methods"],
        json!(["application_credential"])
    );
    assert_eq!(by_id.json()["token"]["project"]["name"], "demo");
    assert_eq!(
        try_with(json!({"name": name, "user": user, "secret": secret})).status,
        201
    );
    assert_eq!(
        try_with(json!({"name": "no", "user": user, "secret": secret})).status,
        401
    );
    assert_eq!(try_with(json!({"id": id, "secret": "wrong"})).status, 401);
    assert_eq!(try_with(json!({"id": "no", "secret": secret})).status, 404);
    assert_eq!(try_with(json!({"secret": secret})).status, 400);
}

#[test]
fn user_and_project_can_be_given_by_id() {
    let sim = quick().start().unwrap();
    let mut client = Client::of(&sim);
    let token = client
        .post("/identity/v3/auth/tokens", &login("demo", "secret"))
        .json();
    let (user, project) = (
        &token["token"]["user"]["id"],
        &token["token"]["project"]["id"],
    );
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

// ---- tokens ------------------------------------------------------------------------------------

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
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    assert!(
        (now.as_micros() as i64 - issued).abs() < 100_000,
        "issued_at is now"
    );

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
    assert!(
        glance
            .header("content-type")
            .unwrap()
            .starts_with("text/plain"),
        "no Accept"
    );
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
    assert_eq!(
        ask(&mut client, "GET").json()["token"]["user"]["name"],
        "demo"
    );
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
    assert_eq!(
        client.get("/compute/v2.1").json()["version"]["version"],
        "2.93"
    );
    assert_eq!(client.get("/image").status, 300);
    assert_eq!(client.get("/networking").status, 200);
}

// ---- servers -----------------------------------------------------------------------------------

#[test]
fn a_server_boots_and_goes() {
    let boot = Duration::from_millis(400);
    let sim = quick()
        .boot_time(boot)
        .delete_time(Duration::from_millis(400))
        .start()
        .unwrap();
    let mut client = Client::logged_in(&sim);
    let before = Instant::now();
    let mut body = client.new_server("web-1", "1");
    body["server"]["metadata"] = json!({"role": "web"});
    let created = client.post("/compute/v2.1/servers", &body);
    assert_eq!(created.status, 202);
    let id = text(&created.json()["server"]["id"]).to_owned();
    let path = format!("/compute/v2.1/servers/{id}");
    assert_eq!(
        created.header("location"),
        Some(format!("{}{path}", sim.base_url()).as_str())
    );

    let server = client.get(&path).json()["server"].take();
    assert_eq!(server["status"], "BUILD");
    assert_eq!(server["addresses"], json!({}));
    assert_eq!(server["metadata"], json!({"role": "web"}));
    until(|| client.get(&path).json()["server"]["status"] == "ACTIVE");
    assert!(before.elapsed() >= boot);
    let server = client.get(&path).json()["server"].take();
    assert_eq!(server["addresses"]["shared"][0]["version"], 4);
    assert_eq!(server["OS-EXT-STS:vm_state"], "active");
    assert_eq!(sim.servers()[0].name, "web-1");
    assert_eq!(sim.servers()[0].metadata["role"], "web");

    assert_eq!(client.send("DELETE", &path, &[], "").status, 204);
    assert_eq!(
        client.get(&path).json()["server"]["OS-EXT-STS:task_state"],
        "deleting"
    );
    until(|| client.get(&path).status == 404);
    assert_eq!(
        client.get(&path).json(),
        json!({"itemNotFound": {"code": 404,
               "message": format!("Instance {id} could not be found.")}})
    );
    assert_eq!(client.send("DELETE", &path, &[], "").status, 404);
    assert!(sim.servers().is_empty());
}

#[test]
fn the_impossible_flavor_ends_in_error() {
    let sim = quick().start().unwrap();
    let mut client = Client::logged_in(&sim);
    let id = client.create("bad", "99");
    let alone = client.get(&format!("/compute/v2.1/servers/{id}")).json()["server"].take();
    assert_eq!(alone["status"], "ERROR");
    assert_eq!(alone["fault"]["code"], 500);
    assert_eq!(alone["fault"]["message"], "No valid host was found. ");
    let listed = client.get("/compute/v2.1/servers/detail").json()["servers"][0].take();
    assert_eq!(listed["status"], "ERROR");
    assert_eq!(
        listed.get("fault"),
        None,
        "as in Nova, for a server that found no host"
    );
}

#[test]
fn quotas_are_kept() {
    let sim = quick().quota(2).start().unwrap();
    let mut client = Client::logged_in(&sim);
    client.create("one", "1");
    let body = client.new_server("cores", "98");
    let refused = client.post("/compute/v2.1/servers", &body);
    assert_eq!(refused.status, 403);
    assert_eq!(
        refused.json()["forbidden"]["message"],
        "Quota exceeded for cores: Requested 100000, but already used 1 of 10000 cores"
    );
    let two = client.create("two", "1");
    let body = client.new_server("three", "1");
    let refused = client.post("/compute/v2.1/servers", &body);
    assert_eq!(refused.status, 403);
    assert_eq!(
        refused.json(),
        json!({"forbidden": {"code": 403, "message":
            "Quota exceeded for instances: Requested 1, but already used 2 of 2 instances"}})
    );
    client.send("DELETE", &format!("/compute/v2.1/servers/{two}"), &[], "");
    assert_eq!(client.post("/compute/v2.1/servers", &body).status, 202);
}

#[test]
fn bad_creates_are_told_why() {
    let sim = quick().start().unwrap();
    let mut client = Client::logged_in(&sim);
    let good = client.new_server("x", "1");
    let queued =
        text(&client.get("/image/v2/images?name=unfinished").json()["images"][0]["id"]).to_owned();
    let nowhere = "6a1b0d1e-3a48-4c2d-9d2b-000000000000";
    let cases = [
        (
            "name",
            json!(""),
            "Invalid input for field/attribute name. Value: . '' is too short",
        ),
        (
            "name",
            json!(3),
            "Invalid input for field/attribute name. Value: 3. 3 is not of type 'string'",
        ),
        ("flavorRef", json!("77"), "Flavor 77 could not be found."),
        ("imageRef", json!(""), "Missing imageRef attribute"),
        (
            "imageRef",
            json!("nope"),
            "Invalid input for field/attribute imageRef. Value: nope. 'nope' is not valid under any of the given schemas",
        ),
        ("imageRef", json!(nowhere), "Can not find requested image"),
        (
            "imageRef",
            json!(queued),
            &format!("Image {queued} is not active."),
        ),
        (
            "metadata",
            json!({"a": 3}),
            "Invalid input for field/attribute a. Value: 3. 3 is not of type 'string'",
        ),
        (
            "networks",
            json!("none"),
            "Invalid input for field/attribute networks. Value: none. 'none' is not of type 'array'",
        ),
        (
            "networks",
            json!([{"uuid": "nope"}]),
            "Bad networks format: network uuid is not in proper format (nope)",
        ),
        (
            "networks",
            json!([{"uuid": nowhere}]),
            &format!("Network {nowhere} could not be found."),
        ),
    ];
    for (property, value, message) in cases {
        let mut body = good.clone();
        body["server"][property] = value;
        let refused = client.post("/compute/v2.1/servers", &body);
        assert_eq!(refused.status, 400, "{body}");
        assert_eq!(
            refused.json(),
            json!({"badRequest": {"code": 400, "message": message}})
        );
    }
    let bodies = [
        ("", "None is not of type 'object'"),
        ("{\"x", "Malformed request body"),
        ("[]", "[] is not of type 'object'"),
        ("{}", "'server' is a required property"),
        (
            r#"{"server": {"name": "x"}}"#,
            "Invalid input for field/attribute server. Value: {'name': 'x'}. \
             'flavorRef' is a required property",
        ),
    ];
    for (body, message) in bodies {
        let refused = client.post_text("/compute/v2.1/servers", body);
        assert_eq!(
            (refused.status, &refused.json()["badRequest"]["message"]),
            (400, &json!(message))
        );
    }
    assert!(sim.servers().is_empty());
}

#[test]
fn microversions_are_spoken() {
    let sim = quick().start().unwrap();
    let mut client = Client::logged_in(&sim);
    let id = client.create("web", "2");
    let path = format!("/compute/v2.1/servers/{id}");
    let mut in_version = |version: &str| {
        client.send(
            "GET",
            &path,
            &[("X-OpenStack-Nova-API-Version", version)],
            "",
        )
    };
    assert_eq!(in_version("2.1").json()["server"]["flavor"]["id"], "2");
    let later = in_version("latest");
    assert_eq!(later.header("x-openstack-nova-api-version"), Some("2.93"));
    assert_eq!(
        later.json()["server"]["flavor"]["original_name"],
        "m1.small"
    );
    assert_eq!(in_version("2.999").status, 406);
    assert_eq!(in_version("new").status, 400);
}

// ---- lists -------------------------------------------------------------------------------------

#[test]
fn servers_come_in_pages_newest_first() {
    let sim = quick().page_size(2).start().unwrap();
    let mut client = Client::logged_in(&sim);
    for name in ["a", "b", "c", "d", "e"] {
        client.create(name, "1");
    }
    for path in [
        "/compute/v2.1/servers",
        "/compute/v2.1/servers/detail?limit=2&name=",
    ] {
        let mut names = Vec::new();
        let mut pages = 0;
        let mut next = Some(path.to_owned());
        while let Some(path) = next.take() {
            let page = client.get(&path).json();
            pages += 1;
            names.extend(
                array(&page["servers"])
                    .iter()
                    .map(|server| text(&server["name"]).to_owned()),
            );
            next = page["servers_links"][0]["href"].as_str().map(|href| {
                href.strip_prefix(sim.base_url())
                    .expect("an address of this server")
                    .to_owned()
            });
        }
        assert_eq!(names, ["e", "d", "c", "b", "a"]);
        assert_eq!(pages, 3);
    }
    let one = client
        .get("/compute/v2.1/servers?name=c&status=active")
        .json();
    assert_eq!(array(&one["servers"]).len(), 1);
    assert_eq!(one["servers"][0]["name"], "c");
    assert_eq!(
        client.get("/compute/v2.1/servers?limit=0").json(),
        json!({"servers": []})
    );
    let unknown = client.get("/compute/v2.1/servers?marker=nope");
    assert_eq!(unknown.status, 400);
    assert_eq!(
        unknown.json()["badRequest"]["message"],
        "marker [nope] not found"
    );
    assert_eq!(client.get("/compute/v2.1/servers?limit=x").status, 400);
}

#[test]
fn flavors_and_images_come_in_pages() {
    let sim = quick().start().unwrap();
    let mut client = Client::logged_in(&sim);
    let flavors = client.get("/compute/v2.1/flavors/detail?limit=5").json();
    assert_eq!(flavors["flavors"][1]["ram"], 2048);
    assert_eq!(
        flavors["flavors_links"][0]["href"],
        format!(
            "{}/compute/v2.1/flavors/detail?limit=5&marker=5",
            sim.base_url()
        )
    );
    let rest = client.get("/compute/v2.1/flavors?limit=5&marker=5").json();
    assert_eq!(array(&rest["flavors"]).len(), 2);
    assert_eq!(rest.get("flavors_links"), None);
    assert_eq!(client.get("/compute/v2.1/flavors/zzz").status, 404);

    let images = client.get("/image/v2/images?limit=2").json();
    assert_eq!(images["first"], "/v2/images?limit=2");
    assert_eq!(images["images"][0]["status"], "queued");
    let next = text(&images["next"]).to_owned();
    assert!(next.starts_with("/v2/images?limit=2&marker="));
    let rest = client.get(&format!("/image{next}")).json();
    assert_eq!(rest["images"][0]["name"], "tiny");
    assert_eq!(rest.get("next"), None);
    let id = text(&rest["images"][0]["id"]);
    assert_eq!(
        client.get(&format!("/image/v2/images/{id}")).json()["name"],
        "tiny"
    );
    assert_eq!(client.get("/image/v2/images/nope").status, 404);
    assert_eq!(client.get("/image/v2/images?marker=nope").status, 400);
}

// ---- connections -------------------------------------------------------------------------------

#[test]
fn connections_logins_and_requests_are_counted() {
    let sim = quick().start().unwrap();
    let mut first = Client::logged_in(&sim);
    let mut second = Client::logged_in(&sim);
    let id = first.create("web", "1");
    first.get(&format!("/compute/v2.1/servers/{id}"));
    second.get("/compute/v2.1/servers/nope");
    let stats = sim.stats();
    assert_eq!(stats.connections, 2);
    assert_eq!(stats.open_connections, 2);
    assert_eq!(stats.logins, 2);
    assert_eq!(stats.by_path["GET /compute/v2.1/servers/{id}"], 2);
    assert_eq!(stats.by_path["POST /identity/v3/auth/tokens"], 2);
    assert_eq!(stats.requests, stats.by_path.values().sum::<u64>());
    drop(first);
    until(|| sim.stats().open_connections == 1);
    assert_eq!(sim.stats().peak_open_connections, 2);
    sim.reset_stats();
    assert_eq!(
        (sim.stats().requests, sim.stats().peak_open_connections),
        (0, 1)
    );
    let as_json = serde_json::to_value(sim.stats()).unwrap();
    assert_eq!(as_json["open_connections"], 1);
}

#[test]
fn idle_connections_are_closed_and_busy_ones_are_not() {
    let idle = Duration::from_millis(200);
    let sim = quick().idle_close(idle).start().unwrap();
    let mut client = Client::logged_in(&sim);
    sim.set_read_delay(2 * idle);
    assert_eq!(
        client.get("/compute/v2.1/servers").status,
        200,
        "slow, not idle"
    );
    let answered = Instant::now();
    assert_eq!(client.stream.read(&mut [0]).unwrap(), 0, "an orderly end");
    assert!(answered.elapsed() >= idle - Duration::from_millis(5));
    until(|| sim.stats().open_connections == 0);
}

#[test]
fn delays_pass_before_the_answer_and_side_by_side() {
    let sim = quick().start().unwrap();
    let delay = Duration::from_millis(150);
    let mut clients: Vec<_> = (0..8).map(|_| Client::logged_in(&sim)).collect();
    sim.set_read_delay(delay);
    let start = Instant::now();
    thread::scope(|scope| {
        for client in &mut clients {
            scope.spawn(|| assert_eq!(client.get("/compute/v2.1/flavors").status, 200));
        }
    });
    assert!(start.elapsed() >= delay);
    assert!(start.elapsed() < 4 * delay, "eight at the same time");
}

#[test]
fn a_create_happens_even_if_the_caller_hangs_up() {
    let sim = quick()
        .create_delay(Duration::from_secs(5))
        .start()
        .unwrap();
    let mut client = Client::logged_in(&sim);
    let body = client.new_server("orphan", "1").to_string();
    client.write("POST", "/compute/v2.1/servers", &[], &body);
    drop(client);
    until(|| sim.servers().len() == 1);
    assert_eq!(sim.servers()[0].name, "orphan");
    sim.clear();
    assert!(sim.servers().is_empty());
}

#[test]
fn large_bodies_and_bad_requests_do_no_harm() {
    let sim = quick().start().unwrap();
    let mut client = Client::of(&sim);
    let head =
        "POST /compute/v2.1/servers HTTP/1.1\r\nHost: sim\r\nContent-Length: 1048577\r\n\r\n";
    client.stream.write_all(head.as_bytes()).unwrap();
    client.stream.write_all(&vec![b' '; 1_048_577]).unwrap();
    assert_eq!(client.read().status, 413);

    let mut client = Client::of(&sim);
    client
        .stream
        .write_all(b"\x16\x03\x01 no http\r\n\r\n")
        .unwrap();
    assert_eq!(client.read().status, 400);

    let mut client = Client::logged_in(&sim);
    assert_eq!(
        client
            .get("/compute/v2.1/servers?name=%ff%zz&limit=%31&&=")
            .status,
        200
    );
    assert_eq!(client.get("/").status, 404);
    assert_eq!(
        client
            .send("PUT", "/identity/v3/auth/tokens", &[], "")
            .status,
        405
    );
}

#[test]
fn dropping_the_cloud_closes_its_connections_and_its_port() {
    let sim = quick().start().unwrap();
    let mut client = Client::logged_in(&sim);
    let addr = sim.addr();
    drop(sim);
    assert!(matches!(client.stream.read(&mut [0]), Ok(0) | Err(_)));
    assert!(TcpStream::connect(addr).is_err());
    let again = quick().port(addr.port()).start().unwrap();
    assert_eq!(again.addr(), addr);
}

#[tokio::test]
async fn it_starts_fails_and_stops_within_a_runtime() {
    let sim = quick().start().unwrap();
    let taken = quick().port(sim.addr().port()).start();
    assert_eq!(taken.unwrap_err().kind(), ErrorKind::AddrInUse);
    drop(sim);
}

#[test]
fn the_same_seed_makes_the_same_ids() {
    let [one, two] = [7, 7].map(|seed| quick().seed(seed).start().unwrap());
    let [one, two] = [&one, &two].map(Client::logged_in);
    assert_eq!(one.token, two.token);
    let [three, four] = [quick(), quick()].map(|builder| builder.start().unwrap());
    assert_ne!(
        Client::logged_in(&three).token,
        Client::logged_in(&four).token
    );
}

#[test]
fn tls_is_trusted_through_the_ca_and_only_so() {
    use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};

    let sim = quick().tls(true).start().unwrap();
    assert!(sim.auth_url().starts_with("https://127.0.0.1:"));
    let try_with = |name: &'static str, ca: Option<&str>| {
        let mut roots = rustls::RootCertStore::empty();
        if let Some(ca) = ca {
            roots
                .add(CertificateDer::from_pem_slice(ca.as_bytes()).unwrap())
                .unwrap();
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from(name).unwrap();
        let mut tls = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
        let mut socket = TcpStream::connect(sim.addr()).unwrap();
        let mut stream = rustls::Stream::new(&mut tls, &mut socket);
        let request = "GET /identity/v3 HTTP/1.1\r\nHost: sim\r\nConnection: close\r\n\r\n";
        stream.write_all(request.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).map(|_| answer)
    };
    for name in ["127.0.0.1", "localhost"] {
        let answer = try_with(name, sim.ca_pem()).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    }
    assert!(try_with("example.org", sim.ca_pem()).is_err());

    sim.fail_next(Fault::cut_body());
    let cut = try_with("127.0.0.1", sim.ca_pem()).unwrap_err();
    assert_eq!(cut.kind(), ErrorKind::UnexpectedEof, "no farewell");
    sim.fail_next(Fault::close_after());
    assert!(try_with("127.0.0.1", sim.ca_pem()).is_ok(), "a farewell");
    sim.fail_next(Fault::reset_after());
    let reset = try_with("127.0.0.1", sim.ca_pem()).unwrap_err();
    assert_eq!(reset.kind(), ErrorKind::ConnectionReset);

    let other = quick().tls(true).start().unwrap();
    assert!(try_with("127.0.0.1", other.ca_pem()).is_err());
    assert_eq!(quick().start().unwrap().ca_pem(), None);
}

// ---- faults ------------------------------------------------------------------------------------

#[test]
fn faults_answer_in_place_of_the_service() {
    let sim = quick().start().unwrap();
    let mut client = Client::logged_in(&sim);
    sim.fail_next(Fault::too_many_requests(Duration::from_millis(1500)).on("get", "/compute"));
    sim.fail_next(Fault::unavailable().on_path("/image").times(2));
    sim.fail_next(Fault::bad_gateway().on("POST", "/compute/v2.1/servers"));
    sim.fail_next(
        Fault::answer(418)
            .header("x-why", "tea")
            .body("pot")
            .on_path("/networking"),
    );

    let slow_down = client.get("/compute/v2.1/flavors");
    assert_eq!(
        (slow_down.status, slow_down.header("retry-after")),
        (429, Some("2"))
    );
    assert_eq!(client.get("/compute/v2.1/flavors").status, 200, "once");
    let statuses = [0; 3].map(|_| client.get("/image/v2/images").status);
    assert_eq!(statuses, [503, 503, 200]);
    let body = client.new_server("web", "1");
    let broken = client.post("/compute/v2.1/servers", &body);
    assert_eq!(
        (broken.status, broken.header("content-type")),
        (502, Some("text/html"))
    );
    assert!(sim.servers().is_empty(), "nothing was done");
    let tea = client.get("/networking/v2.0/networks");
    assert_eq!(
        (tea.status, tea.header("x-why"), tea.body.as_slice()),
        (418, Some("tea"), &b"pot"[..])
    );
    assert_eq!(sim.stats().connections, 1, "all on one connection");
    assert_eq!(sim.stats().faults, 5);
}

#[test]
fn faults_can_wait_and_be_forgotten() {
    let sim = quick().start().unwrap();
    let mut client = Client::logged_in(&sim);
    sim.fail_next(Fault::unavailable().on_path("/compute").after(2));
    let statuses = [0; 4].map(|_| client.get("/compute/v2.1/flavors").status);
    assert_eq!(statuses, [200, 200, 503, 200]);
    sim.fail_next(Fault::unavailable().times(u32::MAX));
    assert_eq!([0; 3].map(|_| client.get("/compute/v2.1").status), [503; 3]);
    sim.clear_faults();
    assert_eq!(client.get("/compute/v2.1").status, 200);
}

#[test]
fn a_reset_before_does_nothing_and_a_reset_after_does_all() {
    let sim = quick().start().unwrap();
    for (fault, servers) in [(Fault::reset_before(), 0), (Fault::reset_after(), 1)] {
        let mut client = Client::logged_in(&sim);
        let body = client.new_server("web", "1").to_string();
        sim.fail_next(fault.on("POST", "/compute/v2.1/servers"));
        client.write("POST", "/compute/v2.1/servers", &[], &body);
        let end = client.stream.read(&mut [0]).unwrap_err();
        assert_eq!(end.kind(), ErrorKind::ConnectionReset);
        assert_eq!(sim.servers().len(), servers);
    }
    assert_eq!(sim.stats().faults, 2);
}

#[test]
fn a_body_can_be_cut_half_way() {
    let sim = quick().start().unwrap();
    let mut client = Client::logged_in(&sim);
    let whole = client.get("/compute/v2.1/flavors/detail");
    sim.fail_next(Fault::cut_body().on("GET", "/compute"));
    client.write("GET", "/compute/v2.1/flavors/detail", &[], "");
    let mut bytes = Vec::new();
    client
        .stream
        .read_to_end(&mut bytes)
        .expect("an orderly end");
    let head = find(&bytes, b"\r\n\r\n").unwrap() + 4;
    let promised = format!("content-length: {}", whole.body.len());
    assert!(String::from_utf8_lossy(&bytes[..head]).contains(&promised));
    assert_eq!(&bytes[head..], &whole.body[..whole.body.len() / 2]);
}

#[test]
fn keep_alive_can_end_without_a_word() {
    let sim = quick().start().unwrap();
    let mut client = Client::logged_in(&sim);
    let id = client.create("web", "1");
    for (method, path, status) in [
        ("GET", "/compute/v2.1/flavors".to_owned(), 200),
        ("DELETE", format!("/compute/v2.1/servers/{id}"), 204),
    ] {
        client.reconnect(&sim);
        sim.fail_next(Fault::close_after());
        let answer = client.send(method, &path, &[], "");
        assert_eq!((answer.status, answer.header("connection")), (status, None));
        assert_eq!(client.stream.read(&mut [0]).unwrap(), 0);
    }
}

// ---- a client ----------------------------------------------------------------------------------

/// A cloud without delays.
fn quick() -> Builder {
    Sim::builder()
        .login_delay(Duration::ZERO)
        .read_delay(Duration::ZERO)
        .create_delay(Duration::ZERO)
        .boot_time(Duration::ZERO)
}

/// One connection, kept alive.
struct Client {
    stream: TcpStream,
    token: Option<String>,
}

struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Client {
    fn of(sim: &Sim) -> Client {
        let stream = TcpStream::connect(sim.addr()).unwrap();
        stream.set_nodelay(true).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(10)))
            .unwrap();
        Client {
            stream,
            token: None,
        }
    }

    fn logged_in(sim: &Sim) -> Client {
        let mut client = Client::of(sim);
        client.log_in();
        client
    }

    fn reconnect(&mut self, sim: &Sim) {
        let token = self.token.take();
        *self = Client {
            token,
            ..Client::of(sim)
        };
    }

    fn log_in(&mut self) {
        let answer = self.post("/identity/v3/auth/tokens", &login("demo", "secret"));
        assert_eq!(answer.status, 201);
        self.token = answer.header("x-subject-token").map(str::to_owned);
    }

    fn get(&mut self, path: &str) -> Answer {
        self.send("GET", path, &[], "")
    }

    fn post(&mut self, path: &str, body: &Value) -> Answer {
        self.post_text(path, &body.to_string())
    }

    fn post_text(&mut self, path: &str, body: &str) -> Answer {
        self.send("POST", path, &[("Content-Type", "application/json")], body)
    }

    /// The body of a create from the image `tiny`.
    fn new_server(&mut self, name: &str, flavor: &str) -> Value {
        let images = self.get("/image/v2/images?name=tiny").json();
        let image = &images["images"][0]["id"];
        json!({"server": {"name": name, "imageRef": image, "flavorRef": flavor}})
    }

    fn create(&mut self, name: &str, flavor: &str) -> String {
        let body = self.new_server(name, flavor);
        let answer = self.post("/compute/v2.1/servers", &body);
        assert_eq!(answer.status, 202);
        text(&answer.json()["server"]["id"]).to_owned()
    }

    fn send(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        self.write(method, path, headers, body);
        self.read()
    }

    fn write(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) {
        let mut request = format!("{method} {path} HTTP/1.1\r\nHost: sim\r\n");
        let token = self.token.as_deref().map(|token| ("X-Auth-Token", token));
        for (name, value) in headers.iter().copied().chain(token) {
            request += &format!("{name}: {value}\r\n");
        }
        request += &format!("Content-Length: {}\r\n\r\n{body}", body.len());
        self.stream.write_all(request.as_bytes()).unwrap();
    }

    fn read(&mut self) -> Answer {
        let mut bytes = Vec::new();
        let head = loop {
            if let Some(end) = find(&bytes, b"\r\n\r\n") {
                break end;
            }
            self.fill(&mut bytes);
        };
        let text = String::from_utf8(bytes[..head].to_vec()).unwrap();
        let mut lines = text.lines();
        let status = lines
            .next()
            .unwrap()
            .split(' ')
            .nth(1)
            .unwrap()
            .parse()
            .unwrap();
        let headers: Vec<_> = lines
            .map(|line| line.split_once(": ").unwrap_or((line, "")))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let mut answer = Answer {
            status,
            headers,
            body: bytes.split_off(head + 4),
        };
        let length = answer
            .header("content-length")
            .map_or(0, |length| length.parse().unwrap());
        while answer.body.len() < length {
            self.fill(&mut answer.body);
        }
        assert_eq!(answer.body.len(), length, "no more than promised");
        answer
    }

    fn fill(&mut self, bytes: &mut Vec<u8>) {
        let mut chunk = [0; 4096];
        let read = self.stream.read(&mut chunk).unwrap();
        assert_ne!(read, 0, "closed in the middle of an answer");
        bytes.extend_from_slice(&chunk[..read]);
    }
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

fn login(user: &str, password: &str) -> Value {
    json!({"auth": {
        "identity": {"methods": ["password"], "password": {"user": {
            "name": user, "password": password, "domain": {"name": "Default"}}}},
        "scope": {"project": {"name": "demo", "domain": {"name": "Default"}}},
    }})
}

fn password_login(user: Value) -> String {
    json!({"auth": {"identity": {"methods": ["password"], "password": {"user": user}}}}).to_string()
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

fn array(value: &Value) -> &[Value] {
    value.as_array().expect("an array")
}

/// Microseconds since the epoch of a time like `2026-01-02T03:04:05.678901Z`.
fn micros(time: &Value) -> i64 {
    let time = text(time);
    assert_eq!(
        time.len(),
        "2026-01-02T03:04:05.678901Z".len(),
        "microseconds are written"
    );
    time.parse::<jiff::Timestamp>().unwrap().as_microsecond()
}

fn find(bytes: &[u8], pattern: &[u8]) -> Option<usize> {
    bytes
        .windows(pattern.len())
        .position(|window| window == pattern)
}

/// Waits until it holds, and fails if it never does.
fn until(mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(
            start.elapsed() < Duration::from_secs(5),
            "it never came true"
        );
        thread::sleep(TICK);
    }
}
