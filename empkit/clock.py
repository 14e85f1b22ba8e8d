"""The one clock of all stamps, and a watch on how late an event loop runs."""

from __future__ import annotations

import asyncio
import hashlib
import platform
from collections import deque
from pathlib import Path
from time import get_clock_info, monotonic_ns

now_ns = monotonic_ns
"""Nanoseconds of the host's monotonic clock: the same for all processes of one host
(https://docs.python.org/3/library/time.html#time.monotonic)."""

PERIOD_S = 0.01
MAX_STEP_S = 0.001
"""A clock that advances in larger steps, in seconds, cannot time a record, which may take less."""


def clock_flaw() -> str:
    """Why this Python's clock cannot time records, and what to do; "" when it can.

    On Windows before Python 3.13 the monotonic clock advances in steps of 15.6 ms
    (https://docs.python.org/3/whatsnew/3.13.html#time).
    """
    step_s = get_clock_info("monotonic").resolution
    if step_s <= MAX_STEP_S:
        return ""
    return (
        f"The clock of Python {platform.python_version()} on {platform.system()} advances in steps "
        f"of {step_s * 1e3:.1f} ms; to time records it takes steps of at most "
        f"{MAX_STEP_S * 1e3:g} ms. Use Python 3.13 or newer."
    )


class LoopWatch:
    """Measures how late an event loop comes round to what is due.

    A timer that fires late by L ms means that anything else could have waited as long: the loop
    was busy, or its process had no processor. The samples of the last minute are kept.
    """

    def __init__(self) -> None:
        self._samples: deque[tuple[int, int]] = deque(maxlen=int(60 / PERIOD_S))
        self._due_ns = 0
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin; call it in the loop to watch."""
        self._due_ns = now_ns() + int(PERIOD_S * 1e9)
        self._timer = asyncio.get_running_loop().call_later(PERIOD_S, self._tick)

    def stop(self) -> None:
        """End; the samples stay."""
        if self._timer is not None:
            self._timer.cancel()

    def _tick(self) -> None:
        moment = now_ns()
        self._samples.append((moment, max(0, moment - self._due_ns)))
        self.start()

    def late_ms(self, since_ns: int = 0) -> dict[str, float]:
        """The 99th percentile and the maximum of the lateness, in milliseconds.

        Args:
            since_ns: only what was seen after this moment of the clock.
        """
        late = sorted(late for moment, late in self._samples if moment >= since_ns)
        if not late:
            return {"p99": 0.0, "max": 0.0}
        return {"p99": late[int(0.99 * (len(late) - 1))] / 1e6, "max": late[-1] / 1e6}


def clock_id() -> str:
    """A name of this host's monotonic clock since it was started.

    Stamps may be compared only where this is the same: two processes of one host, in containers
    or not. On Linux it is derived from the kernel's boot id and what a time namespace adds to the
    clock (https://man7.org/linux/man-pages/man7/time_namespaces.7.html), elsewhere from the host's
    name.
    """
    parts = (Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/timens_offsets"))
    source = "".join(part.read_text() for part in parts if part.exists()) or platform.node()
    return hashlib.sha256(source.encode()).hexdigest()[:16]
