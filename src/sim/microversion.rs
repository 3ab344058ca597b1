//! Nova's microversions.

use http::header::{HeaderMap, HeaderName, HeaderValue};

use super::request::Request;

const LATEST: u16 = 93;
const NOVA_HEADER: HeaderName = HeaderName::from_static("x-openstack-nova-api-version");
const OPENSTACK_HEADER: HeaderName = HeaderName::from_static("openstack-api-version");

/// The `X` of the version `2.X` that a request is answered in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Microversion(pub(super) u16);

pub(super) enum VersionRefusal {
    /// Not a version at all.
    Invalid(String),
    /// A version that this Nova does not speak.
    NotAcceptable(String),
}

impl Microversion {
    /// What a caller gets who asks for none.
    pub(super) const DEFAULT: Microversion = Microversion(1);

    pub(super) fn asked(request: &Request) -> Result<Microversion, VersionRefusal> {
        let general = request.header(OPENSTACK_HEADER.as_str());
        let asked = general
            .and_then(|value| value.trim().strip_prefix("compute "))
            .or_else(|| request.header(NOVA_HEADER.as_str()));
        let text = match asked.map(str::trim) {
            None => return Ok(Microversion::DEFAULT),
            Some("latest") => return Ok(Microversion(LATEST)),
            Some(text) => text,
        };
        let number = |digits: &str| digits.parse::<u16>().ok();
        let parts =
            text.split_once('.').and_then(|(major, minor)| Some((number(major)?, number(minor)?)));
        match parts {
            Some((2, minor @ 1..=LATEST)) => Ok(Microversion(minor)),
            Some(_) => Err(VersionRefusal::NotAcceptable(format!(
                "Version {text} is not supported by the API. Minimum is 2.1 and maximum is \
                 2.{LATEST}."
            ))),
            None => Err(VersionRefusal::Invalid(format!(
                "API Version String {text} is of invalid format. Must be of format \
                 MajorNum.MinorNum."
            ))),
        }
    }

    /// Tells the caller which version this answer is in.
    pub(super) fn sign(self, headers: &mut HeaderMap) {
        let Microversion(minor) = self;
        let values =
            [(OPENSTACK_HEADER, format!("compute 2.{minor}")), (NOVA_HEADER, format!("2.{minor}"))];
        for (name, value) in values {
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(name, value);
            }
        }
        headers.append("vary", HeaderValue::from_static("OpenStack-API-Version"));
        headers.append("vary", HeaderValue::from_static("X-OpenStack-Nova-API-Version"));
    }
}
