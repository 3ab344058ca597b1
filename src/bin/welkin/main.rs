//! The command line of Welkin: the library's verbs, the demo, and the sim for whoever wants to try a
//! client on it.

mod cloud;
mod clouds;
mod complaint;
mod completions;
mod compute;
mod demo;
mod escape;
mod find;
mod interrupt;
mod noun;
mod print;
mod progress;
mod sim;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use complaint::{Complaint, tell};
use print::Output;

fn main() -> ExitCode {
    let outcome = match Cli::try_parse() {
        Ok(cli) => run(&cli),
        Err(usage) => explain(&usage),
    };
    outcome.unwrap_or_else(|complaint| {
        tell(&format!("welkin: {complaint}"));
        complaint.status()
    })
}

/// Many clouds behind one driver that every thread and every task shares
#[derive(Parser)]
#[command(version, max_term_width = 100, arg_required_else_help = true)]
#[command(after_help = EXAMPLES)]
struct Cli {
    #[command(flatten)]
    global: Global,

    #[command(subcommand)]
    command: Command,
}

/// What can be said before and after every verb.
#[derive(clap::Args)]
#[command(next_help_heading = "Options of all commands")]
struct Global {
    /// The cloud: sim, openstack[:NAME] or aws[:PROFILE]
    #[arg(long, global = true, value_name = "SELECTOR", env = "WELKIN_CLOUD")]
    cloud: Option<String>,

    /// What to print: tables are for people, JSON for programs
    #[arg(long, global = true, value_name = "FORM", value_enum, default_value_t = Output::Table)]
    output: Output,
}

#[derive(Subcommand)]
enum Command {
    Clouds(clouds::Args),
    Compute(compute::Args),
    Demo(demo::Args),
    Sim(sim::Args),
    Completions(completions::Args),
}

const EXAMPLES: &str = "\
Examples:
  welkin demo                                        what sharing one driver is worth
  welkin clouds                                      what is configured here
  welkin --cloud sim compute list-sizes              the embedded cloud; it ends with the command
  welkin --cloud openstack compute list-nodes        the cloud that OS_* or OS_CLOUD leads to
  welkin --cloud openstack:mycloud compute list-nodes --output json
  export WELKIN_CLOUD=aws:work; welkin compute list-images
  welkin help compute create-node                    each verb has examples of its own

JSON is an array of objects with the library's field names.
Exit status: 0 if all went well, 1 if something failed (a line each on stderr), 2 for wrong usage,
130 after Ctrl-C.";

fn run(cli: &Cli) -> Result<ExitCode, Complaint> {
    // As everywhere, an empty variable counts as not set.
    let cloud = cli.global.cloud.as_deref().filter(|selector| !selector.is_empty());
    match &cli.command {
        Command::Clouds(_) => clouds::run(cli.global.output),
        Command::Compute(args) => compute::run(args, cloud, cli.global.output),
        Command::Demo(args) => demo::run(args, cloud, cli.global.output),
        Command::Sim(args) => sim::run(args),
        Command::Completions(args) => completions::run(args),
    }
}

/// Prints help, or what is wrong with the usage.
fn explain(usage: &clap::Error) -> Result<ExitCode, Complaint> {
    let printed = usage.print();
    if usage.use_stderr() {
        return Ok(ExitCode::from(2));
    }
    print::over(printed)?;
    Ok(ExitCode::SUCCESS)
}
