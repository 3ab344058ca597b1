//! Failures on request.

mod kinds;
pub(super) mod plan;

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use http::header::{HeaderName, HeaderValue};

use plan::{Answer, Plan, Reaches};

/// A failure that [`Sim::fail_next`] injects into the next matching requests.
///
/// A new fault matches every request and happens once; [`on`](Fault::on), [`after`](Fault::after)
/// and [`times`](Fault::times) narrow or repeat it.
///
/// | the cloud | faults |
/// |---|---|
/// | answers something else | [`answer`](Fault::answer), [`unauthorized`](Fault::unauthorized), [`too_many_requests`](Fault::too_many_requests), [`unavailable`](Fault::unavailable), [`unavailable_until`](Fault::unavailable_until), [`bad_gateway`](Fault::bad_gateway), [`not_json`](Fault::not_json) |
/// | is slow | [`delay`](Fault::delay), [`slow_bytes`](Fault::slow_bytes); [`late`](Fault::late) for any other fault |
/// | is silent | [`silence_before`](Fault::silence_before), [`silence_after`](Fault::silence_after) |
/// | ends the connection | [`reset_before`](Fault::reset_before), [`reset_after`](Fault::reset_after), [`half_close_before`](Fault::half_close_before), [`half_close_after`](Fault::half_close_after), [`cut_body`](Fault::cut_body), [`close_after`](Fault::close_after), [`close_on_next`](Fault::close_on_next) |
/// | answers before it was asked | [`early_answer`](Fault::early_answer), [`early_answer_and_close`](Fault::early_answer_and_close) |
/// | speaks another protocol | [`wrong_length`](Fault::wrong_length), [`not_http`](Fault::not_http), [`informational`](Fault::informational), [`endless_body`](Fault::endless_body), [`late_tls`](Fault::late_tls) |
///
/// ```
/// use std::time::Duration;
/// use welkin::sim::{Fault, Sim};
///
/// let sim = Sim::start()?;
/// sim.fail_next(Fault::too_many_requests(Duration::from_secs(1)).on("POST", "/compute"));
/// sim.fail_next(Fault::reset_after().on("POST", "/compute/v2.1/servers").after(3));
/// sim.fail_next(Fault::answer(500).header("x-why", "test").body("broken").times(2));
/// sim.fail_next(Fault::unavailable().late(Duration::from_millis(30)).on_path("/image"));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// [`Sim::fail_next`]: super::Sim::fail_next
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    plan: Plan,
    method: Option<String>,
    path_prefix: String,
    after: u32,
    times: u32,
}

impl Fault {
    fn of(plan: Plan) -> Fault {
        Fault { plan, method: None, path_prefix: String::new(), after: 0, times: 1 }
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

    /// Lets this much time pass before anything is sent, or the connection ended. The request is
    /// handled before, by faults that handle it.
    #[must_use]
    pub fn late(mut self, by: Duration) -> Fault {
        self.plan.late = by;
        self
    }

    /// Adds a header to an answer that the fault makes itself, as [`answer`](Fault::answer) does;
    /// other faults have none.
    ///
    /// # Panics
    /// If HTTP does not allow the name or the value.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Fault {
        let name = HeaderName::try_from(name).expect("a valid header name");
        let value = HeaderValue::try_from(value).expect("a valid header value");
        if let Answer::Own { headers, .. } = &mut self.plan.answer {
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
        if let Answer::Own { .. } = self.plan.answer {
            self.plan.reaches = Reaches::Service;
        }
        self
    }

    /// Sets the body of an answer that the fault makes itself; other faults have none.
    #[must_use]
    pub fn body(mut self, content: impl Into<Bytes>) -> Fault {
        if let Answer::Own { body, .. } = &mut self.plan.answer {
            *body = content.into();
        }
        self
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
    pub(super) fn take(&mut self, method: &Method, path: &str) -> Option<Plan> {
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
        let plan = fault.plan.clone();
        if fault.times != u32::MAX {
            fault.times -= 1;
            if fault.times == 0 {
                self.0.remove(hit?);
            }
        }
        Some(plan)
    }
}
