"""How late records were sent, and whose lateness that is."""

from array import array

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from empkit.experiment.lateness import Lateness

START_NS = 2**60  # a clock whose nanoseconds a floating-point number cannot hold
MS = 1_000_000


@st.composite
def schedules(draw):
    """When records were due and had a place in flight, and waits for a place, which do not
    overlap."""
    gaps = draw(st.lists(st.integers(1, 20), min_size=100, max_size=150))
    due = np.cumsum(gaps) * MS
    late = draw(st.lists(st.integers(0, 40), min_size=len(gaps), max_size=len(gaps)))
    edges = sorted(draw(st.sets(st.integers(0, int(due[-1]) // MS + 40), max_size=20)))
    edges = edges[: len(edges) // 2 * 2]
    return due + START_NS, due + START_NS + np.array(late) * MS, [e * MS + START_NS for e in edges]


@given(schedules())
def test_what_waited_mainly_for_a_place_in_flight_is_the_systems_lateness(schedule):
    due, sent, edges = schedule
    waits = list(zip(edges[::2], edges[1::2], strict=True))
    waited = np.array([
        sum(max(0, min(end, moment) - max(begin, wanted)) for begin, end in waits)
        for wanted, moment in zip(due.tolist(), sent.tolist(), strict=True)
    ])  # fmt: skip
    late = sent + MS - due
    own = (late / 1e6)[waited <= late / 2]
    found = Lateness.of(due, sent, sent + MS, array("q", edges))
    assert found.held_back == (waited > 0).sum()
    for level, least, value in ((50, 2, found.p50_ms), (99, 100, found.p99_ms)):
        if len(own) < least:
            assert value is None
        else:
            assert value == np.percentile(own, level)


def test_records_that_were_never_offered_do_not_count():
    due = np.arange(300) * MS + START_NS
    sent = due + MS
    due[200:], sent[200:] = 0, 0
    assert Lateness.of(due, sent, sent, array("q")) == (0, 1.0, 1.0)
