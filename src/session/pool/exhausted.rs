//! Why a caller got no connection, in numbers.

use std::fmt;
use std::time::Duration;

/// What a pool held when a caller got no connection from it: the source of the error that says so.
///
/// ```
/// # fn f(error: &welkin::Error) {
/// use std::error::Error as _;
///
/// let exhausted = error.source().and_then(|source| source.downcast_ref::<welkin::Exhausted>());
/// if let Some(exhausted) = exhausted {
///     eprintln!("{} callers are waiting", exhausted.waiting);
/// }
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exhausted {
    /// Connections to the host that are open, idle ones among them.
    pub open: usize,
    /// Of these, idle.
    pub idle: usize,
    /// Connections being opened.
    pub dialing: usize,
    /// Callers that wait for a connection.
    pub waiting: usize,
    /// How long this caller has waited.
    pub waited: Duration,
}

impl fmt::Display for Exhausted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { open, idle, dialing, waiting, waited } = self;
        write!(
            f,
            "{open} connections open, {idle} of them idle, {dialing} being opened, {waiting} callers \
             waiting, this one for {waited:.1?}"
        )
    }
}

impl std::error::Error for Exhausted {}
