"""What every figure has: small print, and a mark on what is not valid."""

import matplotlib.colors
import pytest

from empkit import plots
from empkit.plots.style import WRONG, Picture, stamped
from tests.made_up_runs import made_up, together
from tests.plots.test_register import FIGURES

MACHINE = {"processor": "Analytical Engine", "cores": 2, "system": "Linux 6"}


def three(*wrong):
    """Runs over three protocols, of two rounds over HTTP; these places are not valid."""
    runs = together(
        made_up("http"), made_up("http", number=2), made_up("websocket"), made_up("kafka")
    )
    runs.environment |= {"date": "2026-11-26T11:33:00+00:00", "machine": MACHINE}
    for place in wrong:
        runs.runs[place].valid = False
        runs.runs[place].not_valid = {"generator": "The load generator sent records late."}
    return runs


def small(picture):
    """The small print of a figure."""
    return [text.get_text() for text in picture.texts if text is not picture._suptitle]


def frame(picture):
    """Whether the figure has the frame of what is not valid."""
    return picture.patch.get_edgecolor() == matplotlib.colors.to_rgba(WRONG)


@pytest.mark.parametrize("draw", [*FIGURES, lambda runs: plots.journey(runs, "run-E3")])
def test_every_figure_says_what_was_measured_where_and_when(draw):
    picture = draw(three())
    (words,) = small(picture)
    for part in ("round", "200 records", "Analytical Engine", "2 cores", "2026-11-26 11:33"):
        assert part in words
    assert not frame(picture) and "ot valid" not in picture.alt


@pytest.mark.parametrize("draw", [*FIGURES, lambda runs: plots.journey(runs, "run-E3")])
def test_every_figure_marks_what_is_not_valid(draw):
    picture = draw(three(0, 1))
    assert frame(picture) and "Not valid, do not use: HTTP" in small(picture)[1]
    assert "Not valid, do not use: HTTP" in picture.alt


def test_the_label_of_a_protocol_says_how_many_of_its_rounds_are_not_valid():
    runs = three(1, 2)
    texts = [text.get_text() for text in plots.rates(runs).axes[0].get_yticklabels()]
    assert texts == ["HTTP (1 of 2 rounds not valid)", "WebSocket (not valid)", "Kafka"]
    assert runs.of("http", 1).label("http") == "HTTP"


def test_rounds_that_are_left_out_are_said_without_a_frame_since_the_others_can_be_used():
    picture = plots.rates(three(0))
    assert not frame(picture)
    words = " ".join(reversed(small(picture)))
    assert words.count("left out: HTTP (1 of 2 rounds not valid)") == 1


def test_small_print_ends_within_the_figure_however_much_there_is_to_say():
    runs = three(0)
    runs.environment["machine"] = MACHINE | {"system": "Linux 6.18.44-a-long-name-of-a-kernel"}
    picture = plots.rates(runs)
    assert len(small(picture)) == 2
    places = [text.get_window_extent() for text in picture.texts]
    assert max(place.x1 for place in places) < picture.bbox.width
    assert "2026-11-26 11:33" in small(picture)[0]


def test_a_figure_of_another_package_gets_its_small_print_and_no_figure_gets_it_twice():
    runs = three(0, 1)
    picture = stamped(Picture(), runs)
    assert frame(picture) and len(small(stamped(picture, runs))) == 2


def test_a_figure_of_an_old_result_that_names_no_machine_has_small_print_all_the_same():
    assert small(plots.rates(made_up())) == [
        "round 1, 200 records, at 1,000 records/s for each (open loop), 2026-01-01"
    ]
