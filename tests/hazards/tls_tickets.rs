//! What TLS says between answers: session tickets, new keys.

use std::thread;

use welkin::sim::Fault;
use welkin::{Node, Op, Result};

use crate::support::{
    Home, assert_sound, current_thread, fast, ms, multi_thread, nodes, open, order, quick,
};

#[test]
fn on_a_thread_a_connection_on_which_tls_spoke_while_it_was_idle_is_used_again() {
    is_used_again(&|op| op.wait());
}

#[test]
fn in_smol_a_connection_on_which_tls_spoke_while_it_was_idle_is_used_again() {
    is_used_again(&|op| smol::block_on(op));
}

#[test]
fn in_one_runtime_a_connection_on_which_tls_spoke_while_it_was_idle_is_used_again() {
    for runtime in [current_thread(), multi_thread()] {
        is_used_again(&|op| runtime.block_on(async { tokio::spawn(op).await.unwrap() }));
    }
}

#[test]
fn from_runtime_to_runtime_a_connection_on_which_tls_spoke_while_it_was_idle_is_used_again() {
    for home in [Home::CurrentThread, Home::MultiThread] {
        is_used_again(&|op| home.run(op));
    }
}

fn is_used_again(run: &dyn Fn(Op<Node>) -> Result<Node>) {
    let sim = fast().tls(true).start().unwrap();
    let (driver, compute) = open(&sim, quick());
    let ids = nodes(&compute, 1);
    let orders = ["a", "b", "c"].map(|name| order(&compute, name));
    for order in &orders {
        sim.fail_next(Fault::late_tls().on("GET", "/compute"));
        run(compute.get_node(&ids[0])).unwrap();
        // Long enough idle that somebody looks before a create goes out.
        thread::sleep(ms(30));
        run(compute.create_node(order)).unwrap();
    }
    assert_eq!((sim.stats().faults, sim.servers().len()), (3, 4));
    assert_eq!((sim.stats().connections, driver.stats().connections_stale), (1, 0));
    assert_sound(&sim, &driver);
}

#[test]
fn new_connections_take_up_the_session_of_earlier_ones() {
    for home in Home::ALL {
        let sim = fast().tls(true).start().unwrap();
        let (driver, compute) = open(&sim, quick());
        let ids = nodes(&compute, 1);
        for _ in 0..5 {
            driver.close_idle();
            home.run(compute.get_node(&ids[0])).unwrap();
        }
        assert_eq!((sim.stats().connections, sim.stats().tls_resumptions), (6, 5), "{home:?}");
        assert_sound(&sim, &driver);
    }
}
