"""Ids that a file has more than once are said, once."""

from __future__ import annotations

import tracemalloc

from empkit.records.ids import Ids
from tests.records.test_exports import read

HEAD = "id,first,last\n"


def test_ids_that_occur_more_than_once_are_said_in_one_sentence():
    found = read(f"{HEAD}1,A,B\n2,A,B\n,A,B\n1,A,B\n1,C,D\n2,C,D\n")
    assert found.notes == [
        "Of the ids 2 occur more than once, in 5 rows, such as '1' in lines 2 and 5."
    ]
    assert read(f"{HEAD}1,A,B\n2,A,B\n").notes == []


def test_the_ids_of_a_large_file_take_some_twelve_bytes_each():
    names = [f"E{number}" for number in range(20_000)]
    tracemalloc.start()
    try:
        ids = Ids()
        for line, name in enumerate(names):
            ids.add(name, line)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert ids.remarks([]) == []
    assert kept < 1.3 * 12 * len(names)
