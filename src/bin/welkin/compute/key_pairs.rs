//! Key pairs.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::Serialize;
use welkin::{KeyPair, PrivateKey};

use super::key_file::KeyFile;
use super::{Desk, input};
use crate::complaint::{Complaint, report};
use crate::print::{self, Output};

/// List the key pairs of the account
#[derive(clap::Args)]
#[command(after_help = LIST)]
pub(crate) struct ListKeyPairs {}

const LIST: &str = "\
Examples:
  welkin --cloud openstack compute list-key-pairs
  welkin --cloud aws compute list-key-pairs --output json | jq -r '.[].name'";

/// Show a key pair; its private half nobody can show
#[derive(clap::Args)]
#[command(after_help = GET)]
pub(crate) struct GetKeyPair {
    /// Its name
    name: String,
}

const GET: &str = "\
Examples:
  welkin --cloud openstack compute get-key-pair me
  welkin --cloud openstack compute get-key-pair me --output json | jq -r '.[0].public_key'";

/// Have the cloud make a key pair
#[derive(clap::Args)]
#[command(after_help = CREATE)]
pub(crate) struct CreateKeyPair {
    /// Its name
    name: String,

    /// A new file for the private half, that only you can read; by default it is printed
    #[arg(long, value_name = "FILE")]
    private_key_file: Option<PathBuf>,
}

const CREATE: &str = "\
Examples:
  welkin --cloud openstack compute create-key-pair me --private-key-file ~/.ssh/me.pem
  (umask 077; welkin --cloud openstack compute create-key-pair me > ~/.ssh/me.pem)
  welkin --cloud openstack compute create-key-pair me --output json | jq -r '.[0].private_key'

The cloud tells the private half this once. A file that exists is never overwritten. If the private
half can be neither written nor printed, the key pair is deleted again.";

/// Give the cloud the public half of a key pair that you have
#[derive(clap::Args)]
#[command(after_help = IMPORT)]
pub(crate) struct ImportKeyPair {
    /// Its name
    name: String,

    /// The file with the public half; - is stdin
    file: PathBuf,
}

const IMPORT: &str = "\
Examples:
  welkin --cloud openstack compute import-key-pair me ~/.ssh/id_ed25519.pub
  ssh-add -L | head -1 | welkin --cloud openstack compute import-key-pair me -";

/// Delete key pairs; nodes that have them keep them
#[derive(clap::Args)]
#[command(after_help = DELETE)]
pub(crate) struct DeleteKeyPair {
    /// Their names
    #[arg(value_name = "NAME", required = true)]
    names: Vec<String>,
}

const DELETE: &str = "\
Examples:
  welkin --cloud openstack compute delete-key-pair me
  welkin --cloud openstack compute delete-key-pair me you

All are tried. Each that cannot be deleted is a line on stderr, and the exit status is 1.
JSON has the name of each that was deleted; a table prints nothing.";

pub(super) async fn list(desk: &Desk) -> Result<ExitCode, Complaint> {
    desk.output.list(&desk.compute.list_key_pairs().await?)?;
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn get(desk: &Desk, args: &GetKeyPair) -> Result<ExitCode, Complaint> {
    desk.output.one(&desk.compute.get_key_pair(&args.name).await?)?;
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn create(desk: &Desk, args: &CreateKeyPair) -> Result<ExitCode, Complaint> {
    // Before the cloud is asked: what it tells once must have a place to go.
    let file = args.private_key_file.as_deref().map(KeyFile::begin).transpose()?;
    let pair = desk.compute.create_key_pair(&args.name).await?;
    let Some(private) = &pair.private_key else {
        return Err(Complaint::new(format!(
            "key pair {:?} was made, but the cloud did not tell its private half; delete it",
            pair.name
        )));
    };
    let delivered = match file {
        Some(file) => file.keep(private),
        None => show_private(desk.output, &pair, private),
    };
    if let Err(complaint) = delivered {
        return Err(match desk.compute.delete_key_pair(&pair).await {
            Ok(()) => complaint.and("the key pair is deleted again"),
            Err(e) => complaint.and("delete the key pair, it is of no use").and(&e.to_string()),
        });
    }
    if args.private_key_file.is_some() {
        desk.output.one(&pair)?;
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn import(desk: &Desk, args: &ImportKeyPair) -> Result<ExitCode, Complaint> {
    let pair = if args.file == Path::new("-") {
        let key = String::from_utf8_lossy(&input::read(&args.file)?).into_owned();
        desk.compute.import_key_pair(&args.name, &key).await?
    } else {
        desk.compute.import_key_pair_from_file(&args.name, &args.file).await?
    };
    desk.output.one(&pair)?;
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn delete(desk: &Desk, args: &DeleteKeyPair) -> Result<ExitCode, Complaint> {
    let (mut deleted, mut failures) = (Vec::new(), Vec::new());
    for name in &args.names {
        match desk.compute.delete_key_pair(name).await {
            Ok(()) => deleted.push(Deleted { name }),
            Err(e) => failures.push(Complaint::from(e).about(name)),
        }
    }
    let printed = desk.output.acted_on(&deleted);
    let status = report(&failures);
    printed.map(|()| status)
}

/// What a program needs to know of a key pair that is gone.
#[derive(Serialize)]
struct Deleted<'a> {
    name: &'a str,
}

/// A key pair with the half that it is never serialized with, but here on purpose.
#[derive(Serialize)]
struct WithPrivate<'a> {
    #[serde(flatten)]
    pair: &'a KeyPair,
    private_key: &'a str,
}

/// Prints the private half. Who does not read it to its end does not have it.
fn show_private(output: Output, pair: &KeyPair, private: &PrivateKey) -> Result<(), Complaint> {
    let private_key = private.expose();
    let printed = match output {
        Output::Json => print::as_json(&[WithPrivate { pair, private_key }]),
        Output::Table => print::as_it_is(private_key),
    };
    printed.map_err(|e| Complaint::because("the private key cannot be printed", &e))
}
