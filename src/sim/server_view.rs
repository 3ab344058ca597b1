//! Servers and flavors as Nova writes them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::cloud::Cloud;
use super::flavor::Flavor;
use super::instance::{Server, State};
use super::microversion::Microversion;
use super::volume::{Attachment, Volume};
use super::world::World;

/// The hash of a host's name and the project.
const HOST_ID: &str = "9d44f05f9f8fb2a838fe3bc01dffe20f136860b947720a246555388f";

#[derive(Serialize)]
pub(super) struct Link {
    pub(super) rel: &'static str,
    pub(super) href: String,
}

/// Where a thing is, with the API's version in the address and without.
#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct Links([Link; 2]);

impl Links {
    pub(super) fn of(cloud: &Cloud, collection: &str, id: &str) -> Links {
        let base = &cloud.settings.base_url;
        let href = format!("{base}/compute/v2.1/{collection}/{id}");
        Links([Link { rel: "self", href }, bookmark(cloud, collection, id)])
    }

    pub(super) fn own_address(&self) -> &str {
        &self.0[0].href
    }
}

fn bookmark(cloud: &Cloud, collection: &str, id: &str) -> Link {
    let base = &cloud.settings.base_url;
    Link { rel: "bookmark", href: format!("{base}/compute/{collection}/{id}") }
}

#[derive(Serialize)]
pub(super) struct List<T> {
    pub(super) servers: Vec<T>,
    #[serde(rename = "servers_links", skip_serializing_if = "Option::is_none", with = "one_link")]
    pub(super) next: Option<Link>,
}

/// The link to the next page stands in an array of its own.
mod one_link {
    use super::Link;
    use serde::{Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(
        link: &Option<Link>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        link.as_slice().serialize(serializer)
    }
}

#[derive(Serialize)]
pub(super) struct One<'a> {
    pub(super) server: Detail<'a>,
}

#[derive(Serialize)]
pub(super) struct Brief<'a> {
    id: &'a str,
    name: &'a str,
    links: Links,
}

pub(super) fn brief<'a>(cloud: &Cloud, server: &'a Server) -> Brief<'a> {
    Brief { id: &server.id, name: &server.name, links: Links::of(cloud, "servers", &server.id) }
}

#[derive(Serialize)]
pub(super) struct Detail<'a> {
    id: &'a str,
    name: &'a str,
    status: &'static str,
    tenant_id: &'a str,
    user_id: &'a str,
    metadata: &'a BTreeMap<String, String>,
    #[serde(rename = "hostId")]
    host_id: &'static str,
    image: ImageRef<'a>,
    flavor: FlavorRef,
    created: String,
    updated: String,
    addresses: BTreeMap<&'static str, [Address; 1]>,
    #[serde(rename = "accessIPv4")]
    access_ipv4: &'static str,
    #[serde(rename = "accessIPv6")]
    access_ipv6: &'static str,
    links: Links,
    #[serde(rename = "OS-DCF:diskConfig")]
    disk_config: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<Failure>,
    #[serde(skip_serializing_if = "Option::is_none")]
    progress: Option<u8>,
    #[serde(rename = "OS-EXT-AZ:availability_zone")]
    availability_zone: &'static str,
    config_drive: &'static str,
    key_name: Option<&'a str>,
    #[serde(rename = "OS-SRV-USG:launched_at")]
    launched_at: Option<String>,
    #[serde(rename = "OS-SRV-USG:terminated_at")]
    terminated_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    security_groups: Option<[SecurityGroup; 1]>,
    #[serde(rename = "OS-EXT-STS:task_state")]
    task_state: Option<&'static str>,
    #[serde(rename = "OS-EXT-STS:vm_state")]
    vm_state: &'static str,
    #[serde(rename = "OS-EXT-STS:power_state")]
    power_state: u8,
    #[serde(rename = "os-extended-volumes:volumes_attached")]
    volumes_attached: Vec<AttachedVolume<'a>>,
    #[serde(flatten)]
    later: BTreeMap<&'static str, Value>,
}

/// A server from a volume has no image, and Nova writes that as an empty text.
#[derive(Serialize)]
#[serde(untagged)]
enum ImageRef<'a> {
    Image { id: &'a str, links: [Link; 1] },
    None(&'static str),
}

/// A link to the flavor, or, in later versions, what the flavor was when the server was made.
#[derive(Serialize)]
#[serde(untagged)]
enum FlavorRef {
    Link {
        id: &'static str,
        links: [Link; 1],
    },
    Embedded {
        vcpus: u32,
        ram: u32,
        disk: u32,
        ephemeral: u32,
        swap: u32,
        original_name: &'static str,
        extra_specs: BTreeMap<(), ()>,
    },
}

#[derive(Serialize)]
struct Address {
    version: u8,
    addr: String,
    #[serde(rename = "OS-EXT-IPS:type")]
    kind: &'static str,
    #[serde(rename = "OS-EXT-IPS-MAC:mac_addr")]
    mac: String,
}

#[derive(Serialize)]
struct AttachedVolume<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    delete_on_termination: Option<bool>,
}

#[derive(Serialize)]
struct SecurityGroup {
    name: &'static str,
}

