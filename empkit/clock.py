"""The clock of all stamps, and the measurement of event-loop lag."""

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
    or its process had no processor. The samples of the last minute are kept.
    """

    def __init__(self) -> None:
        self._samples: deque[tuple[int, int]] = deque(maxlen=int(60 / PERIOD_S))
        self._due_ns = 0
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Start measuring; call this in the loop to measure."""
        self._due_ns = now_ns() + int(PERIOD_S * 1e9)
        self._timer = asyncio.get_running_loop().call_later(PERIOD_S, self._tick)

    def stop(self) -> None:
        """Stop measuring; the samples stay."""
        if self._timer is not None:
            self._timer.cancel()

    def _tick(self) -> None:
        moment = now_ns()
        self._samples.append((moment, max(0, moment - self._due_ns)))
        self.start()

    def late_ms(self, since_ns: int = 0) -> dict[str, float]:
        """Return the 99th percentile and the maximum of the lag, in milliseconds.

        Args:
            since_ns: use only the samples since this time of the clock.
        """
        late = sorted(late for moment, late in self._samples if moment >= since_ns)
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
