//! A fault as data: what becomes of the request, what is sent, and what follows.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

#[derive(Clone, Debug, PartialEq)]
pub(in crate::sim) struct Plan {
    pub(in crate::sim) reaches: Reaches,
    pub(in crate::sim) late: Duration,
    pub(in crate::sim) answer: Answer,
    pub(in crate::sim) shape: Shape,
    pub(in crate::sim) pace: Option<Pace>,
    pub(in crate::sim) then: Then,
}

/// How far the request gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim) enum Reaches {
    /// Its head is read.
    Head,
    /// It is read whole.
    Body,
    /// It is read and done.
    Service,
}

/// Whose answer is sent.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::sim) enum Answer {
    Nobodys,
    Services,
    Own {
        status: StatusCode,
        headers: HeaderMap,
        body: Bytes,
    },
    /// The 401 of the token check.
    TokenChecks,
    /// Bytes that are no answer.
    Raw(&'static [u8]),
}

/// How it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim) enum Shape {
    Whole,
    /// Only the first half of the body.
    Half,
    /// `Content-Length` is wrong by so many bytes.
    Misframed(i64),
    /// An informational answer comes first.
    Preceded(StatusCode),
    /// This many bytes of white space in place of the body, in chunks.
    Flood(u64),
}

/// So many bytes at a time, and so long from one to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim) struct Pace {
    pub(in crate::sim) bytes: usize,
    pub(in crate::sim) pause: Duration,
}

/// What follows on the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim) enum Then {
    /// The next request.
    GoOn,
    /// The same, after TLS has said something of its own.
    RenewKeys,
    /// An RST.
    Reset,
    /// An end in order.
    Close,
    /// An end without TLS's farewell.
    Cut,
    /// An end as soon as something arrives.
    CloseOnNext,
    /// Nothing more is sent, and that is said; what arrives is read.
    HalfClose,
    /// Nothing is sent; what arrives is read.
    Silence,
    /// Nothing is sent or read.
    Deaf,
}

impl Plan {
    /// What happens without a fault; the others differ from it in a thing or two.
    pub(super) const SERVED: Plan = Plan {
        reaches: Reaches::Service,
        late: Duration::ZERO,
        answer: Answer::Services,
        shape: Shape::Whole,
        pace: None,
        then: Then::GoOn,
    };

    /// What happens to a request that broke off.
    pub(in crate::sim) const RESET: Plan =
        Plan { reaches: Reaches::Head, answer: Answer::Nobodys, then: Then::Reset, ..Plan::SERVED };
}
