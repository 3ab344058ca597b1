//! A server that answers before it has read the upload, and reads no more.

use std::time::{Duration, Instant};

use bytes::Bytes;
use welkin::sim::Fault;
use welkin::{Driver, ErrorKind, Storage, aws};

use crate::support::{Home, fast, quick, until};

const PUT: &str = "PUT";

fn storage(sim: &welkin::sim::Sim) -> (Driver, Storage) {
    let config = aws::Config::keys("AKIAWELKIN", "secret").region("us-east-1");
    let driver = Driver::open_with(config.endpoint_url_s3(sim.base_url()), quick()).unwrap();
    let storage = driver.storage().unwrap();
    (driver, storage)
}

fn large() -> Bytes {
    vec![b'x'; 32 << 20].into()
}

#[test]
fn it_ends_an_upload_of_32_mib_in_every_home() {
    let content = large();
    for home in Home::ALL {
        let sim = fast().start().unwrap();
        let (driver, storage) = storage(&sim);
        sim.fail_next(Fault::early_answer(413).on(PUT, "/"));
        let began = Instant::now();
        let upload = storage.upload_object("container", "large", content.clone());
        let error = home.run(upload).unwrap_err();
        assert_eq!(error.status().map(|s| s.as_u16()), Some(413), "{home:?}: {error:?}");
        assert!(began.elapsed() < Duration::from_secs(8), "{home:?}: {:?}", began.elapsed());
        // What is half sent is of no use to anybody.
        until(|| driver.stats().connections_open == 0);
        // The next one is as welcome as ever: here is no store, and that is an answer, too.
        let error = home.run(storage.upload_object("container", "small", "x")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{home:?}: {error:?}");
        assert_eq!(driver.stats().connections_open, driver.stats().connections_idle);
    }
}

#[test]
fn a_server_that_closes_at_once_ends_it_too() {
    let content = large();
    for home in Home::ALL {
        let sim = fast().start().unwrap();
        let (driver, storage) = storage(&sim);
        sim.fail_next(Fault::early_answer_and_close(413).on(PUT, "/").times(u32::MAX));
        let upload = storage.upload_object("container", "large", content.clone());
        let error = home.run(upload.timeout(Duration::from_secs(20))).unwrap_err();
        // The reset may overtake the answer.
        let is_told = error.status().map(|s| s.as_u16()) == Some(413);
        let is_lost = matches!(error.kind(), ErrorKind::Connection | ErrorKind::Ambiguous);
        assert!(is_told || is_lost, "{home:?}: {error:?}");
        until(|| driver.stats().connections_open == 0);
    }
}
