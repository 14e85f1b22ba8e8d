"""The verdicts on the records, and the number of their copies."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from empkit.plots.kind import figure
from empkit.plots.style import Picture, bars, legend, titled
from empkit.results import conclusion
from empkit.results.info import AS_SET
from empkit.results.runs import Runs
from empkit.results.verdicts import BROKEN_PROMISES, KINDS, VERDICTS


@figure(
    "verdicts",
    "comparison",
    "The verdicts on the records; the parts of one bar add up to the records offered. All counts "
    "are below the bar, also those too small to be visible in it.",
)
def verdicts(runs: Runs | Sequence[Runs]) -> Picture:
    """Draw how many records got each verdict, with every count below its bar.

    Args:
        runs: one result gets a bar per protocol; several, such as `Lab.cross` returns, get a bar
            per protocol and choice of guarantees.

    Example:
        >>> plots.verdicts(runs).alt
        'All 200 records are stored once, as sent. HTTP: 100 stored. Kafka: 100 stored. ...'
    """
    several = [runs] if isinstance(runs, Runs) else list(runs)
    counts = pd.concat([runs.verdicts() for runs in several])
    names = [
        one.label(protocol) + (f"\n{one.guarantees}" if len(several) > 1 else "")
        for one in several
        for protocol in one.protocols
    ]
    allowed = [conclusion.allowed_losses(one.of(name)) for one in several for name in one.protocols]
    broken_any = bool(counts[list(BROKEN_PROMISES)].to_numpy().any())
    picture, axes = bars(len(counts), 1.0 if broken_any else 0.75, 1.1)
    left = np.zeros(len(counts))
    places = np.arange(len(counts))
    for verdict in VERDICTS:
        values = counts[verdict].to_numpy(dtype=float)
        if values.any():
            axes.barh(places, values, left=left, color=KINDS[verdict].colour,
                      label=verdict.replace("_", "-"), height=0.4)  # fmt: skip
        left += values
    words = []
    for place, (name, (_, row)) in enumerate(zip(names, counts.iterrows(), strict=True)):
        fine, broken = _in_words(row, allowed[place])
        axes.annotate(fine, (0, place + 0.2), (2, -3), textcoords="offset points", fontsize=9,
                      va="top")  # fmt: skip
        if broken:
            axes.annotate(f"broken promises:  {broken}", (0, place + 0.2), (2, -16), fontsize=9,
                          textcoords="offset points", va="top", fontweight="bold",
                          color="#A33B00")  # fmt: skip
        words.append(f"{name}: {fine}{', ' if fine and broken else ''}{broken}.")
    axes.set_yticks(places, names)
    axes.set_xlim(0, max(1.0, float(left.max())) * 1.01)
    axes.set_xlabel("records")
    legend(axes)
    alt = " ".join(words).replace(",  ", ", ").replace("\n", ", ")
    return titled(picture, verdict_finding(several), alt, several)


def _in_words(row: pd.Series[int], allowed: int) -> tuple[str, str]:
    """Return the counts of the verdicts in words: those that break no promise, and those that do.

    Args:
        row: the counts of one protocol.
        allowed: the number of its lost records that guarantees or a fault allow to be lost.
    """
    fine: list[str] = []
    broken: list[str] = []
    for verdict in VERDICTS:
        count, name = int(row[verdict]), verdict.replace("_", "-")
        of_them = allowed if verdict == "lost" else 0
        if of_them:
            fine.append(f"{of_them:,} {name} as allowed")
        if count > of_them:
            sink = broken if verdict in BROKEN_PROMISES else fine
            sink.append(f"{count - of_them:,} {name}")
    return ",  ".join(fine), ",  ".join(broken)


def verdict_finding(several: Sequence[Runs]) -> str:
    """Return a summary of the verdicts, in the words of the conclusion."""
    counts = pd.concat([runs.verdicts() for runs in several])
    offered, stored = int(counts["offered"].sum()), int(counts["stored"].sum())
    allowed = [conclusion.allowed_losses(runs) for runs in several]
    bad = [_broken_records(runs) for runs in several]
    if len(several) > 1 and any(bad):
        return "Promises broken: " + _with_choices(bad, several)
    if sum(bad):
        return f"{sum(bad):,} of {offered:,} records: a promise was broken"
    if any(runs.broken for runs in several):
        return f"{stored:,} of {offered:,} records stored; a promise was broken"
    if len(several) > 1 and any(allowed):
        return f"No promise broken; lost as allowed: {_with_choices(allowed, several)}"
    if any(allowed):
        return f"{sum(allowed):,} of {offered:,} records lost as allowed; no promise broken"
    if stored == offered:
        everything = f"All {offered:,} records are" if offered > 1 else "The one record is"
        return f"{everything} stored once, as sent"
    return f"{stored:,} of {offered:,} records stored; no promise broken"


def _broken_records(runs: Runs) -> int:
    """Return the number of records that had a promise broken."""
    counts = runs.verdicts()[list(BROKEN_PROMISES)]
    return int(counts.to_numpy().sum()) - conclusion.allowed_losses(runs)


def _with_choices(counts: Sequence[int], several: Sequence[Runs]) -> str:
    """Return the count of each choice of guarantees, in words."""
    words = []
    for count, runs in zip(counts, several, strict=True):
        many = f"{count:,} of {sum(run.offered for run in runs.runs):,}" if count else "none"
        joint = "" if runs.guarantees == AS_SET else "with "
        words.append(f"{many} {joint}{runs.guarantees}")
    return ", ".join(words)


def copies(crossed: Sequence[Runs]) -> Picture:
    """Draw the number of copies of the records at each place: sent, in Kafka's log, stored.

    Args:
        crossed: runs over Kafka, one item per choice of guarantees, as `Lab.cross` returns them.

    Example:
        >>> plots.copies([runs]).alt
        'The log holds no copy too many. as set: 100 sent, 100 in the log, 100 stored. ...'
    """
    infos = [info for runs in crossed for info in runs.runs if info.appended is not None]
    stored = [
        int(runs.of(info.protocol, info.round).timings["stored_ns"].notna().sum())
        for runs in crossed
        for info in runs.runs
        if info.appended is not None
    ]
    picture, axes = bars(3 * max(1, len(infos)), 0.33, 1.0)
    group = 3.6  # three bars, and a gap to the next three
    axes.set_ylim(group * max(1, len(infos)) - 1.0, -0.5)
    names, extra, words = [], [], []
    for number, (info, count_stored) in enumerate(zip(infos, stored, strict=True)):
        appended = info.appended or 0
        counts = {"sent": info.offered, "in the log": appended, "stored": count_stored}
        for step, (name, count) in enumerate(counts.items()):
            place = group * number + step
            axes.barh(place, count, height=0.7, color=_COPY_COLOURS[name], label=name)
            beyond = f"{count:,}" if count == info.offered else (
                f"{count:,}  ({count - info.offered:+,})"
            )  # fmt: skip
            axes.text(count, place, f"  {beyond}", va="center", fontsize=9)
        names.append(info.guarantees.replace(" ", "\n"))
        extra.append(appended - info.offered)
        words.append(f"{info.guarantees}: {', '.join(f'{v:,} {k}' for k, v in counts.items())}.")
    axes.set_yticks([group * number + 1 for number in range(len(names))], names)
    axes.set_xlim(0, max([1, *(info.appended or 0 for info in infos)]) * 1.2)
    axes.set_xlabel("records")
    legend(axes)
    most = max(extra, default=0)
    many = f"{'up to ' if len(infos) > 1 else ''}{most:,} cop{'ies' if most > 1 else 'y'} too many"
    title = f"The log holds {many if most > 0 else 'no copy too many'}"
    if most > 0 and max(stored) <= max(info.offered for info in infos):
        title += ", the database none"
    return titled(picture, title, " ".join(words), crossed)


_COPY_COLOURS = {"sent": "#BBBBBB", "in the log": "#D55E00", "stored": "#009E73"}
