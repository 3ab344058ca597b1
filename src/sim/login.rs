//! Judging a login.

use std::time::Instant;

use serde_json::Value;

use super::Sim;
use super::cloud::Settings;
use super::request::Request;
use super::world::World;

pub(super) const DOMAIN_ID: &str = "default";
pub(super) const METHODS: [&str; 3] = ["password", "token", "application_credential"];

pub(super) struct Login {
    pub(super) method: &'static str,
    pub(super) is_scoped: bool,
    /// A token that is exchanged for another bounds its life.
    pub(super) ends: Option<Instant>,
}

pub(super) enum Refusal {
    Malformed(String),
    Unauthorized,
    UnsupportedMethod,
    NotFound(String),
}

/// Who logs in, or why not. The order of the checks and their texts are Keystone's.
pub(super) fn judged(
    settings: &Settings,
    world: &World,
    request: &Request,
) -> Result<Login, Refusal> {
    let body = parsed(request)?;
    let auth = body.get("auth").ok_or_else(|| expecting("auth", "request body"))?;
    let identity = auth.get("identity").filter(|identity| identity.is_object());
    let identity = identity.ok_or_else(|| required("identity"))?;
    let methods = identity.get("methods").and_then(Value::as_array);
    let methods = methods.ok_or_else(|| required("methods"))?;
    let known = |method: &Value| METHODS.into_iter().find(|known| method == known);
    if methods.iter().any(|method| known(method).is_none()) {
        return Err(Refusal::UnsupportedMethod);
    }
    let method = methods.first().and_then(known).ok_or(Refusal::Unauthorized)?;
    let proof = identity.get(method).ok_or_else(|| expecting(method, "identity"))?;

    let realm = Realm { settings, world };
    let scope = auth.get("scope");
    if method != "application_credential" {
        let is_scoped = match scope {
            None => false,
            Some(scope) if scope == "unscoped" => false,
            Some(scope) => realm.check_scope_form(scope)?,
        };
        let ends = match method {
            "token" => Some(realm.check_token(proof)?),
            _ => realm.check_password(proof).map(|()| None)?,
        };
        if is_scoped {
            realm.check_project(scope.and_then(|scope| scope.get("project")))?;
        }
        Ok(Login { method, is_scoped, ends })
    } else {
        realm.check_application_credential(proof)?;
        // The credential is of one project and cannot be used for another.
        if scope.is_some() {
            return Err(Refusal::Unauthorized);
        }
        Ok(Login { method, is_scoped: true, ends: None })
    }
}

fn parsed(request: &Request) -> Result<Value, Refusal> {
    let content_type = request.header("content-type").unwrap_or_default();
    if !request.body().is_empty() && !content_type.starts_with("application/json") {
        return Err(expecting("application/json", "Content-Type header"));
    }
    if request.body().is_empty() {
        return Ok(Value::Object(serde_json::Map::new()));
    }
    serde_json::from_slice(request.body())
        .ok()
        .filter(Value::is_object)
        .ok_or_else(|| expecting("valid JSON", "request body"))
}

/// Whom this cloud knows.
struct Realm<'a> {
    settings: &'a Settings,
    world: &'a World,
}

impl Realm<'_> {
    fn check_password(&self, proof: &Value) -> Result<(), Refusal> {
        let user = proof.get("user").ok_or_else(|| expecting("user", "password"))?;
        if let Some(password) = user.get("password").filter(|password| !password.is_string()) {
            return Err(Refusal::Malformed(format!(
                "Invalid input for field 'identity/password/user/password': \
                 {password} is not of type 'string'"
            )));
        }
        self.check_user(user, "identity/password/user")?;
        permit(user.get("password").is_some_and(|given| given == &self.settings.password))
    }

    /// Tells when the token ends that is shown.
    fn check_token(&self, proof: &Value) -> Result<Instant, Refusal> {
        let id = proof.get("id").ok_or_else(|| required("id"))?;
        let token = id.as_str().and_then(|id| self.world.token(id));
        token.map(|token| token.dies).ok_or(Refusal::Unauthorized)
    }

    fn check_user(&self, user: &Value, field: &str) -> Result<(), Refusal> {
        self.check_named(user, field, "user", &self.world.user_id, &self.settings.user)
    }

    fn check_project(&self, project: Option<&Value>) -> Result<(), Refusal> {
        let project = project.unwrap_or(&Value::Null);
        let (id, name) = (&self.world.project_id, &self.settings.project);
        self.check_named(project, "scope/project", "project", id, name)
    }

    /// Users and projects are given by id, or by a name within a domain.
    fn check_named(
        &self,
        given: &Value,
        field: &str,
        what: &str,
        id: &str,
        name: &str,
    ) -> Result<(), Refusal> {
        if let Some(given) = given.get("id") {
            return permit(given == id);
        }
        let given_name = given.get("name").ok_or_else(|| {
            let message = format!("Invalid input for field {field}: id or name must be present.");
            Refusal::Malformed(message)
        })?;
        let domain = given.get("domain").ok_or_else(|| expecting("domain", what))?;
        let in_domain = match domain.get("id") {
            Some(id) => id == DOMAIN_ID,
            None => domain.get("name").is_some_and(|name| name == &self.settings.domain),
        };
        permit(in_domain && given_name == name)
    }

    /// Whether the login shall be scoped; who may not be told apart yet from who may.
    fn check_scope_form(&self, scope: &Value) -> Result<bool, Refusal> {
        if let Some(project) = scope.get("project") {
            // A wrong project is told from a wrong form only after the password.
            return match self.check_project(Some(project)) {
                Err(Refusal::Malformed(message)) => Err(Refusal::Malformed(message)),
                Ok(()) | Err(_) => Ok(true),
            };
        }
        if ["system", "domain", "OS-TRUST:trust"].iter().any(|kind| scope.get(kind).is_some()) {
            // Well-formed, and nobody here has a role on any of them.
            return Err(Refusal::Unauthorized);
        }
        Err(expecting("system, project, domain, OS-TRUST:trust or unscoped", "scope"))
    }

    fn check_application_credential(&self, proof: &Value) -> Result<(), Refusal> {
        if let Some(id) = proof.get("id") {
            if id != Sim::APPLICATION_CREDENTIAL_ID {
                let id = id.as_str().unwrap_or_default();
                let message = format!("Could not find Application Credential: {id}.");
                return Err(Refusal::NotFound(message));
            }
        } else {
            let name = proof
                .get("name")
                .ok_or_else(|| expecting("name or ID", "application credential"))?;
            let user =
                proof.get("user").ok_or_else(|| expecting("user", "application credential"))?;
            self.check_user(user, "identity/application_credential/user")?;
            permit(name == Sim::APPLICATION_CREDENTIAL_NAME)?;
        }
        let secret = proof.get("secret");
        permit(secret.is_some_and(|secret| secret == Sim::APPLICATION_CREDENTIAL_SECRET))
    }
}

fn permit(is_right: bool) -> Result<(), Refusal> {
    if is_right { Ok(()) } else { Err(Refusal::Unauthorized) }
}

fn required(property: &str) -> Refusal {
    Refusal::Malformed(format!("'{property}' is a required property"))
}

fn expecting(what: &str, target: &str) -> Refusal {
    Refusal::Malformed(format!(
        "Expecting to find {what} in {target}. The server could not comply with the request since \
         it is either malformed or otherwise incorrect. The client is assumed to be in error."
    ))
}
