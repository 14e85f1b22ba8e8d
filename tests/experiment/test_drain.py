"""When the audit begins: after the server has decided on everything, or when nothing changes any
more. The time of these tests is made up, too.
"""

import asyncio
from types import SimpleNamespace

import numpy as np
import pytest

from empkit import wire
from empkit.clients.base import NoAnswerError
from empkit.experiment import audit


class Soon(asyncio.SelectorEventLoop):
    """An event loop whose time is that of the next timer: 30 s pass in none."""

    now = 0.0

    def time(self):
        return self.now

    def _run_once(self):
        if self._scheduled and not self._ready:
            self.now = max(self.now, self._scheduled[0].when())
        super()._run_once()


class Draining:
    """A server whose state is that of a list, one for each look; the last one stays."""

    def __init__(self, *states):
        self._states, self.looks = list(states), []

    async def health(self):
        self.looks.append(round(asyncio.get_running_loop().time(), 6))
        state = self._states.pop(0) if len(self._states) > 1 else self._states[0]
        if state == "silent":
            await asyncio.sleep(3_600)
        if state == "away":
            raise NoAnswerError("The server is away.")
        waiting, lag, name = state
        return SimpleNamespace(
            database=SimpleNamespace(waiting=waiting),
            consumer=wire.ConsumerHealth(state=name, lag=lag),
        )


def drained(*states, kafka=True):
    """Whether it is drained, when it was looked at, and what was said meanwhile."""
    said, server = [], Draining(*states)
    with asyncio.Runner(loop_factory=Soon) as runner:
        end = runner.run(audit.drain(server, kafka=kafka, on_wait=said.append))
    return end, server.looks, said


@pytest.mark.parametrize(
    "state", [(1, 0, "running"), (0, 1, "running"), (0, 0, "failing"), (0, None, "running"), "away"]
)
def test_the_audit_waits_until_nothing_waits_and_the_consumer_has_no_lag(state):
    end, looks, said = drained(state, (0, 0, "running"))
    assert (end, looks) == (True, [0, 0.002])
    assert said == [f"draining: {'server away' if state == 'away' else state}"]


def test_without_kafka_the_consumer_is_not_waited_for():
    assert drained((0, 9, "failing"), kafka=False) == (True, [0], [])
    assert drained((3, 9, "failing"), (0, 9, "off"), kafka=False)[2] == [
        "draining: (3, 0, 'running')"
    ]


def test_the_server_is_looked_at_soon_and_then_fifty_times_a_second():
    _, looks, _ = drained(*[(1, 0, "running")] * 7, (0, 0, "running"))
    assert np.diff(looks) == pytest.approx([0.002, 0.004, 0.008, 0.016, 0.02, 0.02, 0.02])


def test_a_drain_in_which_nothing_changes_ends_after_30_seconds():
    end, looks, _ = drained((1, 0, "running"))
    assert end is False
    assert 29.9 < looks[-1] < 30


def test_each_change_gives_a_drain_30_seconds_more():
    changes = [(2, 0, "running")] * 1_400 + [(1, 0, "running")]
    end, looks, _ = drained(*changes)
    assert end is False
    assert looks[1_400] == pytest.approx(28, abs=0.1)
    assert looks[-1] == pytest.approx(looks[1_400] + 30, abs=0.03)


def test_a_server_that_does_not_answer_within_5_seconds_is_away():
    end, looks, said = drained("silent")
    assert end is False
    assert set(said) == {"draining: server away"}
    assert looks[1] == pytest.approx(5.002)
    assert 30 < looks[-1] < 35
    assert drained("silent", (0, 0, "running"))[0] is True
