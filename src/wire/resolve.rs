//! Names to addresses, by the system's own resolver.

use std::collections::HashMap;
use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// The hosts that a driver connects to, and where they are.
pub(super) struct Names {
    /// Looks a name up, in the order of preference; it may block. The port is nobody's.
    ask: Arc<dyn Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync>,
    fresh_for: Duration,
    hosts: Mutex<HashMap<String, Arc<Host>>>,
}

/// One host.
pub(super) struct Host {
    name: String,
    state: Mutex<State>,
    epoch: Epoch,
}

#[derive(Default)]
struct State {
    answer: Option<Answer>,
    /// How many look-ups have begun; their numbers.
    asked: u64,
    /// When the last of them began, if it is not over.
    asking: Option<Instant>,
    failed: Option<Failed>,
    waiting: Vec<Waker>,
}

struct Answer {
    look_up: u64,
    addresses: Vec<SocketAddr>,
    since: Instant,
    /// Nobody was there.
    doubted: bool,
}

struct Failed {
    look_up: u64,
    kind: io::ErrorKind,
    text: String,
}

/// Counts how often a host was found to have moved: none of its addresses was among the old ones.
///
/// A connection that was opened in an older epoch leads to where the host was. A name whose answers
/// only turn, or lose some of many, has not moved.
#[derive(Clone, Debug, Default)]
pub(crate) struct Epoch(Arc<AtomicU32>);

impl Epoch {
    /// Costs one load.
    pub(crate) fn now(&self) -> u32 {
        self.0.load(Relaxed)
    }

    #[cfg(test)]
    pub(super) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Names {
    pub(super) fn new() -> Self {
        Self::asking(|name| Ok((name, 0).to_socket_addrs()?.collect()), FRESH_FOR)
    }

    fn asking(
        ask: impl Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static,
        fresh_for: Duration,
    ) -> Self {
        Self { ask: Arc::new(ask), fresh_for, hosts: Mutex::default() }
    }

    pub(super) fn host(&self, name: &str) -> Arc<Host> {
        let mut hosts = self.hosts.lock();
        if let Some(host) = hosts.get(name) {
            return Arc::clone(host);
        }
        let (state, epoch) = (Mutex::default(), Epoch::default());
        let host = Arc::new(Host { name: name.to_owned(), state, epoch });
        hosts.insert(name.to_owned(), Arc::clone(&host));
        host
    }

    /// Returns where a host can be reached, in the system's order of preference. An answer is used
    /// for 30 seconds, or until nobody was there; those who want it at once wait for the same one.
    ///
    /// # Cancellation
    /// The question belongs to its thread, so dropping this does nothing to it, and leaving it half
    /// way keeps nobody waiting.
    pub(super) async fn addresses(
        &self,
        host: &Arc<Host>,
        port: u16,
    ) -> io::Result<Vec<SocketAddr>> {
        if let Ok(ip) = host.name.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(ip, port)]);
        }
        let mut joined = None;
        let mut addresses = poll_fn(|cx| self.poll(host, &mut joined, cx)).await?;
        addresses.iter_mut().for_each(|address| address.set_port(port));
        Ok(addresses)
    }

    fn poll(
        &self,
        host: &Arc<Host>,
        joined: &mut Option<u64>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<Vec<SocketAddr>>> {
        let mut state = host.state.lock();
        // That of the look-up which was waited for is as fresh as can be.
        let ours = |a: &Answer| joined.is_some_and(|joined| a.look_up >= joined);
        let fresh = |a: &Answer| !a.doubted && a.since.elapsed() < self.fresh_for;
        if let Some(answer) = state.answer.as_ref().filter(|a| ours(a) || fresh(a)) {
            return Poll::Ready(Ok(answer.addresses.clone()));
        }
        if let (Some(failed), Some(joined)) = (&state.failed, *joined)
            && failed.look_up >= joined
        {
            return Poll::Ready(Err(io::Error::new(failed.kind, failed.text.clone())));
        }
        // One that takes for ever must not stand in the way of those who come later.
        if joined.is_none() && state.asking.is_none_or(|since| since.elapsed() >= PATIENCE) {
            state.asked += 1;
            state.asking = Some(Instant::now());
            self.start(host, state.asked)?;
        }
        joined.get_or_insert(state.asked);
        if !state.waiting.iter().any(|waker| waker.will_wake(cx.waker())) {
            state.waiting.push(cx.waker().clone());
        }
        Poll::Pending
    }

    /// The system's resolver blocks and knows no deadline: it gets a thread for each question.
    fn start(&self, host: &Arc<Host>, look_up: u64) -> io::Result<()> {
        let (host, ask) = (Arc::clone(host), Arc::clone(&self.ask));
        let asking = move || {
            let found = match ask(&host.name) {
                Ok(found) if found.is_empty() => {
                    Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address"))
                }
                found => found,
            };
            host.land(look_up, found);
        };
        thread::Builder::new().name("welkin-resolve".into()).spawn(asking).map(drop)
    }
}

