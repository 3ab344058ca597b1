//! What all handles of one driver share.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;

use super::Session;
use super::clock::Moment;
use super::desk::{Issued, Seat, Served};
use super::pace::Pace;
use super::pool::Pool;
use super::retry::Budget;
use super::route::{Route, Routes};
use super::stats::Stats;
use super::token::{Login, Snapshot, TokenStore};
use super::trace;
use crate::call::{Auth, Endpoint, Grant, Trust};
use crate::error::{Error, ErrorKind, Result};
use crate::op::Options;
use crate::settings::Settings;
use crate::wire::dial::Dialer;
use crate::wire::{self, Origin};

pub(crate) struct Core {
    pub(super) provider: &'static str,
    pub(super) auth: Arc<dyn Auth>,
    pub(super) settings: Settings,
    pub(super) tokens: Arc<TokenStore>,
    pub(super) login: Arc<Login>,
    pub(super) budget: Budget,
    pub(super) retries: AtomicU64,
    pub(super) replays: AtomicU64,
    /// Where it shares its logins, if it does.
    seat: Option<Seat>,
    dialer: Arc<Dialer>,
    /// Asked when a token comes in, not per request.
    pools: Mutex<HashMap<Origin, Arc<Pool>>>,
    /// Of each service in each region, for longer than any token. Asked when a token comes in.
    paces: Mutex<HashMap<(String, Option<String>), Arc<Pace>>>,
}

impl Core {
    pub(super) fn new(
        provider: &'static str,
        auth: Arc<dyn Auth>,
        trust: &Trust,
        settings: Settings,
    ) -> Result<Arc<Self>> {
        let dialer = Arc::new(Dialer::new(trust, &settings)?);
        let seat = Seat::take(provider, &*auth, trust, &settings);
        Ok(Arc::new_cyclic(|core: &Weak<Self>| {
            let core = core.clone();
            let login = move |generation| {
                let outcome = Self::fetch(&core, generation);
                trace::login(provider, &outcome);
                outcome
            };
            Self {
                provider,
                auth,
                settings,
                tokens: Arc::new(TokenStore::new()),
                login: Arc::new(login),
                budget: Budget::new(),
                retries: AtomicU64::new(0),
                replays: AtomicU64::new(0),
                seat,
                dialer,
                pools: Mutex::default(),
                paces: Mutex::default(),
            }
        }))
    }

    /// Fetches a token of that generation or a later one: by a login, or from the desk.
    fn fetch(core: &Weak<Self>, generation: u64) -> Result<Snapshot> {
        let alive = || {
            let gone = || Error::new(ErrorKind::Canceled, "the driver was dropped");
            core.upgrade().ok_or_else(gone)
        };
        let this = alive()?;
        let Some(seat) = &this.seat else {
            let issued = wire::block_on(this.log_in(generation, this.settings.timeout))?;
            return this.snapshot(&issued);
        };
        let (provider, visit) = (this.provider, seat.visit(generation, this.tokens.refused()));
        // Whoever waits for another driver does not keep this one alive.
        drop(this);
        let served = visit.wait(|| core.strong_count() == 0);
        let turn = match served.map_err(|e| e.during(provider, "login"))? {
            Served::Turn(turn) => turn,
            Served::Issued(issued) => {
                let mut snapshot = alive()?.snapshot(&issued)?;
                snapshot.shared = true;
                return Ok(snapshot);
            }
        };
        let this = alive()?;
        let login = wire::block_on(this.log_in(turn.number, turn.limit()));
        // A catalog that cannot be used is a failure, too: left at the desk, it would stay.
        match login.and_then(|issued| Ok((this.snapshot(&issued)?, issued))) {
            Ok((snapshot, issued)) => {
                turn.end(Ok(issued));
                Ok(snapshot)
            }
            Err(error) => {
                turn.end(Err(error.clone()));
                Err(error)
            }
        }
    }

    async fn log_in(self: &Arc<Self>, number: u64, limit: Duration) -> Result<Issued> {
        let session = Session { core: Arc::clone(self), region: None };
        let options = Options { timeout: Some(limit), ..Options::default() };
        let began = Moment::now();
        let mut step = Some(self.auth.login());
        let grant = session.run("login", &mut step, &options).await?;
        if grant.lifetime.is_zero() {
            return Err(Error::protocol("the token that the login gave has no time to live"));
        }
        // Counted from before the login, a token never looks younger than it is; but a login that
        // took most of a short life would leave nothing.
        let slow = began.plus(grant.lifetime / 2);
        let began = if Moment::now().reached(slow) { Moment::now() } else { began };
        Ok(Issued { number, began, grant })
    }

    fn snapshot(&self, issued: &Issued) -> Result<Snapshot> {
        let Issued { number, began, grant: Grant { token, lifetime, endpoints } } = issued;
        let only_tls = self.auth.keeps_to_tls();
        let routes = Routes::new(endpoints.clone(), only_tls, |e| self.route(e))?;
        Ok(Snapshot::new(token.clone(), *number, *began, *lifetime, routes))
    }

    pub(super) fn route(&self, endpoint: Endpoint) -> Result<Route> {
        let pace = self.pace(&endpoint);
        Route::new(endpoint, pace, |origin| {
            let mut pools = self.pools.lock();
            let pool = pools.entry(origin.clone()).or_insert_with(|| {
                Arc::new(Pool::new(origin, Arc::clone(&self.dialer), &self.settings))
            });
            Arc::clone(pool)
        })
    }

    fn pace(&self, endpoint: &Endpoint) -> Arc<Pace> {
        let scope = (endpoint.service.clone(), endpoint.region.clone());
        let mut paces = self.paces.lock();
        Arc::clone(paces.entry(scope).or_insert_with(|| Arc::new(Pace::new())))
    }

    pub(super) fn stats(&self) -> Stats {
        let [logins, logins_shared, logins_failed] = self.tokens.logins();
        let mut stats = Stats {
            logins,
            logins_shared,
            logins_failed,
            retries: self.retries.load(Ordering::Relaxed),
            replays: self.replays.load(Ordering::Relaxed),
            ..Stats::default()
        };
        self.pools.lock().values().for_each(|pool| stats.add(pool.counts()));
        for pace in self.paces.lock().values() {
            let (slowed_down, held_back) = pace.counts();
            stats.slowed_down += slowed_down;
            stats.held_back += held_back;
        }
        stats
    }

    pub(super) fn close_idle(&self) {
        let pools: Vec<_> = self.pools.lock().values().cloned().collect();
        pools.iter().for_each(|pool| pool.close_idle());
    }
}
