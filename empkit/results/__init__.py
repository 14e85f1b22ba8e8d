"""The results of runs: their folder, the timings in it, and the conclusions from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from empkit.lazy import lazily

if TYPE_CHECKING:
    from empkit.results.comparison import apart, between_rounds, paired
    from empkit.results.load import equal_rate
    from empkit.results.recovery import felt
    from empkit.results.statistics import percentile_interval, percentiles, with_expected_interval

__all__ = [
    "apart", "between_rounds", "equal_rate", "felt", "paired", "percentile_interval", "percentiles",
    "with_expected_interval",
]  # fmt: skip

__getattr__ = lazily(
    __name__,
    {
        "apart": "empkit.results.comparison",
        "between_rounds": "empkit.results.comparison",
        "equal_rate": "empkit.results.load",
        "felt": "empkit.results.recovery",
        "paired": "empkit.results.comparison",
        "percentile_interval": "empkit.results.statistics",
        "percentiles": "empkit.results.statistics",
        "with_expected_interval": "empkit.results.statistics",
    },
)
