//! The settings of an account, whoever wrote them, and what they add up to.

use std::collections::BTreeMap;
use std::fmt;

use super::endpoint::{Endpoint, check_region};
use super::profile::Profile;
use crate::call::{Keys, Secret, Trust};
use crate::error::{Error, ErrorKind, Result};

/// One thing that can be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Setting {
    AccessKeyId,
    CaBundle,
    EndpointEc2,
    EndpointS3,
    Region,
    SecretAccessKey,
    SessionToken,
}

/// What is set, and where: messages name the place.
#[derive(Clone, Default)]
pub(super) struct Values(BTreeMap<Setting, Value>);

#[derive(Clone)]
struct Value {
    text: Secret,
    place: String,
}

/// An account with all that it needs, nothing of it unchecked.
#[derive(Clone)]
pub(super) struct Account {
    pub(super) keys: Keys,
    pub(super) region: String,
    pub(super) s3: Endpoint,
    pub(super) ec2: Endpoint,
    pub(super) trust: Trust,
}

impl Values {
    /// Sets something; what is empty is not set.
    pub(super) fn set(
        &mut self,
        setting: Setting,
        text: impl Into<String>,
        place: impl Into<String>,
    ) {
        let text = Secret::new(text);
        if text.expose().is_empty() {
            self.0.remove(&setting);
        } else {
            self.0.insert(setting, Value { text, place: place.into() });
        }
    }

    pub(super) fn text(&self, setting: Setting) -> Option<&str> {
        self.0.get(&setting).map(|value| value.text.expose())
    }

    /// Returns the name of a setting, as it is where it was set.
    pub(super) fn place(&self, setting: Setting) -> &str {
        self.0.get(&setting).map_or("", |value| &value.place)
    }

