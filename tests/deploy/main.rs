//! Deployments on a real OpenSSH server, of nodes that the sim says are on this machine.
//!
//! Without `/usr/sbin/sshd` they are not asked, unless `WELKIN_SSHD=required` is set.
#![cfg(all(feature = "sim", feature = "ssh", unix))]

mod sshd;

use std::time::Duration;

use sshd::{Sshd, is_there, keygen, rude};
use welkin::sim::{Fault, Sim};
use welkin::{
    Cancel, Compute, Deployment, Driver, ErrorKind, NewNode, NodeState, Op, Phase, Retry, Settings,
};

const ID: &str = "0dd4b7ae-3a5c-4a1c-8b0a-2d3c0a2d3c0a";

/// A cloud whose nodes all run, on this machine.
fn cloud() -> (Sim, Compute) {
    let no = Duration::ZERO;
    let sim = Sim::builder().login_delay(no).read_delay(no).create_delay(no).boot_time(no);
    let sim = sim.start().unwrap();
    let server = format!(
        r#"{{"server": {{"id": "{ID}", "name": "here", "status": "ACTIVE", "addresses":
            {{"net": [{{"addr": "127.0.0.1", "version": 4, "OS-EXT-IPS:type": "fixed"}}]}}}}}}"#
    );
    let answer = Fault::answer(200).header("content-type", "application/json").body(server);
    sim.fail_next(answer.on("GET", "/compute/v2.1/servers/").times(u32::MAX));
    let settings = Settings::new().retry(Retry::never());
    let compute = Driver::open_with(sim.config(), settings).unwrap().compute().unwrap();
    (sim, compute)
}

fn deployment(sshd: &Sshd) -> Deployment {
    let limit = Duration::from_secs(20);
    Deployment::as_user(&sshd.user)
        .port(sshd.port)
        .private_key_file(sshd.path("user"))
        .reachable_within(limit)
        .step_timeout(limit)
}

fn order(compute: &Compute) -> NewNode {
    NewNode::named("here").size("1").image(compute.find_image("tiny").wait().unwrap())
}

#[test]
fn a_node_is_ordered_and_set_up_step_by_step_from_a_thread_and_any_executor() {
    if !is_there() {
        return;
    }
    let runs: [fn(Op<welkin::Deployed>) -> welkin::Result<welkin::Deployed>; 3] = [
        |op| op.wait(),
        |op| smol::block_on(op),
        |op| tokio::runtime::Runtime::new().unwrap().block_on(op),
    ];
    for (i, run) in runs.into_iter().enumerate() {
        let sshd = Sshd::start(&format!("steps{i}"));
        let (sim, compute) = cloud();
        // Its name is as odd as its content: two pieces, and no text.
        let local = sshd.path("it's local");
        let content: Vec<u8> = (0..100_000_u32).map(|i| (i % 251) as u8).collect();
        std::fs::write(&local, &content).unwrap();
        let remote = sshd.path("it's \"here\" $HOME ünï");
        let other = sshd.read("other.pub");
        let setup = deployment(&sshd)
            .authorize(&other)
            .authorize(&other)
            .file(&local, remote.to_str().unwrap())
            .script("#!/bin/sh\necho \"at $HOME\"; echo oops >&2; cat >\"$HOME/stdin\"")
            .script("#!/usr/bin/env bash\n[[ $(<\"$HOME/stdin\") == '' ]] && echo second");
        let deployed = run(compute.deploy_node(&order(&compute), &setup)).unwrap();

        assert_eq!(deployed.node.state, NodeState::Running);
        assert_eq!(sim.servers().len(), 1, "one was ordered");
        assert_eq!(sshd.read("home/.ssh/authorized_keys"), other, "once is enough");
        assert_eq!(std::fs::read(&remote).unwrap(), content);
        let said: Vec<_> = deployed.outputs.iter().map(|o| o.stdout.as_str()).collect();
        let home = format!("at {}\n", sshd.path("home").display());
        assert_eq!(said, ["", "", "", &home, "second\n"]);
        assert_eq!(deployed.outputs[3].stderr, "oops\n");
        let host_key = sshd.read("host.pub");
        assert!(host_key.starts_with(&deployed.host_key), "{}", deployed.host_key);
        assert!(deployed.host_key.starts_with("ssh-ed25519 "));
    }
}

