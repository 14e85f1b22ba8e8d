"""A pytest plugin for mutation testing: hypothesis draws few examples, the same ones each time, and
makes none smaller, since one that fails is enough.

    pytest -p benchmarks.few_examples tests/results
"""

from __future__ import annotations

from hypothesis import Phase, settings

settings.register_profile(
    "mutants", max_examples=40, derandomize=True, deadline=None, database=None,
    phases=(Phase.explicit, Phase.generate),
)  # fmt: skip
settings.load_profile("mutants")
