//! Flavors: `/flavors`.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::errors::{bad_limit, not_found, unknown_marker};
use super::next_link;
use crate::sim::answer;
use crate::sim::cloud::Cloud;
use crate::sim::flavor::{self, FLAVORS, Flavor};
use crate::sim::microversion::Microversion;
use crate::sim::page::Page;
use crate::sim::request::Request;
use crate::sim::server_view;

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

pub(super) fn show(cloud: &Cloud, version: Microversion, id: &str) -> Response<Bytes> {
    one(id, |flavor| json!({"flavor": server_view::flavor(cloud, flavor, Some(version))}))
}

pub(super) fn extra_specs(id: &str) -> Response<Bytes> {
    one(id, |_| json!({"extra_specs": {}}))
}

fn one(id: &str, view: impl FnOnce(&Flavor) -> Value) -> Response<Bytes> {
    match flavor::find(id) {
        Some(flavor) => answer::json(StatusCode::OK, &view(flavor)),
        None => not_found(&format!("Flavor {id} could not be found.")),
    }
}
