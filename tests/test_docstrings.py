"""The docstrings keep their word: the tree of exceptions is that of the code."""

import builtins
import importlib
import inspect
import pkgutil
import re

import empkit


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
