"""Checks the kit's measurements: known delays, a stall that k6 measures, too, and the lateness of
its schedule."""

from __future__ import annotations

import shutil
import statistics
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.common import Row, in_turns, ratio
from benchmarks.tools import K6_ARRIVALS, filled, k6
from empkit import At, Lab, Workload
from empkit.faults import Network, Scene, ServerPause
from empkit.proxy import Latency
from empkit.results.runs import Runs

RATE = 300
SECONDS = 6
PAUSE_S = 2.0


def quiet(*_: object) -> None:
    """Show no progress."""


def lateness(rounds: int) -> list[Row]:
    """Measure, in an open loop, how long after its scheduled time each record was sent."""
    rows = []
    with Lab() as lab:
        for rate, limit in ((1_000, 1.0), (5_000, 3.0)):
            late = []
            for _ in range(rounds):
                runs = lab.run("websocket", Workload(3 * rate, rate=rate), progress=quiet)
                sent = runs.timings["sent_ns"] - runs.timings["intended_ns"]
                late.append(float(np.percentile(sent.to_numpy(np.float64), 99)) / 1e6)
            p99 = statistics.median(late)
            what = f"open loop, {rate:,}/s: how late a record is sent, p99"
            rows.append(Row(what, f"{p99:.2f} ms", f"< {limit:g} ms", p99 < limit))
    return rows


def _median_ms(runs: Runs) -> float:
    return float((runs.timings["acked_ns"] - runs.timings["sent_ns"]).median()) / 1e6


def injected(rounds: int) -> list[Row]:
    """Compare a known network delay with the increase of the median.

    Records are offered at a fixed rate with and without the delay: a system that has been idle for
    some milliseconds is slower afterwards, and in a closed loop only the delayed records would find
    it idle.
    """
    rows = []
    with Lab() as lab:

        def median_ms(ms: float, rate: float) -> float:
            workload = Workload(100, rate=rate, warm_up=20)
            # longer than the records take; the run ends with the fault
            fault = At(0.0, Network(Latency(ms, direction="up")), until=2.0 + 100 / rate)
            return _median_ms(lab.run("http", workload, faults=[fault], progress=quiet))

        for ms in (10.0, 50.0):
            rate = 500 / ms  # half of the time no record is in flight
            sides: dict[str, Callable[[], float]] = {
                "with": lambda ms=ms, rate=rate: median_ms(ms, rate),  # type: ignore[misc]
                "without": lambda rate=rate: median_ms(0.0, rate),  # type: ignore[misc]
            }
            measured = in_turns(sides, rounds)
            added = statistics.median(
                a - b for a, b in zip(measured["with"], measured["without"], strict=True)
            )
            off = abs(added / ms - 1)
            what = f"a delay of {ms:g} ms on the way, as the kit measures it"
            rows.append(Row(what, f"{added:.2f} ms ({off:.1%} off)", "within 2 %", off <= 0.02))
    return rows


def stall(rounds: int) -> list[Row]:
    """Pause the server for a second in an open loop, and compare the kit's p99 with that of k6's
    constant-arrival-rate executor on the same server."""
    what = "p99 of an open loop with a stall of 1 s: empkit / k6"
    if not shutil.which("k6"):
        return [Row(what, "k6 is not on this machine", "within 10 %", False)]
    with Lab() as lab:
        workload = Workload(RATE * SECONDS, rate=RATE)
        pause = At(PAUSE_S, ServerPause(), until=PAUSE_S + 1)

        def kit() -> float:
            runs = lab.run("http", workload, faults=[pause], progress=quiet)
            return float(runs.summary()["ack_p99_ms"].iloc[0])

        def other() -> float:
            script = filled(K6_ARRIVALS, lab.settings, RATE=RATE, SECONDS=SECONDS)
            strike = threading.Thread(target=_pause, args=[lab])
            strike.start()
            metrics: dict[str, Any] = k6(lab.processes.folder, script)
            strike.join()
            return float(metrics["http_req_duration"]["p(99)"])

        measured = in_turns({"empkit": kit, "k6": other}, rounds)
    share = ratio(measured, "empkit", "k6")
    ours, theirs = (statistics.median(measured[name]) for name in ("empkit", "k6"))
    text = f"{share:.2f} ({ours:,.0f} and {theirs:,.0f} ms)"
    return [Row(what, text, "within 10 %", abs(share - 1) <= 0.1)]


def _pause(lab: Lab) -> None:
    """Stop the server for a second, in the middle of k6's run."""
    wait = threading.Event().wait
    wait(PAUSE_S)
    resume = ServerPause().strike(Scene(lab))
    wait(1.0)
    resume()
