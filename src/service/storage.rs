//! Storage: containers, and the objects in them.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use serde::Serialize;

use super::rfc3339;
use crate::call::{Call, Content, Cursor, Page, Response};
use crate::download::Download;
use crate::error::{Error, Result};
use crate::op::Op;
use crate::page::List;
use crate::session::Session;

/// Object storage of one cloud: the handle that [`Driver::storage`](crate::Driver::storage) gives.
///
/// # Threads
/// `Clone + Send + Sync`: share it, clone it, put it in a `static`. All clones use the driver's one
/// pool and one token.
///
/// # Example
/// ```no_run
/// # async fn f(driver: welkin::Driver) -> welkin::Result<()> {
/// let storage = driver.storage()?;
/// storage.create_container("notes").await?;
/// storage.upload_object("notes", "today.txt", "buy milk").await?;
/// let text = storage.download_object("notes", "today.txt").bytes().await?;
/// assert_eq!(text, "buy milk");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Storage {
    session: Session,
    api: Arc<dyn StorageApi>,
}

/// What a provider translates for [`Storage`].
///
/// The handle guarantees that names are not empty. A list begins at the beginning when it is given
/// no cursor, and a cursor is one that the same list returned.
pub(crate) trait StorageApi: Send + Sync {
    fn list_containers(&self, from: Option<&Cursor>) -> Result<Call<Page<Container>>>;
    /// `region` is the one that the handle looks at, if it names one.
    fn create_container(&self, name: &str, region: Option<&str>) -> Result<Call<Container>>;
    fn delete_container(&self, name: &str) -> Result<Call<()>>;
    fn list_objects(&self, container: &str, from: Option<&Cursor>) -> Result<Call<Page<Object>>>;
    fn upload_object(&self, container: &str, name: &str, content: Content) -> Result<Call<Object>>;
    /// The answer is returned as it is if it went well: its body is the object.
    fn download_object(&self, container: &str, name: &str) -> Result<Call<Response>>;
    fn delete_object(&self, container: &str, name: &str) -> Result<Call<()>>;
}

impl Storage {
    pub(crate) fn new(session: Session, api: Arc<dyn StorageApi>) -> Self {
        Self { session, api }
    }

    /// Lists the containers of the account.
    pub fn list_containers(&self) -> List<Container> {
        let api = Arc::clone(&self.api);
        List::new(&self.session, "list_containers", move |from| api.list_containers(from))
    }

    /// Creates a container.
    ///
    /// # Errors
    /// `Conflict` when the name is taken, where the cloud minds; some clouds give their user's own
    /// container back. `Invalid` when the cloud does not take the name.
    pub fn create_container(&self, name: impl AsRef<str>) -> Op<Container> {
        let region = self.session.region();
        let call = named(name.as_ref(), "container")
            .and_then(|name| self.api.create_container(name, region));
        Op::new(&self.session, "create_container", call)
    }

    /// Deletes a container that is empty.
    ///
    /// # Errors
    /// `Conflict` when there are objects in it, `NotFound` when there is no such container.
    pub fn delete_container(&self, container: impl AsRef<str>) -> Op<()> {
        let call =
            named(container.as_ref(), "container").and_then(|n| self.api.delete_container(n));
        Op::new(&self.session, "delete_container", call)
    }

    /// Lists the objects of a container.
    ///
    /// # Errors
    /// `NotFound` when there is no such container.
    pub fn list_objects(&self, container: impl AsRef<str>) -> List<Object> {
        let (api, container) = (Arc::clone(&self.api), container.as_ref().to_owned());
        List::new(&self.session, "list_objects", move |from| {
            api.list_objects(named(&container, "container")?, from)
        })
    }

