//! One shared driver in tasks of one runtime, against a bare hyper connection per task and
//! hyper-util's shared client.

mod support;

use std::error::Error;

use serde_json::json;

use self::support::args::Args;
use self::support::rounds::{Quartiles, cpu, median, rate, rounds, spend};
use self::support::server::{Manner, Server, serve_if_asked};
use self::support::table::Table;
use self::support::way::{Client, Way};

fn main() -> Result<(), Box<dyn Error>> {
    serve_if_asked()?;
    let args = Args::read();
    let mut table = Table::new(
        "tasks: CPU per warm GET of 1 KiB, tokio, one thread",
        &[
            "tasks",
            "scheme",
            "shared µs",
            "raw µs",
            "legacy µs",
            "shared/raw",
            "shared/legacy",
            "req/s",
            "req/s to raw",
            "met",
        ],
    );
    for tls in [false, true] {
        for tasks in [1, 16, 128] {
            let server = Server::start(Manner::default())?;
            let mut shared = Client::new(Way::Tokio(tasks), server.at(), tls)?;
            let mut raw = Client::new(Way::Raw(tasks), server.at(), tls)?;
            let mut legacy = Client::new(Way::Legacy(tasks), server.at(), tls)?;
            let requests = args.pick(12_800, 640);
            let turn = |client: &mut Client| {
                client.ask(2 * tasks);
                spend(requests, || client.ask(requests))
            };
            let spent = rounds(
                args.pick(9, 2),
                &mut [&mut || turn(&mut shared), &mut || turn(&mut raw), &mut || turn(&mut legacy)],
            );
            let to_raw = Quartiles::ratio(&spent[0], &spent[1], cpu);
            table.row([
                tasks.into(),
                (if tls { "https" } else { "http" }).into(),
                json!(median(&spent[0], cpu)),
                json!(median(&spent[1], cpu)),
                json!(median(&spent[2], cpu)),
                to_raw.shown().into(),
                Quartiles::ratio(&spent[0], &spent[2], cpu).shown().into(),
                json!(median(&spent[0], rate)),
                json!(Quartiles::ratio(&spent[0], &spent[1], rate).median()),
                (if to_raw.median() <= 1.10 { "yes" } else { "no" }).into(),
            ]);
        }
    }
    table.print(&args)
}
