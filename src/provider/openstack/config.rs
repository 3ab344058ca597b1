//! Where an account's settings come from: code, the environment, clouds.yaml.

use std::fmt;
use std::sync::Arc;

use super::setting::{Origin, Setting, Values};
use super::{OpenStack, clouds};
use crate::call::Identity;
use crate::error::{Error, Result};
use crate::provider::Provider;
use crate::provider::dialect::config::{Ca, check_variables, identity, read_identity, variable};

/// An account of an OpenStack cloud, for [`Driver::open`](crate::Driver::open).
///
/// # Example
/// ```
/// use welkin::{Driver, openstack::Config};
///
/// let config = Config::password("https://cloud.example:5000", "demo", "secret")
///     .project("web")
///     .region("north");
/// let driver = Driver::open(config);
/// ```
#[derive(Clone)]
#[must_use = "a configuration does nothing until a driver is opened with it"]
pub struct Config {
    values: Values,
    ca: Option<Ca>,
    identity: Option<Identity>,
}

impl Config {
    /// Logs in as a user, by name. Needs a [`project`](Config::project), or a
    /// [`scope_domain`](Config::scope_domain).
    ///
    /// `auth_url` is Keystone's address, with `/v3` at the end or without.
    pub fn password(
        auth_url: impl Into<String>,
        user: impl Into<String>,
        password: impl Into<String>,
    ) -> Self {
        Self::of_code(auth_url).with(Setting::Username, user).with(Setting::Password, password)
    }

    /// Logs in with an application credential, by id; it carries its project with it.
    pub fn application_credential(
        auth_url: impl Into<String>,
        id: impl Into<String>,
        secret: impl Into<String>,
    ) -> Self {
        Self::of_code(auth_url)
            .with(Setting::CredentialId, id)
            .with(Setting::CredentialSecret, secret)
    }

    /// Reads the environment: the cloud of clouds.yaml that `OS_CLOUD` names, or else the `OS_*`
    /// variables of an openrc file. The [module](super) lists them.
    ///
    /// # Errors
    /// `Invalid` names the variables that are missing or cannot be used, `Unsupported` an
    /// `OS_AUTH_TYPE` that is neither `password` nor `v3applicationcredential`.
    pub fn from_env() -> Result<Self> {
        check_variables("OS_")?;
        Self::from_vars(&variable)
    }

    /// Reads a cloud of clouds.yaml.
    ///
    /// The file is looked for where `OS_CLIENT_CONFIG_FILE` says, in the working directory, in
    /// `$XDG_CONFIG_HOME/openstack` (`~/.config/openstack`) and in `/etc/openstack`; the first that
    /// exists counts. What a `secure.yaml` beside it says goes first.
    ///
    /// # Errors
    /// `Invalid` when there is no file, when it cannot be read, when it has no such cloud (the
    /// message lists those that it has) or when something is missing in it.
    pub fn from_cloud(name: &str) -> Result<Self> {
        Self::from_clouds(name, &variable)
    }

    /// Sets the project, by name.
    pub fn project(self, name: impl Into<String>) -> Self {
        self.with(Setting::ProjectName, name).without(Setting::ProjectId)
    }

    /// Sets the project, by id.
    pub fn project_id(self, id: impl Into<String>) -> Self {
        self.with(Setting::ProjectId, id).without(Setting::ProjectName)
    }

    /// Sets the user by id, in place of the name.
    pub fn user_id(self, id: impl Into<String>) -> Self {
        self.with(Setting::UserId, id).without(Setting::Username)
    }

    /// Sets the domain of both user and project, by name; by default it is `Default`.
    pub fn domain(self, name: impl Into<String>) -> Self {
        let name = name.into();
        self.user_domain(name.clone()).project_domain(name)
    }

    /// Sets the domain of the user, by name.
    pub fn user_domain(self, name: impl Into<String>) -> Self {
        self.with(Setting::UserDomainName, name).without(Setting::UserDomainId)
    }

    /// Sets the domain of the user, by id.
    pub fn user_domain_id(self, id: impl Into<String>) -> Self {
        self.with(Setting::UserDomainId, id).without(Setting::UserDomainName)
    }

    /// Sets the domain of the project, by name.
    pub fn project_domain(self, name: impl Into<String>) -> Self {
        self.with(Setting::ProjectDomainName, name).without(Setting::ProjectDomainId)
    }

    /// Sets the domain of the project, by id.
    pub fn project_domain_id(self, id: impl Into<String>) -> Self {
        self.with(Setting::ProjectDomainId, id).without(Setting::ProjectDomainName)
    }

    /// Logs in to a domain, by name, and not to a project.
    pub fn scope_domain(self, name: impl Into<String>) -> Self {
        self.with(Setting::DomainName, name)
            .without(Setting::DomainId)
            .without(Setting::ProjectName)
            .without(Setting::ProjectId)
    }

