//! `welkin completions`: what shells need to complete commands.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::CommandFactory;
use clap_complete::{Shell, generate};

use crate::complaint::Complaint;
use crate::{Cli, print};

/// Print what a shell needs to complete the commands of welkin
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

const EXAMPLES: &str = "\
To install it:
  welkin completions bash > ~/.local/share/bash-completion/completions/welkin
  welkin completions zsh > ~/.zfunc/_welkin        with ~/.zfunc in $fpath before compinit
  welkin completions fish > ~/.config/fish/completions/welkin.fish
  welkin completions elvish >> ~/.config/elvish/rc.elv
  welkin completions powershell >> $PROFILE";

pub(crate) fn run(args: &Args) -> Result<ExitCode, Complaint> {
    // Into memory first: the generator takes a full disk for a bug.
    let mut script = Vec::new();
    generate(args.shell, &mut Cli::command(), "welkin", &mut script);
    let mut out = io::stdout().lock();
    print::over(out.write_all(&script).and_then(|()| out.flush()))?;
    Ok(ExitCode::SUCCESS)
}
