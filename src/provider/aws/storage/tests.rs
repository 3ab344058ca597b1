use super::*;
use crate::error::ErrorKind;
use crate::provider::aws::tests::body;
use crate::provider::dialect::by_hand::{failed, read, read_with};

fn aws() -> Aws {
    Aws(())
}

#[test]
fn buckets_are_listed() {
    let call = aws().list_containers(None).expect("a call");
    assert_eq!(call.request.path, "/?max-buckets=1000");
    let list = r#"<?xml version="1.0" encoding="UTF-8"?>
        <ListAllMyBucketsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
        <Owner><ID>me</ID></Owner>
        <Buckets>
          <Bucket><Name>a</Name><CreationDate>2025-11-23T03:58:39.000Z</CreationDate></Bucket>
          <Bucket><Name>b</Name></Bucket>
        </Buckets><ContinuationToken>t/1</ContinuationToken></ListAllMyBucketsResult>"#;
    let page = read(call, 200, list).expect("a page");
    let names: Vec<_> = page.items.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
    assert_eq!(page.items[0].created_at, answer::time("2025-11-23T03:58:39Z"));
    let next = aws().list_containers(page.next.as_ref()).expect("a call");
    assert_eq!(next.request.path, "/?max-buckets=1000&continuation-token=t%2F1");
    let none = "<ListAllMyBucketsResult><Buckets></Buckets></ListAllMyBucketsResult>";
    assert_eq!(read(next, 200, none).expect("a page").items, []);
}

#[test]
fn a_bucket_is_created_in_the_region_that_is_asked() {
    for (region, sent) in [
        (None, ""),
        (Some("us-east-1"), ""),
        (Some("eu-west-1"), "<LocationConstraint>eu-west-1</LocationConstraint>"),
    ] {
        let call = aws().create_container("b", region).expect("a call");
        assert_eq!((call.request.path.as_ref(), &call.request.method), ("/b", &http::Method::PUT));
        assert!(body(&call).contains(sent) && body(&call).is_empty() == sent.is_empty());
        assert_eq!(read(call, 200, "").expect("a bucket").name, "b");
    }
    let odd = aws().create_container("b", Some("x</LocationConstraint>"));
    assert_eq!(failed(odd).kind(), ErrorKind::Invalid);
    let taken = "<Error><Code>BucketAlreadyOwnedByYou</Code></Error>";
    let call = aws().create_container("b", None).expect("a call");
    assert_eq!(failed(read(call, 409, taken)).kind(), ErrorKind::Conflict);
    let call = aws().create_container("b", None).expect("a call");
    let mut again = answer::answer(409, &[], taken);
    again.resent = true;
    assert!(matches!((call.read)(Ok(again)), Ok(Step::Done(_))), "the first attempt did it");
}

#[test]
fn names_stay_in_their_place() {
    let path = |name: &str| key("b", name).expect("a path");
    assert_eq!(path("a/b"), "/b/a/b");
    assert_eq!(path("/a//b/"), "/b//a//b/");
    assert_eq!(path("?#%+ ü"), "/b/%3F%23%25%2B%20%C3%BC");
    assert_eq!(path("../x"), "/b/../x", "S3 resolves no dots");
    assert_eq!(bucket("b?acl").expect("a path"), "/b%3Facl");
    for wrong in ["a/b", "/", ".", ".."] {
        assert_eq!(failed(bucket(wrong)).kind(), ErrorKind::Invalid, "{wrong}");
    }
}

#[test]
fn objects_are_listed_by_the_names_that_they_have() {
    let call = aws().list_objects("b", None).expect("a call");
    assert_eq!(call.request.path, "/b?encoding-type=url&list-type=2");
    let list = |encoding: &str, truncated: bool| {
        format!(
            "<ListBucketResult><Name>b</Name>{encoding}<IsTruncated>{truncated}</IsTruncated>\
             <Contents><Key>a%2Fb+c%2Bd</Key><LastModified>2025-11-23T03:58:39.000Z</LastModified>\
             <ETag>&quot;abc&quot;</ETag><Size>5368709120</Size></Contents>\
             <Contents><Key>%ff</Key><Size>0</Size><ETag></ETag></Contents>\
             <NextContinuationToken>a b</NextContinuationToken></ListBucketResult>"
        )
    };
    let url = "<EncodingType>url</EncodingType>";
    let page = read(call, 200, &list(url, true)).expect("a page");
    let [object, odd] = &page.items[..] else { panic!("two objects: {page:?}") };
    assert_eq!((object.container.as_str(), object.name.as_str()), ("b", "a/b c+d"));
    assert_eq!((object.size, object.etag.as_deref()), (5 << 30, Some("abc")));
    assert_eq!(object.modified_at, answer::time("2025-11-23T03:58:39Z"));
    assert_eq!((odd.name.as_str(), &odd.etag), ("%ff", &None));
    let next = aws().list_objects("b", page.next.as_ref()).expect("a call");
    assert!(next.request.path.ends_with("&continuation-token=a%20b"));
    let page = read(next, 200, &list("", false)).expect("a page");
    assert_eq!(page.items[0].name, "a%2Fb+c%2Bd", "nobody said that it is escaped");
    assert_eq!(page.next, None, "a token without more to come leads nowhere");
    let cut = "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>";
    let call = aws().list_objects("b", None).expect("a call");
    assert_eq!(failed(read(call, 200, cut)).kind(), ErrorKind::Protocol, "never half a list");
}

#[test]
fn an_upload_keeps_its_tag_and_a_deletion_that_was_done_is_done() {
    let call = aws().upload_object("b", "k", "abc".into()).expect("a call");
    assert_eq!(body(&call), "abc");
    let stored = read_with(call, 200, &[("etag", "\"x\"")], "").expect("an object");
    assert_eq!((stored.size, stored.etag.as_deref()), (3, Some("x")));

    let missing = "<Error><Code>NoSuchBucket</Code></Error>";
    for resent in [false, true] {
        let call = aws().delete_container("b").expect("a call");
        let mut again = answer::answer(404, &[], missing);
        again.resent = resent;
        assert_eq!((call.read)(Ok(again)).is_ok(), resent);
    }
    let call = aws().delete_object("b", "k").expect("a call");
    assert_eq!(failed(read(call, 404, missing)).kind(), ErrorKind::NotFound);
}
