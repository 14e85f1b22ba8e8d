"""The pacer, on a real event loop."""

import asyncio
import math
import re
import selectors
import sys
import time

import pytest

from empkit.clock import now_ns
from empkit.experiment.pacer import Pacer, coarseness


class WindowsLikeSelector(selectors.DefaultSelector):
    """Wakes at the ticks of a clock of 15.6 ms, as timers on Windows do."""

    def select(self, timeout=None):
        if timeout is not None and timeout > 0:
            timeout = math.ceil(timeout / 0.015625) * 0.015625
            time.sleep(timeout)
            timeout = 0
        return super().select(timeout)


async def measured(fine):
    pacer = Pacer()
    if not fine:
        pacer.close()  # what is left is the loop's own timer
    try:
        return pacer.fine, await coarseness(pacer)
    finally:
        pacer.close()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has the kernel's timer")
def test_with_the_kernels_timer_there_is_no_note():
    assert asyncio.run(measured(fine=True)) == (True, "")


def test_without_the_kernels_timer_a_note_says_how_late_the_event_loop_woke():
    fine, note = asyncio.run(measured(fine=False))
    assert not fine
    found = re.search(r"woke ([\d.]+) ms .* at most ([\d.]+) ms", note)
    typical, worst = map(float, found.groups())
    assert 0 <= typical <= worst


def test_a_timer_of_fifteen_milliseconds_is_seen_to_be_one():
    def new_loop():
        return asyncio.SelectorEventLoop(WindowsLikeSelector())

    with asyncio.Runner(loop_factory=new_loop) as runner:
        _, note = runner.run(measured(fine=False))
    assert float(re.search(r"woke ([\d.]+) ms late", note)[1]) > 10


def test_without_the_kernels_timer_a_wait_ends_after_its_moment_all_the_same():
    async def wait():
        pacer = Pacer()
        pacer.close()
        moment = now_ns() + 5_000_000
        await pacer.until(moment)
        return now_ns() - moment

    assert asyncio.run(wait()) >= -1_000_000  # the loop's clock counts in its own resolution
