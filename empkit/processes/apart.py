"""A coroutine that is run to its end where another event loop may be running."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def run_apart(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in a thread of its own: ours may have a loop that runs, as in a notebook."""
    outcome: list[T] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            with asyncio.Runner() as runner:
                outcome.append(runner.run(work))
        except BaseException as error:  # noqa: BLE001 - it is raised again where it is waited for
            failure.append(error)

    thread = threading.Thread(target=run, name="empkit-apart")
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return outcome[0]
