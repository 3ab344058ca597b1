//! OpenSSH's server as a process of the test, for the test's own user, on loopback.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// A server that runs until it is dropped, with a home folder of its own.
pub(crate) struct Sshd {
    child: Child,
    pub(crate) port: u16,
    pub(crate) dir: PathBuf,
    pub(crate) user: String,
}

const SSHD: &str = "/usr/sbin/sshd";

/// Tells whether there is a server to ask; says so if there is none.
pub(crate) fn is_there() -> bool {
    let is_there = Path::new(SSHD).exists();
    if !is_there {
        let required = std::env::var("WELKIN_SSHD").is_ok_and(|value| value == "required");
        assert!(!required, "{SSHD} is missing: install openssh-server");
        eprintln!("{SSHD} is missing: not asked");
    }
    is_there
}

impl Sshd {
    /// Starts a server that lets `keys/user.pub` in.
    pub(crate) fn start(name: &str) -> Sshd {
        let dir = std::env::temp_dir().join(format!("welkin-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(dir.join("home")).unwrap();
        for (key, kind) in [("host", "ed25519"), ("user", "ed25519"), ("other", "ecdsa")] {
            keygen(&dir.join(key), &["-N", "", "-t", kind]);
        }
        fs::copy(dir.join("user.pub"), dir.join("authorized")).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let config = format!(
            "ListenAddress 127.0.0.1:{port}\nHostKey {dir}/host\nPidFile none\nUsePAM no\n\
             StrictModes no\nPasswordAuthentication no\nPermitRootLogin yes\n\
             AuthorizedKeysFile {dir}/authorized\nSetEnv HOME={dir}/home\n",
            dir = dir.display(),
        );
        fs::write(dir.join("config"), config).unwrap();
        let child = Command::new(SSHD)
            .args(["-D", "-e", "-f"])
            .arg(dir.join("config"))
            .stderr(fs::File::create(dir.join("log")).unwrap())
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let user = Command::new("id").arg("-un").output().unwrap().stdout;
        let user = String::from_utf8(user).unwrap().trim().to_owned();
        let sshd = Sshd { child, port, dir, user };
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(began.elapsed() < Duration::from_secs(20), "{}", sshd.log());
            thread::sleep(Duration::from_millis(20));
        }
        sshd
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    pub(crate) fn log(&self) -> String {
        self.read("log")
    }
}

/// Makes a key pair, as its users do.
pub(crate) fn keygen(path: &Path, kind: &[&str]) {
    let made = Command::new("ssh-keygen")
        .args(["-q", "-C", "welkin test"])
        .args(kind)
        .arg("-f")
        .arg(path)
        .status()
        .unwrap();
    assert!(made.success());
    assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// Accepts connections, says something that is not SSH, and hangs up.
pub(crate) fn rude() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten().take(100) {
            let mut stream = stream;
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
            let mut line = String::new();
            let _ = BufReader::new((&mut stream).take(1000)).read_line(&mut line);
        }
    });
    port
}
