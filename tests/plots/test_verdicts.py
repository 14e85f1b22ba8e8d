"""The figure of verdicts: broken promises, and loss that was allowed, are in its title."""

from empkit import plots
from tests.made_up_runs import made_up


def test_a_broken_promise_is_in_the_title():
    runs = made_up(verdict={3: "lost", 4: "lost"})
    assert "2 of 200 records: a promise was broken" in plots.verdicts(runs).get_suptitle()
    assert "2 of 200" in plots.timeline(runs).get_suptitle()


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
