"""How a run recovers from a fault: computed from timings that a test makes up, and from a real
run."""

import math
from itertools import pairwise

import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from empkit import At
from empkit.faults import ServerCrash
from empkit.results.recovery import felt
from tests.faulted import run
from tests.made_up_runs import START_NS, made_up, nothing, together

MS = 1_000_000

# in milliseconds after the start of the run; in steps, so that some are at the same moment
moments = st.integers(0, 8).map(lambda steps: 50 * steps)
spans = st.tuples(moments, st.none() | moments)
records = st.tuples(moments, *[st.none() | moments] * 2, st.integers(0, 5))
"""When a record was due, how long until it was stored and acked, and its attempts."""


def of(made, faults, **changes):
    """A run of these records and faults, in milliseconds; no fault's end is the run's."""
    count = len(made)

    def at(base, after=0):
        return pd.NA if after is None else START_NS + (base + after) * MS

    runs = made_up(
        count=count,
        intended_ns=dict(enumerate(at(sent) for sent, *_ in made)),
        sent_ns=dict(enumerate(at(sent) for sent, *_ in made)),
        stored_ns=dict(enumerate(at(sent, stored) for sent, stored, _, _ in made)),
        acked_ns=dict(enumerate(at(sent, acked) for sent, _, acked, _ in made)),
        attempts=dict(enumerate(attempts for *_, attempts in made)),
        faults=[
            ("server-crash", "server", at(begin), None if last is None else at(begin, last))
            for begin, last in faults
        ],
        **changes,
    )
    runs.runs[0].end_ns = at(1_000)
    return runs


def row_of(runs):
    (row,) = runs.recovery().to_dict("records")
    return row


@pytest.mark.slow
@given(st.lists(records, min_size=1, max_size=12), st.lists(spans, min_size=1, max_size=3))
@example([(200, 50, 50, 1)], [(100, 100)])  # due when the fault ends
def test_each_number_is_the_one_that_its_definition_gives(made, faults):
    row = row_of(of(made, faults))
    stored = [sent + late for sent, late, _, _ in made if late is not None]
    struck = min(begin for begin, _ in faults)
    over = max(1_000 if last is None else begin + last for begin, last in faults)
    late = [
        sent + after for sent, after, _, _ in made
        if after is not None and sent <= over < sent + after
    ]  # fmt: skip
    if stored:
        gaps = [after - before for before, after in pairwise([0, *sorted(stored)])]
        assert row["longest_gap_s"] == pytest.approx(max(gaps) / 1e3)
    else:
        assert "longest_gap_s" not in row
    assert row["in_flight"] == sum(
        sent <= struck and (acked is None or sent + acked > struck) for sent, _, acked, _ in made
    )
    if late:
        assert row["first_stored_s"] == pytest.approx((min(late) - over) / 1e3)
        assert row["last_stored_s"] == pytest.approx((max(late) - over) / 1e3)
        assert 0 < row["first_stored_s"] <= row["last_stored_s"]
    else:
        assert row["first_stored_s"] is row["last_stored_s"] is None
    tries = [max(1, attempts) for *_, attempts in made]
    assert row["attempts_max"] == max(tries)
    assert row["attempts_per_record"] == pytest.approx(sum(tries) / len(tries))


@pytest.mark.slow
@given(st.lists(records, min_size=1, max_size=12), spans, st.integers(0, 10**9))
def test_nothing_depends_on_when_the_machine_was_started(made, span, shift_ms):
    def shifted(runs):
        runs.runs[0].start_ns += shift_ms * MS
        runs.runs[0].end_ns += shift_ms * MS
        for fault in runs.runs[0].faults:
            fault.start_ns += shift_ms * MS
            fault.end_ns = None if fault.end_ns is None else fault.end_ns + shift_ms * MS
        for stamp in ("intended_ns", "sent_ns", "received_ns", "stored_ns", "acked_ns"):
            runs.timings[stamp] += shift_ms * MS
        return runs

    assert row_of(shifted(of(made, [span]))) == row_of(of(made, [span]))


