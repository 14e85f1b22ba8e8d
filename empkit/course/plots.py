"""Figures that only one notebook draws."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.ticker import FixedFormatter, FuncFormatter

from empkit.clients import looks
from empkit.plots.style import (
    GOOD,
    Picture,
    bars,
    legend,
    logarithmic,
    ms,
    new_picture,
    titled,
)
from empkit.results import comparison

if TYPE_CHECKING:
    from empkit.course.advice import Advice


def fit(advice: Advice) -> Picture:
    """Draw which protocol meets which need: a cell for each pair, with the measured value.

    Args:
        advice: from `empkit.course.advice.advise`.
    """
    met, measured = advice.met, advice.measured
    shown = looks(str(protocol) for protocol in met.columns)
    labels = {protocol: look.label for protocol, look in shown.items()}
    picture, axes = bars(max(1, len(met)), 0.55, 0.5)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    words = []
    for row, need in enumerate(met.index):
        of_need = []
        for column, protocol in enumerate(met.columns):
            good, value = bool(met.loc[need, protocol]), measured.loc[need, protocol]
            word = "yes" if good else "no"
            if not isinstance(value, bool | np.bool_):
                word += f": {value:,.3g}" if value < 1_000 else f": {value:,.0f}"
            of_need.append(f"{labels[str(protocol)]} {word}")
            axes.barh(row, 0.94, left=column + 0.03, height=0.8, color=GOOD if good else "#F3D9C8")
            axes.text(column + 0.5, row, word, ha="center", va="center", fontsize=10,
                      color="white" if good else "#7A2E00", fontweight="bold")  # fmt: skip
        words.append(f"{need}: {', '.join(of_need)}")
    axes.set_yticks(range(len(met)), [textwrap.fill(str(need), 26) for need in met.index])
    axes.set_xlim(0, max(1, len(met.columns)))
    places = [column + 0.5 for column in range(len(met.columns))]
    axes.set_xticks(places, [labels[str(protocol)] for protocol in met.columns])
    axes.xaxis.set_major_formatter(
        FixedFormatter([labels[str(protocol)] for protocol in met.columns])
    )
    axes.tick_params(length=0, labeltop=True, labelbottom=False)
    names = ", ".join(labels[str(protocol)] for protocol in advice.recommended)
    title = f"All needs are met by: {names}" if names else "No protocol meets all of these needs"
    return titled(picture, title, f"{'; '.join(words)}.")


def members(shares: Mapping[str, Mapping[str, int]]) -> Picture:
    """Draw how the partitions of a topic are shared among the members of a consumer group.

    Args:
        shares: for each moment, named in words, the number of partitions of each member, as
            `Lab.members` returns them.
    """
    picture, axes = bars(max(1, len(shares)), 0.6, 1.0)
    names = list(dict.fromkeys(name for counts in shares.values() for name in counts))
    colours = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00"]
    light = {"#E69F00", "#CC79A7", "#56B4E9"}  # white is hard to read on these
    for row, counts in enumerate(shares.values()):
        left = 0
        for name, count in counts.items():
            colour = colours[names.index(name) % len(colours)]
            axes.barh(row, count, left=left, height=0.6, edgecolor="white", label=name,
                      color=colour)  # fmt: skip
            if count:
                axes.text(left + count / 2, row, f"{count}", ha="center", va="center", fontsize=10,
                          color="black" if colour in light else "white",
                          fontweight="bold")  # fmt: skip
            left += count
    axes.set_yticks(range(len(shares)), list(shares))
    axes.set_xlabel("partitions")
    legend(axes)
    totals = {sum(counts.values()) for counts in shares.values()}
    whole = f"All {totals.pop()} partitions" if len(totals) == 1 else "The partitions"
    by = [len(counts) for counts in shares.values()] or [0]
    many = "member" if by[-1] == 1 else "members"
    title = f"{whole} are shared by {', then by '.join(map(str, by))} {many}"
    words = "; ".join(
        f"{moment}: {', '.join(f'{name} {count}' for name, count in counts.items())}"
        for moment, counts in shares.items()
    )
    return titled(picture, title, words)


def callers(timed: pd.DataFrame) -> Picture:
    """Draw the cost of an HTTP library and of a new connection: median round trips.

    Args:
        timed: from `empkit.course.callers.time_callers`.
    """
    medians = timed.groupby(["caller", "connection"])["round_trip_ms"].median().unstack()
    medians = medians.sort_values("kept")
    picture, axes = bars(len(medians), 0.8, 1.0)
    looks = {
        "kept": ("#0072B2", "o", "connection kept", -0.15),
        "new": ("#E69F00", "D", "new each time", 0.15),
    }
    for kind, (colour, marker, label, shift) in looks.items():
        places = [place + shift for place in range(len(medians))]
        axes.plot(medians[kind], places, marker, color=colour, label=label, markersize=9)
        for place, value in zip(places, medians[kind], strict=True):
            axes.text(value, place, f"   {ms(value)}", va="center", fontsize=9)
    axes.set_yticks(range(len(medians)), [str(name) for name in medians.index])
    logarithmic(axes.xaxis, "milliseconds, median of a round trip")
    axes.set_xlim(medians.to_numpy().min() / 1.3, medians.to_numpy().max() * 1.6)
    legend(axes)
    title = _callers_finding(timed, str(medians.index[-1]), str(medians.index[0]))
    words = "; ".join(
        f"{name}: {ms(row['kept'])} on a connection that is kept, {ms(row['new'])} on a new one"
        for name, row in medians.iterrows()
    )
    return titled(picture, title, f"{words}.")


def _callers_finding(timed: pd.DataFrame, slowest: str, fastest: str) -> str:
    """Return how many times as long the slowest caller takes, if it is shown: the callers took
    turns, so that requests of the same turn are pairs. Two were picked out of all, which could have
    been any pair: the p value is multiplied by the number of pairs (Bonferroni)."""
    kept = timed[timed["connection"] == "kept"].groupby("caller")["round_trip_ms"]
    turns = [kept.get_group(name).to_numpy(float) for name in (slowest, fastest)]
    found = comparison.paired(*turns)
    if not found.p * math.comb(len(kept), 2) <= comparison.ALPHA:
        return f"Connection kept: no difference shows between {slowest} and {fastest}"
    return (
        f"Connection kept: {found.ratio:.1f} times as long through {slowest} as through {fastest}"
    )


def scaling(stored_per_s: Mapping[int, Sequence[float]]) -> Picture:
    """Draw records stored per second against the number of consumers: a mark per round, a line
    through the medians.

    Args:
        stored_per_s: by the number of members of the consumer group, one value per round.
    """
    picture, (axes,) = new_picture()
    counts = sorted(stored_per_s)
    values = [float(np.median(stored_per_s[count])) for count in counts]
    ideal = [values[0] * count / counts[0] for count in counts]
    axes.plot(counts, ideal, ":", color="#777777", label="if each added as much as the first")
    axes.plot(counts, values, "-", color="#D55E00", label="median of the rounds")
    for count in counts:
        of_rounds = list(stored_per_s[count])
        axes.plot([count] * len(of_rounds), of_rounds, "o", color="#D55E00",
                  markeredgecolor="black", label="rounds")  # fmt: skip
    for count, value in zip(counts, values, strict=True):
        first = count == counts[0]  # the lines go to the right of it
        axes.annotate(f"{value:,.0f}", (count, value), xytext=(-9 if first else 9, 0), fontsize=9,
                      va="center", ha="right" if first else "left",
                      textcoords="offset points")  # fmt: skip
    axes.set_xticks(counts, [str(count) for count in counts])
    axes.set_xlim(counts[0] - 0.3, counts[-1] + 0.3)
    axes.set_ylim(0, 1.1 * max(*ideal, *(max(rates) for rates in stored_per_s.values())))
    axes.set_xlabel("consumers in the group")
    axes.set_ylabel("records stored per second")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    legend(axes)
    words = "; ".join(
        f"{count}: {', '.join(f'{rate:,.0f}' for rate in stored_per_s[count])}" for count in counts
    )
    return titled(
        picture,
        _scaling_finding(stored_per_s),
        f"Rounds, in records per second, by the number of consumers: {words}.",
    )


def _scaling_finding(stored_per_s: Mapping[int, Sequence[float]]) -> str:
    """Return the gain of the most over the fewest consumers, if it is shown."""
    few, many = min(stored_per_s), max(stored_per_s)
    rates = [np.array(stored_per_s[count], dtype=float) for count in (many, few)]
    rounds = min(len(of_rounds) for of_rounds in rates)
    if reason := comparison.why_no_ranking(rounds, rounds):
        return f"Records stored per second by {few} and by {many} consumers ({reason})"
    found = comparison.apart(*rates)
    if not found.p <= comparison.ALPHA:
        return f"{many} consumers store neither more nor less than {few} that shows"
    return f"{many} consumers store {found.ratio:.1f} times as many records per second as {few}"
