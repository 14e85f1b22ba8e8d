"""The inputs that fuzzing has kept, because each reached code that no other one did."""

import importlib

import pytest

from benchmarks.fuzz import TARGETS, kept


@pytest.mark.parametrize("target", TARGETS)
def test_what_must_hold_holds_for_each_input_that_fuzzing_has_kept(target):
    module, name, _ = TARGETS[target]
    fuzz = getattr(importlib.import_module(module), name).hypothesis.fuzz_one_input
    inputs = kept(target)
    assert inputs
    # Hypothesis reads None from an input that is too short, and what it built from any other
    ran = [fuzz(each) is not None for each in inputs]
    assert any(ran)