    /// Sets the region; a cloud of one region needs none.
    pub fn region(self, name: impl Into<String>) -> Self {
        self.with(Setting::Region, name)
    }

    /// Chooses the endpoints: `public` (the default), `internal` or `admin`.
    pub fn interface(self, name: impl Into<String>) -> Self {
        self.with(Setting::Interface, name)
    }

    /// Trusts these certificates, in PEM form, in place of those of the system.
    pub fn ca_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.ca = Some(Ca::new(pem));
        self
    }

    /// Shows this certificate to servers that ask for one, in PEM form with those that lead to its
    /// CA, and proves it by its private key, which is not encrypted.
    ///
    /// Whether they belong together comes out when a driver is opened.
    pub fn client_certificate_pem(
        mut self,
        certificate: impl Into<Vec<u8>>,
        key: impl Into<Vec<u8>>,
    ) -> Self {
        self.identity = Some(identity(certificate, key));
        self
    }

    /// Accepts any certificate, so that anybody on the way can read and change everything. It also
    /// accepts `http://` endpoints after a login by `https://`, which are refused otherwise.
    pub fn insecure(self, insecure: bool) -> Self {
        self.with(Setting::Insecure, insecure.to_string()).without(Setting::Verify)
    }

    fn of_code(auth_url: impl Into<String>) -> Self {
        let values = Values::read(Origin::Code, |_| None);
        let config = Self { values, ca: None, identity: None };
        config.with(Setting::AuthUrl, auth_url)
    }

    fn with(mut self, setting: Setting, text: impl Into<String>) -> Self {
        self.values.set(setting, text);
        self
    }

    fn without(self, setting: Setting) -> Self {
        self.with(setting, "")
    }

    pub(super) fn from_vars(env: &dyn Fn(&str) -> Option<String>) -> Result<Self> {
        if let Some(cloud) = env("OS_CLOUD").filter(|name| !name.is_empty()) {
            return Self::from_clouds(&cloud, env);
        }
        let values = Values::read(Origin::Environment, |setting| {
            let mut set = setting.variables().iter().filter_map(|name| env(name));
            set.find(|text| !text.is_empty())
        });
        Self::checked(values, env)
    }

    pub(super) fn from_clouds(name: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<Self> {
        Self::checked(clouds::read(name, env)?, env)
    }

    /// Reads a cloud of a clouds.yaml in memory, and of the secure.yaml beside it. Files that they
    /// name are left alone.
    #[cfg(any(fuzzing, test))]
    pub(crate) fn of_texts(name: &str, clouds: &str, secure: Option<&str>) -> Result<Self> {
        let values = clouds::of_texts(name, clouds, secure)?;
        values.keystone()?;
        values.is_insecure()?;
        Ok(Self { values, ca: None, identity: None })
    }

    /// Finds out now what is wrong, where the message can still name the setting.
    fn checked(values: Values, env: &dyn Fn(&str) -> Option<String>) -> Result<Self> {
        values.keystone()?;
        values.is_insecure()?;
        let ca = match values.text(Setting::CaCert) {
            Some(path) => Some(Ca::read(path, &values.place(Setting::CaCert), env)?),
            None => None,
        };
        let file = |setting| Some((values.text(setting)?, values.place(setting)));
        let identity = match (file(Setting::ClientCert), file(Setting::ClientKey)) {
            (None, None) => None,
            (Some((path, setting)), key) => {
                let key = key.as_ref().map(|(path, setting)| (*path, setting.as_str()));
                Some(read_identity((path, &setting), key, env)?)
            }
            (None, Some((_, key))) => {
                let certificate = values.place(Setting::ClientCert);
                let text = format!("{key} is set and {certificate} is not; set both");
                return Err(Error::invalid(text));
            }
        };
        Ok(Self { values, ca, identity })
    }
}

impl TryFrom<Config> for Provider {
    type Error = Error;

    fn try_from(config: Config) -> Result<Self> {
        let Config { values, ca, identity } = config;
        let mut trust = ca.map(Ca::trust).transpose()?.unwrap_or_default();
        trust.identity = identity;
        trust.insecure = values.is_insecure()?;
        let native = Arc::new(OpenStack::new());
        Ok(Self {
            name: super::NAME,
            auth: Arc::new(values.keystone()?),
            trust,
            region: values.text(Setting::Region).map(str::to_owned),
            compute: Some(native.clone()),
            storage: None,
            native,
        })
    }
}

/// Shows what is no secret.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Config").field(&self.values).finish()
    }
}

/// Opens the cloud of that name in clouds.yaml, or what the environment says.
pub(crate) fn open(profile: Option<&str>) -> Result<Provider> {
    match profile {
        Some(name) => Config::from_cloud(name)?,
        None => Config::from_env()?,
    }
    .try_into()
}

#[cfg(test)]
mod tests;
