//! Servers: `/servers`.

use bytes::Bytes;
use http::header::{HeaderValue, LOCATION};
use http::{Response, StatusCode};
use serde_json::json;

use super::errors::{
    bad_limit, bad_request, forbidden, in_the_way, no_instance, over_quota, unknown_marker,
};
use super::next_link;
use crate::sim::answer;
use crate::sim::cloud::Cloud;
use crate::sim::flavor::{self, CORES_ALLOWED};
use crate::sim::instance::Server;
use crate::sim::microversion::Microversion;
use crate::sim::page::Page;
use crate::sim::pattern;
use crate::sim::request::Request;
use crate::sim::schema::Refusal;
use crate::sim::server_request::{self, Order};
use crate::sim::server_view::{self, Links};

pub(super) fn list(
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
    let world = cloud.world();
    let Some(servers) = page.of(world.servers.newest(), |server| &server.id, selects) else {
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
            .map(|server| server_view::detail(cloud, &world, server, version, false))
            .collect();
        answer::json(StatusCode::OK, &server_view::List { servers: views, next })
    } else {
        let views = servers.into_iter().map(|server| server_view::brief(cloud, server)).collect();
        answer::json(StatusCode::OK, &server_view::List { servers: views, next })
    }
}

pub(super) fn show(cloud: &Cloud, version: Microversion, id: &str) -> Response<Bytes> {
    let world = cloud.world();
    match world.servers.get(id) {
        Some(server) => {
            let view = server_view::detail(cloud, &world, server, version, true);
            answer::json(StatusCode::OK, &server_view::One { server: view })
        }
        None => no_instance(id),
    }
}

pub(super) fn create(cloud: &Cloud, request: &Request, version: Microversion) -> Response<Bytes> {
    let pace = *cloud.pace.lock();
    let mut world = cloud.world();
    let Order { server, disks } = match server_request::read(request.body(), version, &world) {
        Ok(order) => order,
        Err(Refusal(message)) => return bad_request(&message),
    };
    let quota = cloud.settings.quota;
    let used = world.servers.count();
    if used >= quota {
        return over_quota("instances", 1, used, quota);
    }
    if server.flavor.id == flavor::OVER_QUOTA {
        let (asked, used) = (server.flavor.vcpus as usize, world.servers.cores_in_use() as usize);
        return over_quota("cores", asked, used, CORES_ALLOWED as usize);
    }
    let new_volumes = disks.iter().filter(|disk| disk.is_new()).count();
    if world.volumes.count() + new_volumes > cloud.settings.volume_quota {
        return forbidden("VolumeLimitExceeded: Maximum number of volumes allowed exceeded");
    }

    cloud.counts.order(&server.name, &server.metadata);
    let id = world.add_server(server, &pace);
    for disk in disks {
        disk.attach_to(&id, &mut world, &pace);
    }
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

pub(super) fn delete(cloud: &Cloud, id: &str) -> Response<Bytes> {
    let takes = cloud.pace.lock().delete_time;
    let mut world = cloud.world();
    match world.servers.get(id).map(Server::check_lock) {
        Some(Ok(())) => {
            world.delete_server(id, takes);
            answer::empty(StatusCode::NO_CONTENT)
        }
        Some(Err(reason)) => in_the_way(id, "delete", &reason),
        None => no_instance(id),
    }
}
