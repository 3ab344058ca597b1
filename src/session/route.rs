//! Endpoints of the catalog, ready to be asked.

use std::sync::Arc;

use http::HeaderValue;

use super::pool::Pool;
use crate::call::Endpoint;
use crate::error::{Error, ErrorKind, Result};
use crate::wire::Origin;

/// The way to one endpoint: no look-up is left for the request.
pub(crate) struct Route {
    service: String,
    region: String,
    pub(crate) pool: Arc<Pool>,
    pub(crate) host: HeaderValue,
    /// The endpoint's own path, without a last slash.
    pub(crate) base: String,
}

impl Route {
    pub(crate) fn new(endpoint: Endpoint, pool: impl FnOnce(Origin) -> Arc<Pool>) -> Result<Self> {
        let Endpoint { service, region, url } = endpoint;
        let (origin, host, base) = Origin::split(&url)?;
        let host = HeaderValue::from_str(&host)
            .map_err(|e| Error::invalid(format!("{url:?} has no valid host")).with_source(e))?;
        Ok(Self { service, region, pool: pool(origin), host, base })
    }
}

/// Finds the route to a service, in the given region or else in the first that has it.
pub(crate) fn find<'a>(
    routes: &'a [Route],
    service: &str,
    region: Option<&str>,
) -> Result<&'a Route> {
    let here = |r: &&Route| region.is_none_or(|region| r.region == region);
    if let Some(route) = routes.iter().filter(here).find(|r| r.service == service) {
        return Ok(route);
    }
    match region {
        Some(region) if !routes.iter().any(|r| r.region == region) => {
            let there = listed(routes.iter().map(|r| r.region.as_str()));
            Err(Error::invalid(format!("no region {region:?} in this account; there are: {there}")))
        }
        _ => {
            let there = listed(routes.iter().filter(here).map(|r| r.service.as_str()));
            let place = region.map(|r| format!(" in region {r:?}")).unwrap_or_default();
            Err(Error::new(
                ErrorKind::Unsupported,
                format!(
                    "this account's catalog has no {service:?} service{place}; it has: {there}"
                ),
            ))
        }
    }
}

fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut names: Vec<_> = names.filter(|n| !n.is_empty()).collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() { "nothing".into() } else { names.join(", ") }
}
