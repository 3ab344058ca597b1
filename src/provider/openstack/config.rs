//! Where an account's settings come from: code, the environment, clouds.yaml.

use std::fmt;
use std::sync::Arc;

use super::clouds::Files;
use super::service::{Part, Service};
use super::setting::Setting;
use super::values::Values;
use super::{OpenStack, login, service};
use crate::call::Identity;
use crate::error::{Error, Result};
use crate::provider::dialect::config::{Ca, check_variables, identity, read_identity, variable};
use crate::provider::{CloudEntry, Provider};

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

    /// Uses a token that somebody else got, such as `openstack token issue`.
    ///
    /// With a [`project`](Config::project) or another scope it is exchanged for one of that scope;
    /// without one it is used as it is. When it ends, or is revoked, the driver is at its end too: no
    /// token leads to one that lives longer.
    pub fn token(auth_url: impl Into<String>, token: impl Into<String>) -> Self {
        Self::of_code(auth_url).with(Setting::Token, token)
    }

    /// Reads the environment: the cloud of clouds.yaml that `OS_CLOUD` names, or else the `OS_*`
    /// variables of an openrc file. Where nothing is set, the one cloud of a clouds.yaml is taken.
    /// The [module](super) tells all about it.
    ///
    /// # Errors
    /// `Invalid` names the variables that are missing or cannot be used, `Unsupported` an
    /// `OS_AUTH_TYPE` that is not there yet.
    pub fn from_env() -> Result<Self> {
        check_variables("OS_")?;
        Self::from_vars(&variable)
    }

    /// Reads a cloud of clouds.yaml; `envvars` is what the environment says. The
    /// [module](super) tells where files are looked for and how they are merged.
    ///
    /// # Errors
    /// `Invalid` when there is no file, when one cannot be read, when there is no such cloud (the
    /// message lists those that there are) or when something is missing or wrong in it;
    /// `Unsupported` for what it asks for and is not there yet.
    pub fn from_cloud(name: &str) -> Result<Self> {
        check_variables("OS_")?;
        Self::from_clouds(name, &variable)
    }

    /// Lists what is configured, in the files and in the environment, without anything secret.
    ///
    /// Whether a cloud can be used is found when it is [opened](Config::from_cloud).
    ///
    /// # Errors
    /// `Invalid` when a file cannot be read. That there is none is no error.
    ///
    /// # Example
    /// ```no_run
    /// for cloud in welkin::openstack::Config::clouds()? {
    ///     println!("{} ({})", cloud.name, cloud.source);
    /// }
    /// # Ok::<(), welkin::Error>(())
    /// ```
    pub fn clouds() -> Result<Vec<CloudEntry>> {
        check_variables("OS_")?;
        Self::listed(&variable)
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
        self.scoped(Setting::DomainName, name)
    }

    /// Logs in with what somebody entrusted to the user, by the trust's id.
    pub fn scope_trust(self, id: impl Into<String>) -> Self {
        self.scoped(Setting::TrustId, id)
    }

    /// Logs in to the cloud itself, as its operators do, and not to a project.
    pub fn scope_system(self) -> Self {
        self.scoped(Setting::SystemScope, "all")
    }

    /// Logs in to nothing. Such a token has no catalog: what it is good for is Keystone alone.
    pub fn unscoped(self) -> Self {
        self.scoped(Setting::Unscoped, "true")
    }

    /// Sets the region; a cloud of one region needs none.
    pub fn region(self, name: impl Into<String>) -> Self {
        self.with(Setting::Region, name)
    }

    /// Chooses the endpoints: `public` (the default), `internal` or `admin`.
    pub fn interface(self, name: impl Into<String>) -> Self {
        self.with(Setting::Interface, name)
    }

    /// Asks for a service at this address, whatever the catalog says.
    ///
    /// `service` is one that the [module](super) lists, such as `compute`.
    ///
    /// # Errors
    /// `Invalid` for a service that is not listed there.
    pub fn endpoint(self, service: &str, url: impl Into<String>) -> Result<Self> {
        Ok(self.with(Setting::Of(Service::named(service)?, Part::Endpoint), url))
    }

    /// Has Nova answer in this microversion, such as `2.79`; with `latest` in the newest that both
    /// sides know. By default it answers in 2.1, which has all that the portable operations need.
    pub fn compute_microversion(self, version: impl Into<String>) -> Self {
        self.with(Setting::Of(Service::Compute, Part::Microversion), version)
            .without(Setting::Of(Service::Compute, Part::ApiVersion))
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
        let config = Self { values: Values::of_code(), ca: None, identity: None };
        config.with(Setting::AuthUrl, auth_url)
    }

    fn with(mut self, setting: Setting, text: impl Into<String>) -> Self {
        self.values.set(setting, text);
        self
    }

    fn without(self, setting: Setting) -> Self {
        self.with(setting, "")
    }

    /// Logs in to this alone.
    fn scoped(self, setting: Setting, text: impl Into<String>) -> Self {
        const ALL: [Setting; 7] = [
            Setting::DomainId,
            Setting::DomainName,
            Setting::ProjectId,
            Setting::ProjectName,
            Setting::SystemScope,
            Setting::TrustId,
            Setting::Unscoped,
        ];
        ALL.into_iter().fold(self, Self::without).with(setting, text)
    }

    pub(super) fn from_vars(env: &dyn Fn(&str) -> Option<String>) -> Result<Self> {
        let set = |name: &str| env(name).filter(|text| !text.is_empty());
        let values = Values::of_environment(env);
        let is_empty = Setting::all().all(|s| s == Setting::Region || !values.has(s));
        let mut values = match set("OS_CLOUD") {
            Some(name) if name == environment(env) => return Self::checked(values, env),
            Some(name) => Files::find(env)?.cloud(&name)?,
            None if is_empty => {
                let files = Files::find(env)?;
                match files.only().map(str::to_owned) {
                    Some(name) => files.cloud(&name)?,
                    None if files.is_empty() => return Self::checked(values, env),
                    None => {
                        let names = files.names();
                        let text = format!(
                            "several clouds are configured; set OS_CLOUD to one of: {names}"
                        );
                        return Err(Error::invalid(text));
                    }
                }
            }
            None => return Self::checked(values, env),
        };
        // It chooses, and is not of the account: as with openstacksdk, nothing else is mixed in.
        if let Some(region) = set("OS_REGION_NAME") {
            values.set(Setting::Region, region);
        }
        Self::checked(values, env)
    }

    pub(super) fn from_clouds(name: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<Self> {
        let values = match name == environment(env) {
            true => Values::of_environment(env),
            false => Files::find(env)?.cloud(name)?,
        };
        Self::checked(values, env)
    }

    pub(super) fn listed(env: &dyn Fn(&str) -> Option<String>) -> Result<Vec<CloudEntry>> {
        let mut entries = Files::find(env)?.entries();
        let values = Values::of_environment(env);
        if let Some(url) = values.text(Setting::AuthUrl) {
            entries.push(CloudEntry {
                name: environment(env),
                address: url.rsplit('@').next().map(str::to_owned),
                region: values.region().map(str::to_owned),
                source: "the environment".to_owned(),
            });
        }
        Ok(entries)
    }

    /// Reads a cloud of a clouds.yaml in memory, and of the secure.yaml beside it. Files that they
    /// name are left alone.
    #[cfg(any(fuzzing, test))]
    pub(crate) fn of_texts(name: &str, clouds: &str, secure: Option<&str>) -> Result<Self> {
        let values = super::clouds::of_texts(name, clouds, secure)?;
        login::keystone(&values)?;
        Ok(Self { values, ca: None, identity: None })
    }

    /// Finds out now what is wrong, where the message can still name the setting.
    fn checked(values: Values, env: &dyn Fn(&str) -> Option<String>) -> Result<Self> {
        login::keystone(&values)?;
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
        let keystone = login::keystone(&values)?;
        trust.insecure = keystone.insecure;
        if trust.insecure {
            let host = keystone.url.split('/').nth(2).unwrap_or_default();
            tracing::warn!(
                host,
                "certificates are not verified: anybody on the way can read and change everything"
            );
        }
        let native = Arc::new(OpenStack::wishing(service::microversion(&values)?));
        Ok(Self {
            name: super::NAME,
            auth: Arc::new(keystone),
            trust,
            region: values.region().map(str::to_owned),
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

/// Lists what is configured.
pub(crate) fn clouds() -> Result<Vec<CloudEntry>> {
    Config::clouds()
}

/// The name that the environment has among the clouds.
fn environment(env: &dyn Fn(&str) -> Option<String>) -> String {
    env("OS_CLOUD_NAME").filter(|name| !name.is_empty()).unwrap_or_else(|| "envvars".to_owned())
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
