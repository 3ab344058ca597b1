//! Where we say something else than Libcloud's driver of Nova, and want to.

use serde_json::{Value, json};

use crate::cases::Asked;
use crate::compare::plain;
use crate::table::{Deliberate, Instead};

pub(super) const DELIBERATE: &[Deliberate] = &[
    Deliberate {
        name: "a floating address is public",
        why: "it is the one that leads into the cloud, also where that is a private network itself",
        methods: &["ex_get_node_details", "list_nodes"],
        fields: &[
            Instead { field: "public_ips", ours: |_, node| ips(node, true) },
            Instead { field: "private_ips", ours: |_, node| ips(node, false) },
        ],
    },
    Deliberate {
        name: "an order is not looked at again",
        why: "it was taken, and a second question could fail; what was ordered is known",
        methods: &["create_node"],
        fields: &[
            Instead { field: "requests", ours: |_, requests| Some(json!([requests[0]])) },
            Instead { field: "image", ours: |order, _| Some(order.id(2, "image")?.into()) },
            Instead { field: "location", ours: |_, _| Some(Value::Null) },
            Instead {
                field: "key_pair",
                ours: |order, _| Some(order.kwargs.get("ex_keyname").cloned().unwrap_or_default()),
            },
            Instead { field: "created_at", ours: |_, _| Some(Value::Null) },
            Instead {
                field: "metadata",
                ours: |order, _| {
                    let metadata = order.kwargs.get("ex_metadata");
                    Some(metadata.cloned().unwrap_or_else(|| json!({})))
                },
            },
        ],
    },
    Deliberate {
        name: "a size without an id is known by its name",
        why: "since microversion 2.47 Nova says no more of a server's size, and names are unique",
        methods: &["ex_get_node_details"],
        fields: &[Instead {
            field: "size",
            ours: |_, node| Some(node.pointer("/extra/flavor_details/original_name")?.clone()),
        }],
    },
    Deliberate {
        name: "a node that is not there is an error",
        why: "a caller who named it expects it; Libcloud says None",
        methods: &["ex_get_node_details"],
        fields: &[Instead {
            field: "outcome",
            ours: |asked, _| ends_with(asked, 404).then(|| "raises NotFound".into()),
        }],
    },
    Deliberate {
        name: "a key is sent without the line's end",
        why: "it is no part of the key, and a copy of it with and without is the same",
        methods: &["import_key_pair_from_string"],
        fields: &[Instead {
            field: "requests",
            ours: |_, requests| {
                let mut ours = requests.clone();
                let key = ours.pointer_mut("/0/body/keypair/public_key")?;
                *key = key.as_str()?.trim_end().into();
                Some(ours)
            },
        }],
    },
    Deliberate {
        name: "a refused token is replaced once",
        why: "tokens are revoked before they end; with a new one the same request is sent again",
        methods: &["list_nodes"],
        fields: &[Instead {
            field: "requests",
            ours: |asked, requests| {
                let again = [requests.as_array()?.as_slice(), &[requests[0].clone()]].concat();
                ends_with(asked, 401).then(|| again.into())
            },
        }],
    },
    Deliberate {
        name: "a list that would begin again is an error",
        why: "what comes behind that link is not known, and a list cut short must not look whole",
        methods: &["list_images"],
        fields: &[Instead {
            field: "outcome",
            ours: |asked, _| {
                let last = asked.exchanges.last()?.answer.as_ref()?;
                let page: Value = serde_json::from_slice(&last.body).ok()?;
                let begins_again = page["next"] == page["first"] && page["next"].is_string();
                begins_again.then(|| "raises Protocol".into())
            },
        }],
    },
];

/// Returns the public or the private addresses of a node, floating ones being public.
fn ips(node: &Value, public: bool) -> Option<Value> {
    let networks = node.pointer("/extra/addresses")?.as_object()?;
    let all = networks.values().filter_map(Value::as_array).flatten();
    let floating = all.filter(|address| address["OS-EXT-IPS:type"] == "floating");
    let floating: Vec<_> = floating.map(|address| &address["addr"]).collect();
    let theirs = |list: &str, is_public: bool| {
        let ips = node[list].as_array().into_iter().flatten();
        ips.map(|ip| (ip.clone(), is_public || floating.contains(&ip))).collect::<Vec<_>>()
    };
    let all = [theirs("public_ips", true), theirs("private_ips", false)].concat();
    let ours = all.into_iter().filter(|(_, is_public)| *is_public == public);
    Some(plain(&ours.map(|(ip, _)| ip).collect()))
}

/// Tells whether the last answer that was recorded has that status.
fn ends_with(asked: &Asked, status: u16) -> bool {
    let last = asked.exchanges.last().and_then(|exchange| exchange.answer.as_ref());
    last.is_some_and(|answer| answer.status == status)
}
