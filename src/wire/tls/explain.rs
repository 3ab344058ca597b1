//! Says what a person can do about a handshake that failed.

use std::io;

use rustls::{AlertDescription, CertificateError, Error as TlsError, PeerIncompatible};

use super::verify::Refused;
use crate::error::{Error, ErrorKind};
use crate::settings::TlsVersion;

/// What is known of a handshake beside its error.
pub(super) struct Handshake {
    /// The server asked for a certificate of ours.
    pub(super) asked: bool,
    /// We have one.
    pub(super) presents: bool,
    pub(super) min: TlsVersion,
}

pub(super) fn explain(host: &str, handshake: &Handshake, e: io::Error) -> Error {
    let tls = e.get_ref().and_then(|inner| inner.downcast_ref::<TlsError>());
    let advice = match tls {
        Some(TlsError::InvalidCertificate(why)) => match Refused::of(why) {
            Some(refused) => certificate(refused),
            None => format!("its certificate is not accepted: {why}"),
        },
        Some(TlsError::AlertReceived(AlertDescription::ProtocolVersion)) => version(handshake.min),
        Some(TlsError::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
        )) => version(handshake.min),
        Some(TlsError::AlertReceived(alert)) => match about_us(*alert, handshake) {
            Some(advice) => advice.to_owned(),
            None => format!("it broke the handshake off, and says {alert:?}"),
        },
        Some(TlsError::PeerIncompatible(why)) => {
            format!("it has nothing in common with what is spoken here: {why:?}")
        }
        Some(TlsError::InvalidMessage(_)) => {
            "what it speaks is not TLS; is it an http:// address?".to_owned()
        }
        _ if handshake.asked && !handshake.presents => WANTS_ONE.to_owned(),
        _ => "the handshake broke off".to_owned(),
    };
    let error = Error::new(ErrorKind::Connection, format!("no TLS with {host}: {advice}"));
    match tls {
        // Asking again gets the same answer.
        Some(
            TlsError::InvalidCertificate(_)
            | TlsError::PeerIncompatible(_)
            | TlsError::AlertReceived(_),
        ) => error.lasting().with_source(e),
        _ => error.with_source(e),
    }
}

/// Says what a server means that refuses us after the handshake, as TLS 1.3 has it.
pub(crate) fn late(e: io::Error) -> io::Error {
    let tls = e.get_ref().and_then(|inner| inner.downcast_ref::<TlsError>());
    let Some(TlsError::AlertReceived(alert)) = tls else {
        return e;
    };
    let presents = *alert != AlertDescription::CertificateRequired;
    match about_us(*alert, &Handshake { asked: true, presents, min: TlsVersion::Tls13 }) {
        Some(advice) => {
            let text = format!("the server refuses us: {advice}");
            let error = Error::new(ErrorKind::Connection, text).lasting();
            io::Error::new(e.kind(), error.with_source(e))
        }
        None => e,
    }
}

/// Certificates are ours if the server complains about one.
fn about_us(alert: AlertDescription, handshake: &Handshake) -> Option<&'static str> {
    use AlertDescription as A;
    match alert {
        _ if handshake.asked && !handshake.presents => Some(WANTS_ONE),
        A::CertificateRequired => Some(WANTS_ONE),
        A::CertificateExpired if handshake.presents => {
            Some("our client certificate has expired; get a new one")
        }
        A::UnknownCA if handshake.presents => {
            Some("our client certificate is signed by a CA that it does not trust")
        }
        A::AccessDenied
        | A::BadCertificate
        | A::CertificateRevoked
        | A::CertificateUnknown
        | A::UnsupportedCertificate
            if handshake.presents =>
        {
            Some("it does not accept our client certificate; is that the right one?")
        }
        _ => None,
    }
}

fn certificate(Refused { why, facts }: &Refused) -> String {
    use CertificateError as C;
    let which = match facts {
        Some(facts) => format!("its certificate, {facts},"),
        None => "its certificate".to_owned(),
    };
    match why {
        C::UnknownIssuer => format!(
            "{which} is signed by a CA that is not trusted here; name that CA's file (for \
             OpenStack: OS_CACERT, or cacert in clouds.yaml; for AWS: AWS_CA_BUNDLE)"
        ),
        C::NotValidForName => {
            format!("{which} is for another name; use the name that stands in it")
        }
        C::NotValidForNameContext { presented, .. } => {
            let names: Vec<_> = presented.iter().take(MOST_NAMES).map(|n| shown(n)).collect();
            let names = if names.is_empty() { "none".into() } else { names.join(", ") };
            format!("{which} is for other names ({names}); use one that stands in it")
        }
        C::Expired | C::ExpiredContext { .. } => {
            format!("{which} has expired, or the clock here is wrong")
        }
        C::NotValidYet | C::NotValidYetContext { .. } => {
            format!("{which} is not valid yet, or the clock here is wrong")
        }
        C::Revoked => format!("{which} was revoked"),
        C::InvalidPurpose | C::InvalidPurposeContext { .. } => {
            format!("{which} is not one for servers")
        }
        C::BadEncoding => format!("{which} cannot be read"),
        _ => format!("{which} is not accepted: {why}"),
    }
}

/// rustls shows the names as its own types: `DnsName("h.example")`.
fn shown(name: &str) -> &str {
    name.split('"').nth(1).unwrap_or(name)
}

fn version(min: TlsVersion) -> String {
    let allowed = match min {
        TlsVersion::Tls12 => "1.2 and 1.3",
        TlsVersion::Tls13 => "1.3 alone, by Settings::min_tls",
    };
    format!("it speaks no version of TLS that is allowed here ({allowed})")
}

const WANTS_ONE: &str = "it asks for a client certificate and there is none to show; name one with \
                         its key (for OpenStack: OS_CERT and OS_KEY, or cert and key in clouds.yaml)";
const MOST_NAMES: usize = 5;
