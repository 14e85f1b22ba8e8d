"""The client's side of a run, in columns that are files.

Stamps go directly into memory-mapped files: they need no objects, and the stamps that were written
before the load generator was killed are there for the audit.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

from empkit import wire
from empkit.clients.base import Reply

OUTCOMES = ("none", "acked", "refused", "failed", "unknown")
"""`none`: the record was never offered, or its outcome was not written before a kill."""

RESULTS = ("", *wire.ACKS, *wire.REFUSALS)
"""The result behind an outcome, as the server or a broker gave it; "" for any other."""
_RESULT_CODES = {word: code for code, word in enumerate(RESULTS)}

_TYPES: dict[str, str] = {
    "intended_ns": "int64",
    "sent_ns": "int64",
    "acked_ns": "int64",
    "attempts": "int32",
    "outcome": "int8",
    "result": "int8",
}


class Columns:
    """One row per record, in the order of the workload.

    Args:
        folder: of the files.
        count: the number of records; None opens the files that exist.

    Raises:
        OSError: there is no space for them. It is reserved now, where the platform can: writing to
            a mapped file for which none is left ends the process (SIGBUS).
    """

    def __init__(self, folder: Path, count: int | None = None) -> None:
        self.arrays: dict[str, np.ndarray[Any, Any]] = {}
        for name, kind in _TYPES.items():
            path = folder / f"{name}.npy"
            if count is None:
                self.arrays[name] = np.lib.format.open_memmap(path, mode="r+")
                continue
            self.arrays[name] = np.lib.format.open_memmap(
                path, mode="w+", dtype=kind, shape=(count,)
            )
            if sys.platform == "linux":
                with path.open("rb+") as file:
                    os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
        self.errors: dict[int, str] = {}
        self.intended_ns = self.arrays["intended_ns"]
        self.sent_ns = self.arrays["sent_ns"]
        self.acked_ns = self.arrays["acked_ns"]
        self.attempts = self.arrays["attempts"]
        self.outcome = self.arrays["outcome"]
        self.result = self.arrays["result"]

    @property
    def offered(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """For each record, whether it was offered."""
        offered: np.ndarray[Any, np.dtype[np.bool_]] = (self.intended_ns != 0) | (self.outcome != 0)
        return offered

    def offer(self, seq: int, intended_ns: int, sent_ns: int) -> None:
        """Store the stamps of a record that is about to be sent."""
        self.intended_ns[seq] = intended_ns
        self.sent_ns[seq] = sent_ns

    def settle(self, seq: int, reply: Reply) -> None:
        """Store the outcome of a record."""
        self.sent_ns[seq] = reply.sent_ns
        self.attempts[seq] = reply.attempts
        self.result[seq] = _RESULT_CODES.get(reply.result, 0)
        self.outcome[seq] = OUTCOMES.index(reply.outcome)
        if reply.outcome != "unknown":
            self.acked_ns[seq] = reply.acked_ns
        if reply.outcome != "acked":
            self.errors[seq] = reply.message
