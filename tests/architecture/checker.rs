//! Proves that the rules can fail: small bad sources, and good ones that look like them.

use super::source::{paths, test_modules};
use super::{check, out_of_order};

fn found(file: &str, text: &str) -> Vec<String> {
    check(file, text, &["nimbus".to_owned()])
}

#[track_caller]
fn refuses(file: &str, text: &str, line: usize) {
    let found = found(file, text);
    let at = format!("src/{file}:{line}: ");
    assert!(found.iter().any(|f| f.starts_with(&at)), "{text}\n{found:?}");
}

#[track_caller]
fn accepts(file: &str, text: &str) {
    assert_eq!(found(file, text), [""; 0], "{text}");
}

#[test]
fn a_provider_that_names_the_session_is_found_however_it_is_spelled() {
    for text in [
        "\nuse crate::session::Session;",
        "\nuse crate::{call::Call, session};",
        "\nuse crate::{call::{Call, Step}, session::{self as s}};",
        "\nfn f(s: &crate::session::Session) {}",
        "\nuse super::super::super::session::Session;",
        "\nmod inner { use super::super::super::super::wire; }",
        "\nuse crate::*;",
        "\nuse crate::Driver;",
    ] {
        refuses("provider/nimbus/compute.rs", text, 2);
    }
    accepts(
        "provider/nimbus/compute.rs",
        "use super::fault;\nuse crate::{call::Call, error::Error};\nuse crate::service::node;",
    );
}

#[test]
fn the_route_is_not_walked_backwards() {
    refuses("session/mod.rs", "use crate::provider::Provider;", 1);
    refuses("session/send.rs", "use super::super::driver;", 1);
    refuses("service/compute.rs", "fn f() { crate::provider::registry::f() }", 1);
    refuses("wire/mod.rs", "use crate::session::Session;", 1);
    refuses("call.rs", "use crate::wire;", 1);
    accepts("session/mod.rs", "use crate::wire;\nuse crate::call::Call;");
}

#[test]
fn only_the_wire_opens_sockets() {
    for text in [
        "use std::net::TcpStream;",
        "use std::net::{IpAddr, TcpListener};",
        "use std::net;",
        "use std::*;",
        "use ::std::net::ToSocketAddrs;",
        "fn f() { tokio::net::lookup_host() }",
        "fn f() { let a = 0..socket2::SOME; }",
        "use tokio::{io, net};",
    ] {
        refuses("session/pool/mod.rs", text, 1);
    }
    accepts("session/pool/mod.rs", "use std::net::{IpAddr, SocketAddr};");
    accepts("wire/tcp.rs", "use std::net::TcpStream;\nuse rustix::net::recv;");
}

#[test]
fn clocks_threads_files_and_processes_have_their_places() {
    refuses("provider/nimbus/auth.rs", "use std::time::Instant;\nfn f() { Instant::now() }", 2);
    refuses("service/node.rs", "fn f() { std::time::SystemTime::now() }", 1);
    refuses("session/send.rs", "fn f() { SystemTime::now() }", 1);
    refuses("op.rs", "use std::thread;", 1);
    refuses("provider/nimbus/compute.rs", "use std::{env, fs};", 1);
    refuses("provider/dialect/keystone.rs", "fn f() { std::fs::read(p) }", 1);
    refuses("provider/nimbus/config.rs", "fn f() { std::process::Command::new(p) }", 1);
    refuses("session/retry.rs", "fn f() { tokio::time::sleep(d) }", 1);
    accepts("session/clock.rs", "fn f() { (Instant::now(), SystemTime::now()) }");
    accepts("session/token.rs", "use std::thread;");
    accepts("provider/nimbus/config.rs", "fn f() { std::env::var(name) }");
    accepts("session/pool/mod.rs", "use tokio::runtime::Id;");
    accepts("op.rs", "fn f() { self.tokio.net }");
}

#[test]
fn a_provider_is_named_in_its_folder_only() {
    refuses("driver.rs", "\n\nfn f() { nimbus::Config::new() }", 3);
    refuses("session/send.rs", "fn is_nimbus() {}", 1);
    refuses("settings.rs", "struct A(\nNimbus);", 2);
    refuses("error.rs", "#[cfg(feature = \"nimbus\")]\nfn f() {}", 1);
    accepts("lib.rs", "#[cfg(feature = \"nimbus\")]\npub use provider::nimbus;");
    accepts("driver.rs", "//! nimbus\nconst A: &str = \"nimbus:profile\"; /* nimbus */");
}

#[test]
fn comments_strings_and_tests_do_not_count() {
    for text in [
        "// use std::fs;\n/// std::fs\n/* a /* b */ std::fs */",
        "fn f() { g(\"std::fs \\\" std::fs\", r#\"\" std::fs\"#, b\"std::fs\") }",
        "#[cfg(test)]\nmod tests {\n    use std::fs;\n    fn f() { \"}\"; }\n}",
        "#[cfg(test)]\n#[path = \"x.rs\"]\nmod tests;\n",
        "#[cfg(all(test, unix))]\nfn f(a: [u8; 2]) { std::fs::read(a) }",
    ] {
        accepts("op.rs", text);
    }
    for text in [
        "fn f<'a>(c: char) -> &'a str { g('\"'); g('\\''); std::fs::read(p) }",
        "#[cfg(test)] mod tests; use std::fs;",
        "#[cfg(not(test))] use std::fs;",
        "fn f(r: u8) { r; br\"\\\"; std::fs::read(r) }",
    ] {
        refuses("op.rs", text, 1);
    }
    let tests = test_modules("session/pool/mod.rs", "#[cfg(test)]\nmod tests;\nmod other;");
    assert_eq!(tests, [["session", "pool", "tests"]]);
}

#[test]
fn a_use_tree_is_read_with_its_lines() {
    let found = paths("use a::{\n    b as c,\n    d::{self, e},\n    f::*,\n};\nx::y();", &[]);
    let found: Vec<_> = found.iter().map(|(at, p)| (*at, p.join("::"))).collect();
    let expected = [(2, "a::b"), (3, "a::d"), (3, "a::d::e"), (4, "a::f::*"), (6, "x::y")];
    for (line, path) in expected {
        assert!(found.contains(&(line, path.to_owned())), "{path} in {found:?}");
    }
    assert!(!found.iter().any(|(_, path)| path == "c"), "{found:?}");
}

#[test]
fn modules_out_of_order_are_found() {
    assert_eq!(out_of_order("mod driver;\nmod op;\n\npub mod sim;"), [""; 0]);
    assert_eq!(out_of_order("mod op;\nmod driver;").len(), 1);
    assert_eq!(out_of_order("mod op;\nmod helpers;").len(), 1);
}
