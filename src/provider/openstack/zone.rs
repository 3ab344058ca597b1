//! Nova: availability zones are locations.
//!
//! <https://docs.openstack.org/api-ref/compute/#availability-zones-os-availability-zone>

use serde::Deserialize;

use super::compute::NOVA;
use super::fault;
use crate::call::{Call, Page, Request, Step};
use crate::error::Result;
use crate::provider::dialect::answer;
use crate::service::node::Location;

pub(super) fn list() -> Result<Call<Page<Location>>> {
    let request = Request::get(NOVA, "/os-availability-zone");
    Ok(Call::new(request, |response| {
        let list: Zones = fault::json(&response, "a list of availability zones")?;
        let locations = list.zones.into_iter().map(Location::from).collect();
        Ok(Step::Done(Page::new(locations, None)))
    }))
}

#[derive(Deserialize)]
struct Zones {
    #[serde(rename = "availabilityZoneInfo")]
    zones: Vec<Zone>,
}

#[derive(Deserialize)]
struct Zone {
    #[serde(rename = "zoneName")]
    name: String,
    #[serde(rename = "zoneState", default, deserialize_with = "answer::or_default")]
    state: ZoneState,
}

#[derive(Default, Deserialize)]
struct ZoneState {
    #[serde(default)]
    available: bool,
}

impl From<Zone> for Location {
    fn from(zone: Zone) -> Self {
        let mut location = Self::new(zone.name.clone(), zone.name);
        location.is_available = zone.state.available;
        location
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::dialect::by_hand::read;

    #[test]
    fn zones_are_read_as_locations() {
        let call = list().expect("a call");
        assert_eq!(call.request.path, "/os-availability-zone");
        let body = r#"{"availabilityZoneInfo": [
            {"hosts": null, "zoneName": "nova", "zoneState": {"available": true}},
            {"hosts": null, "zoneName": "west", "zoneState": {"available": false}}]}"#;
        let page = read(call, 200, body).expect("zones");
        let mut west = Location::new("west", "west");
        west.is_available = false;
        assert_eq!(page.items, [Location::new("nova", "nova"), west]);
        assert!(page.next.is_none());
    }
}
