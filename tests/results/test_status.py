"""The exit status: one number, told in one order, documented in one place."""

from itertools import chain, combinations
from pathlib import Path

import pytest

from empkit.results.status import ORDER, ExitStatus, described, first_of, of_signal


def test_of_several_statuses_that_hold_the_first_in_the_order_is_the_exit_status():
    told = [2, 130, 143, 1, 3, 4, 0]
    assert list(ORDER) == told
    every = chain.from_iterable(combinations(ExitStatus, size) for size in range(len(ORDER) + 1))
    for holding in every:
        expected = next((number for number in told if number in set(holding)), 0)
        assert first_of(holding) == first_of(reversed(holding)) == expected


@pytest.mark.parametrize(("name", "number"), [("", 0), ("SIGINT", 130), ("SIGTERM", 143)])
def test_a_signal_has_the_status_that_a_shell_gives_it(name, number):
    assert of_signal(name) == number


def test_the_readme_has_each_status_with_its_meaning_in_the_same_words():
    readme = " ".join((Path(__file__).parents[2] / "README.md").read_text().split())
    for status in ExitStatus:
        assert f"| {int(status)} | {status.meaning} |" in readme
    meanings = [f"{int(status)} {status.meaning}" for status in ORDER]
    assert described() == f"Exit status, the first that holds: {'; '.join(meanings)}."
