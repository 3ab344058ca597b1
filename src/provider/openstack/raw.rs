//! Any question to any service, for what nobody has written an operation for.

use std::borrow::Cow;

use bytes::Bytes;

use super::{OpenStack, fault};
use crate::call::{Call, Request, Service, Step};

impl OpenStack {
    /// Asks a service whatever you like, and returns the body of its answer as it came.
    ///
    /// `service` is a type of the catalog, such as `compute` or `network`. `path` goes behind the
    /// endpoint that the catalog names; its query, if any, is percent-encoded already.
    ///
    /// # Errors
    /// What the driver gives when it sends the call: `Unsupported` when the catalog has no such
    /// service, `Invalid` when that cannot be a path, and whatever the service refuses with.
    ///
    /// # Example
    /// ```no_run
    /// use welkin::{Driver, openstack::OpenStack};
    ///
    /// let driver = Driver::from_selector("openstack")?;
    /// let native = driver.native::<OpenStack>()?;
    /// let limits = driver.send(native.get("compute", "/limits")).wait()?;
    /// println!("{}", String::from_utf8_lossy(&limits));
    /// # Ok::<(), welkin::Error>(())
    /// ```
    pub fn get(&self, service: &'static str, path: impl Into<Cow<'static, str>>) -> Call<Bytes> {
        let path = path.into();
        let path = if path.starts_with('/') { path } else { format!("/{path}").into() };
        let service = Service { provider: super::NAME, name: service };
        // It captures nothing: a box around nothing is not allocated.
        Call::new(Request::get(service, path), |response| {
            fault::success(&response)?;
            Ok(Step::Done(response.body))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::provider::dialect::by_hand::{failed, read};

    #[test]
    fn a_raw_answer_comes_as_it_is_and_a_refusal_as_an_error() {
        let call = OpenStack::new().get("compute", "/limits?reserved=1");
        assert_eq!(call.request.path, "/limits?reserved=1");
        assert_eq!(std::mem::size_of_val(&*call.read), 0, "its reader captures nothing");
        assert_eq!(read(call, 200, "no JSON").expect("a body"), "no JSON");

        let call = OpenStack::new().get("compute", "limits");
        assert_eq!(call.request.path, "/limits");
        let refused = r#"{"itemNotFound": {"code": 404, "message": "no limits here"}}"#;
        let error = failed(read(call, 404, refused));
        assert_eq!((error.kind(), error.code()), (ErrorKind::NotFound, Some("itemNotFound")));
    }
}
