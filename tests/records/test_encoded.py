"""Records in one buffer: a sequence like a list of them, in much less memory."""

from __future__ import annotations

import tracemalloc

import orjson
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from empkit.records.encoded import EncodedRecords
from empkit.records.samples import sample_records
from tests.record_values import ADA, employees


def encoded(records):
    found = EncodedRecords()
    for record in records:
        found.append(orjson.dumps(record))
    return found


@pytest.mark.slow
@given(st.lists(employees, max_size=6), st.slices(6), st.slices(6))
def test_records_in_one_buffer_are_a_sequence_like_the_list_of_them(records, part, part_of_that):
    found = encoded(records)
    assert list(found) == records == found
    assert [found[place] for place in range(-len(records), len(records))] == 2 * records
    assert found[part] == records[part]
    assert found[part][part_of_that] == records[part][part_of_that]
    assert list(map(orjson.loads, found[part].payloads())) == records[part]
    assert found != [*records, ADA]
    with pytest.raises(IndexError):
        found[len(records)]


def test_a_slice_of_records_does_not_grow_and_shows_the_first_of_them():
    found = encoded([ADA] * 5)
    with pytest.raises(TypeError, match="copy it by list"):
        found[1:].append(b"{}")
    assert repr(found[:1]) == repr([ADA])
    assert repr(found).endswith("(5 records)]")


def test_records_that_were_read_become_a_data_frame():
    records = sample_records(3)
    assert pd.DataFrame(encoded(records)).to_dict("records") == records


def test_records_that_were_read_take_little_more_memory_than_their_json():
    records = sample_records(10_000)
    size = sum(len(orjson.dumps(record)) for record in records)
    tracemalloc.start()
    try:
        found = encoded(records)
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(found) == 10_000
    assert used < 1.3 * size
