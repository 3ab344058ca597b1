//! `.wait()` where `.await` should stand: inside a runtime.

use welkin::sim::Fault;
use welkin::{ErrorKind, Phase};

use crate::support::{assert_sound, current_thread, fast, ms, multi_thread, nodes, open, quick};

#[test]
fn it_works() {
    let sim = fast().start().unwrap();
    let (driver, compute) = open(&sim, quick());
    let ids = nodes(&compute, 1);
    for runtime in [current_thread(), multi_thread()] {
        let (compute, id) = (compute.clone(), ids[0].clone());
        let task = runtime.spawn(async move { compute.get_node(&id).wait() });
        assert_eq!(runtime.block_on(task).unwrap().unwrap().id, ids[0]);
    }
    assert_sound(&sim, &driver);
}

#[test]
fn it_blocks_its_own_thread_and_no_other() {
    let sim = fast().start().unwrap();
    let (driver, compute) = open(&sim, quick());
    let ids = nodes(&compute, 1);
    sim.fail_next(Fault::silence_before().on("GET", "/compute"));
    let runtime = multi_thread();
    let cancel = welkin::Cancel::new();
    let (own, id, listens) = (compute.clone(), ids[0].clone(), cancel.clone());
    let blocked = runtime.spawn(async move { own.get_node(&id).cancel_on(&listens).wait() });
    runtime.block_on(async {
        while sim.stats().faults == 0 {
            tokio::time::sleep(ms(1)).await;
        }
        for _ in 0..50 {
            let node = tokio::spawn(compute.get_node(&ids[0])).await.unwrap().unwrap();
            assert_eq!(node.id, ids[0]);
        }
        assert!(!blocked.is_finished());
        cancel.cancel();
        assert_eq!(blocked.await.unwrap().unwrap_err().kind(), ErrorKind::Canceled);
    });
    assert_sound(&sim, &driver);
}

#[test]
fn when_the_runtimes_own_tasks_hold_every_connection_it_ends_and_says_what_to_do() {
    let sim = fast().start().unwrap();
    let (driver, compute) = open(&sim, quick().connections_per_host(1));
    let ids = nodes(&compute, 1);
    sim.fail_next(Fault::delay(ms(50)).on("GET", "/compute"));
    let runtime = current_thread();
    // It can only go on when the other lets go of the thread.
    let holder = runtime.spawn(compute.get_node(&ids[0]));
    let (own, id, server) = (compute.clone(), ids[0].clone(), &sim);
    runtime.block_on(async {
        while server.stats().faults == 0 {
            tokio::time::sleep(ms(1)).await;
        }
        let error = own.get_node(&id).timeout(ms(300)).wait().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout(Phase::Acquire), "{error:?}");
        assert!(error.to_string().contains("1 of 1 open"), "{error}");
        assert!(error.to_string().contains(".await"), "{error}");
        assert_eq!(holder.await.unwrap().unwrap().id, id);
    });
    assert_sound(&sim, &driver);
}
