//! The service catalog.

use serde_json::{Value, json};

use super::cloud::Settings;

/// Type, name and path of each service.
const SERVICES: [(&str, &str, &str); 6] = [
    ("identity", "keystone", "/identity/v3"),
    ("compute", "nova", "/compute/v2.1"),
    ("image", "glance", "/image"),
    ("network", "neutron", "/networking"),
    ("block-storage", "cinder", "/volume/v3/{project}"),
    // The same under the name that it had before.
    ("volumev3", "cinderv3", "/volume/v3/{project}"),
];

pub(super) fn catalog(
    settings: &Settings,
    project_id: &str,
    mut new_id: impl FnMut() -> String,
) -> Value {
    let mut services = Vec::new();
    for (service_type, name, path) in SERVICES {
        if settings.left_out.iter().any(|left_out| left_out == service_type) {
            continue;
        }
        let url = settings.base_url.clone() + &path.replace("{project}", project_id);
        let mut endpoints = Vec::new();
        for region in &settings.regions {
            for interface in ["admin", "internal", "public"] {
                endpoints.push(json!({
                    "id": new_id(),
                    "interface": interface,
                    "region_id": region,
                    "url": url,
                    "region": region,
                }));
            }
        }
        services.push(json!({
            "endpoints": endpoints,
            "id": new_id(),
            "type": service_type,
            "name": name,
        }));
    }
    Value::Array(services)
}
