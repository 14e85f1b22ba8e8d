"""Parquet: columns with types, read some rows at a time."""

from __future__ import annotations

import datetime
import io
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from empkit.records import parquet
from empkit.records.employee import RecordError
from empkit.records.files import read_records
from empkit.records.samples import sample_records
from tests.record_values import employees


def written(rows, **options):
    file = io.BytesIO()
    pq.write_table(
        rows if isinstance(rows, pa.Table) else pa.Table.from_pylist(rows), file, **options
    )
    return file.getvalue()


def read(data, **options):
    return read_records(io.BytesIO(data), **options)


def test_records_come_back_from_several_batches_and_row_groups():
    records = sample_records(2 * parquet.BATCH_ROWS + 7)
    assert read(written(records, row_group_size=5_000)).records == records


@pytest.mark.slow
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "id": st.integers(0, 2**63 - 1),
                "first": st.sampled_from(["Nia", "Zo\u00eb"]),
                "last": st.just("Orr"),
                "salary": st.none() | st.decimals(0, 10**9, places=2),
                "joined": st.none()
                | st.dates(datetime.date(1950, 1, 1), datetime.date(2040, 1, 1)),
                "team": st.none() | st.lists(st.integers(0, 9), max_size=3),
                "boss": st.none() | st.booleans(),
            }
        ),
        min_size=1,
        max_size=9,
    ),
    st.sampled_from(["snappy", "zstd", "none"]),
)
def test_values_of_any_type_are_read_as_what_they_are(rows, compression):
    schema = pa.schema(
        [
            ("id", pa.int64()), ("first", pa.dictionary(pa.int32(), pa.string())),
            ("last", pa.large_string()), ("salary", pa.decimal128(14, 2)), ("joined", pa.date32()),
            ("team", pa.list_(pa.int8())), ("boss", pa.bool_()),
        ]
    )  # fmt: skip
    found = read(written(pa.Table.from_pylist(rows, schema), compression=compression))
    assert found.unreadable == []
    for record, row in zip(found.records, rows, strict=True):
        expected = {"employee_id": str(row["id"]), "first_name": row["first"], "last_name": "Orr"}
        if row["salary"] is not None:
            expected["salary"] = float(row["salary"])
        if row["joined"] is not None:
            expected["hire_date"] = row["joined"].isoformat()
        assert record == expected | {"team": row["team"], "boss": row["boss"]}


def test_moments_bytes_and_whole_decimals_are_read_as_dates_text_and_ids():
    moment = datetime.datetime(2024, 5, 31, 8)
    rows = [
        {
            "id": Decimal("7.00"), "first": b"Ada", "last": "B",
            "at": moment, "hired": moment, "more": Decimal("1.50"),
        },
        {"id": Decimal("8.00"), "first": b"\xff", "last": "B"},
    ]  # fmt: skip
    found = read(written(rows))
    assert found.records == [
        {
            "employee_id": "7", "first_name": "Ada", "last_name": "B", "hire_date": "2024-05-31",
            "at": "2024-05-31T08:00:00", "more": 1.5,
        }
    ]  # fmt: skip
    assert "UTF-8" in found.unreadable[0].reason


def test_a_file_without_the_columns_says_which_and_takes_them_by_name():
    data = written([{"key": 1, "first": "a", "last": "b"}])
    with pytest.raises(RecordError, match="no column for employee_id"):
        read(data)
    assert read(data, columns={"employee_id": "key"}).records[0]["employee_id"] == "1"
    with pytest.raises(RecordError, match="is a Parquet file: leave out --sheet"):
        read(data, sheet=1)


def test_a_damaged_file_is_refused_with_a_sentence():
    data = written(sample_records(100))
    for cut in range(4, len(data), 211):
        for damaged in (data[:cut], data[:cut] + b"\xff" * 8 + data[cut + 8 :]):
            try:
                read(damaged)
            except RecordError as error:
                assert str(error).endswith((".", ")"))


def test_what_a_file_takes_in_memory_is_bounded(monkeypatch):
    monkeypatch.setattr("empkit.records.files.MAX_FILE_BYTES", 2**20)
    rows = pa.table({"id": ["x" * 100_000 + str(number) for number in range(100)]})
    data = written(rows, compression="zstd", use_dictionary=False)
    assert len(data) < 2**18
    with pytest.raises(RecordError, match="larger than 1 MiB when it is unpacked"):
        read(data)


@given(st.lists(employees, min_size=1, max_size=5))
def test_whatever_arrow_can_hold_is_read_or_reported(rows):
    try:
        data = written(rows)
    except (pa.ArrowException, OverflowError):
        return
    found = read(data)
    assert len(found.records) + len(found.unreadable) == len(rows)


def test_a_decimal_with_more_digits_than_a_number_keeps_is_reported():
    tax = [Decimal("12345678901234567890.12"), Decimal("10.25")]
    table = pa.table({"id": [1, 2], "first": ["a", "b"], "last": ["c", "d"], "tax": tax})
    file = io.BytesIO()
    pq.write_table(table, file)
    found = read_records(io.BytesIO(file.getvalue()))
    assert [record.get("tax") for record in found.records] == [None, 10.25]
    assert [(each.line, each.column) for each in found.dropped] == [(1, "tax")]
