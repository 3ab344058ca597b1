//! What the hazards share: a cloud without delays, the homes that calls come from, a relay.

use std::future::{Future, poll_fn};
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex};
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use welkin::sim::{Builder, Sim};
use welkin::{Cancel, Compute, Driver, ErrorKind, NewNode, Op, Result, Retry, Settings};

pub(crate) const GET_NODE: &str = "GET /compute/v2.1/servers/{id}";
pub(crate) const LOGIN: &str = "POST /identity/v3/auth/tokens";

pub(crate) fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// A cloud without delays.
pub(crate) fn fast() -> Builder {
    let no = Duration::ZERO;
    Sim::builder().login_delay(no).read_delay(no).create_delay(no).boot_time(no)
}

/// Settings that repeat without long pauses.
pub(crate) fn quick() -> Settings {
    Settings::new().retry(Retry::attempts(3).pauses(ms(1), ms(2)))
}

pub(crate) fn open(sim: &Sim, settings: Settings) -> (Driver, Compute) {
    let driver = Driver::open_with(sim.config(), settings).unwrap();
    let compute = driver.compute().unwrap();
    (driver, compute)
}

pub(crate) fn order(compute: &Compute, name: &str) -> NewNode {
    NewNode::named(name).size("1").image(compute.find_image("tiny").wait().unwrap())
}

/// Creates so many nodes and returns their ids.
pub(crate) fn nodes(compute: &Compute, count: usize) -> Arc<[String]> {
    let image = compute.find_image("tiny").wait().unwrap();
    let order = |i| NewNode::named(format!("n{i}")).size("1").image(&image);
    (0..count).map(|i| compute.create_node(&order(i)).wait().unwrap().id).collect()
}

/// How often the server saw a request; see [`welkin::sim::Stats::by_path`].
pub(crate) fn seen(sim: &Sim, request: &str) -> u64 {
    sim.stats().by_path.get(request).copied().unwrap_or_default()
}

/// Waits until it holds, and fails if it never does.
pub(crate) fn until(mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(20), "it never came true");
        thread::sleep(ms(1));
    }
}

/// Ends those who go on as long as it is not set, whatever becomes of its owner.
pub(crate) struct SetWhenDropped<'a>(pub(crate) &'a AtomicBool);

impl Drop for SetWhenDropped<'_> {
    fn drop(&mut self) {
        self.0.store(true, SeqCst);
    }
}

/// Nobody holds or waits for anything, the driver still works, and can let go of all it has.
pub(crate) fn assert_sound(sim: &Sim, driver: &Driver) {
    let at_rest = || {
        let own = driver.stats();
        (own.waiting, own.connections_open) == (0, own.connections_idle)
    };
    sim.clear_faults();
    let compute = driver.compute().unwrap();
    // What was given up may be looked after by the calls that come next.
    until(|| {
        compute.list_sizes().wait().unwrap();
        at_rest()
    });
    driver.close_idle();
    assert_eq!(driver.stats().connections_open, 0);
    until(|| sim.stats().open_connections == 0);
}

/// Where calls come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Home {
    Threads,
    CurrentThread,
    MultiThread,
    Smol,
}

impl Home {
    pub(crate) const ALL: [Home; 4] =
        [Home::Threads, Home::CurrentThread, Home::MultiThread, Home::Smol];

    /// Carries out one operation.
    pub(crate) fn run<T: Send + 'static>(self, op: Op<T>) -> Result<T> {
        match self {
            Home::Threads => op.wait(),
            Home::CurrentThread => current_thread().block_on(op),
            Home::MultiThread => {
                let runtime = multi_thread();
                runtime.block_on(runtime.spawn(op)).unwrap()
            }
            Home::Smol => smol::block_on(smol::spawn(op)),
        }
    }

    /// Runs callers at the same time, each with one operation after the other as long as there are
    /// more for it: `next` gets the number of the caller and of its operation.
    pub(crate) fn crowd<T: Send + 'static>(
        self,
        callers: usize,
        next: impl Fn(usize, usize) -> Option<Op<T>> + Send + Sync + 'static,
    ) -> Vec<Vec<Result<T>>> {
        let next = Arc::new(next);
        let caller = |i| {
            let next = Arc::clone(&next);
            async move {
                let mut results = Vec::new();
                while let Some(op) = next(i, results.len()) {
                    results.push(op.await);
                }
                results
            }
        };
        match self {
            Home::Threads => thread::scope(|s| {
                let callers: Vec<_> = (0..callers)
                    .map(|i| {
                        let next = &next;
                        s.spawn(move || {
                            (0..).map_while(|n| next(i, n)).map(Op::wait).collect::<Vec<_>>()
                        })
                    })
                    .collect();
                callers.into_iter().map(|caller| caller.join().unwrap()).collect()
            }),
            Home::CurrentThread | Home::MultiThread => {
                let runtime =
                    if self == Home::CurrentThread { current_thread() } else { multi_thread() };
                let tasks: Vec<_> = (0..callers).map(|i| runtime.spawn(caller(i))).collect();
                runtime.block_on(async {
                    let mut all = Vec::new();
                    for task in tasks {
                        all.push(task.await.unwrap());
                    }
                    all
                })
            }
            Home::Smol => {
                let tasks: Vec<_> = (0..callers).map(|i| smol::spawn(caller(i))).collect();
                tasks.into_iter().map(smol::block_on).collect()
            }
        }
    }

    /// Begins an operation and gives it up as soon as something has happened: dropped in tasks,
    /// cancelled on threads. Returns its result if that came before.
    pub(crate) fn give_up<T: Send + 'static>(
        self,
        op: Op<T>,
        happened: impl FnMut() -> bool + Send,
    ) -> Option<Result<T>> {
        let cancel = Cancel::new();
        let (tell, told) = oneshot::channel();
        thread::scope(|s| {
            let canceller = cancel.clone();
            s.spawn(move || {
                until(happened);
                canceller.cancel();
                // Whoever has the result already does not listen.
                let _ = tell.send(());
            });
            match self {
                Home::Threads => {
                    let result = op.cancel_on(&cancel).wait();
                    let is_canceled =
                        result.as_ref().is_err_and(|e| e.kind() == ErrorKind::Canceled);
                    if is_canceled { None } else { Some(result) }
                }
                Home::CurrentThread => current_thread().block_on(unless(op, told)),
                Home::MultiThread => {
                    let runtime = multi_thread();
                    runtime.block_on(runtime.spawn(unless(op, told))).unwrap()
                }
                Home::Smol => smol::block_on(smol::spawn(unless(op, told))),
            }
        })
    }
}

