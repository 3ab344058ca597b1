use std::error::Error as _;

use super::*;
use crate::error::{Error, ErrorKind};
use crate::provider::dialect::answer::answer;

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
struct Listing {
    name: String,
    max_keys: u32,
    contents: Vec<Entry>,
    inner: Option<Box<Listing>>,
}

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    key: String,
    size: u64,
}

fn listing(body: &str) -> Result<Listing> {
    read(&answer(200, &[], body), "L", "a listing")
}

fn refusal(body: impl Into<Vec<u8>>, headers: &[(&str, &str)]) -> Error {
    let mut response = answer(200, headers, "");
    response.body = body.into().into();
    let error = match read::<Listing>(&response, "L", "a listing") {
        Ok(read) => panic!("{:?} is {read:?}", response.body),
        Err(error) => error,
    };
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert!(error.source().is_some());
    error
}

#[test]
fn elements_become_fields_whatever_stands_around_them() {
    let body = "\u{feff}<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- a comment -->\n\
         <L xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\n \
         <Name>web</Name><Contents><Key>a&amp;b &#xfc;</Key><Size>7</Size><Odd a='1'/></Contents>\
         <Contents><Size>18446744073709551615</Size><Key><![CDATA[<c>]]></Key></Contents>\
         <Delimiter/><MaxKeys>1000</MaxKeys></L>\n";
    let read = listing(body).expect("a listing");
    assert_eq!((read.name.as_str(), read.max_keys), ("web", 1000));
    let entry = |key: &str, size| Entry { key: key.to_owned(), size };
    assert_eq!(read.contents, [entry("a&b ü", 7), entry("<c>", u64::MAX)]);
    assert_eq!(listing("<L/>").expect("a listing"), Listing::default());
    // Objects may have such names.
    let spaced = listing("\n\n <L><Name> a  b\n</Name></L>").expect("a listing");
    assert_eq!(spaced.name, " a  b\n");
}

#[test]
fn what_came_instead_of_xml_is_named() {
    let html = [("content-type", "text/html; charset=UTF-8")];
    for (headers, body, came) in [
        (&html[..], "<p>log in first<p>", "a web page"),
        (&[], " <!DOCTYPE HTML><title>log in</title><br>", "a web page"),
        (&[], "<html><body><Contents><p></html>", "a web page"),
        (&[], "<html><body>Sound, and no listing.</body></html>", "a web page"),
        (&[], "", "nothing"),
        (&[], " \r\n", "nothing"),
        (&[], "<L><Name>a", "XML that is cut short"),
        (&[], "<L><Name>a</Na", "XML that is cut short"),
        (&[], "<L><Name>a</Name>", "XML that is cut short"),
        (&[], "<L><Name>a&am", "XML that is cut short"),
        (&[], "<L><!-- ", "XML that is cut short"),
        (&[], "<?xml version=\"1.0\"?>", "XML that is cut short"),
        (&[], "<L><Contents><Key>a</Key></Contents></L>", "XML of another shape"),
        (&[], "<L><MaxKeys>many</MaxKeys></L>", "XML of another shape"),
        (&[], "<L><MaxKeys>-1</MaxKeys></L>", "XML of another shape"),
        (&[], "<L><MaxKeys>4294967296</MaxKeys></L>", "XML of another shape"),
        (&[], "<L><MaxKeys>1e400</MaxKeys></L>", "XML of another shape"),
        (&[], "<L><Name>a<b/></Name></L>", "XML of another shape"),
        (&[], "<L><Name>a</Name><Name>b</Name></L>", "XML of another shape"),
        (&[], "<L><Contents/><Name/><Contents/></L>", "XML of another shape"),
        (&[], "<Error><Code>InternalError</Code></Error>", "XML of another shape"),
        (&[], "<L><Name>a</L>", "no XML"),
        (&[], "<L><Name>&nobody;</Name></L>", "no XML"),
        (&[], "{\"id\": 1}", "no XML"),
        (&[], "OK", "no XML"),
        (&[], "\u{0}\u{1}", "no XML"),
    ] {
        let text = refusal(body, headers).to_string();
        assert!(text.contains(&format!("sent {came} (")), "{body:?}: {text}");
        assert!(text.contains("asked for a listing"), "{text}");
    }
    let text = refusal([b"<L><Name>\xff</Name></L>".as_slice()].concat(), &[]).to_string();
    assert!(text.contains("sent no UTF-8 ("), "{text}");
    for size in 0..200 {
        let body: Vec<u8> = (0..size).map(|_| fastrand::u8(..)).collect();
        refusal(body, &[]);
    }
}

