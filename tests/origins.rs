//! A token and a signature go to the account's own cloud and to nobody else.
#![cfg(feature = "sim")]

use std::net::TcpListener;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use welkin::sim::{Fault, Sim};
use welkin::{Compute, Driver, Error, ErrorKind, NewNode, Retry, Settings, openstack};

/// Where nobody may come.
struct Elsewhere(TcpListener);

impl Elsewhere {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        Self(listener)
    }

    fn url(&self) -> String {
        format!("http://{}/x?secret=1", self.0.local_addr().unwrap())
    }

    fn was_left_alone(&self) -> bool {
        self.0.accept().is_err()
    }

    /// Checks that an error says where the cloud points, but not with what it had in its query.
    fn is_named_by(&self, error: &Error) {
        let text = error.to_string();
        assert!(text.contains(&self.0.local_addr().unwrap().to_string()), "{text}");
        assert!(!text.contains("secret=1"), "{text}");
    }
}

const REDIRECTS: [u16; 5] = [301, 302, 303, 307, 308];

fn sim() -> Sim {
    let no = Duration::ZERO;
    Sim::builder().login_delay(no).read_delay(no).create_delay(no).boot_time(no).start().unwrap()
}

fn compute(sim: &Sim) -> Compute {
    let settings = Settings::new().retry(Retry::never());
    Driver::open_with(sim.config(), settings).unwrap().compute().unwrap()
}

#[test]
fn no_redirect_of_openstack_is_followed() {
    let (sim, elsewhere) = (sim(), Elsewhere::new());
    let compute = compute(&sim);
    let image = compute.find_image("tiny").wait().unwrap();
    let order = NewNode::named("n").size("1").image(&image);
    for status in REDIRECTS {
        let redirect = || Fault::answer(status).header("location", &elsewhere.url());
        sim.fail_next(redirect().on("GET", "/compute"));
        let error = compute.list_nodes().wait().unwrap_err();
        assert_eq!(error.status().unwrap(), status);
        elsewhere.is_named_by(&error);
        sim.fail_next(redirect().on("POST", "/compute"));
        let error = compute.create_node(&order).wait().unwrap_err();
        assert_eq!(error.status().unwrap(), status);
        elsewhere.is_named_by(&error);
        sim.fail_next(redirect().on("POST", "/identity"));
        let error = self::compute(&sim).list_nodes().wait().unwrap_err();
        assert_eq!(error.status().unwrap(), status, "the password is not sent on either");
        assert_eq!(error.kind(), ErrorKind::Invalid);
    }
    assert!(elsewhere.was_left_alone());
    assert_eq!(sim.servers().len(), 0);
}

#[test]
fn after_a_login_by_https_no_endpoint_without_tls_is_asked() {
    let (sim, elsewhere) = (Sim::builder().tls(true).start().unwrap(), Elsewhere::new());
    let catalog = format!(
        r#"{{"token": {{"issued_at": "2025-11-23T03:58:39Z", "expires_at": "2025-11-23T05:58:39Z",
            "catalog": [{{"type": "compute", "endpoints": [{{"interface": "public",
            "region_id": "RegionOne", "url": "{}"}}]}}]}}}}"#,
        elsewhere.url()
    );
    let grant = Fault::answer(201).header("x-subject-token", "t0ken").body(catalog);
    sim.fail_next(grant.clone().on("POST", "/identity"));
    let error = compute(&sim).list_nodes().wait().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    elsewhere.is_named_by(&error);
    assert!(!format!("{error:?}").contains("t0ken"));
    assert!(elsewhere.was_left_alone());

    // Whoever accepts any certificate has accepted that all may be read.
    sim.fail_next(grant.on("POST", "/identity"));
    let (tell, told) = mpsc::channel();
    elsewhere.0.set_nonblocking(false).unwrap();
    thread::spawn(move || tell.send(elsewhere.0.accept().is_ok()));
    let config = openstack::Config::password(sim.auth_url(), "demo", "secret").project("demo");
    let settings = Settings::new().retry(Retry::never());
    let driver = Driver::open_with(config.insecure(true), settings).unwrap();
    driver.compute().unwrap().list_nodes().wait().unwrap_err();
    assert_eq!(told.recv_timeout(Duration::from_secs(60)), Ok(true), "it was asked");
}

#[cfg(feature = "aws")]
mod aws {
    use std::io::{BufRead, BufReader, Read, Write};
    use std::thread;

    use welkin::aws;

    use super::*;

    /// Answers every request with a redirect of that status.
    fn redirecting(status: u16, to: String) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        // It ends with the process.
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut reader = BufReader::new(stream.unwrap());
                let (mut length, mut line) = (0, String::new());
                while reader.read_line(&mut line).unwrap_or(0) > 2 {
                    let lower = line.to_ascii_lowercase();
                    if let Some(text) = lower.strip_prefix("content-length:") {
                        length = text.trim().parse().unwrap();
                    }
                    line.clear();
                }
                reader.read_exact(&mut vec![0; length]).unwrap();
                let answer = format!(
                    "HTTP/1.1 {status} Elsewhere\r\nLocation: {to}\r\nContent-Length: 0\r\n\
                     Connection: close\r\n\r\n"
                );
                reader.get_mut().write_all(answer.as_bytes()).unwrap();
            }
        });
        url
    }

    #[test]
    fn no_redirect_of_aws_is_followed() {
        let elsewhere = Elsewhere::new();
        for status in REDIRECTS {
            let config = aws::Config::keys("AKIDEXAMPLE", "s3cret")
                .region("eu-west-1")
                .endpoint_url(redirecting(status, elsewhere.url()));
            let settings = Settings::new().retry(Retry::never());
            let driver = Driver::open_with(config, settings).unwrap();
            let (storage, compute) = (driver.storage().unwrap(), driver.compute().unwrap());
            for error in [
                storage.list_containers().wait().unwrap_err(),
                storage.upload_object("bucket", "name", "content").wait().unwrap_err(),
                storage.delete_object("bucket", "name").wait().unwrap_err(),
                compute.list_nodes().wait().unwrap_err(),
            ] {
                assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
                assert_eq!(error.status().unwrap(), status);
                elsewhere.is_named_by(&error);
            }
        }
        assert!(elsewhere.was_left_alone());
    }
}
