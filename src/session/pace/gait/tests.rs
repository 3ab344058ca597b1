//! What callers and the cloud may do in any order, and the rules one by one. No test waits.

mod world;

use proptest::prelude::*;

use self::world::{World, deed};
use super::*;

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
