use super::*;
use crate::error::ErrorKind;
use crate::provider::aws::endpoint::Endpoint;
use crate::provider::dialect::config::{Folder, PEM, vars};

const KEYS: [(&str, &str); 2] =
    [("AWS_ACCESS_KEY_ID", "ENVID"), ("AWS_SECRET_ACCESS_KEY", "s3cret-env")];

const CREDENTIALS: &str = "[default]\naws_access_key_id = DEFID\naws_secret_access_key = s3cret-d\n\
     [web]\naws_access_key_id = WEBID\naws_secret_access_key = s3cret-w\naws_session_token = t\n\
     [half]\naws_access_key_id = HALF\n";

const CONFIG: &str = "[default]\nregion = us-west-2\n\
     [profile web]\nregion = eu-west-1\nendpoint_url = http://web\nservices = some\n\
     [profile sso]\nsso_session = corp\nregion = eu-west-1\n\
     [services some]\ns3 =\n  endpoint_url = http://web-s3\n";

/// Both files in a folder of their own, and the variables that lead there.
struct Home(Folder);

impl Home {
    fn new(test: &str, config: &str, credentials: &str) -> Self {
        let folder = Folder::new(test);
        std::fs::create_dir_all(folder.0.join(".aws")).expect("a folder");
        folder.file(".aws/config", config);
        folder.file(".aws/credentials", credentials);
        Self(folder)
    }

    fn env(&self, more: &[&[(&str, &str)]]) -> impl Fn(&str) -> Option<String> + use<> {
        let home = self.0.0.display().to_string();
        vars(&[&[("HOME", home.as_str())], more.concat().as_slice()].concat())
    }

    fn account(&self, more: &[&[(&str, &str)]]) -> Account {
        Config::from_vars(&self.env(more)).expect("complete").account().expect("whole")
    }

    fn refused(&self, more: &[&[(&str, &str)]], kind: ErrorKind) -> String {
        refused(Config::from_vars(&self.env(more)), kind)
    }
}

fn refused<T>(result: Result<T>, kind: ErrorKind) -> String {
    let error = result.err().expect("it has to fail");
    assert_eq!(error.kind(), kind, "{error}");
    let text = format!("{error} {error:?}");
    assert!(!text.contains("s3cret"), "{text}");
    error.to_string()
}

fn custom(url: &str) -> Endpoint {
    Endpoint::Custom(url.to_owned())
}

#[test]
fn a_configuration_of_code_becomes_an_account() {
    let account = Config::keys("AKID", "s3cret")
        .session_token("token")
        .region("eu-west-1")
        .endpoint_url_s3("http://s3")
        .endpoint_url("http://all")
        .ca_pem(PEM)
        .account()
        .expect("whole");
    assert_eq!(account.keys.id, "AKID");
    assert_eq!(account.keys.secret.expose(), "s3cret");
    assert_eq!(account.keys.session.expect("a token").expose(), "token");
    assert_eq!(account.region, "eu-west-1");
    assert_eq!((account.s3, account.ec2), (custom("http://s3"), custom("http://all")));
    assert_eq!(account.trust.roots, PEM.as_bytes());
}

