//! The hazards of sharing, as a user meets them: public API on one side, the server's counts on the
//! other, and every kind of thread and runtime between.
#![cfg(feature = "sim")]

mod cancellation;
mod cap_one_login;
#[cfg(feature = "aws")]
mod early_answer;
mod exhaustion;
mod half_close;
#[cfg(feature = "aws")]
mod late_ticket;
mod many;
mod no_runtime;
mod pace;
mod runtime_dropped;
mod shared_login;
mod sharing;
mod slow_peer;
mod stale_race;
mod support;
mod tls_tickets;
mod token_storm;
mod two_runtimes;
mod wait_inside_runtime;
mod waiting;
