//! What the configurations of several clouds read alike: variables, addresses, certificates.

use std::path::PathBuf;

use http::Uri;
use http::uri::Authority;

use zeroize::Zeroizing;

use crate::call::{Identity, Pem, Trust};
use crate::error::{Error, Result};

/// Reads an environment variable; [`check_variables`] has seen that it is text.
pub(in crate::provider) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Refuses variables that begin with `prefix` and are no text: they would look as if not set.
pub(in crate::provider) fn check_variables(prefix: &str) -> Result<()> {
    let odd = std::env::vars_os().find_map(|(name, value)| {
        let name = name.into_string().ok().filter(|name| name.starts_with(prefix))?;
        value.to_str().is_none().then_some(name)
    });
    match odd {
        Some(name) => Err(Error::invalid(format!("{name} is not valid UTF-8"))),
        None => Ok(()),
    }
}

/// Finds a file by the path that a setting has for it, which may begin at home.
pub(in crate::provider) fn file(path: &str, env: &dyn Fn(&str) -> Option<String>) -> PathBuf {
    // Windows has the other one.
    match (path.strip_prefix("~/"), env("HOME").or_else(|| env("USERPROFILE"))) {
        (Some(rest), Some(home)) => PathBuf::from(home).join(rest),
        _ => PathBuf::from(path),
    }
}

/// Tells whether a connection can be opened to the port of a host, or to the usual one.
pub(in crate::provider) fn has_sound_port(host: &Authority) -> bool {
    match (host.port_u16(), host.as_str().rsplit_once(':')) {
        (Some(port), _) => port > 0,
        // The colons of an IPv6 address stand in brackets.
        (None, Some((_, after))) => after.ends_with(']'),
        (None, None) => true,
    }
}

/// Takes an address that requests go to apart: scheme and host, and the path without a slash at its
/// end.
///
/// # Errors
/// Says what is wrong; which setting it was is the caller's to say.
pub(in crate::provider) fn address(text: &str) -> Result<(String, String), &'static str> {
    let text = text.trim();
    if !(text.starts_with("http://") || text.starts_with("https://")) {
        return Err("the address must begin with http:// or https://");
    }
    let uri: Uri = text.parse().map_err(|_| "that is no address")?;
    let (scheme, host) = match (uri.scheme_str(), uri.authority()) {
        (Some(scheme @ ("http" | "https")), Some(host)) if !host.host().is_empty() => {
            (scheme, host)
        }
        _ => return Err("that is no address"),
    };
    if host.as_str().contains('@') {
        return Err("name and password do not belong in the address");
    }
    if !has_sound_port(host) {
        return Err("the port is not a number from 1 to 65535");
    }
    if uri.query().is_some() || text.contains('#') {
        return Err("the address has a query or a fragment");
    }
    Ok((format!("{scheme}://{host}"), uri.path().trim_end_matches('/').to_owned()))
}

/// Certificates in PEM form, and the file they are from.
#[derive(Clone)]
pub(in crate::provider) struct Ca {
    pem: Vec<u8>,
    file: Option<String>,
}

impl Ca {
    pub(in crate::provider) fn new(pem: impl Into<Vec<u8>>) -> Self {
        Self { pem: pem.into(), file: None }
    }

    /// Reads the file that `setting` names.
    pub(in crate::provider) fn read(
        path: &str,
        setting: &str,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self> {
        let file = file(path, env);
        let shown = file.display().to_string();
        let pem = std::fs::read(&file).map_err(|e| {
            Error::invalid(format!("{setting} names {shown}, which cannot be read")).with_source(e)
        })?;
        let ca = Self { pem, file: Some(shown) };
        ca.check()?;
        Ok(ca)
    }

    /// Trusts these certificates and no others.
    pub(in crate::provider) fn trust(self) -> Result<Trust> {
        self.check()?;
        Ok(Trust { roots: self.pem, origin: self.file, ..Trust::default() })
    }

    /// Whether the certificates are sound is found where they are used.
    fn check(&self) -> Result<()> {
        // RFC 7468, 5; `openssl` writes the second one too.
        let labels = ["-----BEGIN CERTIFICATE-----", "-----BEGIN TRUSTED CERTIFICATE-----"];
        let holds = |label: &str| self.pem.windows(label.len()).any(|w| w == label.as_bytes());
        if labels.into_iter().any(holds) {
            return Ok(());
        }
        Err(Error::invalid(match &self.file {
            Some(file) => format!("there is no certificate in {file}"),
            None => "there is no certificate in what ca_pem was given".to_owned(),
        }))
    }
}

/// Takes a client certificate and its key as code has them.
pub(in crate::provider) fn identity(
    certificate: impl Into<Vec<u8>>,
    key: impl Into<Vec<u8>>,
) -> Identity {
    let pem = |text: Vec<u8>, what: &str| Pem {
        text: Zeroizing::new(text),
        place: format!("the {what} that client_certificate_pem was given"),
    };
    Identity {
        certificate: pem(certificate.into(), "certificate"),
        key: pem(key.into(), "private key"),
    }
}

/// Reads the client certificate and the key that two settings name; one file may hold both.
pub(in crate::provider) fn read_identity(
    certificate: (&str, &str),
    key: Option<(&str, &str)>,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Identity> {
    let read = |(path, setting): (&str, &str)| {
        let file = file(path, env);
        let shown = file.display().to_string();
        match std::fs::read(&file) {
            Ok(text) => Ok(Pem { text: Zeroizing::new(text), place: shown }),
            Err(e) => {
                let text = format!("{setting} names {shown}, which cannot be read");
                Err(Error::invalid(text).with_source(e))
            }
        }
    };
    let certificate = read(certificate)?;
    let key = key.map(read).transpose()?.unwrap_or_else(|| certificate.clone());
    Ok(Identity { certificate, key })
}

#[cfg(all(test, any(feature = "aws", feature = "openstack")))]
mod fixture;
#[cfg(all(test, any(feature = "aws", feature = "openstack")))]
pub(in crate::provider) use fixture::{Folder, PEM, vars};
