//! A place in the queue for a connection.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use super::exhausted::Exhausted;
use super::rack::{Given, Refused, Waiter};
use super::{Dial, Pool, lane};
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::wire::connection::Connection;
use crate::wire::{alarm, home, park};

/// A place in the queue; dropped, it is given up.
pub(super) struct Place<'a> {
    pool: &'a Arc<Pool>,
    waiter: Arc<Waiter<Box<Connection>, Dial>>,
    /// It may open a connection, and maybe has begun to.
    permit: Option<Dial>,
}

impl<'a> Place<'a> {
    pub(super) fn join(pool: &'a Arc<Pool>, now: Instant) -> Result<Self> {
        match pool.rack.join(now) {
            Ok(waiter) => Ok(Self { pool, waiter, permit: None }),
            Err(Refused::Full) => Err(pool.exhausted(Duration::ZERO, "the queue for one is full")),
            Err(Refused::Broken(error)) => Err(error),
        }
    }

    /// Waits for what comes first: a connection that is handed over, or one that is opened here.
    pub(super) async fn wait(
        mut self,
        deadline: Instant,
        began: Instant,
    ) -> Result<Box<Connection>> {
        let pool = self.pool;
        let connection = poll_fn(|cx| self.poll(cx, deadline));
        if let Some(connection) = alarm::timeout_at(deadline, pool.own_reactor, connection).await {
            return connection;
        }
        Err(match self.permit {
            Some(_) => pool.dialer.too_slow(&pool.origin),
            None => pool.exhausted(began.elapsed(), "none became free in time"),
        })
    }

    fn poll(&mut self, cx: &mut Context<'_>, deadline: Instant) -> Poll<Result<Box<Connection>>> {
        let Self { pool, waiter, permit } = self;
        loop {
            match waiter.poll(cx.waker()) {
                Poll::Ready(Given::Thing(connection)) => return Poll::Ready(Ok(connection)),
                Poll::Ready(Given::Failed(error)) => return Poll::Ready(Err(error)),
                Poll::Ready(Given::Permit(begun)) => {
                    *permit = Some(begun.unwrap_or_else(|| pool.dial()));
                }
                Poll::Pending => {}
            }
            let Some(dial) = permit else { return Poll::Pending };
            // A thread that blocks in it hears of nothing else: now and then it has to look up.
            let until = deadline.min(Instant::now() + LOOK_UP);
            let Poll::Ready(dialed) = park::bounded(until, || dial.future.as_mut().poll(cx)) else {
                return Poll::Pending;
            };
            let adopted = dial.adopted;
            *permit = None;
            let now = Instant::now();
            match dialed {
                // It goes to whoever waits longest.
                Ok(connection) => {
                    let home = connection.home();
                    pool.rack.made(waiter.ticket(), lane(), connection, home, now);
                }
                Err(error) => {
                    pool.rack.failed(waiter.ticket(), &error, now);
                    // What others began says nothing about our own luck.
                    if !adopted {
                        return Poll::Ready(Err(error));
                    }
                }
            }
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let Self { pool, waiter, permit } = self;
        let permit = permit.take().map(|dial| Some(Dial { adopted: true, ..dial }));
        let lay = |connection: Box<Connection>| {
            let home = connection.home();
            pool.rack.put(lane(), connection, home);
        };
        pool.rack.leave(waiter, permit, Instant::now(), lay);
    }
}

impl Pool {
    pub(super) fn dial(self: &Arc<Self>) -> Dial {
        let (dialer, origin) = (Arc::clone(&self.dialer), self.origin.clone());
        let ends = Instant::now() + dialer.connect_timeout();
        #[cfg(test)]
        if self.shared.is_some() {
            return Dial { future: Box::pin(Arc::clone(self).twin()), ends, adopted: false };
        }
        let epoch = self.epoch.clone();
        let future = Box::pin(async move {
            let mut connection = Box::new(dialer.dial(&origin).await?);
            connection.leads_to(epoch.now());
            Ok(connection)
        });
        Dial { future, ends, adopted: false }
    }

    /// Makes another connection over the mutant's one socket.
    #[cfg(test)]
    async fn twin(self: Arc<Self>) -> Result<Box<Connection>> {
        let shared = self.shared.as_ref().expect("only the mutant asks for it");
        let first = shared.lock().take();
        let first = match first {
            Some(first) => first,
            None => Box::new(self.dialer.dial(&self.origin).await?),
        };
        let twin = first.twin().await;
        *shared.lock() = Some(first);
        Ok(Box::new(twin))
    }

    fn exhausted(&self, waited: Duration, why: &str) -> Error {
        let counts = self.counts();
        let exhausted = Exhausted {
            open: counts.open,
            idle: counts.idle,
            dialing: counts.dialing,
            waiting: counts.waiting,
            waited,
        };
        let advice = match park::in_wait() && home::is_inside_runtime() {
            true => "this wait() blocks a runtime's thread: .await there instead",
            false => "allow more connections_per_host, or more time",
        };
        let text = format!(
            "no connection to {}, {why}: {} of {} open, {} idle, {} waiting; {advice}",
            self.origin, counts.open, self.cap, counts.idle, counts.waiting
        );
        Error::new(ErrorKind::Timeout(Phase::Acquire), text).with_source(exhausted)
    }
}

/// How long a thread that dials may be deaf.
const LOOK_UP: Duration = Duration::from_millis(20);
