//! Keystone v3: version documents, logins, and what may be done with a token itself.

mod scope;

use bytes::Bytes;
use http::header::{CONNECTION, HeaderName, HeaderValue, LOCATION};
use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::answer;
use super::cloud::Cloud;
use super::login::{self, Refusal};
use super::request::Request;
use super::world::{Token, World};

const SUBJECT_TOKEN: HeaderName = HeaderName::from_static("x-subject-token");

pub(super) fn answer(cloud: &Cloud, request: &Request, path: &[&str]) -> Response<Bytes> {
    let method = request.method().as_str();
    let mut answer = match (method, path) {
        ("GET", []) => versions(cloud),
        ("GET", ["v3"]) => answer::json(StatusCode::OK, &json!({"version": version(cloud)})),
        ("POST", ["v3", "auth", "tokens"]) => log_in(cloud, request),
        ("GET" | "HEAD", ["v3", "auth", "tokens"]) => validate(cloud, request),
        ("DELETE", ["v3", "auth", "tokens"]) => revoke(cloud, request),
        ("GET", ["v3", path @ ..]) if scope::knows(path) => scope::answer(cloud, request, path),
        (_, [] | ["v3"] | ["v3", "auth", "tokens"]) => answer::json(
            StatusCode::METHOD_NOT_ALLOWED,
            &json!({"message": "The method is not allowed for the requested URL."}),
        ),
        _ => answer::of(
            StatusCode::NOT_FOUND,
            "text/html; charset=utf-8",
            Bytes::from_static(NOT_FOUND.as_bytes()),
        ),
    };
    answer.headers_mut().insert("vary", HeaderValue::from_static("X-Auth-Token"));
    answer
}

/// Keystone sits on Flask, which has a page of its own.
const NOT_FOUND: &str = "<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>\n\
    <h1>Not Found</h1>\n<p>The requested URL was not found on the server. If you entered the URL \
    manually please check your spelling and try again.</p>\n";

fn versions(cloud: &Cloud) -> Response<Bytes> {
    let body = json!({"versions": {"values": [version(cloud)]}});
    let mut answer = answer::json(StatusCode::MULTIPLE_CHOICES, &body);
    if let Ok(address) = HeaderValue::try_from(format!("{}/identity/v3/", cloud.settings.base_url))
    {
        answer.headers_mut().insert(LOCATION, address);
    }
    answer
}

fn version(cloud: &Cloud) -> Value {
    json!({
        "id": "v3.14",
        "status": "stable",
        "updated": "2020-04-07T00:00:00Z",
        "links": [{"rel": "self", "href": format!("{}/identity/v3/", cloud.settings.base_url)}],
        "media-types": [{
            "base": "application/json",
            "type": "application/vnd.openstack.identity-v3+json",
        }],
    })
}

fn log_in(cloud: &Cloud, request: &Request) -> Response<Bytes> {
    let lifetime = cloud.pace.lock().token_lifetime;
    let mut world = cloud.world();
    let login = login::judged(&cloud.settings, &world, request);
    cloud.counts.login(login.is_ok());
    match login {
        Ok(login) => {
            let (text, _) = world.issue_token(login.method, login.is_scoped, lifetime);
            token_answer(cloud, &world, StatusCode::CREATED, &text)
        }
        Err(refusal) => refused(cloud, refusal),
    }
}

fn validate(cloud: &Cloud, request: &Request) -> Response<Bytes> {
    let world = cloud.world();
    if !has_token(&world, request) {
        cloud.counts.unauthorized();
        return refused(cloud, Refusal::Unauthorized);
    }
    match request.header(SUBJECT_TOKEN.as_str()) {
        None => forbidden("identity:validate_token"),
        Some(subject) => token_answer(cloud, &world, StatusCode::OK, subject),
    }
}

fn revoke(cloud: &Cloud, request: &Request) -> Response<Bytes> {
    let mut world = cloud.world();
    if !has_token(&world, request) {
        cloud.counts.unauthorized();
        return refused(cloud, Refusal::Unauthorized);
    }
    match request.header(SUBJECT_TOKEN.as_str()) {
        None => forbidden("identity:revoke_token"),
        Some(subject) if world.token(subject).is_none() => unknown_token(),
        Some(subject) => {
            world.revoke_token(subject);
            answer::empty(StatusCode::NO_CONTENT)
        }
    }
}

pub(super) fn has_token(world: &World, request: &Request) -> bool {
    request.header("x-auth-token").is_some_and(|token| world.token(token).is_some())
}

fn token_answer(cloud: &Cloud, world: &World, status: StatusCode, text: &str) -> Response<Bytes> {
    let Some(token) = world.token(text) else {
        return unknown_token();
    };
    let mut answer = answer::json(status, &token_document(cloud, world, token));
    if let Ok(text) = HeaderValue::try_from(text) {
        answer.headers_mut().insert(SUBJECT_TOKEN, text);
    }
    answer
}

fn token_document(cloud: &Cloud, world: &World, token: &Token) -> Value {
    let settings = &cloud.settings;
    let domain = json!({"id": login::DOMAIN_ID, "name": settings.domain});
    let mut document = json!({
        "methods": [token.method],
        "user": {
            "domain": domain,
            "id": world.user_id,
            "name": settings.user,
            "password_expires_at": null,
        },
        "audit_ids": [token.audit_id],
        "expires_at": format!("{:.6}", token.expires),
        "issued_at": format!("{:.6}", token.issued),
    });
    if token.is_scoped {
        let [member, reader] = &world.role_ids;
        document["project"] =
            json!({"domain": domain, "id": world.project_id, "name": settings.project});
        document["is_domain"] = json!(false);
        document["roles"] =
            json!([{"id": member, "name": "member"}, {"id": reader, "name": "reader"}]);
        document["catalog"] = world.catalog.clone();
    }
    json!({"token": document})
}

fn unknown_token() -> Response<Bytes> {
    error(StatusCode::NOT_FOUND, "Could not recognize Fernet token")
}

fn forbidden(action: &str) -> Response<Bytes> {
    let message = format!("You are not authorized to perform the requested action: {action}.");
    error(StatusCode::FORBIDDEN, &message)
}

fn refused(cloud: &Cloud, refusal: Refusal) -> Response<Bytes> {
    match refusal {
        Refusal::Unauthorized => answer::challenge(
            cloud,
            error(StatusCode::UNAUTHORIZED, "The request you have made requires authentication."),
        ),
        Refusal::UnsupportedMethod => {
            let body = json!({"error": {
                "code": 401,
                "identity": {"methods": login::METHODS},
                "message": "Attempted to authenticate with an unsupported method.",
                "title": "Unauthorized",
            }});
            answer::challenge(cloud, answer::json(StatusCode::UNAUTHORIZED, &body))
        }
        Refusal::NotFound(message) => error(StatusCode::NOT_FOUND, &message),
        Refusal::Malformed(message) => {
            let mut answer = error(StatusCode::BAD_REQUEST, &message);
            // Keystone's web server does not trust what follows a bad request.
            answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            answer
        }
    }
}

fn error(status: StatusCode, message: &str) -> Response<Bytes> {
    let title = status.canonical_reason().unwrap_or_default();
    let body = json!({"error": {"code": status.as_u16(), "message": message, "title": title}});
    answer::json(status, &body)
}
