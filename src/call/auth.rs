//! How a cloud knows who we are: logins, what they give, and what must not be shown.

use std::borrow::Cow;
use std::fmt;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::InvalidHeaderValue;
use http::{HeaderMap, HeaderValue, Method, Uri};
use zeroize::Zeroizing;

use super::{Content, Response, Step};
use crate::error::{Error, ErrorKind, Result};

/// How a cloud knows who we are, and how it says no.
///
/// The session guarantees that `login` is carried out by one caller at a time and that `authorize`
/// is called for each attempt anew, after the wait for a connection.
pub(crate) trait Auth: Send + Sync {
    /// Writes the login, or grants at once what needs none.
    fn login(&self) -> Result<Step<Grant>>;

    /// Puts the token, or a signature made with it, on a request that is ready to go out.
    fn authorize(&self, signing: Signing<'_>) -> Result<()>;

    /// Names the account that logs in, so that drivers of one account can share a login; `None` if
    /// this way of logging in is not to be shared.
    ///
    /// Keys that need no login have nothing to share. A token that the user brought along is not to
    /// be shared either: its owner may take that one back alone.
    fn account(&self) -> Option<Account> {
        None
    }

    /// Tells whether what proves who we are must never go out without TLS.
    fn keeps_to_tls(&self) -> bool {
        false
    }

    /// Names what an answer that is no success means.
    ///
    /// After `RateLimited`, which says that nothing was done, any request is sent again; after
    /// `Unavailable` those that may be.
    fn refusal(&self, answer: &Response) -> ErrorKind;
}

/// A request on its way out, as far as signing needs it.
pub(crate) struct Signing<'a> {
    pub(crate) method: &'a Method,
    /// Path and query as they go out.
    pub(crate) uri: &'a Uri,
    /// All that go out, `host` among them.
    pub(crate) headers: &'a mut HeaderMap,
    pub(crate) body: &'a Content,
    /// The service that is asked, by its name in the catalog.
    pub(crate) service: &'a str,
    /// The region that is asked; empty if the account has but one.
    pub(crate) region: &'a str,
    /// The time of this attempt.
    pub(crate) now: SystemTime,
    pub(crate) token: &'a Token,
}

/// Whom a login is for, by value: accounts that are equal in all of it are given the same.
#[derive(PartialEq, Eq)]
pub(crate) struct Account {
    /// Where the login goes.
    pub(crate) url: String,
    /// What it says, in memory that is wiped by its owner: it holds the password.
    pub(crate) login: Bytes,
    /// What is chosen from the answer.
    pub(crate) choice: Cow<'static, str>,
}

/// What a login gives.
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    pub(crate) token: Token,
    /// How long the token lives, by the cloud's own clock; `Duration::MAX` if nobody knows an end.
    pub(crate) lifetime: Duration,
    pub(crate) endpoints: Vec<Endpoint>,
}

/// The secret of a token snapshot.
#[derive(Clone)]
pub(crate) enum Token {
    /// Goes on each request as it is.
    Header(HeaderValue),
    /// Sign each request.
    Keys(Keys),
}

/// A pair of keys, and what proves them if they were lent for a time.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    /// The public one's name.
    pub(crate) id: String,
    pub(crate) secret: Secret,
    pub(crate) session: Option<Secret>,
}

impl Token {
    /// Returns all that must not be shown.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &[u8]> {
        let (header, keys) = match self {
            Self::Header(value) => (Some(value.as_bytes()), None),
            Self::Keys(keys) => (None, Some(keys)),
        };
        let secrets = keys.into_iter().flat_map(|k| [Some(&k.secret), k.session.as_ref()]);
        header.into_iter().chain(secrets.flatten().map(|secret| secret.expose().as_bytes()))
    }

    /// Makes one that goes into a header.
    pub(crate) fn header(secret: &str) -> Result<Self> {
        let value = secret_header(Zeroizing::new(secret.as_bytes().to_vec())).map_err(|e| {
            Error::protocol("the token that the cloud issued cannot stand in a header")
                .with_source(e)
        })?;
        Ok(Self::Header(value))
    }
}

/// Makes a header's value of a secret. It and its clones share one memory, which is wiped by its
/// owner when the last of them is dropped.
///
/// What the wire has written is not: the bytes of a request pass through the buffers of hyper.
pub(crate) fn secret_header(
    secret: impl AsRef<[u8]> + Send + 'static,
) -> Result<HeaderValue, InvalidHeaderValue> {
    let mut value = HeaderValue::from_maybe_shared(Bytes::from_owner(secret))?;
    value.set_sensitive(true);
    Ok(value)
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// Where one service of one region is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) service: String,
    /// `None` for one that serves every region; `{region}` in its URL stands for the one asked for.
    pub(crate) region: Option<String>,
    pub(crate) url: String,
}

/// A text that is never shown and is wiped when dropped.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Secret(Zeroizing<String>);

impl Secret {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

    use super::*;

    /// Stands where the memory does that wipes itself.
    struct Owner(Vec<u8>, Arc<AtomicBool>);

    impl AsRef<[u8]> for Owner {
        fn as_ref(&self) -> &[u8] {
            &self.0
        }
    }

    impl Drop for Owner {
        fn drop(&mut self) {
            self.1.store(true, SeqCst);
        }
    }

    #[test]
    fn a_secret_in_a_header_stays_in_one_memory_that_its_owner_wipes_at_last() {
        let wiped = Arc::<AtomicBool>::default();
        let owner = Owner(b"gAAAA-made-up".to_vec(), Arc::clone(&wiped));
        let memory = owner.0.as_ptr();
        let token = secret_header(owner).expect("a value");
        let mut headers = HeaderMap::new();
        headers.insert("x-auth-token", token.clone());
        for value in [&token, &headers["x-auth-token"]] {
            assert_eq!(value.as_bytes().as_ptr(), memory, "not a copy");
            assert!(value.is_sensitive() && !format!("{value:?}").contains("gAAAA"));
        }
        drop(token);
        assert!(!wiped.load(SeqCst));
        drop(headers);
        assert!(wiped.load(SeqCst));
    }

    #[test]
    fn secrets_are_never_shown() {
        let secret = Secret::new("s3cret");
        let keys =
            Keys { id: "AKID".into(), secret: secret.clone(), session: Some(secret.clone()) };
        let tokens = [Token::header("s3cret").expect("a token"), Token::Keys(keys.clone())];
        let shown = format!("{secret:?} {keys:?} {tokens:?}");
        assert!(shown.contains("AKID") && !shown.contains("s3cret"), "{shown}");
        for odd in ["a\r\nb", "a\0b", "a\nb"] {
            let error = Token::header(odd).expect_err("no header");
            assert_eq!(error.kind(), ErrorKind::Protocol);
        }
    }
}
