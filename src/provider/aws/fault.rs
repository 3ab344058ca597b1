//! What AWS's services say when they refuse, as an [`Error`].
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>,
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>

use std::fmt::Write;

use serde::Deserialize;

use crate::call::headers::retry_after;
use crate::call::{Response, request_id};
use crate::error::{Error, ErrorKind, Result};
use crate::provider::dialect::{answer, xml};

/// Reads the XML of an answer, or the error that it is; `root` is its outermost element and `asked`
/// names what was asked for.
pub(super) fn xml<'a, T: Deserialize<'a>>(
    response: &'a Response,
    root: &str,
    asked: &str,
) -> Result<T> {
    success(response)?;
    // S3 says 200 as soon as a long work begins, and may have to take that back.
    if xml::is_rooted(response, "Error") {
        return Err(fault(response));
    }
    xml::read(response, root, asked).map_err(|e| e.answered_as(request_id(&response.headers)))
}

/// Checks that an answer says it went well.
pub(super) fn success(response: &Response) -> Result<()> {
    if response.status.is_success() {
        return Ok(());
    }
    Err(fault(response))
}

/// Reads an error answer.
pub(super) fn fault(response: &Response) -> Error {
    let words = Words::read(response);
    let id = words.request_id.clone();
    let code = words.code.clone();
    let kind = words.kind(response);
    let mut error = Error::new(kind, words.text(response))
        .answered_as(request_id(&response.headers))
        .with_status(response.status)
        .with_retry_after(retry_after(&response.headers, None));
    if error.request_id().is_none() {
        error = error.with_request_id(id);
    }
    match code {
        Some(code) => error.with_code(code),
        None => error,
    }
}

/// Names what an error answer means.
pub(super) fn kind(response: &Response) -> ErrorKind {
    Words::read(response).kind(response)
}

/// What an answer says of a failure; all of it may be missing, and is for a HEAD.
#[derive(Default)]
struct Words {
    code: Option<String>,
    message: String,
    region: Option<String>,
    endpoint: Option<String>,
    request_id: Option<String>,
}

impl Words {
    fn read(response: &Response) -> Self {
        let said = |text: String| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let body: Body = xml::try_read(response).unwrap_or_default();
        let inner = body.errors.error.into_iter().next().or(body.error).unwrap_or_default();
        let message = said(inner.message).or_else(|| said(body.message));
        // What is XML and has no words may still hold the session token.
        let is_text = xml::is_page(response) || !response.body.trim_ascii_start().starts_with(b"<");
        Self {
            code: said(inner.code).or_else(|| said(body.code)),
            message: message
                .or_else(|| said(answer::words(response)).filter(|_| is_text))
                .unwrap_or_default(),
            region: response
                .header("x-amz-bucket-region")
                .map(str::to_owned)
                .or_else(|| said(body.region)),
            endpoint: said(body.endpoint),
            request_id: said(body.request_id),
        }
    }

    fn kind(&self, response: &Response) -> ErrorKind {
        let code = self.code.as_deref().unwrap_or_default();
        kind_of_code(code).unwrap_or_else(|| kind_of_status(response.status.as_u16()))
    }

    fn text(self, response: &Response) -> String {
        let advice = self.advice(response);
        let mut text = match (self.message, self.code) {
            (text, _) if !text.is_empty() => text,
            (_, Some(code)) => format!("the cloud says {code:?} and no more"),
            (_, None) => {
                let reason = response.status.canonical_reason().unwrap_or("an unknown status");
                format!("the cloud says {reason:?} and no more")
            }
        };
        if let Some(advice) = advice {
            text.truncate(text.trim_end_matches('.').len());
            write!(text, "; {advice}").expect("a String takes all");
        }
        text
    }

    /// Says what the user can do, where the cloud's own words do not.
    fn advice(&self, response: &Response) -> Option<String> {
        let advice = match self.code.as_deref().unwrap_or_default() {
            "AuthorizationHeaderMalformed" => match &self.region {
                Some(region) => return Some(format!("set the region {region:?}")),
                None => "check the region, and the access key id",
            },
            "AuthFailure" => {
                "check the access key id and the secret, and that the account may use this region"
            }
            "InvalidAccessKeyId" | "InvalidClientTokenId" | "UnrecognizedClientException" => {
                "check the access key id; one that was lent for a time needs its session token"
            }
            "SignatureDoesNotMatch" | "InvalidSignatureException" => {
                "check the secret access key, and the region"
            }
            "ExpiredToken" | "ExpiredTokenException" => {
                "the time for which these keys were lent is over: get new ones"
            }
            "InvalidToken" | "InvalidSecurity" => {
                "check the session token, and that it came with this access key"
            }
            "RequestExpired" | "RequestTimeTooSkewed" => "check this machine's clock",
            "OptInRequired" => "the account has to switch this service or region on first",
            "BadDigest" | "IncompleteBody" | "XAmzContentSHA256Mismatch" => {
                "the body was changed on its way"
            }
            code if is_redirect(response.status.as_u16(), code) => {
                return Some(self.elsewhere(response));
            }
            // A HEAD of another region's bucket says no more than this.
            "" if response.status.as_u16() == 400 => {
                let region = self.region.as_ref()?;
                return Some(format!("it is in region {region:?}; set that one"));
            }
            _ => return None,
        };
        Some(advice.to_owned())
    }

