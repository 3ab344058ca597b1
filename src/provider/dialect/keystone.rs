//! Keystone v3, OpenStack's identity service: the login, and the token on each request.
//!
//! <https://docs.openstack.org/api-ref/identity/v3/>

mod address;
mod login;

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use serde::{Deserialize, Serialize};

pub(in crate::provider) use address::auth_url;

use super::answer;
use crate::call::headers::http_date;
use crate::call::{
    Account, Auth, Call, Endpoint, Grant, Replay, Request, Response, Secret, Signing, Step, Target,
    Token, request_id,
};
use crate::error::{Error, ErrorKind, Result};

/// Who logs in where.
#[derive(Clone, Debug)]
pub(in crate::provider) struct Keystone {
    /// The address of Keystone, up to `/v3`.
    pub(in crate::provider) url: String,
    pub(in crate::provider) identity: Identity,
    /// What the token is for; an application credential carries its own.
    pub(in crate::provider) scope: Option<Scope>,
    pub(in crate::provider) interface: Interface,
    /// Who is on the way may read everything: the user said so.
    pub(in crate::provider) insecure: bool,
    /// How this cloud's error answers are read.
    pub(in crate::provider) fault: fn(&Response) -> Error,
}

/// How we say who we are.
#[derive(Clone, Debug)]
pub(in crate::provider) enum Identity {
    ApplicationCredential { which: Credential, secret: Secret },
    Password { user: User, secret: Secret },
}

/// An application credential; a name needs its user beside it.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub(in crate::provider) enum Credential {
    Id { id: String },
    Named { name: String, user: User },
}

/// A user; a name needs its domain beside it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub(in crate::provider) enum User {
    Id { id: String },
    Named { name: String, domain: Domain },
}

/// What a token is for.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::provider) enum Scope {
    Domain(Domain),
    Project(Project),
}

/// A project; a name needs its domain beside it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub(in crate::provider) enum Project {
    Id { id: String },
    Named { name: String, domain: Domain },
}

/// A domain.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::provider) enum Domain {
    Id(String),
    Name(String),
}

/// Which of a service's endpoints is used.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::provider) enum Interface {
    Admin,
    Internal,
    Public,
}

impl Interface {
    /// Reads the names of Keystone v3 (`public`) and of v2 (`publicURL`).
    pub(in crate::provider) fn parse(name: &str) -> Result<Self> {
        let short = name.strip_suffix("URL").unwrap_or(name);
        let all = [Self::Admin, Self::Internal, Self::Public];
        all.into_iter().find(|interface| interface.name() == short).ok_or_else(|| {
            Error::invalid(format!("no interface {name:?}; there are public, internal and admin"))
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Internal => "internal",
            Self::Public => "public",
        }
    }

    fn is_named(self, name: &str) -> bool {
        Self::parse(name).is_ok_and(|named| named == self)
    }
}

impl Auth for Keystone {
    fn login(&self) -> Result<Step<Grant>> {
        let json = HeaderValue::from_static("application/json");
        let mut request = Request::new(Target::Url(self.url.clone()), Method::POST, "/auth/tokens")
            .header(CONTENT_TYPE, json.clone())
            .header(ACCEPT, json)
            .replay(Replay::Safe);
        request.body = login::body(&self.identity, self.scope.as_ref())?.into();
        let this = self.clone();
        let read = move |response| this.grant(&response).map(Step::Done);
        Ok(Step::Next(Call::new(request, read)))
    }

    fn authorize(&self, signing: Signing<'_>) -> Result<()> {
        let Token::Header(token) = signing.token else {
            return Err(Error::invalid("Keystone's token goes into a header, and this is none"));
        };
        signing.headers.insert(AUTH_TOKEN, token.clone());
        Ok(())
    }

    fn account(&self) -> Option<Account> {
        Some(Account {
            url: self.url.clone(),
            login: login::body(&self.identity, self.scope.as_ref()).ok()?,
            choice: self.interface.name(),
        })
    }

    /// Who logs in by TLS does not expect the token in the open.
    fn keeps_to_tls(&self) -> bool {
        self.url.starts_with("https://") && !self.insecure
    }

    fn refusal(&self, answer: &Response) -> ErrorKind {
        (self.fault)(answer).kind()
    }
}

impl Keystone {
    fn grant(&self, response: &Response) -> Result<Grant> {
        // Keystone says 201. A token that comes with 200 is one all the same; a portal sends none.
        let grants = response.status == StatusCode::CREATED
            || (response.status == StatusCode::OK && response.header(SUBJECT_TOKEN).is_some());
        if !grants {
            return Err(self.refused(response));
        }
        self.read(response).map_err(|e| e.answered_as(request_id(&response.headers)))
    }

    fn read(&self, response: &Response) -> Result<Grant> {
        let TokenAnswer { token } = answer::json(response, "a token")?;
        let secret = response
            .header(SUBJECT_TOKEN)
            .filter(|secret| !secret.is_empty())
            .ok_or_else(|| Error::protocol("the login's answer holds no token"))?;
        let lifetime = lifetime(&token, response)?;
        Ok(Grant {
            token: Token::header(secret)?,
            lifetime,
            endpoints: self.endpoints(token.catalog),
        })
    }

    fn endpoints(&self, catalog: Vec<CatalogService>) -> Vec<Endpoint> {
        let mut endpoints = Vec::new();
        for service in catalog {
            for endpoint in service.endpoints {
                if !self.interface.is_named(&endpoint.interface) {
                    continue;
                }
                let Some(url) = address::base(&endpoint.url, &service.kind) else {
                    continue;
                };
                endpoints.push(Endpoint {
                    service: service.kind.clone(),
                    region: endpoint.region_id.or(endpoint.region).filter(|name| !name.is_empty()),
                    url,
                });
            }
        }
        endpoints
    }

