//! The rack under any sequence of operations, against a plain list of who has what.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::rack::{Given, Limits, Rack, Refused, Waiter};
use crate::error::{Error, ErrorKind};

/// What callers do; a number picks one of those who can.
#[derive(Clone, Debug)]
enum Deed {
    Take { lane: usize, home: Option<u8> },
    Join,
    Poll(usize),
    Made(usize),
    Failed(usize),
    Leave(usize),
    Put { which: usize, lane: usize, home: Option<u8> },
    Close(usize),
    Sweep,
    SweepBegun,
    Adopt,
    Later,
}

fn deed() -> impl Strategy<Value = Deed> {
    let home = || prop::option::of(0..2u8);
    prop_oneof![
        4 => (0..4usize, home()).prop_map(|(lane, home)| Deed::Take { lane, home }),
        6 => Just(Deed::Join),
        6 => any::<usize>().prop_map(Deed::Poll),
        6 => any::<usize>().prop_map(Deed::Made),
        1 => any::<usize>().prop_map(Deed::Failed),
        2 => any::<usize>().prop_map(Deed::Leave),
        6 => (any::<usize>(), 0..4usize, home())
            .prop_map(|(which, lane, home)| Deed::Put { which, lane, home }),
        2 => any::<usize>().prop_map(Deed::Close),
        1 => Just(Deed::Sweep),
        1 => Just(Deed::SweepBegun),
        1 => Just(Deed::Adopt),
        1 => Just(Deed::Later),
    ]
}

const LIMITS: Limits = Limits { live: 3, making: 2, waiting: 5 };

/// A caller in the queue, and whether it is making a thing.
struct Caller {
    waiter: Arc<Waiter<u32, ()>>,
    making: bool,
}

struct World {
    rack: Rack<u32, (), u8>,
    now: Instant,
    next_thing: u32,
    /// Things with callers.
    held: BTreeSet<u32>,
    /// By ticket, so by arrival.
    callers: BTreeMap<u64, Caller>,
    /// Things that lie idle.
    idle: BTreeSet<u32>,
    /// The last attempts to make one came to nothing.
    failing: bool,
}

fn pick<T: Copy>(all: impl ExactSizeIterator<Item = T>, which: usize) -> Option<T> {
    let most = all.len();
    all.into_iter().nth(which.checked_rem(most)?)
}

impl World {
    fn new() -> Self {
        Self {
            rack: Rack::new(2, LIMITS),
            now: Instant::now(),
            next_thing: 0,
            held: BTreeSet::new(),
            callers: BTreeMap::new(),
            idle: BTreeSet::new(),
            failing: false,
        }
    }

    fn new_thing(&mut self) -> u32 {
        self.next_thing += 1;
        self.next_thing
    }

    fn hold(&mut self, thing: u32) {
        self.idle.remove(&thing);
        assert!(self.held.insert(thing), "{thing} was lent twice");
    }

    /// What lies down is handed to the first who waits, or lies idle.
    fn lay(&mut self, thing: u32, lay: impl FnOnce(&Rack<u32, (), u8>)) {
        let before = self.rack.counts();
        lay(&self.rack);
        let after = self.rack.counts();
        if after.handed > before.handed {
            let given = self.poll_first();
            assert_eq!(given, Some(thing), "whoever waits longest is served first");
        } else {
            self.idle.insert(thing);
        }
    }

    /// Lets the caller who waits longest look; returns the thing that it got.
    fn poll_first(&mut self) -> Option<u32> {
        loop {
            let first = *self.callers.keys().next()?;
            let got = self.poll(first);
            // Who was told that there is none to be had waits no longer.
            if got.is_some() || self.callers.contains_key(&first) {
                return got;
            }
        }
    }

    fn poll(&mut self, ticket: u64) -> Option<u32> {
        loop {
            let caller = self.callers.get_mut(&ticket)?;
            match caller.waiter.poll(Waker::noop()) {
                Poll::Ready(Given::Thing(thing)) => {
                    self.hold(thing);
                    self.leave(ticket);
                    return Some(thing);
                }
                Poll::Ready(Given::Permit(_)) => caller.making = true,
                Poll::Ready(Given::Failed(_)) => {
                    self.leave(ticket);
                    return None;
                }
                Poll::Pending => return None,
            }
        }
    }

    fn leave(&mut self, ticket: u64) {
        let Some(caller) = self.callers.remove(&ticket) else { return };
        let mut back = Vec::new();
        let begun = caller.making.then_some(Some(()));
        self.rack.leave(&caller.waiter, begun, self.now, |thing| back.push(thing));
        for thing in back {
            self.lay(thing, |rack| rack.put(0, thing, None));
        }
    }

