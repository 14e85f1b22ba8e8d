"""The figures of the course: what scaling out brings, and who has which partitions."""

from empkit.course import plots as course_plots


def test_throughput_against_the_number_of_consumers():
    figure = course_plots.scaling({2: [1_500.0, 1_400.0, 1_600.0], 1: [1_000.0, 900.0, 1_100.0]})
    assert figure.get_suptitle().startswith("2 consumers store 1.5 times as many records")
    assert "1: 1,000, 900, 1,100; 2: 1,500" in figure.alt
    fewer = course_plots.scaling({2: [700.0, 710.0], 1: [1_000.0, 1_000.0]})
    assert fewer.get_suptitle().startswith("2 consumers store 0.7 times as many records")


def test_rounds_that_contradict_each_other_name_no_factor():
    figure = course_plots.scaling({2: [1_500.0, 1_000.0], 1: [1_100.0, 900.0]})
    assert figure.get_suptitle().startswith("2 consumers store neither clearly more nor clearly")


def test_the_members_of_a_group_with_their_partitions():
    shares = {"before": {"server": 4, "consumer 1": 4}, "after": {"server": 8}}
    figure = course_plots.members(shares)
    assert figure.get_suptitle() == "All 8 partitions are shared by 2, then by 1 member"
    assert "before: server 4, consumer 1 4; after: server 8" in figure._repr_png_()[1]["alt"]
