//! What follows from what an attempt came to.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http::StatusCode;

use super::clock::Moment;
use super::core::Core;
use super::pace::{Pass, Word};
use super::send::Outgoing;
use super::token::Snapshot;
use crate::call::headers::retry_after;
use crate::call::{Replay, Request, Response};
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::wire::connection::Broken;

/// What one attempt came to.
pub(super) enum Outcome {
    Answer(Response, Sent),
    /// There is no token, or no way to the service.
    NotAllowed(Error),
    /// There is no turn, or no connection, so nothing was sent.
    NotSent(Error),
    Broken(Broken),
}

/// What an attempt goes out with; a login has none of it.
#[derive(Default)]
pub(super) struct Sent {
    pub(super) snapshot: Option<Arc<Snapshot>>,
    /// Needed only while the cloud asks for fewer requests.
    pub(super) pass: Option<Pass>,
}

/// What is known of a request from its attempts so far.
#[derive(Default)]
pub(super) struct Tries {
    pub(super) failed: u32,
    /// How often its token was refused.
    refused: u32,
    /// Only a new connection will do.
    pub(super) fresh: bool,
    /// An earlier attempt may have done the work.
    resent: bool,
}

/// What follows from an attempt.
pub(super) enum Verdict {
    /// Try again at once: this was not the request's fault.
    Again,
    Final(Result<Response>),
    /// Try again after a pause, if there is time; else this is the end.
    Passing(Pause, Result<Response>),
}

/// What is between two attempts.
#[derive(Default)]
pub(super) struct Pause {
    /// The time that the cloud asked for.
    pub(super) asked: Duration,
    /// The pace of the service lets no more of them through than the cloud bears: no storm, and
    /// nothing to pay.
    pub(super) is_paced: bool,
}

impl Tries {
    pub(super) fn judge(
        &mut self,
        outcome: Outcome,
        outgoing: &Outgoing<'_>,
        core: &Core,
    ) -> Verdict {
        let request = outgoing.request;
        let safe = request.replay != Replay::Never;
        // Not a word about what it did: only that it cannot go out again.
        let spent = request.body.is_spent();
        match outcome {
            Outcome::Answer(answer, sent) => self.judge_answer(answer, sent, outgoing, core),
            // Logins have their own attempts.
            Outcome::NotAllowed(error) => Verdict::Final(Err(error)),
            Outcome::NotSent(error) => match error.kind() {
                ErrorKind::Connection | ErrorKind::Timeout(Phase::Connect) => self.failed(error),
                _ => Verdict::Final(Err(error)),
            },
            Outcome::Broken(Broken::Local(error)) => Verdict::Final(Err(error)),
            Outcome::Broken(Broken::Unsent(_)) if !self.fresh => {
                self.fresh = true;
                Verdict::Again
            }
            Outcome::Broken(Broken::Unsent(error)) => self.failed(error),
            Outcome::Broken(Broken::Stale(_)) if safe && !spent && !self.fresh => {
                core.replays.fetch_add(1, Ordering::Relaxed);
                (self.fresh, self.resent) = (true, true);
                Verdict::Again
            }
            Outcome::Broken(Broken::Stale(error) | Broken::Lost(error)) => {
                if !safe && !error.is_lasting() {
                    return Verdict::Final(Err(ambiguous(error)));
                }
                if spent {
                    return Verdict::Final(Err(error));
                }
                self.resent = true;
                self.failed(error)
            }
        }
    }

    fn judge_answer(
        &mut self,
        mut answer: Response,
        Sent { snapshot, pass }: Sent,
        outgoing: &Outgoing<'_>,
        core: &Core,
    ) -> Verdict {
        let request = outgoing.request;
        let (safe, spent) = (request.replay != Replay::Never, request.body.is_spent());
        let status = answer.status;
        answer.resent = self.resent;
        if let Some(snapshot) = &snapshot {
            if !status.is_success() {
                // What a cloud says when it refuses us ends in messages and logs.
                answer.hide(&snapshot.token);
            }
            if status == StatusCode::UNAUTHORIZED {
                self.refused += 1;
                // Twice refused is refused, unless others did well with the same token.
                let most = if snapshot.was_accepted() { 4 } else { 2 };
                let now = Moment::now();
                let rejected = !snapshot.is_forever()
                    && self.refused < most
                    && core.tokens.reject(snapshot.generation, now);
                if rejected && !spent {
                    return Verdict::Again;
                }
            } else {
                snapshot.note_accepted();
            }
        }
        let refusal = (!status.is_success()).then(|| core.auth.refusal(&answer));
        let asked = refusal.and_then(|_| retry_after(&answer.headers, Some(Moment::now().wall)));
        let word = Word::of(refusal, asked);
        let is_paced = matches!(word, Word::SlowDown(_)) && snapshot.is_some();
        match (pass, snapshot) {
            (Some(pass), _) => pass.hear(word),
            (None, Some(snapshot)) => core.hear(word, &snapshot, outgoing),
            (None, None) => {}
        }
        let undone = match refusal {
            Some(ErrorKind::RateLimited) => true,
            // It may stand between us and a deed.
            Some(ErrorKind::Unavailable) if safe => false,
            _ => {
                core.budget.earn();
                return Verdict::Final(Ok(answer));
            }
        };
        if spent {
            return Verdict::Final(Ok(answer));
        }
        self.resent |= !undone;
        self.failed += 1;
        Verdict::Passing(Pause { asked: asked.unwrap_or_default(), is_paced }, Ok(answer))
    }

    fn failed(&mut self, error: Error) -> Verdict {
        self.failed += 1;
        if error.is_lasting() {
            return Verdict::Final(Err(error));
        }
        Verdict::Passing(Pause::default(), Err(error))
    }

    /// Says of the last failure what it means after all the attempts.
    pub(super) fn settle(&self, came: Result<Response>, request: &Request) -> Result<Response> {
        match request.replay {
            Replay::Known if self.resent => came.map_err(ambiguous),
            Replay::Known | Replay::Never | Replay::Safe => came,
        }
    }
}

impl Core {
    /// Hears what the answer to a request without a pass says about the pace of its service.
    fn hear(&self, word: Word, snapshot: &Snapshot, outgoing: &Outgoing<'_>) {
        let Word::SlowDown(asked) = word else { return };
        let route = self
            .service(outgoing.request)
            .and_then(|service| snapshot.routes.find(service, outgoing.region, |e| self.route(e)));
        // It went that way: the way is known.
        if let Ok(route) = route {
            route.pace.slow_down(asked, || route.pool.in_use() + 1);
        }
    }
}

fn ambiguous(error: Error) -> Error {
    let text = "the request was sent and its answer was lost: it may have been carried out; \
                look before you repeat it";
    Error::new(ErrorKind::Ambiguous, text).with_source(error)
}
