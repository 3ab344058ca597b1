//! What the fuzzer may call: everything that reads what others wrote. `fuzz/` has a target for each.
//!
//! No input may panic, and what was accepted can be used: each function says in its assertions what
//! that means.

use std::time::{Duration, Instant, UNIX_EPOCH};

use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::call::headers;
use crate::call::{Call, Cursor, Page, Response, Step, Target};
use crate::driver::Driver;
use crate::error::{Error, Result};
use crate::provider::{Provider, aws, openstack};
use crate::wire::Origin;

/// Keystone's answer to a login.
pub fn keystone(data: &[u8]) {
    let auth = openstack().auth;
    let Ok(Step::Next(login)) = auth.login() else { panic!("a login is one request") };
    let grant = match (login.read)(Ok(response(data))) {
        Ok(Step::Done(grant)) => grant,
        Ok(Step::Next(_) | Step::Wait(..)) => panic!("a login is one request"),
        Err(error) => return presentable(&error),
    };
    assert!(Instant::now().checked_add(grant.lifetime).is_some(), "no clock counts that far");
    // One that is none would make the whole login useless.
    grant.endpoints.iter().for_each(|endpoint| is_address(&endpoint.url));
}

/// Nova's list of servers, and Glance's of images.
pub fn nova(data: &[u8]) {
    let compute = openstack().compute.expect("OpenStack computes");
    let list = |from: Option<&Cursor>| compute.list_nodes(from);
    if let Some(nodes) = page(data, &list) {
        nodes.iter().for_each(|node| drop(serde_json::to_string(node).expect("a node is JSON")));
    }
    page(data, &|from| compute.list_images(from));
}

/// The links by which Nova's and Glance's lists lead from page to page.
pub fn links(data: &[u8]) {
    let compute = openstack().compute.expect("OpenStack computes");
    let href = String::from_utf8_lossy(data);
    let nova = serde_json::json!({"servers": [], "servers_links": [{"rel": "next", "href": href}]});
    page(&ok(nova.to_string()), &|from| compute.list_nodes(from));
    let glance = serde_json::json!({"images": [], "next": href});
    page(&ok(glance.to_string()), &|from| compute.list_images(from));
    // From a user's own store.
    if let Ok(call) = compute.list_nodes(Some(&Cursor::new(href))) {
        is_path(&call.request.path);
    }
}

/// Refusals of OpenStack's services and of AWS's.
pub fn errors(data: &[u8]) {
    let (openstack, aws) = (openstack(), aws());
    let refused = |provider: &Provider, result: Result<()>| {
        if let Err(error) = result {
            presentable(&error);
            let kind = provider.auth.refusal(&response(data));
            assert!(response(data).status.is_success() || kind == error.kind());
        }
    };
    let compute = openstack.compute.as_ref().expect("OpenStack computes");
    refused(&openstack, done(compute.destroy_node("a"), response(data)));
    let storage = aws.storage.as_ref().expect("AWS stores");
    refused(&aws, done(storage.delete_object("a", "b"), response(data)));
    refused(&aws, done(storage.list_containers(None), response(data)).map(drop));
}

/// `Retry-After`, with the `Date` that it counts from on a second line.
pub fn retry_after(data: &[u8]) {
    let mut lines = data.splitn(2, |byte| *byte == b'\n');
    let mut headers = HeaderMap::new();
    for name in ["retry-after", "date"] {
        if let Some(Ok(value)) = lines.next().map(HeaderValue::from_bytes) {
            headers.insert(name, value);
        }
    }
    // With a clock, as the session reads it.
    let received = UNIX_EPOCH + Duration::from_secs(1_763_870_319);
    let (without, with) =
        (headers::retry_after(&headers, None), headers::retry_after(&headers, Some(received)));
    assert!(with.is_none_or(|wait| wait <= Duration::from_secs(24 * 3600)));
    assert!(without.is_none() || without == with, "the answer's own date comes first");
    let (status, body) = (StatusCode::TOO_MANY_REQUESTS, Default::default());
    let answer = Response { status, headers, body, live: None, resent: false };
    let compute = openstack().compute.expect("OpenStack computes");
    presentable(&done(compute.destroy_node("a"), answer).expect_err("a refusal"));
}

/// clouds.yaml, and after a NUL the secure.yaml beside it.
pub fn clouds_yaml(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut files = text.split('\0');
    let clouds = files.next().unwrap_or_default();
    match openstack::Config::of_texts("my", clouds, files.next()) {
        Ok(config) => logs_in(config.try_into()),
        Err(error) => presentable(&error),
    }
}

/// AWS's `config` file, and after a NUL its `credentials`.
pub fn aws_profile(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (config, credentials) = text.split_once('\0').unwrap_or((&text, ""));
    match aws::Config::of_texts("default", config, credentials) {
        // Whatever it says of the region, it may be said later.
        Ok(config) => logs_in(config.region("eu-north-1").try_into()),
        Err(error) => presentable(&error),
    }
}

/// The selector of a cloud, without any file to find it in.
pub fn selector(data: &[u8]) {
    if let Err(error) = Driver::from_selector(&String::from_utf8_lossy(data)) {
        presentable(&error);
    }
}

