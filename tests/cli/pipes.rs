//! Where output goes: closed pipes, full disks, and Ctrl-C in the middle.

use super::*;

#[test]
fn a_reader_who_has_seen_enough_is_no_failure() {
    let sim = quick();
    for args in [
        &["compute", "list-sizes"][..],
        &["compute", "list-sizes", "--output", "json"],
        &["--help"],
        &["completions", "bash"],
    ] {
        let mut command = command(&sim);
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let ran = Ran::of(command.args(args).stdout(writer).output().unwrap());
        assert_eq!((ran.status, &*ran.told), (0, ""), "{args:?}");
    }
}

#[cfg(target_os = "linux")]
mod full {
    use std::fs::{File, OpenOptions};

    use super::*;

    #[test]
    fn a_full_disk_is_one_line() {
        let sim = quick();
        for args in [
            &["compute", "list-sizes"][..],
            &["compute", "list-sizes", "--output", "json"],
            &["compute", "get-image", "tiny"],
            &["--help"],
            &["compute", "create-node", "--help"],
            &["--version"],
            &["completions", "zsh"],
        ] {
            let ran = Ran::of(command(&sim).args(args).stdout(full()).output().unwrap());
            let line = ran.complaint();
            assert!(line.contains("cannot be printed: No space left"), "{args:?}: {line}");
        }
    }

    #[test]
    fn what_exists_is_named_when_it_cannot_be_printed() {
        let sim = quick();
        let args = ["compute", "create-node", "web", "--size", "m1.tiny", "--image", "tiny"];
        let ran = Ran::of(command(&sim).args(args).stdout(full()).output().unwrap());
        let node = &sim.servers()[0];
        assert!(ran.complaint().ends_with(&format!("these nodes exist: web ({})", node.id)));
    }

    #[test]
    fn without_a_place_for_complaints_the_status_says_it() {
        let sim = quick();
        let mut command = command(&sim);
        command.args(["compute", "get-node", "nope"]);
        assert_eq!(Ran::of(command.stderr(full()).output().unwrap()).status, 1);
        let mut usage = bare();
        assert_eq!(Ran::of(usage.arg("fly").stderr(full()).output().unwrap()).status, 2);
    }

    fn full() -> File {
        OpenOptions::new().write(true).open("/dev/full").unwrap()
    }
}

#[cfg(unix)]
mod ctrl_c {
    use std::process::Child;

    use super::*;

    #[test]
    fn while_nodes_are_waited_for_it_says_what_exists() {
        let sim = quick();
        sim.set_boot_time(Duration::from_secs(3600));
        let mut command = command(&sim);
        command.args(["compute", "create-node", "web", "--count", "2", "--wait"]);
        command.args(["--size", "m1.tiny", "--image", "tiny", "--output", "json"]);
        let child = begin(command);
        // The wait has begun when nodes are asked for that nobody orders any more.
        until(|| sim.servers().len() == 2 && looks(&sim) > 0);
        let ran = interrupt(child);
        assert_eq!(ran.status, 130, "{}", ran.told);
        assert_eq!(names(&ran.any_json()), ["web-1", "web-2"]);
        let last = ran.told.lines().last().unwrap();
        assert!(last.starts_with("welkin: interrupted; these nodes exist: web-1 ("), "{last}");
        for node in sim.servers() {
            assert!(last.contains(&node.id), "{last}");
        }
    }

    #[test]
    fn while_nodes_are_ordered_the_rest_is_not_and_none_is_lost() {
        let sim = quick();
        sim.set_create_delay(Duration::from_secs(1));
        let mut command = command(&sim);
        command.args(["compute", "create-node", "web", "--count", "100"]);
        command.args(["--size", "m1.tiny", "--image", "tiny", "--output", "json"]);
        let child = begin(command);
        until(|| !sim.servers().is_empty());
        let ran = interrupt(child);
        assert_eq!(ran.status, 130, "{}", ran.told);
        let existing = sim.servers().len();
        assert!(existing < 100);
        assert_eq!(ran.any_json().len(), existing);
        let left_out = format!("; {} not ordered", 100 - existing);
        assert!(ran.told.trim_end().ends_with(&left_out), "{}", ran.told);
    }

    #[test]
    fn while_nodes_go_it_says_which_are_not_gone() {
        let sim = quick();
        make(&sim, &["web"]);
        sim.set_delete_time(Duration::from_secs(3600));
        sim.reset_stats();
        let mut command = command(&sim);
        command.args(["compute", "destroy-node", "web", "--wait"]);
        let child = begin(command);
        // One list to find it, the next to see whether it is gone.
        until(|| looks(&sim) > 1);
        let ran = interrupt(child);
        assert_eq!(ran.status, 130, "{}", ran.told);
        assert!(ran.told.ends_with("interrupted; told but not done yet: web\n"), "{}", ran.told);
    }

    fn begin(mut command: Command) -> Child {
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    fn interrupt(child: Child) -> Ran {
        let pid = child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
        Ran::of(child.wait_with_output().unwrap())
    }

    /// How often nodes were looked at.
    fn looks(sim: &Sim) -> u64 {
        let by_path = sim.stats().by_path;
        let looks =
            by_path.iter().filter(|(path, _)| path.starts_with("GET /compute/v2.1/servers"));
        looks.map(|(_, times)| times).sum()
    }

    fn until(mut condition: impl FnMut() -> bool) {
        let begin = std::time::Instant::now();
        while !condition() {
            assert!(begin.elapsed() < Duration::from_secs(60), "it never happened");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
