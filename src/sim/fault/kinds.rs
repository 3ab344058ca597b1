//! The faults there are.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;

use super::Fault;
use super::plan::{Answer, Pace, Plan, Reaches, Shape, Then};

impl Fault {
    /// Answers with this status, without looking at the request and without any delay.
    ///
    /// # Panics
    /// If `status` is not within 200 to 999.
    pub fn answer(status: u16) -> Fault {
        let status = StatusCode::from_u16(status)
            .ok()
            .filter(|status| !status.is_informational())
            .expect("a status code within 200 to 999");
        let answer = Answer::Own { status, headers: HeaderMap::new(), body: Bytes::new() };
        Fault::of(Plan { reaches: Reaches::Body, answer, ..Plan::SERVED })
    }

    /// 401 as the token check in front of a service answers it, though the token lives.
    pub fn unauthorized() -> Fault {
        Fault::of(Plan { reaches: Reaches::Body, answer: Answer::TokenChecks, ..Plan::SERVED })
    }

    /// 429 with a `Retry-After` in seconds (rounded up) and Nova's body.
    pub fn too_many_requests(retry_after: Duration) -> Fault {
        let seconds = retry_after.as_secs() + u64::from(retry_after.subsec_nanos() > 0);
        let body = r#"{"overLimit": {"code": 429, "message": "This request was rate-limited."}}"#;
        Fault::answer(429)
            .header(RETRY_AFTER.as_str(), &seconds.to_string())
            .header(CONTENT_TYPE.as_str(), "application/json")
            .body(body)
    }

    /// 503 with a plain text, as a load balancer without back ends sends it.
    pub fn unavailable() -> Fault {
        Fault::answer(503)
            .header(CONTENT_TYPE.as_str(), "text/plain; charset=UTF-8")
            .body("503 Service Unavailable\n\nThe server is currently unavailable.\n")
    }

    /// The same with a `Retry-After` as a date (RFC 9110, section 10.2.3), in whole seconds.
    ///
    /// # Panics
    /// If no calendar has the year.
    pub fn unavailable_until(time: SystemTime) -> Fault {
        let date = Timestamp::try_from(time)
            .and_then(|time| DateTimePrinter::new().timestamp_to_rfc9110_string(&time))
            .expect("a year within 0 to 9999");
        Fault::unavailable().header(RETRY_AFTER.as_str(), &date)
    }

    /// 502 with an HTML page, as a proxy in front of a dead service sends it.
    pub fn bad_gateway() -> Fault {
        Fault::answer(502).header(CONTENT_TYPE.as_str(), "text/html").body(
            "<html><head><title>502 Bad Gateway</title></head>\
             <body><h1>502 Bad Gateway</h1></body></html>\n",
        )
    }

    /// 200 and a page where JSON is expected, and said to be JSON.
    pub fn not_json() -> Fault {
        Fault::answer(200)
            .header(CONTENT_TYPE.as_str(), "application/json")
            .body("<html><body>Please log in to use this network.</body></html>\n")
    }

    /// Does what was asked and answers that much later than it would.
    pub fn delay(by: Duration) -> Fault {
        Fault::of(Plan::SERVED).late(by)
    }

    /// Does what was asked and sends head and body in pieces of so many bytes (at least 1), with a
    /// pause after each but the last.
    pub fn slow_bytes(bytes: usize, pause: Duration) -> Fault {
        Fault::of(Plan { pace: Some(Pace { bytes: bytes.max(1), pause }), ..Plan::SERVED })
    }

    /// Reads the request, does nothing, and never answers; the connection stays open until the
    /// client closes it.
    pub fn silence_before() -> Fault {
        Fault::of(Plan {
            reaches: Reaches::Body,
            answer: Answer::Nobodys,
            then: Then::Silence,
            ..Plan::SERVED
        })
    }

    /// Does what was asked and never answers; the connection stays open until the client closes
    /// it.
    pub fn silence_after() -> Fault {
        Fault::of(Plan { answer: Answer::Nobodys, then: Then::Silence, ..Plan::SERVED })
    }

    /// Resets the connection (RST) when the head of the request has arrived; nothing is done.
    pub fn reset_before() -> Fault {
        Fault::of(Plan::RESET)
    }

