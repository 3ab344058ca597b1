//! What callers and the cloud may do in any order, and the rules one by one. No test waits.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::task::Wake;

use proptest::prelude::*;

use super::*;

/// A caller as an executor sees it: polled at first, when it is woken, and when its alarm rings.
struct Caller {
    woken: Arc<Flag>,
    alarm: Option<Instant>,
    /// Not polled for now, whatever happens: its task is busy with something else.
    dozes: bool,
}

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, SeqCst);
    }
}

struct World {
    gait: Gait,
    now: Instant,
    /// Those in line, by ticket.
    line: BTreeMap<u64, Caller>,
    /// The rounds of the passes with callers.
    passes: Vec<u64>,
    /// When the cloud may be asked again.
    hold: Instant,
}

impl World {
    fn new() -> Self {
        let now = Instant::now();
        let (line, passes) = (BTreeMap::new(), Vec::new());
        Self { gait: Gait::new(), now, line, passes, hold: now }
    }

    /// A world in which one of so many was refused.
    fn slowed(busy: usize, asked: Option<Duration>) -> Self {
        let mut world = Self::new();
        world.refuse(None, asked, busy);
        world
    }

    fn later(&mut self, by: Duration) {
        self.now += by;
        self.run();
    }

    fn join(&mut self) -> u64 {
        let ticket = self.gait.join(self.now);
        let woken = Arc::new(Flag(AtomicBool::new(true)));
        self.line.insert(ticket, Caller { woken, alarm: None, dozes: false });
        self.run();
        ticket
    }

    fn join_all(&mut self, callers: usize) {
        for _ in 0..callers {
            self.join();
        }
    }

    fn leave(&mut self, ticket: u64) {
        self.line.remove(&ticket);
        self.gait.leave(ticket, self.now);
        self.run();
    }

    /// Takes a pass from its caller, whose request was answered so.
    fn answer(&mut self, pass: usize, answer: impl FnOnce(&mut Self, u64)) {
        let round = self.passes[pass];
        answer(self, round);
        self.passes.remove(pass);
        self.gait.release(self.now);
        self.run();
    }

    fn well(&mut self, pass: usize) {
        self.answer(pass, |world, round| world.gait.went_well(round));
    }

    fn refuse(&mut self, round: Option<u64>, asked: Option<Duration>, busy: usize) {
        self.gait.refused(Refused { round, asked, busy, random: 1.0 }, self.now);
        self.hold = self.hold.max(self.now + asked.unwrap_or_default().min(LONGEST_HOLD));
        self.run();
    }

    /// Polls whoever is to be polled, until nobody is.
    fn run(&mut self) {
        loop {
            for waker in std::mem::take(&mut self.gait.woken) {
                waker.wake();
            }
            let ready = self.line.iter().find(|(_, caller)| {
                let rings = caller.alarm.is_some_and(|at| at <= self.now);
                !caller.dozes && (rings || caller.woken.0.load(SeqCst))
            });
            let Some((&ticket, caller)) = ready else { return };
            caller.woken.0.store(false, SeqCst);
            let waker = Waker::from(Arc::clone(&caller.woken));
            match self.gait.poll(ticket, &waker, self.now) {
                Poll::Ready(round) => {
                    let passed = self.gait.waiting.keys().any(|own| *own < ticket);
                    assert!(!passed, "somebody was passed by");
                    self.line.remove(&ticket);
                    self.passes.push(round);
                }
                Poll::Pending => {
                    let alarm = self.gait.alarm(ticket, self.now);
                    self.line.get_mut(&ticket).expect("it is in line").alarm = alarm;
                }
            }
        }
    }
}

#[derive(Clone, Debug)]
enum Deed {
    Join,
    Leave(usize),
    Doze(usize),
    Well(usize),
    Refuse(usize, Option<u64>),
    /// One that set out without a pass.
    Stray(Option<u64>, usize),
    /// Given up, or broken.
    Drop(usize),
    Later(u64),
}

