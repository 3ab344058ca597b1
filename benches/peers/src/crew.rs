//! Those who ask: tasks of one thread, or threads. Both stay for as long as the process.

use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinSet;

use super::failure::Failure;
use super::place::Place;
use super::tally::{Order, Tally};

/// A client in the hands of one task; a clone shares what its documentation says is shared.
pub(crate) trait Asynchronous: Clone + Send + 'static {
    /// Makes it and logs in.
    fn open(place: &Place) -> impl Future<Output = Result<Self, Failure>>;

    /// Asks once, and has the whole answer.
    fn ask(&mut self) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// The same in the hands of one thread.
pub(crate) trait Blocking: Clone + Send + 'static {
    fn open(place: &Place) -> Result<Self, Failure>;

    fn ask(&mut self) -> Result<(), Failure>;
}

/// All of them.
pub(crate) trait Crew {
    /// Returns when the last of them has done its part.
    fn work(&mut self, order: Order) -> Result<Vec<Tally>, Failure>;

    /// Waits for the next line.
    fn next(
        &mut self,
        lines: &mut UnboundedReceiver<io::Result<String>>,
    ) -> Option<io::Result<String>>;
}

pub(crate) struct Tasks<C> {
    // Before the runtime, which some need when they go.
    clients: Vec<C>,
    runtime: Runtime,
    place: Place,
}

impl<C: Asynchronous> Tasks<C> {
    pub(crate) fn new(place: Place) -> Result<Self, Failure> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        Ok(Self { clients: Vec::new(), runtime, place })
    }
}

impl<C: Asynchronous> Crew for Tasks<C> {
    fn work(&mut self, order: Order) -> Result<Vec<Tally>, Failure> {
        self.runtime.block_on(async {
            if self.clients.is_empty() {
                self.clients = vec![C::open(&self.place).await?; self.place.crowd];
            }
            let mut tasks = JoinSet::new();
            let parts = self.clients.drain(..).zip(order.parts(self.place.crowd));
            for (mut client, mut tally) in parts {
                tasks.spawn(async move {
                    while tally.goes_on() {
                        tally.note(client.ask().await);
                    }
                    (client, tally)
                });
            }
            let (clients, tallies) = tasks.join_all().await.into_iter().unzip();
            self.clients = clients;
            Ok(tallies)
        })
    }

    fn next(
        &mut self,
        lines: &mut UnboundedReceiver<io::Result<String>>,
    ) -> Option<io::Result<String>> {
        // What runs in the background goes on: a connection that ends meanwhile is seen to end.
        self.runtime.block_on(lines.recv())
    }
}

pub(crate) struct Threads<C> {
    clients: Vec<C>,
    hands: Vec<Hand<C>>,
    place: Place,
}

/// A thread that takes a client and its part of an order, and gives both back.
struct Hand<C> {
    orders: Sender<(C, Tally)>,
    done: Receiver<(C, Tally)>,
}

impl<C: Blocking> Threads<C> {
    pub(crate) fn new(place: Place) -> Self {
        let hands = (0..place.crowd).map(|_| {
            let (orders, taken) = channel::<(C, Tally)>();
            let (given, done) = channel();
            thread::spawn(move || {
                for (mut client, mut tally) in taken {
                    while tally.goes_on() {
                        tally.note(client.ask());
                    }
                    if given.send((client, tally)).is_err() {
                        return;
                    }
                }
            });
            Hand { orders, done }
        });
        Self { clients: Vec::new(), hands: hands.collect(), place }
    }
}

impl<C: Blocking> Crew for Threads<C> {
    fn work(&mut self, order: Order) -> Result<Vec<Tally>, Failure> {
        if self.clients.is_empty() {
            self.clients = vec![C::open(&self.place)?; self.place.crowd];
        }
        let parts = self.clients.drain(..).zip(order.parts(self.hands.len()));
        for (hand, part) in self.hands.iter().zip(parts) {
            hand.orders.send(part).map_err(|_| Failure::new("a thread has gone"))?;
        }
        let mut tallies = Vec::new();
        for hand in &self.hands {
            let (client, tally) = hand.done.recv()?;
            self.clients.push(client);
            tallies.push(tally);
        }
        Ok(tallies)
    }

    fn next(
        &mut self,
        lines: &mut UnboundedReceiver<io::Result<String>>,
    ) -> Option<io::Result<String>> {
        lines.blocking_recv()
    }
}
