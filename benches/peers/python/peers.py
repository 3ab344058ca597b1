"""Python's clients as peers of the benches: asks as it is told, and says what that took.

    peers.py WHO WORK SCHEME N

WHO is in `PEERS` below, WORK is `nodes` or `thing`, SCHEME is `http` or `https`; N ask at once.
WELKIN_BENCH_AT says where the bench's server is. Each line on standard input is an order, which is
`ask COUNT` or `for SECONDS`, and is answered by one line of JSON; see `orders`.
"""

import sys

sys.excepthook = lambda kind, why, _: print(f"peers.py: {kind.__name__}: {why}", file=sys.stderr)
# The folder belongs to the sources.
sys.dont_write_bytecode = True

if sys.argv[1:2] == ["libcloud-gevent"]:
    # What is imported below takes sockets, locks and clocks as it finds them.
    from gevent import monkey

    monkey.patch_all()

import importlib.metadata
import json
import os
import platform

import clients
import crews
import orders

# How many of them ask at once, the client, and the packages whose versions count.
PEERS = {
    # By Libcloud's manual, "Using Libcloud in multi-threaded and async environments": a driver in
    # each thread; a driver for each greenlet; with Twisted, by its example, a driver that is made
    # in the function which is deferred to a thread, so in each call.
    "libcloud-threads": (crews.threads, clients.DriverEach, ["apache-libcloud"]),
    "libcloud-gevent": (crews.greenlets, clients.DriverEach, ["apache-libcloud", "gevent"]),
    "libcloud-twisted": (crews.Deferreds, clients.DriverEachCall, ["apache-libcloud", "Twisted"]),
    # What who goes on from there may come to: the threads of Twisted's pool keep their drivers.
    "libcloud-twisted-kept": (
        crews.Deferreds,
        clients.DriverEachThread,
        ["apache-libcloud", "Twisted"],
    ),
    "openstacksdk": (crews.threads, clients.OneConnection, ["openstacksdk", "keystoneauth1"]),
}


def main(who, work, scheme, number):
    crew, client, packages = known(PEERS, who, "peer")
    if "WELKIN_BENCH_AT" not in os.environ:
        raise LookupError("WELKIN_BENCH_AT is not set: it says where the bench's server is")
    client = client(clients.At(json.loads(os.environ["WELKIN_BENCH_AT"]), scheme, int(number)))
    make = known(client.works(), work, f"work of {who}")
    hello = {"who": who, "version": versions([*packages, "requests", "urllib3"])}

    def talk(crew):
        answer(hello)
        for line in sys.stdin:
            answer(orders.read(line).measure(crew))

    crew(int(number), make).host(talk)


def known(table, name, kind):
    if name not in table:
        raise LookupError(f"{name} is no {kind}; there are: {', '.join(table)}")
    return table[name]


def versions(packages):
    found = [f"{name} {importlib.metadata.version(name)}" for name in packages]
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return ", ".join([*found, python])


def answer(what):
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit("usage: peers.py WHO WORK http|https N")
    main(*sys.argv[1:])
