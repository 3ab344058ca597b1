//! Draws what the benches measured, for the README.
//!
//! ```sh
//! cargo bench --all-features --bench versus -- --json benches/figures/figures.jsonl
//! cargo run --manifest-path benches/plots/Cargo.toml -- benches/figures
//! ```
//!
//! Reads `figures.jsonl` in that folder and writes the pictures beside it.

mod figures;
mod picture;

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

use crate::figures::Figures;
use plotters::style::RGBColor;

use crate::picture::{Axis, Line, Panel, Picture, Who};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(env::args().nth(1).ok_or("usage: welkin-plots FOLDER")?);
    let figures = Figures::read(&folder.join("figures.jsonl"))?;
    for (name, picture) in
        [("cost", cost(&figures)?), ("crowds", crowds(&figures)?), ("renewal", renewal(&figures)?)]
    {
        let file = folder.join(format!("{name}.svg"));
        fs::write(&file, picture.svg()?).map_err(|e| format!("{}: {e}", file.display()))?;
        println!("{}", file.display());
    }
    Ok(())
}

/// What one request costs, by threads.
fn cost(figures: &Figures) -> Result<Picture, Box<dyn Error>> {
    let table = figures.table("versus: 1 KiB on plain threads")?;
    let panel = |scheme: &str, title: &str| {
        let of_scheme = table.only("scheme", scheme);
        let lines = [
            ("welkin-threads", SHARED),
            ("welkin-own", OWN),
            ("ureq", UREQ),
            ("reqwest-blocking", REQWEST),
        ];
        let lines = lines.map(|(key, who)| of_scheme.line(key, who, "crowd", "CPU µs"));
        Panel {
            title: title.to_owned(),
            x: Axis::steps("threads", &lines),
            y: Axis::linear("CPU per request, µs", &lines),
            lines: lines.to_vec(),
        }
    };
    Ok(Picture {
        title: "What a warm GET of 1 KiB costs, by threads".to_owned(),
        panels: vec![panel("http", "plain HTTP"), panel("https", "TLS")],
    })
}

/// What the cloud sees when a crowd begins.
fn crowds(figures: &Figures) -> Result<Picture, Box<dyn Error>> {
    let table = figures.table("versus: cold, TLS, a login takes 50 ms, eight at once")?;
    let panel = |column: &str, title: &str, unit: &str| {
        let lines = [
            ("welkin-threads", SHARED),
            ("welkin-own", OWN),
            ("libcloud-threads", LIBCLOUD),
            ("openstacksdk", SDK),
        ];
        let lines = lines.map(|(key, who)| table.line(key, who, "crowd", column));
        Panel {
            title: title.to_owned(),
            x: Axis::steps("threads", &lines),
            y: Axis::logarithmic(unit, &lines),
            lines: lines.to_vec(),
        }
    };
    Ok(Picture {
        title: "A crowd begins at once: what the server counted, and how long it took".to_owned(),
        panels: vec![
            panel("logins", "logins", "logins"),
            panel("sockets", "sockets", "connections accepted"),
            panel("last first answer ms", "last first answer", "milliseconds"),
        ],
    })
}

/// How long callers wait while their token ends.
fn renewal(figures: &Figures) -> Result<Picture, Box<dyn Error>> {
    let table = figures.table("versus: 64 callers while tokens end")?;
    let panel = |what: &str, title: &str| {
        let trial = table.only("what", what);
        let lines = [
            ("welkin-threads", SHARED),
            ("openstack_sdk", GTEMA),
            ("openstacksdk", SDK),
            ("libcloud-threads", LIBCLOUD),
        ];
        let lines = lines.map(|(key, who)| trial.worst(key, who));
        Panel {
            title: title.to_owned(),
            x: Axis::linear("seconds", &lines),
            y: Axis::logarithmic("slowest answer of each 0.2 s, ms", &lines),
            lines: lines.to_vec(),
        }
    };
    Ok(Picture {
        title: "64 callers through the end of their token (a login takes 500 ms)".to_owned(),
        panels: vec![
            panel("a token ends, a login takes 500 ms", "a token ends"),
            panel("all tokens revoked, a login takes 500 ms", "all tokens revoked, three times"),
        ],
    })
}

// The colours lie between dark and light, so that they stand out from both.
const SHARED: Who = Who { name: "Welkin, one shared driver", color: RGBColor(47, 129, 247) };
const OWN: Who = Who { name: "Welkin, a driver per thread", color: RGBColor(217, 115, 13) };
const LIBCLOUD: Who = Who { name: "Libcloud, a driver per thread", color: RGBColor(45, 164, 78) };
const SDK: Who = Who { name: "openstacksdk, shared connection", color: RGBColor(163, 113, 247) };
const GTEMA: Who = Who { name: "openstack_sdk (Rust), shared", color: OWN.color };
const UREQ: Who = Who { name: "ureq, shared agent", color: LIBCLOUD.color };
const REQWEST: Who = Who { name: "reqwest::blocking, shared client", color: SDK.color };

impl figures::Table {
    fn line(&self, key: &str, who: Who, x: &str, y: &str) -> Line {
        let rows = self.rows().filter(|row| row["who"] == key);
        let points = rows.filter_map(|row| Some((row[x].as_f64()?, row[y].as_f64()?)));
        Line { who, points: points.collect() }
    }

    /// The slowest of each ten steps of 20 ms, in which something ended.
    fn worst(&self, key: &str, who: Who) -> Line {
        let row = self.rows().find(|row| row["who"] == key);
        let steps = row.and_then(|row| row["worst per 20 ms"].as_array()).cloned();
        let steps: Vec<_> = steps.unwrap_or_default().iter().filter_map(|v| v.as_f64()).collect();
        let points = steps.chunks(10).enumerate().filter_map(|(i, chunk)| {
            let slowest = chunk.iter().copied().fold(0.0, f64::max);
            (slowest > 0.0).then_some(((i as f64 + 0.5) / 5.0, slowest))
        });
        Line { who, points: points.collect() }
    }
}
