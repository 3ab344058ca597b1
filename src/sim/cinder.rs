//! Cinder v3: volumes, and their one type.

mod view;

use std::collections::BTreeMap;

use bytes::Bytes;
use http::header::HeaderValue;
use http::{Response, StatusCode};
use serde_json::{Map, Value, json};

use super::answer;
use super::cloud::Cloud;
use super::keystone::has_token;
use super::page::Page;
use super::request::Request;
use super::schema::{self, Refusal, invalid, of_type, required};
use super::volume::Volume;
use super::world::World;

/// The `X` of the latest `3.X`.
const LATEST: u16 = 70;

pub(super) fn answer(cloud: &Cloud, request: &Request, path: &[&str]) -> Response<Bytes> {
    match (request.method().as_str(), path) {
        ("GET", []) => return versions(cloud, StatusCode::MULTIPLE_CHOICES),
        ("GET", ["v3"]) => return versions(cloud, StatusCode::OK),
        _ => {}
    }
    let mut world = cloud.world();
    if !has_token(&world, request) {
        return answer::unauthorized(cloud);
    }
    let minor = match asked_version(request) {
        Ok(minor) => minor,
        Err(message) => return fault("computeFault", StatusCode::NOT_ACCEPTABLE, &message),
    };
    let mut answer = match path {
        ["v3", project, path @ ..] if *project == world.project_id => {
            routed(cloud, &mut world, request, minor, path)
        }
        ["v3", ..] => fault("badRequest", StatusCode::BAD_REQUEST, "Malformed request url"),
        _ => answer::not_found(request),
    };
    if let Ok(version) = HeaderValue::try_from(format!("volume 3.{minor}")) {
        answer.headers_mut().insert("openstack-api-version", version);
    }
    answer.headers_mut().append("vary", HeaderValue::from_static("OpenStack-API-Version"));
    answer
}

fn routed(
    cloud: &Cloud,
    world: &mut World,
    request: &Request,
    minor: u16,
    path: &[&str],
) -> Response<Bytes> {
    match (request.method().as_str(), path) {
        ("GET", ["volumes"]) => list(cloud, world, request, |v| view::brief(cloud, world, v)),
        ("GET", ["volumes", "detail"]) => {
            list(cloud, world, request, |volume| view::detail(cloud, world, volume, minor))
        }
        ("POST", ["volumes"]) => create(cloud, world, request, minor),
        ("GET", ["volumes", id]) => match world.volumes.get(id) {
            Some(volume) => {
                let view = view::detail(cloud, world, volume, minor);
                answer::json(StatusCode::OK, &json!({"volume": view}))
            }
            None => no_volume(id),
        },
        ("DELETE", ["volumes", id]) => delete(cloud, world, id),
        ("GET", ["types"]) => {
            answer::json(StatusCode::OK, &json!({"volume_types": [view::volume_type(world)]}))
        }
        ("GET", ["types", id]) if [&*world.volume_type_id, view::TYPE, "default"].contains(id) => {
            answer::json(StatusCode::OK, &json!({"volume_type": view::volume_type(world)}))
        }
        ("GET", ["types", id]) => not_found(&format!("Volume type {id} could not be found.")),
        ("GET", ["os-availability-zone"]) => {
            let zone = json!({"zoneName": "nova", "zoneState": {"available": true}});
            answer::json(StatusCode::OK, &json!({"availabilityZoneInfo": [zone]}))
        }
        ("GET", ["limits"]) => limits(cloud, world),
        ("GET", ["snapshots"] | ["snapshots", "detail"]) => {
            answer::json(StatusCode::OK, &json!({"snapshots": []}))
        }
        _ => answer::not_found(request),
    }
}

