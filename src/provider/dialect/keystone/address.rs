//! The addresses of Keystone and of what its catalog names.

use http::Uri;

use crate::error::{Error, Result};
use crate::provider::dialect::config;

/// Makes an address to log in at from what users write: with or without `/v3` and a slash at the end.
pub(in crate::provider) fn auth_url(text: &str) -> Result<String> {
    let wrong = |why: &str| {
        // Whatever stands before the `@` may be a password.
        let shown = text.rsplit('@').next().unwrap_or_default();
        Error::invalid(format!("cannot log in at {shown:?}: {why}"))
    };
    let (host, path) = config::address(text).map_err(wrong)?;
    let path = path.strip_suffix("/auth/tokens").unwrap_or(&path);
    match path.rsplit('/').next() {
        Some("v3") => Ok(format!("{host}{path}")),
        Some("v2.0" | "v2") => Err(wrong("Keystone v2 is not supported, only v3")),
        _ => Ok(format!("{host}{path}/v3")),
    }
}

/// Makes an endpoint's base of what a catalog says; `None` if nothing can be asked there.
pub(super) fn base(url: &str, service: &str) -> Option<String> {
    let uri: Uri = url.trim().parse().ok()?;
    let (scheme, host) = (uri.scheme_str()?, uri.authority()?);
    if !config::has_sound_port(host) {
        return None;
    }
    let host = host.as_str();
    if !matches!(scheme, "http" | "https") || host.is_empty() || host.contains('@') {
        return None;
    }
    Some(versioned(&format!("{scheme}://{host}{}", uri.path()), service))
}

/// Adds the version of its API to a service's address that names none.
pub(super) fn versioned(url: &str, service: &str) -> String {
    let url = url.trim_end_matches('/');
    // Catalogs may name a service's root; the version is then ours to choose.
    let version = match service {
        _ if url.split('/').skip(3).any(is_version) => "",
        "compute" => "/v2.1",
        "image" => "/v2",
        "network" => "/v2.0",
        _ => "",
    };
    format!("{url}{version}")
}

fn is_version(segment: &str) -> bool {
    segment.strip_prefix('v').is_some_and(|number| {
        number.starts_with(|c: char| c.is_ascii_digit())
            && number.chars().all(|c| c.is_ascii_digit() || c == '.')
    })
}
