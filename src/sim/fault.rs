//! Failures on request.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use http::{HeaderMap, Method, StatusCode};

/// A failure that [`Sim::fail_next`] injects into the next matching requests.
///
/// A new fault matches every request and happens once; [`on`](Fault::on), [`after`](Fault::after)
/// and [`times`](Fault::times) narrow or repeat it.
///
/// ```
/// use std::time::Duration;
/// use welkin::sim::{Fault, Sim};
///
/// let sim = Sim::start()?;
/// sim.fail_next(Fault::too_many_requests(Duration::from_secs(1)).on("POST", "/compute"));
/// sim.fail_next(Fault::reset_after().on("POST", "/compute/v2.1/servers").after(3));
/// sim.fail_next(Fault::answer(500).header("x-why", "test").body("broken").times(2));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// [`Sim::fail_next`]: super::Sim::fail_next
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    kind: FaultKind,
    method: Option<String>,
    path_prefix: String,
    after: u32,
    times: u32,
}

/// What happens.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum FaultKind {
    /// Of a proxy: the cloud itself answers only if what was asked shall be done, and in vain.
    Answer {
        status: StatusCode,
        headers: HeaderMap,
        body: Bytes,
        done: bool,
    },
    ResetBefore,
    ResetAfter,
    CutBody,
    CloseAfter,
}

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
        let (headers, body) = (HeaderMap::new(), Bytes::new());
        Fault::of(FaultKind::Answer { status, headers, body, done: false })
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

    /// 502 with an HTML page, as a proxy in front of a dead service sends it.
    pub fn bad_gateway() -> Fault {
        Fault::answer(502).header(CONTENT_TYPE.as_str(), "text/html").body(
            "<html><head><title>502 Bad Gateway</title></head>\
             <body><h1>502 Bad Gateway</h1></body></html>\n",
        )
    }

    /// Resets the connection (RST) when the head of the request has arrived; nothing is done.
    pub fn reset_before() -> Fault {
        Fault::of(FaultKind::ResetBefore)
    }

    /// Does what was asked, takes its time, then resets the connection (RST) instead of
    /// answering.
    pub fn reset_after() -> Fault {
        Fault::of(FaultKind::ResetAfter)
    }

    /// Does what was asked, sends the head and half of the body, and closes the connection.
    pub fn cut_body() -> Fault {
        Fault::of(FaultKind::CutBody)
    }

    /// Answers in full, then closes the connection without having said so in the answer.
    pub fn close_after() -> Fault {
        Fault::of(FaultKind::CloseAfter)
    }

    /// Only requests with this method and a path that begins so, such as `/compute/v2.1/servers`.
    #[must_use]
    pub fn on(mut self, method: &str, path_prefix: &str) -> Fault {
        self.method = Some(method.to_ascii_uppercase());
        self.on_path(path_prefix)
    }

    /// Only requests whose path begins so, whatever the method.
    #[must_use]
    pub fn on_path(mut self, path_prefix: &str) -> Fault {
        self.path_prefix = path_prefix.into();
        self
    }

    /// Lets this many matching requests pass first; 0 by default.
    #[must_use]
    pub fn after(mut self, requests: u32) -> Fault {
        self.after = requests;
        self
    }

    /// Happens to this many requests; 1 by default, `u32::MAX` is for ever.
    #[must_use]
    pub fn times(mut self, requests: u32) -> Fault {
        self.times = requests;
        self
    }

    /// Adds a header to an [`answer`](Fault::answer); other faults have none.
    ///
    /// # Panics
    /// If HTTP does not allow the name or the value.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Fault {
        let name = HeaderName::try_from(name).expect("a valid header name");
        let value = HeaderValue::try_from(value).expect("a valid header value");
        if let FaultKind::Answer { headers, .. } = &mut self.kind {
            headers.append(name, value);
        }
        self
    }

    /// Does what was asked, and takes its time, before it gives its [`answer`](Fault::answer), as a
    /// proxy that lost the cloud's own; other faults stay as they are.
    ///
    /// ```
    /// use welkin::sim::{Fault, Sim};
    ///
    /// let sim = Sim::start()?;
    /// sim.fail_next(Fault::bad_gateway().once_done().on("POST", "/compute/v2.1/servers"));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn once_done(mut self) -> Fault {
        if let FaultKind::Answer { done, .. } = &mut self.kind {
            *done = true;
        }
        self
    }

    /// Sets the body of an [`answer`](Fault::answer); other faults have none.
    #[must_use]
    pub fn body(mut self, content: impl Into<Bytes>) -> Fault {
        if let FaultKind::Answer { body, .. } = &mut self.kind {
            *body = content.into();
        }
        self
    }

    fn of(kind: FaultKind) -> Fault {
        Fault { kind, method: None, path_prefix: String::new(), after: 0, times: 1 }
    }

    fn matches(&self, method: &Method, path: &str) -> bool {
        path.starts_with(&self.path_prefix)
            && self.method.as_deref().is_none_or(|wanted| wanted == method.as_str())
    }
}

/// The faults still to happen, in the order in which they were added.
#[derive(Default)]
pub(super) struct Faults(Vec<Fault>);

impl Faults {
    pub(super) fn push(&mut self, fault: Fault) {
        if fault.times > 0 {
            self.0.push(fault);
        }
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// What shall happen to this request.
    pub(super) fn take(&mut self, method: &Method, path: &str) -> Option<FaultKind> {
        let mut hit = None;
        for (index, fault) in self.0.iter_mut().enumerate() {
            if !fault.matches(method, path) {
                continue;
            }
            if fault.after > 0 {
                fault.after -= 1;
                continue;
            }
            hit = Some(index);
            break;
        }
        let fault = &mut self.0[hit?];
        let kind = fault.kind.clone();
        if fault.times != u32::MAX {
            fault.times -= 1;
            if fault.times == 0 {
                self.0.remove(hit?);
            }
        }
        Some(kind)
    }
}
