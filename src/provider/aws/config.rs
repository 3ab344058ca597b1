//! Where an account's settings come from: code, the environment, AWS's shared files.

use std::fmt;
use std::io::ErrorKind;

use zeroize::Zeroizing;

use super::profile::{DEFAULT, File, Files};
use super::setting::{Account, Setting, Values, no_keys};
use crate::call::Identity;
use crate::error::{Error, Result};
use crate::provider::dialect::config::{Ca, check_variables, file, identity, variable};
use crate::provider::{CloudEntry, Provider};

/// An account of AWS, or of a store that speaks S3, for [`Driver::open`](crate::Driver::open).
#[derive(Clone)]
#[must_use = "a configuration does nothing until a driver is opened with it"]
pub struct Config {
    values: Values,
    ca: Option<Ca>,
    identity: Option<Identity>,
}

impl Config {
    /// Signs with these keys. Needs a [`region`](Config::region).
    pub fn keys(access_key_id: impl Into<String>, secret_access_key: impl Into<String>) -> Self {
        Self { values: Values::default(), ca: None, identity: None }
            .with(Setting::AccessKeyId, access_key_id, "the access key id given to Config::keys")
            .with(Setting::SecretAccessKey, secret_access_key, "the secret given to Config::keys")
    }

    /// Reads the environment, and the profile that `AWS_PROFILE` names or else the default one. The
    /// [module](super) lists what is read.
    ///
    /// Keys of the environment go before those of a profile, as AWS's own tools have it.
    ///
    /// # Errors
    /// `Invalid` names what is missing or cannot be used, `Unsupported` a way to get keys that is
    /// not there yet, such as `role_arn` or `sso_session`. A missing region comes out when a driver
    /// is opened, as it can be set until then.
    pub fn from_env() -> Result<Self> {
        check_variables("AWS_")?;
        Self::from_vars(&variable)
    }

    /// Reads a profile of `~/.aws/credentials` and `~/.aws/config`, or of the files that
    /// `AWS_SHARED_CREDENTIALS_FILE` and `AWS_CONFIG_FILE` name.
    ///
    /// The keys are the profile's; the environment still decides on the rest, such as the region,
    /// as AWS's own tools have it.
    ///
    /// # Errors
    /// `Invalid` when there is no such profile (the message lists those that there are), when a file
    /// cannot be read or when something is missing or wrong in it; `Unsupported` for a way to get
    /// keys that is not there yet.
    pub fn from_profile(name: &str) -> Result<Self> {
        check_variables("AWS_")?;
        Self::from_files(name, &variable)
    }

    /// Sets the token that came with keys lent for a time.
    pub fn session_token(self, token: impl Into<String>) -> Self {
        self.with(Setting::SessionToken, token, "the token given to Config::session_token")
    }

    /// Sets the region.
    pub fn region(self, name: impl Into<String>) -> Self {
        self.with(Setting::Region, name, "Config::region")
    }

    /// Asks at this address in place of AWS's own, for every service whose own was not set;
    /// `{region}` in it stands for the region.
    pub fn endpoint_url(mut self, url: impl Into<String>) -> Self {
        self.values.set_endpoint(&url.into(), ENDPOINT, OF_ONE);
        self
    }

    /// Asks for objects at this address, whatever [`endpoint_url`](Config::endpoint_url) says.
    pub fn endpoint_url_s3(self, url: impl Into<String>) -> Self {
        self.with(Setting::EndpointS3, url, "Config::endpoint_url_s3")
    }

    /// Asks for nodes at this address, whatever [`endpoint_url`](Config::endpoint_url) says.
    pub fn endpoint_url_ec2(self, url: impl Into<String>) -> Self {
        self.with(Setting::EndpointEc2, url, "Config::endpoint_url_ec2")
    }

