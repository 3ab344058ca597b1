//! Nova v2.1: servers and flavors.

use bytes::Bytes;
use http::header::{HeaderValue, LOCATION};
use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::answer;
use super::cloud::Cloud;
use super::flavor::{self, CORES_ALLOWED, FLAVORS, Flavor};
use super::keystone::has_token;
use super::microversion::{Microversion, VersionRefusal};
use super::page::Page;
use super::pattern;
use super::request::Request;
use super::server_request::{self, Refusal};
use super::server_view::{self, Link, Links};
use super::world::Server;

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
    if !has_token(&cloud.world.lock(), request) {
        return answer::unauthorized(cloud);
    }
    match (method, path) {
        ("GET", ["v2.1", "servers"]) => servers(cloud, request, version, false),
        ("GET", ["v2.1", "servers", "detail"]) => servers(cloud, request, version, true),
        ("POST", ["v2.1", "servers"]) => create(cloud, request, version),
        ("GET", ["v2.1", "servers", id]) => server(cloud, version, id),
        ("DELETE", ["v2.1", "servers", id]) => delete(cloud, id),
        ("GET", ["v2.1", "flavors"]) => flavors(cloud, request, version, false),
        ("GET", ["v2.1", "flavors", "detail"]) => flavors(cloud, request, version, true),
        ("GET", ["v2.1", "flavors", id]) => one_flavor(
            id,
            |flavor| json!({"flavor": server_view::flavor(cloud, flavor, Some(version))}),
        ),
        ("GET", ["v2.1", "flavors", id, "os-extra_specs"]) => {
            one_flavor(id, |_| json!({"extra_specs": {}}))
        }
        _ => answer::not_found(request),
    }
}

fn servers(
    cloud: &Cloud,
    request: &Request,
    version: Microversion,
    in_detail: bool,
) -> Response<Bytes> {
    let page = match Page::asked(request, cloud.settings.page_size) {
        Ok(page) => page,
        Err(limit) => return bad_limit(&limit),
    };
    let (name, status) = (request.query("name"), request.query("status"));
    let selects = |server: &Server| {
        name.as_ref().is_none_or(|name| pattern::finds(name, &server.name))
            && status.as_ref().is_none_or(|status| server.status().eq_ignore_ascii_case(status))
    };
    let mut world = cloud.world.lock();
    let ids = server_view::Owner { user: world.user_id.clone(), project: world.project_id.clone() };
    let Some(servers) = page.of(world.newest_servers(), |server| &server.id, selects) else {
        return unknown_marker(&page);
    };

    let last = servers.last().filter(|_| page.is_full(servers.len()));
    let next = last.map(|last| {
        let path = if in_detail { "servers/detail" } else { "servers" };
        next_link(cloud, request, path, &last.id)
    });
    if in_detail {
        let views = servers
            .into_iter()
            .map(|server| server_view::detail(cloud, &ids, server, version, false))
            .collect();
        answer::json(StatusCode::OK, &server_view::List { servers: views, next })
    } else {
        let views = servers.into_iter().map(|server| server_view::brief(cloud, server)).collect();
        answer::json(StatusCode::OK, &server_view::List { servers: views, next })
    }
}

fn server(cloud: &Cloud, version: Microversion, id: &str) -> Response<Bytes> {
    let mut world = cloud.world.lock();
    let ids = server_view::Owner { user: world.user_id.clone(), project: world.project_id.clone() };
    match world.server(id) {
        Some(server) => {
            let view = server_view::detail(cloud, &ids, server, version, true);
            answer::json(StatusCode::OK, &server_view::One { server: view })
        }
        None => no_instance(id),
    }
}

