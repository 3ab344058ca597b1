//! EC2: machine images.

use serde::Deserialize;

use super::compute::{EC2, Items, MOST, VERSION, cursor, none_such, turned_to};
use super::fault;
use super::query::Query;
use crate::call::{Call, Cursor, Page, Step};
use crate::error::Error;
use crate::provider::dialect::answer;
use crate::service::node::{Image, ImageState};

/// The account's own and Amazon's: those that anybody else has made public are a hundred thousand.
pub(super) fn list(from: Option<&Cursor>) -> Call<Page<Image>> {
    let query = Query::new("DescribeImages", VERSION)
        .with("Filter.1.Name", "image-type")
        .with("Filter.1.Value.1", "machine")
        .with("Filter.2.Name", "state")
        .with("Filter.2.Value.1", "available")
        .with("Owner.1", "self")
        .with("Owner.2", "amazon")
        .with("MaxResults", MOST);
    Call::new(turned_to(query, from).reading(EC2), |response| {
        let Images { images, next } = fault::xml(&response, IMAGES, "a list of images")?;
        let images = images.item.into_iter().map(Image::from).collect();
        Ok(Step::Done(Page::new(images, cursor(next))))
    })
}

pub(super) fn get(id: &str) -> Call<Image> {
    machine_image(id).then(|image| Ok(Step::Done(image.into())))
}

/// Asks by what name an image has its root disk.
pub(super) fn root_device(id: &str) -> Call<String> {
    let what = format!("image {id:?} does not say which its root disk is; order without a size");
    machine_image(id).then(|image| match image.root_device_name {
        Some(name) if !name.is_empty() => Ok(Step::Done(name)),
        _ => Err(Error::invalid(what)),
    })
}

fn machine_image(id: &str) -> Call<MachineImage> {
    let query = Query::new("DescribeImages", VERSION).with("ImageId.1", id);
    let id = id.to_owned();
    Call::new(query.reading(EC2), move |response| {
        let Images { images, .. } = fault::xml(&response, IMAGES, "an image")?;
        let found = images.item.into_iter().find(|image| image.id == id);
        found.map(Step::Done).ok_or_else(|| none_such("image", &id, &response))
    })
}

#[derive(Deserialize)]
struct Images {
    #[serde(rename = "imagesSet", default)]
    images: Items<MachineImage>,
    #[serde(rename = "nextToken")]
    next: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MachineImage {
    #[serde(rename = "imageId")]
    id: String,
    #[serde(default)]
    name: String,
    #[serde(rename = "imageState", default)]
    state: String,
    creation_date: Option<String>,
    root_device_name: Option<String>,
    #[serde(rename = "blockDeviceMapping", default)]
    devices: Items<Device>,
}

#[derive(Deserialize)]
struct Device {
    #[serde(rename = "deviceName")]
    name: Option<String>,
    ebs: Option<Volume>,
}

#[derive(Deserialize)]
struct Volume {
    #[serde(rename = "volumeSize")]
    gib: Option<u64>,
}

impl From<MachineImage> for Image {
    fn from(image: MachineImage) -> Self {
        let root = image.devices.item.into_iter().find(|d| d.name == image.root_device_name);
        let mut out = Self::new(image.id, image.name, image_state(&image.state));
        out.min_disk_gb = root.and_then(|root| root.ebs?.gib).unwrap_or_default();
        out.created_at = image.creation_date.and_then(|text| answer::time(&text));
        out
    }
}

/// EC2's words: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Image.html>.
fn image_state(name: &str) -> ImageState {
    match name {
        "available" => ImageState::Active,
        "disabled" => ImageState::Deactivated,
        "deregistered" => ImageState::Deleted,
        "error" | "failed" | "invalid" => ImageState::Error,
        "pending" | "transient" => ImageState::Pending,
        _ => ImageState::Unknown,
    }
}

const IMAGES: &str = "DescribeImagesResponse";
