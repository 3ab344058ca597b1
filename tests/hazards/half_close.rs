//! A server that closes its sending side and goes on listening.

use welkin::sim::Fault;

use crate::support::{
    GET_NODE, Home, assert_sound, create_once, fast, nodes, open, order, quick, seen,
};

#[test]
fn after_the_answer_nobody_uses_the_connection_again() {
    for home in Home::ALL {
        let sim = fast().start().unwrap();
        let (driver, compute) = open(&sim, quick());
        let ids = nodes(&compute, 1);
        sim.fail_next(Fault::half_close_after().on("GET", "/compute").times(u32::MAX));
        for _ in 0..25 {
            assert_eq!(home.run(compute.get_node(&ids[0])).unwrap().id, ids[0], "{home:?}");
        }
        assert_eq!(seen(&sim, GET_NODE), 25, "{home:?}: what was not heard was not counted");
        assert_sound(&sim, &driver);
    }
}

#[test]
fn after_the_answer_nobody_uses_the_connection_again_be_there_many() {
    for home in Home::ALL {
        let sim = fast().start().unwrap();
        let (driver, compute) = open(&sim, quick());
        let ids = nodes(&compute, 1);
        sim.fail_next(Fault::half_close_after().on("GET", "/compute").times(u32::MAX));
        let (own, all) = (compute.clone(), ids.clone());
        let next = move |_, n| (n < 10).then(|| own.get_node(&all[0]));
        for node in home.crowd(8, next).into_iter().flatten() {
            assert_eq!(node.unwrap().id, ids[0], "{home:?}");
        }
        assert_eq!(seen(&sim, GET_NODE), 80, "{home:?}: what was not heard was not counted");
        assert_sound(&sim, &driver);
    }
}

#[test]
fn a_create_that_meets_it_is_never_doubled() {
    for home in Home::ALL {
        let sim = fast().start().unwrap();
        let (driver, compute) = open(&sim, quick());
        let ids = nodes(&compute, 1);
        for name in ["a", "b", "c", "d", "e"] {
            let order = order(&compute, name);
            sim.fail_next(Fault::half_close_after().on("GET", "/compute"));
            home.run(compute.get_node(&ids[0])).unwrap();
            create_once(home, &sim, &compute, &order, name);
        }
        assert_sound(&sim, &driver);
    }
}

#[test]
fn in_place_of_an_answer_it_is_a_lost_one() {
    for home in Home::ALL {
        let sim = fast().start().unwrap();
        let (driver, compute) = open(&sim, quick());
        let (ids, order) = (nodes(&compute, 1), order(&compute, "lost"));
        sim.fail_next(Fault::half_close_before().on("GET", "/compute"));
        home.run(compute.get_node(&ids[0])).unwrap();
        assert_eq!(seen(&sim, GET_NODE), 2, "{home:?}");
        sim.fail_next(Fault::half_close_before().on("POST", "/compute"));
        create_once(home, &sim, &compute, &order, "lost");
        assert_sound(&sim, &driver);
    }
}