def test_without_a_fault_there_is_a_gap_and_no_recovery():
    row = row_of(of([(0, 10, 10, 1), (200, 10, 10, 1)], []))
    assert row["longest_gap_s"] == 0.2
    assert not {"in_flight", "first_stored_s", "last_stored_s"} & set(row)


def test_late_records_are_timed_from_the_end_of_the_last_fault():
    made = [(0, 10, 10, 1), (100, 300, 10, 1), (150, 350, 10, 1), (250, 900, 10, 1)]
    row = row_of(of(made, [(100, 100), (50, 0)]))
    assert (row["first_stored_s"], row["last_stored_s"]) == (0.2, 0.3)


def test_each_run_has_a_row_of_its_own_with_its_verdicts():
    crash = ("server-crash", "server", START_NS, START_NS + MS)
    kafka = made_up("kafka", 10, verdict={1: "lost", 2: "lost"}, faults=[crash])
    kafka.runs[0].appended = 13
    kafka.runs[0].reconnections = 4
    rows = together(made_up("http", 20, faults=[crash]), kafka).recovery().set_index("protocol")
    assert rows["offered"].to_dict() == {"http": 20, "kafka": 10}
    assert rows.loc["kafka", ["stored", "lost", "appended", "reconnections"]].tolist() == [
        8, 2, 13, 4
    ]  # fmt: skip
    assert rows.loc["http", "stored"] == 20
    assert pd.isna(rows.loc["http", "lost"])
    assert pd.isna(rows.loc["http", "appended"])
    rounds = together(made_up("http", 20), made_up("http", 7, number=2)).recovery()
    assert rounds[["round", "stored"]].to_numpy().tolist() == [[1, 20], [2, 7]]


def test_senders_were_heard_when_they_were_acked_before_the_faults_last_quarter():
    made = [
        (0, 5, 5, 1),  # before it
        (90, 5, 10, 1), (95, 5, 50, 1),  # acked as it strikes, and after: in neither number
        (100, 9, 10, 1), (110, 9, 20, 2), (125, 9, 50, 1), (130, None, None, 1), (140, 9, 40, 1),
        (150, 9, 60, 1),  # in its first half
        (151, 9, 9, 1),  # in its second
    ]  # fmt: skip
    to_the_end = [(0, 1, 1, 1), (550, 9, 9, 1), (551, 9, 1, 1), (200, 9, 574, 1), (200, 9, 575, 1)]
    runs = together(
        of(made, [(100, 100)]),
        of([(100, 9, 99, 9)], [(100, 100)], number=2),  # only the first round counts
        of(to_the_end, [(100, None)], protocol="kafka"),
    )
    found = felt(runs)
    assert found.to_dict("index") == {
        "http": {"tried_again": True, "before_ms": 5.0, "during_ms": 40.0, "heard": 2 / 6},
        "kafka": {"tried_again": False, "before_ms": 1.0, "during_ms": 574.0, "heard": 2 / 3},
    }  # fmt: skip
    assert found["tried_again"].dtype == bool


def test_a_run_without_records_has_a_row_of_nothing():
    row = row_of(nothing())
    assert (row["offered"], row["attempts_max"]) == (0, 0)
    assert math.isnan(row["attempts_per_record"])
    assert "longest_gap_s" not in row


@pytest.mark.slow
def test_recovery_tells_gap_retries_and_when_it_was_over(lab):
    runs = run(lab, "http", At(0.4, ServerCrash(), until=0.9))
    (row,) = runs.recovery().to_dict("records")
    assert row["longest_gap_s"] > 0.4
    assert row["first_stored_s"] < row["last_stored_s"]
    assert row["attempts_per_record"] > 1
    assert row["reconnections"] > 0
    assert felt(runs).loc["http", "heard"] < 0.5
