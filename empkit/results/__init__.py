"""The results of runs: their folder, the timings in it, and the conclusions from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from empkit.lazy import lazily

if TYPE_CHECKING:
    from empkit.results.load import equal_rate
    from empkit.results.recovery import felt
    from empkit.results.statistics import (
        bootstrap_interval,
        difference,
        percentiles,
        with_expected_interval,
    )

__all__ = [
    "bootstrap_interval",
    "difference",
    "equal_rate",
    "felt",
    "percentiles",
    "with_expected_interval",
]

__getattr__ = lazily(
    __name__,
    {
        "bootstrap_interval": "empkit.results.statistics",
        "difference": "empkit.results.statistics",
        "equal_rate": "empkit.results.load",
        "felt": "empkit.results.recovery",
        "percentiles": "empkit.results.statistics",
        "with_expected_interval": "empkit.results.statistics",
    },
)
