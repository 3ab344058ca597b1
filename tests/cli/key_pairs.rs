//! Key pairs, and where their private halves go.

use std::fs;
use std::path::PathBuf;

use super::*;

const PUBLIC: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl me@here";

#[test]
fn the_private_half_is_printed_once_and_never_shown_again() {
    let sim = quick();
    let made = compute(&sim, &["create-key-pair", "me"]);
    assert!(made.table().starts_with("-----BEGIN "), "the key and nothing else");
    assert!(made.out.ends_with("-----\n"));

    let made = compute_json(&sim, &["create-key-pair", "you"]).json();
    assert_eq!(made.len(), 1);
    assert_eq!(made[0]["name"], "you");
    assert!(text(&made[0]["private_key"]).starts_with("-----BEGIN "));
    assert!(text(&made[0]["public_key"]).starts_with("ssh-"));

    for args in [&["list-key-pairs"][..], &["get-key-pair", "me"]] {
        assert!(!compute(&sim, args).table().contains("PRIVATE"));
        assert!(!compute_json(&sim, args).out.contains("private"));
    }
    assert_eq!(names(&compute_json(&sim, &["list-key-pairs"]).json()), ["me", "you"]);
    assert_eq!(names(&compute_json(&sim, &["get-key-pair", "you"]).json()), ["you"]);
}

#[test]
fn the_private_half_goes_to_a_new_file_that_only_its_owner_reads() {
    let sim = quick();
    let folder = Folder::new("key-file");
    let file = folder.0.join("me.pem");
    let path = file.to_str().unwrap();
    let create = ["create-key-pair", "me", "--private-key-file", path];
    let made = compute_json(&sim, &create);
    assert_eq!(names(&made.json()), ["me"]);
    assert!(!made.out.contains("PRIVATE"), "{}", made.out);
    let key = fs::read_to_string(&file).unwrap();
    assert!(key.starts_with("-----BEGIN ") && key.ends_with("-----\n"), "{key}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }

    // What cannot be written is known before the cloud is asked.
    let asked = sim.stats().requests;
    let again = ["create-key-pair", "you", "--private-key-file", path];
    assert!(compute(&sim, &again).complaint().contains("exists, and no key is overwritten"));
    assert_eq!(fs::read_to_string(&file).unwrap(), key);
    let nowhere = ["create-key-pair", "you", "--private-key-file", "/no/such/folder/you.pem"];
    let refused = compute(&sim, &nowhere);
    assert!(refused.complaint().contains("/no/such/folder/you.pem cannot be made: No such file"));
    assert_eq!(sim.stats().requests, asked);

    // What the cloud refuses leaves no file behind.
    let other = folder.0.join("other.pem");
    let taken = ["create-key-pair", "me", "--private-key-file", other.to_str().unwrap()];
    let refused = compute(&sim, &taken);
    assert!(refused.complaint().contains("already exists"), "{}", refused.told);
    assert!(refused.told.contains("choose another name"), "{}", refused.told);
    assert!(!other.exists());
}

#[cfg(target_os = "linux")]
#[test]
fn a_pair_whose_private_half_cannot_be_printed_is_deleted_again() {
    let sim = quick();
    for form in ["table", "json"] {
        let mut command = command(&sim);
        command.args(["compute", "create-key-pair", "me", "--output", form]);
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let ran = Ran::of(command.stdout(full).output().unwrap());
        let line = ran.complaint();
        assert!(line.contains("the private key cannot be printed: No space left"), "{line}");
        assert!(line.ends_with("the key pair is deleted again"), "{line}");
        assert!(compute_json(&sim, &["list-key-pairs"]).json().is_empty());
    }
}

#[test]
fn public_halves_are_imported_from_files_and_from_stdin() {
    let sim = quick();
    let folder = Folder::new("import");
    let file = folder.0.join("me.pub");
    fs::write(&file, format!("{PUBLIC}\n")).unwrap();
    let made = compute_json(&sim, &["import-key-pair", "me", file.to_str().unwrap()]).json();
    assert_eq!((&made[0]["name"], made.len()), (&"me".into(), 1));
    let made = compute_with(&sim, &["import-key-pair", "you", "-"], PUBLIC.as_bytes());
    assert!(made.table().contains("fingerprint"), "{}", made.out);
    assert_eq!(names(&compute_json(&sim, &["list-key-pairs"]).json()), ["me", "you"]);

    let private = folder.0.join("me");
    fs::write(&private, "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n").unwrap();
    let path = private.to_str().unwrap();
    let asked = sim.stats().requests;
    for (args, stdin, why) in [
        (["import-key-pair", "x", path], "", "private half"),
        (["import-key-pair", "x", "-"], "no key at all", "no public key"),
        (["import-key-pair", "x", "-"], "", "empty"),
        (["import-key-pair", "x", "/no/such/file"], "", "/no/such/file cannot be read"),
        (["import-key-pair", "x", "/dev/zero"], "", "too long"),
    ] {
        let refused = compute_with(&sim, &args, stdin.as_bytes());
        assert!(refused.complaint().contains(why), "{args:?}: {}", refused.told);
    }
    assert_eq!(sim.stats().requests, asked, "nobody was asked in vain");
    let taken = compute_with(&sim, &["import-key-pair", "me", "-"], PUBLIC.as_bytes());
    assert!(taken.complaint().contains("already exists"), "{}", taken.told);
}

#[test]
fn several_are_deleted_and_each_failure_is_a_line() {
    let sim = quick();
    for name in ["a", "b"] {
        compute(&sim, &["create-key-pair", name]).table();
    }
    let ran = compute_json(&sim, &["delete-key-pair", "a", "nope", "b"]);
    assert_eq!(ran.status, 1);
    assert_eq!(names(&ran.any_json()), ["a", "b"]);
    assert_eq!(ran.told.lines().count(), 1, "{}", ran.told);
    assert!(ran.told.starts_with("welkin: nope: delete_key_pair: "), "{}", ran.told);
    assert!(compute_json(&sim, &["list-key-pairs"]).json().is_empty());
}

/// A folder of this test, gone with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("cli-{name}-{}", std::process::id());
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
