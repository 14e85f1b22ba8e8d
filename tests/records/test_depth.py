"""How deep JSON may nest: counted as the parser meets it."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from empkit.records import depth
from empkit.records.files import read_records
from tests.record_values import ADA, anything


def nest(depth: int, brackets: str = "[]") -> str:
    """A good record with an extra that is nested `depth` levels deep."""
    inner = brackets[:-1] * depth + "1" + brackets[-1] * depth
    return json.dumps(ADA)[:-1] + f', "x": {inner}}}'


@pytest.mark.slow
@pytest.mark.parametrize("brackets", ["[]", '{"]}":}', '["}", ]'])
@pytest.mark.parametrize("limit", [500, 20_000])
def test_how_deep_a_file_may_go_does_not_depend_on_the_interpreter(brackets, limit):
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(limit)  # what some versions of Python go by, others have a fixed limit
    try:
        for depth in (101, 150, 250, 1_500, 5_000, 100_000):
            deep = nest(depth, brackets)
            for text in (deep, f"[{deep}]", f"{json.dumps(ADA)}\n{deep}"):
                [row] = read_records(io.BytesIO(text.encode())).unreadable
                assert row.reason == "Nested too deep: at most 100 levels are accepted."
    finally:
        sys.setrecursionlimit(before)


@pytest.mark.parametrize("shape", ["{}", "[{}]", "[\n{}\n]", "{}\n{}"])
def test_extras_of_a_hundred_levels_are_read_in_each_layout(shape):
    text = shape.replace("{}", nest(100))
    assert read_records(io.BytesIO(text.encode())).unreadable == []


def test_objects_that_are_not_closed_are_not_taken_for_nesting():
    text = "\n".join('{"employee_id": "E1", "first_name": "Ada"' for _ in range(300))
    reasons = {row.reason for row in read_records(io.BytesIO(text.encode())).unreadable}
    assert all(reason.startswith("Bad JSON: Expecting ',' delimiter") for reason in reasons)


class DepthCounter(json.JSONDecoder):
    """The standard library's parser in Python, which counts how deep it goes."""

    def __init__(self) -> None:
        super().__init__()
        self.depth = self.deepest = 0
        self.parse_array = self.counted(json.decoder.JSONArray)
        self.parse_object = self.counted(json.decoder.JSONObject)
        self.scan_once = json.scanner.py_make_scanner(self)

    def counted(self, parse):
        def inner(*arguments):
            self.depth += 1
            self.deepest = max(self.deepest, self.depth)
            try:
                return parse(*arguments)
            finally:
                self.depth -= 1

        return inner


@pytest.mark.slow
@given(anything.map(json.dumps), st.sampled_from(["", "7 [[[[[[", "}", "\n[[[[[["]))
def test_the_depth_of_json_is_counted_as_the_parser_meets_it(text, rest):
    parser = DepthCounter()
    parser.raw_decode(text)
    with mock.patch.object(depth, "MAX_DEPTH", 2):
        starts_a_level = text[0] in "[{"
        assert depth.too_deep(text + rest * starts_a_level) == (parser.deepest > 3)


@given(
    st.lists(st.sampled_from(["[", "]", "{", "}", '{"a":', '"', ":", ",", "\\", " ", "\n", "1"]))
)
def test_no_text_takes_the_parser_deeper_than_was_counted(parts):
    text, parser = "".join(parts).lstrip(), DepthCounter()
    with contextlib.suppress(ValueError):
        parser.raw_decode(text)
    with mock.patch.object(depth, "MAX_DEPTH", 2):
        assert depth.too_deep(text) >= (parser.deepest > 3)
