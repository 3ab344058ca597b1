//! Reads the sources and fails where a file names what its place in the route forbids.
//!
//! Every path counts, not only those of `use` lines. Comments, strings and `#[cfg(test)]` items do
//! not. The embedded cloud, the command line and the manual stand beside the route: only their
//! length is checked.

mod checker;
mod source;

use std::fs;
use std::path::Path;

use source::{blank, module_of, paths, test_modules, without_tests, words};

/// Parts of the crate, and what they may name of the others. `crate::provider` and so on, by head.
const LAYERS: &[Layer] = &[
    Layer {
        place: "provider/",
        names: Names::Only(&["call", "error", "provider", "service"]),
        why: "a provider translates: it does no I/O, sees no clock, holds no session",
    },
    Layer {
        place: "service/",
        names: Names::Never(&["driver", "provider", "wire"]),
        why: "a service knows clouds by its trait only",
    },
    Layer {
        place: "session/",
        names: Names::Never(&["driver", "provider", "service"]),
        why: "a session carries calls of every provider and service alike",
    },
    Layer {
        place: "wire/",
        names: Names::Never(&["driver", "op", "page", "provider", "service", "session"]),
        why: "the wire moves bytes for whoever comes along the route",
    },
    Layer {
        place: "call.rs",
        names: Names::Never(&["driver", "op", "page", "provider", "session", "wire"]),
        why: "a call is data between provider and session, both of which name it",
    },
    Layer {
        place: "call/",
        names: Names::Never(&["driver", "op", "page", "provider", "session", "wire"]),
        why: "a call is data between provider and session, both of which name it",
    },
];

/// What reaches outside the crate, and where that is allowed. The longest name that fits decides.
const REACHES: &[Reach] = &[
    Reach {
        names: &[
            "std::net::IpAddr",
            "std::net::Ipv4Addr",
            "std::net::Ipv6Addr",
            "std::net::SocketAddr",
            "std::net::SocketAddrV4",
            "std::net::SocketAddrV6",
        ],
        places: &[""],
        why: "an address is data",
    },
    Reach {
        names: &["std::net", "std::os::unix::net", "tokio::net", "socket2"],
        places: &["wire/", "deploy/"],
        why: "only the wire opens sockets, and the conversation over SSH",
    },
    Reach {
        names: &["hyper", "hyper_util", "rustix", "rustls", "tokio_rustls"],
        places: &["wire/"],
        why: "what speaks to the system or the peer stays behind the wire",
    },
    Reach {
        names: &["tokio"],
        places: &["wire/", "deploy/"],
        why: "the crate runs on any executor: the wire alone knows which one it is on; SSH has its own",
    },
    Reach {
        names: &["tokio::runtime"],
        places: &["wire/", "session/pool/", "deploy/"],
        why: "the pool prefers a connection of the caller's own runtime",
    },
    Reach {
        names: &["std::thread"],
        places: &["wire/", "session/sync.rs"],
        why: "threads: the reactor, one per login (no caller can end it), and parking",
    },
    Reach {
        names: &["Instant::now"],
        places: &["wire/", "session/", "deploy/"],
        why: "deadlines belong to the session and the wire, others are told the time",
    },
    Reach {
        names: &["SystemTime::now"],
        places: &["session/clock.rs"],
        why: "the wall clock is read in one place, so that tests can set it",
    },
    Reach {
        names: &["std::env"],
        places: &["provider/*/config.rs", "provider/*/clouds.rs", "settings/environment.rs"],
        why: "settings are read when a driver is opened: an account's, and the machine's proxies",
    },
    Reach {
        names: &["std::fs"],
        places: &[
            "provider/*/config.rs",
            "provider/*/clouds.rs",
            "service/compute/key_pairs.rs",
            "deploy/",
        ],
        why: "settings are read when a driver is opened; later, what the user names in a call",
    },
    Reach {
        names: &["std::process"],
        places: &[],
        why: "nobody starts a process: a call asks its session for what it needs",
    },
];

/// The order in which a request passes the modules, and `lib.rs` lists them.
const ROUTE: &[&str] = &[
    "driver", "settings", "op", "cancel", "page", "many", "download", "error", "service", "call",
    "provider", "session", "wire", "deploy", "manual", "sim", "fuzz",
];

const BESIDE_THE_ROUTE: &[&str] = &["bin/", "fuzz.rs", "manual/", "sim/"];
const MOST_LINES: usize = 600;

struct Layer {
    place: &'static str,
    names: Names,
    why: &'static str,
}

enum Names {
    Only(&'static [&'static str]),
    Never(&'static [&'static str]),
}

struct Reach {
    names: &'static [&'static str],
    places: &'static [&'static str],
    why: &'static str,
}

#[test]
fn every_file_names_only_what_its_place_allows() {
    let (sources, providers) = (sources(), providers());
    let test_only: Vec<_> =
        sources.iter().flat_map(|(file, text)| test_modules(file, text)).collect();
    let found: Vec<_> = sources
        .iter()
        .filter(|(file, _)| !BESIDE_THE_ROUTE.iter().any(|b| file.starts_with(b)))
        .filter(|(file, _)| !test_only.iter().any(|t| module_of(file).starts_with(t)))
        .flat_map(|(file, text)| check(file, text, &providers))
        .collect();
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
fn no_file_is_longer_than_one_can_read() {
    let long: Vec<_> = sources()
        .into_iter()
        .map(|(file, text)| (file, text.lines().count()))
        .filter(|(_, lines)| *lines > MOST_LINES)
        .map(|(file, lines)| format!("src/{file}:{lines}: more than {MOST_LINES} lines"))
        .collect();
    assert!(long.is_empty(), "\n{}\n", long.join("\n"));
}

#[test]
fn the_modules_stand_in_the_order_of_the_route() {
    let text = fs::read_to_string(src().join("lib.rs")).unwrap();
    let wrong = out_of_order(&text);
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

fn src() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))
}

