//! The login that settings add up to: who, for what, and where.

use super::fault::fault;
use super::service;
use super::setting::Setting;
use super::values::Values;
use crate::call::Secret;
use crate::error::{Error, ErrorKind, Result};
use crate::provider::dialect::keystone::{
    self, Credential, Domain, Identity, Interface, Keystone, Project, Scope, System, User,
};

/// Adds up the login.
///
/// # Errors
/// `Invalid` when something is missing or wrong, and names it as its origin does;
/// `Unsupported` for a way to log in that we don't know.
pub(super) fn keystone(values: &Values) -> Result<Keystone> {
    Login(values).keystone()
}

struct Login<'a>(&'a Values);

#[derive(Clone, Copy, PartialEq)]
enum Method {
    ApplicationCredential,
    Password,
    Token,
}

/// What a token can be for; one of them at most.
#[derive(Clone, Copy)]
enum Target {
    Domain,
    Project,
    System,
    Trust,
    Nothing,
}

impl Login<'_> {
    fn keystone(&self) -> Result<Keystone> {
        let method = self.method()?;
        self.complete(method)?;
        self.0.check_region()?;
        let overrides = service::overrides(self.0)?;
        let wish = service::microversion(self.0)?;
        let (identity, scope) = match method {
            Method::ApplicationCredential => (self.credential(), None),
            Method::Password => {
                let secret = self.secret(Setting::Password);
                (Identity::Password { user: self.user(), secret }, self.scope()?)
            }
            Method::Token => {
                let secret = self.secret(Setting::Token);
                (Identity::Token { secret }, self.scope()?)
            }
        };
        Ok(Keystone {
            url: self.address()?,
            identity,
            scope,
            interface: self.interface()?,
            insecure: self.0.is_insecure()?,
            overrides,
            standing: wish.map(|wish| wish.standing(self.0.region())).transpose()?,
            fault,
        })
    }

    fn address(&self) -> Result<String> {
        let text = self.text(Setting::AuthUrl).unwrap_or_default();
        // As openstacksdk fills it in, for clouds that have a Keystone in each region.
        let text = match (text.contains("{region_name}"), self.0.region()) {
            (true, Some(region)) => text.replace("{region_name}", region),
            (true, None) => {
                let place = self.0.place(Setting::AuthUrl);
                let region = self.0.name(Setting::Region);
                let text = format!("{place} has a place for the region's name; set {region}");
                return Err(Error::invalid(text));
            }
            (false, _) => text.to_owned(),
        };
        keystone::auth_url(&text)
            .map_err(|e| Error::invalid(format!("{}: {e}", self.0.place(Setting::AuthUrl))))
    }

    fn interface(&self) -> Result<Interface> {
        let Some(name) = self.text(Setting::Interface) else {
            return Ok(Interface::Public);
        };
        Interface::parse(name)
            .map_err(|e| Error::invalid(format!("{}: {e}", self.0.place(Setting::Interface))))
    }

    fn method(&self) -> Result<Method> {
        let Some(name) = self.text(Setting::AuthType) else {
            // As nobody sets these by mistake, they say which way is meant.
            let has_credential =
                [Setting::CredentialId, Setting::CredentialName, Setting::CredentialSecret];
            return Ok(match has_credential.iter().any(|s| self.0.has(*s)) {
                true => Method::ApplicationCredential,
                false if self.0.has(Setting::Token) && !self.0.has(Setting::Password) => {
                    Method::Token
                }
                false => Method::Password,
            });
        };
        let why = match name {
            "password" | "v3password" => return Ok(Method::Password),
            "token" | "v3token" => return Ok(Method::Token),
            "v3applicationcredential" => return Ok(Method::ApplicationCredential),
            "v2password" | "v2token" => {
                format!("is {name:?}, which is Keystone v2 and not supported, only v3 is")
            }
            "v3totp" | "v3multifactor" => format!(
                "is {name:?}, which is not supported: a passcode is good once, and a driver logs in \
                 again and again; make an application credential, and write v3applicationcredential"
            ),
            _ => format!(
                "is {name:?}, which is not supported; there are password, token and \
                 v3applicationcredential"
            ),
        };
        let text = format!("{} {why}", self.0.place(Setting::AuthType));
        Err(Error::new(ErrorKind::Unsupported, text))
    }

    /// Looks for all that is missing at once.
    fn complete(&self, method: Method) -> Result<()> {
        let user: &[_] = &[Setting::Username, Setting::UserId];
        let url: &[_] = &[Setting::AuthUrl];
        let named = !self.0.has(Setting::CredentialId) && self.0.has(Setting::CredentialName);
        let mut needed: Vec<&[Setting]> = vec![url];
        match method {
            Method::Password => {
                needed.extend([user, &[Setting::Password]]);
                if self.targets().is_empty() {
                    needed.push(&[Setting::ProjectName, Setting::ProjectId]);
                }
            }
            Method::Token => needed.push(&[Setting::Token]),
            // The name alone does, but then it is the user's: say so only if the name is there.
            Method::ApplicationCredential if named => {
                needed.extend([user, &[Setting::CredentialSecret]]);
            }
            Method::ApplicationCredential => {
                needed.extend([&[Setting::CredentialId][..], &[Setting::CredentialSecret]]);
            }
        }
        let missing: Vec<_> = needed
            .iter()
            .filter(|any| any.iter().all(|s| !self.0.has(*s)))
            .map(|any| {
                let names: Vec<_> = any.iter().map(|s| self.0.name(*s)).collect();
                names.join(" or ")
            })
            .collect();
        match missing.is_empty() {
            true => Ok(()),
            false => Err(self.0.lacks(&missing.join(", "))),
        }
    }

    fn credential(&self) -> Identity {
        let which = match (self.text(Setting::CredentialId), self.text(Setting::CredentialName)) {
            (None, Some(name)) => Credential::Named { name: name.to_owned(), user: self.user() },
            (id, _) => Credential::Id { id: id.unwrap_or_default().to_owned() },
        };
        Identity::ApplicationCredential { which, secret: self.secret(Setting::CredentialSecret) }
    }

    fn user(&self) -> User {
        match self.text(Setting::UserId) {
            Some(id) => User::Id { id: id.to_owned() },
            None => User::Named {
                name: self.text(Setting::Username).unwrap_or_default().to_owned(),
                domain: self.domain(Setting::UserDomainId, Setting::UserDomainName),
            },
        }
    }

    /// What the settings say that the token is for, each with the setting that says so.
    fn targets(&self) -> Vec<(Target, Setting)> {
        let of = |target, settings: &[Setting]| {
            Some((target, settings.iter().copied().find(|s| self.0.has(*s))?))
        };
        let project = of(Target::Project, &[Setting::ProjectId, Setting::ProjectName]);
        // With a project it is the domain of user and project.
        let domain = match project {
            Some(_) => None,
            None => of(Target::Domain, &[Setting::DomainId, Setting::DomainName]),
        };
        let system = of(Target::System, &[Setting::SystemScope]);
        let trust = of(Target::Trust, &[Setting::TrustId]);
        let nothing = of(Target::Nothing, &[Setting::Unscoped]);
        [project, domain, system, trust, nothing].into_iter().flatten().collect()
    }

    fn scope(&self) -> Result<Option<Scope>> {
        let (target, setting) = match self.targets()[..] {
            [] => return Ok(None),
            [one] => one,
            [(_, one), (_, other), ..] => {
                return Err(Error::invalid(format!(
                    "a login is for one thing, and both {} and {} are set; keep one of them",
                    self.0.place(one),
                    self.0.place(other)
                )));
            }
        };
        let text = || self.text(setting).unwrap_or_default().to_owned();
        Ok(Some(match target {
            Target::Domain => Scope::Domain(match setting {
                Setting::DomainId => Domain::Id(text()),
                _ => Domain::Name(text()),
            }),
            Target::Project if setting == Setting::ProjectId => {
                Scope::Project(Project::Id { id: text() })
            }
            Target::Project => Scope::Project(Project::Named {
                name: text(),
                domain: self.domain(Setting::ProjectDomainId, Setting::ProjectDomainName),
            }),
            Target::System if text() == "all" => Scope::System(System { all: true }),
            Target::System => {
                let place = self.0.place(setting);
                let text = format!("{place} is {:?}; there is only one system, write all", text());
                return Err(Error::invalid(text));
            }
            Target::Trust => Scope::Trust { id: text() },
            Target::Nothing => Scope::Unscoped,
        }))
    }

    /// With a project, `domain_*` stands for the domain of both user and project, as in openstacksdk.
    fn domain(&self, id: Setting, name: Setting) -> Domain {
        let has_project = self.0.has(Setting::ProjectId) || self.0.has(Setting::ProjectName);
        let both = || self.either(Setting::DomainId, Setting::DomainName);
        self.either(id, name)
            .or_else(|| both().filter(|_| has_project))
            .or_else(|| self.either(Setting::DefaultDomainId, Setting::DefaultDomainName))
            .unwrap_or_else(|| Domain::Name("Default".to_owned()))
    }

    fn either(&self, id: Setting, name: Setting) -> Option<Domain> {
        let id = self.text(id).map(|id| Domain::Id(id.to_owned()));
        id.or_else(|| Some(Domain::Name(self.text(name)?.to_owned())))
    }

    fn text(&self, setting: Setting) -> Option<&str> {
        self.0.text(setting)
    }

    fn secret(&self, setting: Setting) -> Secret {
        self.0.secret(setting).cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