    /// Does what was asked, takes its time, then resets the connection (RST) instead of
    /// answering.
    pub fn reset_after() -> Fault {
        Fault::of(Plan { answer: Answer::Nobodys, then: Then::Reset, ..Plan::SERVED })
    }

    /// Reads the request, does nothing, and closes its sending side (FIN) without an answer; what
    /// else arrives is read and ignored until the client closes, too.
    pub fn half_close_before() -> Fault {
        Fault::of(Plan {
            reaches: Reaches::Body,
            answer: Answer::Nobodys,
            then: Then::HalfClose,
            ..Plan::SERVED
        })
    }

    /// Answers in full, then closes its sending side (FIN) without having said so in the answer;
    /// what else arrives is read and ignored until the client closes, too.
    pub fn half_close_after() -> Fault {
        Fault::of(Plan { then: Then::HalfClose, ..Plan::SERVED })
    }

    /// Does what was asked, sends the head and half of the body, and closes the connection.
    pub fn cut_body() -> Fault {
        Fault::of(Plan { shape: Shape::Half, then: Then::Cut, ..Plan::SERVED })
    }

    /// Answers in full, then closes the connection without having said so in the answer.
    pub fn close_after() -> Fault {
        Fault::of(Plan { then: Then::Close, ..Plan::SERVED })
    }

    /// Answers in full, and closes the connection at the moment at which the next request arrives on
    /// it: what happens when a server's patience ends while a request is on its way. That request is
    /// neither done nor counted.
    pub fn close_on_next() -> Fault {
        Fault::of(Plan { then: Then::CloseOnNext, ..Plan::SERVED })
    }

    /// Answers with this status as soon as the head of the request has arrived, and reads no more:
    /// the connection stays open for ten seconds with a full receive buffer.
    ///
    /// # Panics
    /// As [`answer`](Fault::answer).
    pub fn early_answer(status: u16) -> Fault {
        let mut fault = Fault::answer(status);
        (fault.plan.reaches, fault.plan.then) = (Reaches::Head, Then::Deaf);
        fault
    }

    /// Answers with this status as soon as the head of the request has arrived, and closes. What
    /// was not read then makes an RST of it, which may overtake the answer.
    ///
    /// # Panics
    /// As [`answer`](Fault::answer).
    pub fn early_answer_and_close(status: u16) -> Fault {
        let mut fault = Fault::answer(status);
        (fault.plan.reaches, fault.plan.then) = (Reaches::Head, Then::Close);
        fault
    }

    /// Answers with a `Content-Length` that is wrong by so many bytes. Promised ones never come,
    /// surplus ones do; the connection stays open.
    pub fn wrong_length(by: i64) -> Fault {
        Fault::of(Plan { shape: Shape::Misframed(by), ..Plan::SERVED })
    }

    /// Does nothing, sends a line that is not HTTP, and closes.
    pub fn not_http() -> Fault {
        Fault::of(Plan {
            reaches: Reaches::Body,
            answer: Answer::Raw(b"SSH-2.0-OpenSSH_9.2p1\r\n"),
            then: Then::Close,
            ..Plan::SERVED
        })
    }

    /// Sends an informational answer (RFC 9110, section 15.2), such as 103, before the real one.
    ///
    /// # Panics
    /// If `status` is not within 100 to 199, or is 101: nobody asked for another protocol.
    pub fn informational(status: u16) -> Fault {
        let status = StatusCode::from_u16(status)
            .ok()
            .filter(|status| status.is_informational() && status.as_u16() != 101)
            .expect("a status code within 100 to 199 other than 101");
        Fault::of(Plan { shape: Shape::Preceded(status), ..Plan::SERVED })
    }

    /// Answers with a body of so many bytes of white space, which the head does not announce.
    pub fn endless_body(bytes: u64) -> Fault {
        Fault::of(Plan { shape: Shape::Flood(bytes), ..Plan::SERVED })
    }

    /// Answers, and when the answer is out TLS sends a message of its own, a key update: bytes on an
    /// idle connection that are no answer, as session tickets are that come late. Without TLS it
    /// does nothing.
    pub fn late_tls() -> Fault {
        Fault::of(Plan { then: Then::RenewKeys, ..Plan::SERVED })
    }
}
