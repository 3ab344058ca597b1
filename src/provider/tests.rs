//! What holds for every provider, whatever names it is given.

use http::uri::PathAndQuery;

use super::{Provider, aws, openstack};
use crate::call::{Call, Content, Cursor, Target};
use crate::error::{ErrorKind, Result};
use crate::service::node::{NewNode, Reboot};

/// Names that would end a line, begin a header, a request or another path if they went out as they
/// are.
const HOSTILE: &[&str] = &[
    "a\r\nX-Evil: 1",
    "a\nX-Evil: 1",
    "a\rX-Evil: 1",
    "a\0b",
    "a\r\n\r\nDELETE /everything HTTP/1.1\r\n\r\n",
    " HTTP/1.1\r\nHost: evil",
    "a b",
    "\t",
    "\u{7f}",
    "\u{85}\u{2028}",
    "\u{10a}\u{10d}\u{100}",
    "?a=b&c#d",
    "//evil.example/",
    "@evil.example",
    "%0d%0aX-Evil: 1",
    "größe",
    "",
    ".",
    "..",
];

/// Names of three random characters, most of them odd ones, and one in the middle of others.
fn random() -> impl Iterator<Item = String> {
    const ODD: [char; 14] =
        ['\r', '\n', '\0', ' ', '\t', ':', '/', '?', '#', '%', '@', '\\', '"', '\u{10d}'];
    let mut random = fastrand::Rng::with_seed(7);
    std::iter::repeat_with(move || {
        let mut name: String = (0..3)
            .map(|_| match random.bool() {
                true => ODD[random.usize(..ODD.len())],
                false => random.char('\0'..='\u{ff}'),
            })
            .collect();
        if random.bool() {
            name = format!("a{name}b");
        }
        name
    })
    .take(2_000)
}

/// Looks at a request: it is one line and headers of one line each, and stays at its service.
fn check<T>(what: &str, name: &str, call: Result<Call<T>>) -> bool {
    let request = match call {
        Ok(call) => call.request,
        Err(e) => {
            let refused = [ErrorKind::Invalid, ErrorKind::Unsupported, ErrorKind::Protocol];
            assert!(refused.contains(&e.kind()), "{what} {name:?}: {e:?}");
            assert!(!e.to_string().contains(['\r', '\n', '\0']), "{what} {name:?}");
            return false;
        }
    };
    assert!(matches!(request.target, Target::Service(_)), "{what} {name:?}");
    let path = &request.path;
    assert!(path.starts_with('/') && !path.starts_with("//"), "{what} {name:?}: {path:?}");
    assert!(path.bytes().all(|b| b.is_ascii_graphic()), "{what} {name:?}: {path:?}");
    path.parse::<PathAndQuery>().expect("a path");
    for (header, value) in &request.headers {
        let lines = value.as_bytes().iter().any(|b| matches!(b, b'\r' | b'\n' | 0));
        assert!(!lines, "{what} {name:?}: {header}");
    }
    true
}

fn check_all(provider: &Provider, name: &str) -> usize {
    // A cursor may come from the user's own store.
    let from: Cursor = serde_json::from_value(name.into()).expect("a cursor");
    let mut sent = Vec::new();
    if let Some(compute) = &provider.compute {
        let mut order = NewNode::named(name).size(name).image(name).network(name);
        order = order.key_pair(name).metadata(name, name).location(name).security_group(name);
        order = order.user_data(name);
        sent.extend([
            check("list_nodes", name, compute.list_nodes(Some(&from))),
            check("get_node", name, compute.get_node(name)),
            check("create_node", name, compute.create_node(&order)),
            check("destroy_node", name, compute.destroy_node(name)),
            check("reboot_node", name, compute.reboot_node(name, Reboot::Soft)),
            check("start_node", name, compute.start_node(name)),
            check("stop_node", name, compute.stop_node(name)),
            check("list_sizes", name, compute.list_sizes(Some(&from))),
            check("list_images", name, compute.list_images(Some(&from))),
            check("get_image", name, compute.get_image(name)),
            check("list_locations", name, compute.list_locations(Some(&from))),
            check("list_key_pairs", name, compute.list_key_pairs(Some(&from))),
            check("get_key_pair", name, compute.get_key_pair(name)),
            check("create_key_pair", name, compute.create_key_pair(name)),
            check("import_key_pair", name, compute.import_key_pair(name, name)),
            check("delete_key_pair", name, compute.delete_key_pair(name)),
            check("create_node of a volume", name, compute.create_node(&order.root_volume_gb(1))),
        ]);
    }
    if let Some(storage) = &provider.storage {
        let content = || Content::from(bytes::Bytes::from_static(b"x"));
        sent.extend([
            check("list_containers", name, storage.list_containers(Some(&from))),
            check("create_container", name, storage.create_container(name, Some(name))),
            check("delete_container", name, storage.delete_container(name)),
            check("list_objects", name, storage.list_objects(name, None)),
            check("list_objects from", name, storage.list_objects("c", Some(&from))),
            check("upload_object", name, storage.upload_object("c", name, content())),
            check("download_object", name, storage.download_object("c", name)),
            check("delete_object", name, storage.delete_object("c", name)),
        ]);
    }
    sent.into_iter().filter(|sent| *sent).count()
}

#[test]
fn no_name_reaches_the_request_line_or_a_header_as_it_is() {
    let openstack = openstack::Config::password("http://h", "demo", "s3cret").project("web");
    let aws = aws::Config::keys("AKID", "s3cret").region("eu-west-1");
    for provider in [Provider::try_from(openstack), Provider::try_from(aws)] {
        let provider = provider.expect("a provider");
        let names = HOSTILE.iter().map(|name| (*name).to_owned()).chain(random());
        let sent: usize = names.map(|name| check_all(&provider, &name)).sum();
        // Refusing everything would be easy.
        assert!(sent > 1_000, "{}: {sent} requests", provider.name);
        assert!(check_all(&provider, "plain") > 0, "{}", provider.name);
    }
}
