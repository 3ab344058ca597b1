//! Many clouds behind one driver that every thread and every task shares.

#[cfg(feature = "sim")]
pub mod sim;
