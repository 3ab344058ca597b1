//! Plain threads that stay for a whole bench, so that no round pays for starting them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread::{self, JoinHandle};

pub(crate) struct Crew {
    orders: Arc<Orders>,
    threads: Vec<JoinHandle<()>>,
}

struct Orders {
    each: AtomicUsize,
    gate: Barrier,
}

impl Crew {
    /// Starts the threads; each makes what it works with, which is asked to do a thing so many times.
    pub(crate) fn start<W: FnMut(usize)>(
        size: usize,
        make: impl Fn() -> W + Send + Sync + 'static,
    ) -> Self {
        let orders = Arc::new(Orders { each: AtomicUsize::new(0), gate: Barrier::new(size + 1) });
        let make = Arc::new(make);
        let threads = (0..size).map(|_| {
            let (orders, make) = (Arc::clone(&orders), Arc::clone(&make));
            thread::spawn(move || {
                let mut work = make();
                while let each @ 1.. = orders.next() {
                    work(each);
                    orders.gate.wait();
                }
            })
        });
        let threads = threads.collect();
        Self { orders, threads }
    }

    /// Has each thread work that often, and returns when all are done.
    pub(crate) fn work(&self, each: usize) {
        self.orders.each.store(each, Ordering::Relaxed);
        self.orders.gate.wait();
        self.orders.gate.wait();
    }
}

impl Orders {
    fn next(&self) -> usize {
        self.gate.wait();
        self.each.load(Ordering::Relaxed)
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        self.orders.each.store(0, Ordering::Relaxed);
        self.orders.gate.wait();
        for thread in self.threads.drain(..) {
            thread.join().expect("a thread that works to its end");
        }
    }
}
