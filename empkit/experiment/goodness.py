"""The validity of a record by the published JSON Schema, independent of the server's answer."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from empkit.experiment.content import SCHEMA, read, within_limits

_FRAMES = 5_000
"""The library recurses, with some ten frames per level of at most 100 levels."""


@lru_cache(maxsize=1)
def _validator() -> Any:
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - start-up time

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
    """Return whether a payload is a valid employee record by the published JSON Schema.

    The rules that are only in the schema's description are checked first (`content.within_limits`).

    Args:
        payload: the bytes that were sent.
    """
    record = read(payload)
    if record is None or not within_limits(record):
        return False
    with _deep_enough():
        return bool(_validator().is_valid(record))
