//! What a file of cases needs to be replayed: tables, and nothing else.

use serde_json::Value;
use welkin::{Driver, Result};

use crate::cases::{Answer, Asked};
use crate::request::Request;

/// A file of cases, and what is ours for each of Libcloud's methods.
///
/// Methods are named alone, or with the class they are called on: `Class.method`.
pub(crate) struct File {
    /// Below `cases/`.
    pub(crate) path: &'static str,
    /// Opens a driver that asks the server at a URL, for one call.
    pub(crate) open: fn(&Asked, &str) -> Result<Driver>,
    /// The login of that driver, where the recording has none that it could use.
    pub(crate) login: Option<fn(&Asked, &str) -> Answer>,
    pub(crate) asks: &'static [Ask],
    /// What will have a row in `asks`.
    pub(crate) not_yet: &'static [&'static str],
    /// Calls that decide nothing about their case.
    pub(crate) beside: &'static [&'static str],
    /// Methods that are no part of what is replayed, by what they are about.
    pub(crate) elsewhere: &'static [Elsewhere],
    /// Classes that are no part of it either, and why.
    pub(crate) classes_elsewhere: &'static [(&'static str, &'static str)],
    /// Takes out of a request what says nothing, before it is compared with another one.
    pub(crate) tidy: fn(&mut Request),
    pub(crate) deliberate: &'static [Deliberate],
}

/// One of Libcloud's methods, and our call for it.
pub(crate) struct Ask {
    pub(crate) method: &'static str,
    /// Names of the arguments that our call can be given.
    pub(crate) takes: &'static [&'static str],
    /// Names of those that it will take.
    pub(crate) will_take: &'static [&'static str],
    pub(crate) call: fn(&Driver, &Asked) -> Result<Value>,
    /// What is compared of each thing that returns: our field, and where Libcloud has it.
    pub(crate) fields: &'static [(&'static str, &'static str)],
}

pub(crate) struct Elsewhere {
    pub(crate) about: &'static str,
    pub(crate) methods: &'static [&'static str],
}

/// A difference that we want.
pub(crate) struct Deliberate {
    pub(crate) name: &'static str,
    pub(crate) why: &'static str,
    pub(crate) methods: &'static [&'static str],
    pub(crate) fields: &'static [Instead],
}

pub(crate) struct Instead {
    /// A field, `length`, `requests` or `outcome`.
    pub(crate) field: &'static str,
    /// Makes what we say of what was recorded: of the call, and of the thing that has the field.
    /// `None` where the difference has nothing to do with it.
    pub(crate) ours: fn(&Asked, &Value) -> Option<Value>,
}

impl Asked {
    pub(crate) fn is_one_of(&self, methods: &[&str]) -> bool {
        methods.iter().any(|method| match method.split_once('.') {
            Some((on, method)) => (on, method) == (self.on.as_str(), self.method.as_str()),
            None => *method == self.method,
        })
    }
}
