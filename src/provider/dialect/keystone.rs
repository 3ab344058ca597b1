//! Keystone v3, OpenStack's identity service: the login, and the token on each request.
//!
//! <https://docs.openstack.org/api-ref/identity/v3/>

mod address;
mod catalog;
mod login;

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

pub(in crate::provider) use address::auth_url;
pub(in crate::provider) use catalog::{Override, Standing};

use super::answer;
use crate::call::headers::http_date;
use crate::call::{
    Account, Auth, Call, Grant, Replay, Request, Response, Secret, Signing, Step, Target, Token,
    request_id, secret_header,
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
    /// What is set for some services, in place of what the catalog says of them.
    pub(in crate::provider) overrides: Vec<Override>,
    pub(in crate::provider) standing: Option<Standing>,
    /// How this cloud's error answers are read.
    pub(in crate::provider) fault: fn(&Response) -> Error,
}

/// How we say who we are.
#[derive(Clone, Debug)]
pub(in crate::provider) enum Identity {
    ApplicationCredential {
        which: Credential,
        secret: Secret,
    },
    Password {
        user: User,
        secret: Secret,
    },
    /// A token of the user's own. It can be exchanged and not be renewed.
    Token {
        secret: Secret,
    },
}

impl Identity {
    fn secret(&self) -> &Secret {
        let (Self::ApplicationCredential { secret, .. }
        | Self::Password { secret, .. }
        | Self::Token { secret }) = self;
        secret
    }
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
    System(System),
    #[serde(rename = "OS-TRUST:trust")]
    Trust {
        id: String,
    },
    /// Nothing, also for a user who has a project by default.
    Unscoped,
}

