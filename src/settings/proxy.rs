//! Proxies: which one, if any, stands between the driver and a host.

use std::fmt;

use http::uri::Authority;
use zeroize::Zeroizing;

use super::exception::Exceptions;
use crate::call::Secret;
use crate::error::{Error, ErrorKind, Result};

/// What decides whether a connection goes through a proxy.
///
/// It is part of the settings and never changes while a driver lives, so that one origin always has
/// the same answer: a pool, which belongs to one driver and one origin, never mixes ways.
#[derive(Clone, Debug, Default)]
pub(crate) enum Proxies {
    /// Those of the environment, once a driver is opened.
    #[default]
    Unread,
    /// None, whatever the environment says.
    Never,
    Always(Proxy),
    ByScheme(Box<ByScheme>),
}

/// What the environment says. A proxy that cannot be used fails those who would go through it.
#[derive(Clone, Debug, Default)]
pub(crate) struct ByScheme {
    pub(super) http: Option<Result<Proxy>>,
    pub(super) https: Option<Result<Proxy>>,
    pub(super) exceptions: Exceptions,
}

impl Proxies {
    /// Returns the proxy for a host; `None` if it is reached directly.
    pub(crate) fn find(&self, tls: bool, host: &str, port: u16) -> Result<Option<&Proxy>> {
        let by_scheme = match self {
            Self::Unread | Self::Never => return Ok(None),
            Self::Always(proxy) => return Ok(Some(proxy)),
            Self::ByScheme(by_scheme) => by_scheme,
        };
        match if tls { &by_scheme.https } else { &by_scheme.http } {
            None => Ok(None),
            Some(_) if by_scheme.exceptions.hold(host, port) => Ok(None),
            Some(Ok(proxy)) => Ok(Some(proxy)),
            Some(Err(unusable)) => Err(unusable.clone()),
        }
    }
}

/// A proxy that opens tunnels by CONNECT (RFC 9110, 9.3.6).
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Proxy {
    pub(crate) host: String,
    pub(crate) port: u16,
    authorization: Option<Secret>,
    /// The setting that named it, for messages.
    pub(crate) setting: String,
}

impl Proxy {
    /// Reads `http://user:password@host:port`, of which only the host must be there.
    ///
    /// # Errors
    /// `Invalid` for what is no address, `Unsupported` for proxies of another kind. Neither repeats
    /// what may be a password.
    pub(super) fn parse(url: &str, setting: &str) -> Result<Self> {
        let url = url.trim();
        let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
        let (user, rest) = match rest.rsplit_once('@') {
            Some((user, rest)) => (Some(user), rest),
            None => (None, rest),
        };
        let wrong =
            |why: &str| Error::invalid(format!("{setting} names the proxy {rest:?}, which {why}"));
        if !scheme.eq_ignore_ascii_case("http") {
            let text = format!(
                "{setting} names a proxy of the kind {scheme}://, which is not supported; \
                 there is http://"
            );
            return Err(Error::new(ErrorKind::Unsupported, text));
        }
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        let authority: Authority =
            authority.parse().map_err(|_| wrong("is no address; write http://host:port"))?;
        let host = authority.host();
        let port = match authority.as_str()[host.len()..].strip_prefix(':') {
            None => 80,
            Some(port) => match port.parse() {
                Ok(0) | Err(_) => return Err(wrong("has no port from 1 to 65535")),
                Ok(port) => port,
            },
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() {
            return Err(wrong("has no host; write http://host:port"));
        }
        let authorization = user.map(basic).transpose().map_err(|()| {
            Error::invalid(format!(
                "{setting} holds a name or password for the proxy that is not valid; escape what \
                 is neither letter nor digit, as in %40 for @"
            ))
        })?;
        Ok(Self { host: host.to_owned(), port, authorization, setting: setting.to_owned() })
    }

    /// Returns the value of `Proxy-Authorization`: for the proxy, and for nobody else.
    pub(crate) fn authorization(&self) -> Option<&str> {
        self.authorization.as_ref().map(Secret::expose)
    }
}

/// Shows where it is, without name and password.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "http://[{}]:{}", self.host, self.port),
            false => write!(f, "http://{}:{}", self.host, self.port),
        }
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({self})")
    }
}

