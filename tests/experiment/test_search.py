"""The search for the highest rate."""

import numpy as np
import pytest

from empkit import plots
from empkit.experiment import search


@pytest.mark.slow
def test_the_search_finds_the_highest_rate_within_the_limit_and_none_where_no_rate_is(
    lab, monkeypatch
):
    """With a limit on the p99 that no record can meet nothing is kept up, with a wide one a lot."""
    monkeypatch.setattr(search, "LEAST_RECORDS", 100)  # so that the lowest rate is soon over
    monkeypatch.setattr(search, "LOWEST_RATE", 50)
    said = []
    hopeless = lab.find_rate("http", p99_ms=0.01, first=100, seconds=0.2, on_step=said.append)
    assert np.isnan(hopeless.rate) and not hopeless.steps["kept_up"].any()
    assert hopeless.steps["why"].str.contains("above 0.01 ms").all()
    assert len(said) == len(hopeless.steps) and "not kept up" in said[0]
    easy = lab.find_rate(
        "http", p99_ms=60_000, first=50, highest=200, seconds=0.2, on_step=said.append
    )
    assert easy.rate == 200
    assert easy.steps["rate"].tolist() == [50, 100, 200]
    assert "keeps up with about 200 records per second" in plots.knee(easy).alt
    assert "does not keep up" in plots.knee(hopeless).alt


@pytest.mark.slow
@pytest.mark.parametrize("wrong", [{"p99_ms": 0}, {"precision": 1}, {"first": 1}, {"seconds": 0}])
def test_a_search_whose_numbers_make_no_sense_is_refused(lab, wrong):
    with pytest.raises(ValueError, match=r"first is|must be above 0"):
        lab.find_rate("http", **wrong)
