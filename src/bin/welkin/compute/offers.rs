//! What nodes are made from, and where they can be put.

use std::process::ExitCode;

use welkin::{ErrorKind, Image};

use super::Desk;
use crate::complaint::Complaint;

/// List the sizes that nodes can have
#[derive(clap::Args)]
#[command(after_help = SIZES)]
pub(crate) struct ListSizes {}

const SIZES: &str = "\
Examples:
  welkin --cloud sim compute list-sizes
  welkin --cloud openstack compute list-sizes --output json | jq '.[] | select(.ram_mb >= 4096)'";

/// List the images that nodes can boot from
#[derive(clap::Args)]
#[command(after_help = IMAGES)]
pub(crate) struct ListImages {}

const IMAGES: &str = "\
Examples:
  welkin --cloud sim compute list-images
  welkin --cloud openstack compute list-images | grep -i debian";

/// Show an image
#[derive(clap::Args)]
#[command(after_help = IMAGE)]
pub(crate) struct GetImage {
    /// Its id or unique name
    #[arg(value_name = "ID")]
    image: String,
}

const IMAGE: &str = "\
Examples:
  welkin --cloud openstack compute get-image debian-12
  welkin --cloud openstack compute get-image debian-12 --output json | jq '.[0].min_disk_gb'";

/// List the parts of the region that nodes can be put into
#[derive(clap::Args)]
#[command(after_help = LOCATIONS)]
pub(crate) struct ListLocations {}

const LOCATIONS: &str = "\
Examples:
  welkin --cloud sim compute list-locations
  welkin --cloud aws compute list-locations --output json | jq -r '.[].name'";

pub(super) async fn list_sizes(desk: &Desk) -> Result<ExitCode, Complaint> {
    desk.output.list(&desk.compute.list_sizes().await?)?;
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn list_images(desk: &Desk) -> Result<ExitCode, Complaint> {
    desk.output.list(&desk.compute.list_images().await?)?;
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn get_image(desk: &Desk, args: &GetImage) -> Result<ExitCode, Complaint> {
    desk.output.one(&find_image(desk, &args.image).await?)?;
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn list_locations(desk: &Desk) -> Result<ExitCode, Complaint> {
    desk.output.list(&desk.compute.list_locations().await?)?;
    Ok(ExitCode::SUCCESS)
}

/// Finds an image by id or unique name.
///
/// First by id: a public cloud has so many images that listing them takes minutes.
pub(super) async fn find_image(desk: &Desk, key: &str) -> Result<Image, Complaint> {
    match desk.compute.get_image(key).await {
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::Invalid) => {
            Ok(desk.compute.find_image(key).await?)
        }
        image => Ok(image?),
    }
}
