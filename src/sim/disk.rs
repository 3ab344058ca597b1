//! The disks that a server is created with: `block_device_mapping_v2`.

use serde_json::{Map, Value};

use super::cloud::Pace;
use super::schema::{Refusal, invalid, of_type, python};
use super::volume::{Attachment, Volume};
use super::world::World;

/// What a server boots from.
pub(super) const ROOT: &str = "/dev/vda";

/// A volume to attach to a new server.
pub(super) struct Disk {
    source: Source,
    is_root: bool,
    goes_with_server: bool,
}

enum Source {
    /// A new one of so many GiB, with the image of this id on it.
    Image(String, u64),
    Blank(u64),
    Volume(String),
}

/// The volumes that are asked for. Disks on the host itself are nothing of interest here.
///
/// # Errors
/// In Nova's words, when one cannot be had, or not exactly one is to boot from.
pub(super) fn read(
    server: &Map<String, Value>,
    image: Option<&str>,
    world: &World,
) -> Result<Vec<Disk>, Refusal> {
    let mappings = match server.get("block_device_mapping_v2") {
        None => return Ok(Vec::new()),
        Some(Value::Array(mappings)) => mappings,
        Some(other) => {
            return Err(invalid("block_device_mapping_v2", other, &of_type(other, "array")));
        }
    };
    let mut disks = Vec::new();
    // An image that is named has a disk of its own, unless a mapping describes that.
    let mut roots = usize::from(image.is_some());
    for mapping in mappings {
        let is_root = boot_index(mapping)? == Some(0);
        let is_the_images = is_root && text(mapping, "source_type") == Some("image");
        let is_local = is_on_host(mapping);
        if is_local && is_the_images && image.is_some() {
            continue;
        }
        roots += usize::from(is_root);
        if !is_local {
            disks.push(disk(mapping, is_root, world)?);
        } else if text(mapping, "source_type") != Some("blank") {
            return Err(bad_format("Mapping image to local is not supported."));
        }
    }
    if roots != 1 && !mappings.is_empty() {
        return Err(bad_format(
            "Boot sequence for the instance and image/block device mapping combination is not valid.",
        ));
    }
    Ok(disks)
}

fn is_on_host(mapping: &Value) -> bool {
    let by_default = if text(mapping, "source_type") == Some("blank") { "local" } else { "volume" };
    text(mapping, "destination_type").unwrap_or(by_default) == "local"
}

fn disk(mapping: &Value, is_root: bool, world: &World) -> Result<Disk, Refusal> {
    let uuid = text(mapping, "uuid").unwrap_or_default();
    let size = size(mapping)?;
    let source = match text(mapping, "source_type") {
        Some("image") => {
            if !world.images.iter().any(|image| image.id == uuid && image.is_active) {
                return Err(bad_format(&format!("failed to get image {uuid}.")));
            }
            Source::Image(uuid.to_owned(), size.ok_or_else(|| needs_size("Images with"))?)
        }
        Some("blank") => Source::Blank(size.ok_or_else(|| needs_size("Blank volumes with"))?),
        Some("volume") => {
            let volume = world.volumes.get(uuid);
            check_free(
                volume.ok_or_else(|| bad_format(&format!("failed to get volume {uuid}.")))?,
            )?;
            Source::Volume(uuid.to_owned())
        }
        Some("snapshot") => return Err(bad_format(&format!("failed to get snapshot {uuid}."))),
        _ => return Err(bad_format("Invalid source_type field.")),
    };
    let goes_with_server = match mapping.get("delete_on_termination") {
        Some(Value::Bool(goes)) => *goes,
        Some(Value::String(goes)) => goes.eq_ignore_ascii_case("true") || goes == "1",
        _ => false,
    };
    Ok(Disk { source, is_root, goes_with_server })
}

fn text<'a>(mapping: &'a Value, name: &str) -> Option<&'a str> {
    mapping.get(name).and_then(Value::as_str)
}

/// Some clients write numbers as texts, and Nova takes both.
fn number(mapping: &Value, name: &str) -> Result<Option<i64>, Refusal> {
    match mapping.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value
            .as_i64()
            .or_else(|| value.as_str()?.parse().ok())
            .map(Some)
            .ok_or_else(|| invalid(name, value, &format!("{} is no number", python(value)))),
    }
}

fn boot_index(mapping: &Value) -> Result<Option<i64>, Refusal> {
    number(mapping, "boot_index")
}

fn size(mapping: &Value) -> Result<Option<u64>, Refusal> {
    Ok(number(mapping, "volume_size")?.and_then(|size| u64::try_from(size).ok()).filter(|s| *s > 0))
}

fn bad_format(details: &str) -> Refusal {
    Refusal(format!("Block Device Mapping is Invalid: {details}"))
}

fn needs_size(what: &str) -> Refusal {
    bad_format(&format!("{what} destination_type 'volume' need to have a non-zero size specified"))
}

/// Whether a volume can be attached now.
pub(super) fn check_free(volume: &Volume) -> Result<(), Refusal> {
    match volume.status() {
        "available" => Ok(()),
        other => Err(Refusal(format!(
            "Invalid volume: Volume {} status must be available or downloading to reserve, but the \
             current status is {other}.",
            volume.id
        ))),
    }
}

/// The first free name; the first of all is the disk that the server boots from.
pub(super) fn next_device(world: &World, server_id: &str) -> String {
    let is_free = |device: &String| {
        world.volumes.of_server(server_id).all(|(_, held)| held.device != *device)
    };
    let one_letter = (b'b'..=b'z').map(|letter| format!("/dev/vd{}", letter as char));
    let more = (1u32..).map(|n| format!("/dev/vdz{n}"));
    one_letter.chain(more).find(is_free).unwrap_or_default()
}

impl Disk {
    /// Whether a volume is made for it.
    pub(super) fn is_new(&self) -> bool {
        !matches!(self.source, Source::Volume(_))
    }

    pub(super) fn attach_to(self, server_id: &str, world: &mut World, pace: &Pace) {
        let device = if self.is_root { ROOT.to_owned() } else { next_device(world, server_id) };
        let id = match self.source {
            Source::Volume(id) => id,
            Source::Image(image, size) => {
                let id = world.uuid();
                let name = world.images.iter().find(|known| known.id == image).map(|i| i.name);
                let mut volume = Volume::new(id.clone(), size, pace.volume_time);
                volume.image = name.map(|name| (image, name));
                volume.name = Some(String::new());
                world.volumes.add(volume);
                id
            }
            Source::Blank(size) => {
                let id = world.uuid();
                world.volumes.add(Volume::new(id.clone(), size, pace.volume_time));
                id
            }
        };
        let mut held = Attachment::new(world.uuid(), server_id, device, pace.volume_time);
        held.goes_with_server = self.goes_with_server;
        if let Some(volume) = world.volumes.get_mut(&id) {
            volume.attach(held);
        }
    }
}
