"""A timer for the open loop, with a resolution of much less than a millisecond.

An event loop's own timers count in milliseconds (epoll and libuv both do), which at 1,000 records
per second is as long as a gap. On Linux the kernel's timerfd, which counts in nanoseconds of the
same clock as the stamps, wakes the loop instead (https://man7.org/linux/man-pages/man2/timerfd_create.2.html);
elsewhere the loop's timer does, and the run notes how late it is (`coarseness`).
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import statistics
import sys
import time

from empkit.clock import now_ns

_CLOCK_MONOTONIC = 1
_ABSOLUTE = 1
_SAMPLES = 20
WAKE_NS = 100_000
"""How long before the moment the kernel's timer is to ring: a sleeping process takes about as long
to wake. What is left of it the task spends in turns with the others of the loop."""


class _Timespec(ctypes.Structure):
    _fields_ = (("tv_sec", ctypes.c_long), ("tv_nsec", ctypes.c_long))


class _Itimerspec(ctypes.Structure):
    _fields_ = (("it_interval", _Timespec), ("it_value", _Timespec))


class Pacer:
    """Lets one task of the running loop wait until given times, one after the other."""

    _libc: ctypes.CDLL

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiter: asyncio.Future[None] | None = None
        self._woken = False
        self._fd = -1
        if sys.platform == "linux" and sys.version_info >= (3, 13):
            self._fd = os.timerfd_create(
                time.CLOCK_MONOTONIC, flags=os.TFD_NONBLOCK | os.TFD_CLOEXEC
            )
        elif sys.platform == "linux":
            self._libc = ctypes.CDLL(None, use_errno=True)
            self._fd = self._libc.timerfd_create(_CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC)
        if self._fd >= 0:
            self._loop.add_reader(self._fd, self._rang)

    @property
    def fine(self) -> bool:
        """Whether the kernel's timer wakes the loop, and not the event loop's own."""
        return self._fd >= 0

    async def until(self, moment_ns: int) -> None:
        """Wait until this time of the clock, or until `wake`; return at once when it has passed."""
        if self.fine:
            await self._wait(moment_ns - WAKE_NS)
            while now_ns() < moment_ns and not self._woken:  # noqa: ASYNC110 - an event is what is late
                await asyncio.sleep(0)  # other tasks of the loop run meanwhile
        else:
            await self._wait(moment_ns)

    async def _wait(self, moment_ns: int) -> None:
        """Let the timer wake the task at this time of the clock."""
        wait_ns = moment_ns - now_ns()
        self._woken = False
        if wait_ns <= 0:
            return
        self._waiter = self._loop.create_future()
        if self._fd >= 0 and sys.version_info >= (3, 13):
            os.timerfd_settime_ns(self._fd, flags=os.TFD_TIMER_ABSTIME, initial=moment_ns)
        elif self._fd >= 0:
            seconds, nanoseconds = divmod(moment_ns, 1_000_000_000)
            when = _Itimerspec(_Timespec(0, 0), _Timespec(seconds, nanoseconds))
            self._libc.timerfd_settime(self._fd, _ABSOLUTE, ctypes.byref(when), None)
        else:
            self._loop.call_later(wait_ns / 1e9, self.wake)
        await self._waiter

    def wake(self) -> None:
        """End the wait at once."""
        self._woken = True
        self._end_wait()

    def _rang(self) -> None:
        os.read(self._fd, 8)
        self._end_wait()

    def _end_wait(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def close(self) -> None:
        """Close the timer."""
        if self._fd >= 0:
            self._loop.remove_reader(self._fd)
            os.close(self._fd)
            self._fd = -1


async def coarseness(pacer: Pacer) -> str:
    """Measure how late a pacer without the kernel's timer wakes, in some tens of milliseconds.

    Returns:
        A sentence for the run's notes; "" where the kernel's timer is used.
    """
    if pacer.fine:
        return ""
    late_ns = []
    for _ in range(_SAMPLES):
        moment_ns = now_ns() + 1_500_000  # between two milliseconds
        await pacer.until(moment_ns)
        late_ns.append(now_ns() - moment_ns)
    typical, worst = statistics.median(late_ns) / 1e6, max(late_ns) / 1e6
    return (
        f"This platform has no timer finer than the event loop's: it woke {typical:.1f} ms late "
        f"(median of {_SAMPLES}; at most {worst:.1f} ms), so records of a faster schedule leave in "
        "bunches. Response times count from the schedule and so include the wait."
    )
