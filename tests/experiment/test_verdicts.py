"""The verdict on a record: the design's table, and what follows from it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from empkit.experiment.verdicts import BROKEN_PROMISES, VERDICTS, judge

OUTCOMES = ("acked", "refused", "failed", "unknown")
HELD = ("nothing", "same", "other")


@pytest.mark.parametrize(
    ("outcome", "held", "dead_lettered", "verdict"),
    [
        ("acked", "same", False, "stored"),
        ("acked", "nothing", False, "lost"),
        ("acked", "other", False, "corrupt"),
        ("acked", "nothing", True, "dead_lettered"),
        ("acked", "other", True, "dead_lettered"),
        ("refused", "nothing", False, "refused"),
        ("refused", "other", False, "refused"),
        ("refused", "same", False, "phantom"),
        ("failed", "nothing", False, "failed"),
        ("failed", "same", False, "phantom"),
        ("unknown", "nothing", False, "failed"),
        ("unknown", "same", False, "unconfirmed"),
        ("unknown", "nothing", True, "dead_lettered"),
    ],
)
def test_each_row_of_the_table(outcome, held, dead_lettered, verdict):
    assert judge(outcome, held, dead_lettered=dead_lettered) == verdict


@given(st.sampled_from(OUTCOMES), st.sampled_from(HELD), st.booleans(), st.booleans())
def test_every_combination_has_one_verdict(outcome, held, dead_lettered, twin):
    verdict = judge(outcome, held, dead_lettered=dead_lettered, twin=twin)
    assert verdict in VERDICTS
    if verdict in BROKEN_PROMISES:
        assert outcome != "unknown"  # who promised nothing breaks nothing


def test_a_twin_that_is_held_does_not_make_a_refused_record_a_phantom():
    assert judge("refused", "same", twin=True) == "refused"
    assert judge("failed", "same", twin=True) == "failed"


def test_an_unknown_word_is_not_judged():
    with pytest.raises(ValueError, match="'lost' is not an outcome"):
        judge("lost", "same")
