//! Reading answers by hand, for the tests of every provider.

use super::answer::answer;
use crate::call::{Call, Step};
use crate::error::{Error, Result};

/// Gives an answer to a call that needs no other.
pub(in crate::provider) fn read<T>(call: Call<T>, status: u16, body: &str) -> Result<T> {
    read_with(call, status, &[], body)
}

pub(in crate::provider) fn read_with<T>(
    call: Call<T>,
    status: u16,
    headers: &[(&str, &str)],
    body: &str,
) -> Result<T> {
    match (call.read)(Ok(answer(status, headers, body)))? {
        Step::Done(value) => Ok(value),
        Step::Next(_) | Step::Wait(..) => panic!("no further request is needed"),
    }
}

/// Takes the error of what has to fail; results need not be shown.
pub(in crate::provider) fn failed<T>(result: Result<T>) -> Error {
    match result {
        Ok(_) => panic!("it has to fail"),
        Err(error) => error,
    }
}