fn create(cloud: &Cloud, request: &Request, version: Microversion) -> Response<Bytes> {
    let pace = *cloud.pace.lock();
    let mut world = cloud.world.lock();
    let server = match server_request::read(request.body(), version, &world) {
        Ok(server) => server,
        Err(Refusal(message)) => return fault("badRequest", StatusCode::BAD_REQUEST, &message),
    };
    let quota = cloud.settings.quota;
    let used = world.server_count();
    if used >= quota {
        return over_quota("instances", 1, used, quota);
    }
    if server.flavor.id == flavor::OVER_QUOTA {
        let (asked, used) = (server.flavor.vcpus as usize, world.cores_in_use() as usize);
        return over_quota("cores", asked, used, CORES_ALLOWED as usize);
    }

    cloud.counts.order(&server.name, &server.metadata);
    let id = world.add_server(server, &pace);
    let links = Links::of(cloud, "servers", &id);
    let mut answer = answer::json(
        StatusCode::ACCEPTED,
        &json!({"server": {
            "id": id,
            "links": links,
            "OS-DCF:diskConfig": "MANUAL",
            "security_groups": [{"name": "default"}],
            "adminPass": world.password(),
        }}),
    );
    if let Ok(address) = HeaderValue::try_from(links.own_address()) {
        answer.headers_mut().insert(LOCATION, address);
    }
    answer
}

fn delete(cloud: &Cloud, id: &str) -> Response<Bytes> {
    let takes = cloud.pace.lock().delete_time;
    if cloud.world.lock().delete_server(id, takes) {
        answer::empty(StatusCode::NO_CONTENT)
    } else {
        no_instance(id)
    }
}

fn flavors(
    cloud: &Cloud,
    request: &Request,
    version: Microversion,
    in_detail: bool,
) -> Response<Bytes> {
    let page = match Page::asked(request, cloud.settings.page_size) {
        Ok(page) => page,
        Err(limit) => return bad_limit(&limit),
    };
    let Some(flavors) = page.of(FLAVORS.iter(), |flavor| flavor.id, |_| true) else {
        return unknown_marker(&page);
    };
    let view = |flavor: &&Flavor| server_view::flavor(cloud, flavor, in_detail.then_some(version));
    let views: Vec<_> = flavors.iter().map(view).collect();
    let mut body = json!({"flavors": views});
    if let Some(last) = flavors.last().filter(|_| page.is_full(flavors.len())) {
        let path = if in_detail { "flavors/detail" } else { "flavors" };
        body["flavors_links"] = json!([next_link(cloud, request, path, last.id)]);
    }
    answer::json(StatusCode::OK, &body)
}

fn one_flavor(id: &str, view: impl FnOnce(&Flavor) -> Value) -> Response<Bytes> {
    match flavor::find(id) {
        Some(flavor) => answer::json(StatusCode::OK, &view(flavor)),
        None => {
            let message = format!("Flavor {id} could not be found.");
            fault("itemNotFound", StatusCode::NOT_FOUND, &message)
        }
    }
}

fn next_link(cloud: &Cloud, request: &Request, path: &str, marker: &str) -> Link {
    let (base, query) = (&cloud.settings.base_url, request.query_after(marker));
    Link { rel: "next", href: format!("{base}/compute/v2.1/{path}{query}") }
}

fn fault(kind: &str, status: StatusCode, message: &str) -> Response<Bytes> {
    let body = json!({kind: {"code": status.as_u16(), "message": message}});
    answer::of(status, "application/json; charset=UTF-8", body.to_string().into())
}

fn no_instance(id: &str) -> Response<Bytes> {
    let message = format!("Instance {id} could not be found.");
    fault("itemNotFound", StatusCode::NOT_FOUND, &message)
}

fn unknown_marker(page: &Page) -> Response<Bytes> {
    let message = format!("marker [{}] not found", page.marker.as_deref().unwrap_or_default());
    fault("badRequest", StatusCode::BAD_REQUEST, &message)
}

fn bad_limit(limit: &str) -> Response<Bytes> {
    let message = format!(
        "Invalid input for query parameters limit. Value: {limit}. \
         '{limit}' does not match '^[0-9]*$'"
    );
    fault("badRequest", StatusCode::BAD_REQUEST, &message)
}

fn over_quota(what: &str, asked: usize, used: usize, allowed: usize) -> Response<Bytes> {
    let message = format!(
        "Quota exceeded for {what}: Requested {asked}, but already used {used} of {allowed} {what}"
    );
    fault("forbidden", StatusCode::FORBIDDEN, &message)
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
