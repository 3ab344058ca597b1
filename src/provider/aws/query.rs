//! Requests of the services that take an action and its parameters as a form.

use http::HeaderValue;
use http::header::CONTENT_TYPE;

use crate::call::{Replay, Request, Service};
use crate::provider::dialect::percent;

/// An action of a service, with what it is asked for.
#[derive(Clone)]
pub(super) struct Query(String);

impl Query {
    /// Begins an action of that version of a service.
    pub(super) fn new(action: &str, version: &str) -> Self {
        Self(format!("Action={action}&Version={version}"))
    }

    /// Adds a parameter as forms write it, where a space is a `+` (URL standard, 5.2): some that check
    /// the signature write the form anew for it.
    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        self.0.push('&');
        self.0.push_str(name);
        self.0.push('=');
        self.0.push_str(&percent::encode(value, false).replace("%20", "+"));
        self
    }

    /// Writes a request that changes nothing, or nothing more when it is sent twice.
    pub(super) fn reading(self, service: Service) -> Request {
        self.request(service).replay(Replay::Safe)
    }

    /// Writes a request that changes something each time it is sent.
    pub(super) fn changing(self, service: Service) -> Request {
        self.request(service)
    }

    /// Writes a request that the service knows again by the token in it, and carries out once.
    pub(super) fn with_token(self, token: &str, service: Service) -> Request {
        self.with("ClientToken", token).request(service).replay(Replay::Known)
    }

    fn request(self, service: Service) -> Request {
        let form = HeaderValue::from_static("application/x-www-form-urlencoded; charset=utf-8");
        let mut request = Request::post(service, "/").header(CONTENT_TYPE, form);
        request.body = self.0.into();
        request
    }
}
