"""The faults of one test: each a context manager on a timeline of its own, all in one list.

with kafka.down(at=0.5, seconds=1):   # Strike: starts a Timeline, ends it with the block
"""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from empkit.clock import now_ns
from empkit.faults.base import FaultError
from empkit.faults.timeline import At, Timeline

if TYPE_CHECKING:
    from empkit.faults.base import Scene, TimedFault
    from empkit.results.info import FaultSpan


class Strike:
    """A fault that strikes while a `with` block runs, and is undone when the block ends.

    A fault without `at` has struck when the block begins. Leaving the block undoes the fault; that
    it had not struck by then is an error, since the block was then run without it.

    Args:
        strikes: the list of the test's faults, which this one is added to.
        scene: what the fault strikes.
        fault: the fault.
        at: when it strikes, in seconds after the block has begun.
        seconds: for how long; by default until the block ends.

    Raises:
        ValueError: the times make no sense.
    """

    def __init__(
        self,
        strikes: Strikes,
        scene: Scene,
        fault: TimedFault,
        at: float = 0.0,
        seconds: float | None = None,
    ) -> None:
        self._at = At(at, fault, None if seconds is None else at + seconds)
        self._timeline = Timeline(scene, [self._at])
        self._lasted_s = 0.0
        self.begun_ns: int | None = None
        self.ended = False
        strikes.add(self)

    def __str__(self) -> str:
        return str(self._at.fault)

    @property
    def spans(self) -> list[FaultSpan]:
        """When it struck and was undone; empty while it has not struck."""
        return self._timeline.spans

    @property
    def over(self) -> bool:
        """Whether it has struck and been undone: what waits for the end of `seconds` asks this."""
        return bool(self.spans) and all(span.end_ns is not None for span in self.spans)

    def start(self) -> Self:
        """Begin without a block: the fault is undone by `stop`, or when the test ends.

        Raises:
            FaultError: the fault cannot strike here, or has been started before.
            BrokerError: the broker did not carry it out.
        """
        if self.begun_ns is not None:
            raise FaultError(f"{self} has been started already; make a new one for each block.")
        self.begun_ns = now_ns()
        self._timeline.start(self.begun_ns)
        if self._at.at_s == 0:
            self._timeline.wait_for_strike()
            if self._timeline.failure is not None:
                self.stop()
        return self

    def stop(self, *, check: bool = True) -> None:
        """Undo the fault; has no effect when that has been done.

        Args:
            check: whether to raise what went wrong.

        Raises:
            FaultError: the fault has not struck, or struck nothing.
        """
        if self.ended or self.begun_ns is None:
            return
        self._lasted_s = (now_ns() - self.begun_ns) / 1e9
        self.ended = True
        self._timeline.finish(abort=True)
        if check and (problem := self.problem()) is not None:
            raise problem

    @property
    def failed(self) -> bool:
        """Whether it could not be carried out or undone."""
        return self._timeline.failure is not None

    def problem(self) -> Exception | None:
        """Return what went wrong with a fault that has been stopped; None if nothing has."""
        lasted = f"{self._lasted_s:.3f} s"
        if self._timeline.failure is not None:
            return self._timeline.failure
        if self._timeline.missed:
            return FaultError(
                f"{self} was to strike at {self._at.at_s:g} s, and its block was over after "
                f"{lasted}: it did not strike. Give a smaller `at`, or let the block last until "
                "then."
            )
        if any(span.struck == 0 for span in self.spans):
            return FaultError(
                f"{self} struck nothing within the {lasted} of its block (0 {self.spans[0].unit}). "
                "Wait in the block until the program under test has sent its requests, or leave "
                "the fault out."
            )
        return None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop(check=error is None)


class Strikes:
    """Every fault of a test, with the times in seconds after the test began."""

    def __init__(self) -> None:
        self._all: list[Strike] = []
        self._stopped = False
        self._begin_ns = now_ns()
        self._begin_s = time.time()

    def add(self, strike: Strike) -> None:
        """Add a fault."""
        self._all.append(strike)

    def stop(self) -> None:
        """Undo all that is in force.

        Raises:
            FaultError: a fault was made and never started, or was started without a block and has
                not struck, or struck nothing.
        """
        unchecked = [strike for strike in self._all if not strike.ended]
        for strike in reversed(self._all):
            strike.stop(check=False)
        if self._stopped:
            return
        self._stopped = True  # it is said once
        for strike in unchecked:
            if strike.begun_ns is None:
                raise FaultError(
                    f"{strike} was made and never struck. Write it as `with kafka.down(): ...`, or "
                    "call its `start()`."
                )
            if (problem := strike.problem()) is not None:
                raise problem

    @property
    def failed(self) -> bool:
        """Whether one could not be carried out or undone."""
        return any(strike.failed for strike in self._all)

    def since_begin(self, time_s: float) -> float:
        """Return a time in seconds since 1970 as seconds after the test began."""
        return time_s - self._begin_s

    def in_force(self, first_s: float, last_s: float) -> str:
        """Say which faults were in force between two times, which are seconds since 1970.

        If there were none, say which began or ended nearest to them.
        """
        first, last = self.since_begin(first_s), self.since_begin(last_s)
        spans = [span for strike in self._all for span in strike.spans]
        if not spans:
            return "No fault struck in this test."
        away = {id(span): max(first - self._end(span), self._start(span) - last) for span in spans}
        # a record's time has a precision of 1 ms
        then = [span for span in spans if away[id(span)] <= 0.001]
        if then:
            return f"In force then: {'; '.join(map(self._said, then))}."
        nearest = min(spans, key=lambda span: away[id(span)])
        return (
            f"No fault was in force then; the nearest, {away[id(nearest)]:.3f} s away: "
            f"{self._said(nearest)}."
        )

    def times(self) -> list[tuple[str, float, float | None]]:
        """Return each fault that struck: its words, when it began and ended, in seconds after the
        test began; None while it is in force."""
        spans = [span for strike in self._all for span in strike.spans]
        return [
            (span.label, self._start(span), None if span.end_ns is None else self._end(span))
            for span in sorted(spans, key=self._start)
        ]

    def text(self) -> str:
        """Return the timeline, one fault a line; empty without any."""
        lines = []
        for strike in self._all:
            for span in strike.spans:
                counted = "" if span.struck is None else f"  {span.struck} {span.unit}"
                lines.append((self._start(span), f"{self._said(span)}{counted}"))
            if not strike.spans:
                lines.append((float("inf"), f"{strike} did not strike"))
        return "\n".join(line for _, line in sorted(lines))

    def _start(self, span: FaultSpan) -> float:
        return (span.start_ns - self._begin_ns) / 1e9

    def _end(self, span: FaultSpan) -> float:
        return float("inf") if span.end_ns is None else (span.end_ns - self._begin_ns) / 1e9

    def _said(self, span: FaultSpan) -> str:
        end = "" if span.end_ns is None else f"{self._end(span):.3f} s"
        return f"{span.label} ({self._start(span):.3f} s .. {end})"
