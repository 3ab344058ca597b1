//! TLS, set up once per driver.

mod certificate;
mod explain;
mod identity;
mod verify;

use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, OnceLock};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion, version};
use tokio_rustls::TlsConnector;

pub(super) use self::explain::late;
use self::explain::{Handshake, explain};
use self::identity::Identity;
use self::verify::{Anyone, Naming};
use super::stream::{Plain, Transport};
use crate::call::Trust;
use crate::error::{Error, Result};
use crate::settings::TlsVersion;

/// How certificates are judged, and what we show of ourselves. The system's roots are loaded at the
/// first TLS connection.
pub(crate) struct Tls {
    roots: Roots,
    identity: Arc<Identity>,
    min: TlsVersion,
    provider: Arc<CryptoProvider>,
    /// With its store of sessions, which spare the next connection half of the handshake.
    config: OnceLock<Arc<ClientConfig>>,
}

enum Roots {
    System,
    Given(Vec<CertificateDer<'static>>),
    Anyone,
}

impl Tls {
    pub(crate) fn new(trust: &Trust, min: TlsVersion) -> Result<Self> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let roots = match trust {
            Trust { insecure: true, .. } => {
                tracing::warn!("certificates are not verified: anyone can read this traffic");
                Roots::Anyone
            }
            Trust { roots, .. } if roots.is_empty() => Roots::System,
            Trust { roots, origin, .. } => {
                let whence = origin.as_deref().unwrap_or("the CA given");
                Roots::Given(certificates(roots, whence)?)
            }
        };
        let identity = Arc::new(Identity::new(trust.identity.as_ref())?);
        Ok(Self { roots, identity, min, provider, config: OnceLock::new() })
    }

    /// Puts TLS around a socket. The caller drives it, and bounds its time.
    pub(crate) async fn wrap(&self, host: &str, socket: Plain) -> Result<Transport> {
        let config = match self.config.get() {
            Some(config) => Arc::clone(config),
            // A failure is not kept: the system's roots may be there the next time.
            None => {
                let config = self.configure()?;
                Arc::clone(self.config.get_or_init(|| config))
            }
        };
        let name = ServerName::try_from(host.to_owned()).map_err(|e| {
            Error::invalid(format!("{host:?} cannot be the name of a TLS server")).with_source(e)
        })?;
        let mut handshake =
            Handshake { asked: false, presents: self.identity.is_some(), min: self.min };
        let mut connecting = pin!(TlsConnector::from(config).connect(name, socket));
        let connected = poll_fn(|cx| {
            let (polled, asked) = identity::whether_asked(|| connecting.as_mut().poll(cx));
            handshake.asked |= asked;
            polled
        });
        match connected.await {
            Ok(stream) => Ok(Transport::Tls(Box::new(stream))),
            Err(e) => Err(explain(host, &handshake, e)),
        }
    }

    fn configure(&self) -> Result<Arc<ClientConfig>> {
        let broken = |e: rustls::Error| Error::invalid("TLS cannot be set up").with_source(e);
        let versions: &[&SupportedProtocolVersion] = match self.min {
            TlsVersion::Tls12 => &[&version::TLS13, &version::TLS12],
            TlsVersion::Tls13 => &[&version::TLS13],
        };
        let config = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(versions)
            .map_err(broken)?
            .dangerous()
            .with_custom_certificate_verifier(self.verifier()?)
            .with_client_cert_resolver(Arc::clone(&self.identity) as _);
        Ok(Arc::new(config))
    }

    fn verifier(&self) -> Result<Arc<dyn ServerCertVerifier>> {
        let judge: Arc<dyn ServerCertVerifier> = match &self.roots {
            Roots::Anyone => return Ok(Arc::new(Anyone(Arc::clone(&self.provider)))),
            Roots::System => {
                match rustls_platform_verifier::Verifier::new(Arc::clone(&self.provider)) {
                    Ok(verifier) => Arc::new(verifier),
                    Err(e) => self.without_system(e)?,
                }
            }
            Roots::Given(certificates) => {
                let mut store = RootCertStore::empty();
                for certificate in certificates {
                    store.add(certificate.clone()).map_err(|e| {
                        Error::invalid("a CA that was given cannot be used").with_source(e)
                    })?;
                }
                self.web_pki(store)?
            }
        };
        Ok(Arc::new(Naming(judge)))
    }

    /// Where the system has no roots, as in a container without a distribution.
    #[cfg(feature = "webpki-roots")]
    fn without_system(&self, e: rustls::Error) -> Result<Arc<dyn ServerCertVerifier>> {
        tracing::info!(reason = %e, "the system has no CA certificates: the bundled ones judge");
        let roots = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
        self.web_pki(roots)
    }

    #[cfg(not(feature = "webpki-roots"))]
    #[allow(clippy::unused_self)]
    fn without_system(&self, e: rustls::Error) -> Result<Arc<dyn ServerCertVerifier>> {
        let text = "this system has no CA certificates: install them (the package is mostly called \
                    ca-certificates), name a CA, or build with the feature `webpki-roots`";
        Err(Error::invalid(text).with_source(e))
    }

    fn web_pki(&self, roots: RootCertStore) -> Result<Arc<dyn ServerCertVerifier>> {
        let provider = Arc::clone(&self.provider);
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .map(|verifier| verifier as _)
            .map_err(|e| Error::invalid("a CA that was given cannot be used").with_source(e))
    }
}

/// Reads certificates in PEM form, at least one; `whence` they are is for messages.
fn certificates(pem: &[u8], whence: &str) -> Result<Vec<CertificateDer<'static>>> {
    let read: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|e| Error::invalid(format!("{whence} is not PEM")).with_source(e))?;
    if read.is_empty() {
        return Err(Error::invalid(format!("{whence} holds no certificate")));
    }
    Ok(read)
}

#[cfg(all(test, unix, feature = "sim"))]
mod tests;
