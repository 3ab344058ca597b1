//! What happens rarely and hurts then: cold starts, tokens that end, crowds, closed connections,
//! calls that are given up, ten thousand operations at once, and a thousand nodes that are waited for.
//!
//! `cargo bench --bench rare`, or one of them by name.

mod support;

#[path = "rare/cancels.rs"]
mod cancels;
#[path = "rare/cold.rs"]
mod cold;
#[path = "rare/crowd.rs"]
mod crowd;
#[path = "rare/gaps.rs"]
mod gaps;
#[path = "rare/many.rs"]
mod many;
#[path = "rare/renewal.rs"]
mod renewal;
#[path = "rare/waiting.rs"]
mod waiting;

use std::error::Error;

use self::support::args::Args;
use self::support::server::serve_if_asked;

fn main() -> Result<(), Box<dyn Error>> {
    serve_if_asked()?;
    let args = Args::read();
    let words: Vec<_> = args.words.iter().map(String::as_str).collect();
    if let [many::CLIENT, who, operations] = words[..] {
        return many::client(who, operations.parse()?);
    }
    if let Some(odd) = words.iter().find(|word| ALL.iter().all(|(name, _)| name != *word)) {
        let names: Vec<_> = ALL.iter().map(|(name, _)| *name).collect();
        return Err(format!("nothing named {odd:?}; there are {}", names.join(", ")).into());
    }
    for (name, run) in ALL {
        if words.is_empty() || words.contains(name) {
            run(&args)?;
        }
    }
    Ok(())
}

const ALL: &[(&str, fn(&Args) -> Result<(), Box<dyn Error>>)] = &[
    ("cold", cold::run),
    ("renewal", renewal::run),
    ("crowd", crowd::run),
    ("gaps", gaps::run),
    ("cancels", cancels::run),
    ("many", many::run),
    ("waiting", waiting::run),
];
