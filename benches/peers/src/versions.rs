//! Who exactly is measured: the versions that are built in, as the lock has them.

/// Returns the client and what it stands on.
pub(crate) fn of(who: &str) -> String {
    let parts: &[&str] = match who {
        "welkin" | "welkin-threads" | "welkin-own" => &["welkin", "hyper", "rustls", "tokio"],
        "hyper-util" => &["hyper-util", "hyper-rustls", "hyper", "rustls", "tokio"],
        "raw" => &["hyper", "tokio-rustls", "rustls", "tokio"],
        "reqwest" | "reqwest-blocking" => &["reqwest", "hyper-util", "hyper", "rustls", "tokio"],
        "ureq" => &["ureq", "rustls"],
        "aws" => &["aws-smithy-http-client", "hyper", "rustls", "tokio"],
        "openstack_sdk" => &["openstack_sdk", "reqwest", "hyper-util", "hyper", "rustls", "tokio"],
        _ => unreachable!("its client was found"),
    };
    let parts = parts.iter().map(|part| match *part {
        "rustls" => format!("{} (ring {})", named("rustls"), locked("ring")),
        "aws-smithy-http-client" => format!("{} (its pool::Client)", named(part)),
        part => named(part),
    });
    parts.collect::<Vec<_>>().join(", ")
}

fn named(package: &str) -> String {
    format!("{package} {}", locked(package))
}

fn locked(package: &str) -> &'static str {
    let name = format!("\nname = \"{package}\"\nversion = \"");
    let behind = LOCK.split_once(&name).map(|(_, behind)| behind);
    let version = behind.and_then(|behind| behind.split_once('"'));
    version.map(|(version, _)| version).expect("it is built in")
}

const LOCK: &str = include_str!("../Cargo.lock");