fn deed() -> impl Strategy<Value = Deed> {
    let asked = || prop::option::of(0..4_000u64);
    prop_oneof![
        8 => Just(Deed::Join),
        2 => any::<usize>().prop_map(Deed::Leave),
        1 => any::<usize>().prop_map(Deed::Doze),
        6 => any::<usize>().prop_map(Deed::Well),
        2 => (any::<usize>(), asked()).prop_map(|(pass, asked)| Deed::Refuse(pass, asked)),
        1 => (asked(), 0..9usize).prop_map(|(asked, busy)| Deed::Stray(asked, busy)),
        2 => any::<usize>().prop_map(Deed::Drop),
        3 => (0..3_000u64).prop_map(Deed::Later),
        1 => Just(Deed::Later(61_000)),
    ]
}

impl World {
    fn act(&mut self, deed: Deed) {
        let pass = |which: usize| which.checked_rem(self.passes.len());
        let ticket = |which: usize| {
            let at = which.checked_rem(self.line.len())?;
            self.line.keys().nth(at).copied()
        };
        let ms = |asked: Option<u64>| asked.map(Duration::from_millis);
        match deed {
            Deed::Join => self.join_all(1),
            Deed::Leave(which) => {
                if let Some(ticket) = ticket(which) {
                    self.leave(ticket);
                }
            }
            Deed::Doze(which) => {
                if let Some(ticket) = ticket(which) {
                    self.line.get_mut(&ticket).expect("it is in line").dozes = true;
                }
            }
            Deed::Well(which) => {
                if let Some(pass) = pass(which) {
                    self.well(pass);
                }
            }
            Deed::Refuse(which, asked) => {
                if let Some(pass) = pass(which) {
                    self.answer(pass, |world, round| world.refuse(Some(round), ms(asked), 0));
                }
            }
            Deed::Stray(asked, busy) => self.refuse(None, ms(asked), busy),
            Deed::Drop(which) => {
                if let Some(pass) = pass(which) {
                    self.answer(pass, |_, _| ());
                }
            }
            Deed::Later(by) => self.later(Duration::from_millis(by)),
        }
    }

    /// Whoever sleeps may hold up those who would be woken by it, but not for good.
    fn wake_all(&mut self) {
        self.line.values_mut().for_each(|caller| caller.dozes = false);
        self.run();
    }

