//! Glance v2: the list of images, and one image.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::answer;
use super::cloud::Cloud;
use super::keystone::has_token;
use super::page::Page;
use super::request::Request;
use super::world::{Image, World};

const MEBIBYTE: u64 = 1 << 20;

pub(super) fn answer(cloud: &Cloud, request: &Request, path: &[&str]) -> Response<Bytes> {
    let method = request.method().as_str();
    if let ("GET", []) = (method, path) {
        return versions(cloud);
    }
    let world = cloud.world();
    if !has_token(&world, request) {
        return unauthorized(cloud, request);
    }
    match (method, path) {
        ("GET", ["v2", "images"]) => images(cloud, &world, request),
        ("GET", ["v2", "images", id]) => match world.images.iter().find(|image| image.id == *id) {
            Some(image) => answer::json(StatusCode::OK, &document(&world, image)),
            None => unknown(request, StatusCode::NOT_FOUND, id),
        },
        _ => answer::not_found(request),
    }
}

fn images(cloud: &Cloud, world: &World, request: &Request) -> Response<Bytes> {
    let Ok(page) = Page::asked(request, cloud.settings.page_size) else {
        let explanation = "limit param must be an integer";
        return answer::page(request, StatusCode::BAD_REQUEST, explanation);
    };
    let (name, status) = (request.query("name"), request.query("status"));
    let selects = |image: &Image| {
        name.as_ref().is_none_or(|name| image.name == name)
            && status.as_ref().is_none_or(|status| image.status() == status)
    };
    let Some(images) = page.of(world.images.iter(), |image| &image.id, selects) else {
        return unknown(request, StatusCode::BAD_REQUEST, &page.marker.unwrap_or_default());
    };

    // Glance's links begin at its own root, wherever that is mounted.
    let documents: Vec<_> = images.iter().map(|image| document(world, image)).collect();
    let mut body = json!({
        "images": documents,
        "first": format!("/v2/images{}", request.query_without_marker()),
        "schema": "/v2/schemas/images",
    });
    if let Some(last) = images.last().filter(|_| page.is_full(images.len())) {
        body["next"] = json!(format!("/v2/images{}", request.query_after(&last.id)));
    }
    answer::json(StatusCode::OK, &body)
}

fn document(world: &World, image: &Image) -> Value {
    let path = format!("/v2/images/{}", image.id);
    let born = format!("{:.0}", world.born);
    let mut document = json!({
        "name": image.name,
        "disk_format": "raw",
        "container_format": "bare",
        "visibility": "shared",
        "size": null,
        "virtual_size": null,
        "status": image.status(),
        "checksum": null,
        "protected": false,
        "min_ram": 0,
        "min_disk": 0,
        "owner": world.admin_project_id,
        "os_hidden": false,
        "os_hash_algo": null,
        "os_hash_value": null,
        "id": image.id,
        "created_at": born,
        "updated_at": born,
        "tags": [],
        "self": path,
        "file": format!("{path}/file"),
        "schema": "/v2/schemas/image",
    });
    if image.is_active {
        document["os_distro"] = json!("none");
        document["visibility"] = json!("public");
        document["size"] = json!(MEBIBYTE);
        document["virtual_size"] = json!(MEBIBYTE);
        // Of a mebibyte of zeros.
        document["checksum"] = json!("b6d81b360a5672d80c27430f39153e2c");
        document["os_hash_algo"] = json!("sha512");
        document["os_hash_value"] = json!(
            "d6292685b380e338e025b3415a90fe8f9d39a46e7bdba8cb78c50a338cefca74\
             1f69e4e46411c32de1afdedfb268e579a51f81ff85e56f55b0ee7c33fe8c25c9"
        );
    } else {
        document["owner"] = json!(world.project_id);
    }
    document
}

impl Image {
    fn status(&self) -> &'static str {
        if self.is_active { "active" } else { "queued" }
    }
}

fn unknown(request: &Request, status: StatusCode, id: &str) -> Response<Bytes> {
    answer::page(request, status, &format!("No image found with ID {id}"))
}

/// Glance answers in text or HTML what Nova answers in JSON.
fn unauthorized(cloud: &Cloud, request: &Request) -> Response<Bytes> {
    cloud.counts.unauthorized();
    let explanation = "This server could not verify that you are authorized to access the \
        document you requested. Either you supplied the wrong credentials (e.g., bad password), \
        or your browser does not understand how to supply the credentials required.";
    answer::challenge(cloud, answer::page(request, StatusCode::UNAUTHORIZED, explanation))
}

fn versions(cloud: &Cloud) -> Response<Bytes> {
    let href = format!("{}/image/v2/", cloud.settings.base_url);
    let version = |id: &str| {
        let status = if id == "v2.15" { "CURRENT" } else { "SUPPORTED" };
        json!({"id": id, "status": status, "links": [{"rel": "self", "href": href}]})
    };
    let ids = ["v2.15", "v2.9", "v2.7", "v2.6", "v2.5", "v2.4", "v2.3", "v2.2", "v2.1", "v2.0"];
    let versions = ids.map(version);
    answer::json(StatusCode::MULTIPLE_CHOICES, &json!({"versions": versions}))
}