    /// A signature is good for one region and one host, so that nothing can be followed.
    fn elsewhere(&self, response: &Response) -> String {
        let location = || response.header("location")?.split('?').next();
        match (&self.region, self.endpoint.as_deref().or_else(location)) {
            (Some(region), _) => format!("it is in region {region:?}; set that one"),
            (None, Some(place)) => {
                format!("it is at {place:?}; set the region or the endpoint that fits")
            }
            (None, None) => "it is elsewhere; check the region and the endpoint".to_owned(),
        }
    }
}

fn kind_of_code(code: &str) -> Option<ErrorKind> {
    Some(match code {
        "AuthFailure"
        | "AuthorizationHeaderMalformed"
        | "ExpiredToken"
        | "ExpiredTokenException"
        | "IncompleteSignature"
        | "InvalidAccessKeyId"
        | "InvalidClientTokenId"
        | "InvalidSecurity"
        | "InvalidSignatureException"
        | "InvalidToken"
        | "MissingAuthenticationToken"
        | "RequestExpired"
        | "RequestTimeTooSkewed"
        | "SignatureDoesNotMatch"
        | "UnrecognizedClientException" => ErrorKind::Auth,

        "AccessDenied"
        | "AccessDeniedException"
        | "AccountProblem"
        | "AllAccessDisabled"
        | "Blocked"
        | "NotSignedUp"
        | "OperationNotPermitted"
        | "OptInRequired"
        | "PendingVerification"
        | "UnauthorizedOperation" => ErrorKind::Forbidden,

        "BucketAlreadyExists"
        | "BucketAlreadyOwnedByYou"
        | "BucketNotEmpty"
        | "ConditionalRequestConflict"
        | "DependencyViolation"
        | "IdempotentParameterMismatch"
        | "IncorrectInstanceState"
        | "IncorrectState"
        | "InvalidObjectState"
        | "OperationAborted"
        | "PreconditionFailed"
        | "VolumeInUse" => ErrorKind::Conflict,

        "BandwidthLimitExceeded"
        | "EC2ThrottledException"
        | "PriorRequestNotComplete"
        | "RequestLimitExceeded"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "SlowDown"
        | "ThrottledException"
        | "Throttling"
        | "ThrottlingException"
        | "TooManyRequestsException" => ErrorKind::RateLimited,

        "QuotaExceeded" | "ServiceQuotaExceededException" | "TooManyBuckets" => ErrorKind::Quota,

        "InsufficientCapacity"
        | "InsufficientHostCapacity"
        | "InsufficientInstanceCapacity"
        | "InternalError"
        | "InternalFailure"
        // The cloud waited for the body, and not the other way round.
        | "RequestTimeout"
        | "ServiceUnavailable"
        | "Unavailable" => ErrorKind::Unavailable,

        "BadDigest" | "IncompleteBody" | "XAmzContentSHA256Mismatch" => ErrorKind::Protocol,

        "InvalidAction"
        | "MethodNotAllowed"
        | "NotImplemented"
        | "Unsupported"
        | "UnsupportedOperation" => ErrorKind::Unsupported,

        "PermanentRedirect" | "TemporaryRedirect" => ErrorKind::Invalid,

        // EC2 puts the kind of thing before these, and S3 behind.
        _ if code.ends_with("LimitExceeded") => ErrorKind::Quota,
        _ if code.ends_with(".NotFound") || code.starts_with("NoSuch") => ErrorKind::NotFound,
        _ if code.ends_with(".Duplicate") || code.ends_with(".InUse") => ErrorKind::Conflict,
        _ if code.ends_with("Malformed") => ErrorKind::Invalid,
        _ => return None,
    })
}

fn kind_of_status(status: u16) -> ErrorKind {
    match status {
        400 | 411 | 413 | 414 | 416 | 422 => ErrorKind::Invalid,
        401 => ErrorKind::Auth,
        403 => ErrorKind::Forbidden,
        404 => ErrorKind::NotFound,
        405 | 406 | 501 => ErrorKind::Unsupported,
        409 | 412 => ErrorKind::Conflict,
        429 => ErrorKind::RateLimited,
        500..=599 => ErrorKind::Unavailable,
        _ if is_redirect(status, "") => ErrorKind::Invalid,
        _ => ErrorKind::Other,
    }
}

fn is_redirect(status: u16, code: &str) -> bool {
    matches!(code, "PermanentRedirect" | "TemporaryRedirect")
        || matches!(status, 301..=303 | 307 | 308)
}

/// S3's errors have their words at once, EC2's in `Errors`, those of the older services in `Error`.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Body {
    code: String,
    message: String,
    region: String,
    endpoint: String,
    #[serde(alias = "RequestID")]
    request_id: String,
    error: Option<Inner>,
    errors: Errors,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Errors {
    error: Vec<Inner>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Inner {
    code: String,
    message: String,
}

#[cfg(test)]
mod tests;
