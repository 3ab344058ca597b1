//! EC2: instance types are sizes.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstanceTypes.html>

use serde::Deserialize;

use super::compute::{EC2, Items, VERSION, cursor, turned_to};
use super::fault;
use super::query::Query;
use crate::call::{Call, Cursor, Page, Step};
use crate::service::node::Size;

pub(super) fn list(from: Option<&Cursor>) -> Call<Page<Size>> {
    let query = Query::new("DescribeInstanceTypes", VERSION).with("MaxResults", MOST);
    Call::new(turned_to(query, from).reading(EC2), |response| {
        let Types { types, next } = fault::xml(&response, TYPES, "a list of instance types")?;
        let sizes = types.item.into_iter().map(Size::from).collect();
        Ok(Step::Done(Page::new(sizes, cursor(next))))
    })
}

#[derive(Deserialize)]
struct Types {
    #[serde(rename = "instanceTypeSet", default)]
    types: Items<InstanceType>,
    #[serde(rename = "nextToken")]
    next: Option<String>,
}

#[derive(Deserialize)]
struct InstanceType {
    #[serde(rename = "instanceType")]
    name: String,
    #[serde(rename = "vCpuInfo", default)]
    cpus: Cpus,
    #[serde(rename = "memoryInfo", default)]
    memory: Memory,
}

#[derive(Default, Deserialize)]
struct Cpus {
    #[serde(rename = "defaultVCpus", default)]
    default: u32,
}

#[derive(Default, Deserialize)]
struct Memory {
    #[serde(rename = "sizeInMiB", default)]
    mib: u64,
}

/// Its root disk is as large as the image's; disks that come with the type are not booted from.
impl From<InstanceType> for Size {
    fn from(kind: InstanceType) -> Self {
        let mut size = Self::new(kind.name.clone(), kind.name);
        (size.ram_mb, size.vcpus) = (kind.memory.mib, kind.cpus.default);
        size
    }
}

/// As many as EC2 gives at once.
const MOST: &str = "100";
const TYPES: &str = "DescribeInstanceTypesResponse";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::aws::tests::body;
    use crate::provider::dialect::by_hand::read;

    #[test]
    fn instance_types_are_read_a_page_at_a_time() {
        let call = list(Some(&Cursor::new("a=")));
        let said = "Action=DescribeInstanceTypes&Version=2016-11-15&MaxResults=100&NextToken=a%3D";
        assert_eq!(body(&call), said);
        let answer = "<DescribeInstanceTypesResponse><instanceTypeSet><item>
            <instanceType>t3.nano</instanceType><vCpuInfo><defaultVCpus>2</defaultVCpus></vCpuInfo>
            <memoryInfo><sizeInMiB>512</sizeInMiB></memoryInfo></item></instanceTypeSet>
            <nextToken>b</nextToken></DescribeInstanceTypesResponse>";
        let page = read(call, 200, answer).expect("sizes");
        let mut nano = Size::new("t3.nano", "t3.nano");
        (nano.ram_mb, nano.vcpus) = (512, 2);
        assert_eq!(page, Page::new(vec![nano], Some(Cursor::new("b"))));
    }
}
