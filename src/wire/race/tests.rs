use std::net::TcpListener;
use std::sync::mpsc;
use std::thread;

use socket2::{Domain, Protocol, Type};

use super::*;
use crate::wire::{block_on, park};

/// An address where connections neither come about nor fail: its queue is full.
struct Silent {
    address: SocketAddr,
    _open: Vec<socket2::Socket>,
}

impl Silent {
    fn new() -> Self {
        let new = || socket2::Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP)).unwrap();
        let listener = new();
        listener.bind(&SocketAddr::from(([127, 0, 0, 2], 0)).into()).unwrap();
        listener.listen(0).unwrap();
        let address = listener.local_addr().unwrap().as_socket().unwrap();
        let mut open = vec![listener];
        loop {
            let socket = new();
            match socket.connect_timeout(&address.into(), Duration::from_millis(100)) {
                Ok(()) => open.push(socket),
                Err(e) if e.kind() == io::ErrorKind::TimedOut => break,
                Err(e) => panic!("{e}"),
            }
        }
        Self { address, _open: open }
    }
}

fn closed() -> SocketAddr {
    TcpListener::bind("127.0.0.3:0").unwrap().local_addr().unwrap()
}

fn open() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

/// Connects in each home, one after the other.
fn in_every_home(
    addresses: &[SocketAddr],
    deadline: impl Fn() -> Instant,
    mut check: impl FnMut(&str, io::Result<Arc<Socket>>),
) {
    check("a waiting thread", block_on(connect(addresses, deadline(), false)));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    check("tokio", runtime.block_on(connect(addresses, deadline(), false)));
    check("our reactor", smol::block_on(connect(addresses, deadline(), false)));
}

#[test]
fn an_address_that_never_answers_costs_one_delay_in_every_home() {
    let (silent, (listener, address)) = (Silent::new(), open());
    let mut began = Instant::now();
    in_every_home(&[silent.address, address], soon, |home, socket| {
        socket.expect(home);
        let took = began.elapsed();
        assert!(took >= DELAY, "{home}: the first had its time");
        assert!(took < Duration::from_secs(20), "{home}: {took:?}");
        listener.accept().expect(home);
        began = Instant::now();
    });
}

#[test]
fn an_address_that_refuses_costs_no_delay_in_any_home() {
    let (listener, address) = open();
    let mut addresses = vec![closed(); 100];
    addresses.push(address);
    let mut began = Instant::now();
    in_every_home(&addresses, soon, |home, socket| {
        socket.expect(home);
        // A delay for each would be 25 seconds.
        assert!(began.elapsed() < Duration::from_secs(10), "{home}: {:?}", began.elapsed());
        listener.accept().expect(home);
        began = Instant::now();
    });
}

#[test]
fn a_failure_among_the_silent_starts_the_next_at_once() {
    let (silent, (_listener, address)) = (Silent::new(), open());
    let mut addresses = vec![silent.address];
    addresses.extend([closed(); 100]);
    addresses.push(address);
    let mut began = Instant::now();
    in_every_home(&addresses, soon, |home, socket| {
        socket.expect(home);
        assert!(began.elapsed() < Duration::from_secs(10), "{home}: {:?}", began.elapsed());
        began = Instant::now();
    });
}

#[test]
fn nobody_connects_to_the_second_address_when_the_first_is_there() {
    let ((first, one), (second, two)) = (open(), open());
    in_every_home(&[one, two], soon, |home, socket| {
        socket.expect(home);
        first.accept().expect(home);
        let none = second.accept().expect_err(home);
        assert_eq!(none.kind(), io::ErrorKind::WouldBlock, "{home}");
    });
}

