"""`python -m tests.sabotage`: carry out the table, and print what named each sabotage.

python -m tests.sabotage            every row; the status is 1 if nobody named one
python -m tests.sabotage ack flush  the rows whose promise or words hold one of these
python -m tests.sabotage --write    carry nothing out; put the table into README.md
"""

from __future__ import annotations

import resource
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.sabotage import kit
from tests.sabotage.table import BY_THE_KIT, FORKS, KIT, PROMISES, as_markdown, finds

NOBODY = "**nobody**"
README = Path(__file__).with_name("README.md")
HEADING = "## The table\n\n"


def _found(attempt: Callable[[], None], finder: str) -> str:
    """Return what named a sabotage, or why it is not known."""
    try:
        attempt()
    except AssertionError as error:
        print(error, file=sys.stderr)
        return NOBODY
    except pytest.skip.Exception as skipped:
        return f"not tried here: {skipped}"
    return finder


def _cpu_s() -> float:
    """Return the processor time used so far, in seconds: here, in forks, and in children that have
    ended."""
    used = [resource.getrusage(of) for of in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return FORKS.cpu_s + sum(each.ru_utime + each.ru_stime for each in used)


def write() -> None:
    """Put the table into README.md, below its heading."""
    above, heading, _ = README.read_text().partition(HEADING)
    README.write_text(above + heading + as_markdown())


def main(words: list[str]) -> int:
    """Carry out the rows, print the table, and return the status.

    Args:
        words: each is looked for in the promise and in what is broken; without any, all rows.
    """
    if words == ["--write"]:
        write()
        return 0
    said: kit.Said | None = None
    nobody, total_s = 0, _cpu_s()
    print("| promise | what is broken | what named it | processor time |")
    print("| --- | --- | --- | --- |")
    for promise in PROMISES:
        for sabotage in promise.sabotages:
            if words and not any(word in f"{promise.name} {sabotage.broken}" for word in words):
                continue
            begun_s = _cpu_s()
            with tempfile.TemporaryDirectory() as folder:
                if sabotage.found_by == KIT:
                    said = said or kit.carry_out(Path(folder), BY_THE_KIT)
                    told = said
                    finder = _found(lambda: kit.names(told, sabotage), KIT)  # noqa: B023
                else:
                    finder = _found(
                        lambda: finds(Path(folder), sabotage),  # noqa: B023
                        f"`{sabotage.found_by}`",
                    )
            nobody += finder == NOBODY
            took_s = _cpu_s() - begun_s
            print(f"| {promise.name} | {sabotage.broken} | {finder} | {took_s:.1f} s |", flush=True)
    print(f"\nNamed by nobody: {nobody}. Processor time: {_cpu_s() - total_s:.0f} s.")
    return 1 if nobody else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
