"""The path of one record through the system, attempt by attempt."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from empkit import wire
from empkit.plots.style import (
    BAD,
    GOOD,
    STORE,
    Picture,
    ms,
    new_picture,
    shade,
    through_kafka,
    titled,
)
from empkit.results.runs import Runs

LANES = ("client", "network", "broker", "server", "database")

Tries = Sequence[tuple[int, int, str]]  # one item per attempt: sent_ns, answered_ns, answer

UNANSWERED = {"no_answer", "not_sent", "unknown", "failed"}


def journey(run: Runs, employee_id: str) -> Picture:
    """Draw the path of one record over time, with every attempt, answer and fault.

    Time runs to the right; lines lead from lane to lane, as the record does. A line is dashed where
    nothing was measured, such as when the broker received the record or where it was lost.

    Args:
        run: a run.
        employee_id: the id of the record in `run.timings`.

    Raises:
        KeyError: the run has no record with this id.

    Example:
        >>> plots.journey(runs, runs.timings["employee_id"][0]).alt
        '... over ...: stored; acked after ... and 1 attempt. Attempt 1 at ...'
    """
    rows = run.timings[run.timings["employee_id"] == employee_id]
    if rows.empty:
        raise KeyError(f"No record {employee_id!r} in this run; see run.timings['employee_id'].")
    row = rows.iloc[0]
    info = next(
        info for info in run.runs if (info.protocol, info.round) == (row["protocol"], row["round"])
    )
    picture, (axes,) = new_picture()
    kafka = through_kafka(run, str(row["protocol"]))
    lanes = [lane for lane in LANES if lane != "broker" or kafka]
    places = {lane: len(lanes) - 1 - number for number, lane in enumerate(lanes)}
    zero = int(row["intended_ns"])
    tries = _attempts(run, row)
    ends = [int(row[name]) for name in ("received_ns", "stored_ns", "acked_ns")
            if not pd.isna(row[name])] + [answered for _, answered, _ in tries]  # fmt: skip
    span = max((max(ends) - zero) / 1e6, 0.01)
    axes.set_xlim(-0.03 * span, 1.2 * span)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axes.set_ylim(-0.6, len(lanes) - 0.3)
    axes.set_yticks(list(places.values()), list(places))
    drawn = _Journey(axes, row, places, zero, kafka=kafka)
    drawn.draw(tries)
    note = " (dashed: not measured)" if drawn.dashed else ""
    axes.set_xlabel(f"milliseconds since the record was due{note}")
    shade(axes, info, zero, 1e6)
    tried = f"{len(tries)} attempts" if len(tries) > 1 else "1 attempt"
    verdict = str(row["verdict"]).replace("_", "-")
    known = f"{row['outcome']} after {ms((ends[-1] - zero) / 1e6)} and {tried}"
    words = "; ".join(
        f"attempt {number} at {ms((sent - zero) / 1e6)}: {answer.replace('_', ' ')}"
        for number, (sent, _, answer) in enumerate(tries, 1)
    )
    return titled(
        picture, f"{employee_id} over {run.label(str(row['protocol']))}: {verdict}; {known}",
        f"{words[:1].upper()}{words[1:]}. {_stamps_in_words(row, zero)}",
        run.of(info.protocol, info.round),
    )  # fmt: skip


def _stamps_in_words(row: pd.Series[Any], zero: int) -> str:
    """Return when the record was received, stored and acked; empty if it never was."""
    stamps = [
        f"{name} at {ms((int(row[f'{name}_ns']) - zero) / 1e6)}"
        for name in ("received", "stored", "acked")
        if not pd.isna(row[f"{name}_ns"])
    ]
    return f"{', '.join(stamps).capitalize()}." if stamps else ""


def _attempts(run: Runs, row: pd.Series[Any]) -> Tries:
    """Return when each attempt was sent and answered, and the answer."""
    attempts = run.attempts
    attempts = attempts[
        (attempts["protocol"] == row["protocol"])
        & (attempts["round"] == row["round"])
        & (attempts["seq"] == row["seq"])
    ]
    if len(attempts):
        columns = attempts[["sent_ns", "answered_ns", "answer"]].itertuples(index=False, name=None)
        return [(int(sent), int(answered), str(answer)) for sent, answered, answer in columns]
    sent = int(row["intended_ns"] if pd.isna(row["sent_ns"]) else row["sent_ns"])
    answered = sent if pd.isna(row["acked_ns"]) else int(row["acked_ns"])
    return [(sent, answered, str(row["outcome"]))]


class _Journey:
    """Draws the path of one record between the lanes.

    Args:
        axes: the axes; their limits are set already.
        row: the record's row of the timings.
        places: the height of each lane.
        zero: the time stamp that is 0 on the axis.
        kafka: whether the record went through Kafka.
    """

    def __init__(
        self,
        axes: Axes,
        row: pd.Series[Any],
        places: dict[str, int],
        zero: int,
        *,
        kafka: bool,
    ) -> None:
        self.axes = axes
        self.places = places
        self.kafka = kafka
        self.outcome = str(row["outcome"])
        self.sent, self.received, self.stored, self.acked = (
            None if pd.isna(row[name]) else (int(row[name]) - zero) / 1e6
            for name in ("sent_ns", "received_ns", "stored_ns", "acked_ns")
        )
        self.zero = zero
        self.levels: list[float] = []
        self.dashed = False

    def draw(self, tries: Tries) -> None:
        """Draw every attempt, then the path into the database, then the outcome for the sender."""
        times = [((sent - self.zero) / 1e6, (end - self.zero) / 1e6, word)
                 for sent, end, word in tries]  # fmt: skip
        carriers = [number for number, (sent, _, word) in enumerate(times)
                    if self.received is not None and sent <= self.received
                    and word not in ("not_sent", "failed")]  # fmt: skip
        names = _names_of_attempts([word for _, _, word in times])
        for number, (name, (sent, end, word)) in enumerate(zip(names, times, strict=True)):
            carried = bool(carriers) and number == carriers[-1]
            self._attempt(name, sent, end, word, carried=carried)
        self._stamp(self.received, "server", "s", "received")
        self._stamp(self.stored, "database", "D", "stored")
        if self.received is not None and self.stored is not None:
            self._line(self.received, "server", self.stored, "database", STORE)
        if self.acked is not None:
            colour = GOOD if self.outcome == "acked" else BAD
            self.axes.axvline(self.acked, color=colour, linestyle=":", linewidth=1.2)
            word = "acked" if self.outcome == "acked" else f"told: {self.outcome}"
            self.axes.annotate(f"{word}\n{ms(self.acked)}", (self.acked, self.places["client"]),
                               (5, 0), textcoords="offset points", fontsize=9,
                               va="center")  # fmt: skip

    def _attempt(self, name: str, sent: float, end: float, word: str, *, carried: bool) -> None:
        """Draw one attempt: as far as it is known to have reached, and back if it was answered."""
        answered = word not in UNANSWERED
        colour = GOOD if word in {"acked", *wire.ACKS} else BAD
        height = self.places["client"]
        self.axes.plot([sent, end], [height, height], color=colour, linewidth=5, alpha=0.4,
                       solid_capstyle="butt")  # fmt: skip
        self.axes.plot(sent, height, "o", color=colour)
        if name:
            self._label(sent, name)
        target = "broker" if self.kafka else "server"
        half = (sent + end) / 2
        if carried and self.received is not None:
            if self.kafka:
                half = (sent + min(end, self.received)) / 2 if end > sent else self.received
                self._line(half, "broker", self.received, "server", STORE, dashed=True)
                self._line(sent, "client", half, "broker", colour, dashed=True)
            else:
                self._line(sent, "client", self.received, "server", colour)
        elif answered:
            self._line(sent, "client", half, target, colour, dashed=True)
        else:
            self._lost(sent, "client", half, colour)
            return
        self._answer(half, end, colour, answered=answered, carried=carried)

    def _answer(
        self, half: float, end: float, colour: str, *, answered: bool, carried: bool
    ) -> None:
        """Draw the answer: from the store if that answered; lost if the client received none."""
        begin, lane, known = half, "broker" if self.kafka else "server", False
        if carried and not self.kafka and self.received is not None:
            begin, lane, known = self.received, "server", True
            if self.stored is not None:
                begin, lane = self.stored, "database"
        if answered:
            self._line(begin, lane, end, "client", colour, dashed=not known)
        else:
            self._lost(begin, lane, max(begin, (begin + end) / 2), colour)

    def _line(
        self, x: float, lane: str, to_x: float, to_lane: str, colour: str, *, dashed: bool = False
    ) -> None:
        self.dashed |= dashed
        style = {"arrowstyle": "->", "color": colour, "linewidth": 1.4, "shrinkA": 0, "shrinkB": 2,
                 "linestyle": "--" if dashed else "-"}  # fmt: skip
        self.axes.annotate("", (to_x, self.places[to_lane]), (x, self.places[lane]),
                           arrowprops=style)  # fmt: skip

    def _lost(self, x: float, lane: str, to_x: float, colour: str) -> None:
        """Draw a line that ends in the network; where and when it was lost is not known."""
        self._line(x, lane, to_x, "network", colour, dashed=True)
        self.axes.plot(to_x, self.places["network"], "x", color=colour, markersize=9,
                       markeredgewidth=2)  # fmt: skip

    def _stamp(self, at: float | None, lane: str, marker: str, word: str) -> None:
        """Draw a mark, with its name on the side where no line begins or ends."""
        if at is None:
            return
        left, right = self.axes.get_xlim()
        late = at > left + 0.6 * (right - left)
        below = late or lane == "database"
        self.axes.plot(at, self.places[lane], marker, color=STORE)
        self.axes.annotate(f"{word} {ms(at)}", (at, self.places[lane]),
                           (-7 if late else 7, -6 if below else 6), textcoords="offset points",
                           fontsize=9, ha="right" if late else "left",
                           va="top" if below else "bottom")  # fmt: skip

    def _label(self, x: float, words: str) -> None:
        """Write a label above the client's lane, on the first free level of three."""
        left, right = self.axes.get_xlim()
        width = (len(words) + 2) * 0.0115 * (right - left)
        late = x > left + 0.6 * (right - left)
        begin, end = (x - width, x) if late else (x, x + width)
        level = next(
            (level for level, last in enumerate(self.levels) if last <= begin), len(self.levels)
        )
        if level > 2:
            return
        self.levels[level : level + 1] = [end]
        self.axes.text(x, self.places["client"] + 0.17 + 0.17 * level, words, fontsize=9,
                       ha="right" if late else "left")  # fmt: skip


def _names_of_attempts(answers: Sequence[str]) -> list[str]:
    """Return the number and answer of each attempt.

    More than three consecutive attempts with the same answer share one label, since only three fit
    above each other.
    """
    names: list[str] = []
    for answer, alike in itertools.groupby(answers):
        first, count, word = len(names) + 1, len(list(alike)), answer.replace("_", " ")
        if count > 3:
            names += [f"{first} to {first + count - 1}: {word}", *[""] * (count - 1)]
        else:
            names += [f"{number}: {word}" for number in range(first, first + count)]
    return names
