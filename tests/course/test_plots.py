"""The figures of the course: what scaling out brings, and who has which partitions."""

import numpy as np
import pandas as pd
import pytest

from empkit.course import plots as course_plots


def test_the_title_says_how_many_times_as_many_records_more_consumers_store():
    figure = course_plots.scaling({2: [1_500.0, 1_400.0, 1_600.0], 1: [1_000.0, 900.0, 1_100.0]})
    assert figure.get_suptitle().startswith("2 consumers store 1.5 times as many records")
    assert "1: 1,000, 900, 1,100; 2: 1,500" in figure.alt
    fewer = course_plots.scaling({2: [700.0, 710.0, 690.0], 1: [1_000.0, 1_000.0, 990.0]})
    assert fewer.get_suptitle().startswith("2 consumers store 0.7 times as many records")


def test_rounds_that_contradict_each_other_name_no_factor():
    figure = course_plots.scaling({2: [1_500.0, 1_000.0, 900.0], 1: [1_100.0, 900.0, 950.0]})
    assert figure.get_suptitle().startswith("2 consumers store neither more nor less than 1")


def test_two_rounds_name_no_factor():
    title = course_plots.scaling({2: [700.0, 710.0], 1: [1_000.0, 1_000.0]}).get_suptitle()
    assert "2 rounds: no ranking; 3 or" in title
    assert "times as many" not in title


@pytest.mark.parametrize(("factor", "title"), [(1.0, "no difference shows"), (3.0, " times as")])
def test_the_slowest_caller_is_named_only_where_it_is(factor, title):
    random = np.random.default_rng(7)
    timed = pd.DataFrame(
        {"caller": name, "connection": kind, "round_trip_ms": slower * random.exponential(1.0)}
        for _ in range(40)
        for name, slower in (("bare socket", 1.0), ("requests", factor))
        for kind in ("kept", "new")
    )
    assert title in course_plots.callers(timed).get_suptitle()


def test_the_figure_of_a_group_says_how_many_partitions_each_member_has():
    shares = {"before": {"server": 4, "consumer 1": 4}, "after": {"server": 8}}
    figure = course_plots.members(shares)
    assert figure.get_suptitle() == "All 8 partitions are shared by 2, then by 1 member"
    assert "before: server 4, consumer 1 4; after: server 8" in figure._repr_png_()[1]["alt"]
