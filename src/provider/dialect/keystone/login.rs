//! The login as Keystone reads it, in memory that is wiped.

use std::io;

use bytes::Bytes;
use serde::{Serialize, Serializer};
use zeroize::Zeroizing;

use super::{Credential, Identity, Scope, User};
use crate::call::Secret;
use crate::error::{Error, Result};

/// Writes the login into memory that is wiped when the request is dropped.
pub(super) fn body(identity: &Identity, scope: Option<&Scope>) -> Result<Bytes> {
    let (method, password, application_credential, token) = match identity {
        Identity::Password { user, secret } => {
            let user = WithPassword { user, password: secret };
            ("password", Some(PasswordBody { user }), None, None)
        }
        Identity::ApplicationCredential { which, secret } => {
            let body = CredentialBody { which, secret };
            ("application_credential", None, Some(body), None)
        }
        Identity::Token { secret } => ("token", None, None, Some(TokenBody { id: secret })),
    };
    let login = Login {
        auth: AuthBody {
            identity: IdentityBody { methods: [method], password, application_credential, token },
            scope,
        },
    };
    // Sized beforehand: a buffer that grows would leave the secret in what it grew out of.
    let mut size = Length(0);
    let mut body = Zeroizing::new(Vec::new());
    serde_json::to_writer(&mut size, &login)
        .and_then(|()| {
            body.reserve_exact(size.0);
            serde_json::to_writer(&mut *body, &login)
        })
        .map_err(|e| Error::invalid("the login cannot be written as JSON").with_source(e))?;
    Ok(Bytes::from_owner(body))
}

#[derive(Serialize)]
struct Login<'a> {
    auth: AuthBody<'a>,
}

#[derive(Serialize)]
struct AuthBody<'a> {
    identity: IdentityBody<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'a Scope>,
}

#[derive(Serialize)]
struct IdentityBody<'a> {
    methods: [&'static str; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<PasswordBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    application_credential: Option<CredentialBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<TokenBody<'a>>,
}

#[derive(Serialize)]
struct TokenBody<'a> {
    #[serde(serialize_with = "exposed")]
    id: &'a Secret,
}

#[derive(Serialize)]
struct PasswordBody<'a> {
    user: WithPassword<'a>,
}

#[derive(Serialize)]
struct WithPassword<'a> {
    #[serde(flatten)]
    user: &'a User,
    #[serde(serialize_with = "exposed")]
    password: &'a Secret,
}

#[derive(Serialize)]
struct CredentialBody<'a> {
    #[serde(flatten)]
    which: &'a Credential,
    #[serde(serialize_with = "exposed")]
    secret: &'a Secret,
}

fn exposed<S: Serializer>(secret: &Secret, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(secret.expose())
}

/// Counts what is written.
struct Length(usize);

impl io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
