"""The inputs that fuzzing has kept, because each reached code that no other one did."""

import pytest

from benchmarks import fuzzed
from benchmarks.fuzz import kept


@pytest.mark.slow
@pytest.mark.parametrize("target", fuzzed.TARGETS)
def test_each_input_that_fuzzing_has_kept_breaks_nothing(target):
    fuzz = fuzzed.of(target)
    inputs = kept(target)
    assert inputs
    # Hypothesis reads None from an input that is too short, and what it built from any other
    ran = [fuzz(each) is not None for each in inputs]
    assert any(ran)
