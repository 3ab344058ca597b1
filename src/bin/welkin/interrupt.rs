//! Ctrl-C during work that must not end without a word.

use std::process::exit;

use welkin::Cancel;

use crate::complaint::tell;

/// The status of a process that Ctrl-C ended.
pub(crate) const INTERRUPTED: u8 = 130;

/// Cancels `stop` on the first Ctrl-C; the second one ends the process at once.
pub(crate) async fn heed(stop: Cancel, what_now: &str) {
    // Where it cannot be listened to, it ends the process as it always does.
    if tokio::signal::ctrl_c().await.is_err() {
        return;
    }
    tell(&format!("\n{what_now}"));
    stop.cancel();
    if tokio::signal::ctrl_c().await.is_ok() {
        exit(INTERRUPTED.into());
    }
}
