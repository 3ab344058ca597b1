//! What the AWS SDK for Rust sends through: `aws-smithy-http-client`, with the pool that it offers
//! beside its default (which is hyper-util's).

use aws_smithy_http_client::pool::{Client, ConnectionPool};
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;

use crate::crew::Asynchronous;
use crate::failure::Failure;
use crate::place::{LOGIN, Place, THING};

pub(crate) struct Shared {
    connector: SharedHttpConnector,
    question: HttpRequest,
}

impl Clone for Shared {
    fn clone(&self) -> Self {
        let question = self.question.try_clone().expect("nothing in it is read only once");
        Self { connector: self.connector.clone(), question }
    }
}

impl Asynchronous for Shared {
    async fn open(place: &Place) -> Result<Self, Failure> {
        let pool = match place.tls {
            false => ConnectionPool::builder().build_http()?,
            true => {
                let trust = TrustStore::empty().with_pem_certificate(place.ca_pem.as_bytes());
                let context = TlsContext::builder().with_trust_store(trust).build();
                ConnectionPool::builder()
                    .tls_provider(Provider::Rustls(CryptoMode::Ring))
                    .tls_context(context?)
                    .build_https()?
            }
        };
        // It looks there for a clock and a timer, and has its own. The other builder would ask for
        // all that signs and retries: this one, for tests, is the only one that does not.
        let components = RuntimeComponentsBuilder::for_tests().build()?;
        let connector =
            Client::new(&pool)?.http_connector(&HttpConnectorSettings::default(), &components);

        let mut login = request(&place.url(LOGIN), SdkBody::from(place.credentials()))?;
        login.set_method("POST")?;
        let answer = connector.call(login).await?;
        let token = answer.headers().get("x-subject-token").map(str::to_owned);
        whole(answer).await?;
        let mut question = request(&place.url(THING), SdkBody::empty())?;
        let token = token.ok_or_else(|| Failure::new("the login brought no token"))?;
        question.headers_mut().insert("x-auth-token", token);
        Ok(Self { connector, question })
    }

    async fn ask(&mut self) -> Result<(), Failure> {
        let question = self
            .question
            .try_clone()
            .ok_or_else(|| Failure::new("the request can be sent only once"))?;
        whole(self.connector.call(question).await?).await
    }
}

fn request(url: &str, body: SdkBody) -> Result<HttpRequest, Failure> {
    let mut request = HttpRequest::new(body);
    request.set_uri(url)?;
    Ok(request)
}

/// Reads the answer as the SDK reads what is no stream.
async fn whole(answer: HttpResponse) -> Result<(), Failure> {
    let status = answer.status();
    let body = ByteStream::new(answer.into_body()).collect().await?;
    body.into_bytes();
    if !status.is_success() {
        return Err(Failure::new(format!("the server refuses: {}", status.as_u16())));
    }
    Ok(())
}
