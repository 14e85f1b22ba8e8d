"""When faults strike and are undone while a run is under way."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from empkit.brokers import BrokerError
from empkit.clock import now_ns
from empkit.faults.base import FaultError, Scene, TimedFault, Undo, nothing
from empkit.processes.child import ChildError
from empkit.results.info import FaultSpan


@dataclass(frozen=True)
class At:
    """A fault on a timeline.

    Args:
        at_s: when it strikes, in seconds after the start of the run.
        fault: the fault.
        until: when it is undone; by default at the end of the run, or by a fault that ends it
            (`TimedFault.ends`).

    Raises:
        ValueError: the times make no sense.

    Example:
        >>> str(At(2.0, ServerCrash(), until=5.0))
        'server-crash@2.0s..5.0s'
    """

    at_s: float
    fault: TimedFault
    until: float | None = None

    def __post_init__(self) -> None:
        # comparisons with NaN are false
        if not self.at_s >= 0 or not (self.until is None or self.until >= self.at_s):
            raise ValueError(f"{self.fault} from {self.at_s} s until {self.until} s is not a span.")

    def __str__(self) -> str:
        """Return the text that `parse_fault` reads: `server-crash@2s..5s`."""
        end = "" if self.until is None else f"..{self.until!r}s"
        return f"{self.fault}@{self.at_s!r}s{end}"


class Timeline:
    """Strikes faults at their moments while a run is under way, and undoes them.

    Args:
        scene: the system to strike.
        events: the faults, with their times.

    Example:
        >>> Timeline(Scene(lab), [At(2.0, ServerCrash())]).spans  # it has not been started
        []
    """

    def __init__(self, scene: Scene, events: Sequence[At]) -> None:
        self._scene = scene
        self._events = events
        self._wake = threading.Event()
        self._struck = threading.Event()
        self._over = False
        self._aborted = False
        self._thread: threading.Thread | None = None
        self._active: list[tuple[At, Undo, FaultSpan]] = []
        self._tallies: list[tuple[TimedFault, int, int, FaultSpan]] = []
        self.spans: list[FaultSpan] = []
        self.missed: list[FaultSpan] = []
        self.notes: list[str] = []
        self.failure: Exception | None = None

    def start(self, start_ns: int) -> None:
        """Begin; the times of the faults are relative to `start_ns`."""
        self._thread = threading.Thread(target=self._follow, args=(start_ns,), name="empkit-faults")
        self._thread.start()

    def wait_for_strike(self) -> None:
        """Wait until a fault has struck, or none can."""
        self._struck.wait()

    def finish(self, *, abort: bool = False) -> None:
        """Wait until every fault is undone.

        Args:
            abort: undo them now, before their time.
        """
        self._over = True
        self._aborted |= abort
        self._wake.set()
        if self._thread is not None:
            self._thread.join()

    def _follow(self, start_ns: int) -> None:
        moments: list[tuple[float, bool, At]] = [
            (event.at_s, True, event) for event in self._events
        ]
        moments += [
            (event.until, False, event) for event in self._events if event.until is not None
        ]
        try:
            for at_s, strikes, event in sorted(moments, key=_in_turn):
                self._wait(start_ns + int(at_s * 1e9), strikes=strikes)
                if not strikes:
                    self._undo(event)
                elif self._over:
                    self._miss(event)
                elif event.fault.ends is not None:
                    self._end(event, event.fault.ends)
                else:
                    self._strike(event)
            if not self._over:
                self._wait(None, strikes=True)
        except Exception as error:  # noqa: BLE001 - the run's own thread raises it
            self.failure = error
        finally:
            self._struck.set()
            self._undo_all()
            self._count()

    def _miss(self, event: At) -> None:
        """Record that the run was over before the fault was due."""
        fault = event.fault
        self.notes.append(f"{fault} did not strike: the run was over before.")
        self.missed.append(
            FaultSpan(
                str(fault), fault.part, now_ns(), None, event.at_s, event.until,
                struck=0, unit=fault.unit, missed=True,
            )
        )  # fmt: skip

    def _wait(self, moment_ns: int | None, *, strikes: bool) -> None:
        """Wait until the moment, or until there is no reason to wait for it any more."""
        while not self._aborted and not (strikes and self._over):
            left = None if moment_ns is None else (moment_ns - now_ns()) / 1e9
            if left is not None and left <= 0:
                return
            self._wake.wait(left)
            self._wake.clear()

    def _strike(self, event: At) -> None:
        fault = event.fault
        before = fault.tally(self._scene)
        span = FaultSpan(
            str(fault), fault.part, now_ns(), None, event.at_s, event.until,
            unit=fault.unit, takes_away=fault.takes_away,
        )  # fmt: skip
        undo = fault.strike(self._scene)
        if not callable(undo):
            raise FaultError(
                f"`strike` of {fault} returned {undo!r}; it must return a function that undoes the "
                "fault, or `nothing` (of empkit.faults.base)."
            )
        span.in_force_ns = now_ns()
        planned = fault.tally(self._scene)
        if before is not None and planned is not None:
            self._tallies.append((fault, before[0], planned[0], span))
        self.spans.append(span)
        self._active.append((event, undo, span))
        self._struck.set()
        if undo is nothing:
            self._undo(event)

    def _undo(self, event: At) -> None:
        for active in self._active[:]:
            if active[0] is event:
                self._active.remove(active)
                active[2].struck = active[1]()
                active[2].end_ns = now_ns()

    def _count(self) -> None:
        """Count strikes that happen only later, such as the answers that a broker was told to give.

        A broker that has ended cannot be asked: then the count stays unknown.
        """
        for fault, first, last, span in self._tallies:
            with contextlib.suppress(BrokerError, ChildError, FaultError):
                after = fault.tally(self._scene)
                span.struck = None if after is None else min(max(after[1], first), last) - first

    def _end(self, event: At, kind: type[TimedFault]) -> None:
        """Undo the latest fault of a kind, at the time of an event that ends such faults."""
        active = [entry for entry in self._active if isinstance(entry[0].fault, kind)]
        if not active:
            event.fault.strike(self._scene)  # raises, since there is nothing to end
        latest, _, span = active[-1]
        span.asked_end_s = event.at_s
        self._undo(latest)

    def _undo_all(self) -> None:
        for event, _, _ in reversed(self._active[:]):
            try:
                self._undo(event)
            except Exception as error:  # noqa: BLE001 - the others are undone all the same
                self.failure = self.failure or error


def _in_turn(moment: tuple[float, bool, At]) -> tuple[float, bool]:
    """Return the place of a moment: of two at the same time, a fault is undone before another
    strikes, but not before it has struck itself."""
    at_s, strikes, event = moment
    return at_s, strikes != (event.until == event.at_s)
