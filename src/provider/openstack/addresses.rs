//! The addresses of a server, told apart into public and private ones.

use std::fmt;
use std::net::IpAddr;

use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::provider::dialect::answer::Text;

/// The addresses of all networks, in Nova's order; what is no address is left out.
#[derive(Default)]
pub(super) struct Addresses {
    pub(super) public: Vec<IpAddr>,
    pub(super) private: Vec<IpAddr>,
}

#[derive(Deserialize)]
struct Address<'a> {
    #[serde(borrow)]
    addr: Text<'a>,
    #[serde(borrow, rename = "OS-EXT-IPS:type")]
    kind: Option<Text<'a>>,
}

impl Addresses {
    fn add(&mut self, address: &Address<'_>) {
        let Ok(ip) = address.addr.0.parse::<IpAddr>() else {
            return;
        };
        let is_floating = address.kind.as_ref().is_some_and(|kind| kind.0 == "floating");
        let ips = match is_floating || is_public(ip) {
            true => &mut self.public,
            false => &mut self.private,
        };
        if !ips.contains(&ip) {
            ips.push(ip);
        }
    }
}

/// Read by hand because a map would sort the networks; Nova says null for a server without any.
impl<'de> Deserialize<'de> for Addresses {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Networks;

        impl<'de> Visitor<'de> for Networks {
            type Value = Addresses;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("addresses by network")
            }

            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Addresses::default())
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut all = Addresses::default();
                while map.next_key::<IgnoredAny>()?.is_some() {
                    map.next_value_seed(Network(&mut all))?;
                }
                Ok(all)
            }
        }

        from.deserialize_any(Networks)
    }
}

/// Reads the addresses of one network straight to where they belong.
struct Network<'a>(&'a mut Addresses);

impl<'de> DeserializeSeed<'de> for Network<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Network<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of addresses")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(address) = list.next_element::<Address<'de>>()? {
            self.0.add(&address);
        }
        Ok(())
    }
}

/// Tells whether an address can be reached from anywhere (IANA's special-purpose registries).
fn is_public(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => {
            let [a, b, ..] = ip.octets();
            let is_shared = a == 100 && (64..128).contains(&b); // RFC 6598
            !(ip.is_private()
                || is_shared
                || ip.is_loopback()
                || ip.is_link_local()
                || ip.is_unspecified())
        }
        IpAddr::V6(ip) => {
            let is_site_local = ip.segments()[0] & 0xffc0 == 0xfec0; // RFC 3879
            !(is_site_local
                || ip.is_unique_local()
                || ip.is_loopback()
                || ip.is_unicast_link_local()
                || ip.is_unspecified())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> serde_json::Result<(Vec<String>, Vec<String>)> {
        let Addresses { public, private } = serde_json::from_str(json)?;
        let texts = |ips: Vec<IpAddr>| ips.iter().map(IpAddr::to_string).collect();
        Ok((texts(public), texts(private)))
    }

    #[test]
    fn addresses_of_all_networks_keep_their_order_and_come_once() {
        let (public, private) = read(
            r#"{"z": [{"addr": "10.0.0.2"}, {"addr": "10.0.0.9", "OS-EXT-IPS:type": "floating"}],
                "a": [{"addr": "10.0.0.1", "OS-EXT-IPS:type": null}, {"addr": "10.0.0.2"},
                      {"addr": "9.9.9.9", "OS-EXT-IPS:type": "fixed"}],
                "none": []}"#,
        )
        .expect("addresses");
        assert_eq!(
            (public, private),
            (vec!["10.0.0.9".into(), "9.9.9.9".into()], vec!["10.0.0.2".into(), "10.0.0.1".into()],)
        );
    }

    #[test]
    fn what_is_no_address_is_passed_over_and_another_shape_is_told() {
        assert_eq!(read("null").expect("none"), (vec![], vec![]));
        let odd = r#"{"net": [{"addr": "somewhere"}, {"addr": ""}, {"addr": "\u0031.1.1.1"}]}"#;
        assert_eq!(read(odd).expect("one"), (vec!["1.1.1.1".into()], vec![]));
        for (json, expected) in [
            ("[]", "addresses by network"),
            (r#"{"net": {}}"#, "a list of addresses"),
            (r#"{"net": null}"#, "a list of addresses"),
            (r#"{"net": [{"version": 4}]}"#, "`addr`"),
        ] {
            let error = read(json).expect_err("another shape").to_string();
            assert!(error.contains(expected), "{json}: {error}");
        }
    }

    #[test]
    fn private_ranges_are_told_from_public_ones() {
        let ip = |text: &str| text.parse().expect("an address");
        for text in [
            "10.1.2.3",
            "172.31.0.1",
            "192.168.1.1",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.1.1",
            "0.0.0.0",
            "fd00::1",
            "fe80::1",
            "fec0::1",
            "feff::1",
            "::1",
            "::",
            "::ffff:10.0.0.1",
        ] {
            assert!(!is_public(ip(text)), "{text}");
        }
        for text in
            ["9.9.9.9", "172.32.0.1", "100.63.0.1", "100.128.0.1", "203.0.113.7", "2001:db8::1"]
        {
            assert!(is_public(ip(text)), "{text}");
        }
    }
}