fn list(
    cloud: &Cloud,
    world: &World,
    request: &Request,
    view: impl Fn(&Volume) -> Value,
) -> Response<Bytes> {
    let page = match Page::asked(request, cloud.settings.page_size) {
        Ok(page) => page,
        Err(limit) => {
            return bad_request(&format!("limit param must be an integer, not {limit}"));
        }
    };
    let (name, status) = (request.query("name"), request.query("status"));
    let selects = |volume: &Volume| {
        name.as_ref().is_none_or(|name| volume.name.as_ref() == Some(name))
            && status.as_ref().is_none_or(|status| volume.status() == status)
    };
    let Some(volumes) = page.of(world.volumes.newest(), |volume| &volume.id, selects) else {
        let marker = page.marker.unwrap_or_default();
        return not_found(&format!("Volume {marker} could not be found."));
    };
    let views: Vec<_> = volumes.iter().map(|volume| view(volume)).collect();
    let mut body = json!({"volumes": views});
    if let Some(last) = volumes.last().filter(|_| page.is_full(volumes.len())) {
        let (base, path) = (&cloud.settings.base_url, request.path());
        let href = format!("{base}{path}{}", request.query_after(&last.id));
        body["volumes_links"] = json!([{"rel": "next", "href": href}]);
    }
    answer::json(StatusCode::OK, &body)
}

fn create(cloud: &Cloud, world: &mut World, request: &Request, minor: u16) -> Response<Bytes> {
    let order = match schema::object(request.body(), "volume").and_then(|v| read(&v, world)) {
        Ok(order) => order,
        Err(Refusal(message)) => return bad_request(&message),
    };
    let most = cloud.settings.volume_quota;
    if world.volumes.count() >= most {
        let message = format!(
            "VolumeLimitExceeded: Maximum number of volumes allowed ({most}) exceeded for quota \
             'volumes'."
        );
        return fault("overLimit", StatusCode::PAYLOAD_TOO_LARGE, &message);
    }
    let id = world.uuid();
    let mut volume = Volume::new(id, order.size, cloud.pace.lock().volume_time);
    volume.name = order.name;
    volume.description = order.description;
    volume.metadata = order.metadata;
    volume.image = order.image;
    volume.source = order.source;
    let view = view::detail(cloud, world, &volume, minor);
    world.volumes.add(volume);
    answer::json(StatusCode::ACCEPTED, &json!({"volume": view}))
}

struct Order {
    name: Option<String>,
    description: Option<String>,
    size: u64,
    metadata: BTreeMap<String, String>,
    image: Option<(String, &'static str)>,
    source: Option<String>,
}

fn read(volume: &Map<String, Value>, world: &World) -> Result<Order, Refusal> {
    let text = |field: &str| match volume.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(other) => Err(invalid(field, other, &of_type(other, "string', 'null"))),
    };
    let image = match text("imageRef")?.filter(|id| !id.is_empty()) {
        None => None,
        Some(id) => {
            let image = world.images.iter().find(|image| image.id == id && image.is_active);
            let image = image.ok_or_else(|| {
                Refusal(format!(
                    "Invalid image identifier or unable to access \
                     requested image {id}."
                ))
            })?;
            Some((id, image.name))
        }
    };
    let source = text("source_volid")?;
    let source_size = match &source {
        None => None,
        Some(id) => {
            let known = world.volumes.get(id);
            let known = known.ok_or_else(|| Refusal(format!("Volume {id} could not be found.")))?;
            Some(known.size)
        }
    };
    if let Some(kind) = text("volume_type")?.filter(|kind| !kind.is_empty())
        && kind != view::TYPE
        && kind != world.volume_type_id
    {
        return Err(Refusal(format!("Volume type with name {kind} could not be found.")));
    }
    if let Some(zone) = text("availability_zone")?
        && zone != "nova"
    {
        return Err(Refusal(format!("Availability zone '{zone}' is invalid.")));
    }
    let size = match volume.get("size") {
        None | Some(Value::Null) => source_size.ok_or_else(|| {
            let whole = Value::Object(volume.clone());
            invalid("volume", &whole, &required("size"))
        })?,
        Some(size) => {
            let number = size.as_u64().or_else(|| size.as_str()?.parse().ok());
            number.filter(|size| *size > 0).ok_or_else(|| {
                let why = format!("{} is not a positive number", schema::python(size));
                invalid("size", size, &why)
            })?
        }
    };
    let metadata = match volume.get("metadata") {
        None | Some(Value::Null) => BTreeMap::new(),
        Some(metadata) => serde_json::from_value(metadata.clone())
            .map_err(|_| invalid("metadata", metadata, "Keys and values are texts"))?,
    };
    Ok(Order {
        name: text("name")?,
        description: text("description")?,
        size,
        metadata,
        image,
        source,
    })
}

