"""The records in the topics of one test over time, and the faults that struck meanwhile."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from matplotlib.ticker import MaxNLocator

from empkit.plots.style import (
    BAD,
    FAULT_COLOUR,
    STORE,
    Picture,
    legend,
    new_picture,
    sentences,
    titled,
)

if TYPE_CHECKING:
    from empkit.testing.log import Record
    from empkit.testing.strikes import Strikes

MOST_ROWS = 24
ROW_INCHES = 0.32


def topics(test: str, strikes: Strikes, records: Sequence[Record]) -> Picture:
    """Draw each record at the time at which its producer made it, one row a partition, and above
    them a row for each fault.

    Records of one topic with the same key and value are in another colour: they may be one that
    its producer sent again. Of more than 24 partitions the first are drawn.

    Args:
        test: the name of the test.
        strikes: the faults.
        records: the records of all topics.
    """
    faults = strikes.times()
    copies = Counter((record.topic, record.key, record.value) for record in records)
    partitions = sorted({(record.topic, record.partition) for record in records})[:MOST_ROWS]
    rows = len(faults) + len(partitions)
    picture, (axes,) = new_picture(1, 1.6 + ROW_INCHES * max(rows, 2))
    for row, (name, partition) in enumerate(partitions, len(faults)):
        for several, colour, label in ((False, STORE, "once"), (True, BAD, "more than once")):
            times = [
                strikes.since_begin(record.time_s)
                for record in records
                if (record.topic, record.partition) == (name, partition)
                and (copies[record.topic, record.key, record.value] > 1) is several
            ]
            axes.plot(times, [row] * len(times), "|", color=colour, markersize=11, label=label)
    first, last = axes.get_xlim() if records else (0.0, 0.0)
    last = max([last, *(end if end is not None else begin for _, begin, end in faults)])
    for row, (_, begin, end) in enumerate(faults):
        until = last if end is None else end
        axes.barh(row, until - begin, 0.6, begin, color=FAULT_COLOUR, edgecolor=FAULT_COLOUR)
        axes.axvspan(begin, until, color=FAULT_COLOUR, alpha=0.15, linewidth=0, zorder=0)
    axes.set_xlim(min([first, 0.0]), last * 1.02 or 1.0)
    names = [label for label, _, _ in faults]
    names += [f"{name}, partition {partition}" for name, partition in partitions]
    axes.set_yticks(range(rows), names, fontsize=8)
    axes.set_ylim(rows - 0.4, -0.6)
    axes.xaxis.set_major_locator(MaxNLocator(8))
    axes.set_xlabel("seconds after the test began")
    legend(axes)
    surplus = sum(count - 1 for count in copies.values())
    more = f", {surplus} of them copies" if surplus else ""
    counts = Counter((record.topic, record.partition) for record in records)
    words = [
        f"{name}, partition {partition}: {counts[name, partition]:,}"
        for name, partition in partitions
    ]
    spans = [
        f"{label} from {begin:.2f} s " + ("on" if end is None else f"to {end:.2f} s")
        for label, begin, end in faults
    ]
    alt = sentences("; ".join(words), f"Shaded: {'; '.join(spans)}" if spans else "")
    return titled(picture, f"{test}: {len(records)} records{more}", alt)
