//! EC2: machine images.

use serde::Deserialize;

use super::compute::{EC2, Items, MOST, VERSION, cursor, turned_to};
use super::fault;
use super::query::Query;
use crate::call::{Call, Cursor, Page, Step};
use crate::error::Result;
use crate::provider::dialect::answer;
use crate::service::node::{Image, ImageState};

/// The account's own and Amazon's: those that anybody else has made public are a hundred thousand.
pub(super) fn list(from: Option<&Cursor>) -> Result<Call<Page<Image>>> {
    let query = Query::new("DescribeImages", VERSION)
        .with("Filter.1.Name", "image-type")
        .with("Filter.1.Value.1", "machine")
        .with("Filter.2.Name", "state")
        .with("Filter.2.Value.1", "available")
        .with("Owner.1", "self")
        .with("Owner.2", "amazon")
        .with("MaxResults", MOST);
    Ok(Call::new(turned_to(query, from).reading(EC2), |response| {
        let Images { images, next } =
            fault::xml(&response, "DescribeImagesResponse", "a list of images")?;
        let images = images.item.into_iter().map(Image::from).collect();
        Ok(Step::Done(Page::new(images, cursor(next))))
    }))
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