#[test]
fn when_all_fail_the_error_names_one_and_when_none_answers_time_runs_out() {
    let refusing = [closed(), closed()];
    in_every_home(&refusing, soon, |home, socket| {
        let error = socket.map(drop).expect_err(home);
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused, "{home}");
        assert!(error.to_string().contains(&refusing[1].to_string()), "{home}: {error}");
    });
    let silent = [Silent::new(), Silent::new()].map(|silent| (silent.address, silent));
    let addresses = [silent[0].0, silent[1].0];
    // Before and after the second has begun.
    for patience in [50, 400].map(Duration::from_millis) {
        in_every_home(
            &addresses,
            || Instant::now() + patience,
            |home, socket| {
                let error = socket.map(drop).expect_err(home);
                assert_eq!(error.kind(), io::ErrorKind::TimedOut, "{home}: {error}");
            },
        );
    }
    in_every_home(&[], soon, |home, socket| {
        assert_eq!(socket.map(drop).expect_err(home).kind(), io::ErrorKind::NotFound, "{home}");
    });
}

#[test]
fn a_waiting_thread_is_interrupted_whichever_attempts_it_waits_for() {
    let silent = [Silent::new(), Silent::new()];
    let addresses = [silent[0].address, silent[1].address];
    for after in [0, 400].map(Duration::from_millis) {
        let (say, said) = mpsc::channel();
        let waiting = thread::spawn(move || {
            block_on(async move {
                say.send(park::with_parker(Arc::clone).unwrap()).unwrap();
                connect(&addresses, soon(), false).await.map(drop)
            })
        });
        let parker = said.recv().unwrap();
        thread::sleep(after);
        parker.interrupt();
        waiting.join().unwrap().expect_err("interrupted");
    }
}

#[test]
fn a_race_that_began_in_a_runtime_that_is_gone_ends_in_another() {
    let (silent, (listener, address)) = (Silent::new(), open());
    let addresses = [silent.address, address];
    let mut racing = Box::pin(connect(&addresses, soon(), false));
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let first = runtime();
    first.block_on(poll_fn(|cx| {
        assert!(racing.as_mut().poll(cx).is_pending());
        Poll::Ready(())
    }));
    drop(first);
    runtime().block_on(racing).expect("the second address");
    listener.accept().expect("the second address");
}

#[test]
fn families_take_turns_beginning_with_the_preferred_one() {
    let a = |n: u8| SocketAddr::from(([127, 0, 0, n], 1));
    let b = |n: u16| SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, n], 1));
    let mixed = interleaved(&[b(1), b(2), b(3), a(1)]);
    assert_eq!(mixed, [b(1), a(1), b(2), b(3)]);
    let mixed = interleaved(&[a(1), b(1), b(2), a(2)]);
    assert_eq!(mixed, [a(1), b(1), a(2), b(2)]);
    assert_eq!(interleaved(&[a(2), a(1)]), [a(2), a(1)]);
}

#[test]
fn a_thread_that_must_look_up_leaves_the_race_and_comes_back_to_it() {
    let (silent, (listener, address)) = (Silent::new(), open());
    let addresses = [silent.address, address];
    let mut racing = Box::pin(connect(&addresses, soon(), false));
    let mut turns = 0;
    let socket = block_on(poll_fn(|cx| {
        turns += 1;
        park::bounded(Instant::now() + Duration::from_millis(20), || racing.as_mut().poll(cx))
    }));
    socket.expect("the second address");
    listener.accept().expect("the second address");
    assert!(turns > 1, "it looked up");
}

#[test]
fn a_race_goes_on_in_whichever_home_it_is_polled_next() {
    let (silent, (listener, address)) = (Silent::new(), open());
    let addresses = [silent.address, address];
    let mut racing = Box::pin(connect(&addresses, soon(), false));
    let mut once = |cx: &mut Context<'_>| {
        let polled =
            park::bounded(Instant::now(), || racing.as_mut().poll(cx)).map(|r| r.map(drop));
        assert!(polled.is_pending());
        Poll::Ready(())
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    block_on(poll_fn(&mut once));
    runtime.block_on(poll_fn(&mut once));
    smol::block_on(poll_fn(&mut once));
    block_on(racing).expect("the second address");
    listener.accept().expect("the second address");
}
