use super::*;

fn files(config: &str, credentials: &str) -> Files {
    Files {
        config: File::parse("/config", config).expect("sound"),
        credentials: File::parse("/credentials", credentials).expect("sound"),
    }
}

fn refused<T>(result: Result<T>, kind: ErrorKind) -> String {
    let error = result.err().expect("it has to fail");
    assert_eq!(error.kind(), kind);
    let text = format!("{error} {error:?}");
    assert!(!text.contains("s3cret"), "{text}");
    error.to_string()
}

#[test]
fn files_are_read_as_aws_documents_them() {
    let config = "\u{feff}# a comment\n\
         ; another\r\n\
         \n\
         [default]\n\
         region=us-west-2 # Oregon\n\
         output = json\r\n\
         [profile   \"my own\" ] ; mine\n\
         Region = eu-west-1\n\
         aws_secret_access_key = a#b;c/d+e=\n\
         empty =\n\
         s3 =\n\
         \x20 max_concurrent_requests = 20\n\
         \tAddressing_Style=path\n\
         after = wards\n\
         [sso-session corp]\n\
         sso_region = us-east-1\n\
         [profile all-indented]\n\
         \x20 region = a\n\
         \x20 output = b\n\
         [default]\n\
         region = us-east-2\n";
    let files = files(config, "");
    let default = files.profile("default").expect("there");
    assert_eq!(default.text("region"), Some("us-east-2"));
    assert_eq!(default.text("output"), Some("json"));
    let own = files.profile("my own").expect("there");
    for (key, text) in [
        ("region", Some("eu-west-1")),
        ("aws_secret_access_key", Some("a#b;c/d+e=")),
        ("empty", None),
        ("s3", None),
        ("s3.max_concurrent_requests", Some("20")),
        ("s3.addressing_style", Some("path")),
        ("after", Some("wards")),
        ("max_concurrent_requests", None),
    ] {
        assert_eq!(own.text(key), text, "{key}");
    }
    let indented = files.profile("all-indented").expect("there");
    assert_eq!((indented.text("region"), indented.text("output")), (Some("a"), Some("b")));
    assert_eq!(files.names(), ["all-indented", "default", "my own"]);
}

#[test]
fn a_value_on_two_lines_is_not_half_a_value() {
    let files = files("", "[default]\naws_session_token = abc\n  def=\n");
    let token = files.profile("default").expect("there");
    assert_eq!(token.text("aws_session_token"), Some("abc\ndef="));
}

#[test]
fn lines_that_make_no_sense_are_named_by_number_and_not_shown() {
    for (text, line) in [
        ("[default\nkey = s3cret", 1),
        ("[default]\ns3cret", 2),
        ("[default]\n\n= s3cret", 3),
        ("# a\nkey = s3cret", 2),
        ("{\"s3cret\": 1}", 1),
        ("s3cret\0", 1),
    ] {
        let text = refused(File::parse("/config", text), ErrorKind::Invalid);
        assert!(text.starts_with(&format!("line {line} of /config ")), "{text}");
    }
}

#[test]
fn any_text_is_read_or_refused() {
    let pieces = ["[", "]", "=", "\n", " ", "#", ";", "a", "\"", "ü", "\t", "\r", "\0", "[a]\n"];
    for _ in 0..2_000 {
        let text: String =
            (0..fastrand::usize(..40)).map(|_| pieces[fastrand::usize(..pieces.len())]).collect();
        let _ = File::parse("/config", &text);
    }
    let long = format!("[a]\nb = {}\n{}", "c".repeat(1_000_000), "[d]\n".repeat(100_000));
    assert!(File::parse("/config", &long).is_ok());
}

#[test]
fn a_profile_is_of_both_files_and_its_keys_of_one() {
    let files = files(
        "[profile web]\naws_access_key_id = OLD\naws_secret_access_key = s3cret\n\
         aws_session_token = OLD\nregion = eu-west-1\noutput = json\n\
         [profile only-here]\naws_access_key_id = HERE",
        "[web]\naws_access_key_id = NEW\naws_secret_access_key = s3cret\noutput = text\n\
         [only-there]\nregion = eu-west-2",
    );
    let web = files.profile("web").expect("there");
    for (key, text) in [
        ("aws_access_key_id", Some("NEW")),
        ("aws_session_token", None),
        ("region", Some("eu-west-1")),
        ("output", Some("text")),
    ] {
        assert_eq!(web.text(key), text);
    }
    let here = files.profile("only-here").expect("there");
    assert_eq!(here.text("aws_access_key_id"), Some("HERE"));
    let there = files.profile("only-there").expect("there");
    assert_eq!(there.text("region"), Some("eu-west-2"));
    assert!(here.has_keys() && !there.has_keys());
}

#[test]
fn an_unknown_profile_is_refused_with_those_that_there_are() {
    let files = files("[default]\n[profile web]\n[bare]\n[services x]", "[keys]\n[web]");
    let text = refused(files.profile("none"), ErrorKind::Invalid);
    assert_eq!(
        text,
        "no profile \"none\" in /credentials or /config; there are: default, keys, web"
    );
    let text = refused(files.profile("bare"), ErrorKind::Invalid);
    assert!(text.ends_with("; [bare] of /config must be [profile bare]"), "{text}");
    for name in ["", "profile web", "services x", "x"] {
        refused(files.profile(name), ErrorKind::Invalid);
    }
    let nothing = super::Files {
        config: File::parse("/config", "").expect("sound"),
        credentials: File::parse("/credentials", "").expect("sound"),
    };
    assert!(refused(nothing.profile("a"), ErrorKind::Invalid).ends_with("there are: none"));
    assert!(nothing.find(DEFAULT).expect("sound").is_none());
}

#[test]
fn an_endpoint_is_that_of_the_service_or_that_of_all() {
    let config = "[profile web]\nservices = mine\nendpoint_url = http://all\n\
         [profile plain]\nregion = a\n\
         [profile lost]\nservices = nowhere\n\
         [services mine]\ns3 =\n  endpoint_url = http://s3\ndynamodb =\n  endpoint_url = http://d\n";
    let files = files(config, "");
    let web = files.profile("web").expect("there");
    assert_eq!(web.endpoint("s3"), Some("http://s3"));
    assert_eq!(web.endpoint("ec2"), Some("http://all"));
    assert_eq!(files.profile("plain").expect("there").endpoint("s3"), None);
    let text = refused(files.profile("lost"), ErrorKind::Invalid);
    assert!(text.contains("[services nowhere]"), "{text}");
}

#[test]
fn ways_to_get_keys_that_are_not_there_yet_are_named() {
    let keys = "aws_access_key_id = a\naws_secret_access_key = s3cret\n";
    let check = |settings: &str| {
        files(&format!("[profile p]\n{settings}"), "").profile("p").expect("there").check_keys()
    };
    for way in BEFORE_KEYS {
        for with in ["", keys] {
            let text = refused(check(&format!("{with}{way} = x")), ErrorKind::Unsupported);
            assert!(
                text.contains(way) && text.contains("export-credentials --profile p "),
                "{text}"
            );
        }
    }
    for way in BEHIND_KEYS {
        let text = refused(check(&format!("{way} = x")), ErrorKind::Unsupported);
        assert!(text.contains(way), "{text}");
        check(&format!("{keys}{way} = x")).expect("the keys count");
    }
    check(keys).expect("keys");
}
