//! Neutron: networks.
//!
//! <https://docs.openstack.org/api-ref/network/v2/>

use serde::{Deserialize, Serialize};

use super::{OpenStack, fault, link};
use crate::call::{Call, Cursor, Request, Service, Step};
use crate::provider::dialect::answer;

/// A network that nodes can be connected to.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Network {
    /// The cloud's id, which [`NewNode::network`](crate::NewNode::network) takes.
    pub id: String,
    /// The name; it need not be unique.
    pub name: String,
    /// Leads out of the cloud; nodes get floating addresses of it and are rarely put on it.
    pub is_external: bool,
    /// Belongs to another project that shares it with all.
    pub is_shared: bool,
    /// Neutron's word for how it is, such as `ACTIVE`.
    pub status: String,
}

impl Network {
    /// Makes a network by hand, for tests of code that uses this crate.
    pub fn new(id: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            name: name.into(),
            is_external: false,
            is_shared: false,
            status: String::new(),
        }
    }
}

/// Its id.
impl AsRef<str> for Network {
    fn as_ref(&self) -> &str {
        &self.id
    }
}

impl OpenStack {
    /// Lists the networks that the project can use, all pages.
    ///
    /// # Errors
    /// What the driver gives when it sends the call: `Unsupported` on a cloud without Neutron.
    ///
    /// # Example
    /// ```no_run
    /// use welkin::{Driver, openstack::OpenStack};
    ///
    /// let driver = Driver::from_selector("openstack")?;
    /// let native = driver.native::<OpenStack>()?;
    /// for network in driver.send(native.list_networks()).wait()? {
    ///     println!("{} {}", network.id, network.name);
    /// }
    /// # Ok::<(), welkin::Error>(())
    /// ```
    pub fn list_networks(&self) -> Call<Vec<Network>> {
        follow(Request::get(NEUTRON, PATH), None, Vec::new())
    }
}

fn follow(request: Request, this: Option<Cursor>, mut seen: Vec<Network>) -> Call<Vec<Network>> {
    Call::new(request, move |response| {
        let list: Networks = fault::json(&response, "a list of networks")?;
        let this = this.as_ref().map(Cursor::as_str);
        let next = link::next(&list.networks_links, this)?;
        seen.extend(list.networks.into_iter().map(Network::from));
        Ok(match next {
            None => Step::Done(seen),
            Some(_) => {
                let request = Request::get(NEUTRON, link::page(PATH, next.as_ref())?);
                Step::Next(follow(request, next, seen))
            }
        })
    })
}

#[derive(Deserialize)]
struct Networks {
    networks: Vec<NeutronNetwork>,
    #[serde(default)]
    networks_links: Vec<link::Link>,
}

#[derive(Deserialize)]
struct NeutronNetwork {
    id: String,
    #[serde(default, deserialize_with = "answer::or_default")]
    name: String,
    #[serde(default, deserialize_with = "answer::or_default")]
    status: String,
    #[serde(default, deserialize_with = "answer::or_default")]
    shared: bool,
    /// Of an extension that a Neutron may lack.
    #[serde(rename = "router:external", default, deserialize_with = "answer::or_default")]
    external: bool,
}

impl From<NeutronNetwork> for Network {
    fn from(network: NeutronNetwork) -> Self {
        Self {
            id: network.id,
            name: network.name,
            is_external: network.external,
            is_shared: network.shared,
            status: network.status,
        }
    }
}

const PATH: &str = "/networks";

const NEUTRON: Service = Service { provider: super::NAME, name: "network" };

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::provider::dialect::answer::answer;
    use crate::provider::dialect::by_hand::{failed, read};

    #[test]
    fn networks_are_read_over_all_pages() {
        let first = r#"{"networks": [{"id": "236f1d78", "name": "shared", "status": "ACTIVE",
            "subnets": [], "shared": true, "router:external": false, "mtu": 1450}],
            "networks_links": [
            {"rel": "previous", "href": "http://h:9696/v2.0/networks?page_reverse=True"},
            {"rel": "next", "href": "http://other:9696/v2.0/networks?limit=1&marker=236f1d78"}]}"#;
        let call = OpenStack::new().list_networks();
        assert_eq!(call.request.path, "/networks");
        let Ok(Step::Next(call)) = (call.read)(Ok(answer(200, &[], first))) else {
            panic!("a second page follows");
        };
        assert_eq!(call.request.path, "/networks?limit=1&marker=236f1d78");
        let target = format!("{:?}", call.request.target);
        assert!(target.contains("\"network\""), "{target}");

        let last = r#"{"networks": [{"id": "f00", "name": "public", "router:external": true}]}"#;
        let networks = read(call, 200, last).expect("networks");
        let mut shared = Network::new("236f1d78", "shared");
        shared.is_shared = true;
        shared.status = "ACTIVE".into();
        let mut public = Network::new("f00", "public");
        public.is_external = true;
        assert_eq!(networks, [shared, public]);
    }

    #[test]
    fn a_page_that_leads_to_itself_ends_the_list() {
        let body = r#"{"networks": [], "networks_links": [{"rel": "next", "href": "?marker=a"}]}"#;
        let call = OpenStack::new().list_networks();
        let Ok(Step::Next(call)) = (call.read)(Ok(answer(200, &[], body))) else {
            panic!("a second page follows");
        };
        assert_eq!(failed(read(call, 200, body)).kind(), ErrorKind::Protocol);
    }
}
