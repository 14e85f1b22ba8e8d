"""Carries the asserts of a cell out again, in the notebook's own kernel, under each change that
makes its sentence false."""

from __future__ import annotations

import ast
import contextlib
import importlib
import io
import json
from collections.abc import Mapping
from pathlib import Path

from tests.course.claims import Change, Claim, Names

MODULES = {
    "00_start_here": "start",
    "01_http": "http",
    "02_websocket": "websocket",
    "03_kafka": "kafka",
    "04_latency": "latency",
    "05_load": "load",
    "06_failures": "failures",
    "07_guarantees": "guarantees",
    "08_scale_out": "scale_out",
    "09_choose": "choose",
    "10_your_experiment": "own",
}
"""The module of the claims of each notebook."""


class ClaimError(AssertionError):
    """An assert held although its sentence was false, or failed for another reason."""


def claims_of(notebook: str) -> list[Claim]:
    """The claims of a notebook, by the stem of its file."""
    module = importlib.import_module(f"{__package__}.{MODULES[notebook]}")
    return list(module.CLAIMS)


def code_of(notebook: Path) -> dict[str, str]:
    """The code cells of a notebook by their ids, in order."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return {
        cell["id"]: "".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"
    }  # fmt: skip


def carry_out(names: Names, notebook: str, cell: str) -> int:
    """Make each change under the claims of a cell.

    Args:
        names: of the kernel; as before at the end.
        notebook: the path of its file.
        cell: the id of the cell.

    Returns:
        How many changes were made.

    Raises:
        ClaimError: an assert did not fail under a change, or another way than with its message.
    """
    path = Path(notebook)
    code = code_of(path)
    made = 0
    for claim in claims_of(path.stem):
        if claim.cell == cell:
            for change in claim.changes:
                fails(names, code, claim, change)
                made += 1
    return made


def fails(names: Names, code: Mapping[str, str], claim: Claim, change: Change) -> None:
    """Make one change, and see the assert fail.

    Raises:
        ClaimError: it did not.
    """
    before = dict(names)
    ids = list(code)
    first = ids.index(change.start or claim.cell)
    wanted = f"{claim.cell}: {claim.says!r}, and yet: {change.what}."
    try:
        names.update(check=_nothing, predict=_nothing)
        change.make(names)
        with contextlib.redirect_stdout(io.StringIO()):
            for cell in ids[first : ids.index(claim.cell) + 1]:
                exec(_with_one_assert(code[cell], claim.says), names)
    except AssertionError as error:
        if error.args != (claim.says,):
            raise ClaimError(f"{wanted} Another assertion failed: {error}") from error
    except Exception as error:
        raise ClaimError(f"{wanted} {type(error).__name__}: {error}") from error
    else:
        raise ClaimError(f"{wanted} The assert holds all the same.")
    finally:
        names.clear()
        names.update(before)


def asserts_in(code: str) -> list[ast.Assert]:
    """The asserts of a cell."""
    return [node for node in ast.walk(_parsed(code)) if isinstance(node, ast.Assert)]


def says(node: ast.Assert) -> str | None:
    """The message of an assert, when it is a text."""
    if isinstance(node.msg, ast.Constant) and isinstance(node.msg.value, str):
        return node.msg.value
    return None


def _parsed(code: str) -> ast.Module:
    """The code of a cell; magics, which are no Python, have no asserts."""
    return ast.parse("" if code.startswith("%%") else code)


def _with_one_assert(code: str, message: str) -> str:
    """The code of a cell in which only one assert is left: the others have changes of their own."""

    class Others(ast.NodeTransformer):
        def visit_Assert(self, node: ast.Assert) -> ast.stmt:
            return node if says(node) == message else ast.copy_location(ast.Pass(), node)

    return ast.unparse(ast.fix_missing_locations(Others().visit(_parsed(code))))


def _nothing(*_: object, **__: object) -> None:
    """In place of what talks to the reader or keeps what was measured."""