    /// Stores an object, in place of the one that has the name.
    ///
    /// It is there whole or not at all. The name is stored as it is, whatever characters it has.
    /// It may take any time as long as bytes move, unless its `.timeout(..)` says otherwise.
    ///
    /// # Errors
    /// `NotFound` when there is no such container; `Local` when the content cannot be read or is not
    /// as large as was said.
    ///
    /// # Cancellation
    /// Dropped before its last byte went out, nothing is stored.
    pub fn upload_object(
        &self,
        container: impl AsRef<str>,
        name: impl AsRef<str>,
        content: impl Into<Content>,
    ) -> Op<Object> {
        let call = both(container.as_ref(), name.as_ref())
            .and_then(|(container, name)| self.api.upload_object(container, name, content.into()))
            .map(patient);
        Op::new(&self.session, "upload_object", call)
    }

    /// Prepares the download of an object.
    ///
    /// # Errors
    /// What it ends with is `NotFound` when there is no such object.
    pub fn download_object(&self, container: impl AsRef<str>, name: impl AsRef<str>) -> Download {
        let call = both(container.as_ref(), name.as_ref())
            .and_then(|(container, name)| self.api.download_object(container, name))
            .map(patient);
        Download::new(&self.session, call)
    }

    /// Deletes an object.
    ///
    /// # Errors
    /// `NotFound` when there is no such container; whether a missing object is an error depends on
    /// the cloud.
    pub fn delete_object(&self, container: impl AsRef<str>, name: impl AsRef<str>) -> Op<()> {
        let call = both(container.as_ref(), name.as_ref())
            .and_then(|(container, name)| self.api.delete_object(container, name));
        Op::new(&self.session, "delete_object", call)
    }
}

impl fmt::Debug for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let provider = self.session.provider();
        f.debug_struct("Storage").field("provider", &provider).finish_non_exhaustive()
    }
}

/// Content takes the time that it takes.
fn patient<T>(mut call: Call<T>) -> Call<T> {
    call.request.patient = true;
    call
}

fn both<'a>(container: &'a str, object: &'a str) -> Result<(&'a str, &'a str)> {
    Ok((named(container, "container")?, named(object, "object")?))
}

fn named<'a>(name: &'a str, what: &str) -> Result<&'a str> {
    if name.is_empty() {
        return Err(Error::invalid(format!("the {what}'s name is empty")));
    }
    Ok(name)
}

/// A place for objects; clouds call it container or bucket.
///
/// Wherever an operation asks for a container, its name will do as well.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Container {
    /// Its name.
    pub name: String,
    /// When it was created, where the cloud tells.
    #[serde(serialize_with = "rfc3339")]
    pub created_at: Option<SystemTime>,
}

impl Container {
    /// Makes a container by hand, for tests of code that uses this crate.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), created_at: None }
    }
}

impl AsRef<str> for Container {
    fn as_ref(&self) -> &str {
        &self.name
    }
}

/// A named piece of content.
///
/// Wherever an operation asks for an object, its name will do as well.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Object {
    /// The container it lies in.
    pub container: String,
    /// Its name, of any characters; slashes are nothing special.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// The cloud's tag of this version of it, without quotes; often its MD5 in hex.
    pub etag: Option<String>,
    /// When it was stored, where the cloud tells.
    #[serde(serialize_with = "rfc3339")]
    pub modified_at: Option<SystemTime>,
}

impl Object {
    /// Makes an object by hand, for tests of code that uses this crate.
    pub fn new(container: impl Into<String>, name: impl Into<String>, size: u64) -> Self {
        Self { container: container.into(), name: name.into(), size, etag: None, modified_at: None }
    }
}

impl AsRef<str> for Object {
    fn as_ref(&self) -> &str {
        &self.name
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn a_name_that_is_empty_is_said_to_be() {
        let error = both("", "a").unwrap_err();
        assert_eq!((error.kind(), error.to_string()), {
            (ErrorKind::Invalid, "the container's name is empty".into())
        });
        assert_eq!(both("a", "").unwrap_err().to_string(), "the object's name is empty");
        assert_eq!(both("a", "b").unwrap(), ("a", "b"));
    }
}
