"""Whether a record is good by the published JSON Schema, whatever the server said of it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from empkit.experiment.content import SCHEMA, read, within_limits

_FRAMES = 5_000
"""The library goes down by recursion, some ten frames a level of at most 100."""


@lru_cache(maxsize=1)
def _validator() -> Any:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(SCHEMA)


@contextmanager
def _deep_enough() -> Iterator[None]:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, _FRAMES))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def is_good(payload: bytes) -> bool:
    """Whether bytes are an employee record by the published JSON Schema.

    What the schema can only say in its description is checked first (`content.within_limits`).

    Args:
        payload: as it was sent.
    """
    record = read(payload)
    if record is None or not within_limits(record):
        return False
    with _deep_enough():
        return bool(_validator().is_valid(record))
