//! Nova v2.1.

mod actions;
mod attachments;
mod errors;
mod flavors;
mod keypairs;
mod metadata;
mod project;
mod servers;

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::answer;
use super::cloud::Cloud;
use super::keystone::has_token;
use super::microversion::{Microversion, VersionRefusal};
use super::request::Request;
use super::server_view::Link;
use errors::fault;

pub(super) fn answer(cloud: &Cloud, request: &Request, path: &[&str]) -> Response<Bytes> {
    let method = request.method().as_str();
    if let ("GET", []) = (method, path) {
        return answer::json(StatusCode::OK, &versions(cloud));
    }
    let (mut answer, version) = match Microversion::asked(request) {
        Ok(version) => (routed(cloud, request, version, path), version),
        Err(VersionRefusal::Invalid(message)) => {
            (fault("badRequest", StatusCode::BAD_REQUEST, &message), Microversion::DEFAULT)
        }
        Err(VersionRefusal::NotAcceptable(message)) => {
            (fault("computeFault", StatusCode::NOT_ACCEPTABLE, &message), Microversion::DEFAULT)
        }
    };
    if answer.status() != StatusCode::UNAUTHORIZED {
        version.sign(answer.headers_mut());
    }
    answer
}

fn routed(
    cloud: &Cloud,
    request: &Request,
    version: Microversion,
    path: &[&str],
) -> Response<Bytes> {
    let method = request.method().as_str();
    if let ("GET", ["v2.1"]) = (method, path) {
        return answer::json(StatusCode::OK, &json!({"version": described_version(cloud)}));
    }
    if !has_token(&cloud.world(), request) {
        return answer::unauthorized(cloud);
    }
    match (method, path) {
        ("GET", ["v2.1", "servers"]) => servers::list(cloud, request, version, false),
        ("GET", ["v2.1", "servers", "detail"]) => servers::list(cloud, request, version, true),
        ("POST", ["v2.1", "servers"]) => servers::create(cloud, request, version),
        ("GET", ["v2.1", "servers", id]) => servers::show(cloud, version, id),
        ("DELETE", ["v2.1", "servers", id]) => servers::delete(cloud, id),
        ("POST", ["v2.1", "servers", id, "action"]) => actions::answer(cloud, request, version, id),
        (_, ["v2.1", "servers", id, "metadata", key @ ..]) => {
            metadata::answer(cloud, request, id, key)
        }
        (_, ["v2.1", "servers", id, "os-volume_attachments", volume @ ..]) => {
            attachments::answer(cloud, request, version, id, volume)
        }
        ("GET", ["v2.1", "servers", id, "os-security-groups"]) => {
            project::security_groups(cloud, id)
        }
        ("GET", ["v2.1", "servers", id, "os-interface"]) => project::interfaces(cloud, id),
        ("GET", ["v2.1", "os-keypairs"]) => keypairs::list(cloud, request, version),
        ("POST", ["v2.1", "os-keypairs"]) => keypairs::create(cloud, request, version),
        ("GET", ["v2.1", "os-keypairs", name]) => keypairs::show(cloud, version, name),
        ("DELETE", ["v2.1", "os-keypairs", name]) => keypairs::delete(cloud, version, name),
        ("GET", ["v2.1", "os-availability-zone"]) => project::zones(),
        ("GET", ["v2.1", "os-availability-zone", "detail"]) => project::zones_in_detail(),
        ("GET", ["v2.1", "limits"]) => project::limits(cloud, version),
        ("GET", ["v2.1", "flavors"]) => flavors::list(cloud, request, version, false),
        ("GET", ["v2.1", "flavors", "detail"]) => flavors::list(cloud, request, version, true),
        ("GET", ["v2.1", "flavors", id]) => flavors::show(cloud, version, id),
        ("GET", ["v2.1", "flavors", id, "os-extra_specs"]) => flavors::extra_specs(id),
        _ => answer::not_found(request),
    }
}

fn next_link(cloud: &Cloud, request: &Request, path: &str, marker: &str) -> Link {
    let (base, query) = (&cloud.settings.base_url, request.query_after(marker));
    Link { rel: "next", href: format!("{base}/compute/v2.1/{path}{query}") }
}

fn versions(cloud: &Cloud) -> Value {
    let href = format!("{}/compute/v2.1/", cloud.settings.base_url);
    json!({"versions": [{
        "id": "v2.1",
        "status": "CURRENT",
        "version": "2.93",
        "min_version": "2.1",
        "updated": "2013-07-23T11:33:21Z",
        "links": [{"rel": "self", "href": href}],
    }]})
}

fn described_version(cloud: &Cloud) -> Value {
    let mut version = versions(cloud)["versions"][0].take();
    if let Some(links) = version["links"].as_array_mut() {
        links.push(json!({
            "rel": "describedby",
            "type": "text/html",
            "href": "http://docs.openstack.org/",
        }));
    }
    version["media-types"] = json!([{
        "base": "application/json",
        "type": "application/vnd.openstack.compute+json;version=2.1",
    }]);
    version
}
