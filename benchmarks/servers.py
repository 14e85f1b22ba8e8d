"""The server as it is, or with its store taken out; a child of the benchmarks."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import Any

from empkit.server import run
from empkit.server.store import Store, Stored


def _add_nothing(store: Store, rows: Sequence[Any], received_ns: int, protocol: str) -> Any:
    """Say that all was stored, and store nothing."""
    future = store._loop.create_future()
    future.set_result(Stored(["created"] * len(rows), time.monotonic_ns()))
    return future


if __name__ == "__main__":
    if sys.argv[1] == "no-store":
        Store.add = _add_nothing  # type: ignore[assignment, method-assign]
    run.main()
