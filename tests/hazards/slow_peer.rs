//! A cloud that takes its time: with the bytes, the answer, the handshake.

use welkin::sim::Fault;
use welkin::{ErrorKind, Phase, Retry};

use crate::support::{
    GET_NODE, Home, Relay, assert_sound, create_once, fast, ms, nodes, open, order, quick, seen,
};

#[test]
fn bytes_that_dribble_in_time_are_an_answer() {
    for home in Home::ALL {
        let sim = fast().start().unwrap();
        let (driver, compute) = open(&sim, quick().retry(Retry::never()));
        let ids = nodes(&compute, 1);
        sim.fail_next(Fault::slow_bytes(100, ms(5)).on("GET", "/compute"));
        assert_eq!(home.run(compute.get_node(&ids[0])).unwrap().id, ids[0], "{home:?}");
        assert_sound(&sim, &driver);
        assert_eq!(sim.stats().connections, 1, "{home:?}: it is used on");
    }
}

#[test]
fn bytes_that_dribble_for_too_long_are_not() {
    for home in Home::ALL {
        let sim = fast().start().unwrap();
        let settings = quick().attempt_timeout(ms(200)).retry(Retry::never());
        let (driver, compute) = open(&sim, settings);
        let ids = nodes(&compute, 1);
        // The head comes in time in the second case, the body in none.
        for bytes in [10, 300] {
            sim.fail_next(Fault::slow_bytes(bytes, ms(150)).on("GET", "/compute"));
            let error = home.run(compute.get_node(&ids[0])).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Timeout(Phase::Answer), "{home:?}: {error:?}");
        }
        assert_sound(&sim, &driver);
    }
}

#[test]
fn a_peer_that_never_answers_costs_one_attempt() {
    for home in Home::ALL {
        let sim = fast().start().unwrap();
        let (driver, compute) = open(&sim, quick().attempt_timeout(ms(150)));
        let ids = nodes(&compute, 1);
        sim.fail_next(Fault::silence_before().on("GET", "/compute"));
        home.run(compute.get_node(&ids[0])).unwrap();
        assert_eq!(seen(&sim, GET_NODE), 2, "{home:?}");

        sim.fail_next(Fault::silence_before().on("GET", "/compute").times(u32::MAX));
        let error = home.run(compute.get_node(&ids[0])).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout(Phase::Answer), "{home:?}: {error:?}");
        assert_eq!(seen(&sim, GET_NODE), 5, "{home:?}: three attempts");
        assert_sound(&sim, &driver);
    }
}

#[test]
fn a_create_without_an_answer_is_not_sent_again_blindly() {
    for home in Home::ALL {
        let sim = fast().start().unwrap();
        let (driver, compute) = open(&sim, quick().attempt_timeout(ms(150)));
        let order = order(&compute, "once");
        sim.fail_next(Fault::silence_after().on("POST", "/compute"));
        create_once(home, &sim, &compute, &order, "once");
        assert_eq!(sim.servers().len(), 1, "{home:?}");
        assert_sound(&sim, &driver);
    }
}

#[test]
fn a_slow_handshake_is_waited_for_and_an_endless_one_is_not() {
    for home in Home::ALL {
        let relay = Relay::new();
        let sim = relay.before_tls();
        let settings = quick().connect_timeout(ms(1_000)).retry(Retry::never());
        let (driver, compute) = open(&sim, settings);
        let ids = nodes(&compute, 1);
        driver.close_idle();
        // Some 1,300 bytes.
        relay.dribble(50);
        home.run(compute.get_node(&ids[0])).unwrap();
        driver.close_idle();
        relay.hold(true);
        let error = home.run(compute.get_node(&ids[0])).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout(Phase::Connect), "{home:?}: {error:?}");
        relay.dribble(0);
        relay.hold(false);
        assert_sound(&sim, &driver);
    }
}
