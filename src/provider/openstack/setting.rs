//! The settings of an account, whoever wrote them, and the login that they add up to.

use std::collections::BTreeMap;
use std::fmt;

use super::fault::fault;
use crate::call::Secret;
use crate::error::{Error, ErrorKind, Result};
use crate::provider::dialect::keystone::{
    self, Credential, Domain, Identity, Interface, Keystone, Project, Scope, User,
};

/// One thing that can be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Setting {
    AuthType,
    AuthUrl,
    CaCert,
    ClientCert,
    ClientKey,
    CredentialId,
    CredentialName,
    CredentialSecret,
    DefaultDomainId,
    DefaultDomainName,
    DomainId,
    DomainName,
    IdentityVersion,
    Insecure,
    Interface,
    Password,
    Profile,
    ProjectDomainId,
    ProjectDomainName,
    ProjectId,
    ProjectName,
    Region,
    UserDomainId,
    UserDomainName,
    UserId,
    Username,
    Verify,
}

impl Setting {
    pub(super) const ALL: [Self; 27] = [
        Self::AuthType,
        Self::AuthUrl,
        Self::CaCert,
        Self::ClientCert,
        Self::ClientKey,
        Self::CredentialId,
        Self::CredentialName,
        Self::CredentialSecret,
        Self::DefaultDomainId,
        Self::DefaultDomainName,
        Self::DomainId,
        Self::DomainName,
        Self::IdentityVersion,
        Self::Insecure,
        Self::Interface,
        Self::Password,
        Self::Profile,
        Self::ProjectDomainId,
        Self::ProjectDomainName,
        Self::ProjectId,
        Self::ProjectName,
        Self::Region,
        Self::UserDomainId,
        Self::UserDomainName,
        Self::UserId,
        Self::Username,
        Self::Verify,
    ];

    /// Its environment variables, the first that is set counts.
    pub(super) fn variables(self) -> &'static [&'static str] {
        self.names().0
    }

    /// Its keys in clouds.yaml, below `auth` or beside it; the first that is there counts.
    pub(super) fn keys(self) -> &'static [&'static str] {
        self.names().1
    }

    fn names(self) -> (&'static [&'static str], &'static [&'static str]) {
        match self {
            Self::AuthType => (&["OS_AUTH_TYPE"], &["auth_type"]),
            Self::AuthUrl => (&["OS_AUTH_URL"], &["auth_url"]),
            Self::CaCert => (&["OS_CACERT"], &["cacert"]),
            Self::ClientCert => (&["OS_CERT"], &["cert"]),
            Self::ClientKey => (&["OS_KEY"], &["key"]),
            Self::CredentialId => {
                (&["OS_APPLICATION_CREDENTIAL_ID"], &["application_credential_id"])
            }
            Self::CredentialName => {
                (&["OS_APPLICATION_CREDENTIAL_NAME"], &["application_credential_name"])
            }
            Self::CredentialSecret => {
                (&["OS_APPLICATION_CREDENTIAL_SECRET"], &["application_credential_secret"])
            }
            // python-openstackclient's documentation: "Default domain ID".
            Self::DefaultDomainId => (
                &["OS_DEFAULT_DOMAIN_ID", "OS_DEFAULT_DOMAIN"],
                &["default_domain_id", "default_domain"],
            ),
            Self::DefaultDomainName => (&["OS_DEFAULT_DOMAIN_NAME"], &["default_domain_name"]),
            Self::DomainId => (&["OS_DOMAIN_ID"], &["domain_id"]),
            Self::DomainName => (&["OS_DOMAIN_NAME"], &["domain_name"]),
            Self::IdentityVersion => (&["OS_IDENTITY_API_VERSION"], &["identity_api_version"]),
            Self::Insecure => (&["OS_INSECURE"], &["insecure"]),
            Self::Interface => {
                (&["OS_INTERFACE", "OS_ENDPOINT_TYPE"], &["interface", "endpoint_type"])
            }
            Self::Password => (&["OS_PASSWORD"], &["password"]),
            Self::Profile => (&[], &["profile", "cloud"]),
            Self::ProjectDomainId => (&["OS_PROJECT_DOMAIN_ID"], &["project_domain_id"]),
            Self::ProjectDomainName => (&["OS_PROJECT_DOMAIN_NAME"], &["project_domain_name"]),
            Self::ProjectId => (&["OS_PROJECT_ID", "OS_TENANT_ID"], &["project_id", "tenant_id"]),
            Self::ProjectName => {
                (&["OS_PROJECT_NAME", "OS_TENANT_NAME"], &["project_name", "tenant_name"])
            }
            Self::Region => (&["OS_REGION_NAME"], &["region_name"]),
            Self::UserDomainId => (&["OS_USER_DOMAIN_ID"], &["user_domain_id"]),
            Self::UserDomainName => (&["OS_USER_DOMAIN_NAME"], &["user_domain_name"]),
            Self::UserId => (&["OS_USER_ID"], &["user_id"]),
            Self::Username => (&["OS_USERNAME"], &["username", "user_name"]),
            Self::Verify => (&[], &["verify"]),
        }
    }

    fn is_secret(self) -> bool {
        matches!(self, Self::CredentialSecret | Self::Password)
    }
}

