//! A TLS server of rustls' own, a thread for each connection, and the CAs that vouch for both sides.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, mpsc};
use std::thread;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, SanType, date_time_ymd,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{
    HandshakeKind, RootCertStore, ServerConfig, ServerConnection, SupportedProtocolVersion,
};

/// Someone who signs certificates.
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    pub(super) fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    pub(super) fn pem(&self) -> String {
        self.pem.clone()
    }

    /// Makes a certificate for 127.0.0.1, but for what `change` makes of it, and its key, in PEM form.
    pub(super) fn identity(
        &self,
        name: &str,
        change: impl FnOnce(&mut CertificateParams),
    ) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.subject_alt_names = vec![SanType::IpAddress([127, 0, 0, 1].into())];
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_before = date_time_ymd(2001, 1, 1);
        params.not_after = date_time_ymd(2099, 1, 1);
        change(&mut params);
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }
}

/// What became of a handshake, as the server saw it.
#[derive(Debug, PartialEq)]
pub(super) enum Told {
    Done(HandshakeKind),
    Failed(String),
}

pub(super) struct Server {
    pub(super) port: u16,
    told: mpsc::Receiver<Told>,
}

impl Server {
    /// Answers any request with "ok". `clients` vouches for those who may come.
    pub(super) fn start(
        (certificate, key): (String, String),
        versions: &[&'static SupportedProtocolVersion],
        clients: Option<&Authority>,
    ) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(versions)
            .unwrap();
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                let pem = authority.pem();
                roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap();
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                builder.with_client_cert_verifier(verifier.build().unwrap())
            }
        };
        let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
        let config = Arc::new(builder.with_single_cert(chain, key).unwrap());
        Self::serve(move |stream| {
            let mut connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            answer(&mut connection, stream)
        })
    }

    /// Speaks HTTP where TLS is expected.
    pub(super) fn plain() -> Self {
        Self::serve(|mut stream| {
            let _ = stream.read(&mut [0; 1000]);
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
            end(&stream);
            Told::Failed("no TLS".into())
        })
    }

    fn serve(answer: impl Fn(TcpStream) -> Told + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (tell, told) = mpsc::channel();
        // It ends with the first that comes after the test is over, or with the process.
        thread::spawn(move || {
            for stream in listener.incoming() {
                if tell.send(answer(stream.unwrap())).is_err() {
                    return;
                }
            }
        });
        Self { port, told }
    }

    /// Waits until the next connection has ended.
    pub(super) fn next(&self) -> Told {
        self.told.recv().unwrap()
    }
}

fn answer(connection: &mut ServerConnection, mut stream: TcpStream) -> Told {
    let mut request = [0; 1000];
    let mut tls = rustls::Stream::new(connection, &mut stream);
    // Reading does the handshake first.
    let told = match tls.read(&mut request) {
        Ok(_) => {
            let _ = tls.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
            Told::Done(connection.handshake_kind().unwrap())
        }
        Err(e) => Told::Failed(e.to_string()),
    };
    // The alert that says why, if any.
    let _ = connection.write_tls(&mut stream);
    end(&stream);
    told
}

/// Closes after the peer has: unread bytes would turn the end into a reset, which takes the last
/// words with it.
fn end(stream: &TcpStream) {
    let _ = stream.shutdown(Shutdown::Write);
    let _ = std::io::copy(&mut &*stream, &mut std::io::sink());
}
