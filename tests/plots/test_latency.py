"""The figure of latencies: its title says what was found."""

import re

import pytest

from empkit import plots
from tests.made_up_runs import made_up, together


def rounds_of(*protocols, count=3):
    """Rounds of several protocols, each with times of its own."""
    return together(
        *(
            made_up(name, number=number, seed=10 * place + number)
            for place, name in enumerate(protocols)
            for number in range(1, count + 1)
        )
    )


def title_of(runs, draw=plots.latency):
    return draw(runs).get_suptitle().replace("\n", " ")


def test_the_title_names_the_fastest_only_where_it_is():
    clear = rounds_of("kafka", "http")
    assert title_of(clear).startswith("Kafka acks first: p50 ")
    assert title_of(clear).endswith("Kafka and HTTP store with no difference that shows") or (
        title_of(clear).endswith("HTTP and Kafka store with no difference that shows")
    )
    one = plots.latency(made_up("kafka")).get_suptitle()
    assert one.startswith("Kafka: acked p50 ")
    assert "; stored p50 " in one
    alike = rounds_of("websocket", "http")
    assert "no difference that shows" in title_of(alike)


@pytest.mark.slow
@pytest.mark.parametrize("draw", [plots.latency, plots.stages, plots.rates])
@pytest.mark.parametrize(
    ("count", "invalid", "reason"),
    [
        (1, 0, "(one round: no ranking; 3 or more rounds would allow one)"),
        (2, 0, "(2 rounds: no ranking; 3 or more rounds would allow one)"),
        (3, 1, "(2 of 3 rounds are valid: no ranking)"),
        (4, 1, ""),
    ],
)
def test_too_few_valid_rounds_name_no_first_one_and_the_title_says_why(
    draw, count, invalid, reason
):
    runs = rounds_of("kafka", "http", count=count)
    for run in runs.runs:
        run.valid = run.round > invalid
        if draw is plots.rates:  # at an offered rate each keeps up
            run.workload = {"in_flight": 8}
    title = title_of(runs, draw)
    assert reason in title
    ranks = re.search(r"acks first|stores first|stores most|most of the time|no difference", title)
    assert bool(ranks) == (not reason)
    assert (" ranking" in title) == bool(reason)


@pytest.mark.slow
def test_marks_have_an_interval_from_two_rounds_on():
    def caps(count):
        return [len(mark.get_children()) > 1 and len(mark.lines[2]) for mark in
                plots.latency(rounds_of("http", count=count)).axes[0].containers]  # fmt: skip

    assert caps(1) == [0, 0, 0]
    assert caps(2) == caps(3) == [1, 1, 1]


def test_a_protocol_of_ones_own_has_a_name_and_a_colour_of_its_own():
    runs = together(made_up("http"), made_up("mine:A"), made_up("mine:B"))
    legend = plots.latency(runs).axes[0].get_legend()
    assert [text.get_text().partition(":")[0] for text in legend.get_texts()] == ["HTTP", "A", "B"]
    colours = {line.get_color() for line in legend.get_lines()}
    assert len(colours) == 3


def test_latencies_at_unequal_loads_name_no_first_one_and_the_title_says_why():
    runs = rounds_of("kafka", "http", count=5)
    assert "acks first" in title_of(runs, plots.latency)
    for run in runs.runs:
        run.held_back = 3 if run.protocol == "http" else 0
    assert "waited for their turn (15 over http)" in title_of(runs, plots.latency)
    for run in runs.runs:
        run.workload, run.held_back = {"in_flight": 8}, 0
    assert "(each latency is at a load of its own: no ranking)" in title_of(runs, plots.latency)
    for run in runs.runs:
        run.workload = {"in_flight": 1}
    assert "acks first" in title_of(runs, plots.latency)
