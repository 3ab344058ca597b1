//! TLS, set up once per driver.

#[cfg(feature = "tls")]
pub(crate) use with::Tls;
#[cfg(not(feature = "tls"))]
pub(crate) use without::Tls;

#[cfg(feature = "tls")]
mod with {
    use std::io;
    use std::sync::{Arc, OnceLock};

    use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
    use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
    use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
    use rustls_platform_verifier::BuilderVerifierExt;
    use tokio_rustls::TlsConnector;

    use super::super::stream::{Plain, Transport};
    use crate::call::Trust;
    use crate::error::{Error, Result};

    /// How certificates are judged. The system's roots are loaded at the first TLS connection.
    pub(crate) struct Tls {
        roots: Roots,
        config: OnceLock<Arc<ClientConfig>>,
    }

    enum Roots {
        System,
        Given(Vec<CertificateDer<'static>>),
        Anyone,
    }

    impl Tls {
        pub(crate) fn new(trust: &Trust, _min: crate::settings::TlsVersion) -> Result<Self> {
            let roots = match trust {
                Trust { insecure: true, .. } => {
                    tracing::warn!("certificates are not verified: anyone can read this traffic");
                    Roots::Anyone
                }
                Trust { roots, .. } if roots.is_empty() => Roots::System,
                Trust { roots, origin, .. } => {
                    let whence = origin.as_deref().unwrap_or("the CA given");
                    let read: Vec<_> =
                        CertificateDer::pem_slice_iter(roots).collect::<Result<_, _>>().map_err(
                            |e| Error::invalid(format!("{whence} is not PEM")).with_source(e),
                        )?;
                    if read.is_empty() {
                        return Err(Error::invalid(format!("{whence} holds no certificate")));
                    }
                    Roots::Given(read)
                }
            };
            Ok(Self { roots, config: OnceLock::new() })
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
                Error::invalid(format!("{host:?} cannot be the name of a TLS server"))
                    .with_source(e)
            })?;
            match TlsConnector::from(config).connect(name, socket).await {
                Ok(stream) => Ok(Transport::Tls(Box::new(stream))),
                Err(e) => Err(explain(host, e)),
            }
        }

        fn configure(&self) -> Result<Arc<ClientConfig>> {
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let broken = |e: rustls::Error| Error::invalid("TLS cannot be set up").with_source(e);
            let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
                .with_safe_default_protocol_versions()
                .map_err(broken)?;
            let builder = match &self.roots {
                Roots::System => builder.with_platform_verifier().map_err(broken)?,
                Roots::Given(certificates) => {
                    let mut store = RootCertStore::empty();
                    for certificate in certificates {
                        store.add(certificate.clone()).map_err(broken)?;
                    }
                    builder.with_root_certificates(store)
                }
                Roots::Anyone => {
                    builder.dangerous().with_custom_certificate_verifier(Arc::new(Anyone(provider)))
                }
            };
            Ok(Arc::new(builder.with_no_client_auth()))
        }
    }

    /// Says what a person can do about a handshake that failed.
    fn explain(host: &str, e: io::Error) -> Error {
        use crate::error::ErrorKind::Connection;
        use rustls::{CertificateError, Error as TlsError};
        let tls = e.get_ref().and_then(|inner| inner.downcast_ref::<TlsError>());
        let advice = match tls {
            Some(TlsError::InvalidCertificate(CertificateError::UnknownIssuer)) => {
                "its certificate is signed by a CA that is not trusted here; \
                 name that CA's file (for OpenStack: OS_CACERT, or cacert in clouds.yaml)"
            }
            Some(TlsError::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => "its certificate is for another name; use the name that stands in it",
            Some(TlsError::InvalidCertificate(
                CertificateError::Expired | CertificateError::ExpiredContext { .. },
            )) => "its certificate has expired, or the clock here is wrong",
            Some(TlsError::InvalidCertificate(_)) => "its certificate is not accepted",
            Some(TlsError::InvalidMessage(_)) => {
                "what it speaks is not TLS; is it an http:// address?"
            }
            _ => "the handshake broke off",
        };
        let error = Error::new(Connection, format!("no TLS with {host}: {advice}"));
        match tls {
            // Asking again gets the same certificate.
            Some(TlsError::InvalidCertificate(_)) => error.lasting().with_source(e),
            _ => error.with_source(e),
        }
    }

    /// Accepts every certificate, for those who asked for that by name.
    #[derive(Debug)]
    struct Anyone(Arc<CryptoProvider>);

    impl ServerCertVerifier for Anyone {
        fn verify_server_cert(
            &self,
            _: &CertificateDer<'_>,
            _: &[CertificateDer<'_>],
            _: &ServerName<'_>,
            _: &[u8],
            _: UnixTime,
        ) -> Result<ServerCertVerified, rustls::Error> {
            Ok(ServerCertVerified::assertion())
        }

        fn verify_tls12_signature(
            &self,
            message: &[u8],
            cert: &CertificateDer<'_>,
            dss: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, rustls::Error> {
            verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            cert: &CertificateDer<'_>,
            dss: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, rustls::Error> {
            verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            self.0.signature_verification_algorithms.supported_schemes()
        }
    }
}

#[cfg(not(feature = "tls"))]
mod without {
    use super::super::stream::{Plain, Transport};
    use crate::call::Trust;
    use crate::error::{Error, ErrorKind, Result};

    /// This build speaks plain HTTP only.
    pub(crate) struct Tls;

    impl Tls {
        pub(crate) fn new(_: &Trust) -> Result<Self> {
            Ok(Self)
        }

        pub(crate) async fn wrap(&self, host: &str, _: Plain) -> Result<Transport> {
            let text = format!("no TLS with {host}: this build is without the feature `tls`");
            Err(Error::new(ErrorKind::Unsupported, text))
        }
    }
}
