//! Callers and a cloud on a clock of their own, and what has to hold whatever they do.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::task::Wake;

use proptest::prelude::*;

use crate::session::pace::gait::*;

/// A caller as an executor sees it: polled at first, when it is woken, and when its alarm rings.
pub(super) struct Caller {
    woken: Arc<Flag>,
    pub(super) alarm: Option<Instant>,
    /// Not polled for now, whatever happens: its task is busy with something else.
    pub(super) dozes: bool,
}

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, SeqCst);
    }
}

pub(super) struct World {
    pub(super) gait: Gait,
    pub(super) now: Instant,
    /// Those in line, by ticket.
    pub(super) line: BTreeMap<u64, Caller>,
    /// The rounds of the passes with callers.
    pub(super) passes: Vec<u64>,
    /// When the cloud may be asked again.
    hold: Instant,
}

impl World {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        let (line, passes) = (BTreeMap::new(), Vec::new());
        Self { gait: Gait::new(), now, line, passes, hold: now }
    }

    /// A world in which one of so many was refused.
    pub(super) fn slowed(busy: usize, asked: Option<Duration>) -> Self {
        let mut world = Self::new();
        world.refuse(None, asked, busy);
        world
    }

    pub(super) fn later(&mut self, by: Duration) {
        self.now += by;
        self.run();
    }

    pub(super) fn join(&mut self) -> u64 {
        let ticket = self.gait.join(self.now);
        let woken = Arc::new(Flag(AtomicBool::new(true)));
        self.line.insert(ticket, Caller { woken, alarm: None, dozes: false });
        self.run();
        ticket
    }

    pub(super) fn join_all(&mut self, callers: usize) {
        for _ in 0..callers {
            self.join();
        }
    }

    pub(super) fn leave(&mut self, ticket: u64) {
        self.line.remove(&ticket);
        self.gait.leave(ticket, self.now);
        self.run();
    }

    /// Takes a pass from its caller, whose request was answered so.
    pub(super) fn answer(&mut self, pass: usize, answer: impl FnOnce(&mut Self, u64)) {
        let round = self.passes[pass];
        answer(self, round);
        self.passes.remove(pass);
        self.gait.release(self.now);
        self.run();
    }

    pub(super) fn well(&mut self, pass: usize) {
        self.answer(pass, |world, round| world.gait.went_well(round));
    }

    pub(super) fn refuse(&mut self, round: Option<u64>, asked: Option<Duration>, busy: usize) {
        self.gait.refused(Refused { round, asked, busy, random: 1.0 }, self.now);
        self.hold = self.hold.max(self.now + asked.unwrap_or_default().min(LONGEST_HOLD));
        self.run();
    }

    /// Polls whoever is to be polled, until nobody is.
    pub(super) fn run(&mut self) {
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
pub(super) enum Deed {
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

pub(super) fn deed() -> impl Strategy<Value = Deed> {
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
    pub(super) fn act(&mut self, deed: Deed) {
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
    pub(super) fn wake_all(&mut self) {
        self.line.values_mut().for_each(|caller| caller.dozes = false);
        self.run();
    }

    pub(super) fn check(&self, before: usize) {
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
