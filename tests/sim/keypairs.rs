//! Key pairs, made or imported.

use serde_json::json;

use crate::client::{Client, array, quick, text};

const KEYS: &str = "/compute/v2.1/os-keypairs";
/// Made with `ssh-keygen`, which also told its fingerprint.
const PUBLIC: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHGGCYm+VLrCMOfTNqD3LZClesS7pIYpJlZ5uNxFAiY1 tests";
const FINGERPRINT: &str = "8d:c6:1f:ea:85:41:e4:39:1a:3c:d9:5d:25:ff:3e:b9";

#[test]
fn a_key_is_imported_listed_shown_and_deleted() {
    let sim = quick().start().unwrap();
    let mut client = Client::logged_in(&sim);
    let body = json!({"keypair": {"name": "laptop", "public_key": PUBLIC}});
    let first = client.post(KEYS, &body);
    assert_eq!(first.status, 200, "before 2.2");
    let pair = &first.json()["keypair"];
    assert_eq!(pair["fingerprint"], FINGERPRINT);
    assert_eq!((pair.get("type"), pair.get("private_key")), (None, None));
    let again = client.post_as("compute 2.2", KEYS, &body);
    assert_eq!(
        (again.status, again.message().as_str()),
        (409, "Key pair 'laptop' already exists.")
    );

    let listed = client.get_as("compute 2.2", KEYS).json();
    assert_eq!(
        listed,
        json!({"keypairs": [{"keypair": {"name": "laptop", "public_key": PUBLIC,
               "fingerprint": FINGERPRINT, "type": "ssh"}}]})
    );
    let shown = client.get(&format!("{KEYS}/laptop")).json()["keypair"].take();
    assert_eq!((&shown["public_key"], &shown["deleted"]), (&json!(PUBLIC), &json!(false)));
    assert_eq!(client.delete(&format!("{KEYS}/laptop")).status, 202, "before 2.2");
    let gone = client.get(&format!("{KEYS}/laptop"));
    let user = text(&shown["user_id"]);
    assert_eq!(
        (gone.status, gone.message()),
        (404, format!("Keypair laptop not found for user {user}"))
    );
    assert_eq!(client.delete(&format!("{KEYS}/laptop")).status, 404);
}

#[test]
fn a_key_is_made_and_its_private_half_is_shown_once() {
    let sim = quick().start().unwrap();
    let mut client = Client::logged_in(&sim);
    let order = json!({"keypair": {"name": "made", "type": "ssh"}});
    let made = client.post_as("compute 2.2", KEYS, &order);
    assert_eq!(made.status, 201);
    let pair = &made.json()["keypair"];
    assert!(text(&pair["private_key"]).starts_with("-----BEGIN OPENSSH PRIVATE KEY-----\n"));
    let shown = client.get(&format!("{KEYS}/made")).json()["keypair"].take();
    assert_eq!(shown.get("private_key"), None);
    let copy = json!({"keypair": {"name": "copy", "public_key": pair["public_key"]}});
    assert_eq!(client.post(KEYS, &copy).json()["keypair"]["fingerprint"], pair["fingerprint"]);
    let other = json!({"keypair": {"name": "other"}});
    assert_ne!(client.post(KEYS, &other).json()["keypair"]["fingerprint"], pair["fingerprint"]);

    let later = client.post_as("compute 2.92", KEYS, &json!({"keypair": {"name": "late"}}));
    assert_eq!(later.status, 400);
    assert!(later.message().ends_with("'public_key' is a required property"));
}

#[test]
fn bad_keys_and_names_are_refused() {
    let sim = quick().start().unwrap();
    let mut client = Client::logged_in(&sim);
    let truncated = PUBLIC.trim_end_matches(" tests");
    for key in ["", "ssh-ed25519", "ssh-ed25519 !!!!", "ssh-rsa AAAA", &truncated[..40]] {
        let refused = client.post(KEYS, &json!({"keypair": {"name": "bad", "public_key": key}}));
        let why = "Keypair data is invalid: failed to generate fingerprint";
        assert_eq!((refused.status, refused.message().as_str()), (400, why), "{key:?}");
    }
    let other_type = PUBLIC.replace("ssh-ed25519", "ssh-rsa");
    for name in ["", " x", "a/b", "a@b"] {
        let refused = client.post(KEYS, &json!({"keypair": {"name": name}}));
        assert_eq!(refused.status, 400, "{name:?}");
    }
    let order = json!({"keypair": {"name": "a@b.c", "public_key": PUBLIC}});
    assert_eq!(client.post_as("compute 2.92", KEYS, &order).status, 201);
    let order = json!({"keypair": {"name": "x", "public_key": other_type}});
    assert_eq!(client.post(KEYS, &order).status, 400, "the key says another type than its line");
    let order = json!({"keypair": {"name": "x", "type": "x509"}});
    assert_eq!(client.post_as("compute 2.2", KEYS, &order).status, 400);
    assert_eq!(array(&client.get(KEYS).json()["keypairs"]).len(), 1);
}

#[test]
fn keys_come_in_pages_where_one_asks_for_them_and_are_counted() {
    let sim = quick().start().unwrap();
    let mut client = Client::logged_in(&sim);
    for n in 0..100 {
        let body = json!({"keypair": {"name": format!("k{n:02}"), "public_key": PUBLIC}});
        assert_eq!(client.post(KEYS, &body).status, 200);
    }
    let one_more = json!({"keypair": {"name": "more", "public_key": PUBLIC}});
    let refused = client.post(KEYS, &one_more);
    assert_eq!(
        (refused.status, refused.message().as_str()),
        (403, "Quota exceeded, too many key pairs.")
    );
    assert_eq!(array(&client.get(&format!("{KEYS}?limit=3")).json()["keypairs"]).len(), 100);
    let page = client.get_as("compute 2.35", &format!("{KEYS}?limit=3&marker=k01")).json();
    assert_eq!(array(&page["keypairs"]).len(), 3);
    assert_eq!(page["keypairs"][0]["keypair"]["name"], "k02");
    assert_eq!(
        page["keypairs_links"][0]["href"],
        format!("{}{KEYS}?limit=3&marker=k04", sim.base_url())
    );
    assert_eq!(client.get_as("compute 2.35", &format!("{KEYS}?marker=zz")).status, 400);
    assert_eq!(sim.stats().by_path[&format!("POST {KEYS}")], 101);
}

#[test]
fn a_server_is_given_a_key_that_exists() {
    let sim = quick().start().unwrap();
    let mut client = Client::logged_in(&sim);
    client.post(KEYS, &json!({"keypair": {"name": "laptop", "public_key": PUBLIC}}));
    let mut body = client.new_server("web", "1");
    body["server"]["key_name"] = json!("phone");
    let refused = client.post("/compute/v2.1/servers", &body);
    assert_eq!((refused.status, refused.message().as_str()), (400, "Invalid key_name provided."));
    body["server"]["key_name"] = json!("laptop");
    assert_eq!(client.post("/compute/v2.1/servers", &body).status, 202);
    let listed = client.get("/compute/v2.1/servers/detail").json();
    assert_eq!(listed["servers"][0]["key_name"], "laptop");
}
