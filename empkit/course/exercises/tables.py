"""Random tables like those that a run leaves, always the same ones: with every column that the real
ones have, in any order, with missing stamps, ties and edges."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from empkit.course.exercises.functions import Case
from empkit.results.info import STAMPS

RANDOM_TABLES = 50
START_NS = 20_483_507_724_720
MS = 1_000_000


@dataclass(frozen=True)
class Recipe:
    """How random timings are made.

    Args:
        protocol: whose acks they have: those over Kafka may come before the record is stored.
        gap_ms: the mean time between two records, in milliseconds.
        unstored: the share of records that were never stored.
        unacked: the share of records whose sender got no answer.
        shuffled: whether the rows are not in the order in which the records were sent.
        tied: the share of records that have the stamps of the record before.
    """

    protocol: str = "http"
    gap_ms: float = 5.0
    unstored: float = 0.0
    unacked: float = 0.0
    shuffled: bool = False
    tied: float = 0.0


def timings(random: np.random.Generator, count: int, recipe: Recipe = Recipe()) -> pd.DataFrame:
    """Return the timings of one random run: the columns and types of `Runs.timings`."""

    def later(stamps: np.ndarray[Any, Any], mean_ms: float) -> np.ndarray[Any, Any]:
        took = (random.gamma(0.8, mean_ms / 0.8, count) * MS).astype(np.int64)
        late: np.ndarray[Any, Any] = stamps + took + 1_000
        return late

    intended = START_NS + np.cumsum(random.exponential(recipe.gap_ms * MS, count)).astype(np.int64)
    sent = later(intended, 0.3)
    received = later(sent, 2.0)
    stored = later(received, 6.0)
    acked = later(sent, 6.0) if recipe.protocol == "kafka" else later(stored, 2.0)
    frame = pd.DataFrame(
        {
            "protocol": recipe.protocol,
            "round": int(random.integers(1, 4)),
            "seq": np.arange(count),
            "employee_id": [f"df6fea-E{seq + 1:06}" for seq in range(count)],
            **dict(zip(STAMPS, (intended, sent, received, stored, acked), strict=True)),
            "attempts": random.choice([1, 1, 1, 2, 3], count),
            "outcome": "acked",
            "verdict": "stored",
            "error": "",
        }
    ).astype(dict.fromkeys(STAMPS, "Int64"))
    for seq in np.flatnonzero(random.random(count) < recipe.tied):
        if seq:
            frame.loc[seq, list(STAMPS)] = frame.loc[seq - 1, list(STAMPS)]
    frame.loc[random.random(count) < recipe.unstored, ["received_ns", "stored_ns"]] = pd.NA
    frame.loc[random.random(count) < recipe.unacked, "acked_ns"] = pd.NA
    _settle(frame)
    if recipe.shuffled:
        frame = frame.iloc[random.permutation(count)].reset_index(drop=True)
    return frame


def _settle(frame: pd.DataFrame) -> None:
    """Give each record the outcome and the verdict that its stamps allow."""
    unstored, unacked = frame["stored_ns"].isna(), frame["acked_ns"].isna()
    frame.loc[unacked, "outcome"] = "unknown"
    frame.loc[unacked, "error"] = "No answer within 3 s."
    frame.loc[unacked & ~unstored, "verdict"] = "unconfirmed"
    frame.loc[unacked & unstored, "verdict"] = "failed"
    frame.loc[unstored & ~unacked, "verdict"] = "dead_lettered"


def runs_in_words(recipe: Recipe) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield fifty random timings, the simple ones first, then the edges, each with what it is in
    words; what else they have is not told.

    Args:
        recipe: the protocol, the gap, and the shares that the less simple ones have.
    """
    random = np.random.default_rng(19)
    kinds: Sequence[tuple[int, str, Recipe]] = (
        (10, "{} random records", Recipe(recipe.protocol, recipe.gap_ms)),
        (
            10,
            "{} records that lie in another order than that in which they were sent",
            Recipe(recipe.protocol, recipe.gap_ms, shuffled=True),
        ),
        (
            10,
            "{} records of which some were never stored and have no such stamp",
            Recipe(recipe.protocol, recipe.gap_ms, unstored=recipe.unstored),
        ),
        (
            10,
            "{} records of which some were never acked and have no such stamp",
            Recipe(recipe.protocol, recipe.gap_ms, unacked=recipe.unacked),
        ),
        (10, "{} records that are not shown here", recipe),
    )
    assert sum(count for count, *_ in kinds) == RANDOM_TABLES
    for tables, words, of_kind in kinds:
        for _ in range(tables):
            count = int(random.integers(12, 60))
            yield words.format(count), timings(random, count, of_kind)
    yield "one record", timings(random, 1, Recipe(recipe.protocol))
    yield "two records", timings(random, 2, Recipe(recipe.protocol, shuffled=True))
    yield "a table without a record", timings(random, 0, Recipe(recipe.protocol))
    if recipe.unacked:
        none = Recipe(recipe.protocol, recipe.gap_ms, unacked=1.0)
        yield "records of which not one was acked", timings(random, 20, none)
    if recipe.unstored:
        none = Recipe(recipe.protocol, recipe.gap_ms, unstored=1.0)
        yield "records of which not one was stored", timings(random, 20, none)


def of_timings(recipe: Recipe, *first: Case) -> tuple[Case, ...]:
    """Return cases for a function of timings.

    Args:
        recipe: of the random ones; see `runs_in_words`.
        first: cases that come before them.
    """
    return (*first, *(Case(words, (frame,)) for words, frame in runs_in_words(recipe)))


def small(**stamps: Sequence[int | None]) -> pd.DataFrame:
    """Return timings with the stamps that are given, in nanoseconds; the others are random."""
    count = len(next(iter(stamps.values())))
    frame = timings(np.random.default_rng(7), count)
    for name, values in stamps.items():
        frame[name] = pd.array(values, "Int64")
    _settle(frame)
    return frame


def stamps_of(frame: pd.DataFrame, *names: str) -> list[tuple[int, ...]]:
    """Return the stamps of the records that have all of those that are named."""
    columns = [frame[name].tolist() for name in names]
    return [
        tuple(map(int, row))
        for row in zip(*columns, strict=True)
        if not any(stamp is pd.NA for stamp in row)
    ]
