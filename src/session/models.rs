//! All interleavings of a few threads at the pool's gate and at the token's flight.
//!
//! `RUSTFLAGS="--cfg welkin_loom" cargo test --release --no-default-features --lib models`

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use loom::future::block_on;
use loom::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use loom::thread;

use super::clock::Moment;
use super::pool::rack::{Given, Limits, Rack};
use super::route::Routes;
use super::token::{Login, Snapshot, TokenStore};
use crate::call::Token;

/// Of one thing, which must never be in two hands.
fn rack() -> Rack<AtomicUsize, (), u8> {
    let rack = Rack::new(2, Limits { live: 1, making: 1, waiting: 9 });
    assert!(rack.adopt());
    rack
}

fn all_interleavings(f: impl Fn() + Sync + Send + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(f);
}

/// Gets the thing, by a hit or by waiting, and lays it down.
fn use_once(rack: &Rack<AtomicUsize, (), u8>, lane: usize) {
    let thing = match rack.take(lane, None) {
        Some((thing, _)) => thing,
        None => {
            let waiter = rack.join(Instant::now()).ok().expect("there is room to wait");
            let thing = block_on(poll_fn(|cx| match waiter.poll(cx.waker()) {
                Poll::Ready(Given::Thing(thing)) => Poll::Ready(thing),
                Poll::Ready(_) => panic!("the cap is reached"),
                Poll::Pending => Poll::Pending,
            }));
            rack.leave(&waiter, None, Instant::now(), |_| panic!("one was given, and taken"));
            thing
        }
    };
    assert_eq!(thing.fetch_add(1, SeqCst), 0, "in two hands");
    thing.fetch_sub(1, SeqCst);
    rack.put(lane, thing, None);
}

fn everybody_is_served(rack: Rack<AtomicUsize, (), u8>) {
    rack.put(0, AtomicUsize::new(0), None);
    let rack = Arc::new(rack);
    let other = Arc::clone(&rack);
    let other = thread::spawn(move || use_once(&other, 1));
    use_once(&rack, 0);
    other.join().unwrap();
    let counts = rack.counts();
    assert_eq!((counts.live, counts.idle, counts.waiting), (1, 1, 0));
}

#[test]
fn a_thing_laid_down_is_seen_by_who_waits() {
    all_interleavings(|| everybody_is_served(rack()));
}

#[test]
#[should_panic(expected = "deadlock")]
fn the_model_notices_a_pool_that_does_not_look_for_waiters_again() {
    all_interleavings(|| {
        let mut rack = rack();
        rack.overlooks_waiters = true;
        everybody_is_served(rack);
    });
}

#[test]
fn what_is_handed_to_one_who_leaves_goes_to_the_next() {
    all_interleavings(|| {
        let rack = Arc::new(rack());
        let now = Instant::now();
        let (first, second) = (rack.join(now).ok().unwrap(), rack.join(now).ok().unwrap());
        let (leaving, giving) = (Arc::clone(&rack), Arc::clone(&rack));
        let leaves = thread::spawn(move || {
            let lay = |thing| leaving.put(0, thing, None);
            leaving.leave(&first, None, now, lay);
        });
        let gives = thread::spawn(move || giving.put(1, AtomicUsize::new(0), None));
        let given = block_on(poll_fn(|cx| second.poll(cx.waker())));
        assert!(matches!(given, Given::Thing(_)));
        leaves.join().unwrap();
        gives.join().unwrap();
    });
}

#[test]
fn a_permit_of_one_who_leaves_goes_to_the_next() {
    all_interleavings(|| {
        let rack = Arc::new(Rack::<u8, (), u8>::new(1, Limits { live: 1, making: 1, waiting: 9 }));
        let now = Instant::now();
        let first = rack.join(now).ok().unwrap();
        let second = rack.join(now).ok().unwrap();
        let leaving = Arc::clone(&rack);
        let leaves = thread::spawn(move || leaving.leave(&first, None, now, |_| ()));
        let given = block_on(poll_fn(|cx| second.poll(cx.waker())));
        assert!(matches!(given, Given::Permit(_)));
        rack.made(second.ticket(), 0, 7, None, now);
        let given = block_on(poll_fn(|cx| second.poll(cx.waker())));
        assert!(matches!(given, Given::Thing(7)));
        leaves.join().unwrap();
        assert_eq!(rack.counts().live, 1);
    });
}

/// A store whose logins are counted, and take no time.
fn store() -> (Arc<TokenStore>, Arc<Login>, Arc<AtomicUsize>) {
    let logins = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&logins);
    let login = move |generation| {
        count.fetch_add(1, SeqCst);
        let routes = Routes::new(Vec::new(), false, |_| unreachable!("there are none"))?;
        let hour = Duration::from_secs(3_600);
        Ok(Snapshot::new(Token::header("t")?, generation, Moment::now(), hour, routes))
    };
    (Arc::new(TokenStore::new()), Arc::new(login), logins)
}

fn two_callers_one_login(store: Arc<TokenStore>, login: Arc<Login>, logins: &AtomicUsize) {
    let (other, others) = (Arc::clone(&store), Arc::clone(&login));
    let other = thread::spawn(move || block_on(other.wait(&others)).unwrap().generation);
    let generations = (block_on(store.wait(&login)).unwrap().generation, other.join().unwrap());
    assert_eq!((generations, logins.load(SeqCst)), ((1, 1), 1), "one login for both");
}

#[test]
fn two_callers_without_a_token_share_one_login() {
    all_interleavings(|| {
        let (store, login, logins) = store();
        two_callers_one_login(store, login, &logins);
    });
}

#[test]
#[should_panic(expected = "one login for both")]
fn the_model_notices_a_store_that_does_not_look_again_under_its_lock() {
    all_interleavings(|| {
        let (mut store, login, logins) = store();
        Arc::get_mut(&mut store).unwrap().logs_in_blindly = true;
        two_callers_one_login(store, login, &logins);
    });
}

#[test]
fn a_token_that_two_callers_saw_refused_is_replaced_once_and_never_used_again() {
    all_interleavings(|| {
        let (store, login, logins) = store();
        block_on(store.wait(&login)).unwrap();
        let (other, others) = (Arc::clone(&store), Arc::clone(&login));
        let refused = |store: Arc<TokenStore>, login: Arc<Login>| {
            assert!(store.reject(1, Moment::now()));
            let next = match store.usable(Moment::now()) {
                Some(next) => next,
                None => block_on(store.wait(&login)).unwrap(),
            };
            assert_eq!(next.generation, 2);
        };
        let other = thread::spawn(move || refused(other, others));
        refused(store, login);
        other.join().unwrap();
        assert_eq!(logins.load(SeqCst), 2);
    });
}