#[test]
fn a_step_that_fails_names_itself_the_node_and_what_was_said_last() {
    if !is_there() {
        return;
    }
    let sshd = Sshd::start("fails");
    let (_sim, compute) = cloud();
    for (script, words) in [
        (
            "#!/bin/sh\necho all went; echo no such luck >&2; exit 7",
            "ended with status 7: no such luck",
        ),
        ("#!/bin/sh\necho only this; exit 1", "ended with status 1: only this"),
        ("#!/no/such/reader\n", "status 127"),
        ("#!/bin/sh\nkill -KILL $PPID", "was ended by signal KILL"),
    ] {
        let setup = deployment(&sshd)
            .script("#!/bin/sh\ntrue")
            .script(script)
            .script("#!/bin/sh\ntouch ~/third");
        let error = compute.deploy_node(&order(&compute), &setup).wait().unwrap_err();
        let text = error.to_string();
        assert_eq!(error.kind(), ErrorKind::Failed, "{text}");
        assert!(text.contains("step 2 of 3 (run a script)"), "{text}");
        assert!(text.contains(words), "{text}");
        assert!(text.contains("node \"here\" (") && text.contains("is there"), "{text}");
        assert!(!sshd.path("home/third").exists());
        assert!(!text.contains('\n'));
    }
}

#[test]
fn tries_repeat_a_step_and_a_step_that_takes_too_long_is_left() {
    if !is_there() {
        return;
    }
    let sshd = Sshd::start("tries");
    let (_sim, compute) = cloud();
    let third = "#!/bin/sh\necho x >>~/tries; [ \"$(wc -l <~/tries)\" = 3 ]";
    compute.deploy_to(ID, &deployment(&sshd).script(third).tries(3)).wait().unwrap();
    assert_eq!(sshd.read("home/tries"), "x\nx\nx\n");

    let slow = deployment(&sshd).script("#!/bin/sh\nsleep 30").step_timeout(Duration::from_secs(1));
    let error = compute.deploy_to(ID, &slow).wait().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout(Phase::Answer));
    assert!(error.to_string().contains("may still run on the node"), "{error}");

    let slow = deployment(&sshd).script("#!/bin/sh\nsleep 30");
    let error = compute.deploy_to(ID, &slow).timeout(Duration::from_secs(1)).wait().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout(Phase::Wait));
}

#[test]
fn a_host_key_that_is_not_the_expected_one_ends_it_at_once() {
    if !is_there() {
        return;
    }
    let sshd = Sshd::start("hostkey");
    let (_sim, compute) = cloud();
    let right = deployment(&sshd).host_key(sshd.read("host.pub"));
    compute.deploy_to(ID, &right).wait().unwrap();
    let wrong = deployment(&sshd).host_key(sshd.read("other.pub")).script("#!/bin/sh\ntouch ~/was");
    let error = compute.deploy_to(ID, &wrong).wait().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Auth);
    assert!(error.to_string().contains("not the expected one"), "{error}");
    assert!(!sshd.path("home/was").exists());
}

#[test]
fn who_is_not_let_in_or_does_not_find_a_server_is_told_so_with_the_node() {
    if !is_there() {
        return;
    }
    let sshd = Sshd::start("refused");
    let (_sim, compute) = cloud();
    let other = Deployment::as_user(&sshd.user)
        .port(sshd.port)
        .private_key_file(sshd.path("other"))
        .password("no")
        .reachable_within(Duration::from_secs(3));
    let error = compute.deploy_node(&order(&compute), &other).wait().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Auth, "{error}");
    assert!(error.to_string().contains("does not let user"), "{error}");
    assert!(error.to_string().contains("is there and not deployed"), "{error}");

    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for port in [closed, rude()] {
        let nobody = deployment(&sshd).port(port).reachable_within(Duration::from_secs(3));
        let error = compute.deploy_to(ID, &nobody).wait().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Connection, "{error}");
        assert!(error.to_string().contains("no login over SSH"), "{error}");
    }
}

