//! Ctrl-C during work that must not end without a word.

use std::process::exit;

use futures_util::FutureExt;
use tokio::signal::ctrl_c;
use welkin::Cancel;

use crate::complaint::tell;

/// The status of a process that Ctrl-C ended.
pub(crate) const INTERRUPTED: u8 = 130;

/// Listens from now on: the first Ctrl-C cancels what is returned, the second one ends the process.
///
/// `what_now` is what people are told at the first.
pub(crate) async fn listen(what_now: &'static str) -> Cancel {
    let stop = Cancel::new();
    let canceled = stop.clone();
    let mut first = Box::pin(ctrl_c());
    // It listens when it is polled, which is to be before the work begins.
    let at_once = first.as_mut().now_or_never();
    tokio::spawn(async move {
        let heard = match at_once {
            Some(heard) => heard,
            None => first.await,
        };
        // Where it cannot be listened to, it ends the process as it always does.
        if heard.is_err() {
            return;
        }
        tell(&format!("\n{what_now}"));
        canceled.cancel();
        if ctrl_c().await.is_ok() {
            exit(INTERRUPTED.into());
        }
    });
    stop
}
