//! Who sits at which desk, and what a flight gets there.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;

use bytes::Bytes;
use zeroize::Zeroizing;

use super::*;
use crate::call::{Account, Identity, Pem, Response, Signing, Step, Token};
use crate::settings::TlsVersion;

/// An account by its address, its login, and what is chosen from the answer.
struct Test(Option<[&'static str; 3]>);

impl Auth for Test {
    fn login(&self) -> Result<Step<Grant>> {
        panic!("nobody logs in here")
    }

    fn authorize(&self, _: Signing<'_>) -> Result<()> {
        panic!("nobody asks here")
    }

    fn account(&self) -> Option<Account> {
        let [url, login, choice] = self.0?;
        Some(Account { url: url.into(), login: Bytes::from(login), choice: choice.into() })
    }

    fn refusal(&self, _: &Response) -> ErrorKind {
        panic!("nobody answers here")
    }
}

fn at(account: &'static str) -> Test {
    Test(Some(["https://desk.example/v3", account, "public"]))
}

fn shared() -> Settings {
    Settings::new().shared_login(true)
}

fn seat(auth: &Test, settings: &Settings) -> Seat {
    Seat::take("test", auth, &Trust::default(), settings).expect("a seat")
}

fn issued(number: u64, began: Moment) -> Issued {
    let (token, lifetime) = (Token::header("t").unwrap(), Duration::from_secs(60));
    Issued { number, began, grant: Grant { token, lifetime, endpoints: Vec::new() } }
}

/// Comes for a token of that number, with none refused.
fn come(seat: &Seat, least: u64) -> Result<Served> {
    seat.visit(least, 0).wait(|| false)
}

fn turn(served: Result<Served>) -> Turn {
    match served.expect("no failure") {
        Served::Turn(turn) => turn,
        Served::Issued(issued) => panic!("there was number {} already", issued.number),
    }
}

fn number(served: Result<Served>) -> u64 {
    match served.expect("no failure") {
        Served::Turn(_) => panic!("there was a token"),
        Served::Issued(issued) => issued.number,
    }
}

fn error(served: Result<Served>) -> Error {
    served.err().expect("a failure")
}

/// Waits until a flight waits at the desk.
fn until_somebody_waits(seat: &Seat) {
    // It looks around, and goes on waiting.
    while !seat.desk.changed.notify_one() {
        thread::yield_now();
    }
}

#[test]
fn only_what_is_equal_in_all_shares_a_desk() {
    let pem = |text: &str| Pem { text: Zeroizing::new(text.into()), place: "p".into() };
    let identity = |key| Some(Identity { certificate: pem("c"), key: pem(key) });
    let of = |account: [&'static str; 3], trust: Trust, settings: Settings| {
        Seat::take("test", &Test(Some(account)), &trust, &settings).expect("a seat")
    };
    let (plain, account) = (Trust::default, ["https://alike.example/v3", "me", "public"]);
    let proxy = |url| shared().proxy(url).unwrap();
    let open = || {
        vec![
            of(account, plain(), shared()),
            of(["https://alike.example/v4", "me", "public"], plain(), shared()),
            of(["https://alike.example/v3", "you", "public"], plain(), shared()),
            of(["https://alike.example/v3", "me", "admin"], plain(), shared()),
            of(account, Trust { insecure: true, ..plain() }, shared()),
            of(account, Trust { roots: b"ca".into(), ..plain() }, shared()),
            of(account, Trust { identity: identity("a"), ..plain() }, shared()),
            of(account, Trust { identity: identity("b"), ..plain() }, shared()),
            of(account, plain(), shared().min_tls(TlsVersion::Tls13)),
            of(account, plain(), proxy("http://proxy.example:3128")),
            of(account, plain(), proxy("http://proxy.example:3129")),
            of(account, plain(), proxy("http://me:pw@proxy.example:3129")),
            of(account, plain(), proxy("http://me:pq@proxy.example:3129")),
            Seat::take("other", &Test(Some(account)), &plain(), &shared()).expect("a seat"),
        ]
    };
    let (ones, others) = (open(), open());
    for (i, one) in ones.iter().enumerate() {
        for (j, other) in others.iter().enumerate() {
            assert_eq!(Arc::ptr_eq(&one.desk, &other.desk), i == j, "{i} and {j}");
        }
    }
}

#[test]
fn who_does_not_ask_for_a_seat_or_has_no_login_to_share_gets_none() {
    let take = |auth: Test, settings| Seat::take("test", &auth, &Trust::default(), &settings);
    assert!(take(at("none"), Settings::new()).is_none());
    assert!(take(Test(None), shared()).is_none());
    assert!(take(Test(Some(["no address", "me", "public"])), shared()).is_none());
}

#[test]
fn a_desk_is_gone_with_the_last_seat_at_it() {
    let (first, second) = (seat(&at("gone"), &shared()), seat(&at("gone"), &shared()));
    turn(come(&first, 1)).end(Ok(issued(1, Moment::now())));
    let desk = Arc::downgrade(&first.desk);
    drop(first);
    assert_eq!(number(come(&second, 1)), 1);
    drop(second);
    assert!(desk.upgrade().is_none());
    assert_eq!(turn(come(&seat(&at("gone"), &shared()), 1)).number, 1);
}

#[test]
fn a_token_is_given_while_it_lives_and_nobody_saw_it_refused() {
    let seat = seat(&at("numbers"), &shared());
    let now = Moment::now();
    turn(come(&seat, 1)).end(Ok(issued(1, now)));
    assert_eq!(number(come(&seat, 1)), 1);
    let next = turn(come(&seat, 2));
    assert_eq!(next.number, 2);
    next.end(Ok(issued(2, now)));
    assert_eq!(number(come(&seat, 1)), 2, "a newer one does as well");

    let long_ago = Moment { wall: now.wall - Duration::from_secs(60), ..now };
    turn(come(&seat, 3)).end(Ok(issued(3, long_ago)));
    turn(come(&seat, 1)).end(Ok(issued(4, now)));
    assert_eq!(number(come(&seat, 1)), 4, "the one before it had ended");

    turn(seat.visit(5, 4).wait(|| false)).end(Err(Error::new(ErrorKind::Auth, "no")));
    let failed = error(come(&seat, 1));
    assert_eq!(failed.kind(), ErrorKind::Auth, "what one saw refused is given to nobody");
}

#[test]
fn those_who_wait_get_what_comes_and_a_turn_that_is_dropped_goes_to_one_of_them() {
    let seat = seat(&at("waits"), &shared());
    let panics = turn(come(&seat, 1));
    thread::scope(|s| {
        let waits = s.spawn(|| turn(come(&seat, 1)));
        until_somebody_waits(&seat);
        drop(panics);
        let next = waits.join().unwrap();
        assert!(next.limit() < shared().timeout, "what was waited is not given twice");
        let waits = s.spawn(|| number(come(&seat, 1)));
        next.end(Ok(issued(1, Moment::now())));
        assert_eq!(waits.join().unwrap(), 1);
    });
}

#[test]
fn a_failure_is_shared_by_those_who_would_have_failed_alike() {
    let ms = Duration::from_millis;
    let patient = shared().attempt_timeout(ms(70_000));
    let [one, alike, other] =
        [shared(), shared(), patient].map(|settings| seat(&at("fails"), &settings));
    turn(come(&one, 1)).end(Err(Error::new(ErrorKind::Unavailable, "not now")));
    assert_eq!(error(come(&alike, 1)).kind(), ErrorKind::Unavailable);
    turn(come(&other, 1)).end(Err(Error::new(ErrorKind::Auth, "who?")));
    for seat in [&one, &alike, &other] {
        assert_eq!(error(come(seat, 1)).kind(), ErrorKind::Auth);
    }
}

#[test]
fn who_waits_for_a_driver_that_was_dropped_ends_at_once() {
    let [busy, dropped] = [(); 2].map(|()| seat(&at("dropped"), &shared()));
    let _turn = turn(come(&busy, 1));
    let began = Instant::now();
    let (looked, gone) = (AtomicBool::new(false), AtomicBool::new(false));
    let visit = dropped.visit(1, 0);
    let is_gone = || {
        looked.store(true, SeqCst);
        gone.load(SeqCst)
    };
    thread::scope(|s| {
        let waits = s.spawn(|| error(visit.wait(is_gone)));
        while !looked.load(SeqCst) {
            thread::yield_now();
        }
        // From its look on it has the lock, until it waits.
        drop(busy.desk.state.lock());
        gone.store(true, SeqCst);
        drop(dropped);
        assert_eq!(waits.join().unwrap().kind(), ErrorKind::Canceled);
    });
    assert!(began.elapsed() < shared().timeout / 2, "it was told");
}

#[test]
fn nobody_waits_longer_than_an_own_login_could_take() {
    let hasty = shared().timeout(Duration::from_millis(20));
    let [busy, hasty] = [shared(), hasty].map(|settings| seat(&at("hangs"), &settings));
    let _turn = turn(come(&busy, 1));
    assert_eq!(error(come(&hasty, 1)).kind(), ErrorKind::Timeout(Phase::Login));
}
