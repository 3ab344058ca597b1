//! Bytes: the only code that opens sockets.
//!
//! A connection belongs to whoever uses it now, and is driven by them: no task and no thread stands
//! behind it. What "waiting" means is decided anew at each poll by [`home`]: in `.wait()` the calling
//! thread blocks in place, inside tokio the current runtime watches the socket, anywhere else a small
//! reactor thread does.

pub(crate) mod alarm;
mod ask;
#[cfg(unix)]
mod attempt;
#[cfg(not(unix))]
#[path = "attempt_portable.rs"]
mod attempt;
pub(crate) mod connection;
pub(crate) mod dial;
mod drive;
pub(crate) mod home;
pub(crate) mod park;
pub(crate) mod payload;
mod proxy;
mod race;
pub(crate) mod resolve;
mod stream;
#[cfg(unix)]
mod tcp;
#[cfg(not(unix))]
#[path = "tcp_portable.rs"]
mod tcp;
pub(crate) mod terms;
#[cfg(feature = "tls")]
mod tls;
#[cfg(not(feature = "tls"))]
#[path = "tls_without.rs"]
mod tls;

pub(crate) use park::block_on;

use std::fmt;

use crate::error::{Error, Result};

/// Where a connection leads: scheme, host and port.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Origin {
    pub(crate) tls: bool,
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl Origin {
    /// Splits an absolute URL into its origin, its `Host` value and its path without a last slash.
    pub(crate) fn split(url: &str) -> Result<(Self, String, String)> {
        // A user name may have a password beside it: neither is repeated.
        let shown = url.rsplit_once('@').map_or(url, |(_, host)| host);
        let bad = |why: &str| Error::invalid(format!("{shown:?} cannot be an endpoint: {why}"));
        let uri: http::Uri = url.parse().map_err(|e| bad("not a URL").with_source(e))?;
        let tls = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(bad("it must begin with http:// or https://")),
        };
        let authority = uri.authority().ok_or_else(|| bad("no host"))?;
        if authority.as_str().contains('@') {
            return Err(bad("it must not hold a user name"));
        }
        if uri.query().is_some() {
            return Err(bad("it must not hold a query"));
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = match (authority.port_u16(), authority.as_str().rsplit_once(':')) {
            (Some(0), _) => return Err(bad("there is no port 0")),
            (Some(port), _) => port,
            (None, Some((_, after))) if !after.ends_with(']') => {
                return Err(bad("its port is not a number up to 65535"));
            }
            (None, _) if tls => 443,
            (None, _) => 80,
        };
        let path = uri.path().trim_end_matches('/').to_owned();
        Ok((Self { tls, host, port }, authority.as_str().to_owned(), path))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        match self.host.contains(':') {
            true => write!(f, "{scheme}://[{}]:{}", self.host, self.port),
            false => write!(f, "{scheme}://{}:{}", self.host, self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_split_into_origin_host_and_path() {
        let (origin, host, path) = Origin::split("https://cloud.example/compute/v2.1/").unwrap();
        assert_eq!(origin, Origin { tls: true, host: "cloud.example".into(), port: 443 });
        assert_eq!((host.as_str(), path.as_str()), ("cloud.example", "/compute/v2.1"));
        let (origin, host, path) = Origin::split("http://[::1]:8774").unwrap();
        assert_eq!(origin.to_string(), "http://[::1]:8774");
        assert_eq!((host.as_str(), path.as_str()), ("[::1]:8774", ""));
    }

    #[test]
    fn endpoints_that_hide_something_are_refused() {
        for url in [
            "ftp://h",
            "h:1",
            "/v3",
            "http://user@h/",
            "http://h/?q",
            "http:///x",
            "",
            "http://h:99999/",
            "http://h:abc/",
            "http://h:0/",
            "http://h:/",
            "http://[::1]:70000/",
        ] {
            assert!(Origin::split(url).is_err(), "{url}");
        }
        let error = Origin::split("http://user:hidden@h/").unwrap_err();
        assert!(!error.to_string().contains("hidden"), "{error}");
    }
}