/// The cloud itself, for its operators.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(in crate::provider) struct System {
    pub(in crate::provider) all: bool,
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
        if let (Identity::Token { secret }, None) = (&self.identity, &self.scope) {
            return self.look_at(secret).map(Step::Next);
        }
        let json = HeaderValue::from_static("application/json");
        let mut request = Request::new(Target::Url(self.url.clone()), Method::POST, "/auth/tokens")
            .header(CONTENT_TYPE, json.clone())
            .header(ACCEPT, json)
            .replay(Replay::Safe);
        request.body = login::body(&self.identity, self.scope.as_ref())?.into();
        let this = self.clone();
        let read = move |response| this.grant(&response, None);
        Ok(Step::Next(Call::new(request, read)))
    }

    fn authorize(&self, signing: Signing<'_>) -> Result<()> {
        let Token::Header(token) = signing.token else {
            return Err(Error::invalid("Keystone's token goes into a header, and this is none"));
        };
        signing.headers.insert(AUTH_TOKEN, token.clone());
        if let Some(standing) = &self.standing
            && standing.service == signing.service
            && let Some(headers) = standing.headers.get()
            && !headers.iter().any(|(name, _)| signing.headers.contains_key(name))
        {
            signing.headers.extend(headers.iter().cloned());
        }
        Ok(())
    }

    fn account(&self) -> Option<Account> {
        // A token of the user's own may be taken back alone; what is asked at a login has to be.
        let is_own = matches!(self.identity, Identity::Token { .. });
        if is_own || self.standing.as_ref().is_some_and(|standing| standing.ask.is_some()) {
            return None;
        }
        let choice = match self.overrides.is_empty() {
            true => self.interface.name().into(),
            false => format!("{} {:?}", self.interface.name(), self.overrides).into(),
        };
        Some(Account {
            url: self.url.clone(),
            login: login::body(&self.identity, self.scope.as_ref()).ok()?,
            choice,
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
    /// Asks what a token of the user's own is good for, and uses it as it is.
    fn look_at(&self, secret: &Secret) -> Result<Call<Grant>> {
        let header = secret_header(Zeroizing::new(secret.expose().as_bytes().to_vec()));
        let token = header.map_err(|e| {
            let text = "the token that was brought along cannot stand in a header";
            Error::invalid(text).with_source(e)
        })?;
        let target = Target::Url(self.url.clone());
        let request = Request::new(target, Method::GET, "/auth/tokens")
            .header(ACCEPT, HeaderValue::from_static("application/json"))
            .header(AUTH_TOKEN, token.clone())
            .header(SUBJECT_TOKEN, token.clone());
        let this = self.clone();
        Ok(Call::new(request, move |response| this.grant(&response, Some(token))))
    }

    fn grant(self, response: &Response, own: Option<HeaderValue>) -> Result<Step<Grant>> {
        let wanted = if own.is_some() { StatusCode::OK } else { StatusCode::CREATED };
        if response.status != wanted {
            return Err(self.refused(response));
        }
        let grant =
            self.read(response, own).map_err(|e| e.answered_as(request_id(&response.headers)))?;
        let ask = self.standing.as_ref().map(|standing| standing.ask(&grant.endpoints));
        Ok(match ask.transpose()?.flatten() {
            Some(call) => Step::Next(call.then(|()| Ok(Step::Done(grant)))),
            None => Step::Done(grant),
        })
    }

    fn read(&self, response: &Response, own: Option<HeaderValue>) -> Result<Grant> {
        let TokenAnswer { token } = answer::json(response, "a token")?;
        // One that lives already has less time left than it was given.
        let lifetime = lifetime(&token, response, own.is_some())?;
        let secret = match own {
            Some(own) => Token::Header(own),
            None => Token::header(
                response
                    .header(SUBJECT_TOKEN.as_str())
                    .filter(|secret| !secret.is_empty())
                    .ok_or_else(|| Error::protocol("the login's answer holds no token"))?,
            )?,
        };
        let project = token.project.as_ref().map(|project| project.id.as_str());
        let endpoints = catalog::endpoints(token.catalog, self.interface, &self.overrides, project);
        Ok(Grant { token: secret, lifetime, endpoints })
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
            // So Keystone says that it does not know the token that it is asked about.
            StatusCode::NOT_FOUND if self.is_with_token() && said.code().is_some() => {
                (ErrorKind::Auth, self.unknown())
            }
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
            (Identity::Token { .. }, scope) => {
                let scope = scope.as_ref().map(|scope| format!(" for {scope}"));
                format!(
                    "the cloud does not accept {who}{}: it has ended, was revoked, or is not good \
                     for that; it cannot be renewed, so get a new one or log in another way",
                    scope.unwrap_or_default()
                )
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
            Identity::Token { .. } => "the token that was brought along".to_owned(),
        }
    }

    fn is_with_token(&self) -> bool {
        matches!(self.identity, Identity::Token { .. })
    }

    /// Keystone's schema check quotes the offending part of a login (`On instance[..]`).
    fn is_echoed(&self, response: &Response) -> bool {
        let secret = self.identity.secret().expose();
        let body = String::from_utf8_lossy(&response.body);
        // Escaped in one of several ways, it could not be found: then nothing is repeated.
        let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '\'' | '\\' | '<' | '&');
        body.contains(secret) || (!secret.chars().all(plain) && body.contains("nstance"))
    }
}

/// By Keystone's clock alone: ours may be wrong by hours.
fn lifetime(token: &TokenBody, response: &Response, is_old: bool) -> Result<Duration> {
    let issued = || token.issued_at.as_deref().and_then(answer::time);
    let now = || http_date(response.header("date")?);
    let issued = if is_old { now().or_else(issued) } else { issued().or_else(now) };
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
            Self::System(_) => f.write_str("the system"),
            Self::Trust { id } => write!(f, "trust {id:?}"),
            Self::Unscoped => f.write_str("no project"),
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
    catalog: Vec<catalog::CatalogService>,
    /// What the token is for, if that is a project.
    project: Option<TokenProject>,
}

#[derive(Deserialize)]
struct TokenProject {
    id: String,
}

const AUTH_TOKEN: HeaderName = HeaderName::from_static("x-auth-token");
const SUBJECT_TOKEN: HeaderName = HeaderName::from_static("x-subject-token");

#[cfg(test)]
mod tests;
