"""Faults of the records: bad ones are refused, the others stored."""

import pytest

from empkit.faults import Duplicates, Invalid, Poison, TooLarge
from empkit.records.samples import make_up_records
from tests.faulted import counts, run


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["http", "websocket", "kafka"])
def test_bad_records_are_refused_and_the_others_stored(lab, protocol):
    faults = (Duplicates(share=0.1), Invalid(share=0.1), Poison(share=0.1), TooLarge(share=0.05))
    runs = run(lab, protocol, *faults)
    found = counts(runs)
    refused = "dead_lettered" if protocol == "kafka" else "refused"
    assert set(found) == {"offered", "stored", refused}
    assert 80 < found[refused] < 260
    assert (runs.timings.loc[runs.timings["verdict"] == refused, "error"] != "").all()


@pytest.mark.parametrize("kind", [Duplicates, Invalid, Poison, TooLarge])
def test_each_fault_of_the_records_changes_about_its_share(kind):
    records = list(make_up_records(1_000))
    changed = list(kind(share=0.2).alter(records, seed=1))
    different = sum(after != before for after, before in zip(changed, records, strict=True))
    assert different == pytest.approx(200, abs=50)  # four standard deviations