    fn check(&self, before: usize) {
        let Self { gait, now, line, passes, hold } = self;
        let laid_down = gait.given.len();
        assert_eq!(gait.out, passes.len() + laid_down, "no pass is lost");
        assert_eq!(gait.waiting() + laid_down, line.len(), "nobody is lost");
        let held = gait.held(*now).is_some();
        assert!(held || *now >= *hold, "the cloud's time is not over");
        let more = gait.out > before;
        assert!(!(held && more), "somebody set out during a hold");
        assert!(!(held && laid_down > 0), "a pass may be taken up during a hold");
        assert!(!(gait.is_on() && more && gait.out > gait.limit()), "more than the limit");
        let room = !gait.is_on() || gait.out < gait.limit();
        let awake = line.values().all(|caller| !caller.dozes);
        assert!(
            held || !room || !awake || line.is_empty(),
            "somebody waits although there is room"
        );
        assert!(gait.limit() >= 1);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_nobody_is_lost_or_passed_by_and_no_pass_leaks(
        deeds in prop::collection::vec(deed(), 1..150)
    ) {
        let mut world = World::new();
        for deed in deeds {
            let before = world.gait.out;
            world.act(deed);
            world.check(before);
        }
        // All others end: then everybody gets a turn, woken or by an alarm of their own.
        world.wake_all();
        while !world.line.is_empty() || !world.passes.is_empty() {
            if !world.passes.is_empty() {
                world.well(0);
                continue;
            }
            let alarm = world.line.values().filter_map(|caller| caller.alarm).min();
            prop_assert!(alarm.is_some(), "{} wait for nothing", world.line.len());
            world.now = world.now.max(alarm.unwrap());
            world.run();
        }
        prop_assert_eq!((world.gait.out, world.gait.given.len()), (0, 0));
        world.later(CALM);
        world.join();
        world.well(0);
        prop_assert!(!world.gait.is_on(), "after a calm minute it is off");
    }
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn the_first_sign_halves_what_was_on_its_way_and_holds_everybody() {
    for (busy, limit) in [(64, 32), (3, 1), (1, 1), (0, 1)] {
        let mut world = World::slowed(busy, Some(SECOND));
        assert!(world.gait.is_on());
        world.join_all(100);
        world.later(SECOND - Duration::from_millis(1));
        assert_eq!(world.passes.len(), 0, "the hold is not over");
        world.later(Duration::from_millis(1));
        assert_eq!((world.passes.len(), world.line.len()), (limit, 100 - limit), "no herd");
    }
}

#[test]
fn passes_go_in_the_order_of_arrival() {
    let mut world = World::slowed(4, None);
    world.later(SECOND);
    let tickets: Vec<_> = (0..9).map(|_| world.join()).collect();
    for served in 2..9 {
        let waiting: Vec<_> = world.line.keys().copied().collect();
        assert_eq!(waiting, tickets[served..]);
        world.answer(0, |_, _| ());
    }
}

#[test]
fn refusals_of_one_round_halve_the_limit_once() {
    let mut world = World::slowed(32, Some(Duration::ZERO));
    world.join_all(40);
    assert_eq!(world.passes.len(), 16);
    for _ in 0..16 {
        world.answer(0, |world, round| world.refuse(Some(round), Some(SECOND), 0));
        assert_eq!(world.gait.limit(), 8);
    }
    // Nor do those count that set out before anybody counted.
    world.refuse(None, None, 100);
    assert_eq!(world.gait.limit(), 8);
    world.later(SECOND);
    world.answer(0, |world, round| world.refuse(Some(round), None, 0));
    assert_eq!(world.gait.limit(), 4, "the next round counts again");
}

#[test]
fn the_limit_rises_by_one_for_as_many_good_answers_while_it_is_reached() {
    let mut world = World::slowed(8, Some(Duration::ZERO));
    world.join_all(100);
    for limit in 4..8 {
        assert_eq!(world.gait.limit(), limit);
        (0..limit).for_each(|_| world.well(0));
    }
    while !world.line.is_empty() || world.passes.len() == world.gait.limit() {
        world.well(0);
    }
    let limit = world.gait.limit();
    while !world.passes.is_empty() {
        world.well(0);
    }
    for _ in 0..100 {
        world.join();
        world.well(0);
    }
    assert_eq!(world.gait.limit(), limit, "nobody reaches it");
}

#[test]
fn the_limit_falls_to_half_of_what_was_on_its_way_if_that_was_less() {
    let mut world = World::slowed(20, Some(Duration::ZERO));
    world.join_all(6);
    world.answer(0, |world, round| world.refuse(Some(round), None, 0));
    assert_eq!(world.gait.limit(), 3, "not of ten, which nobody has tried");
}

#[test]
fn a_good_answer_of_an_older_round_says_nothing() {
    let mut world = World::slowed(4, Some(Duration::ZERO));
    world.join_all(9);
    world.answer(0, |world, round| world.refuse(Some(round), Some(Duration::ZERO), 0));
    assert_eq!((world.gait.limit(), world.passes.len()), (1, 1));
    world.well(0);
    assert_eq!(world.gait.limit(), 1);
    world.well(0);
    assert_eq!(world.gait.limit(), 2);
}

#[test]
fn where_the_cloud_names_no_time_pauses_double_until_something_goes_well() {
    let mut world = World::slowed(1, None);
    let pause = |world: &World| world.gait.held(world.now).map(|end| end - world.now);
    let ms = Duration::from_millis;
    for expected in [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000] {
        assert_eq!(pause(&world), Some(ms(expected)));
        world.join();
        world.later(ms(expected));
        world.answer(0, |world, round| world.refuse(Some(round), None, 0));
    }
    world.later(SECOND * 5);
    world.join_all(2);
    world.well(0);
    world.answer(0, |world, round| world.refuse(Some(round), None, 0));
    assert_eq!(pause(&world), Some(ms(100)));
    assert_eq!(backoff(1, 0.0), ms(50), "random, and never nothing");
}

#[test]
fn nobody_is_held_longer_than_a_bound_whatever_the_cloud_says() {
    let world = World::slowed(1, Some(Duration::from_secs(3_600)));
    assert_eq!(world.gait.held(world.now), Some(world.now + LONGEST_HOLD));
}

#[test]
fn a_shorter_time_does_not_end_a_longer_hold() {
    let mut world = World::slowed(1, Some(SECOND * 9));
    world.refuse(None, Some(SECOND), 0);
    assert_eq!(world.gait.held(world.now), Some(world.now + SECOND * 9));
    world.refuse(None, Some(SECOND * 10), 0);
    assert_eq!(world.gait.held(world.now), Some(world.now + SECOND * 10));
}

#[test]
fn a_pass_that_was_not_taken_up_when_a_hold_begins_comes_back_without_loss_of_place() {
    let mut world = World::slowed(2, Some(Duration::ZERO));
    let now = world.now;
    let (first, second) = (world.gait.join(now), world.gait.join(now));
    assert_eq!(world.gait.out, 1, "laid down for the first");
    world.gait.refused(Refused { round: None, asked: Some(SECOND), busy: 0, random: 0.0 }, now);
    assert_eq!(world.gait.out, 0);
    let waker = Waker::noop();
    assert!(world.gait.poll(first, waker, now).is_pending(), "nobody sets out");
    assert!(world.gait.poll(second, waker, now + SECOND).is_pending());
    assert!(world.gait.poll(first, waker, now + SECOND).is_ready());
}

#[test]
fn one_that_is_never_polled_again_does_not_stop_those_behind_it() {
    let mut world = World::slowed(4, Some(SECOND));
    let stuck = world.join();
    let caller = world.line.remove(&stuck).unwrap();
    world.join_all(3);
    world.later(SECOND);
    assert_eq!((world.passes.len(), world.line.len()), (1, 2));
    world.answer(0, |_, _| ());
    assert_eq!((world.passes.len(), world.line.len()), (1, 1));
    drop(caller);
    world.leave(stuck);
    assert_eq!((world.passes.len(), world.line.len()), (2, 0), "its pass goes to the next");
}

#[test]
fn who_watches_changes_when_the_limit_rises_during_a_hold() {
    let mut world = World::slowed(1, Some(Duration::ZERO));
    world.join();
    world.refuse(None, Some(SECOND), 0);
    let first = world.join();
    world.join();
    world.well(0);
    assert_eq!(world.gait.limit(), 2);
    world.leave(first);
    world.later(SECOND);
    assert_eq!((world.passes.len(), world.line.len()), (1, 0), "somebody saw the hold end");
}

#[test]
fn it_is_off_after_a_calm_time_in_which_fewer_come_than_could_go() {
    let mut world = World::slowed(16, Some(SECOND));
    world.join_all(12);
    world.later(CALM);
    assert!(world.gait.is_on(), "more come than may go");
    while world.line.len() + world.passes.len() >= world.gait.limit() {
        world.well(0);
    }
    assert!(!world.gait.is_on());
    // Passes from before count if the cloud complains again, and find their way back.
    let out = world.passes.len();
    assert!(out > 2);
    world.answer(0, |world, round| world.refuse(Some(round), Some(Duration::ZERO), 0));
    assert_eq!((world.gait.is_on(), world.gait.limit()), (true, (out / 2).max(1)));
    while !world.passes.is_empty() {
        world.well(0);
    }
    assert_eq!(world.gait.out, 0);
}
