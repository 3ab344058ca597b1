//! Where AWS's services are served: by their name and the region's, unless somebody says otherwise.

use crate::error::{Error, Result};
use crate::provider::dialect::config;

/// Where one service is served, in whatever region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    /// Where AWS serves it.
    Default,
    /// At an address of the user's; `{region}` in it stands for the region.
    Custom(String),
}

impl Endpoint {
    /// Reads an address; `place` is the setting's name.
    pub(super) fn parse(text: &str, place: &str) -> Result<Self> {
        match config::address(&text.replace(REGION, "region")) {
            Ok(_) => Ok(Self::Custom(text.trim().trim_end_matches('/').to_owned())),
            Err(why) => {
                // Whatever stands before the `@` may be a password.
                let shown = text.rsplit('@').next().unwrap_or_default();
                Err(Error::invalid(format!("{place} is {shown:?}: {why}")))
            }
        }
    }

    /// Returns the address of a service in all regions of the part of AWS that `region` lies in;
    /// the session puts each one's name in place of `{region}`.
    pub(super) fn url(&self, service: &str, region: &str) -> String {
        match self {
            Self::Default => format!("https://{service}.{REGION}.{}", domain(region)),
            Self::Custom(url) => url.clone(),
        }
    }
}

/// Refuses what is no label of a host's name (RFC 1123, 2.1): a region becomes one.
pub(super) fn check_region(region: &str, place: &str) -> Result<()> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    let is_label = (1..=63).contains(&region.len())
        && region.bytes().all(plain)
        && !region.starts_with('-')
        && !region.ends_with('-');
    if is_label {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "{place} is {region:?}, which is no region; one is like us-east-1: letters, digits, hyphens"
    )))
}

/// The parts of AWS that are apart from the rest, by how their regions begin.
fn domain(region: &str) -> &'static str {
    match region {
        _ if region.starts_with("cn-") => "amazonaws.com.cn",
        _ if region.starts_with("eusc-") => "amazonaws.eu",
        _ if region.starts_with("us-iso-") => "c2s.ic.gov",
        _ if region.starts_with("us-isob-") => "sc2s.sgov.gov",
        _ if region.starts_with("us-isof-") => "csp.hci.ic.gov",
        _ if region.starts_with("eu-isoe-") => "cloud.adc-e.uk",
        _ => "amazonaws.com",
    }
}

const REGION: &str = "{region}";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn aws_serves_each_region_under_a_name_of_the_part_it_lies_in() {
        for (region, s3) in [
            ("us-east-1", "https://s3.{region}.amazonaws.com"),
            ("us-gov-west-1", "https://s3.{region}.amazonaws.com"),
            ("cn-north-1", "https://s3.{region}.amazonaws.com.cn"),
            ("eusc-de-east-1", "https://s3.{region}.amazonaws.eu"),
            ("us-isob-east-1", "https://s3.{region}.sc2s.sgov.gov"),
        ] {
            assert_eq!(Endpoint::Default.url("s3", region), s3);
            assert_eq!(Endpoint::Default.url("ec2", region), s3.replace("s3.", "ec2."));
        }
    }

    #[test]
    fn an_address_of_the_users_own_may_name_the_region() {
        let url = |text: &str| Endpoint::parse(text, "endpoint_url").expect("one").url("s3", "eu");
        assert_eq!(url("http://127.0.0.1:9000/"), "http://127.0.0.1:9000");
        assert_eq!(url(" https://h/a/b// "), "https://h/a/b");
        assert_eq!(url("https://{region}.spaces.example/"), "https://{region}.spaces.example");
    }

    #[test]
    fn what_is_no_address_is_refused_with_the_settings_name() {
        for (text, why) in [
            ("localhost:5000", "http://"),
            ("s3.example", "http://"),
            ("ftp://h", "http://"),
            ("https://", "no address"),
            ("https://a b/", "no address"),
            ("https://me:s3cret@h", "name and password"),
            ("https://h/?a=b", "query"),
            ("https://h/#a", "fragment"),
        ] {
            let error = Endpoint::parse(text, "AWS_ENDPOINT_URL").expect_err("no address");
            assert_eq!(error.kind(), ErrorKind::Invalid);
            let shown = error.to_string();
            assert!(shown.starts_with("AWS_ENDPOINT_URL is ") && shown.contains(why), "{shown}");
            assert!(!shown.contains("s3cret"), "{shown}");
        }
    }

    #[test]
    fn a_region_is_a_label_of_a_hosts_name() {
        for region in ["us-east-1", "default", "RegionOne", "a", "1", &"a".repeat(63)] {
            check_region(region, "region").expect("a region");
        }
        for region in [
            "",
            "-a",
            "a-",
            "us east",
            "us_east",
            "us.east",
            "us/east",
            "a@b",
            "a#",
            "ü",
            "a\n",
            &"a".repeat(64),
        ] {
            let error = check_region(region, "AWS_REGION").expect_err("no region");
            assert_eq!(error.kind(), ErrorKind::Invalid);
            assert!(error.to_string().starts_with("AWS_REGION is "), "{error}");
        }
    }
}
