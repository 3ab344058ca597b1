"""Those who ask, many at once: threads, greenlets, or what Twisted defers to its threads.

All of them are there before the first order, and stay between orders. What each member asks with is
what `make` gives.
"""

import functools
import queue
import threading

import orders


def threads(number, make):
    def start(work):
        threading.Thread(target=work, daemon=True).start()

    return Crew(number, make, start, queue.SimpleQueue)


def greenlets(number, make):
    import gevent.queue

    return Crew(number, make, gevent.spawn, gevent.queue.SimpleQueue)


class Crew:
    """Members that wait for orders, each by its own queue."""

    def __init__(self, number, make, start, new_queue):
        self.done = new_queue()
        self.members = [new_queue() for _ in range(number)]
        for member in self.members:
            start(functools.partial(self.work, member, make()))

    def host(self, talk):
        talk(self)

    def run(self, order):
        for member in self.members:
            member.put(order)
        tallies = [self.done.get() for _ in self.members]
        for tally in tallies:
            if isinstance(tally, BaseException):
                raise tally
        return tallies

    def work(self, member, ask):
        while True:
            order = member.get()
            try:
                tally = orders.Tally()
                for _ in order.turns():
                    with tally:
                        ask()
            except BaseException as unexpected:
                tally = unexpected
            self.done.put(tally)


class Deferreds:
    """Members in Twisted's reactor; they defer each call to its pool, of as many threads."""

    def __init__(self, number, make):
        from twisted.internet import defer, reactor, threads

        self.reactor, self.threads, self.gather = reactor, threads, defer.gatherResults
        self.member = defer.inlineCallbacks(self.work)
        self.asks = [make() for _ in range(number)]
        reactor.suggestThreadPoolSize(number)

    def host(self, talk):
        """The main thread is the reactor's, so that orders are read by another."""
        ended = []

        def talk_and_stop():
            try:
                talk(self)
            except BaseException as unexpected:
                ended.append(unexpected)
            self.reactor.callFromThread(self.reactor.stop)

        reader = threading.Thread(target=talk_and_stop, daemon=True)
        self.reactor.callWhenRunning(reader.start)
        self.reactor.run()
        for unexpected in ended:
            raise unexpected

    def run(self, order):
        def all_of_them():
            return self.gather([self.member(order, ask) for ask in self.asks])

        return self.threads.blockingCallFromThread(self.reactor, all_of_them)

    def work(self, order, ask):
        tally = orders.Tally()
        for _ in order.turns():
            with tally:
                yield self.threads.deferToThread(ask)
        return tally