/// S3's lists of buckets and of objects, and EC2's of instances and images.
pub fn aws_lists(data: &[u8]) {
    let aws = aws();
    let (compute, storage) = (aws.compute.expect("AWS computes"), aws.storage.expect("AWS stores"));
    page(data, &|from| storage.list_containers(from));
    for object in page(data, &|from| storage.list_objects("bucket", from)).unwrap_or_default() {
        serde_json::to_string(&object).expect("an object is JSON");
        let call = storage.download_object("bucket", &object.name).expect("every name is a key");
        is_path(&call.request.path);
    }
    page(data, &|from| compute.list_images(from));
    for node in page(data, &|from| compute.list_nodes(from)).unwrap_or_default() {
        serde_json::to_string(&node).expect("a node is JSON");
    }
}

fn openstack() -> Provider {
    let config = openstack::Config::password("http://cloud.example/v3", "demo", "secret");
    config.project("demo").try_into().expect("a sound configuration")
}

fn aws() -> Provider {
    let config = aws::Config::keys("AKIAEXAMPLE", "secret").region("eu-north-1");
    config.try_into().expect("a sound configuration")
}

/// What was accepted can log in, and knows where.
fn logs_in(provider: Result<Provider>) {
    match provider.expect("it was checked").auth.login().expect("it was checked") {
        Step::Done(grant) => grant.endpoints.iter().for_each(|endpoint| is_address(&endpoint.url)),
        Step::Next(call) | Step::Wait(_, call) => match &call.request.target {
            Target::Url(url) => is_address(url),
            Target::Service(_) => panic!("before the login there is no catalog"),
        },
    }
}

/// Requests can go there.
fn is_address(url: &str) {
    let split = Origin::split(&url.replace("{region}", "region"));
    let (_, host, base) = split.expect("an address that was accepted");
    HeaderValue::from_str(&host).expect("a host is a header");
    is_path(&base);
}

/// An answer: its status, lines of headers, an empty line, the body. What has no such head is the
/// body of one that went well.
fn response(data: &[u8]) -> Response {
    let (status, headers, body) = data
        .windows(2)
        .position(|pair| pair == b"\n\n")
        .and_then(|end| {
            let mut lines = data[..end].split(|byte| *byte == b'\n');
            let status = StatusCode::from_bytes(lines.next()?).ok()?;
            (!status.is_informational()).then(|| (status, headers(lines), &data[end + 2..]))
        })
        .unwrap_or((StatusCode::OK, HeaderMap::new(), data));
    Response { status, headers, body: body.to_vec().into(), live: None, resent: false }
}

fn headers<'a>(lines: impl Iterator<Item = &'a [u8]>) -> HeaderMap {
    let pairs = lines.filter_map(|line| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?;
        Some((HeaderName::from_bytes(&line[..colon]).ok()?, value))
    });
    pairs.collect()
}

fn ok(body: String) -> Vec<u8> {
    ["200\n\n", &body].concat().into_bytes()
}

/// Reads the answer of a call that needs no other.
fn done<T>(call: Result<Call<T>>, response: Response) -> Result<T> {
    match (call.expect("a call").read)(Ok(response))? {
        Step::Done(value) => Ok(value),
        Step::Next(_) | Step::Wait(..) => panic!("no further request is needed"),
    }
}

/// Reads a page; where it leads to can be asked for, kept, and is another page.
fn page<T>(data: &[u8], list: &dyn Fn(Option<&Cursor>) -> Result<Call<Page<T>>>) -> Option<Vec<T>> {
    let page = match done(list(None), response(data)) {
        Ok(page) => page,
        Err(error) => {
            presentable(&error);
            return None;
        }
    };
    if let Some(next) = &page.next {
        let kept = serde_json::to_string(next).expect("a cursor is JSON");
        let back: Cursor = serde_json::from_str(&kept).expect("and comes back");
        assert_eq!(back, *next);
        let call = list(Some(next)).expect("the cloud's own cursor");
        is_path(&call.request.path);
    }
    Some(page.items)
}

fn is_path(path: &str) {
    assert!(path.is_empty() || path.parse::<PathAndQuery>().is_ok(), "{path:?} is no path");
}

/// One line, of a length that people read, about a wait that ends.
fn presentable(error: &Error) {
    let text = error.to_string();
    assert!(!text.is_empty() && text.len() < LONGEST, "{} bytes", text.len());
    assert!(!text.contains(char::is_control), "{text:?}");
    assert!(error.retry_after().is_none_or(|wait| wait <= Duration::from_secs(24 * 3600)));
}

/// A message, an id, and what stands between them.
const LONGEST: usize = 2_500;

#[cfg(test)]
mod tests {
    use super::*;

    /// What the fuzzer begins with holds: each of these asked for a mend once, or shows a form.
    #[test]
    fn the_seeds_hold() {
        let targets: [(&str, fn(&[u8])); 9] = [
            ("aws_lists", aws_lists),
            ("aws_profile", aws_profile),
            ("clouds_yaml", clouds_yaml),
            ("errors", errors),
            ("keystone", keystone),
            ("links", links),
            ("nova", nova),
            ("retry_after", retry_after),
            ("selector", selector),
        ];
        let seeds = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds");
        // A package comes without them.
        let Ok(folders) = std::fs::read_dir(seeds) else { return };
        for folder in folders.map(|folder| folder.expect("a folder")) {
            let name = folder.file_name();
            let (_, target) =
                targets.iter().find(|(target, _)| name == *target).expect("a target for it");
            for seed in std::fs::read_dir(folder.path()).expect("a folder") {
                let path = seed.expect("a file").path();
                println!("{}", path.display());
                target(&std::fs::read(path).expect("a file"));
            }
        }
    }
}
