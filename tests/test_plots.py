"""The figures: drawn of whatever a run may be, with a title that says what was found."""

import pandas as pd
import pytest

from empkit import plots
from empkit.course import plots as course_plots
from tests.made_up_runs import START_NS, made_up, together

FAULT = ("server-crash", "server", START_NS + 50_000_000, START_NS + 90_000_000)

MANY = together(
    made_up("http", faults=[FAULT]), made_up("http", number=2, seed=1), made_up("kafka"),
)  # fmt: skip
ONE_RECORD = made_up("websocket", 1)
NOTHING_ACKED = made_up(
    "http", 20,
    acked_ns=dict.fromkeys(range(20), pd.NA), stored_ns=dict.fromkeys(range(20), pd.NA),
    received_ns=dict.fromkeys(range(20), pd.NA),
    outcome=dict.fromkeys(range(20), "unknown"), verdict=dict.fromkeys(range(20), "failed"),
)  # fmt: skip

FIGURES = [
    plots.latency, plots.stages, plots.verdicts, plots.rates, plots.timeline, plots.throughput,
    plots.percentiles_over_time, plots.timelines,
]  # fmt: skip


@pytest.mark.parametrize("draw", FIGURES)
@pytest.mark.parametrize("runs", [MANY, ONE_RECORD, NOTHING_ACKED])
def test_every_figure_can_be_drawn_of_any_run(draw, runs):
    png, metadata = draw(runs)._repr_png_()
    assert png.startswith(b"\x89PNG")
    assert len(metadata["alt"]) > 20


def test_the_title_names_the_fastest_only_where_it_is():
    clear = together(made_up("kafka"), made_up("http"))
    assert plots.latency(clear).get_suptitle().startswith("Kafka acks first")
    one = plots.latency(made_up("kafka")).get_suptitle()
    assert one.startswith("Kafka: acked p50 ")
    assert "; stored p50 " in one
    alike = together(made_up("websocket", seed=1), made_up("http", seed=2))
    assert "no difference that shows" in plots.latency(alike).get_suptitle()


def test_a_broken_promise_is_in_the_title():
    runs = made_up(verdict={3: "lost", 4: "lost"})
    assert "2 of 200 records: a promise was broken" in plots.verdicts(runs).get_suptitle()
    assert "2 of 200" in plots.timeline(runs).get_suptitle()


def test_a_timeline_says_how_long_the_slowest_took():
    runs = made_up(acked_ns={3: START_NS + 520_000_000})
    title = plots.timeline(runs).get_suptitle().replace("\n", " ")
    assert title == (
        "HTTP: All 200 records are stored once, as sent; the slowest took 517\N{NO-BREAK SPACE}ms"
    )
    never = made_up(acked_ns={3: START_NS + 520_000_000, 4: pd.NA}, outcome={4: "unknown"})
    assert "the slowest that is known took" in plots.timeline(never).get_suptitle()
    assert "slowest" not in plots.timeline(NOTHING_ACKED).get_suptitle()


def test_the_verdicts_of_several_runs_stand_side_by_side():
    kept, lost = made_up("kafka"), made_up("kafka", verdict={3: "lost"})
    lost.runs[0].guarantees = "acks=0"
    figure = plots.verdicts([kept, lost])
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == ["Kafka\nas set", "Kafka\nacks=0"]
    assert figure.get_suptitle() == "Promises broken: none as set, 1 of 200 with acks=0"


def test_loss_that_is_allowed_is_no_broken_promise_in_a_title():
    kept, lost = made_up("kafka"), made_up("kafka", verdict={3: "lost"})
    lost.runs[0].guarantees = lost.runs[0].loss_allowed = "acks=0"
    together = plots.verdicts([kept, lost])
    assert together.get_suptitle() == (
        "No promise broken; lost as allowed: none as set, 1 of 200 with acks=0"
    )
    assert "1 lost as allowed" in together.alt
    assert not any("broken promises" in each.get_text() for each in together.axes[0].texts)
    assert plots.verdicts(lost).get_suptitle() == (
        "1 of 200 records lost as allowed; no promise broken"
    )


def test_a_promise_that_no_single_record_broke_is_in_the_title():
    runs = made_up("http")
    runs.runs[0].broken = ["2 stored more than once: a, b"]
    assert plots.verdicts(runs).get_suptitle() == (
        "200 of 200 records stored; a promise was broken"
    )


def test_the_journey_shows_every_attempt_and_the_fault():
    runs = made_up("http", 200, attempts={60: 2}, faults=[FAULT])
    sent = int(runs.timings.loc[60, "sent_ns"])
    acked = int(runs.timings.loc[60, "acked_ns"])
    runs.attempts = pd.DataFrame(
        [
            ("http", 1, 60, 1, sent, sent + 400_000, "no_answer"),
            ("http", 1, 60, 2, sent + 500_000, acked, "created"),
        ],
        columns=runs.attempts.columns,
    )
    figure = plots.journey(runs, "run-E60")
    words = " ".join(text.get_text() for text in figure.axes[0].texts)
    assert "1: no answer" in words
    assert "2: created" in words
    assert "and 2 attempts" in figure.get_suptitle()
    png, metadata = figure._repr_png_()
    assert png.startswith(b"\x89PNG")
    words = metadata["alt"].replace("\N{NO-BREAK SPACE}", " ")
    assert "0.01 ms: no answer; attempt 2 at 0.51 ms: created" in words
    with pytest.raises(KeyError, match="No record 'nobody'"):
        plots.journey(runs, "nobody")


def test_many_attempts_alike_in_the_journey_share_a_name():
    runs = made_up("http", 200, attempts={60: 6})
    sent = int(runs.timings.loc[60, "sent_ns"])
    tries = [(sent + 50_000 * number, "not_sent") for number in range(5)]
    tries.append((sent + 250_000, "created"))
    runs.attempts = pd.DataFrame(
        [("http", 1, 60, number, at, at, answer) for number, (at, answer) in enumerate(tries, 1)],
        columns=runs.attempts.columns,
    )
    words = [text.get_text() for text in plots.journey(runs, "run-E60").axes[0].texts]
    assert "1 to 5: not sent" in words
    assert "6: created" in words
    assert not [word for word in words if word.startswith("2: ")]


def test_copies_in_the_log_are_counted_and_none_is_named_where_there_are_none():
    def of(appended):
        runs = made_up("kafka")
        runs.runs[0].appended = appended
        return runs

    figure = plots.copies([of(203), of(200)])
    assert figure.get_suptitle() == "The log holds up to 3 copies too many, the database none"
    assert "200 sent, 203 in the log, 200 stored" in figure._repr_png_()[1]["alt"]
    assert "holds 1 copy too many" in plots.copies([of(201)]).get_suptitle()
    assert plots.copies([of(200)]).get_suptitle() == "The log holds no copy too many"


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


def test_a_protocol_of_ones_own_has_a_name_and_a_colour_of_its_own():
    runs = together(made_up("http"), made_up("mine:A"), made_up("mine:B"))
    legend = plots.latency(runs).axes[0].get_legend()
    assert [text.get_text().partition(":")[0] for text in legend.get_texts()] == ["HTTP", "A", "B"]
    colours = {line.get_color() for line in legend.get_lines()}
    assert len(colours) == 3
