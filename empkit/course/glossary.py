"""The glossary of the course: the terms and the sources with which each notebook ends.

notebooks, cells `terms` and `read-more` --write--> glossary.md, beside them

The cells are the source. A term is defined in the notebook in which it comes first; `write` gives
every later notebook that lists the term the same words. After a change of a cell:

    python -m empkit.course.glossary
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from empkit.course.notebooks import originals, read, written

NAME = "glossary.md"
TERMS, SOURCES = "terms", "read-more"
"""The ids of the last two cells of a notebook."""

_TERM = re.compile(r"^- \*\*(?P<name>.+?)\*\*: (?P<words>.+)$", re.M)
_SOURCE = re.compile(r"^- \[(?P<name>.+?)\]\((?P<address>\S+)\): (?P<words>.+)$", re.M)

_HEAD = """\
# Glossary

The terms of the course, each with the notebook in which it comes first, and the sources of all
notebooks. (This page is made from the last two cells of each notebook.)
"""


class Entry(NamedTuple):
    """A term or a source, as a notebook lists it.

    Attributes:
        name: the term, or the title of the source.
        words: the definition, or what the source is read for.
        address: of a source.
    """

    name: str
    words: str
    address: str = ""


def terms(notebook: Path) -> list[Entry]:
    """Return the terms with which a notebook ends.

    Args:
        notebook: its file.

    Raises:
        KeyError: the notebook has no such cell.

    Example:
        >>> terms(originals() / "02_websocket.ipynb")[1].name
        'group commit'
    """
    return [Entry(**found.groupdict()) for found in _TERM.finditer(_text(_cell(notebook, TERMS)))]


def sources(notebook: Path) -> list[Entry]:
    """Return what a notebook names to read; see `terms`.

    Example:
        >>> sources(originals() / "01_http.ipynb")[0].address
        'https://www.rfc-editor.org/rfc/rfc9110.html'
    """
    text = _text(_cell(notebook, SOURCES))
    return [Entry(**found.groupdict()) for found in _SOURCE.finditer(text)]


def glossary(folder: Path) -> str:
    """Return the glossary, in Markdown.

    Args:
        folder: the folder of the notebooks.
    """
    lines = [_HEAD, "## Terms", ""]
    for entry, where in _gathered(folder, terms):
        lines.append(f"- **{entry.name}** ({where[0]}): {entry.words}")
    lines += ["", "## Sources", ""]
    for entry, where in _gathered(folder, sources):
        lines.append(f"- [{entry.name}]({entry.address}) ({', '.join(where)})")
    return "\n".join(lines) + "\n"


def write(folder: Path) -> Path:
    """Write the glossary, after giving each term the same words in all notebooks.

    Args:
        folder: the folder of the notebooks.

    Returns:
        The file of the glossary.

    Raises:
        OSError: a file cannot be written.
    """
    defined: dict[str, str] = {}
    for notebook in _notebooks(folder):
        content = read(notebook)
        cell = _cell_of(content, TERMS)

        def line(found: re.Match[str]) -> str:
            words = defined.setdefault(found["name"], found["words"])
            return f"- **{found['name']}**: {words}"

        text = _TERM.sub(line, _text(cell))
        if text != _text(cell):
            cell["source"] = text.splitlines(keepends=True)
            notebook.write_text(written(content), encoding="utf-8")
    path = folder / NAME
    path.write_text(glossary(folder), encoding="utf-8")
    return path


def _gathered(folder: Path, listed: Callable[[Path], list[Entry]]) -> list[tuple[Entry, list[str]]]:
    """Return the entries of all notebooks in alphabetical order, each once, with its notebooks."""
    first: dict[str, Entry] = {}
    where: dict[str, list[str]] = {}
    for notebook in _notebooks(folder):
        for entry in listed(notebook):
            first.setdefault(entry.name, entry)
            where.setdefault(entry.name, []).append(f"[{notebook.name[:2]}]({notebook.name})")
    return [(first[name], where[name]) for name in sorted(first, key=str.lower)]


def _notebooks(folder: Path) -> list[Path]:
    return sorted(folder.glob("[0-9][0-9]_*.ipynb"))


def _cell(notebook: Path, name: str) -> dict[str, Any]:
    return _cell_of(read(notebook), name)


def _cell_of(content: dict[str, Any], name: str) -> dict[str, Any]:
    cells: dict[str, dict[str, Any]] = {cell["id"]: cell for cell in content["cells"]}
    return cells[name]


def _text(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


if __name__ == "__main__":
    print(write(originals()))