#[test]
fn a_number_with_more_digits_than_anybody_has_is_refused() {
    let digits = "9".repeat(1_000_000);
    refusal(format!("<L><MaxKeys>{digits}</MaxKeys></L>"), &[]);
}

#[test]
fn deep_nesting_is_refused_or_skipped_and_does_not_exhaust_the_stack() {
    const DEPTH: usize = 1_000_000;
    let (open, close) = ("<a>".repeat(DEPTH), "</a>".repeat(DEPTH));
    refusal(open.as_str(), &[]);
    refusal(format!("<L><Name>{open}"), &[]);
    refusal(format!("<L><Name>{open}{close}</Name></L>"), &[]);
    refusal(format!("<L><Contents>{open}{close}</Contents></L>"), &[]);
    let skipped = format!("<L>{open}{close}<Name>b</Name></L>");
    assert_eq!(listing(&skipped).expect("a listing").name, "b");

    let (open, close) = ("<Inner>".repeat(DEPTH), "</Inner>".repeat(DEPTH));
    for body in [format!("<L>{open}{close}</L>"), format!("<L>{open}")] {
        let text = refusal(body, &[]).to_string();
        assert!(text.contains("nests too deep"), "{text}");
    }
    assert!(is_rooted(&answer(200, &[], &open), "Inner"));
}

#[test]
fn entities_of_the_documents_own_are_not_expanded() {
    let mut laughs = "<!ENTITY lol0 \"lol\">".to_owned();
    for level in 1..10 {
        let ten = format!("&lol{};", level - 1).repeat(10);
        laughs += &format!("<!ENTITY lol{level} \"{ten}\">");
    }
    let body = format!("<?xml version=\"1.0\"?><!DOCTYPE L [{laughs}]><L><Name>&lol9;</Name></L>");
    refusal(body, &[]);
    let file = "<!DOCTYPE L [<!ENTITY f SYSTEM \"file:///etc/passwd\">]><L><Name>&f;</Name></L>";
    refusal(file, &[]);
    // What nobody reads is not looked at.
    let unread = listing(&format!("<!DOCTYPE L [{laughs}]><L><Odd>&lol9;</Odd></L>"));
    assert_eq!(unread.expect("a listing"), Listing::default());
}

#[test]
fn attributes_without_end_are_read_or_refused() {
    let many: String = (0..100_000).map(|i| format!(" a{i}=''")).collect();
    let read = listing(&format!("<L{many}><Name>b</Name></L>")).expect("a listing");
    assert_eq!(read.name, "b");
    let many: String = (0..100_000).map(|i| format!(" xmlns:a{i}='b'")).collect();
    refusal(format!("<L{many}><Name>b</Name></L>"), &[]);
}

#[test]
fn the_root_is_known_by_its_name_without_a_prefix() {
    for (body, named) in [
        ("<?xml version=\"1.0\"?>\n<!-- - --><Error><Code>a</Code></Error>", true),
        ("<x:Error xmlns:x='a'/>", true),
        ("<Errors/>", false),
        ("<Error", false),
        ("", false),
        ("text", false),
        ("{}", false),
    ] {
        assert_eq!(is_rooted(&answer(200, &[], body), "Error"), named, "{body}");
    }
}
