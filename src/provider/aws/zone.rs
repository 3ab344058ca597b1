//! EC2: availability zones are locations.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeAvailabilityZones.html>

use serde::Deserialize;

use super::compute::{EC2, Items, VERSION};
use super::fault;
use super::query::Query;
use crate::call::{Call, Page, Step};
use crate::service::node::Location;

pub(super) fn list() -> Call<Page<Location>> {
    let query = Query::new("DescribeAvailabilityZones", VERSION);
    Call::new(query.reading(EC2), |response| {
        let Zones { zones } = fault::xml(&response, ZONES, "a list of availability zones")?;
        let locations = zones.item.into_iter().map(Location::from).collect();
        Ok(Step::Done(Page::new(locations, None)))
    })
}

#[derive(Deserialize)]
struct Zones {
    #[serde(rename = "availabilityZoneInfo", default)]
    zones: Items<Zone>,
}

#[derive(Deserialize)]
struct Zone {
    #[serde(rename = "zoneName")]
    name: String,
    #[serde(rename = "zoneState", default)]
    state: String,
}

impl From<Zone> for Location {
    fn from(zone: Zone) -> Self {
        let mut location = Self::new(zone.name.clone(), zone.name);
        // The other words are `information`, `impaired`, `constrained` and `unavailable`.
        location.is_available = zone.state != "unavailable";
        location
    }
}

const ZONES: &str = "DescribeAvailabilityZonesResponse";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::dialect::by_hand::read;

    #[test]
    fn zones_are_read_as_locations() {
        let zone = |name: &str, state: &str| {
            format!("<item><zoneName>{name}</zoneName><zoneState>{state}</zoneState></item>")
        };
        let zones = zone("x-1a", "available") + &zone("x-1b", "unavailable");
        let answer = format!(
            "<DescribeAvailabilityZonesResponse><availabilityZoneInfo>{zones}\
             </availabilityZoneInfo></DescribeAvailabilityZonesResponse>"
        );
        let page = read(list(), 200, &answer).expect("zones");
        let mut closed = Location::new("x-1b", "x-1b");
        closed.is_available = false;
        assert_eq!(page.items, [Location::new("x-1a", "x-1a"), closed]);
    }
}
