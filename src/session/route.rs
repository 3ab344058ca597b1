//! Endpoints of the catalog, ready to be asked.

use std::sync::{Arc, OnceLock};

use http::HeaderValue;

use super::pace::Pace;
use super::pool::Pool;
use crate::call::Endpoint;
use crate::error::{Error, ErrorKind, Result};
use crate::wire::Origin;

/// The way to one endpoint: no look-up is left for the request.
pub(crate) struct Route {
    service: String,
    /// `None`: it serves every region.
    pub(crate) region: Option<String>,
    pub(crate) pool: Arc<Pool>,
    pub(crate) pace: Arc<Pace>,
    pub(crate) host: HeaderValue,
    /// The endpoint's own path, without a last slash.
    pub(crate) base: String,
    tls: bool,
}

impl Route {
    pub(crate) fn new(
        endpoint: Endpoint,
        pace: Arc<Pace>,
        pool: impl FnOnce(Origin) -> Arc<Pool>,
    ) -> Result<Self> {
        let Endpoint { service, region, url } = endpoint;
        let (origin, host, base) = Origin::split(&url)?;
        let tls = origin.tls;
        let host = HeaderValue::from_str(&host)
            .map_err(|e| Error::invalid(format!("{url:?} has no valid host")).with_source(e))?;
        Ok(Self { service, region, pool: pool(origin), pace, host, base, tls })
    }

    fn serves(&self, region: Option<&str>) -> bool {
        match (region, &self.region) {
            (Some(asked), Some(own)) => asked == own,
            (None, _) | (_, None) => true,
        }
    }
}

/// The routes of one catalog.
pub(crate) struct Routes {
    listed: Vec<Route>,
    /// Endpoints whose address depends on the region.
    patterns: Vec<Endpoint>,
    /// Routes that were made from the patterns.
    made: Made,
    /// What proves who we are never goes where there is no TLS.
    only_tls: bool,
}

/// A list that only grows, so that its readers need no lock. It is short: one entry for each service
/// and region that was asked for.
#[derive(Default)]
struct Made(OnceLock<Box<(Route, Made)>>);

impl Routes {
    pub(crate) fn new(
        endpoints: Vec<Endpoint>,
        only_tls: bool,
        make: impl Fn(Endpoint) -> Result<Route>,
    ) -> Result<Self> {
        let is_pattern = |e: &Endpoint| e.region.is_none() && e.url.contains(REGION);
        let (patterns, listed): (Vec<_>, Vec<_>) = endpoints.into_iter().partition(is_pattern);
        let listed = listed.into_iter().map(make).collect::<Result<_>>()?;
        Ok(Self { listed, patterns, made: Made::default(), only_tls })
    }

    /// Finds the route to a service, in the given region or else in the first that has it.
    pub(crate) fn find(
        &self,
        service: &str,
        region: Option<&str>,
        make: impl FnOnce(Endpoint) -> Result<Route>,
    ) -> Result<&Route> {
        let fits = |r: &&Route| r.service == service && r.serves(region);
        if let Some(route) = self.listed.iter().find(fits) {
            return self.checked(route);
        }
        let Some(pattern) = self.patterns.iter().find(|p| p.service == service) else {
            return Err(self.lacks(service, region));
        };
        let Some(region) = region else {
            return Err(Error::invalid("this account has many regions; name one"));
        };
        let route = self.made.find_or_add(service, region, || {
            // It becomes part of the host that gets the signature.
            let of_label = |c: char| c.is_ascii_alphanumeric() || c == '-';
            if !region.chars().all(of_label) || region.len() > LONGEST_LABEL {
                return Err(Error::invalid(format!("{region:?} cannot be a region's name")));
            }
            let url = pattern.url.replace(REGION, region);
            make(Endpoint { service: service.to_owned(), region: Some(region.to_owned()), url })
        })?;
        self.checked(route)
    }

    fn checked<'a>(&self, route: &'a Route) -> Result<&'a Route> {
        if route.tls || !self.only_tls {
            return Ok(route);
        }
        let (service, host) = (&route.service, route.host.to_str().unwrap_or_default());
        Err(Error::invalid(format!(
            "the cloud names http://{host} for its {service:?} service, where anybody on the way \
             could read the token, and the login went by https://; ask its operators for https:// \
             there, or log in at an http:// address if all of it is meant to be in the open"
        )))
    }

    fn lacks(&self, service: &str, region: Option<&str>) -> Error {
        let routes = &self.listed;
        if routes.is_empty() && self.patterns.is_empty() {
            let text = "the login gave no catalog of services; log in to a project";
            return Error::new(ErrorKind::Unsupported, text);
        }
        let everywhere = !self.patterns.is_empty() || routes.iter().any(|r| r.region.is_none());
        match region {
            Some(name) if !everywhere && !routes.iter().any(|r| r.serves(region)) => {
                let there = listed(routes.iter().filter_map(|r| r.region.as_deref()));
                let text = format!("no region {name:?} in this account; there are: {there}");
                Error::invalid(text)
            }
            _ => {
                let here = routes.iter().filter(|r| r.serves(region)).map(|r| &r.service);
                let there = listed(here.chain(self.patterns.iter().map(|p| &p.service)));
                let place = region.map(|r| format!(" in region {r:?}")).unwrap_or_default();
                let text = format!(
                    "this account's catalog has no {service:?} service{place}; it has: {there}"
                );
                Error::new(ErrorKind::Unsupported, text)
            }
        }
    }
}

