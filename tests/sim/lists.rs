//! Lists and their pages.

use serde_json::json;

use crate::client::{Client, array, quick, text};

#[test]
fn servers_come_in_pages_newest_first() {
    let sim = quick().page_size(2).start().unwrap();
    let mut client = Client::logged_in(&sim);
    for name in ["a", "b", "c", "d", "e"] {
        client.create(name, "1");
    }
    for path in ["/compute/v2.1/servers", "/compute/v2.1/servers/detail?limit=2&name="] {
        let mut names = Vec::new();
        let mut pages = 0;
        let mut next = Some(path.to_owned());
        while let Some(path) = next.take() {
            let page = client.get(&path).json();
            pages += 1;
            names.extend(
                array(&page["servers"]).iter().map(|server| text(&server["name"]).to_owned()),
            );
            next = page["servers_links"][0]["href"].as_str().map(|href| {
                href.strip_prefix(sim.base_url()).expect("an address of this server").to_owned()
            });
        }
        assert_eq!(names, ["e", "d", "c", "b", "a"]);
        assert_eq!(pages, 3);
    }
    let one = client.get("/compute/v2.1/servers?name=c&status=active").json();
    assert_eq!(array(&one["servers"]).len(), 1);
    assert_eq!(one["servers"][0]["name"], "c");
    assert_eq!(client.get("/compute/v2.1/servers?limit=0").json(), json!({"servers": []}));
    let unknown = client.get("/compute/v2.1/servers?marker=nope");
    assert_eq!(unknown.status, 400);
    assert_eq!(unknown.json()["badRequest"]["message"], "marker [nope] not found");
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
        format!("{}/compute/v2.1/flavors/detail?limit=5&marker=5", sim.base_url())
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
    assert_eq!(client.get(&format!("/image/v2/images/{id}")).json()["name"], "tiny");
    assert_eq!(client.get("/image/v2/images/nope").status, 404);
    assert_eq!(client.get("/image/v2/images?marker=nope").status, 400);
}
