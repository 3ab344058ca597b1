//! Nova's microversions: which are there, and which one a request is answered in.
//!
//! <https://docs.openstack.org/nova/latest/reference/api-microversion-history.html>,
//! <https://specs.openstack.org/openstack/api-sig/guidelines/microversion_specification.html>

use std::fmt;
use std::sync::{Arc, OnceLock};

use http::{HeaderName, HeaderValue, StatusCode};
use serde::Deserialize;

use super::compute::NOVA;
use super::{OpenStack, fault};
use crate::call::{Call, Request, Response, Step, Target};
use crate::error::{Error, ErrorKind, Result};
use crate::provider::dialect::answer;
use crate::provider::dialect::keystone::Standing;

/// Microversion 2.X, by its X.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Microversion(u16);

impl Microversion {
    /// What Nova answers in when nobody asks for another.
    const BASE: Self = Self(1);
    /// The newest whose answers are known to be read right: that of Nova 2024.2.
    const NEWEST: Self = Self(96);
    /// Requests that ask for older ones have to do it by the older name of the header as well.
    const NAMED_ANEW: Self = Self(27);

    fn parse(text: &str) -> Option<Self> {
        let minor = text.trim().strip_prefix("2.")?;
        let is_number = !minor.is_empty() && minor.bytes().all(|b| b.is_ascii_digit());
        is_number.then(|| minor.parse().ok().map(Self)).flatten()
    }

    /// The headers of a request that is to be answered in it.
    fn headers(self) -> Result<Vec<(HeaderName, HeaderValue)>> {
        let value = |text: String| {
            HeaderValue::try_from(text).map_err(|e| Error::invalid("no header").with_source(e))
        };
        let mut headers = vec![(VERSION, value(format!("compute {self}"))?)];
        if self < Self::NAMED_ANEW {
            headers.push((NOVA_VERSION, value(self.to_string())?));
        }
        Ok(headers)
    }
}

impl fmt::Display for Microversion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "2.{}", self.0)
    }
}

/// The microversion that the settings want for all requests.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Wish {
    Exactly(Microversion),
    /// The newest that both sides know.
    Latest,
}

impl Wish {
    /// # Errors
    /// Says why it is none.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        match text.trim_start_matches('v') {
            "latest" | "2.latest" => Ok(Self::Latest),
            // Before there were microversions.
            "2.0" => Ok(Self::Exactly(Microversion::BASE)),
            number => match Microversion::parse(number) {
                Some(version) if version >= Microversion::BASE => Ok(Self::Exactly(version)),
                _ => Err(format!("{text:?} is no microversion; write one such as 2.79, or latest")),
            },
        }
    }

    /// Tells the login what goes on each request to Nova, or how to find it out.
    pub(super) fn standing(self, region: Option<&str>) -> Result<Standing> {
        let (headers, ask) = match self {
            Self::Exactly(version) => (OnceLock::from(version.headers()?), None),
            Self::Latest => (OnceLock::new(), Some(latest as fn(&str) -> Result<_>)),
        };
        let region = region.map(str::to_owned);
        Ok(Standing { service: NOVA.name, region, headers: Arc::new(headers), ask })
    }
}

/// Finds the newest microversion that both sides know, at an endpoint of Nova.
///
/// The list of versions is above all of them, and asks for no token.
fn latest(endpoint: &str) -> Result<Call<Vec<(HeaderName, HeaderValue)>>> {
    // Behind scheme and host, which may look like one.
    let is_version = |(at, part): &(usize, &str)| *at > 2 && (*part == "v2" || *part == "v2.1");
    let above = endpoint.split('/').enumerate().take_while(|part| !is_version(part));
    let above = above.map(|(_, part)| part).collect::<Vec<_>>().join("/");
    let request = Request::new(Target::Url(above), http::Method::GET, "/");
    Ok(Call::new(request, |response| {
        let version = Range::read(&response)?.newest.min(Microversion::NEWEST);
        Ok(Step::Done(version.headers()?))
    }))
}

/// The microversions that a Nova has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Range {
    oldest: Microversion,
    newest: Microversion,
}

impl Range {
    /// Reads a document of one version, or of all.
    fn read(response: &Response) -> Result<Self> {
        // "Multiple choices" is how a list of versions may be answered.
        if response.status != StatusCode::MULTIPLE_CHOICES {
            fault::success(response)?;
        }
        let Documents { version, versions } = answer::json(response, "Nova's versions")?;
        let ranges = version.into_iter().chain(versions).filter_map(|document| {
            let oldest = Microversion::parse(&document.min_version)?;
            Some(Self { oldest, newest: Microversion::parse(&document.version)? })
        });
        // A Nova without microversions has the base alone.
        let base = Self { oldest: Microversion::BASE, newest: Microversion::BASE };
        Ok(ranges.max_by_key(|range| range.newest).unwrap_or(base))
    }

    /// Reads which version an answer is in to a request that asked for the newest.
    fn of_answer(response: &Response) -> Result<Self> {
        fault::success(response)?;
        let named = response.header(VERSION.as_str()).and_then(|v| v.strip_prefix("compute "));
        let newest = named.or_else(|| response.header(NOVA_VERSION.as_str()));
        let newest = newest.and_then(Microversion::parse).unwrap_or(Microversion::BASE);
        Ok(Self { oldest: Microversion::BASE, newest })
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}", self.oldest, self.newest)
    }
}