    /// Takes the keys of the environment, and tells whether there are any.
    ///
    /// # Errors
    /// `Invalid` for half a pair, `Unsupported` for keys that another service hands out.
    pub(super) fn take_keys_of_env(
        &mut self,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<bool> {
        for (setting, name) in ENV_KEYS {
            self.set(setting, env(name).unwrap_or_default(), name);
        }
        match ENV_KEYS.map(|(setting, _)| self.text(setting).is_some()) {
            [true, true, _] => return Ok(true),
            [false, false, _] => {}
            [id, _, _] => {
                let (set, unset) = match id {
                    true => (ENV_KEYS[0].1, ENV_KEYS[1].1),
                    false => (ENV_KEYS[1].1, ENV_KEYS[0].1),
                };
                return Err(Error::invalid(format!("{set} is set and {unset} is not; set both")));
            }
        }
        // A token that is left over belongs to no other keys.
        self.set(Setting::SessionToken, "", "");
        handed_out(&["AWS_WEB_IDENTITY_TOKEN_FILE"], env)?;
        Ok(false)
    }

    /// Takes the keys of a profile.
    ///
    /// # Errors
    /// `Invalid` when one is missing, `Unsupported` when they have to be fetched from elsewhere.
    pub(super) fn take_keys_of(&mut self, profile: &Profile) -> Result<()> {
        profile.check_keys()?;
        for (setting, key) in PROFILE_KEYS {
            self.set(setting, profile.text(key).unwrap_or_default(), profile.place(key));
        }
        let needed = &PROFILE_KEYS[..2];
        match needed.iter().find(|(setting, _)| self.text(*setting).is_none()) {
            Some((_, key)) => Err(profile.lacks(key)),
            None => Ok(()),
        }
    }

    /// Takes all but the keys: from the environment, or else from a profile.
    pub(super) fn take_rest(
        &mut self,
        env: &dyn Fn(&str) -> Option<String>,
        profile: Option<&Profile>,
    ) -> Result<()> {
        let env = |name: &'static str| Some((env(name).filter(|t| !t.is_empty())?, name));
        let mut take = |setting, names: &[&'static str], of_profile: Option<(&str, String)>| {
            let mut set = names.iter().filter_map(|name| env(name));
            match (set.next(), of_profile) {
                (Some((text, name)), _) => self.set(setting, text, name),
                (None, Some((text, place))) => self.set(setting, text, place),
                (None, None) => {}
            }
        };
        let text = |key: &str| profile.and_then(|p| Some((p.text(key)?, p.place(key))));
        take(Setting::Region, &["AWS_REGION", "AWS_DEFAULT_REGION"], text("region"));
        take(Setting::CaBundle, &["AWS_CA_BUNDLE"], text("ca_bundle"));

        let is_true = |text: &str| text.eq_ignore_ascii_case("true");
        let flag = |variable, key| match env(variable) {
            Some((said, _)) => is_true(&said),
            None => text(key).is_some_and(|(said, _)| is_true(said)),
        };
        for (variable, key) in ENDPOINTS_OF_OTHER_KINDS {
            if flag(variable, key) {
                let text = format!(
                    "{variable} (or {key} in the profile) is not supported yet; unset it, and name \
                     the endpoints by AWS_ENDPOINT_URL_S3 and AWS_ENDPOINT_URL_EC2"
                );
                return Err(Error::new(ErrorKind::Unsupported, text));
            }
        }
        if flag("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "ignore_configured_endpoint_urls") {
            return Ok(());
        }
        for (setting, service, name) in SERVICES {
            let url = profile.and_then(|p| Some((p.endpoint(service)?, p.place("endpoint_url"))));
            take(setting, &[name, "AWS_ENDPOINT_URL"], url);
        }
        Ok(())
    }

    /// Sets the endpoint of every service, but of those that code has named one by one.
    pub(super) fn set_endpoint(&mut self, url: &str, place: &str, of_one: &str) {
        for (setting, ..) in SERVICES {
            if !self.place(setting).starts_with(of_one) {
                self.set(setting, url, place);
            }
        }
    }

    /// Looks at what is set, and not for what may yet be set.
    pub(super) fn check(&self) -> Result<()> {
        for setting in [Setting::AccessKeyId, Setting::SecretAccessKey, Setting::SessionToken] {
            if let Some(text) = self.text(setting) {
                check_key(text, self.place(setting))?;
            }
        }
        if let Some(region) = self.text(Setting::Region) {
            check_region(region, self.place(Setting::Region))?;
        }
        for (setting, ..) in SERVICES {
            self.endpoint(setting)?;
        }
        Ok(())
    }

    /// Adds up the account.
    ///
    /// # Errors
    /// `Invalid` when something is missing or wrong, and names it as whoever set it does.
    pub(super) fn account(&self, trust: Trust) -> Result<Account> {
        self.check()?;
        let secret = |setting| self.0.get(&setting).map(|value| value.text.clone());
        let lacking = |what: &str| Error::invalid(format!("the configuration lacks {what}"));
        let keys = Keys {
            id: self
                .text(Setting::AccessKeyId)
                .ok_or_else(|| lacking("the access key id"))?
                .to_owned(),
            secret: secret(Setting::SecretAccessKey)
                .ok_or_else(|| lacking("the secret access key"))?,
            session: secret(Setting::SessionToken),
        };
        let Some(region) = self.text(Setting::Region) else {
            return Err(Error::invalid(
                "no region is set; set AWS_REGION, region in the profile, or Config::region",
            ));
        };
        Ok(Account {
            keys,
            region: region.to_owned(),
            s3: self.endpoint(Setting::EndpointS3)?,
            ec2: self.endpoint(Setting::EndpointEc2)?,
            trust,
        })
    }

    fn endpoint(&self, setting: Setting) -> Result<Endpoint> {
        match self.text(setting) {
            Some(url) => Endpoint::parse(url, self.place(setting)),
            None => Ok(Endpoint::Default),
        }
    }
}

/// What to do where nobody has set keys; `files` are those in which a profile could stand.
pub(super) fn no_keys(files: &str, env: &dyn Fn(&str) -> Option<String>) -> Error {
    let others = ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"];
    handed_out(&others, env).err().unwrap_or_else(|| {
        let [(_, id), (_, secret), _] = ENV_KEYS;
        Error::invalid(format!(
            "set {id} and {secret} in the environment, or AWS_PROFILE to use a profile of {files}"
        ))
    })
}

/// Refuses keys that a service of AWS hands out.
fn handed_out(names: &[&str], env: &dyn Fn(&str) -> Option<String>) -> Result<()> {
    match names.iter().find(|name| env(name).is_some_and(|text| !text.is_empty())) {
        Some(name) => Err(Error::new(
            ErrorKind::Unsupported,
            format!("keys by {name} are not supported yet; set AWS_ACCESS_KEY_ID and the secret"),
        )),
        None => Ok(()),
    }
}

/// The text is not repeated: people put one key in the place of another.
fn check_key(text: &str, place: &str) -> Result<()> {
    let why = if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        "has white space or a line break in it"
    } else if !text.is_ascii() {
        "has characters in it that no key has"
    } else if text.starts_with(['"', '\'']) || text.ends_with(['"', '\'']) {
        "stands in quotes, which are not taken away; leave them out"
    } else {
        return Ok(());
    };
    Err(Error::invalid(format!("{place} {why}")))
}

/// Shows what is no secret.
impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_map();
        for (setting, Value { text, .. }) in &self.0 {
            match setting {
                Setting::SecretAccessKey | Setting::SessionToken => out.entry(setting, text),
                // Somebody may have put a password before the `@`.
                Setting::EndpointEc2 | Setting::EndpointS3 => {
                    out.entry(setting, &text.expose().rsplit('@').next())
                }
                Setting::AccessKeyId | Setting::CaBundle | Setting::Region => {
                    out.entry(setting, &text.expose())
                }
            };
        }
        out.finish()
    }
}

const ENV_KEYS: [(Setting, &str); 3] = [
    (Setting::AccessKeyId, "AWS_ACCESS_KEY_ID"),
    (Setting::SecretAccessKey, "AWS_SECRET_ACCESS_KEY"),
    (Setting::SessionToken, "AWS_SESSION_TOKEN"),
];

const PROFILE_KEYS: [(Setting, &str); 3] = [
    (Setting::AccessKeyId, "aws_access_key_id"),
    (Setting::SecretAccessKey, "aws_secret_access_key"),
    (Setting::SessionToken, "aws_session_token"),
];

/// Who asks for these must not get others unawares.
const ENDPOINTS_OF_OTHER_KINDS: [(&str, &str); 2] = [
    ("AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint"),
    ("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint"),
];

/// Services by the name that they have in a profile, and the variable of their endpoint.
const SERVICES: [(Setting, &str, &str); 2] = [
    (Setting::EndpointEc2, "ec2", "AWS_ENDPOINT_URL_EC2"),
    (Setting::EndpointS3, "s3", "AWS_ENDPOINT_URL_S3"),
];

#[cfg(test)]
mod tests;