#[test]
fn what_can_be_known_to_fail_orders_nothing() {
    let dir = std::env::temp_dir().join(format!("welkin-known-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let (sim, compute) = cloud();
    keygen(&dir.join("locked"), &["-N", "a passphrase", "-t", "ed25519"]);
    keygen(&dir.join("open"), &["-N", "", "-t", "ed25519"]);
    keygen(&dir.join("rsa"), &["-N", "", "-t", "rsa"]);
    keygen(&dir.join("old"), &["-N", "", "-t", "rsa", "-m", "PEM"]);
    std::fs::write(dir.join("noise"), "not a key").unwrap();
    let me = || Deployment::as_user("me");
    let open = || me().private_key_file(dir.join("open"));
    for (deployment, kind, words) in [
        (me(), ErrorKind::Invalid, "nothing to log in with"),
        (me().private_key("hello"), ErrorKind::Invalid, "no private key"),
        (me().private_key_file(dir.join("noise")), ErrorKind::Invalid, "no private key"),
        (me().private_key_file(dir.join("none")), ErrorKind::Local, "cannot be read"),
        (me().private_key_file(dir.join("locked")), ErrorKind::Invalid, "has a passphrase"),
        (me().private_key_file(dir.join("rsa")), ErrorKind::Unsupported, "Ed25519"),
        (me().private_key_file(dir.join("old")), ErrorKind::Unsupported, "Ed25519"),
        (open().host_key("AAAA"), ErrorKind::Invalid, "host key"),
        (open().authorize("hello"), ErrorKind::Invalid, "key to authorize"),
        (open().authorize("ssh-rsa A\nssh-rsa B"), ErrorKind::Invalid, "several lines"),
        (open().file(dir.join("none"), "/x"), ErrorKind::Local, "cannot be read"),
        (open().file(&dir, "/x"), ErrorKind::Local, "cannot be read"),
        (open().file(dir.join("open"), ""), ErrorKind::Invalid, "no path"),
        (open().script("echo hello"), ErrorKind::Invalid, "#!/bin/sh"),
    ] {
        let error = compute.deploy_node(&order(&compute), &deployment).wait().unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
    assert!(sim.servers().is_empty());
    let shown = format!("{:?}", open().password("hush").script("#!/bin/sh\nTOKEN=hush"));
    assert!(!shown.contains("hush") && shown.contains("run a script"), "{shown}");
    std::fs::remove_dir_all(&dir).unwrap();
}

#[test]
fn a_cancelled_deployment_names_the_node_and_leaves_its_connection() {
    if !is_there() {
        return;
    }
    let sshd = Sshd::start("cancel");
    let (_sim, compute) = cloud();
    let cancel = Cancel::new();
    let setup = deployment(&sshd).script("#!/bin/sh\ntouch ~/began\nsleep 60");
    std::thread::scope(|s| {
        s.spawn(|| {
            while !sshd.path("home/began").exists() {
                std::thread::sleep(Duration::from_millis(10));
            }
            cancel.cancel();
        });
        let op = compute.deploy_node(&order(&compute), &setup).cancel_on(&cancel);
        let error = op.wait().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Canceled);
        assert!(error.to_string().contains("is there and not deployed"), "{error}");
    });
    let began = std::time::Instant::now();
    while !sshd.log().contains("onnection closed") && !sshd.log().contains("isconnect") {
        assert!(began.elapsed() < Duration::from_secs(20), "{}", sshd.log());
        std::thread::sleep(Duration::from_millis(20));
    }
}
