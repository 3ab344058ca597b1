//! What Apache Libcloud's own tests were answered, asked again by this crate.
//!
//! The recording of those tests is no part of the project: it is read from the folder that
//! `WELKIN_LIBCLOUD_CASES` names, or from `../shared/libcloud` beside it, and without one there is
//! nothing to do. A server plays what the tests' mocks answered, a table maps each of Libcloud's
//! methods to our call for it, and what comes out is compared: requests, fields that both have, kinds
//! of errors. `cargo test --all-features --test libcloud -- --nocapture` prints the report.
//!
//! A mock kept by hand is no cloud. So a difference may be wanted, and then stands in a list with its
//! reason. One that does not is an error, and so is one in the list that nothing shows any more.
#![cfg(feature = "openstack")]

mod cases;
mod compare;
mod made_up;
mod openstack;
mod replay;
mod report;
mod request;
mod server;
mod table;

use std::path::{Path, PathBuf};

use replay::replay;
use report::Report;
use server::Server;
use table::File;

const FILES: &[&File] = &[&openstack::COMPUTE, &openstack::IDENTITY];

#[test]
fn libcloud_and_we_read_the_same_answers_the_same_way() {
    let Some(root) = recording() else {
        println!("no recording of Libcloud's tests: set WELKIN_LIBCLOUD_CASES; skipped");
        return;
    };
    let server = Server::start();
    let mut wrong = Vec::new();
    for file in FILES {
        let mut report = Report::of(file);
        for case in cases::read(&root, file.path) {
            report.add(&case.name, replay(file, &case, &server));
        }
        println!("{report}");
        wrong.extend(report.wrong());
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

/// Finds the folder of the recording. One that is named must be there.
fn recording() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("WELKIN_LIBCLOUD_CASES") {
        return Some(named.into());
    }
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/libcloud");
    beside.join("cases").is_dir().then_some(beside)
}
