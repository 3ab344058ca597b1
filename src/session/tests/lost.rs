//! Answers that are lost: what the session may do by itself, and what a call says follows.

use super::*;

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn order(replay: Replay) -> Call<String> {
    let mut order = call(Method::POST, "/new");
    order.request = order.request.replay(replay);
    order
}

/// Loses the first `losses` answers to `/new`, or all of them.
fn losing(losses: usize) -> (Server, Arc<AtomicUsize>) {
    let orders = Arc::<AtomicUsize>::default();
    let count = Arc::clone(&orders);
    let server = Server::start(move |asked| match asked.path.as_str() {
        "/new" if count.fetch_add(1, SeqCst) < losses => Reply::Close,
        "/silent" => Reply::Silence,
        _ => echo(asked),
    });
    (server, orders)
}

#[test]
fn what_the_cloud_knows_again_is_sent_again_and_else_said_to_be_unknown() {
    let (server, orders) = losing(2);
    let known = |session: &Session| Op::new(session, "order", Ok(order(Replay::Known))).wait();
    assert_eq!(known(&session(&server, quick())).unwrap(), "/new");
    assert_eq!(orders.load(SeqCst), 3);

    let (server, orders) = losing(usize::MAX);
    let session = session(&server, quick());
    let error = known(&session).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Ambiguous);
    assert!(orders.load(SeqCst) >= 3, "as often as any other request");
    assert!(!error.is_retryable(), "whoever calls again orders another one");
}

#[test]
fn what_never_left_is_no_more_than_a_failed_connection() {
    let server = Server::start(echo);
    let session = session(&server, quick());
    get(&session, "/warm").wait().unwrap();
    let address = server.address;
    drop(server);
    while std::net::TcpStream::connect(address).is_ok() {
        thread::yield_now();
    }
    session.close_idle();
    for replay in [Replay::Known, Replay::Never] {
        let sought = order(replay).settled(|result| match result {
            Err(e) if e.kind() == ErrorKind::Ambiguous => panic!("nothing was sent: {e}"),
            result => result.map(Step::Done),
        });
        let error = Op::new(&session, "order", Ok(sought)).wait().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Connection, "{replay:?}");
        assert!(error.is_retryable());
    }
}

#[test]
fn a_call_says_what_follows_when_its_answer_is_lost() {
    for replay in [Replay::Known, Replay::Never] {
        let (server, _) = losing(usize::MAX);
        let session = session(&server, quick());
        let sought = || {
            order(replay).settled(|result| match result {
                Err(e) if e.kind() == ErrorKind::Ambiguous => {
                    Ok(Step::Wait(ms(1), call(Method::GET, "/look")))
                }
                result => result.map(Step::Done),
            })
        };
        let found = |op: Op<String>| [op.wait().unwrap()];
        assert_eq!(found(Op::new(&session, "order", Ok(sought()))), ["/look"]);
        // What is built upon the call goes on from there.
        let longer = sought().then(|text| Ok(Step::Done(format!("{text}, then"))));
        assert_eq!(found(Op::new(&session, "order", Ok(longer))), ["/look, then"]);
        let op = Op::new(&session, "order", Ok(sought()));
        assert_eq!(smol::block_on(op).unwrap(), "/look");
    }
}

#[test]
fn what_follows_has_the_time_that_the_operation_has_left() {
    let (server, _) = losing(usize::MAX);
    let session = session(&server, quick());
    // It looks where no answer comes, or waits longer than there is time.
    let silent = || Ok(Step::Next(call(Method::GET, "/silent")));
    let long = || Ok(Step::Wait(ms(3_600_000), call(Method::GET, "/look")));
    let ends: [(fn() -> Result<Step<String>>, _); 2] =
        [(silent, ErrorKind::Timeout(Phase::Answer)), (long, ErrorKind::Timeout(Phase::Wait))];
    for (look, end) in ends {
        let sought = order(Replay::Never).settled(move |result| match result {
            Err(_) => look(),
            Ok(text) => Ok(Step::Done(text)),
        });
        let told = sought.settled(move |result| {
            assert_eq!(result.unwrap_err().kind(), end);
            Ok(Step::Done("said".to_owned()))
        });
        let began = Instant::now();
        let op = Op::new(&session, "order", Ok(told)).timeout(ms(300));
        assert_eq!(op.wait().unwrap(), "said");
        assert!(began.elapsed() < ms(20_000));
    }
}

#[test]
fn a_cancel_ends_what_follows_as_well() {
    let (server, _) = losing(usize::MAX);
    let session = session(&server, quick());
    let cancel = Cancel::new();
    let from_elsewhere = cancel.clone();
    let sought = order(Replay::Never).settled(move |_| {
        from_elsewhere.cancel();
        Ok(Step::Wait(ms(20_000), call(Method::GET, "/look")))
    });
    let began = Instant::now();
    let op = Op::new(&session, "order", Ok(sought)).cancel_on(&cancel);
    assert_eq!(op.wait().unwrap_err().kind(), ErrorKind::Canceled);
    assert!(began.elapsed() < ms(10_000));
}