impl Made {
    fn find_or_add(
        &self,
        service: &str,
        region: &str,
        make: impl FnOnce() -> Result<Route>,
    ) -> Result<&Route> {
        let mut new = None;
        let mut make = Some(make);
        let mut place = &self.0;
        loop {
            let Some(entry) = place.get() else {
                // Whoever loses the race for this place looks at what took it, and goes on.
                let route = match (new.take(), make.take()) {
                    (Some(route), _) => route,
                    (None, Some(make)) => make()?,
                    (None, None) => {
                        unreachable!("a route that was made is kept until it is placed")
                    }
                };
                if let Err(back) = place.set(Box::new((route, Self::default()))) {
                    new = Some(back.0);
                }
                continue;
            };
            let (route, rest) = &**entry;
            if route.service == service && route.region.as_deref() == Some(region) {
                return Ok(route);
            }
            place = &rest.0;
        }
    }
}

/// One by one: were it many after all, a drop within a drop would use up the stack.
impl Drop for Made {
    fn drop(&mut self) {
        let mut rest = self.0.take();
        while let Some(mut entry) = rest {
            rest = entry.1.0.take();
        }
    }
}

fn listed<'a>(names: impl Iterator<Item = impl AsRef<str> + 'a>) -> String {
    let mut names: Vec<_> = names.map(|n| n.as_ref().to_owned()).collect();
    names.retain(|n| !n.is_empty());
    names.sort_unstable();
    names.dedup();
    if names.is_empty() { "nothing".into() } else { names.join(", ") }
}

/// RFC 1123, 2.1.
const LONGEST_LABEL: usize = 63;
/// Stands for the region's name in an endpoint's address.
const REGION: &str = "{region}";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Trust;
    use crate::settings::Settings;
    use crate::wire::dial::Dialer;

    fn make(endpoint: Endpoint) -> Result<Route> {
        Route::new(endpoint, Arc::new(Pace::new()), |origin| {
            let dialer = Dialer::new(&Trust::default(), &Settings::new()).unwrap();
            Arc::new(Pool::new(origin, Arc::new(dialer), &Settings::new()))
        })
    }

    fn endpoint(service: &str, region: Option<&str>, url: &str) -> Endpoint {
        let region = region.map(str::to_owned);
        Endpoint { service: service.into(), region, url: url.into() }
    }

    fn routes() -> Routes {
        let endpoints = vec![
            endpoint("a", Some("north"), "http://north.example/a"),
            endpoint("a", Some("south"), "http://south.example/a"),
            endpoint("b", None, "http://any.example/b"),
            endpoint("c", None, "https://c.{region}.example"),
        ];
        Routes::new(endpoints, false, make).unwrap()
    }

    #[test]
    fn who_keeps_to_tls_is_led_nowhere_else_not_even_to_another_region() {
        let endpoints = || {
            vec![
                endpoint("a", Some("north"), "http://north.example/a"),
                endpoint("a", Some("south"), "https://south.example/a"),
                endpoint("b", None, "http://{region}.example"),
                endpoint("c", None, "https://{region}.example"),
            ]
        };
        let careful = Routes::new(endpoints(), true, make).unwrap();
        for (service, region) in [("a", None), ("a", Some("north")), ("b", Some("east"))] {
            let error = careful.find(service, region, make).err().unwrap();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
            assert!(error.to_string().contains("names http://"), "{error}");
        }
        for (service, region) in [("a", Some("south")), ("c", Some("east"))] {
            assert!(careful.find(service, region, make).is_ok(), "{service}");
        }
        let careless = Routes::new(endpoints(), false, make).unwrap();
        assert!(careless.find("a", None, make).is_ok());
    }

    #[test]
    fn a_region_is_found_and_one_that_serves_all_serves_each() {
        let routes = routes();
        let host = |service, region| routes.find(service, region, make).unwrap().host.clone();
        assert_eq!(host("a", Some("south")), "south.example");
        assert_eq!(host("a", None), "north.example", "the first of the catalog");
        assert_eq!(host("b", Some("anywhere")), "any.example");
        assert_eq!(host("b", None), "any.example");
        let lacking = routes.find("d", Some("south"), make).err().unwrap();
        assert_eq!(lacking.kind(), ErrorKind::Unsupported);
        assert!(lacking.to_string().ends_with("it has: a, b, c"), "{lacking}");
    }

    #[test]
    fn a_pattern_gives_each_region_one_route_that_all_threads_share() {
        let routes = routes();
        let seen: Vec<_> = std::thread::scope(|s| {
            let threads: Vec<_> = (0..8)
                .map(|i| {
                    let region = if i % 2 == 0 { "east" } else { "west" };
                    let routes = &routes;
                    s.spawn(move || routes.find("c", Some(region), make).unwrap())
                })
                .collect();
            threads.into_iter().map(|t| t.join().unwrap()).collect()
        });
        for (i, route) in seen.iter().enumerate() {
            assert!(std::ptr::eq(*route, seen[i % 2]), "one route for a region");
            assert_eq!(route.host, ["c.east.example", "c.west.example"][i % 2]);
        }
    }

    #[test]
    fn a_region_that_would_change_the_host_is_refused() {
        let routes = routes();
        for odd in ["evil.example/", "a.b", "a b", "é", "a@b", "a:1", &"a".repeat(64)] {
            let error = routes.find("c", Some(odd), make).err().unwrap();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{odd}");
        }
        let error = routes.find("c", None, make).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Invalid);
    }
}
