//! The session against a server that does what a test says, in every home.

mod content;
mod desk;
mod downloads;
mod failures;
mod hazards;
mod homes;
mod lost;
mod pace;
mod server;
mod sharing;
mod signing;
mod tokens;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderName, Method};

use self::server::{Asked, Reply, Server};
use super::{Session, Stats};
use crate::call::{
    Account, Auth, Call, Endpoint, Grant, Replay, Request, Response, Service, Signing, Step,
    Target, Token, Trust,
};
use crate::cancel::Cancel;
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::op::Op;
use crate::settings::{Retry, Settings};

const SERVICE: Service = Service { provider: "test", name: "things" };

/// A cloud whose login answers `token lifetime_ms`.
struct TestCloud(String);

impl Auth for TestCloud {
    fn login(&self) -> Result<Step<Grant>> {
        let url = self.0.clone();
        let request = Request::new(Target::Url(url.clone()), Method::POST, "/login");
        Ok(Step::Next(Call::new(request.replay(Replay::Safe), move |answer| {
            let text = String::from_utf8_lossy(&answer.body).into_owned();
            let (token, life) = text.split_once(' ').ok_or_else(|| {
                Error::new(ErrorKind::Auth, format!("no login: {text}")).with_status(answer.status)
            })?;
            Ok(Step::Done(Grant {
                token: Token::header(token)?,
                lifetime: Duration::from_millis(life.parse().unwrap()),
                endpoints: vec![Endpoint {
                    service: "things".into(),
                    region: Some("R".into()),
                    url,
                }],
            }))
        })))
    }

    fn authorize(&self, signing: Signing<'_>) -> Result<()> {
        let Token::Header(token) = signing.token else { panic!("the login gave another kind") };
        signing.headers.insert(HeaderName::from_static("x-auth-token"), token.clone());
        Ok(())
    }
    fn account(&self) -> Option<Account> {
        Some(Account { url: self.0.clone(), login: Bytes::new(), choice: "".into() })
    }
    fn refusal(&self, answer: &Response) -> ErrorKind {
        refusal(answer)
    }
}

fn refusal(answer: &Response) -> ErrorKind {
    match answer.status.as_u16() {
        // Slow down, in a word of this cloud's own.
        429 | 418 => ErrorKind::RateLimited,
        502..=504 => ErrorKind::Unavailable,
        _ => ErrorKind::Other,
    }
}

fn session(server: &Server, settings: Settings) -> Session {
    Session::new("test", Arc::new(TestCloud(server.url())), &Trust::default(), None, settings)
        .unwrap()
}

fn call(method: Method, path: &str) -> Call<String> {
    Call::new(Request::new(Target::Service(SERVICE), method, path.to_owned()), |answer| {
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        if answer.status.is_success() {
            return Ok(Step::Done(text));
        }
        Err(Error::new(ErrorKind::Other, text).with_status(answer.status))
    })
}

fn get(session: &Session, path: &str) -> Op<String> {
    Op::new(session, "get", Ok(call(Method::GET, path)))
}

fn post(session: &Session, path: &str) -> Op<String> {
    Op::new(session, "post", Ok(call(Method::POST, path)))
}

/// Logs in anyone for an hour and answers each path with itself.
fn echo(asked: &Asked) -> Reply {
    match asked.path.as_str() {
        "/login" => Reply::Text(200, "t1 3600000".into()),
        path => Reply::Text(200, path.into()),
    }
}

fn quick() -> Settings {
    let ms = Duration::from_millis;
    Settings::new().retry(Retry::attempts(3).pauses(ms(1), ms(2)))
}
