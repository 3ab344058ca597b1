//! `welkin sim`: the embedded cloud as a process of its own.

use std::io::{self, BufRead, Write};
use std::process::ExitCode;

use serde::{Deserialize, Serialize};
use welkin::sim::Sim;

use crate::complaint::{Complaint, tell};

/// Run a small OpenStack on this machine, in memory, until Ctrl-C
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Port to listen on; by default a free one
    #[arg(long, value_name = "P", default_value_t = 0, hide_default_value = true)]
    port: u16,

    /// How many servers there may be
    #[arg(long, value_name = "N", default_value_t = 1000)]
    quota: usize,

    /// Be steered over stdin and stdout, and end with stdin
    #[arg(long, hide = true)]
    stdio: bool,

    /// Serve HTTPS; the first line of stdout has the certificate of the CA
    #[arg(long, hide = true, requires = "stdio")]
    tls: bool,
}

const EXAMPLES: &str = "\
Examples:
  welkin sim                                  prints the OS_* variables that lead to it
  welkin sim --port 5000 > openrc &           then: . ./openrc; openstack server list
  . ./openrc; welkin demo --cloud openstack   the demo against it, as against a real cloud";

/// The first line that `sim --stdio` prints: how to log in.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Ready {
    pub(crate) auth_url: String,
    pub(crate) user: String,
    pub(crate) password: String,
    pub(crate) project: String,
    pub(crate) domain: String,
    pub(crate) region: String,
    pub(crate) ca_pem: Option<String>,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Complaint> {
    let sim = Sim::builder()
        .user(USER)
        .password(PASSWORD)
        .project(PROJECT)
        .domain(DOMAIN)
        .regions([REGION])
        .port(args.port)
        .quota(args.quota)
        .tls(args.tls)
        .start()
        .map_err(|e| Complaint::because("the sim cannot start", &e))?;
    let served = if args.stdio { obey(&sim) } else { show(&sim) };
    served.map_err(|e| Complaint::because("the sim ends", &e))?;
    Ok(ExitCode::SUCCESS)
}

/// Prints what an OpenStack client needs, and waits for Ctrl-C.
fn show(sim: &Sim) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for (name, value) in [
        ("AUTH_URL", sim.auth_url()),
        ("USERNAME", USER),
        ("PASSWORD", PASSWORD),
        ("PROJECT_NAME", PROJECT),
        ("USER_DOMAIN_NAME", DOMAIN),
        ("PROJECT_DOMAIN_NAME", DOMAIN),
        ("REGION_NAME", REGION),
        ("IDENTITY_API_VERSION", "3"),
    ] {
        writeln!(out, "export OS_{name}={value}")?;
    }
    out.flush()?;
    tell(&format!("The sim listens on {}; Ctrl-C ends it.", sim.base_url()));
    tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?
        .block_on(tokio::signal::ctrl_c())
}

/// Says where it is, then answers each line of stdin with a line of JSON.
///
/// Whoever started it holds the other end of stdin, so it cannot outlive them.
fn obey(sim: &Sim) -> io::Result<()> {
    let ready = Ready {
        auth_url: sim.auth_url().to_owned(),
        user: USER.to_owned(),
        password: PASSWORD.to_owned(),
        project: PROJECT.to_owned(),
        domain: DOMAIN.to_owned(),
        region: REGION.to_owned(),
        ca_pem: sim.ca_pem().map(str::to_owned),
    };
    say(&ready)?;
    for line in io::stdin().lock().lines() {
        match line?.trim() {
            "stats" => say(&sim.stats())?,
            "reset" => {
                sim.reset_stats();
                say(&sim.stats())?;
            }
            other => {
                let text = format!("no command {other:?}; there are stats and reset");
                say(&serde_json::json!({ "error": text }))?;
            }
        }
    }
    Ok(())
}

fn say(value: &impl Serialize) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{}", serde_json::to_string(value)?)?;
    out.flush()
}

const USER: &str = "demo";
const PASSWORD: &str = "secret";
const PROJECT: &str = "demo";
const DOMAIN: &str = "Default";
const REGION: &str = "RegionOne";
