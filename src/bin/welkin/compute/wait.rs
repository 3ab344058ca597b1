//! Waiting for many nodes at once, which the driver does with one list a tick.

use std::time::Duration;

use futures_util::future::join_all;
use welkin::{Cancel, Op, Result};

use crate::progress::Progress;

/// Waits for all, however each ends, and gives the results in their order.
pub(super) async fn for_all<T: Send + 'static>(
    waits: impl Iterator<Item = Op<T>>,
    limit: Option<Duration>,
    stop: &Cancel,
) -> Vec<Result<T>> {
    let waits: Vec<_> = waits.collect();
    let progress = Progress::start("waiting", waits.len());
    let each = waits.into_iter().map(|wait| {
        let wait = wait.cancel_on(stop);
        let wait = match limit {
            Some(limit) => wait.timeout(limit),
            None => wait,
        };
        let progress = &progress;
        async move {
            let result = wait.await;
            progress.step();
            result
        }
    });
    join_all(each).await
}
