use super::*;

fn values(set: &[(Setting, &str)]) -> Values {
    let mut values = Values::default();
    for (setting, text) in set {
        values.set(*setting, *text, format!("the {setting:?}"));
    }
    values
}

const WHOLE: [(Setting, &str); 3] = [
    (Setting::AccessKeyId, "AKID"),
    (Setting::SecretAccessKey, "s3cret/+="),
    (Setting::Region, "eu-west-1"),
];

fn refused(set: &[(Setting, &str)]) -> String {
    let error = values(set).account(Trust::default()).err().expect("it has to fail");
    assert_eq!(error.kind(), ErrorKind::Invalid);
    let text = format!("{error} {error:?}");
    assert!(!text.contains("s3cret"), "{text}");
    error.to_string()
}

#[test]
fn a_whole_account_has_keys_a_region_and_the_endpoints_of_aws() {
    let account = values(&WHOLE).account(Trust::default()).expect("whole");
    assert_eq!(account.keys.id, "AKID");
    assert_eq!(account.keys.secret.expose(), "s3cret/+=");
    assert!(account.keys.session.is_none());
    assert_eq!(account.region, "eu-west-1");
    assert_eq!((account.s3, account.ec2), (Endpoint::Default, Endpoint::Default));

    let more = [(Setting::SessionToken, "t"), (Setting::EndpointS3, "http://h:1/")];
    let account = values(&[&WHOLE[..], &more].concat()).account(Trust::default()).expect("whole");
    assert_eq!(account.keys.session.expect("a token").expose(), "t");
    assert_eq!(account.s3, Endpoint::Custom("http://h:1".to_owned()));
    assert_eq!(account.ec2, Endpoint::Default);
}

#[test]
fn what_is_missing_or_wrong_is_named() {
    for (missing, part) in
        [(0, "the access key id"), (1, "the secret access key"), (2, "set AWS_REGION")]
    {
        let mut set = WHOLE.to_vec();
        set[missing].1 = "";
        assert!(refused(&set).contains(part), "{part}");
    }
    for (setting, text, part) in [
        (Setting::AccessKeyId, "AK ID", "white space"),
        (Setting::SecretAccessKey, "s3cret\n", "line break"),
        (Setting::SecretAccessKey, "\"s3cret\"", "quotes"),
        (Setting::SecretAccessKey, "s3cretü", "no key has"),
        (Setting::SecretAccessKey, "s3cret\u{a0}", "white space"),
        (Setting::SessionToken, "s3cret\0", "line break"),
        (Setting::Region, "eu west", "no region"),
        (Setting::EndpointS3, "h:1", "http://"),
        (Setting::EndpointEc2, "http://a:s3cret@h", "do not belong"),
    ] {
        let text = refused(&[&WHOLE[..], &[(setting, text)]].concat());
        assert!(text.starts_with(&format!("the {setting:?} ")) && text.contains(part), "{text}");
    }
}

#[test]
fn debug_shows_no_secret() {
    let more = [
        (Setting::SessionToken, "s3cret"),
        (Setting::EndpointS3, "http://me:s3cret@h"),
        (Setting::CaBundle, "/ca.pem"),
    ];
    let shown = format!("{:?}", values(&[&WHOLE[..], &more].concat()));
    for part in ["AKID", "eu-west-1", "/ca.pem", "\"h\""] {
        assert!(shown.contains(part), "{shown}");
    }
    assert!(!shown.contains("s3cret"), "{shown}");
}
