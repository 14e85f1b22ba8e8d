"""The order of the stamps: what violates it is found, and what does not is not."""

import numpy as np
import pytest

from empkit.experiment.stamp_order import violations

MS = 10**6


def stamps(**changes):
    """Stamps of a thousand records in order, those of record 7 changed by ms."""
    base = np.arange(1, 1_001, dtype=np.int64) * 100 * MS
    all_of_them = {
        "sent": base.copy(), "received": base + MS, "stored": base + 3 * MS, "acked": base + 4 * MS,
    }  # fmt: skip
    for name, by_ms in changes.items():
        all_of_them[name][7] = 0 if by_ms is None else all_of_them[name][7] + int(by_ms * MS)
    return all_of_them


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"received": -5}, ["received before they were sent"]),
        ({"received": 5}, ["stored before they were received"]),
        ({"stored": -2.5}, ["stored before they were received"]),
        ({"stored": 5}, ["acked before they were stored"]),
        ({"acked": -5}, ["acked before they were sent", "acked before they were stored"]),
        ({"received": None, "stored": -5}, ["stored before they were sent"]),
    ],
)
def test_a_stamp_out_of_order_is_found_with_its_record(changes, words):
    found = violations(**stamps(**changes), ack_means_stored=True)
    assert [each.words for each in found] == words
    assert all(each.seqs == [7] for each in found)


@pytest.mark.parametrize("missing", ["received", "stored", "acked", "sent"])
def test_a_stamp_that_is_missing_is_in_no_order(missing):
    assert violations(**stamps(**{missing: None}), ack_means_stored=True) == []


def test_an_ack_that_does_not_promise_the_store_may_come_first():
    assert violations(**stamps(stored=5), ack_means_stored=False) == []
    promised = np.ones(1_000, bool)
    promised[7] = False
    assert violations(**stamps(stored=5), ack_means_stored=promised) == []


def test_the_resolution_of_the_clock_is_no_order():
    late = stamps(stored=1.5)  # stored 0.5 ms behind its ack
    assert violations(**late, ack_means_stored=True, resolution_ns=MS) == []
    assert violations(**late, ack_means_stored=True, resolution_ns=MS // 2) == []
    (found,) = violations(**late, ack_means_stored=True, resolution_ns=MS // 4)
    assert found.worst_ns == MS // 2
