//! Who logs in, and for what.

use std::fmt;

use serde::Serialize;

use crate::call::Secret;

/// How we say who we are.
#[derive(Clone, Debug)]
pub(in crate::provider) enum Identity {
    ApplicationCredential {
        which: Credential,
        secret: Secret,
    },
    Password {
        user: User,
        secret: Secret,
    },
    /// A token of the user's own. It can be exchanged and not be renewed.
    Token {
        secret: Secret,
    },
}

impl Identity {
    pub(super) fn secret(&self) -> &Secret {
        let (Self::ApplicationCredential { secret, .. }
        | Self::Password { secret, .. }
        | Self::Token { secret }) = self;
        secret
    }
}

/// An application credential; a name needs its user beside it.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub(in crate::provider) enum Credential {
    Id { id: String },
    Named { name: String, user: User },
}

/// A user; a name needs its domain beside it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub(in crate::provider) enum User {
    Id { id: String },
    Named { name: String, domain: Domain },
}

/// What a token is for.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::provider) enum Scope {
    Domain(Domain),
    Project(Project),
    System(System),
    #[serde(rename = "OS-TRUST:trust")]
    Trust {
        id: String,
    },
    /// Nothing, also for a user who has a project by default.
    Unscoped,
}

/// The cloud itself, for its operators.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(in crate::provider) struct System {
    pub(in crate::provider) all: bool,
}

/// A project; a name needs its domain beside it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub(in crate::provider) enum Project {
    Id { id: String },
    Named { name: String, domain: Domain },
}

/// A domain.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::provider) enum Domain {
    Id(String),
    Name(String),
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(f, "domain id {id:?}"),
            Self::Name(name) => write!(f, "domain {name:?}"),
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Domain(domain) => write!(f, "{domain}"),
            Self::Project(Project::Id { id }) => write!(f, "project id {id:?}"),
            Self::Project(Project::Named { name, domain }) => {
                write!(f, "project {name:?} ({domain})")
            }
            Self::System(_) => f.write_str("the system"),
            Self::Trust { id } => write!(f, "trust {id:?}"),
            Self::Unscoped => f.write_str("no project"),
        }
    }
}

impl fmt::Display for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id { id } => write!(f, "user id {id:?}"),
            Self::Named { name, domain } => write!(f, "user {name:?} ({domain})"),
        }
    }
}
