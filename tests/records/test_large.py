"""Large files: the work grows with the rows, and the memory with their bytes."""

from __future__ import annotations

import csv
import io
import json
import sys
import tracemalloc

import pytest

from empkit.records import decoder
from empkit.records.decoder import decode
from empkit.records.employee import FIELDS
from empkit.records.files import read_records
from empkit.records.samples import sample_records
from empkit.records.text import in_utf8


def as_csv(records):
    text = io.StringIO()
    writer = csv.DictWriter(text, FIELDS)
    writer.writeheader()
    writer.writerows(records)
    return text.getvalue().encode()


def as_json_lines(records):
    return "".join(json.dumps(record) + "\n" for record in records).encode()


def as_json(records):
    return json.dumps(records).encode()


FORMATS = [as_csv, as_json_lines, as_json]


def calls(data):
    """Count the calls of functions, of Python and of C, that reading a file takes."""
    count = 0

    def note(_frame, event, _argument):
        nonlocal count
        count += event in {"call", "c_call"}

    sys.setprofile(note)
    try:
        read_records(io.BytesIO(data))
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.slow
@pytest.mark.parametrize("written", FORMATS)
def test_the_work_for_each_further_row_is_the_same(written):
    records = sample_records(8_000)
    read_records(io.BytesIO(written(records)))  # dates that were seen are remembered
    few, more, many = (calls(written(records[:count])) for count in (1_000, 2_000, 8_000))
    assert 0.9 < (many - more) / 6 / (more - few) < 1.1


def test_the_work_for_each_further_broken_element_is_the_same(monkeypatch):
    given = []

    def noted(text, begin=0):
        given.append(len(text))
        return decode(text, begin)

    monkeypatch.setattr(decoder, "decode", noted)

    def work(count):
        given.clear()
        broken = ",".join('{"id":1,"first":"a","last":"b","x":undefined}' for _ in range(count))
        assert len(read_records(io.BytesIO(f"[{broken}]".encode())).unreadable) == count
        return sum(given)

    assert 1.8 < work(8_000) / work(4_000) < 2.2


def test_one_character_of_four_bytes_does_not_take_four_times_the_memory():
    data = as_csv(sample_records(20_000)) + "E0,\U0001f600,b,,,,,\n".encode()
    tracemalloc.start()
    try:
        text, encoding, _ = in_utf8(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert text is data
    assert encoding == "utf-8"
    assert peak < len(data)


@pytest.mark.slow
@pytest.mark.parametrize("written", FORMATS)
def test_reading_a_file_takes_memory_for_its_bytes_and_not_for_a_dictionary_a_record(written):
    data = written(sample_records(20_000))
    read_records(io.BytesIO(data))  # dates that were seen are remembered
    tracemalloc.start()
    try:
        found = read_records(io.BytesIO(data))
        left, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(found.records) == 20_000
    size = sum(map(len, found.records.payloads()))
    assert left < 1.4 * size
    # the file, its text while it is read, and the records
    assert peak < 1.4 * size + 2.5 * len(data)
