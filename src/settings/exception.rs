//! Hosts that are reached without the proxy, by the rules of curl's `NO_PROXY`.

use std::net::IpAddr;

/// The entries of a list such as `localhost, .internal.example, 10.0.0.0/8`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Exceptions(Vec<Exception>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Exception {
    whom: Whom,
    /// `None`: every port.
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Whom {
    Everybody,
    /// The domain and all that is below it, in small letters, without the dot before it.
    Domain(String),
    /// Addresses that begin with so many of these bits.
    Block(IpAddr, u32),
}

impl Exceptions {
    /// Reads a list; commas and spaces divide it. What is no name and no address matches nothing.
    pub(super) fn parse(list: &str) -> Self {
        let entries = list.split(|c: char| c == ',' || c.is_whitespace());
        Self(entries.filter(|e| !e.is_empty()).filter_map(Exception::parse).collect())
    }

    /// Tells whether a host is reached without the proxy. Names are not looked up for this.
    pub(super) fn hold(&self, host: &str, port: u16) -> bool {
        let name = host.trim_end_matches('.').to_ascii_lowercase();
        let ip = name.parse::<IpAddr>().ok();
        self.0.iter().any(|exception| {
            let here = exception.port.is_none_or(|only| only == port);
            here && match (&exception.whom, ip) {
                (Whom::Everybody, _) => true,
                (Whom::Block(start, bits), Some(ip)) => is_in(ip, *start, *bits),
                (Whom::Domain(domain), None) => {
                    let above = name.strip_suffix(domain.as_str());
                    above.is_some_and(|above| above.is_empty() || above.ends_with('.'))
                }
                // An address has no domain, nor a name a block.
                (Whom::Block(..), None) | (Whom::Domain(_), Some(_)) => false,
            }
        })
    }
}

impl Exception {
    fn parse(entry: &str) -> Option<Self> {
        // Before the port is looked for: colons are part of an address.
        if let Some(whom) = Whom::block(entry) {
            return Some(Self { whom, port: None });
        }
        let (whom, port) = match entry.rsplit_once(':') {
            Some((whom, port)) => (whom, Some(port.parse().ok()?)),
            None => (entry, None),
        };
        let whom = match whom {
            "*" => Whom::Everybody,
            _ => Whom::block(whom).or_else(|| Whom::domain(whom))?,
        };
        Some(Self { whom, port })
    }
}

impl Whom {
    /// Reads an address, in brackets or not, or a block of them (RFC 4632, 3.1).
    fn block(text: &str) -> Option<Self> {
        let bare = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(text);
        let (start, bits) = match bare.split_once('/') {
            Some((start, bits)) => (start, Some(bits.parse().ok()?)),
            None => (bare, None),
        };
        let start: IpAddr = start.parse().ok()?;
        let most = if start.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(most);
        (bits <= most).then_some(Self::Block(start, bits))
    }

    fn domain(text: &str) -> Option<Self> {
        let domain = text.trim_start_matches("*.").trim_start_matches('.').trim_end_matches('.');
        (!domain.is_empty()).then(|| Self::Domain(domain.to_ascii_lowercase()))
    }
}

fn is_in(ip: IpAddr, start: IpAddr, bits: u32) -> bool {
    // What begins alike differs only below the bits that count; a shift by all of them is none.
    match (ip, start) {
        (IpAddr::V4(ip), IpAddr::V4(start)) => {
            let differing = ip.to_bits() ^ start.to_bits();
            differing.checked_shr(32 - bits).unwrap_or(0) == 0
        }
        (IpAddr::V6(ip), IpAddr::V6(start)) => {
            let differing = ip.to_bits() ^ start.to_bits();
            differing.checked_shr(128 - bits).unwrap_or(0) == 0
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exceptions_are_names_domains_addresses_and_blocks() {
        for (list, host, port, held) in [
            ("", "h", 80, false),
            ("*", "anything.example", 443, true),
            ("*:80", "anything.example", 443, false),
            ("cloud.example", "cloud.example", 443, true),
            ("cloud.example", "CLOUD.example.", 443, true),
            ("cloud.example", "api.cloud.example", 443, true),
            ("cloud.example", "mycloud.example", 443, false),
            ("cloud.example", "cloud.example.org", 443, false),
            (".cloud.example", "api.cloud.example", 443, true),
            (".cloud.example", "cloud.example", 443, true),
            ("*.cloud.example", "api.cloud.example", 443, true),
            ("cloud.example.", "cloud.example", 443, true),
            ("a.example, cloud.example\tb.example", "b.example", 443, true),
            (",, ,", "h", 80, false),
            ("cloud.example:8774", "cloud.example", 8774, true),
            ("cloud.example:8774", "cloud.example", 443, false),
            ("cloud.example:no", "cloud.example", 443, false),
            ("localhost", "localhost", 80, true),
            ("localhost", "127.0.0.1", 80, false),
            ("10.1.2.3", "10.1.2.3", 80, true),
            ("10.1.2.3:81", "10.1.2.3", 80, false),
            ("10.1.2.3:81", "10.1.2.3", 81, true),
            ("10.0.0.0/8", "10.200.0.1", 80, true),
            ("10.0.0.0/8", "11.0.0.1", 80, false),
            ("192.168.0.0/31", "192.168.0.1", 80, true),
            ("192.168.0.0/31", "192.168.0.2", 80, false),
            ("0.0.0.0/0", "8.8.8.8", 80, true),
            ("0.0.0.0/0", "::1", 80, false),
            ("10.0.0.0/33", "10.0.0.0", 80, false),
            ("10.0.0.0/8", "10.example", 80, false),
            ("::1", "::1", 80, true),
            ("[::1]", "::1", 80, true),
            ("[::1]:81", "::1", 80, false),
            ("[::1]:81", "::1", 81, true),
            ("fd00::/8", "fd12::1", 80, true),
            ("fd00::/8", "fe80::1", 80, false),
            ("::/0", "2001:db8::1", 80, true),
            // Nobody is left out by magic.
            ("other.example", "127.0.0.1", 80, false),
            ("1", "127.0.0.1", 80, false),
        ] {
            assert_eq!(Exceptions::parse(list).hold(host, port), held, "{host}:{port} of {list:?}");
        }
    }
}
