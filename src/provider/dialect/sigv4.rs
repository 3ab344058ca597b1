//! AWS Signature Version 4: who knows the secret can check the request, and the secret stays here.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>

use std::fmt::Write;
use std::time::SystemTime;

use hmac::{Hmac, KeyInit, Mac};
use http::header::{AUTHORIZATION, HOST};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::percent;
use crate::call::{Keys, Secret, secret_header};
use crate::error::{Error, Result};

/// What a signature is good for, beside its day.
#[derive(Clone, Copy, Debug)]
pub(in crate::provider) struct Scope<'a> {
    pub(in crate::provider) region: &'a str,
    /// The name that the service signs by, such as `s3`.
    pub(in crate::provider) service: &'a str,
}

/// What is signed of the body.
#[derive(Clone, Copy, Debug)]
pub(in crate::provider) enum Payload<'a> {
    Bytes(&'a [u8]),
    /// Nothing, because nobody has seen all of it yet. Only S3 takes that.
    Unsigned,
}

/// Signs a request as it goes out; whatever it had been signed with before is replaced.
///
/// `target` is escaped already, and `headers` has the host. Every header is signed but those of
/// [`UNSIGNED`].
pub(in crate::provider) fn sign(
    keys: &Keys,
    scope: Scope<'_>,
    now: SystemTime,
    method: &Method,
    target: &Uri,
    headers: &mut HeaderMap,
    payload: Payload<'_>,
) -> Result<()> {
    if !headers.contains_key(HOST) {
        return Err(Error::invalid("a request that names no host cannot be signed"));
    }
    let time = timestamp(now)?;
    let date = &time[..8];
    let hash = payload.hash();
    headers.insert(DATE, value(&time, "time")?);
    // S3 wants to be told. Others count the body themselves, unless that is not what was signed.
    if scope.is_s3() || matches!(payload, Payload::Unsigned) {
        headers.insert(CONTENT_HASH, value(&hash, "hash")?);
    }
    match &keys.session {
        Some(token) => {
            let token = secret_header(Zeroizing::new(token.expose().as_bytes().to_vec()))
                .map_err(|_| unfit("session token"))?;
            headers.insert(SESSION_TOKEN, token);
        }
        None => {
            headers.remove(SESSION_TOKEN);
        }
    }

    let (digest, signed) = canonical(scope, method, target, headers, &hash);
    let place = format!("{date}/{}/{}/aws4_request", scope.region, scope.service);
    let text = format!("{ALGORITHM}\n{time}\n{place}\n{digest}");
    let signature = hex(&*hmac(&*signing_key(&keys.secret, date, scope), &text));
    let mut line = value(
        &format!(
            "{ALGORITHM} Credential={}/{place}, SignedHeaders={signed}, Signature={signature}",
            keys.id
        ),
        "access key id or region",
    )?;
    line.set_sensitive(true);
    headers.insert(AUTHORIZATION, line);
    Ok(())
}

impl Scope<'_> {
    fn is_s3(&self) -> bool {
        self.service == "s3"
    }
}

impl Payload<'_> {
    fn hash(self) -> String {
        match self {
            Self::Bytes(bytes) => hex(&Sha256::digest(bytes)),
            Self::Unsigned => "UNSIGNED-PAYLOAD".to_owned(),
        }
    }
}

/// Returns the hash of the one form that a request has for both sides, and which headers are in it.
///
/// The form itself is never put together: it holds the session token.
fn canonical(
    scope: Scope<'_>,
    method: &Method,
    target: &Uri,
    headers: &HeaderMap,
    payload: &str,
) -> (String, String) {
    let mut names: Vec<_> =
        headers.keys().map(HeaderName::as_str).filter(|name| !UNSIGNED.contains(name)).collect();
    names.sort_unstable();
    let signed = names.join(";");

    let path = match scope.is_s3() {
        // S3 reads a path as it stands: no dots are resolved, nothing is escaped a second time.
        true => percent::encode_again(target.path(), true),
        false => percent::encode(target.path(), true),
    };
    let mut hash = Sha256::new();
    for line in [method.as_str(), &path, &query(target.query().unwrap_or_default())] {
        hash.update(line);
        hash.update("\n");
    }
    for name in names {
        hash.update(name);
        hash.update(":");
        for (i, value) in headers.get_all(name).iter().enumerate() {
            if i > 0 {
                hash.update(",");
            }
            trimmed(value, &mut hash);
        }
        hash.update("\n");
    }
    hash.update("\n");
    hash.update(&signed);
    hash.update("\n");
    hash.update(payload);
    (hex(&hash.finalize()), signed)
}

/// Sorts by name and then by value, as they are written once escaped.
fn query(query: &str) -> String {
    // Servers read a plus as a space here.
    let part = |text: &str| percent::encode_again(&text.replace('+', "%20"), false);
    let mut pairs: Vec<_> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (part(name), part(value)))
        .collect();
    pairs.sort_unstable();
    let pairs: Vec<_> = pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

/// Takes a value without white space around it, and with one space for each run of it inside.
fn trimmed(value: &HeaderValue, hash: &mut Sha256) {
    let words = value.as_bytes().split(|byte| matches!(byte, b' ' | b'\t'));
    for (i, word) in words.filter(|word| !word.is_empty()).enumerate() {
        if i > 0 {
            hash.update(" ");
        }
        hash.update(word);
    }
}

fn signing_key(secret: &Secret, date: &str, scope: Scope<'_>) -> Zeroizing<[u8; 32]> {
    let start = Zeroizing::new(["AWS4", secret.expose()].concat());
    let mut key = hmac(start.as_bytes(), date);
    for part in [scope.region, scope.service, "aws4_request"] {
        key = hmac(&*key, part);
    }
    key
}

fn hmac(key: &[u8], text: &str) -> Zeroizing<[u8; 32]> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(text.as_bytes());
    Zeroizing::new(mac.finalize().into_bytes().into())
}

fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        write!(out, "{byte:02x}").expect("a String takes all");
    }
    out
}

fn timestamp(now: SystemTime) -> Result<String> {
    jiff::Timestamp::try_from(now)
        .ok()
        .filter(|time| *time >= jiff::Timestamp::UNIX_EPOCH)
        .map(|time| time.strftime("%Y%m%dT%H%M%SZ").to_string())
        .ok_or_else(|| Error::invalid("this machine's clock shows no possible time; set it"))
}

/// The text itself is not repeated: it may be a secret.
fn value(text: &str, what: &str) -> Result<HeaderValue> {
    HeaderValue::from_str(text).map_err(|_| unfit(what))
}

fn unfit(what: &str) -> Error {
    Error::invalid(format!("the {what} has characters that no header can hold"))
}

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const CONTENT_HASH: HeaderName = HeaderName::from_static("x-amz-content-sha256");
const DATE: HeaderName = HeaderName::from_static("x-amz-date");
const SESSION_TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");

/// What is written, or written anew, after signing: by the wire, and by proxies on the way. The
/// length is among them because the wire writes it; the hash of the body vouches for it.
const UNSIGNED: [&str; 15] = [
    "accept-encoding",
    "authorization",
    "connection",
    "content-length",
    "expect",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
    "x-amzn-trace-id",
];

#[cfg(test)]
mod tests;
