"""The table of README.md, between two comments that name the broker."""

from __future__ import annotations

import platform
import time
from collections.abc import Mapping

from claims import MISTAKES
from scenarios import CONSUMING, PRODUCING

NOT_RUN = ""
Cells = Mapping[tuple[str, str, str], str]


def write(readme: str, broker: str, versions: Mapping[str, str], cells: Cells) -> str:
    """Return the text of README.md with the table of one broker as it was seen.

    Raises:
        ValueError: it has no such table.
    """
    tables = [
        _table("consumer", "consume", CONSUMING, versions, cells),
        _table("producer", "produce", PRODUCING, versions, cells),
        _where(),
    ]
    readme = _between(readme, f"seen, {broker}", "\n\n".join(tables))
    return _between(readme, "mistakes", _mistakes())


def _between(readme: str, name: str, text: str) -> str:
    begin, end = (f"<!-- {name}: {which} -->" for which in ("begin", "end"))
    before, found, rest = readme.partition(begin)
    if not found or end not in rest:
        raise ValueError(f"README.md has no lines {begin!r} and {end!r}.")
    return f"{before}{begin}\n\n{text}\n\n{end}{rest.partition(end)[2]}"


def _mistakes() -> str:
    lines = ["| library | scenario | what the default or the quick start does | page |"]
    lines.append("| --- | --- | --- | --- |")
    for claim in MISTAKES:
        library, name = _plain(claim.library), _plain(claim.name)
        name += {"apache": " (Apache Kafka)", "embedded": " (embedded broker)"}.get(
            claim.broker, ""
        )
        lines.append(f"| {library} | {name} | {claim.why} | <{claim.page}> |")
    return "\n".join(lines)


def _plain(expression: str) -> str:
    """Return the alternatives of a regular expression as words."""
    return expression.strip("()").replace("|", ", ").replace(".*", "the broker is down")


def _table(
    title: str, kind: str, names: Mapping[str, object], versions: Mapping[str, str], cells: Cells
) -> str:
    lines = [f"| {title} | {' | '.join(names)} |", f"| --- |{' --- |' * len(names)}"]
    for library, version in versions.items():
        row = [cells.get((library, kind, name), NOT_RUN) for name in names]
        if any(row):
            lines.append(f"| {library} {version} | {' | '.join(row)} |")
    return "\n".join(lines)


def _where() -> str:
    day = time.strftime("%Y-%m-%d", time.gmtime())
    return f"Python {platform.python_version()}, {platform.machine()}, {day}."