/// Writes name and password, escaped as in a URL, the way a proxy wants them (RFC 7617, 2).
fn basic(user: &str) -> Result<Secret, ()> {
    let (name, password) = user.split_once(':').unwrap_or((user, ""));
    let mut plain = Zeroizing::new(Vec::with_capacity(user.len() + 1));
    unescape(name, &mut plain);
    // The first colon ends the name, so that a name cannot hold one.
    if plain.contains(&b':') {
        return Err(());
    }
    plain.push(b':');
    unescape(password, &mut plain);
    if plain.iter().any(u8::is_ascii_control) {
        return Err(());
    }
    Ok(Secret::new(base64("Basic ", &plain)))
}

fn unescape(text: &str, into: &mut Vec<u8>) {
    let mut rest = text.as_bytes();
    while let [byte, after @ ..] = rest {
        let digit = |at: usize| char::from(*after.get(at)?).to_digit(16);
        let escaped = match (byte, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => u8::try_from(high << 4 | low).ok(),
            _ => None,
        };
        into.push(escaped.unwrap_or(*byte));
        rest = if escaped.is_some() { &after[2..] } else { after };
    }
}

/// Writes bytes behind a word (RFC 4648, 4).
fn base64(word: &str, bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    // Sized beforehand: a text that grows would leave the secret in what it grew out of.
    let mut out = String::with_capacity(word.len() + bytes.len().div_ceil(3) * 4);
    out.push_str(word);
    for three in bytes.chunks(3) {
        let all = three.iter().fold(0, |all, byte| all << 8 | usize::from(*byte));
        let all = all << (8 * (3 - three.len()));
        for i in 0..4 {
            let digit = char::from(DIGITS[all >> (18 - 6 * i) & 63]);
            out.push(if i > three.len() { '=' } else { digit });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<Proxy> {
        Proxy::parse(url, "HTTPS_PROXY")
    }

    #[test]
    fn a_proxy_is_read_with_and_without_what_may_be_left_out() {
        for (url, host, port) in [
            ("http://proxy.example:3128", "proxy.example", 3128),
            (" HTTP://proxy.example:3128/ ", "proxy.example", 3128),
            ("proxy.example:8080", "proxy.example", 8080),
            ("proxy.example", "proxy.example", 80),
            ("http://me:pw@[::1]:3128", "::1", 3128),
            ("http://10.0.0.1", "10.0.0.1", 80),
        ] {
            let proxy = parse(url).expect("a proxy");
            assert_eq!((proxy.host.as_str(), proxy.port), (host, port), "{url}");
        }
        assert_eq!(parse("http://[::1]:3128").unwrap().to_string(), "http://[::1]:3128");
    }

    #[test]
    fn name_and_password_become_one_header_and_are_never_shown() {
        for (url, header) in [
            // The example of RFC 7617, 2.
            ("http://Aladdin:open%20sesame@p", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
            ("http://a:b@p", "Basic YTpi"),
            ("http://me@p", "Basic bWU6"),
            // Who does not escape is understood where that is possible.
            ("http://me:a@b:c@p", "Basic bWU6YUBiOmM="),
            ("http://me:%zz@p", "Basic bWU6JXp6"),
        ] {
            let proxy = parse(url).expect("a proxy");
            assert_eq!(proxy.authorization(), Some(header), "{url}");
            let shown = format!("{proxy} {proxy:?}");
            assert!(!shown.contains('@') && !shown.contains("Basic"), "{shown}");
        }
        assert_eq!(parse("http://p:1").unwrap().authorization(), None);
    }

    #[test]
    fn what_is_no_proxy_is_refused_without_the_password() {
        for (url, kind) in [
            ("http://", ErrorKind::Invalid),
            ("http://me:s3cret@", ErrorKind::Invalid),
            ("http://me:s3cret@h:0", ErrorKind::Invalid),
            ("http://me:s3cret@h:70000", ErrorKind::Invalid),
            ("http://me:s3cret@h:", ErrorKind::Invalid),
            ("http://me:s3cret@h/path", ErrorKind::Invalid),
            ("http://me:s3cret@a b", ErrorKind::Invalid),
            ("http://me:s3cret%0d%0aX: y@h", ErrorKind::Invalid),
            ("http://me%3as3cret:pw@h", ErrorKind::Invalid),
            ("https://me:s3cret@h", ErrorKind::Unsupported),
            ("socks5h://me:s3cret@h", ErrorKind::Unsupported),
        ] {
            let error = parse(url).expect_err(url);
            assert_eq!(error.kind(), kind, "{url}");
            let shown = format!("{error} {error:?}");
            assert!(shown.contains("HTTPS_PROXY") && !shown.contains("s3cret"), "{shown}");
        }
    }
}