    /// Trusts these certificates, in PEM form, in place of those of the system.
    pub fn ca_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.ca = Some(Ca::new(pem));
        self
    }

    /// Shows this certificate to stores that ask for one, in PEM form with those that lead to its CA,
    /// and proves it by its private key, which is not encrypted.
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

    fn with(mut self, setting: Setting, text: impl Into<String>, place: &str) -> Self {
        self.values.set(setting, text, place);
        self
    }

    pub(super) fn from_vars(env: &dyn Fn(&str) -> Option<String>) -> Result<Self> {
        let files = files(env)?;
        let mut names = ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"].into_iter().filter_map(env);
        let named = names.find(|name| !name.is_empty());
        let profile = match &named {
            Some(name) => Some(files.profile(name)?),
            None => files.find(DEFAULT)?,
        };
        let mut values = Values::default();
        if !values.take_keys_of_env(env)? {
            // Nobody has asked for the default one, which often has but the region.
            match profile.as_ref().filter(|profile| named.is_some() || profile.has_keys()) {
                Some(profile) => values.take_keys_of(profile)?,
                None => return Err(no_keys(&files.both(), env)),
            }
        }
        values.take_rest(env, profile.as_ref())?;
        Self::checked(values, env)
    }

    pub(super) fn from_files(name: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<Self> {
        let profile = files(env)?.profile(name)?;
        let mut values = Values::default();
        values.take_keys_of(&profile)?;
        values.take_rest(env, Some(&profile))?;
        Self::checked(values, env)
    }

    /// Reads a profile of both files in memory. Files that they name are left alone.
    #[cfg(any(fuzzing, test))]
    pub(crate) fn of_texts(name: &str, config: &str, credentials: &str) -> Result<Self> {
        let files = Files {
            config: File::parse("config", config)?,
            credentials: File::parse("credentials", credentials)?,
        };
        let profile = files.profile(name)?;
        let mut values = Values::default();
        values.take_keys_of(&profile)?;
        values.take_rest(&|_| None, Some(&profile))?;
        values.check()?;
        Ok(Self { values, ca: None, identity: None })
    }

    /// Finds out now what is wrong, where the message can still name the setting.
    fn checked(values: Values, env: &dyn Fn(&str) -> Option<String>) -> Result<Self> {
        values.check()?;
        let ca = match values.text(Setting::CaBundle) {
            Some(path) => Some(Ca::read(path, values.place(Setting::CaBundle), env)?),
            None => None,
        };
        Ok(Self { values, ca, identity: None })
    }

    /// Adds up the account.
    pub(super) fn account(self) -> Result<Account> {
        let mut trust = self.ca.map(Ca::trust).transpose()?.unwrap_or_default();
        trust.identity = self.identity;
        self.values.account(trust)
    }
}

/// Shows what is no secret.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Config").field(&self.values).finish()
    }
}

/// Opens what a profile says, or what the environment does.
pub(crate) fn open(profile: Option<&str>) -> Result<Provider> {
    match profile {
        Some(name) => Config::from_profile(name)?,
        None => Config::from_env()?,
    }
    .try_into()
}

/// Lists the profiles of both files.
pub(crate) fn clouds() -> Result<Vec<CloudEntry>> {
    let files = files(&variable)?;
    let entry = |name: &str| {
        let profile = files.find(name)?;
        let text = |key| Some(profile.as_ref()?.text(key)?.to_owned());
        let (address, region) = (text("endpoint_url"), text("region"));
        Ok(CloudEntry { name: name.to_owned(), address, region, source: files.both() })
    };
    files.names().into_iter().map(entry).collect()
}

fn files(env: &dyn Fn(&str) -> Option<String>) -> Result<Files> {
    Ok(Files {
        config: read("AWS_CONFIG_FILE", "~/.aws/config", env)?,
        credentials: read("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials", env)?,
    })
}

/// Reads the file that a variable names, or else that of its usual place; it need not exist.
fn read(name: &str, usual: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<File> {
    let named = env(name).filter(|path| !path.is_empty());
    let path = file(named.as_deref().unwrap_or(usual), env);
    let shown = path.display().to_string();
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => Zeroizing::new(bytes),
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Zeroizing::default()
        }
        Err(e) => {
            return Err(Error::invalid(format!("{shown} cannot be read")).with_source(e));
        }
    };
    match std::str::from_utf8(&bytes) {
        Ok(text) => File::parse(shown, text),
        Err(_) => Err(Error::invalid(format!("{shown} is not valid UTF-8"))),
    }
}

const ENDPOINT: &str = "Config::endpoint_url";
const OF_ONE: &str = "Config::endpoint_url_";

#[cfg(test)]
mod tests;