/// Who wrote the settings; messages speak the words that are used there.
#[derive(Clone, Debug)]
pub(super) enum Origin {
    Cloud { name: String, file: String },
    Code,
    Environment,
}

/// What is set.
#[derive(Clone)]
pub(super) struct Values {
    texts: BTreeMap<Setting, Secret>,
    origin: Origin,
}

impl Values {
    /// Asks `of` for each setting; what is empty is not set.
    pub(super) fn read(origin: Origin, of: impl Fn(Setting) -> Option<String>) -> Self {
        let mut values = Self { texts: BTreeMap::new(), origin };
        for setting in Setting::ALL {
            values.set(setting, of(setting).unwrap_or_default());
        }
        values
    }

    pub(super) fn set(&mut self, setting: Setting, text: impl Into<String>) {
        let text = Secret::new(text);
        if text.expose().is_empty() {
            self.texts.remove(&setting);
        } else {
            self.texts.insert(setting, text);
        }
    }

    pub(super) fn text(&self, setting: Setting) -> Option<&str> {
        self.texts.get(&setting).map(Secret::expose)
    }

    /// Tells whether any certificate is accepted.
    pub(super) fn is_insecure(&self) -> Result<bool> {
        let insecure = self.flag(Setting::Insecure)?.unwrap_or(false);
        let verify = self.flag(Setting::Verify)?.unwrap_or(true);
        Ok(insecure || !verify)
    }

    /// Adds up the login.
    ///
    /// # Errors
    /// `Invalid` when something is missing or wrong, and names it as its origin does;
    /// `Unsupported` for a way to log in that we don't know.
    pub(super) fn keystone(&self) -> Result<Keystone> {
        if let Some(version) = self.text(Setting::IdentityVersion)
            && version.starts_with('2')
        {
            let name = self.place(Setting::IdentityVersion);
            return Err(Error::invalid(format!(
                "{name} is {version}; Keystone v2 is not supported, only v3"
            )));
        }
        let method = self.method()?;
        self.complete(method)?;
        let interface = self.text(Setting::Interface).map(Interface::parse);
        let (identity, scope) = match method {
            Method::ApplicationCredential => (self.credential(), None),
            Method::Password => {
                let identity = Identity::Password {
                    user: self.user(),
                    secret: self.secret(Setting::Password),
                };
                (identity, Some(self.scope()?))
            }
        };
        Ok(Keystone {
            url: keystone::auth_url(self.text(Setting::AuthUrl).unwrap_or_default())?,
            identity,
            scope,
            interface: interface.transpose()?.unwrap_or(Interface::Public),
            insecure: self.is_insecure()?,
            fault,
        })
    }

    fn method(&self) -> Result<Method> {
        let Some(name) = self.text(Setting::AuthType) else {
            // As nobody sets these by mistake, they say which way is meant.
            let has_credential =
                [Setting::CredentialId, Setting::CredentialName, Setting::CredentialSecret];
            return Ok(match has_credential.map(|s| self.text(s)) {
                [None, None, None] => Method::Password,
                _ => Method::ApplicationCredential,
            });
        };
        match name {
            "password" | "v3password" => Ok(Method::Password),
            "v3applicationcredential" => Ok(Method::ApplicationCredential),
            _ => {
                let text = format!(
                    "{} is {name:?}, which is not supported; there are password and \
                     v3applicationcredential",
                    self.place(Setting::AuthType)
                );
                Err(Error::new(ErrorKind::Unsupported, text))
            }
        }
    }