fn delete(cloud: &Cloud, world: &mut World, id: &str) -> Response<Bytes> {
    let takes = cloud.pace.lock().volume_time;
    match world.volumes.get_mut(id) {
        None => return no_volume(id),
        Some(volume) if volume.status() == "available" => volume.delete(takes),
        Some(_) => {
            return bad_request(
                "Invalid volume: Volume status must be available or error or error_restoring or \
                 error_extending or error_managing and must not be migrating, attached, belong to a \
                 group, have snapshots, awaiting a transfer, or be disassociated from snapshots after \
                 volume transfer.",
            );
        }
    }
    answer::empty(StatusCode::ACCEPTED)
}

fn limits(cloud: &Cloud, world: &World) -> Response<Bytes> {
    let absolute = json!({
        "maxTotalVolumes": cloud.settings.volume_quota,
        "maxTotalVolumeGigabytes": -1,
        "maxTotalSnapshots": 0,
        "maxTotalBackups": 0,
        "maxTotalBackupGigabytes": 0,
        "totalVolumesUsed": world.volumes.count(),
        "totalGigabytesUsed": world.volumes.newest().map(|volume| volume.size).sum::<u64>(),
        "totalSnapshotsUsed": 0,
        "totalBackupsUsed": 0,
        "totalBackupGigabytesUsed": 0,
    });
    answer::json(StatusCode::OK, &json!({"limits": {"rate": [], "absolute": absolute}}))
}

/// The `X` of the `3.X` that is asked for.
fn asked_version(request: &Request) -> Result<u16, String> {
    let asked = request.header("openstack-api-version").and_then(|value| {
        value.split(',').find_map(|version| version.trim().strip_prefix("volume "))
    });
    match asked.map(str::trim) {
        None => Ok(0),
        Some("latest") => Ok(LATEST),
        Some(text) => {
            let minor = text.strip_prefix("3.").and_then(|minor| minor.parse().ok());
            minor.filter(|minor| *minor <= LATEST).ok_or_else(|| {
                format!(
                    "Version {text} is not supported by the API. Minimum is 3.0 and maximum is \
                     3.{LATEST}."
                )
            })
        }
    }
}

fn versions(cloud: &Cloud, status: StatusCode) -> Response<Bytes> {
    let version = json!({
        "id": "v3.0",
        "status": "CURRENT",
        "version": format!("3.{LATEST}"),
        "min_version": "3.0",
        "updated": "2022-08-31T00:00:00Z",
        "links": [{"rel": "self", "href": format!("{}/volume/v3/", cloud.settings.base_url)}],
        "media-types": [{
            "base": "application/json",
            "type": "application/vnd.openstack.volume+json;version=3",
        }],
    });
    answer::json(status, &json!({"versions": [version]}))
}

fn fault(kind: &str, status: StatusCode, message: &str) -> Response<Bytes> {
    answer::json(status, &json!({kind: {"code": status.as_u16(), "message": message}}))
}

fn bad_request(message: &str) -> Response<Bytes> {
    fault("badRequest", StatusCode::BAD_REQUEST, message)
}

fn not_found(message: &str) -> Response<Bytes> {
    fault("itemNotFound", StatusCode::NOT_FOUND, message)
}

fn no_volume(id: &str) -> Response<Bytes> {
    not_found(&format!("Volume {id} could not be found."))
}
