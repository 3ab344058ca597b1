//! Nova: flavors are sizes.
//!
//! <https://docs.openstack.org/api-ref/compute/#flavors>

use serde::Deserialize;

use super::compute::NOVA;
use super::{fault, link};
use crate::call::{Call, Cursor, Page, Request, Step};
use crate::error::Result;
use crate::provider::dialect::answer::{self, Id};
use crate::service::node::Size;

pub(super) fn list(from: Option<&Cursor>) -> Result<Call<Page<Size>>> {
    let request = Request::get(NOVA, link::page("/flavors/detail", from)?);
    let this = from.map(|cursor| cursor.as_str().to_owned());
    Ok(Call::new(request, move |response| {
        let list: Flavors = fault::json(&response, "a list of flavors")?;
        let next = link::next(&list.flavors_links, this.as_deref())?;
        let sizes = list.flavors.into_iter().map(Size::from).collect();
        Ok(Step::Done(Page::new(sizes, next)))
    }))
}

#[derive(Deserialize)]
struct Flavors {
    flavors: Vec<Flavor>,
    #[serde(default)]
    flavors_links: Vec<link::Link>,
}

#[derive(Deserialize)]
struct Flavor {
    id: Id,
    #[serde(default, deserialize_with = "answer::or_default")]
    name: String,
    #[serde(default, deserialize_with = "answer::or_default")]
    ram: u64,
    #[serde(default, deserialize_with = "answer::or_default")]
    disk: u64,
    #[serde(default, deserialize_with = "answer::or_default")]
    vcpus: u32,
}

impl From<Flavor> for Size {
    fn from(flavor: Flavor) -> Self {
        let mut size = Self::new(flavor.id.0, flavor.name);
        size.ram_mb = flavor.ram;
        size.disk_gb = flavor.disk;
        size.vcpus = flavor.vcpus;
        size
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::provider::dialect::by_hand::{failed, read};

    #[test]
    fn a_page_of_flavors_is_read_as_sizes() {
        let call = list(None).expect("a call");
        assert_eq!(call.request.path, "/flavors/detail");
        let body = r#"{"flavors": [
            {"id": 1, "name": "m1.tiny", "ram": 512, "disk": 1, "swap": "", "vcpus": 1,
             "OS-FLV-EXT-DATA:ephemeral": 0, "rxtx_factor": 1.0, "links": []},
            {"id": "big", "ram": 18446744073709551615, "disk": null}],
            "flavors_links": [{"rel": "next", "href": "http://h/v2.1/flavors/detail?marker=big"}]}"#;
        let page = read(call, 200, body).expect("a page");
        let mut tiny = Size::new("1", "m1.tiny");
        (tiny.ram_mb, tiny.disk_gb, tiny.vcpus) = (512, 1, 1);
        let mut big = Size::new("big", "");
        big.ram_mb = u64::MAX;
        assert_eq!(page.items, [tiny, big]);
        let call = list(page.next.as_ref()).expect("a call");
        assert_eq!(call.request.path, "/flavors/detail?marker=big");
    }

    #[test]
    fn numbers_that_fit_nowhere_are_protocol_errors() {
        for field in [
            "\"vcpus\": 4294967296",
            "\"vcpus\": -1",
            "\"ram\": 18446744073709551616",
            "\"ram\": 1e999",
            "\"disk\": \"much\"",
        ] {
            let call = list(None).expect("a call");
            let body = format!("{{\"flavors\": [{{\"id\": \"1\", {field}}}]}}");
            assert_eq!(failed(read(call, 200, &body)).kind(), ErrorKind::Protocol, "{field}");
        }
    }
}