    /// Says what to check, and never repeats the secret, which Keystone's own text may.
    fn refused(&self, response: &Response) -> Error {
        let said = if self.is_echoed(response) {
            (self.fault)(&Response {
                status: response.status,
                headers: response.headers.clone(),
                body: Bytes::new(),
                live: None,
                resent: response.resent,
            })
        } else {
            (self.fault)(response)
        };
        let (kind, text) = match response.status {
            StatusCode::UNAUTHORIZED if response.header("openstack-auth-receipt").is_some() => (
                ErrorKind::Auth,
                format!(
                    "{} must log in with more than a password, which is not supported; \
                     use an application credential",
                    self.who()
                ),
            ),
            StatusCode::UNAUTHORIZED => (ErrorKind::Auth, self.unknown()),
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => {
                (ErrorKind::Invalid, self.nobody())
            }
            status if status.is_redirection() => (ErrorKind::Invalid, self.nobody()),
            status if status.is_success() => {
                let kind = response.header("content-type").unwrap_or("no content type");
                let text = format!(
                    "{} did not answer the login as Keystone does: {kind} came, not a new token",
                    self.url
                );
                (ErrorKind::Protocol, text)
            }
            _ => return said,
        };
        let error = Error::new(kind, text)
            .with_status(response.status)
            .with_request_id(said.request_id().map(str::to_owned));
        match said.code() {
            Some(code) => error.with_code(code),
            None => error,
        }
    }

    fn unknown(&self) -> String {
        let who = self.who();
        match (&self.identity, &self.scope) {
            (Identity::ApplicationCredential { .. }, _) => format!(
                "the cloud does not accept {who}; check its id and secret, and that it has not \
                 expired"
            ),
            (Identity::Password { .. }, Some(scope)) => format!(
                "the cloud does not accept {who} for {scope}; check the user, the password, the \
                 domains, and that the user has a role there"
            ),
            (Identity::Password { .. }, None) => {
                format!("the cloud does not accept {who}; check the user, its domain, the password")
            }
        }
    }

    fn nobody(&self) -> String {
        format!("no Keystone v3 answers at {}; check the address to log in at", self.url)
    }

    fn who(&self) -> String {
        match &self.identity {
            Identity::Password { user, .. } => user.to_string(),
            Identity::ApplicationCredential { which, .. } => match which {
                Credential::Id { id } => format!("application credential {id:?}"),
                Credential::Named { name, user } => {
                    format!("application credential {name:?} of {user}")
                }
            },
        }
    }

    /// Keystone's schema check quotes the offending part of a login (`On instance[..]`).
    fn is_echoed(&self, response: &Response) -> bool {
        let (Identity::Password { secret, .. } | Identity::ApplicationCredential { secret, .. }) =
            &self.identity;
        let secret = secret.expose();
        let body = String::from_utf8_lossy(&response.body);
        // Escaped in one of several ways, it could not be found: then nothing is repeated.
        let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '\'' | '\\' | '<' | '&');
        body.contains(secret) || (!secret.chars().all(plain) && body.contains("nstance"))
    }
}

/// By Keystone's clock alone: ours may be wrong by hours.
fn lifetime(token: &TokenBody, response: &Response) -> Result<Duration> {
    let issued = token.issued_at.as_deref().and_then(answer::time);
    let issued = issued.or_else(|| http_date(response.header("date")?));
    let (Some(issued), Some(expires)) = (issued, answer::time(&token.expires_at)) else {
        return Err(Error::protocol(format!(
            "the cloud issued a token without readable times: it ends at {:?}",
            token.expires_at
        )));
    };
    match expires.duration_since(issued) {
        Ok(lifetime) if !lifetime.is_zero() => Ok(lifetime),
        _ => Err(Error::protocol(format!(
            "the cloud issued a token that ends before it begins, at {:?}",
            token.expires_at
        ))),
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(f, "domain id {id:?}"),
            Self::Name(name) => write!(f, "domain {name:?}"),
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Domain(domain) => write!(f, "{domain}"),
            Self::Project(Project::Id { id }) => write!(f, "project id {id:?}"),
            Self::Project(Project::Named { name, domain }) => {
                write!(f, "project {name:?} ({domain})")
            }
        }
    }
}

impl fmt::Display for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id { id } => write!(f, "user id {id:?}"),
            Self::Named { name, domain } => write!(f, "user {name:?} ({domain})"),
        }
    }
}

#[derive(Deserialize)]
struct TokenAnswer {
    token: TokenBody,
}

#[derive(Deserialize)]
struct TokenBody {
    expires_at: String,
    issued_at: Option<String>,
    #[serde(default, deserialize_with = "answer::or_default")]
    catalog: Vec<CatalogService>,
}

#[derive(Deserialize)]
struct CatalogService {
    #[serde(rename = "type", default, deserialize_with = "answer::or_default")]
    kind: String,
    #[serde(default, deserialize_with = "answer::or_default")]
    endpoints: Vec<CatalogEndpoint>,
}

#[derive(Deserialize)]
struct CatalogEndpoint {
    #[serde(default, deserialize_with = "answer::or_default")]
    interface: String,
    region_id: Option<String>,
    /// The name of `region_id` before Keystone v3.2; still sent.
    region: Option<String>,
    #[serde(default, deserialize_with = "answer::or_default")]
    url: String,
}

const AUTH_TOKEN: HeaderName = HeaderName::from_static("x-auth-token");
const SUBJECT_TOKEN: &str = "x-subject-token";

#[cfg(test)]
mod tests;