#[derive(Serialize)]
struct Failure {
    code: u16,
    created: String,
    message: &'static str,
}

/// All about one server. Nova tells the fault of a server that found no host only when it is
/// asked for that server alone.
pub(super) fn detail<'a>(
    cloud: &Cloud,
    world: &'a World,
    server: &'a Server,
    version: Microversion,
    alone: bool,
) -> Detail<'a> {
    let State { status, vm_state, task_state, power_state } = server.state();
    let has_booted = !matches!(status, "BUILD" | "ERROR");
    let has_address = has_booted && server.port_id.is_some();
    Detail {
        id: &server.id,
        name: &server.name,
        status,
        tenant_id: &world.project_id,
        user_id: &world.user_id,
        metadata: &server.metadata,
        host_id: if status == "ERROR" { "" } else { HOST_ID },
        image: server.image_id.as_deref().map_or(ImageRef::None(""), |id| ImageRef::Image {
            id,
            links: [bookmark(cloud, "images", id)],
        }),
        flavor: flavor_ref(cloud, server.flavor, version),
        created: seconds(server.created),
        updated: seconds(server.updated()),
        addresses: has_address.then(|| ("shared", [address(server)])).into_iter().collect(),
        access_ipv4: "",
        access_ipv6: "",
        links: Links::of(cloud, "servers", &server.id),
        disk_config: "MANUAL",
        fault: (alone && status == "ERROR").then(|| Failure {
            code: 500,
            created: seconds(server.booted),
            message: "No valid host was found. ",
        }),
        progress: matches!(status, "ACTIVE" | "BUILD").then_some(0),
        availability_zone: if status == "ERROR" { "" } else { "nova" },
        config_drive: "",
        key_name: server.key_name.as_deref(),
        launched_at: has_booted
            .then(|| format!("{}.000000", seconds(server.booted).trim_end_matches('Z'))),
        terminated_at: None,
        security_groups: has_address.then_some([SecurityGroup { name: "default" }]),
        task_state,
        vm_state,
        power_state,
        volumes_attached: attached_volumes(world, server, version),
        later: later_fields(server, version, alone),
    }
}

fn attached_volumes<'a>(
    world: &'a World,
    server: &Server,
    Microversion(minor): Microversion,
) -> Vec<AttachedVolume<'a>> {
    let view = |(volume, held): (&'a Volume, &'a Attachment)| AttachedVolume {
        id: &volume.id,
        delete_on_termination: (minor >= 3).then_some(held.goes_with_server),
    };
    world.volumes.of_server(&server.id).map(view).collect()
}

/// What later microversions added; server groups only where one server is shown alone.
fn later_fields(
    server: &Server,
    Microversion(minor): Microversion,
    alone: bool,
) -> BTreeMap<&'static str, Value> {
    let fields = [
        (9, "locked", json!(server.lock.is_some())),
        (19, "description", json!(server.description)),
        (26, "tags", json!([])),
        (63, "trusted_image_certificates", Value::Null),
        (71, "server_groups", json!([])),
        (73, "locked_reason", json!(server.lock.as_ref().and_then(|lock| lock.reason.as_ref()))),
        (90, "OS-EXT-SRV-ATTR:hostname", json!(server.name)),
    ];
    fields
        .into_iter()
        .filter(|(since, name, _)| *since <= minor && (alone || *name != "server_groups"))
        .map(|(_, name, value)| (name, value))
        .collect()
}

fn flavor_ref(
    cloud: &Cloud,
    flavor: &'static Flavor,
    Microversion(minor): Microversion,
) -> FlavorRef {
    if minor < 47 {
        let links = [bookmark(cloud, "flavors", flavor.id)];
        return FlavorRef::Link { id: flavor.id, links };
    }
    FlavorRef::Embedded {
        vcpus: flavor.vcpus,
        ram: flavor.ram,
        disk: flavor.disk,
        ephemeral: 0,
        swap: 0,
        original_name: flavor.name,
        extra_specs: BTreeMap::new(),
    }
}

fn address(server: &Server) -> Address {
    let (addr, mac) = server.address();
    Address { version: 4, addr, kind: "fixed", mac }
}

/// A flavor; all about it in the version given, or only its name.
pub(super) fn flavor(cloud: &Cloud, flavor: &Flavor, detail: Option<Microversion>) -> Value {
    let mut view = json!({
        "id": flavor.id,
        "name": flavor.name,
        "links": Links::of(cloud, "flavors", flavor.id),
    });
    let Some(Microversion(minor)) = detail else {
        return view;
    };
    view["ram"] = json!(flavor.ram);
    view["disk"] = json!(flavor.disk);
    view["swap"] = if minor < 75 { json!("") } else { json!(0) };
    view["OS-FLV-EXT-DATA:ephemeral"] = json!(0);
    view["OS-FLV-DISABLED:disabled"] = json!(false);
    view["vcpus"] = json!(flavor.vcpus);
    view["os-flavor-access:is_public"] = json!(true);
    view["rxtx_factor"] = json!(1.0);
    if minor >= 55 {
        view["description"] = Value::Null;
    }
    if minor >= 61 {
        view["extra_specs"] = json!({});
    }
    view
}

fn seconds(time: Timestamp) -> String {
    format!("{time:.0}")
}