pub(crate) fn current_thread() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

pub(crate) fn multi_thread() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().unwrap()
}

async fn unless<T: Send + 'static>(op: Op<T>, told: oneshot::Receiver<()>) -> Option<Result<T>> {
    let (mut op, mut told) = (op, pin!(told));
    poll_fn(|cx| {
        if let Poll::Ready(result) = pin!(&mut op).poll(cx) {
            return Poll::Ready(Some(result));
        }
        told.as_mut().poll(cx).map(|_| None)
    })
    .await
}

/// Passes bytes between clients and a server, and can keep the server's back or slow them down.
pub(crate) struct Relay {
    address: SocketAddr,
    line: Arc<Line>,
}

#[derive(Default)]
struct Line {
    server: Mutex<Option<SocketAddr>>,
    connections: AtomicUsize,
    held: Mutex<bool>,
    changed: Condvar,
    /// So many bytes at a time, a millisecond apart; 0 is no limit.
    pieces: AtomicUsize,
    stopped: AtomicBool,
}

impl Relay {
    pub(crate) fn new() -> Relay {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, line) = (listener.local_addr().unwrap(), Arc::<Line>::default());
        let own = Arc::clone(&line);
        thread::spawn(move || {
            for client in listener.incoming().map_while(std::io::Result::ok) {
                if own.stopped.load(SeqCst) {
                    return;
                }
                own.connections.fetch_add(1, SeqCst);
                let server = own.server.lock().unwrap().expect("a server was named");
                let server = TcpStream::connect(server).unwrap();
                let back = (server.try_clone().unwrap(), client.try_clone().unwrap());
                let line = Arc::clone(&own);
                thread::spawn(move || line.pass(back.0, back.1));
                thread::spawn(move || copy(client, server, |_| {}));
            }
        });
        Relay { address, line }
    }

    pub(crate) fn lead_to(&self, server: SocketAddr) {
        *self.line.server.lock().unwrap() = Some(server);
    }

    /// A cloud behind this, that is to be reached through it.
    pub(crate) fn before_tls(&self) -> Sim {
        let sim = fast().tls(true).public_url(format!("https://{}", self.address)).start().unwrap();
        self.lead_to(sim.addr());
        sim
    }

    pub(crate) fn connections(&self) -> usize {
        self.line.connections.load(SeqCst)
    }

    /// Whether what comes from the server stays here for now.
    pub(crate) fn hold(&self, on: bool) {
        *self.line.held.lock().unwrap() = on;
        self.line.changed.notify_all();
    }

    /// Lets so many bytes through each millisecond.
    pub(crate) fn dribble(&self, bytes: usize) {
        self.line.pieces.store(bytes, SeqCst);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.hold(false);
        self.line.stopped.store(true, SeqCst);
        let _ = TcpStream::connect(self.address);
    }
}

impl Line {
    fn pass(&self, server: TcpStream, client: TcpStream) {
        client.set_nodelay(true).unwrap();
        copy(server, client, |first| {
            let held = self.held.lock().unwrap();
            drop(self.changed.wait_while(held, |held| *held).unwrap());
            match self.pieces.load(SeqCst) {
                0 => {}
                most => {
                    *first = most.min(*first);
                    thread::sleep(ms(1));
                }
            }
        });
    }
}

/// Copies to the end; `before` each piece, it may be made shorter.
fn copy(mut from: TcpStream, mut to: TcpStream, mut before: impl FnMut(&mut usize)) {
    let mut space = [0; 16 << 10];
    while let Ok(n @ 1..) = from.read(&mut space) {
        let mut bytes = &space[..n];
        while !bytes.is_empty() {
            let mut first = bytes.len();
            before(&mut first);
            let (piece, rest) = bytes.split_at(first);
            if to.write_all(piece).is_err() {
                let _ = from.shutdown(Shutdown::Both);
                return;
            }
            bytes = rest;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

/// Creates a node from a home, and sees that there is at most one of it whatever came of it, and
/// exactly one if it went well.
pub(crate) fn create_once(home: Home, sim: &Sim, compute: &Compute, order: &NewNode, name: &str) {
    // Time for a look or two after a lost answer; how long it is looked for is another test's matter.
    let created = home.run(compute.create_node(order).timeout(ms(700)));
    let there = sim.servers().iter().filter(|server| server.name == name).count();
    match created {
        Ok(_) => assert_eq!(there, 1, "{home:?}: {name}"),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Ambiguous, "{home:?}: {error:?}");
            assert!(there <= 1, "{home:?}: {name} is there {there} times");
        }
    }
    assert_eq!(sim.stats().duplicates, 0, "{home:?}");
}
