//! The command line of Welkin: the demo, and the sim for whoever wants to try a client on it.

mod complaint;
mod demo;
mod sim;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Demo(args) => demo::run(&args),
        Command::Sim(args) => sim::run(&args),
    };
    outcome.unwrap_or_else(|complaint| {
        eprintln!("welkin: {complaint}");
        ExitCode::FAILURE
    })
}

/// Many clouds behind one driver that every thread and every task shares
#[derive(Parser)]
#[command(version, max_term_width = 100, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Demo(demo::Args),
    Sim(sim::Args),
}
