"""The end of a command that runs experiments: write the results, draw the extras, and choose the
exit status.

    results --> save --> figures, report (extras) --> last lines --> status
                  |            |
          temporary folder   left out, with a warning

Imports inside the functions keep the start of the command line fast: pandas and matplotlib take
long.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from empkit.processes import interrupts
from empkit.results.status import ExitStatus, first_of, of_signal
from empkit.shortage import said

if TYPE_CHECKING:
    from empkit.results.runs import Runs

Say = Callable[[str], None]

RESULTS = Path("results")
"""The default folder of all results; `latest` in it points to the newest."""


def save(crossed: Sequence[Runs], folder: Path, say: Say) -> list[Path]:
    """Write the measurements, before figures and report are made of them.

    Args:
        crossed: the comparisons; several get one subfolder each.
        folder: of the results; a temporary folder takes its place when it cannot be written.
        say: prints a warning.

    Returns:
        The folder of each comparison; none if there is no place for them, which is said.
    """
    folders = _folders(crossed, folder)
    with interrupts.held():
        import tempfile

        from empkit.results.folders import point_to

        try:
            for runs, run_folder in zip(crossed, folders, strict=True):
                runs.save(run_folder)
            if folder.parent == RESULTS:
                point_to(folder)
        except OSError as error:
            why = f"The results cannot be written to {folder}: {error.strerror or error}."
            elsewhere = Path(tempfile.mkdtemp(prefix="empkit-results-"))
            folders = _folders(crossed, elsewhere)
            try:
                for runs, run_folder in zip(crossed, folders, strict=True):
                    runs.save(run_folder)
            except OSError as second:
                shutil.rmtree(elsewhere, ignore_errors=True)
                say(
                    f"{why} Nor can they be written to {elsewhere.parent}: "
                    f"{said(second, elsewhere.parent)} What is printed here is all that is left of "
                    "them."
                )
                return []
            say(f"{why} They are in {elsewhere} instead: move them to a permanent place.")
    return folders


def _folders(crossed: Sequence[Runs], folder: Path) -> list[Path]:
    """Return the folder of each result; several are named for their load and their choice."""
    from empkit.results.load import load_of

    if len(crossed) == 1:
        return [folder]
    loads = [load_of(runs).name for runs in crossed]
    choices = [runs.guarantees.replace(" ", "-") for runs in crossed]
    parts = [names for names in (loads, choices) if len(set(names)) > 1]
    return [folder / "-".join(names) for names in zip(*parts, strict=True)]


def add_extras(crossed: Sequence[Runs], folders: Sequence[Path], say: Say) -> None:
    """Add figures and report; those that cannot be drawn or written are left out, with a warning.

    Args:
        crossed: the comparisons.
        folders: the folder of each, as `save` returned them.
        say: prints a warning.
    """
    from empkit.report import Part, write_figures, write_report, write_together

    top = folders[0] if len(folders) == 1 else folders[0].parent
    parts = []
    try:
        with interrupts.released():
            for runs, folder in zip(crossed, folders, strict=True):
                parts.append(Part(runs, *write_figures(runs, folder)))
                _say_missing(parts[-1].missing, folder, say)
            together, missing = write_together(crossed, top)
            _say_missing(missing, top, say)
            try:
                write_report(parts, top / "report.html", together)
            except Exception as error:  # noqa: BLE001 - the numbers are written and valid
                say(f"The report could not be written: {type(error).__name__}: {error}.")
    except KeyboardInterrupt:
        say("Interrupted: the missing figures and the report were not made.")


def _say_missing(missing: Mapping[str, str], folder: Path, say: Say) -> None:
    if not missing:
        return
    reason = next(iter(missing.values()))
    say(
        f"Not drawn: {', '.join(missing)} ({reason.rstrip('.')}). The numbers are complete. "
        "Correct matplotlib's settings (MPLBACKEND, or the matplotlibrc of this folder or of your "
        "account); then "
        f"`empkit.plots.figures(empkit.load({str(folder)!r}))` draws them."
    )


def status(crossed: Sequence[Runs], unmeasured: Sequence[str]) -> ExitStatus:
    """Return the exit status.

    Args:
        crossed: the comparisons.
        unmeasured: what was not measured and is in none of the comparisons.
    """
    holding = [runs.status for runs in crossed]
    holding.append(of_signal(interrupts.first()))
    if unmeasured:
        holding.append(ExitStatus.NOT_MEASURED)
    return first_of(holding)


def page(folder: Path) -> Path | None:
    """Return the report of a folder of results if it was written."""
    report = folder / "report.html"
    return report if report.exists() else None