    fn maker(&self, which: usize) -> Option<u64> {
        let makers: Vec<_> =
            self.callers.iter().filter(|(_, c)| c.making).map(|(ticket, _)| *ticket).collect();
        pick(makers.into_iter(), which)
    }

    fn act(&mut self, deed: Deed) {
        match deed {
            Deed::Take { lane, home } => {
                let waits = self.rack.counts().waiting > 0;
                if let Some((thing, _)) = self.rack.take(lane, home) {
                    assert!(!waits, "a newcomer passed somebody by");
                    assert!(self.idle.contains(&thing));
                    self.hold(thing);
                }
            }
            Deed::Join => match self.rack.join(self.now) {
                Ok(waiter) => {
                    let ticket = waiter.ticket();
                    self.callers.insert(ticket, Caller { waiter, making: false });
                    self.poll(ticket);
                }
                Err(Refused::Full) => assert_eq!(self.rack.counts().waiting, LIMITS.waiting),
                Err(Refused::Broken(_)) => assert!(self.failing),
            },
            Deed::Poll(which) => {
                if let Some(ticket) = pick(self.callers.keys().copied(), which) {
                    self.poll(ticket);
                }
            }
            Deed::Made(which) => {
                if let Some(ticket) = self.maker(which) {
                    self.callers.get_mut(&ticket).unwrap().making = false;
                    self.failing = false;
                    let (thing, now) = (self.new_thing(), self.now);
                    self.lay(thing, |rack| rack.made(ticket, 0, thing, None, now));
                }
            }
            Deed::Failed(which) => {
                if let Some(ticket) = self.maker(which) {
                    self.callers.get_mut(&ticket).unwrap().making = false;
                    self.failing = true;
                    let error = Error::new(ErrorKind::Connection, "down");
                    self.rack.failed(ticket, &error, self.now);
                    self.leave(ticket);
                }
            }
            Deed::Leave(which) => {
                if let Some(ticket) = pick(self.callers.keys().copied(), which) {
                    self.leave(ticket);
                }
            }
            Deed::Put { which, lane, home } => {
                if let Some(thing) = pick(self.held.iter().copied(), which) {
                    self.held.remove(&thing);
                    self.lay(thing, |rack| rack.put(lane, thing, home));
                }
            }
            Deed::Close(which) => {
                if let Some(thing) = pick(self.held.iter().copied(), which) {
                    self.held.remove(&thing);
                    self.rack.gone(1, self.now);
                }
            }
            Deed::Sweep => {
                let old = self.rack.sweep(|thing| *thing % 2 == 0);
                for thing in &old {
                    assert!(self.idle.remove(thing), "only idle ones are swept");
                }
                self.rack.gone(old.len(), self.now);
            }
            Deed::SweepBegun => drop(self.rack.sweep_begun(|()| true)),
            Deed::Adopt => {
                if self.rack.adopt() {
                    let thing = self.new_thing();
                    self.lay(thing, |rack| rack.put(1, thing, None));
                }
            }
            Deed::Later => self.now += Duration::from_millis(700),
        }
    }

    fn check(&self) {
        let counts = self.rack.counts();
        assert!(counts.live <= LIMITS.live, "never more than the cap: {counts:?}");
        assert_eq!(counts.idle, self.idle.len(), "{counts:?}");
        assert_eq!(
            counts.live - counts.making,
            self.idle.len() + self.held.len(),
            "each is in one place: {counts:?}"
        );
        assert!(counts.idle == 0 || counts.waiting == 0, "who waits gets what lies idle");
        assert_eq!(self.rack.is_crowded(), counts.waiting > 0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_callers_do_nothing_is_lost_lent_twice_or_kept_from_who_waits(
        deeds in prop::collection::vec(deed(), 1..120)
    ) {
        let mut world = World::new();
        for deed in deeds {
            world.act(deed);
            world.check();
        }
        // In the end all leave, and nothing is owed.
        while let Some(ticket) = world.callers.keys().next().copied() {
            world.leave(ticket);
        }
        for thing in std::mem::take(&mut world.held) {
            world.lay(thing, |rack| rack.put(0, thing, None));
        }
        drop(world.rack.sweep_begun(|()| true));
        world.check();
        let counts = world.rack.counts();
        prop_assert_eq!((counts.live, counts.making, counts.waiting), (counts.idle, 0, 0));
    }
}
