"""The clock of all stamps, and the measurement of event-loop lag."""

from __future__ import annotations

import asyncio
import hashlib
import math
import platform
from collections import deque
from pathlib import Path
from time import get_clock_info, monotonic_ns

now_ns = monotonic_ns
"""Nanoseconds of the host's monotonic clock: the same for all processes of one host
(https://docs.python.org/3/library/time.html#time.monotonic)."""

PERIOD_S = 0.01
"""How often event-loop lag is measured, in seconds."""
KEPT_S = 60.0
"""How long the samples of a process without an end are kept, in seconds."""
_PERIOD_NS = int(PERIOD_S * 1e9)
MAX_STEP_S = 0.001
"""The largest step, in seconds, of a clock that can time records, which may take less."""


def clock_flaw() -> str:
    """Return why this Python's clock cannot time records, and what to do; "" when it can.

    On Windows before Python 3.13 the monotonic clock advances in steps of 15.6 ms
    (https://docs.python.org/3/whatsnew/3.13.html#time).
    """
    step_s = get_clock_info("monotonic").resolution
    if step_s <= MAX_STEP_S:
        return ""
    return (
        f"The clock of Python {platform.python_version()} on {platform.system()} advances in steps "
        f"of {step_s * 1e3:.1f} ms; timing records needs steps of at most "
        f"{MAX_STEP_S * 1e3:g} ms. Use Python 3.13 or newer."
    )


class LoopWatch:
    """Measures event-loop lag: how late a timer fires.

    When a timer fires L ms late, any other callback could have waited as long: the loop was busy,
    or its process had no processor. A late timer stands for all the timers that were due until it
    fired, each with its own lag, so that a stall counts for as long as it lasted: the correction of
    HdrHistogram for an expected interval (https://github.com/HdrHistogram/HdrHistogram#corrected-vs-raw-value-recording-calls).

    Args:
        keep_s: how long the samples are kept, in seconds.
    """

    def __init__(self, keep_s: float = KEPT_S) -> None:
        most = None if math.isinf(keep_s) else int(keep_s / PERIOD_S)
        self._samples: deque[tuple[int, int]] = deque(maxlen=most)
        self._due_ns = 0
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Start measuring; call this in the loop to measure."""
        self._due_ns = now_ns() + _PERIOD_NS
        self._timer = asyncio.get_running_loop().call_later(PERIOD_S, self._tick)

    def stop(self) -> None:
        """Stop measuring; the samples stay. A timer that is late by then counts."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._note(now_ns())

    def _tick(self) -> None:
        self._note(max(now_ns(), self._due_ns))  # a coarse timer may fire early
        self.start()

    def _note(self, moment_ns: int) -> None:
        """Add a sample for each timer that was due until `moment_ns`, by when it was due."""
        due = range(self._due_ns, moment_ns + 1, _PERIOD_NS)
        kept = due if self._samples.maxlen is None else due[-self._samples.maxlen :]
        self._samples.extend((due_ns, moment_ns - due_ns) for due_ns in kept)

    def late_ms(self, since_ns: int = 0) -> dict[str, float]:
        """Return the 99th percentile and the maximum of the lag, in milliseconds.

        Args:
            since_ns: use only the timers that were due since this time of the clock.
        """
        late = sorted(late for due_ns, late in self._samples if due_ns >= since_ns)
        if not late:
            return {"p99": 0.0, "max": 0.0}
        return {"p99": late[int(0.99 * (len(late) - 1))] / 1e6, "max": late[-1] / 1e6}


def clock_id() -> str:
    """Return an identifier of this host's monotonic clock since the host was started.

    Stamps are comparable only between processes with the same identifier: those of one host, in
    containers or not. On Linux it is derived from the kernel's boot id and the offsets of a time
    namespace (https://man7.org/linux/man-pages/man7/time_namespaces.7.html), elsewhere from the
    host's name.
    """
    parts = (Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/timens_offsets"))
    source = "".join(part.read_text() for part in parts if part.exists()) or platform.node()
    return hashlib.sha256(source.encode()).hexdigest()[:16]
