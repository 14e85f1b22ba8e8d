"""A function of the notebook in another Python process."""

import functools
import zlib

import pytest

from empkit.course import elsewhere
from empkit.course.elsewhere import ElsewhereError, results_elsewhere

SALT = 7
scatter = hash


def salted(key):
    return zlib.crc32(key.encode()) + SALT


def is_even(number):
    return number == 0 or is_odd(number - 1)


def is_odd(number):
    return number != 0 and is_even(number - 1)


def multiplied(by):
    def times(number, plus=1, *, minus=0):
        return number * by + plus - minus

    return times


class Counted:
    def __call__(self, key):
        return len(key)


for defined in (salted, is_even, is_odd, Counted):
    defined.__module__ = "__main__"  # as what is defined in a notebook


@pytest.mark.parametrize(
    ("function", "given"),
    [
        (len, "abc"),
        (salted, "abc"),
        (is_even, 7),
        (multiplied(3), 5),
        (lambda key: salted(key) % 8, "abc"),
        (lambda key: [salted(part) for part in key.split()], "a b"),
        (functools.cache(salted), "abc"),
        (functools.partial(multiplied(2), plus=4), 5),
    ],
)
def test_what_a_notebook_can_define_gives_the_same_in_another_process(function, given):
    assert results_elsewhere(function, [(given,), (given,)]) == [function(given)] * 2


@pytest.mark.parametrize("seed", ["0", "1", "2", "random"])
def test_the_hash_of_a_text_is_another_there(monkeypatch, seed):
    monkeypatch.setenv(elsewhere.SEED, seed)
    calls = [(f"E{number}",) for number in range(10)]
    assert results_elsewhere(lambda key: scatter(key) % 1_000_003, calls) != [
        hash(key) % 1_000_003 for (key,) in calls
    ]


def test_what_it_prints_is_no_result_and_a_file_beside_the_notebook_replaces_no_module(
    tmp_path, monkeypatch, capfd
):
    (tmp_path / "random.py").write_text("raise RuntimeError('not this one')")
    (tmp_path / "beside.py").write_text("def double(number):\n    return 2 * number\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend("")
    import beside

    assert results_elsewhere(lambda number: print(number) or beside.double(number), [(4,)]) == [8]
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (
            Counted(),
            "cannot be taken to another process: it uses the class Counted of the notebook",
        ),
        (lambda key: 1 / 0, "it raised ZeroDivisionError: division by zero"),
        (lambda key: exit(3), "it raised SystemExit: 3"),
        (lambda key: os._exit(4), "it raised NameError: name 'os' is not defined"),  # noqa: F821
        (lambda key: __import__("os")._exit(4), "the other process ended with 4"),
        (lambda key: (letter for letter in key), "it raised TypeError"),
    ],
)
def test_why_a_function_has_no_result_there_is_said(function, said):
    with pytest.raises(ElsewhereError, match=said):
        results_elsewhere(function, [("abc",)])


def test_a_function_that_does_not_return_is_given_up(monkeypatch):
    monkeypatch.setattr(elsewhere, "TIMEOUT_S", 0.2)

    def waits(key):
        while True:
            pass

    with pytest.raises(ElsewhereError, match=r"did not return within 0\.2 s"):
        results_elsewhere(waits, [("abc",)])
