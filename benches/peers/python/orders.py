"""What the bench orders, and what it is told when that is done."""

import math
import time


def read(line):
    match line.split():
        case ["ask", count]:
            return Ask(int(count))
        case ["for", seconds]:
            return For(float(seconds))
    raise LookupError(f"{line.strip()} is no order; there are: ask COUNT, for SECONDS")


class Order:
    """What each member of a crew does: asks as often as there are `turns`."""

    def measure(self, crew):
        self.began = time.perf_counter()
        cpu = time.process_time_ns()
        tallies = crew.run(self)
        cpu = time.process_time_ns() - cpu
        wall = time.perf_counter() - self.began
        tally = Tally.of_all(tallies)
        return {
            "cpu": cpu // 1000,
            "wall": int(wall * 1e6),
            "calls": len(tally.calls),
            "failed": tally.failed,
            **self.more(tally),
        }

    def more(self, tally):
        return {}


class Ask(Order):
    def __init__(self, count):
        self.count = count

    def turns(self):
        return range(self.count)


class For(Order):
    def __init__(self, seconds):
        self.seconds = seconds

    def turns(self):
        while time.perf_counter() < self.began + self.seconds:
            yield

    def more(self, tally):
        took = sorted(took for _, took in tally.calls)
        return {
            "p50": in_ms(took[len(took) // 2]),
            "p99": in_ms(took[len(took) * 99 // 100]),
            "slowest": in_ms(took[-1]),
            "worst": self.worst(tally),
            "error": tally.error,
        }

    def worst(self, tally):
        """The slowest that ended in each 20 ms; longer by what ended when the time was over."""
        step = 0.020
        worst = [0] * math.ceil(self.seconds / step)
        for ended, took in tally.calls:
            place = int((ended - self.began) / step)
            worst.extend([0] * (place + 1 - len(worst)))
            worst[place] = max(worst[place], in_ms(took))
        return worst


class Tally:
    """Notes a member's calls: `with` it, for each of them."""

    def __init__(self):
        self.calls = []
        self.failed = 0
        self.error = None

    def __enter__(self):
        self.asked = time.perf_counter()

    def __exit__(self, kind, error, trace):
        ended = time.perf_counter()
        if error is not None and not isinstance(error, Exception):
            return False
        self.calls.append((ended, ended - self.asked))
        if error is not None:
            self.failed += 1
            self.error = self.error or in_a_line(error)
        return True

    @classmethod
    def of_all(cls, tallies):
        whole = cls()
        for tally in tallies:
            whole.calls += tally.calls
            whole.failed += tally.failed
            whole.error = whole.error or tally.error
        return whole


def in_ms(seconds):
    return round(seconds * 1e3, 3)


def in_a_line(error):
    return " ".join(f"{type(error).__name__}: {error}".split())
