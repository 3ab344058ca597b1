//! Object storage by the same cases on every server that `AWS_*` may name.
//!
//! They need a server, so that `cargo test` alone shows them as ignored. With one at hand (
//! `eval "$(tests/real/rgw env)"`):
//! `WELKIN_REAL=aws cargo test --all-features --test storage -- --include-ignored`.
//! `WELKIN_AWS_REFUSES` says what the server is known to refuse: of `bodies` that were changed or cut,
//! `dates` long past, `names` that cannot be, wrong `regions`, and keys of `others`, which are in
//! `WELKIN_AWS_OTHER_ACCESS_KEY_ID` and `_SECRET_ACCESS_KEY`. The server must have an http address.
//! What a case creates has a name of its own and is deleted, also when the case fails.
#![cfg(feature = "aws")]

mod content;
mod names;
mod proxy;
mod refused;

use std::thread;

use welkin::{Driver, ErrorKind, Settings, Storage, aws};

/// A container that is emptied and deleted when the case is over.
struct Guarded {
    storage: Storage,
    name: String,
}

impl Guarded {
    fn new(storage: &Storage, what: &str) -> Self {
        let nanos = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos();
        let name = format!("welkin-test-{what}-{nanos:x}");
        storage.create_container(&name).wait().unwrap();
        Self { storage: storage.clone(), name }
    }
}

impl AsRef<str> for Guarded {
    fn as_ref(&self) -> &str {
        &self.name
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        let objects = self.storage.list_objects(&self.name).wait().unwrap_or_default();
        thread::scope(|s| {
            for objects in objects.chunks(objects.len().div_ceil(8).max(1)) {
                s.spawn(|| {
                    objects.iter().for_each(|object| {
                        let _ = self.storage.delete_object(&self.name, object).wait();
                    })
                });
            }
        });
        let _ = self.storage.delete_container(&self.name).wait();
    }
}

fn is_real() {
    let real = std::env::var("WELKIN_REAL").unwrap_or_default();
    assert_eq!(real, "aws", "set WELKIN_REAL=aws, and AWS_* for the server to ask");
}

/// Emulators take what real servers refuse.
fn refuses(what: &str) -> bool {
    let all = std::env::var("WELKIN_AWS_REFUSES").expect("WELKIN_AWS_REFUSES");
    let refuses = all.split(' ').any(|word| word == what);
    if !refuses {
        eprintln!("this server does not look at {what}: not asked");
    }
    refuses
}

fn driver() -> Driver {
    is_real();
    Driver::open(aws::Config::from_env().unwrap()).unwrap()
}

fn storage() -> Storage {
    driver().storage().unwrap()
}

#[test]
#[ignore = "asks a real server"]
fn a_container_lives_its_life() {
    let storage = storage();
    let container = Guarded::new(&storage, "life");
    let all = storage.list_containers().wait().unwrap();
    let listed = all.iter().find(|c| c.name == container.name).expect("it is listed");
    assert!(listed.created_at.is_some());
    assert_eq!(storage.list_objects(listed).wait().unwrap(), []);

    storage.upload_object(listed, "a", "b").wait().unwrap();
    let full = storage.delete_container(listed).wait().unwrap_err();
    assert_eq!(full.kind(), ErrorKind::Conflict, "{full:?}");
    assert_eq!(storage.list_objects(listed).wait().unwrap().len(), 1, "nothing was lost");
    storage.delete_object(listed, "a").wait().unwrap();
    storage.delete_container(listed).wait().unwrap();
    let all = storage.list_containers().wait().unwrap();
    assert!(!all.iter().any(|c| c.name == container.name));
}

#[test]
#[ignore = "asks a real server"]
fn what_is_not_there_is_said_not_to_be() {
    let storage = storage();
    let container = Guarded::new(&storage, "none");
    let none = format!("{}-not", container.name);
    let errors = [
        storage.list_objects(&none).wait().unwrap_err(),
        storage.delete_container(&none).wait().unwrap_err(),
        storage.upload_object(&none, "a", "b").wait().unwrap_err(),
        storage.download_object(&none, "a").bytes().wait().unwrap_err(),
        storage.download_object(&container, "a").bytes().wait().unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error:?}");
        assert_eq!(error.status().unwrap(), 404);
        assert!(error.code().is_some_and(|code| code.starts_with("NoSuch")), "{error:?}");
        assert!(error.request_id().is_some(), "{error:?}");
    }
}

#[test]
#[ignore = "asks a real server"]
fn lists_follow_every_page() {
    // A page holds a thousand.
    const OBJECTS: usize = 1_003;
    let storage = storage();
    let container = Guarded::new(&storage, "pages");
    thread::scope(|s| {
        for part in 0..8 {
            let (storage, container) = (&storage, &container);
            s.spawn(move || {
                for i in (part..OBJECTS).step_by(8) {
                    let name = format!("folder {i:04}/ä+b");
                    storage.upload_object(container, name, "x").wait().unwrap();
                }
            });
        }
    });
    let all = storage.list_objects(&container).wait().unwrap();
    let names: Vec<_> = all.iter().map(|object| object.name.clone()).collect();
    let expected: Vec<_> = (0..OBJECTS).map(|i| format!("folder {i:04}/ä+b")).collect();
    assert_eq!(names, expected);
    assert!(all.iter().all(|object| object.size == 1 && object.modified_at.is_some()));
    let lazily = storage.list_objects(&container).iter().collect::<Result<Vec<_>, _>>().unwrap();
    assert_eq!(lazily, all);
    let first = storage.list_objects(&container).page(None).wait().unwrap();
    assert_eq!(first.items.len(), 1_000);
    let second = storage.list_objects(&container).page(first.next.as_ref()).wait().unwrap();
    assert_eq!((second.items.len(), second.next), (OBJECTS - 1_000, None));
}

#[test]
#[ignore = "asks a real server"]
fn threads_and_tasks_share_one_driver() {
    is_real();
    let settings = Settings::new().connections_per_host(8);
    let driver = Driver::open_with(aws::Config::from_env().unwrap(), settings).unwrap();
    let storage = driver.storage().unwrap();
    let container = Guarded::new(&storage, "shared");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let tasks: Vec<_> = (0..16)
        .map(|i| {
            let (storage, container) = (storage.clone(), container.name.clone());
            runtime.spawn(async move { there_and_back(&storage, &container, i).await })
        })
        .collect();
    thread::scope(|s| {
        for i in 16..32 {
            let (storage, container) = (&storage, &container.name);
            s.spawn(move || smol::block_on(there_and_back(storage, container, i)));
            s.spawn(move || {
                let content = i.to_string().repeat(1000);
                storage.upload_object(container, format!("t{i}"), content.clone()).wait().unwrap();
                let back = storage.download_object(container, format!("t{i}")).bytes().wait();
                assert_eq!(back.unwrap(), content);
            });
        }
    });
    for task in tasks {
        runtime.block_on(task).unwrap();
    }
    let stats = driver.stats();
    assert_eq!(stats.logins, 1);
    assert!(stats.connections_opened <= 8, "{stats:?}");
}

async fn there_and_back(storage: &Storage, container: &str, i: usize) {
    let (name, content) = (format!("a{i}"), i.to_string().repeat(1000));
    storage.upload_object(container, &name, content.clone()).await.unwrap();
    let back = storage.download_object(container, &name).bytes().await.unwrap();
    assert_eq!(back, content);
    storage.delete_object(container, &name).await.unwrap();
}