#[test]
fn what_code_leaves_out_or_gets_wrong_comes_out_when_it_is_opened() {
    let config = || Config::keys("AKID", "s3cret").region("eu-west-1");
    for (config, part) in [
        (Config::keys("AKID", "s3cret"), "Config::region"),
        (Config::keys("AKID", "").region("a"), "the secret access key"),
        (Config::keys("", "s3cret").region("a"), "the access key id"),
        (Config::keys("s3cret id", "x").region("a"), "given to Config::keys has white space"),
        (config().session_token("s3cret\n"), "Config::session_token has white space"),
        (config().region("eu.west"), "Config::region is"),
        (config().endpoint_url("localhost:9000"), "Config::endpoint_url is"),
        (config().endpoint_url_ec2("h"), "Config::endpoint_url_ec2 is"),
        (config().ca_pem("no certificate"), "ca_pem"),
    ] {
        let text = refused(config.account(), ErrorKind::Invalid);
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn keys_of_the_environment_go_first_and_the_profile_fills_in_the_rest() {
    let home = Home::new("aws-first", CONFIG, CREDENTIALS);
    let account = home.account(&[&KEYS]);
    assert_eq!((account.keys.id.as_str(), account.region.as_str()), ("ENVID", "us-west-2"));

    let account = home.account(&[&KEYS, &[("AWS_PROFILE", "web")]]);
    assert_eq!((account.keys.id.as_str(), account.region.as_str()), ("ENVID", "eu-west-1"));
    assert!(account.keys.session.is_none());
    assert_eq!((account.s3, account.ec2), (custom("http://web-s3"), custom("http://web")));

    let account = home.account(&[&KEYS, &[("AWS_SESSION_TOKEN", "lent")]]);
    assert_eq!(account.keys.session.expect("a token").expose(), "lent");
}

#[test]
fn without_keys_in_the_environment_the_profile_has_them() {
    let home = Home::new("aws-profile", CONFIG, CREDENTIALS);
    // A token alone is left over from other keys.
    let account = home.account(&[&[("AWS_SESSION_TOKEN", "lent")]]);
    assert_eq!(account.keys.id, "DEFID");
    assert!(account.keys.session.is_none());
    for name in ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"] {
        let account = home.account(&[&[(name, "web"), ("AWS_REGION", "")]]);
        assert_eq!(account.keys.id, "WEBID");
        assert_eq!(account.keys.session.expect("a token").expose(), "t");
        assert_eq!(account.region, "eu-west-1");
    }
    let both = [("AWS_PROFILE", "default"), ("AWS_DEFAULT_PROFILE", "web")];
    assert_eq!(home.account(&[&both]).keys.id, "DEFID");
}

#[test]
fn a_profile_named_in_code_has_its_own_keys_and_the_rest_of_the_environment() {
    let home = Home::new("aws-named", CONFIG, CREDENTIALS);
    let set = [("AWS_REGION", "sa-east-1"), ("AWS_PROFILE", "none")];
    let config = Config::from_files("web", &home.env(&[&KEYS, &set])).expect("complete");
    let account = config.account().expect("whole");
    assert_eq!((account.keys.id.as_str(), account.region.as_str()), ("WEBID", "sa-east-1"));

    let text = refused(Config::from_files("none", &home.env(&[])), ErrorKind::Invalid);
    assert!(text.contains("there are: default, half, sso, web"), "{text}");
    let text = refused(Config::from_files("half", &home.env(&[&KEYS])), ErrorKind::Invalid);
    assert!(text.contains("profile \"half\"") && text.contains("lacks aws_secret"), "{text}");
    let text = refused(Config::from_files("sso", &home.env(&[&KEYS])), ErrorKind::Unsupported);
    assert!(text.contains("sso_session"), "{text}");
}

#[test]
fn regions_and_endpoints_of_the_environment_have_an_order() {
    let home = Home::new("aws-order", CONFIG, CREDENTIALS);
    let web = [("AWS_PROFILE", "web")];
    let regions = [("AWS_REGION", "a"), ("AWS_DEFAULT_REGION", "b")];
    assert_eq!(home.account(&[&web, &regions]).region, "a");
    assert_eq!(home.account(&[&web, &regions[1..]]).region, "b");

    let urls = [("AWS_ENDPOINT_URL_S3", "http://env-s3"), ("AWS_ENDPOINT_URL", "http://env")];
    let account = home.account(&[&web, &urls]);
    assert_eq!((account.s3, account.ec2), (custom("http://env-s3"), custom("http://env")));
    let account = home.account(&[&web, &urls[1..]]);
    assert_eq!((account.s3, account.ec2), (custom("http://env"), custom("http://env")));
    let ec2 = [("AWS_ENDPOINT_URL_EC2", "http://env-ec2")];
    let account = home.account(&[&web, &ec2]);
    assert_eq!((account.s3, account.ec2), (custom("http://web-s3"), custom("http://env-ec2")));
    let ignore = [("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")];
    let account = home.account(&[&web, &urls, &ignore]);
    assert_eq!((account.s3, account.ec2), (Endpoint::Default, Endpoint::Default));

    // What code says goes before all of it.
    let config = Config::from_vars(&home.env(&[&web, &urls])).expect("complete");
    let account = config.endpoint_url("http://code").region("c").account().expect("whole");
    assert_eq!((account.s3, account.ec2), (custom("http://code"), custom("http://code")));
    assert_eq!(account.region, "c");
}

#[test]
fn endpoints_of_other_kinds_are_refused_and_the_environment_goes_first() {
    let config = "[default]\nregion = r\nuse_fips_endpoint = true\nendpoint_url = http://file\n\
                  ignore_configured_endpoint_urls = true\n";
    let home = Home::new("aws-fips", config, CREDENTIALS);
    let said = home.refused(&[], ErrorKind::Unsupported);
    assert!(said.contains("AWS_USE_FIPS_ENDPOINT"), "{said}");
    let no_fips = [("AWS_USE_FIPS_ENDPOINT", "false")];
    assert_eq!(home.account(&[&no_fips]).s3, Endpoint::Default);
    let heard = [("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "false")];
    assert_eq!(home.account(&[&no_fips, &heard]).s3, custom("http://file"));
    let dual = [("AWS_USE_DUALSTACK_ENDPOINT", "true")];
    home.refused(&[&no_fips, &dual], ErrorKind::Unsupported);
}

#[test]
fn keys_that_are_missing_or_cannot_be_had_say_what_to_set() {
    let empty = Home::new("aws-empty", "[default]\nregion = us-west-2\n", "");
    for text in [
        empty.refused(&[], ErrorKind::Invalid),
        empty.refused(&[&[("AWS_ACCESS_KEY_ID", "")]], ErrorKind::Invalid),
    ] {
        assert!(text.starts_with("set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"), "{text}");
        assert!(text.contains(".aws/credentials"), "{text}");
    }
    let named = empty.refused(&[&[("AWS_PROFILE", "default")]], ErrorKind::Invalid);
    assert!(named.contains("lacks aws_access_key_id"), "{named}");

    let home = Home::new("aws-missing", CONFIG, CREDENTIALS);
    for (half, other) in [(0, 1), (1, 0)] {
        let text = home.refused(&[&KEYS[half..=half]], ErrorKind::Invalid);
        let says = format!("{} is set and {} is not", KEYS[half].0, KEYS[other].0);
        assert!(text.contains(&says), "{text}");
    }
    home.refused(&[&KEYS, &[("AWS_PROFILE", "none")]], ErrorKind::Invalid);
    let text = home.refused(&[&[("AWS_PROFILE", "sso")]], ErrorKind::Unsupported);
    assert!(text.contains("sso_session"), "{text}");

    let web_identity = [("AWS_WEB_IDENTITY_TOKEN_FILE", "/token")];
    home.refused(&[&web_identity], ErrorKind::Unsupported);
    assert_eq!(home.account(&[&web_identity, &KEYS]).keys.id, "ENVID");
    let container = [("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://h")];
    let text = empty.refused(&[&container], ErrorKind::Unsupported);
    assert!(text.contains("AWS_CONTAINER_CREDENTIALS_FULL_URI"), "{text}");
    assert_eq!(home.account(&[&container]).keys.id, "DEFID");
}

#[test]
fn settings_that_cannot_be_used_are_named() {
    let home = Home::new("aws-wrong", CONFIG, CREDENTIALS);
    for (name, text) in [
        ("AWS_REGION", "eu west"),
        ("AWS_REGION", "evil.example/#"),
        ("AWS_ENDPOINT_URL", "localhost:5000"),
        ("AWS_ENDPOINT_URL_EC2", "h"),
        ("AWS_SESSION_TOKEN", "s3cret\n"),
        ("AWS_CA_BUNDLE", "/nowhere/ca.pem"),
    ] {
        let said = home.refused(&[&KEYS, &[(name, text)]], ErrorKind::Invalid);
        assert!(said.starts_with(name), "{said}");
    }
    let wrong = Home::new("aws-wrong-2", "[default]\nregion = a b\n", CREDENTIALS);
    let said = wrong.refused(&[], ErrorKind::Invalid);
    assert!(said.starts_with("region of profile \"default\" in "), "{said}");

    // It can still be set.
    let none = Home::new("aws-none", "", CREDENTIALS);
    let config = Config::from_vars(&none.env(&[])).expect("all but the region");
    refused(config.clone().account(), ErrorKind::Invalid);
    assert_eq!(config.region("here").account().expect("whole").region, "here");
}

#[test]
fn files_are_found_where_they_are_named_and_need_not_exist() {
    let folder = Folder::new("aws-files");
    let config = folder.file("my-config", CONFIG);
    let credentials = folder.file("my-credentials", CREDENTIALS);
    let home = folder.0.display().to_string();
    let env = |config: &str, credentials: &str| {
        vars(&[
            ("HOME", &home),
            ("AWS_CONFIG_FILE", config),
            ("AWS_SHARED_CREDENTIALS_FILE", credentials),
        ])
    };
    let account = |config: &str, credentials: &str| {
        Config::from_vars(&env(config, credentials)).expect("complete").region("a").account()
    };
    for (config, credentials) in
        [(config.as_str(), credentials.as_str()), ("~/my-config", "~/my-credentials")]
    {
        assert_eq!(account(config, credentials).expect("whole").keys.id, "DEFID");
    }
    let missing = folder.0.join("missing").display().to_string();
    assert_eq!(account(&missing, &credentials).expect("whole").keys.id, "DEFID");
    let below = format!("{config}/config");
    assert_eq!(account(&below, &credentials).expect("whole").keys.id, "DEFID");
    let text = refused(Config::from_vars(&env(&missing, &missing)), ErrorKind::Invalid);
    assert!(text.contains(&missing), "{text}");
    // Without a home there are no files, and that is all right.
    let bare = Config::from_vars(&vars(&KEYS)).expect("complete").region("a");
    assert_eq!(bare.account().expect("whole").keys.id, "ENVID");

    let binary = folder.file("binary", b"[default]\naws_secret_access_key = s3cret\xff");
    let broken = folder.file("broken", "[default]\ns3cret");
    for wrong in [home.as_str(), &binary, &broken] {
        let text = refused(Config::from_vars(&env(&config, wrong)), ErrorKind::Invalid);
        assert!(text.contains(wrong), "{text}");
    }
}

#[test]
fn the_certificates_that_are_named_are_read() {
    let home = Home::new("aws-ca", "[default]\nca_bundle = ~/other.pem\n", CREDENTIALS);
    home.0.file("other.pem", PEM);
    let file = home.0.file("ca.pem", PEM);
    let region = [("AWS_REGION", "a")];
    let trust = home.account(&[&region, &[("AWS_CA_BUNDLE", "~/ca.pem")]]).trust;
    assert_eq!((trust.roots.as_slice(), trust.origin), (PEM.as_bytes(), Some(file)));
    let trust = home.account(&[&region]).trust;
    assert!(trust.origin.expect("a file").ends_with("other.pem"));
}

#[test]
fn debug_shows_no_secret() {
    let config = Config::keys("AKID", "s3cret")
        .session_token("s3cret")
        .endpoint_url("http://a:s3cret@h")
        .ca_pem("s3cret");
    let shown = format!("{config:?}");
    assert!(shown.contains("AKID"), "{shown}");
    assert!(!shown.contains("s3cret"), "{shown}");
}

#[test]
fn profiles_are_listed_without_secrets() {
    let home = Home::new("listed", CONFIG, CREDENTIALS);
    let entries = listed(&home.env(&[])).expect("a list");
    assert!(!format!("{entries:?}").contains("s3cret"));
    let shown: Vec<_> = entries
        .iter()
        .map(|entry| (entry.name.as_str(), entry.region.as_deref(), entry.address.as_deref()))
        .collect();
    let expected = [
        ("default", Some("us-west-2"), None),
        ("half", None, None),
        ("sso", Some("eu-west-1"), None),
        ("web", Some("eu-west-1"), Some("http://web")),
    ];
    assert_eq!(shown, expected);
    assert!(entries.iter().all(|entry| entry.source.contains("credentials")));
}
