"""Offers three times the capacity of the system for 10 s, and measures the effect: the refused
records, the memory of each process, and the throughput afterwards compared with before:
`python -m benchmarks.overload`."""

from __future__ import annotations

import argparse
import sys
import threading
from statistics import median

import psutil

from empkit import Guarantees, Lab, Workload
from empkit.faults import Overload
from empkit.processes.child import Child

MB = 2**20
TURNS = 7
PAUSE_S = 3.0
"""The duration at half the capacity, before and after the surge."""


def quiet(*_: object) -> None:
    """Show no progress."""


class Peaks:
    """Records the largest resident memory of the server (with its consumer) and of the client.

    Args:
        lab: a running lab.
    """

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.mb: dict[str, float] = {}

    def __enter__(self) -> Peaks:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watched(self) -> list[tuple[str, Child]]:
        """Return the server and the load generator of the current run, by their roles."""
        children = self._lab.processes.children[:]
        watched = [("client", child) for child in children if child.name.startswith("run-")]
        return [("server", self._lab.server), *watched] if self._lab.server else watched

    def _watch(self) -> None:
        while not self._over.wait(0.05):
            for name, child in self._watched():
                try:
                    size = psutil.Process(child.pid).memory_info().rss / MB
                except psutil.NoSuchProcess:
                    continue
                self.mb[name] = max(self.mb.get(name, 0.0), size)


def capacity(lab: Lab, protocol: str, records: int) -> float:
    """Return the records stored per second with 32 in flight."""
    runs = lab.run(protocol, Workload(records=records, in_flight=32), progress=quiet)
    rate: float = runs.summary()["records_per_s"].iloc[0]
    return rate


def overload(lab: Lab, fresh: Lab, protocol: str, times: float, seconds: float) -> bool:
    """Measure one protocol, and print the results.

    Args:
        lab: the lab to overload.
        fresh: a lab to compare it with afterwards, in turns, since a machine's speed drifts.
        protocol: the protocol.
        times: the offered rate, as a multiple of the capacity.
        seconds: the duration of the overload.

    Returns:
        Whether no promise was broken, memory was bounded and the throughput recovered.
    """
    capacity(fresh, protocol, 2_000)
    before = capacity(lab, protocol, 10_000)
    rate = before / 2
    surge = Overload(times=2 * times, from_s=PAUSE_S, until_s=PAUSE_S + seconds)
    records = int(rate * (2 * PAUSE_S + 2 * times * seconds))
    with Peaks(lab) as peaks:
        (runs,) = lab.cross(
            [protocol], Workload(records=records, rate=rate), [Guarantees()],
            faults=[surge], progress=quiet,
        )  # fmt: skip
    rates: dict[Lab, list[float]] = {lab: [], fresh: []}
    for _ in range(TURNS):
        for one, of_lab in rates.items():
            of_lab.append(capacity(one, protocol, 5_000))
    after, usual = (median(of_lab) for of_lab in rates.values())
    counts = {name: int(n) for name, n in runs.verdicts().iloc[0].items() if n}
    timings, info = runs.timings, runs.runs[0]
    late = (timings["stored_ns"] - timings["intended_ns"]).max() / 1e9
    took = (info.end_ns - info.start_ns) / 1e9
    print(f"{protocol}: {before:,.0f}/s before; {records:,} offered, {times:g} x that for "
          f"{seconds:g} s; {counts}")  # fmt: skip
    print(
        f"  slowest {late:.1f} s, all decided after {took:.1f} s; attempts per record "
        f"{timings['attempts'].mean():.2f}; held back by the client {info.held_back:,}"
    )
    errors = timings.loc[timings["error"] != "", "error"]
    for words, number in errors.value_counts().head(3).items():
        print(f"  told {number:,} times: {words}")
    print(f"  memory {', '.join(f'{name} {mb:.0f} MB' for name, mb in peaks.mb.items())}; "
          f"{after:,.0f}/s afterwards, {after / usual:.2f} x that of a fresh lab in turns",
          flush=True)  # fmt: skip
    return not runs.broken and max(peaks.mb.values()) < 300 and after / usual > 0.9


def main() -> None:
    """Overload each protocol; exit with status 1 if one did not recover as required."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.overload", description=__doc__)
    parser.add_argument("--times", type=float, default=3.0, help="of the capacity")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--protocol", action="append", choices=["http", "websocket", "kafka"])
    parser.add_argument("--broker", default="embedded", choices=["embedded", "apache"])
    options = parser.parse_args()
    with Lab(options.broker) as lab, Lab(options.broker) as fresh:
        good = [
            overload(lab, fresh, protocol, options.times, options.seconds)
            for protocol in options.protocol or lab.protocols
        ]
    sys.exit(0 if all(good) else 1)


if __name__ == "__main__":
    main()
