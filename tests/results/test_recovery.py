"""How a run recovers from a fault."""

from empkit import At
from empkit.faults import ServerCrash
from empkit.results.recovery import felt
from tests.faulted import run


def test_recovery_tells_gap_retries_and_when_it_was_over(lab):
    runs = run(lab, "http", At(0.4, ServerCrash(), until=0.9))
    (row,) = runs.recovery().to_dict("records")
    assert row["longest_gap_s"] > 0.4
    assert row["first_stored_s"] < row["last_stored_s"]
    assert row["attempts_per_record"] > 1
    assert row["reconnections"] > 0
    assert felt(runs).loc["http", "heard"] < 0.5
