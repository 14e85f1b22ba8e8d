"""The same request through several HTTP libraries."""

import pytest

from empkit.course import plots as course_plots
from empkit.course.callers import CALLERS, time_callers
from empkit.processes.child import ChildError


@pytest.mark.slow
def test_each_caller_gets_its_record_stored(lab):
    timed = time_callers(lab, requests=20)
    counts = timed.groupby(["caller", "connection"]).size()
    assert set(counts.index.get_level_values("caller")) == set(CALLERS)
    assert (counts == 20).all() and len(counts) == 2 * len(CALLERS)
    assert (timed["round_trip_ms"] > 0).all()
    picture = course_plots.callers(timed)
    assert "Connection kept: " in picture.axes[0].get_title(loc="left") + str(picture.texts)


@pytest.mark.slow
def test_a_request_that_is_refused_is_an_error_and_is_not_timed(lab, monkeypatch):
    monkeypatch.setattr(lab, "token", "no token")
    with pytest.raises(ChildError, match="answered 401"):
        time_callers(lab, requests=20)
