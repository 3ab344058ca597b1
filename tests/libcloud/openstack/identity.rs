//! The login at Keystone v3, alone.

use serde_json::Value;
use welkin::openstack::{Config, OpenStack};
use welkin::{Driver, ErrorKind, Result};

use super::compute::settings;
use crate::cases::Asked;
use crate::table::{Ask, Elsewhere, File};

pub(crate) const IDENTITY: File = File {
    path: "common/test_openstack_identity.jsonl",
    open,
    login: None,
    asks: &[
        Ask {
            method: "OpenStackIdentity_3_0_Connection.authenticate",
            takes: &[],
            will_take: &[],
            call: authenticate,
            fields: &[],
        },
        Ask {
            method: "OpenStackIdentity_3_0_Connection_AppCred.authenticate",
            takes: &[],
            will_take: &[],
            call: authenticate,
            fields: &[],
        },
    ],
    not_yet: &[],
    // Other ways to log in, which we do not speak: of Keystone before v3, and federated ones.
    beside: &["authenticate"],
    elsewhere: &[
        Elsewhere {
            about: "Keystone's users, projects, roles and domains",
            methods: &[
                "create_domain",
                "create_user",
                "disable_user",
                "enable_user",
                "get_domain",
                "get_user",
                "grant_domain_role_to_user",
                "grant_project_role_to_user",
                "list_domains",
                "list_projects",
                "list_roles",
                "list_user_domain_roles",
                "list_user_projects",
                "list_users",
                "revoke_domain_role_from_user",
                "revoke_project_role_from_user",
            ],
        },
        Elsewhere {
            about: "Keystone's list of its versions",
            methods: &["list_supported_versions"],
        },
        Elsewhere {
            about: "Libcloud's own type of catalog",
            methods: &[
                "get_catalog",
                "get_endpoint",
                "get_endpoints",
                "get_entries",
                "get_public_urls",
                "get_regions",
                "get_service_names",
                "get_service_types",
            ],
        },
    ],
    classes_elsewhere: &[],
    tidy: |_| {},
    deliberate: &[],
};

/// Reads the account from the recorded login: Libcloud was told of it before the recording began.
fn open(asked: &Asked, url: &str) -> Result<Driver> {
    let login = asked.exchanges.first().map(|exchange| &exchange.request).expect("a login");
    let url = format!("{url}{}", login.path.trim_end_matches("/auth/tokens"));
    let text = |pointer: &str| login.body.pointer(pointer).and_then(Value::as_str);

    const CREDENTIAL: &str = "/auth/identity/application_credential";
    if let Some(id) = text(&format!("{CREDENTIAL}/id")) {
        let secret = text(&format!("{CREDENTIAL}/secret")).unwrap_or_default();
        return Driver::open_with(Config::application_credential(url, id, secret), settings());
    }
    const USER: &str = "/auth/identity/password/user";
    let user = |key: &str| text(&format!("{USER}/{key}"));
    let project = |key: &str| text(&format!("/auth/scope/project/{key}"));
    let part = |text: Option<&str>, config: Config, set: fn(Config, &str) -> Config| match text {
        Some(text) => set(config, text),
        None => config,
    };
    let config = Config::password(
        url,
        user("name").unwrap_or_default(),
        user("password").unwrap_or_default(),
    );
    let config = part(user("id"), config, |c, id| c.user_id(id));
    let config = part(user("domain/id"), config, |c, id| c.user_domain_id(id));
    let config = part(user("domain/name"), config, |c, name| c.user_domain(name));
    let config = part(project("id"), config, |c, id| c.project_id(id));
    let config = part(project("name"), config, |c, name| c.project(name));
    let config = part(project("domain/id"), config, |c, id| c.project_domain_id(id));
    let config = part(project("domain/name"), config, |c, name| c.project_domain(name));
    let config = part(text("/auth/scope/domain/name"), config, |c, name| c.scope_domain(name));
    Driver::open_with(config, settings())
}

/// Logs in, and asks for a service that no catalog has: nothing is sent but the login.
fn authenticate(driver: &Driver, _: &Asked) -> Result<Value> {
    let native = driver.native::<OpenStack>()?;
    match driver.send(native.get("no such service", "/")).wait() {
        Err(error) if error.kind() == ErrorKind::Unsupported => Ok(Value::Null),
        Err(error) => Err(error),
        Ok(_) => panic!("the catalog has no such service"),
    }
}