    /// Looks for all that is missing at once.
    fn complete(&self, method: Method) -> Result<()> {
        let named = self.text(Setting::CredentialId).is_none();
        let user: &[_] = &[Setting::Username, Setting::UserId];
        let needed: &[&[Setting]] = match method {
            Method::Password => &[
                &[Setting::AuthUrl],
                user,
                &[Setting::Password],
                &[Setting::ProjectName, Setting::ProjectId],
            ],
            // The name alone does, but then it is the user's: say so only if the name is there.
            Method::ApplicationCredential
                if named && self.text(Setting::CredentialName).is_some() =>
            {
                &[&[Setting::AuthUrl], user, &[Setting::CredentialSecret]]
            }
            Method::ApplicationCredential => {
                &[&[Setting::AuthUrl], &[Setting::CredentialId], &[Setting::CredentialSecret]]
            }
        };
        let has_domain =
            [Setting::DomainId, Setting::DomainName].iter().any(|s| self.text(*s).is_some());
        let missing: Vec<_> = needed
            .iter()
            .filter(|any| any.iter().all(|s| self.text(*s).is_none()))
            .filter(|any| !(has_domain && any.contains(&Setting::ProjectName)))
            .map(|any| {
                let names: Vec<_> = any.iter().map(|s| self.name(*s)).collect();
                names.join(" or ")
            })
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let missing = missing.join(", ");
        let text = match &self.origin {
            Origin::Environment if self.text(Setting::AuthUrl).is_none() => {
                format!("set {missing} in the environment, or OS_CLOUD to use clouds.yaml")
            }
            Origin::Environment => format!("set {missing} in the environment"),
            Origin::Cloud { name, file } => match self.text(Setting::Profile) {
                Some(profile) if self.text(Setting::AuthUrl).is_none() => format!(
                    "cloud {name:?} of {file} lacks {missing}; vendor profiles such as \
                     {profile:?} are not read yet"
                ),
                _ => format!("cloud {name:?} of {file} lacks {missing}"),
            },
            Origin::Code => format!("the configuration lacks {missing}"),
        };
        Err(Error::invalid(text))
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

    fn scope(&self) -> Result<Scope> {
        if let Some(id) = self.text(Setting::ProjectId) {
            return Ok(Scope::Project(Project::Id { id: id.to_owned() }));
        }
        if let Some(name) = self.text(Setting::ProjectName) {
            return Ok(Scope::Project(Project::Named {
                name: name.to_owned(),
                domain: self.domain(Setting::ProjectDomainId, Setting::ProjectDomainName),
            }));
        }
        self.either(Setting::DomainId, Setting::DomainName)
            .map(Scope::Domain)
            .ok_or_else(|| Error::invalid("the configuration names no project"))
    }

    /// With a project, `domain_*` stands for the domain of both user and project, as openstacksdk
    /// has it ("allow people to just specify domain once if it's the same").
    fn domain(&self, id: Setting, name: Setting) -> Domain {
        let has_project =
            self.text(Setting::ProjectId).is_some() || self.text(Setting::ProjectName).is_some();
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

    fn secret(&self, setting: Setting) -> Secret {
        self.texts.get(&setting).cloned().unwrap_or_default()
    }

    fn flag(&self, setting: Setting) -> Result<Option<bool>> {
        let Some(text) = self.text(setting) else {
            return Ok(None);
        };
        match text.to_ascii_lowercase().as_str() {
            "1" | "true" | "yes" | "on" => Ok(Some(true)),
            "0" | "false" | "no" | "off" => Ok(Some(false)),
            _ => Err(Error::invalid(format!(
                "{} is {text:?}; it is true or false",
                self.place(setting)
            ))),
        }
    }

    /// Names a setting, and whose it is.
    pub(super) fn place(&self, setting: Setting) -> String {
        let setting = self.name(setting);
        match &self.origin {
            Origin::Cloud { name, file } => format!("{setting} of cloud {name:?} in {file}"),
            Origin::Code | Origin::Environment => setting,
        }
    }

    fn name(&self, setting: Setting) -> String {
        let key = setting.keys().first().copied().unwrap_or_default();
        let name = match self.origin {
            Origin::Environment => setting.variables().first().copied().unwrap_or(key),
            Origin::Code => key,
            Origin::Cloud { .. } => {
                return match setting {
                    Setting::AuthType
                    | Setting::CaCert
                    | Setting::ClientCert
                    | Setting::ClientKey
                    | Setting::IdentityVersion
                    | Setting::Insecure
                    | Setting::Interface
                    | Setting::Profile
                    | Setting::Region
                    | Setting::Verify => key.to_owned(),
                    _ => format!("auth.{key}"),
                };
            }
        };
        name.to_owned()
    }
}

/// Shows what is no secret.
impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_map();
        for (setting, text) in &self.texts {
            match setting {
                _ if setting.is_secret() => out.entry(setting, text),
                // Somebody may have put a password before the `@`.
                Setting::AuthUrl => out.entry(setting, &text.expose().rsplit('@').next()),
                _ => out.entry(setting, &text.expose()),
            };
        }
        out.finish()
    }
}

#[derive(Clone, Copy)]
enum Method {
    ApplicationCredential,
    Password,
}

#[cfg(test)]
mod tests;
