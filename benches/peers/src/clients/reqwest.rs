//! reqwest: one client for all tasks, or one blocking client for all threads.

use hyper::header::HeaderValue;
use reqwest::{Certificate, Client, Url, blocking};

use super::hyper::token;
use crate::crew::{Asynchronous, Blocking};
use crate::failure::Failure;
use crate::place::{LOGIN, Place, THING};

#[derive(Clone)]
pub(crate) struct Shared {
    client: Client,
    url: Url,
    token: HeaderValue,
}

impl Asynchronous for Shared {
    async fn open(place: &Place) -> Result<Self, Failure> {
        let ca = Certificate::from_pem(place.ca_pem.as_bytes())?;
        // Compression is no part of reqwest's defaults: openstack_sdk, which is built in as well,
        // turns it on for all.
        let client = Client::builder().tls_certs_only([ca]).no_gzip().no_deflate().no_proxy();
        let client = client.build()?;
        let login = client.post(place.url(LOGIN)).body(place.credentials());
        let answer = login.send().await.and_then(|a| a.error_for_status())?;
        let token = token(answer.headers())?;
        answer.bytes().await?;
        Ok(Self { client, url: place.url(THING).parse()?, token })
    }

    async fn ask(&mut self) -> Result<(), Failure> {
        let request = self.client.get(self.url.clone()).header("x-auth-token", self.token.clone());
        let answer = request.send().await.and_then(|a| a.error_for_status())?;
        answer.bytes().await?;
        Ok(())
    }
}

#[derive(Clone)]
pub(crate) struct SharedByThreads {
    client: blocking::Client,
    url: Url,
    token: HeaderValue,
}

impl Blocking for SharedByThreads {
    fn open(place: &Place) -> Result<Self, Failure> {
        let ca = Certificate::from_pem(place.ca_pem.as_bytes())?;
        let client = blocking::Client::builder().tls_certs_only([ca]);
        let client = client.no_gzip().no_deflate().no_proxy().build()?;
        let login = client.post(place.url(LOGIN)).body(place.credentials());
        let answer = login.send().and_then(|a| a.error_for_status())?;
        let token = token(answer.headers())?;
        answer.bytes()?;
        Ok(Self { client, url: place.url(THING).parse()?, token })
    }

    fn ask(&mut self) -> Result<(), Failure> {
        let request = self.client.get(self.url.clone()).header("x-auth-token", self.token.clone());
        let answer = request.send().and_then(|a| a.error_for_status())?;
        answer.bytes()?;
        Ok(())
    }
}
