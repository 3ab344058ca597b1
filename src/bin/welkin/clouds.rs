//! `welkin clouds`: what is configured on this machine.

use std::process::ExitCode;

use serde::Serialize;
use welkin::CloudEntry;

use crate::complaint::{Complaint, report};
use crate::noun::{Noun, told};
use crate::print::Output;

/// List the clouds that are configured here, without anything secret
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {}

const EXAMPLES: &str = "\
Examples:
  welkin clouds
  welkin --cloud \"$(welkin clouds --output json | jq -r '.[0].selector')\" compute list-nodes

They are read where each cloud's own tools keep them: clouds.yaml and OS_*, ~/.aws. Nobody is asked.";

/// A configured cloud, and what to say to --cloud for it.
#[derive(Serialize)]
struct Configured {
    selector: String,
    #[serde(flatten)]
    cloud: CloudEntry,
}

impl Noun for Configured {
    const COLUMNS: &'static [&'static str] = &["selector", "address", "region", "source"];

    fn fields(&self) -> Vec<(&'static str, String)> {
        let CloudEntry { address, region, source, .. } = &self.cloud;
        vec![
            ("selector", self.selector.clone()),
            ("address", told(address.as_ref())),
            ("region", told(region.as_ref())),
            ("source", source.clone()),
        ]
    }
}

pub(crate) fn run(output: Output) -> Result<ExitCode, Complaint> {
    let (mut all, mut failures) = (Vec::new(), Vec::new());
    for (provider, clouds) in welkin::configured() {
        match clouds {
            Ok(clouds) => {
                all.extend(clouds.into_iter().map(|cloud| Configured {
                    selector: format!("{provider}:{}", cloud.name),
                    cloud,
                }))
            }
            // A broken file of one does not hide the others.
            Err(e) => failures.push(Complaint::from(e).about(provider)),
        }
    }
    output.list(&all)?;
    Ok(report(&failures))
}
