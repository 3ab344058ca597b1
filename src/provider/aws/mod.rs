//! AWS: S3 for objects, EC2 for nodes; and stores of others that speak S3.
//!
//! # Configuration
//! What users of the `aws` command have will do: variables, or a profile of the files that it
//! shares with AWS's libraries.
//!
//! | environment | profile | in code |
//! |---|---|---|
//! | `AWS_PROFILE`, `AWS_DEFAULT_PROFILE` | its name | [`Config::from_profile`] |
//! | `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` | `aws_access_key_id`, `aws_secret_access_key` | [`Config::keys`] |
//! | `AWS_SESSION_TOKEN` | `aws_session_token` | [`Config::session_token`] |
//! | `AWS_REGION`, `AWS_DEFAULT_REGION` | `region` | [`Config::region`] |
//! | `AWS_ENDPOINT_URL_S3` | `s3.endpoint_url` of its `services` | [`Config::endpoint_url_s3`] |
//! | `AWS_ENDPOINT_URL_EC2` | `ec2.endpoint_url` of its `services` | [`Config::endpoint_url_ec2`] |
//! | `AWS_ENDPOINT_URL` | `endpoint_url` | [`Config::endpoint_url`] |
//! | `AWS_IGNORE_CONFIGURED_ENDPOINT_URLS` | `ignore_configured_endpoint_urls` | |
//! | `AWS_CA_BUNDLE` | `ca_bundle` | [`Config::ca_pem`] |
//! | | | [`Config::client_certificate_pem`] |
//! | `AWS_CONFIG_FILE`, `AWS_SHARED_CREDENTIALS_FILE` | | |
//!
//! What stands further left goes first, but what code sets goes before all of it. An empty variable
//! counts as not set. The keys are of one place: of the environment, or else of the credentials
//! file, or else of the config file.
//!
//! Keys that have to be fetched first are not supported yet: roles (`role_arn`), single sign-on
//! (`sso_session`), `credential_process` and those that a machine of AWS is given.
//! `aws configure export-credentials --format env` prints them for the environment.
//!
//! # What is there
//! Of S3: containers, objects, uploads and downloads in one request each, which AWS takes up to 5 GB.
//! An upload from a reader or a stream
//! is signed without its content, which nobody has seen yet, so that only TLS keeps it whole on the
//! way. Of EC2: nodes, sizes, locations and key pairs, and images to read, those of Amazon and the
//! account's own. A new node's network is a subnet, and only one; its name and metadata are tags,
//! which the account must be allowed to create (`ec2:CreateTags`).
//! [`Driver::in_region`](crate::Driver::in_region) leads to the regions of the same part of AWS: from
//! `us-east-1` to `eu-west-1`, not to `cn-north-1`.
//!
//! # Example
//! ```no_run
//! use welkin::{Driver, aws};
//!
//! let driver = Driver::open(aws::Config::from_env()?)?;
//! for container in driver.storage()?.list_containers().iter() {
//!     println!("{}", container?.name);
//! }
//! let nodes = driver.in_region("eu-west-1")?.compute()?.list_nodes().wait()?;
//! # Ok::<(), welkin::Error>(())
//! ```

mod auth;
mod compute;
mod config;
mod endpoint;
mod fault;
mod image;
mod key_pair;
mod profile;
mod query;
mod setting;
mod size;
mod storage;
mod zone;

use std::sync::Arc;

use self::auth::Signer;
use self::setting::Account;
use crate::call;
use crate::error::{Error, Result};
use crate::provider::Provider;

pub use config::Config;
pub(crate) use config::{clouds, open};

/// What AWS has beyond the portable services; from [`Driver::native`](crate::Driver::native).
#[derive(Debug)]
pub struct Aws(());

impl TryFrom<Config> for Provider {
    type Error = Error;

    fn try_from(config: Config) -> Result<Self> {
        let Account { keys, region, s3, ec2, trust } = config.account()?;
        let endpoints = [("s3", s3), ("ec2", ec2)].map(|(service, endpoint)| call::Endpoint {
            service: service.to_owned(),
            region: None,
            url: endpoint.url(service, &region),
        });
        let native = Arc::new(Aws(()));
        Ok(Self {
            name: NAME,
            auth: Arc::new(Signer::new(keys, endpoints.into())),
            trust,
            region: Some(region),
            compute: Some(native.clone()),
            storage: Some(native.clone()),
            native,
        })
    }
}

const NAME: &str = "aws";

#[cfg(test)]
mod tests;
