//! What the demo orders: the size, the image and the network of its nodes.

use std::cmp::Reverse;

use welkin::openstack::{Network, OpenStack};
use welkin::{Driver, Image, ImageState, NewNode, Size};

use super::Args;
use crate::complaint::Complaint;
use crate::find::choose;

/// All but the name of a node.
#[derive(Clone)]
pub(crate) struct Order {
    size: Size,
    image: Image,
    network: Option<Network>,
}

impl Order {
    /// Finds what was asked for, and chooses the rest: the cheapest that will do.
    pub(crate) fn choose(driver: &Driver, args: &Args) -> Result<Self, Complaint> {
        let compute = driver.compute()?;
        let image = match &args.image {
            Some(image) => compute.find_image(image).wait()?,
            None => first_image(compute.list_images().wait()?)?,
        };
        let size = match &args.size {
            Some(size) => compute.find_size(size).wait()?,
            None => least_size(compute.list_sizes().wait()?, &image)?,
        };
        let network = match &args.network {
            Some(network) => Some(find_network(driver, network)?),
            None => None,
        };
        Ok(Self { size, image, network })
    }

    pub(crate) fn node(&self, name: &str) -> NewNode {
        let node = NewNode::named(name).size(&self.size).image(&self.image);
        match &self.network {
            Some(network) => node.network(network),
            None => node,
        }
    }
}

impl std::fmt::Display for Order {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "size {}, image {}", self.size.name, self.image.name)?;
        match &self.network {
            Some(network) => write!(f, ", network {}", network.name),
            None => Ok(()),
        }
    }
}

fn first_image(images: Vec<Image>) -> Result<Image, Complaint> {
    images
        .into_iter()
        .filter(|image| image.state == ImageState::Active)
        .min_by(|a, b| a.name.cmp(&b.name))
        .ok_or_else(|| Complaint::new("the cloud has no active image; upload one"))
}

/// Chooses the size with the least memory, then the fewest CPUs.
///
/// One without a disk of its own is the last choice: clouds often let only administrators use it.
fn least_size(sizes: Vec<Size>, image: &Image) -> Result<Size, Complaint> {
    sizes
        .into_iter()
        .filter(|size| size.ram_mb >= image.min_ram_mb)
        .filter(|size| size.disk_gb == 0 || size.disk_gb >= image.min_disk_gb)
        .min_by_key(|size| (Reverse(size.disk_gb > 0), size.ram_mb, size.vcpus))
        .ok_or_else(|| {
            let name = &image.name;
            Complaint::new(format!(
                "no size is large enough for image {name}; name a smaller one with --image"
            ))
        })
}

fn find_network(driver: &Driver, wanted: &str) -> Result<Network, Complaint> {
    let native = driver.native::<OpenStack>()?;
    let networks = driver.send(native.list_networks()).wait()?;
    Ok(choose(&networks, "network", wanted)?.clone())
}
