//! Requests of the services that take an action and its parameters as a form.

use http::HeaderValue;
use http::header::CONTENT_TYPE;

use crate::call::{Replay, Request, Service};
use crate::provider::dialect::percent;

/// An action of a service, with what it is asked for.
pub(super) struct Query(String);

impl Query {
    /// Begins an action of that version of a service.
    pub(super) fn new(action: &str, version: &str) -> Self {
        Self(format!("Action={action}&Version={version}"))
    }

    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        self.0.push('&');
        self.0.push_str(name);
        self.0.push('=');
        self.0.push_str(&percent::encode(value, false));
        self
    }

    /// Writes a request that changes nothing.
    pub(super) fn reading(self, service: Service) -> Request {
        let form = HeaderValue::from_static("application/x-www-form-urlencoded; charset=utf-8");
        let mut request = Request::post(service, "/").header(CONTENT_TYPE, form);
        request.body = self.0.into();
        request.replay(Replay::Safe)
    }
}
