//! S3: buckets are containers.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/>. Buckets are named in the path, which every
//! store that speaks S3 takes.

use http::HeaderValue;
use http::header::CONTENT_TYPE;
use serde::Deserialize;

use super::endpoint::check_region;
use super::{Aws, fault};
use crate::call::{Call, Content, Cursor, Page, Request, Response, Service, Step};
use crate::error::{Error, Result};
use crate::provider::dialect::{answer, percent};
use crate::service::storage::{Container, Object, StorageApi};

impl StorageApi for Aws {
    fn list_containers(&self, from: Option<&Cursor>) -> Result<Call<Page<Container>>> {
        // An account with very many is asked for pages, and only for pages.
        let mut path = "/?max-buckets=1000".to_owned();
        if let Some(cursor) = from {
            path.push_str("&continuation-token=");
            path.push_str(&escaped(cursor.as_str()));
        }
        Ok(Call::new(Request::get(S3, path), |response| {
            let list: Buckets =
                fault::xml(&response, "ListAllMyBucketsResult", "a list of buckets")?;
            let buckets = list.buckets.bucket.into_iter().map(Container::from).collect();
            Ok(Step::Done(Page::new(buckets, token(list.continuation_token))))
        }))
    }

    fn create_container(&self, name: &str, region: Option<&str>) -> Result<Call<Container>> {
        let mut request = Request::put(S3, bucket(name)?);
        // Where S3 began it must not be told its own region, everywhere else it must.
        if let Some(region) = region.filter(|region| *region != FIRST_REGION) {
            check_region(region, "the region")?;
            let body = format!(
                "<CreateBucketConfiguration xmlns=\"{NAMESPACE}\"><LocationConstraint>{region}\
                 </LocationConstraint></CreateBucketConfiguration>"
            );
            request.body = body.into();
            request = request.header(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
        }
        let container = Container::new(name);
        Ok(Call::new(request, |response| match fault::success(&response) {
            // An earlier attempt of the same request did it.
            Err(e) if response.resent && e.code() == Some("BucketAlreadyOwnedByYou") => {
                Ok(Step::Done(container))
            }
            result => result.map(|()| Step::Done(container)),
        }))
    }

    fn delete_container(&self, name: &str) -> Result<Call<()>> {
        Ok(gone(Request::delete(S3, bucket(name)?)))
    }

    fn list_objects(&self, container: &str, from: Option<&Cursor>) -> Result<Call<Page<Object>>> {
        let mut path = format!("{}?encoding-type=url&list-type=2", bucket(container)?);
        if let Some(cursor) = from {
            path.push_str("&continuation-token=");
            path.push_str(&escaped(cursor.as_str()));
        }
        let container = container.to_owned();
        Ok(Call::new(Request::get(S3, path), move |response| {
            let list: Keys = fault::xml(&response, "ListBucketResult", "a list of objects")?;
            // XML cannot hold every name; a server that does not escape them does not say so.
            let escaped = list.encoding_type.as_deref() == Some("url");
            let objects = list.contents.into_iter();
            let objects = objects.map(|key| key.into_object(&container, escaped)).collect();
            let next = match token(list.next_continuation_token) {
                _ if !list.is_truncated => None,
                Some(next) => Some(next),
                None => {
                    let text = "the list was cut short and does not say where it goes on; does \
                                this store know ListObjectsV2?";
                    return Err(Error::protocol(text).with_status(response.status));
                }
            };
            Ok(Step::Done(Page::new(objects, next)))
        }))
    }

    fn upload_object(&self, container: &str, name: &str, content: Content) -> Result<Call<Object>> {
        let mut request = Request::put(S3, key(container, name)?);
        let mut object = Object::new(container, name, content.size());
        request.body = content;
        Ok(Call::new(request, move |response| {
            fault::success(&response)?;
            object.etag = response.header("etag").and_then(unquoted);
            Ok(Step::Done(object))
        }))
    }

    fn download_object(&self, container: &str, name: &str) -> Result<Call<Response>> {
        Ok(Call::new(Request::get(S3, key(container, name)?), |response| {
            fault::success(&response)?;
            Ok(Step::Done(response))
        }))
    }

    fn delete_object(&self, container: &str, name: &str) -> Result<Call<()>> {
        Ok(gone(Request::delete(S3, key(container, name)?)))
    }
}

/// Deletes; what an earlier attempt of the same request did counts.
fn gone(request: Request) -> Call<()> {
    Call::new(request, |response| {
        let gone = response.resent && response.status == http::StatusCode::NOT_FOUND;
        if !gone {
            fault::success(&response)?;
        }
        Ok(Step::Done(()))
    })
}

fn bucket(name: &str) -> Result<String> {
    // It must not become another bucket's object, or the list of all.
    if matches!(name, "." | "..") || name.contains('/') {
        return Err(Error::invalid(format!("{name:?} cannot be a bucket's name")));
    }
    Ok(format!("/{}", escaped(name)))
}

fn key(container: &str, name: &str) -> Result<String> {
    Ok(format!("{}/{}", bucket(container)?, percent::encode(name, true)))
}

fn escaped(text: &str) -> String {
    percent::encode(text, false)
}

fn token(next: Option<String>) -> Option<Cursor> {
    next.filter(|token| !token.is_empty()).map(Cursor::new)
}

/// A tag is quoted; some servers leave the quotes away, or the tag.
fn unquoted(etag: &str) -> Option<String> {
    Some(etag.trim().trim_matches('"').to_owned()).filter(|etag| !etag.is_empty())
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Buckets {
    #[serde(default)]
    buckets: BucketList,
    continuation_token: Option<String>,
}

#[derive(Default, Deserialize)]
struct BucketList {
    #[serde(rename = "Bucket", default)]
    bucket: Vec<Bucket>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Bucket {
    name: String,
    creation_date: Option<String>,
}

impl From<Bucket> for Container {
    fn from(bucket: Bucket) -> Self {
        let mut container = Self::new(bucket.name);
        container.created_at = bucket.creation_date.and_then(|text| answer::time(&text));
        container
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Keys {
    #[serde(default)]
    contents: Vec<Key>,
    #[serde(default)]
    is_truncated: bool,
    next_continuation_token: Option<String>,
    encoding_type: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Key {
    key: String,
    size: u64,
    #[serde(rename = "ETag")]
    etag: Option<String>,
    last_modified: Option<String>,
}

impl Key {
    fn into_object(self, container: &str, escaped: bool) -> Object {
        let name = if escaped { percent::decode_form(&self.key) } else { self.key };
        let mut object = Object::new(container, name, self.size);
        object.etag = self.etag.as_deref().and_then(unquoted);
        object.modified_at = self.last_modified.and_then(|text| answer::time(&text));
        object
    }
}

const S3: Service = Service { provider: super::NAME, name: "s3" };
const FIRST_REGION: &str = "us-east-1";
const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";

#[cfg(test)]
mod tests;
