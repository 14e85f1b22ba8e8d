"""The rounds of a comparison: each has every protocol with every choice of guarantees, in a
shuffled order; what the runs leave is put together by choice."""

from __future__ import annotations

import contextlib
import random
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd
import pyarrow as pa

from empkit.brokers import BrokerError
from empkit.experiment import logs
from empkit.experiment.conduct import Conductor, Setup, Turn, full_folder_said, prepare
from empkit.experiment.environment import measured_on
from empkit.experiment.guarantees import Guarantees
from empkit.experiment.progress import Progress, shown
from empkit.experiment.workload import Workload
from empkit.faults.base import Fault
from empkit.faults.timeline import At
from empkit.processes import interrupts
from empkit.processes.child import ChildError
from empkit.results.folders import read_timings
from empkit.results.info import RunInfo
from empkit.results.runs import Runs
from empkit.rig.control import LabError

if TYPE_CHECKING:
    from empkit.rig.rig import Rig


class Conducted(NamedTuple):
    """The outcome of a comparison.

    Attributes:
        runs: the runs of each choice of guarantees, in the order of the grid; a choice without a
            finished run is left out.
        error: the error that ended it early, if one did.
    """

    runs: list[Runs]
    error: BaseException | None


def compare(
    rig: Rig,
    protocols: Sequence[str],
    workload: Workload,
    rounds: int,
    faults: Sequence[At | Fault],
    grid: Sequence[Guarantees],
    progress: Progress | None,
    on_run: Callable[[RunInfo], None] | None = None,
) -> Conducted:
    """Carry out a comparison; see `Lab.compare` and `Lab.cross`.

    Each round has every protocol with every choice of guarantees, in a shuffled order, so that
    what changes with time strikes all of them alike.

    Raises:
        BrokerError, ChildError, LabError: not even one run could be carried out.
        KeyboardInterrupt: a signal came before anything was measured.
        ValueError: there is no record to send.
    """
    order = random.Random(workload.seed)  # noqa: S311 - to interleave, not to hide
    of_round = [(choice, protocol) for choice in grid for protocol in protocols]
    turns = [
        Turn(choice, protocol, number)
        for number in range(1, rounds + 1)
        for choice, protocol in order.sample(of_round, len(of_round))
    ]
    with _folder_until_read(rig) as folder:
        setup = prepare(folder, protocols, workload, faults)
        with shown(progress, len(turns) * setup.count) as show:
            done = _take_turns(rig, setup, turns, show, on_run)
        if not done.finished and done.error is not None:
            raise done.error
        conducted = Conducted(_by_choice(rig, grid, turns, done), done.error)
        pa.default_memory_pool().release_unused()  # what was needed to read them, some 25 MiB
        return conducted


@contextlib.contextmanager
def _folder_until_read(rig: Rig) -> Iterator[Path]:
    """Yield a folder for what the runs leave; it is removed when they are in memory.

    What is still open on Windows, where an open file cannot be removed, goes with the lab.
    """
    of_rig = rig.processes.folder
    with (
        full_folder_said(of_rig),
        tempfile.TemporaryDirectory(
            prefix="comparison-", dir=of_rig, ignore_cleanup_errors=True
        ) as folder,
    ):
        yield Path(folder)


class _Finished(NamedTuple):
    """A finished run: its turn, its description, and its folder until that is read."""

    turn: Turn
    info: RunInfo
    folder: Path


@dataclass
class _Turns:
    """The outcome of the turns.

    Attributes:
        finished: the finished runs.
        interrupted: the signal that ended the turns early, or empty.
        error: the error that ended the turns early.
    """

    finished: list[_Finished]
    interrupted: str = ""
    error: BaseException | None = None

    @property
    def failure(self) -> str:
        """Why the turns could not go on, in words; empty after a signal, or when all were taken."""
        return "" if isinstance(self.error, KeyboardInterrupt) else str(self.error or "")


def _by_choice(
    rig: Rig, grid: Sequence[Guarantees], turns: Sequence[Turn], done: _Turns
) -> list[Runs]:
    """Return the finished runs of each choice; the last one says why the rest is missing."""
    of_choices = {
        choice: [run for run in done.finished if run.turn.guarantees == choice] for choice in grid
    }
    crossed = []
    for choice, finished in of_choices.items():
        if not finished:
            continue
        runs = Runs(
            [run.info for run in finished],
            *_frames(finished),
            measured_on(rig, choice),
            asked=[(turn.protocol, turn.number) for turn in turns if turn.guarantees == choice],
            interrupted=done.interrupted,
        )
        if runs.broken or runs.unmeasured or any("system" in info.not_valid for info in runs.runs):
            runs.logs = logs.ends(rig.processes.folder, rig.secrets())
        crossed.append(runs)
    crossed[-1].failure = done.failure
    return crossed


def _take_turns(
    rig: Rig,
    setup: Setup,
    turns: Sequence[Turn],
    show: Progress,
    on_run: Callable[[RunInfo], None] | None,
) -> _Turns:
    """Carry out one run after the other, until all are done, a signal arrives, or a run fails.

    The first signal makes the current run end early, with what it measured; a second one abandons
    that run.
    """
    done = _Turns([])
    try:
        for turn in turns:
            interrupts.check()
            conductor = Conductor(rig, setup, turn)
            try:
                conductor.run(show)
            finally:
                if conductor.result is not None:
                    done.finished.append(_Finished(turn, *conductor.result))
                if conductor.interrupted:
                    done.interrupted = interrupts.first() or "SIGINT"
            if done.interrupted:
                break
            if on_run is not None:
                on_run(done.finished[-1].info)
    except KeyboardInterrupt as error:
        done.interrupted, done.error = interrupts.first() or "SIGINT", error
    except (BrokerError, ChildError, LabError) as error:
        done.error = error
    return done


def _frames(finished: Sequence[_Finished]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the timings and the attempts of all runs."""
    attempts = []
    for _, info, folder in finished:
        of_run = pd.read_parquet(folder / "attempts.parquet")
        of_run.insert(0, "protocol", info.protocol)
        of_run.insert(1, "round", info.round)
        attempts.append(of_run)
    timings = read_timings(folder / "timings.parquet" for _, _, folder in finished)
    return timings, pd.concat(attempts, ignore_index=True)
