//! Gates: where all workers wait until the last of them has come.

use std::sync::Arc;

use tokio::sync::watch;

/// Gates in a row, each with the number of workers that have yet to come.
pub(crate) struct Gates(Vec<watch::Sender<usize>>);

impl Gates {
    /// Makes `gates` gates and a ticket for each of `workers` workers.
    pub(crate) fn new(gates: usize, workers: usize) -> Vec<Ticket> {
        let row = (0..gates).map(|_| watch::Sender::new(workers)).collect();
        let gates = Arc::new(Self(row));
        (0..workers)
            .map(|_| Ticket {
                gates: Arc::clone(&gates),
                passed: 0,
            })
            .collect()
    }

    fn come(&self, gate: usize) {
        // Only the last one wakes the others.
        self.0[gate].send_if_modified(|missing| {
            *missing -= 1;
            *missing == 0
        });
    }
}

/// The right, and the duty, to come to each gate once.
pub(crate) struct Ticket {
    gates: Arc<Gates>,
    passed: usize,
}

impl Ticket {
    /// Comes to the next gate and waits for the others.
    pub(crate) async fn pass(&mut self) {
        let gate = self.passed;
        self.passed += 1;
        self.gates.come(gate);
        let mut missing = self.gates.0[gate].subscribe();
        // The sender lives in `self.gates`, so the wait cannot fail.
        let _ = missing.wait_for(|missing| *missing == 0).await;
    }
}

/// A worker that ends early, even in a panic, holds nobody up.
impl Drop for Ticket {
    fn drop(&mut self) {
        for gate in self.passed..self.gates.0.len() {
            self.gates.come(gate);
        }
    }
}
