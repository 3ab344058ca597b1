//! Names to addresses, by the system's own resolver.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::oneshot;

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
    /// Held while the question is asked: who comes meanwhile waits for the same answer.
    answer: tokio::sync::Mutex<Option<Answer>>,
    /// Nobody was there.
    doubted: AtomicBool,
    epoch: Epoch,
}

struct Answer {
    addresses: Vec<SocketAddr>,
    since: Instant,
}

/// Counts how often a host was found to have moved: none of its addresses was among the old ones.
///
/// A connection that was opened in an older epoch leads to where the host was. A name whose answers
/// only turn, or lose some of many, has not moved.
#[derive(Clone, Debug, Default)]
pub(crate) struct Epoch(Arc<AtomicU32>);

impl Epoch {
    /// Costs one load.
    #[cfg_attr(not(test), expect(dead_code, reason = "for the pool, which does not look yet"))]
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
        let host = Arc::new(Host {
            name: name.to_owned(),
            answer: tokio::sync::Mutex::default(),
            doubted: AtomicBool::new(false),
            epoch: Epoch::default(),
        });
        hosts.insert(name.to_owned(), Arc::clone(&host));
        host
    }

    /// Returns where a host can be reached, in the system's order of preference. An answer is used
    /// for 30 seconds, or until nobody was there.
    pub(super) async fn addresses(&self, host: &Host, port: u16) -> io::Result<Vec<SocketAddr>> {
        if let Ok(ip) = host.name.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(ip, port)]);
        }
        let mut answer = host.answer.lock().await;
        let doubted = host.doubted.swap(false, Relaxed);
        let fresh = |a: &Answer| !doubted && a.since.elapsed() < self.fresh_for;
        if !answer.as_ref().is_some_and(fresh) {
            let addresses = self.ask(&host.name).await.inspect_err(|_| {
                // What was in doubt still is.
                host.doubted.fetch_or(doubted, Relaxed);
            })?;
            if answer.as_ref().is_some_and(|old| old.is_apart_from(&addresses)) {
                host.epoch.0.fetch_add(1, Relaxed);
                tracing::debug!(host = host.name, "the host has moved to other addresses");
            }
            *answer = Some(Answer { addresses, since: Instant::now() });
        }
        let addresses = answer.iter().flat_map(|answer| &answer.addresses).copied();
        let with_port = |mut address: SocketAddr| {
            address.set_port(port);
            address
        };
        Ok(addresses.map(with_port).collect())
    }

    /// The system's resolver blocks and knows no deadline. It gets a thread for each question, which
    /// is left behind when the caller has no more time.
    async fn ask(&self, name: &str) -> io::Result<Vec<SocketAddr>> {
        let (say, said) = oneshot::channel();
        let (name, ask) = (name.to_owned(), Arc::clone(&self.ask));
        thread::Builder::new().name("welkin-resolve".into()).spawn(move || {
            // Nobody may be there to hear it any more.
            let _ = say.send(ask(&name));
        })?;
        let found = said.await.map_err(io::Error::other)??;
        if found.is_empty() {
            return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address"));
        }
        Ok(found)
    }
}

impl Host {
    /// Notes that nobody was there, so that the next one asks again.
    pub(super) fn doubt(&self) {
        self.doubted.store(true, Relaxed);
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