impl Host {
    fn land(&self, look_up: u64, found: io::Result<Vec<SocketAddr>>) {
        let mut state = self.state.lock();
        let newer = state.answer.as_ref().is_some_and(|answer| answer.look_up > look_up);
        match found {
            // It took so long that somebody has asked again.
            Ok(_) if newer => {}
            Ok(addresses) => {
                if state.answer.as_ref().is_some_and(|old| old.is_apart_from(&addresses)) {
                    self.epoch.0.fetch_add(1, Relaxed);
                }
                let since = Instant::now();
                state.answer = Some(Answer { look_up, addresses, since, doubted: false });
            }
            Err(e) => {
                state.failed = Some(Failed { look_up, kind: e.kind(), text: e.to_string() });
            }
        }
        if look_up == state.asked {
            state.asking = None;
        }
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Notes that nobody was there, so that the next one asks again.
    pub(super) fn doubt(&self) {
        if let Some(answer) = &mut self.state.lock().answer {
            answer.doubted = true;
        }
    }

    pub(super) fn epoch(&self) -> Epoch {
        self.epoch.clone()
    }
}

impl Answer {
    fn is_apart_from(&self, addresses: &[SocketAddr]) -> bool {
        !self.addresses.iter().any(|address| addresses.contains(address))
    }
}

/// A look-up that takes longer is not waited for by those who come later.
const PATIENCE: Duration = Duration::from_secs(5);
const FRESH_FOR: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    use super::*;
    use crate::wire::block_on;

    fn addresses(last: &[u8]) -> Vec<SocketAddr> {
        last.iter().map(|n| SocketAddr::from(([127, 0, 0, *n], 0))).collect()
    }

    /// Gives one answer after the other, and counts the questions.
    fn names(answers: &'static [&'static [u8]], fresh_for: Duration) -> (Names, Arc<AtomicUsize>) {
        let asked = Arc::<AtomicUsize>::default();
        let count = Arc::clone(&asked);
        let ask = move |_: &str| Ok(addresses(answers[count.fetch_add(1, SeqCst)]));
        (Names::asking(ask, fresh_for), asked)
    }

    #[test]
    fn an_answer_serves_until_it_is_old_or_nobody_was_there() {
        let (names, asked) = names(&[&[1], &[2], &[3]], Duration::from_secs(3600));
        let host = names.host("h.example");
        let found = |port| block_on(names.addresses(&names.host("h.example"), port)).unwrap();
        assert_eq!(found(80), [SocketAddr::from(([127, 0, 0, 1], 80))]);
        assert_eq!(found(81), [SocketAddr::from(([127, 0, 0, 1], 81))]);
        assert_eq!(asked.load(SeqCst), 1);
        host.doubt();
        assert_eq!(found(80), [SocketAddr::from(([127, 0, 0, 2], 80))]);
        assert_eq!(found(80), [SocketAddr::from(([127, 0, 0, 2], 80))]);
        assert_eq!(asked.load(SeqCst), 2);
    }

    #[test]
    fn a_host_has_moved_when_none_of_its_addresses_is_left() {
        let answers: &[&[u8]] = &[&[1, 2], &[2, 1], &[2], &[2, 3], &[4, 5], &[5]];
        let (names, asked) = names(answers, Duration::ZERO);
        let host = names.host("h.example");
        let epoch = host.epoch();
        let seen: Vec<_> = answers
            .iter()
            .map(|_| {
                block_on(names.addresses(&host, 80)).unwrap();
                epoch.now()
            })
            .collect();
        assert_eq!(seen, [0, 0, 0, 0, 1, 1]);
        assert_eq!(asked.load(SeqCst), answers.len(), "none of them stays fresh");
    }

    #[test]
    fn those_who_come_at_once_ask_once() {
        let asked = Arc::<AtomicUsize>::default();
        let count = Arc::clone(&asked);
        let (arrive, arrived) = std::sync::mpsc::channel::<()>();
        let arrived = Mutex::new(arrived);
        let ask = move |_: &str| {
            count.fetch_add(1, SeqCst);
            // All eight are on their way to the same answer.
            (0..8).for_each(|_| arrived.lock().recv().unwrap());
            Ok(addresses(&[1]))
        };
        let names = Names::asking(ask, Duration::from_secs(3600));
        thread::scope(|s| {
            for _ in 0..8 {
                s.spawn(|| {
                    arrive.send(()).unwrap();
                    block_on(names.addresses(&names.host("h.example"), 80)).unwrap();
                });
            }
        });
        assert_eq!(asked.load(SeqCst), 1);
    }

    #[test]
    fn who_is_left_half_way_keeps_nobody_waiting() {
        let (say, said) = std::sync::mpsc::channel::<()>();
        let said = Mutex::new(said);
        let ask = move |_: &str| {
            said.lock().recv().unwrap();
            Ok(addresses(&[1]))
        };
        let names = Names::asking(ask, FRESH_FOR);
        let host = names.host("h.example");
        let mut left = Box::pin(names.addresses(&host, 80));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(left.as_mut().poll(&mut cx).is_pending());
        thread::scope(|s| {
            let other = s.spawn(|| block_on(names.addresses(&host, 80)).unwrap());
            say.send(()).unwrap();
            assert_eq!(other.join().unwrap().len(), 1);
        });
        assert!(left.as_mut().poll(&mut cx).is_ready());
    }

    #[test]
    fn an_address_is_its_own_answer() {
        let names = Names::asking(|name| panic!("nobody asks for {name}"), FRESH_FOR);
        for ip in ["127.0.0.1", "::1"] {
            let found = block_on(names.addresses(&names.host(ip), 80)).unwrap();
            assert_eq!(found, [SocketAddr::new(ip.parse().unwrap(), 80)]);
        }
    }

    #[test]
    fn a_name_without_an_address_is_an_error_and_asked_for_again() {
        let names = Names::asking(|_| Ok(Vec::new()), FRESH_FOR);
        for _ in 0..2 {
            let error = block_on(names.addresses(&names.host("h.example"), 80)).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::NotFound);
        }
    }
}
