//! The same pool and token on plain threads, in every kind of runtime, and across them.

use super::*;

#[test]
fn every_home_uses_the_same_token_and_pool() {
    let server = Server::start(echo);
    let session = session(&server, quick());
    assert_eq!(get(&session, "/thread").wait().unwrap(), "/thread");

    let current = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    assert_eq!(current.block_on(get(&session, "/current")).unwrap(), "/current");
    let s = session.clone();
    let task = current.spawn(async move { get(&s, "/inside").wait() });
    assert_eq!(current.block_on(task).unwrap().unwrap(), "/inside");
    drop(current);

    let multi = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    assert_eq!(multi.block_on(multi.spawn(get(&session, "/multi"))).unwrap().unwrap(), "/multi");
    drop(multi);

    assert_eq!(smol::block_on(get(&session, "/smol")).unwrap(), "/smol");
    assert_eq!(get(&session, "/again").wait().unwrap(), "/again");
    assert_eq!(server.seen.logins.load(SeqCst), 1);
    // The one that each home leaves idle serves the next.
    assert_eq!(server.seen.connections.load(SeqCst), 1);
}

#[test]
fn a_runtime_without_drivers_is_served_by_the_own_reactor() {
    let server = Server::start(echo);
    let session = session(&server, quick().own_reactor(true));
    let bare = tokio::runtime::Builder::new_current_thread().build().unwrap();
    assert_eq!(bare.block_on(get(&session, "/bare")).unwrap(), "/bare");
    let slow = get(&session, "/late").timeout(Duration::from_secs(5));
    assert_eq!(bare.block_on(bare.spawn(slow)).unwrap().unwrap(), "/late");
}

#[test]
fn an_operation_begun_in_one_runtime_ends_in_another() {
    let server = Server::start(|asked| match asked.path.as_str() {
        "/slow" => Reply::Slow(Duration::from_millis(100), "/slow".into()),
        _ => echo(asked),
    });
    let session = session(&server, quick());
    get(&session, "/warm").wait().unwrap();
    let mut op = Box::pin(post(&session, "/slow"));
    let first = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    first.block_on(async {
        let some = tokio::time::timeout(Duration::from_millis(20), &mut op).await;
        assert!(some.is_err());
    });
    drop(first);
    let second = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    assert_eq!(second.block_on(op).unwrap(), "/slow");
}
