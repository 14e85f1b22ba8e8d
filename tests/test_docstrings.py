"""The docstrings keep their word: the tree of exceptions is that of the code, the examples run."""

import asyncio
import builtins
import doctest
import importlib
import inspect
import io
import pkgutil
import re
from pathlib import Path

import pandas as pd
import pytest

import empkit
from empkit.experiment.search import RateSearch

PACKAGES = ("empkit", "empkit.faults", "empkit.plots", "empkit.course")
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def public_names():
    """Every class, function and module of the public face, by its package and name."""
    for package in PACKAGES:
        module = importlib.import_module(package)
        for name in module.__all__:
            value = getattr(module, name)
            home = getattr(value, "__module__", None) or ""
            if inspect.ismodule(value) or (callable(value) and home.startswith("empkit")):
                yield package, name


@pytest.fixture(scope="module")
def examples_see(embedded):
    """What an example may use without saying where it comes from: a lab, its runs, a search."""
    names = {"asyncio": asyncio, "io": io, "Path": Path, "plots": empkit.plots, "lab": embedded}
    for package in PACKAGES:
        module = importlib.import_module(package)
        names |= {name: getattr(module, name) for name in module.__all__}
    workload = empkit.Workload(records=100, in_flight=1)
    names["runs"] = embedded.compare(["http", "kafka"], workload, progress=lambda *_: None)
    for info in names["runs"].runs:  # as on a quiet machine, which that of a test is not
        info.valid, info.not_valid = True, {}
    steps = {
        "rate": [500.0, 1000.0, 2000.0], "stored_per_s": [500.0, 1000.0, 1800.0],
        "p50_ms": [1.0, 2.0, 50.0], "p99_ms": [3.0, 9.0, 300.0],
        "kept_up": [True, True, False], "why": ["", "", "the p99 is above 100 ms"],
    }  # fmt: skip
    names["search"] = RateSearch("http", 100.0, pd.DataFrame(steps))
    return names


@pytest.mark.slow
@pytest.mark.parametrize(("package", "name"), list(public_names()))
def test_each_public_name_has_an_example_that_runs(
    package, name, examples_see, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    value = getattr(importlib.import_module(package), name)
    text = inspect.cleandoc(value.__doc__ or "")  # its own, not that of a class above
    test = doctest.DocTestParser().get_doctest(text, dict(examples_see), name, None, None)
    assert test.examples, f"{name} has no example"
    said = []
    doctest.DocTestRunner(optionflags=FLAGS).run(test, out=said.append)
    assert not said, "".join(said)


def exceptions():
    """Every exception that a module of the kit defines: its name, its module, and its bases."""
    for found in pkgutil.walk_packages(empkit.__path__, "empkit."):
        if found.name.endswith("__main__"):
            continue  # these run the program
        module = importlib.import_module(found.name)
        for name, kind in vars(module).items():
            if (
                inspect.isclass(kind)
                and issubclass(kind, BaseException)
                and kind.__module__ == found.name
            ):
                yield name, found.name, [base.__name__ for base in kind.__bases__]


def tree():
    """What the docstring says: name, module (none for Python's own), and the name above it."""
    above = {}
    lines = inspect.getdoc(empkit).partition("The exceptions,")[2].partition("    Exception\n")
    for line in (lines[1] + lines[2]).splitlines():
        said = re.fullmatch(r"( +)(\w+)(?: +([a-z.]+)  +\S.*)?", line)
        if said is None:
            break
        depth = len(said[1])
        above = {each: name for each, name in above.items() if each < depth}
        yield said[2], said[3], above[max(above)] if above else None
        above[depth] = said[2]


def test_the_tree_of_exceptions_is_that_of_the_code():
    said = {(name, f"empkit.{home}", base) for name, home, base in tree() if home}
    assert said == {(name, home, base) for name, home, bases in exceptions() for base in bases}


def test_the_tree_has_the_exceptions_of_python_where_python_has_them():
    for name, home, base in tree():
        if not home and base:
            assert getattr(builtins, base) in getattr(builtins, name).__bases__
