"""The load generators: the processes that carry out runs, kept from run to run.

    at_work --> a process that is idle, or a new one --> {"run": folder} --> the run
      the run has finished:                    the process is kept for the next
      it failed, was killed or given up:       the process is ended, and the next run has a new one

A protocol of another package or of the user's own is code that the kit does not know, and that may
have changed since: each of its runs has a process of its own.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

from empkit.clients.names import HOMES
from empkit.processes import interrupts
from empkit.processes.child import Child, Processes
from empkit.settings import Settings

NAME = "generator"
MODULE = "empkit.experiment.run"


def get_ready(processes: Processes, protocols: Iterable[str]) -> None:
    """Start a process for the runs to come, unless one is idle; its imports take their time.

    Args:
        processes: those of the rig.
        protocols: the protocols of the runs.
    """
    if any(protocol in HOMES for protocol in protocols):
        with interrupts.held():
            processes.give_back(NAME, processes.borrow(NAME, MODULE))


@contextlib.contextmanager
def at_work(
    processes: Processes,
    protocol: str,
    order: Literal["run", "audit"],
    folder: Path,
    settings: Settings,
) -> Iterator[Child]:
    """Yield the process that carries out the plan in a folder; the block waits for its end.

    Args:
        processes: those of the rig.
        protocol: the protocol of the run.
        order: whether to carry the plan out, or only to audit what was carried out.
        folder: of the run.
        settings: of the run.
    """
    kept = protocol in HOMES
    child = processes.borrow(NAME, MODULE, fresh=not kept)
    finished = False
    try:
        child.begin(settings.environ(), **{order: str(folder)})
        yield child
        finished = child.running
    finally:
        if finished and kept:
            processes.give_back(NAME, child)
        else:
            processes.release(child, kill=True)