/// What a driver knows of its Nova; asked once.
#[derive(Debug)]
pub(super) struct Known {
    range: Arc<OnceLock<Range>>,
    wish: Option<Wish>,
}

impl Known {
    pub(super) fn new(wish: Option<Wish>) -> Self {
        Self { range: Arc::default(), wish }
    }
}

impl OpenStack {
    /// Asks Nova to carry out a call in a microversion, or in the newer one that the configuration
    /// names. Requests of the call to other services are left as they are.
    ///
    /// Which microversions there are is asked once per driver, in front of the first such call.
    ///
    /// # Errors
    /// `Invalid` for what is no microversion, such as `3.0`; `Unsupported` when the cloud's Nova is
    /// too old, here if that is known already and else when the call is sent.
    ///
    /// # Example
    /// ```no_run
    /// use welkin::{Driver, openstack::OpenStack};
    ///
    /// let driver = Driver::from_selector("openstack")?;
    /// let native = driver.native::<OpenStack>()?;
    /// // Keypairs come in pages since 2.35.
    /// let keys = native.get("compute", "/os-keypairs?limit=10");
    /// let keys = driver.send(native.at_least("2.35", keys)?).wait()?;
    /// println!("{}", String::from_utf8_lossy(&keys));
    /// # Ok::<(), welkin::Error>(())
    /// ```
    pub fn at_least<T: 'static>(&self, microversion: &str, call: Call<T>) -> Result<Call<T>> {
        let Some(needed) = Microversion::parse(microversion) else {
            let text = format!("{microversion:?} is no microversion; write one such as 2.79");
            return Err(Error::invalid(text));
        };
        match self.known.wish {
            // Nova itself refuses what it does not have.
            Some(Wish::Exactly(wish)) if wish >= needed => return Ok(call),
            _ => {}
        }
        let latest = self.known.wish == Some(Wish::Latest);
        let chosen = move |range: Range| {
            if range.newest < needed {
                let text = format!(
                    "this needs microversion {needed} of the cloud's compute service, which has \
                     {range}"
                );
                return Err(Error::new(ErrorKind::Unsupported, text));
            }
            let newest = range.newest.min(Microversion::NEWEST);
            Ok(if latest { newest.max(needed) } else { needed.max(range.oldest) })
        };
        if let Some(range) = self.known.range.get() {
            return answered_in(chosen(*range)?, call);
        }
        let range = Arc::clone(&self.known.range);
        Ok(ask().then(move |found| {
            // Another caller may have been first; both were told the same.
            let _ = range.set(found);
            Ok(Step::Next(answered_in(chosen(found)?, call)?))
        }))
    }
}

/// Asks which microversions there are: by the endpoint's own document, or where the endpoint is below
/// it, because it names the project, by what the newest is.
fn ask() -> Call<Range> {
    Call::new(Request::get(NOVA, "/"), |response| match Range::read(&response) {
        Ok(range) => Ok(Step::Done(range)),
        Err(_) => {
            let newest = HeaderValue::from_static("compute latest");
            let request = Request::get(NOVA, "/flavors?limit=1").header(VERSION, newest);
            let request = request.header(NOVA_VERSION, HeaderValue::from_static("latest"));
            let read = |response| Range::of_answer(&response).map(Step::Done);
            Ok(Step::Next(Call::new(request, read)))
        }
    })
}

/// Keeps a request in the microversion that it is written for, whatever is wished for the others: since
/// 2.37 an order has to say its networks, since 2.92 a key pair its key.
pub(super) fn in_base(request: Request) -> Request {
    request.header(VERSION, HeaderValue::from_static("compute 2.1"))
}

/// Puts the microversion on all requests of a call to Nova.
fn answered_in<T: 'static>(version: Microversion, call: Call<T>) -> Result<Call<T>> {
    let Call { mut request, read } = call;
    if matches!(request.target, Target::Service(service) if service == NOVA) {
        request.headers.extend(version.headers()?);
    }
    let read = Box::new(move |came| {
        Ok(match read(came)? {
            Step::Done(value) => Step::Done(value),
            Step::Next(call) => Step::Next(answered_in(version, call)?),
            Step::Wait(pause, call) => Step::Wait(pause, answered_in(version, call)?),
        })
    });
    Ok(Call { request, read })
}

#[derive(Deserialize)]
struct Documents {
    version: Option<Document>,
    #[serde(default, deserialize_with = "answer::or_default")]
    versions: Vec<Document>,
}

/// Both are empty for a version without microversions.
#[derive(Deserialize)]
struct Document {
    #[serde(default, deserialize_with = "answer::or_default")]
    version: String,
    #[serde(default, deserialize_with = "answer::or_default")]
    min_version: String,
}

const VERSION: HeaderName = HeaderName::from_static("openstack-api-version");
const NOVA_VERSION: HeaderName = HeaderName::from_static("x-openstack-nova-api-version");

#[cfg(test)]
mod tests;