/// Returns every source below `src/`, by its path from there with `/` between the parts.
fn sources() -> Vec<(String, String)> {
    fn read(folder: &Path, prefix: &str, into: &mut Vec<(String, String)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
            if entry.file_type().unwrap().is_dir() {
                read(&entry.path(), &format!("{name}/"), into);
            } else if name.ends_with(".rs") {
                into.push((name, fs::read_to_string(entry.path()).unwrap()));
            }
        }
    }
    let mut all = Vec::new();
    read(src(), "", &mut all);
    all.sort();
    assert!(all.len() > 20, "the sources are not where they were");
    all
}

/// Returns the providers' names: their folders' names.
fn providers() -> Vec<String> {
    fs::read_dir(src().join("provider"))
        .unwrap()
        .map(Result::unwrap)
        .filter(|entry| entry.file_type().unwrap().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .filter(|name| name != "dialect")
        .collect()
}

/// Returns what `file` names against the rules, as `src/file:line: what and why`.
fn check(file: &str, text: &str, providers: &[String]) -> Vec<String> {
    let code = without_tests(&blank(text, false));
    let mut found = Vec::new();
    for (line, path) in paths(&code, &module_of(file)) {
        let why = refused_layer(file, &path).or_else(|| refused_reach(file, &path));
        if let Some(why) = why {
            found.push(format!("src/{file}:{line}: `{}`: {why}", path.join("::")));
        }
    }
    if !file.starts_with("provider/") && file != "lib.rs" {
        let with_strings = without_tests(&blank(text, true));
        for provider in providers {
            let feature = format!("feature=\"{provider}\"");
            for (line, text) in (1..).zip(code.lines().zip(with_strings.lines())) {
                let (names, strings) = (words(text.0), text.1.replace(' ', ""));
                if names.iter().any(|w| w == provider) || strings.contains(&feature) {
                    let why = "outside `provider/` no code names a provider";
                    found.push(format!("src/{file}:{line}: `{provider}`: {why}"));
                }
            }
        }
    }
    found
}

fn refused_layer(file: &str, path: &[String]) -> Option<&'static str> {
    let [root, head, ..] = path else { return None };
    if root != "crate" {
        return None;
    }
    if file != "lib.rs" && head.starts_with(char::is_uppercase) {
        return Some("inside the crate a thing is named by its module");
    }
    let layer = LAYERS.iter().find(|l| file.starts_with(l.place))?;
    let refused = match layer.names {
        Names::Only(names) => !names.contains(&head.as_str()),
        Names::Never(names) => names.contains(&head.as_str()) || head == "*",
    };
    refused.then_some(layer.why)
}

fn refused_reach(file: &str, path: &[String]) -> Option<&'static str> {
    let allows = |row: &Reach| row.places.iter().any(|place| matches(file, place));
    let rows = || REACHES.iter().flat_map(|row| row.names.iter().map(move |name| (*name, row)));
    let row = match path {
        // `std::*` brings `std::net` in.
        [above @ .., last] if last == "*" => {
            let below = format!("{}::", above.join("::"));
            rows().find(|(name, row)| name.starts_with(&below) && !allows(row))
        }
        _ => None,
    };
    let (_, row) = row.or_else(|| {
        // `time::Instant::now` is `Instant::now` by another way.
        let fits = |name: &str| format!("::{}::", path.join("::")).contains(&format!("::{name}::"));
        let fitting = rows().filter(|(name, _)| fits(name));
        fitting.max_by_key(|(name, _)| name.len())
    })?;
    (!allows(row)).then_some(row.why)
}

/// Tells whether `file` is `place`, or lies in it; `*` stands for one folder.
fn matches(file: &str, place: &str) -> bool {
    match place.split_once('*') {
        None => {
            file == place || place.is_empty() || (place.ends_with('/') && file.starts_with(place))
        }
        Some((before, after)) => file
            .strip_prefix(before)
            .and_then(|rest| rest.strip_suffix(after))
            .is_some_and(|folder| !folder.contains('/')),
    }
}

/// Returns the `mod` lines of `lib.rs` that stand before one which the route passes earlier.
fn out_of_order(text: &str) -> Vec<String> {
    let code = blank(text, false);
    let mut last = 0;
    let mut wrong = Vec::new();
    for (line, text) in (1..).zip(code.lines()) {
        let text = text.strip_prefix("pub ").unwrap_or(text);
        let Some(name) = text.strip_prefix("mod ").and_then(|t| t.strip_suffix(';')) else {
            continue;
        };
        match ROUTE.iter().position(|r| *r == name) {
            Some(at) if at >= last => last = at,
            Some(_) => wrong.push(format!("src/lib.rs:{line}: `{name}` stands too late")),
            None => wrong.push(format!("src/lib.rs:{line}: `{name}` has no place in the route")),
        }
    }
    wrong
}
