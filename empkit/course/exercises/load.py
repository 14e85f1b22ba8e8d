"""The exercises of notebook 05.

Each function takes an answer and returns None when it is right, or a sentence that says what is
missing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from empkit.course.exercises.answers import Check, Missing, of_function
from empkit.faults.server import ServerPause
from empkit.results.runs import Runs, latencies_ms
from empkit.results.statistics import percentiles

LOOPS = {"visitors": "open", "copy": "closed", "clerks": "closed", "sensors": "open"}
P99_TO_SHOW_MS = 250.0


@of_function
def littles_law(answer: Any) -> Missing:
    """05.1: records in flight from a rate and a time in ms."""
    in_flight = float(answer(200.0, 50.0))
    if np.isclose(in_flight, 200 * 50):
        return "The rate is per second, the time is in milliseconds."
    if not np.isclose(in_flight, 10):
        return f"200 records per second of 50 ms each: it says {in_flight:g} are in flight."
    return None


def which_loop(answer: Any) -> Missing:
    """05.2: closed or open."""
    if not isinstance(answer, dict) or set(answer) != set(LOOPS):
        return f"Give a dictionary with the keys {', '.join(map(repr, LOOPS))}."
    right = sum(answer[sender] == loop for sender, loop in LOOPS.items())
    if right == len(LOOPS):
        return None
    return f"{right} of {len(LOOPS)} are right: who waits for an answer before the next record?"


@of_function
def highest_rate(answer: Any) -> Missing:
    """05.3: a function from the steps of a search and a limit to the highest rate."""
    plain = pd.DataFrame({"rate": [100.0, 400.0, 200.0], "p99_ms": [5.0, 90.0, 9.0]})
    if float(answer(plain, 10)) != 200:
        return "Of 100, 200 and 400 records/s the first two are below the limit: 200 is wanted."
    lucky = pd.DataFrame({"rate": [100.0, 200.0, 400.0], "p99_ms": [5.0, 90.0, 9.0]})
    if float(answer(lucky, 10)) != 100:
        return "A higher rate that went well by chance does not help where a lower one did not."
    if float(answer(plain, 1_000)) != 400:
        return "When no rate was too slow, the highest is right."
    return None


def shows_the_stall(runs: Runs) -> Missing:
    """The challenge of 05: over WebSocket a stall that shows in the p99, nothing lost."""
    if runs.protocols != ["websocket"]:
        return "It is to be measured over WebSocket."
    if not any(fault.label == str(ServerPause()) for info in runs.runs for fault in info.faults):
        return "In this run the server was not paused."
    if (runs.timings["verdict"] != "stored").any():
        return "Not every record is acked and stored."
    p99 = percentiles(latencies_ms(runs.timings, "ack")["ms"].to_numpy(), [99])[99]
    if not p99 >= P99_TO_SHOW_MS:
        return "The p99 does not show the stall, or there are too few records for a p99."
    return None


CHECKS: dict[str, Check] = {
    "05.1": littles_law,
    "05.2": which_loop,
    "05.3": highest_rate,
    "05.challenge": shows_the_stall,
}
"""The checkers by the number of their exercise."""
