"""Spreadsheets: what a cell means is what is read, and no archive can fill the memory."""

from __future__ import annotations

import datetime
import gzip
import io
import re
import subprocess
import sys
import zipfile

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from empkit.records.employee import RecordError
from empkit.records.files import read_records
from empkit.records.values import NO_ID
from tests.spreadsheets import ods, xlsx

HEAD = ["Emp No", "First Name", "Last Name", "Annual Salary", "Start Date", "Grade", "Active"]
NIA = {"employee_id": "1001", "first_name": "Nia", "last_name": "Orr"}
ROWS = [["id", "first", "last"], [1001, "Nia", "Orr"]]
WRITERS = [xlsx, ods]

names = st.text(
    st.characters(codec="utf-8", categories=["L", "N", "P", "Sm", "So"]), min_size=1, max_size=20
).filter(lambda text: "_x" not in text and not text.startswith("#"))
numbers = st.integers(-(10**9), 10**9) | st.floats(-1e9, 1e9).map(lambda value: round(value, 3))
rows = st.tuples(
    st.integers(0, 2**53 - 1) | names.filter(lambda text: text not in NO_ID),
    names,
    names,
    st.none() | st.integers(0, 10**9) | st.floats(0, 1e9).map(lambda value: round(value, 2)),
    st.none() | st.dates(datetime.date(1950, 1, 1), datetime.date(2040, 1, 1)),
    st.none() | names | numbers,
    st.none() | st.booleans(),
)


def read(data, **options):
    return read_records(io.BytesIO(data), **options)


@given(st.sampled_from(WRITERS), st.lists(rows, min_size=1, max_size=8), st.integers(0, 5))
def test_what_a_cell_means_is_what_is_read(written, rows, titles):
    title = [["Staff of May", None, 7.5]] * titles
    found = read(written({"Staff": [*title, HEAD, *rows]}))
    assert found.unreadable == []
    for record, (number, first, last, salary, hired, grade, active) in zip(
        found.records, rows, strict=True
    ):
        expected = {"employee_id": str(number), "first_name": first, "last_name": last}
        if salary is not None:
            expected["salary"] = float(salary)
        if hired is not None:
            expected["hire_date"] = hired.isoformat()
        assert {name: record[name] for name in expected} == expected
        assert record["Grade"] == grade
        assert record["Active"] is active
        assert record.keys() == {*expected, "Grade", "Active"}


@pytest.mark.parametrize("written", WRITERS)
def test_rows_keep_their_numbers_and_empty_ones_are_none(written):
    found = read(
        written(
            {"A": [[None], ["Staff"], *ROWS, [None] * 3, [1002, None, "Lund"], [None], ROWS[1]]}
        )
    )
    assert found.records == [NIA, NIA]
    assert [row.line for row in found.unreadable] == [6]
    assert "Skipped above the headings: line 2 ('Staff')." in found.notes


@pytest.mark.parametrize("written", WRITERS)
def test_a_cell_without_a_heading_is_kept_under_the_number_of_its_column(written):
    found = read(written({"A": [*ROWS, [1002, "Bo", "Lund", None, "see HR"]]}))
    assert found.unreadable == []
    assert found.records[0] == NIA
    assert found.records[1]["column_5"] == "see HR"


@pytest.mark.parametrize("written", WRITERS)
def test_the_only_sheet_with_employees_is_read_and_said(written):
    data = written({"Notes": [["Made in May"]], "Staff": ROWS, "Empty": []})
    found = read(data)
    assert found.records == [NIA]
    assert found.notes[-1] == "Of its sheets 'Staff' is read; 2 more are not."
    assert read(gzip.compress(data)).records == [NIA]


@pytest.mark.parametrize("written", WRITERS)
def test_of_several_sheets_with_employees_the_user_says_which(written):
    two = [ROWS[0], [1002, "Bo", "Lund"]]
    data = written({"2024": ROWS, "2025": two, "Notes": [["x"]]})
    with pytest.raises(
        RecordError, match=r"in 2 sheets \('2024', '2025'\): say which with --sheet"
    ):
        read(data)
    assert read(data, sheet="2025").records[0]["employee_id"] == "1002"
    assert read(data, sheet=1).records == [NIA]
    with pytest.raises(RecordError, match=r"no sheet '2026' .*did you mean '202.'"):
        read(data, sheet="2026")
    with pytest.raises(RecordError, match="The sheet 'Notes' of The stream has no column for"):
        read(data, sheet="3")


def test_options_that_do_not_fit_the_format_are_refused():
    for option in ({"delimiter": ";"}, {"encoding": "cp1252"}):
        with pytest.raises(RecordError, match="is a spreadsheet, and no text"):
            read(xlsx({"A": ROWS}), **option)
    with pytest.raises(RecordError, match=r"is no spreadsheet.*leave out --sheet"):
        read(b"id,first,last\n1,a,b", sheet="A")


def test_times_and_durations_and_long_numbers_are_text_or_refused():
    moment = datetime.datetime(2024, 5, 31, 8, 30)
    found = read(
        xlsx({"A": [["id", "first", "last", "seen"], [1, "a", "b", moment], [1e19, "c", "d"]]})
    )
    assert found.records[0]["seen"] == "2024-05-31T08:30:00"
    assert "1e+19" in found.unreadable[0].reason


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        (b'<c r="D2" t="e"><f>1/0</f><v>#DIV/0!</v></c>', "an error such as #DIV/0! .* in 1 cell"),
        (b'<c r="D2"><f>A2+1</f><v></v></c>', "a formula without its value in 1 cell"),
        (b'<c r="D2"><f>A2+1</f></c>', "a formula without its value in 1 cell"),
    ],
)
def test_cells_whose_value_is_not_in_the_file_are_said(cell, words):
    sheet = xlsx({"A": ROWS})
    data = _changed(sheet, "xl/worksheets/sheet1.xml", b"</c></row></s", b"</c>%s</row></s" % cell)
    found = read(data)
    assert found.records == [NIA]
    assert any(re.search(words, note) for note in found.notes)


def test_a_sheet_whose_headings_are_unknown_is_not_told_about_delimiters_or_csv():
    for rows in ([["Who"], ["Nia"]], [["Who", "What"], ["Nia", "x"]]):
        with pytest.raises(RecordError, match=r"A table begins with .*--column") as caught:
            read(xlsx({"A": rows}))
        assert "CSV" not in str(caught.value)
        assert "delimiter" not in str(caught.value)


def test_a_cell_without_a_value_is_dropped_with_its_line_and_column_and_costs_its_row_if_strict():
    rows = [["id", "first", "last", "salary"], [1, "Nia", "Orr", 5], [2, "Bo", "Lund", 6]]
    other = [["Notes"], ["x", "y", "z", 7]]
    for number, staff in ((1, {"Staff": rows, "Notes": other}), (2, {"N": other, "Staff": rows})):
        member = f"xl/worksheets/sheet{number}.xml"
        for new in (
            b'<c r="D3" t="e"><f>1/0</f><v>#DIV/0!</v></c>',
            b'<c r="D3" s="0" t="e"><v>#N/A</v></c>',
            b'<c r="D3"><f>A2+1</f><v></v></c>',
            b'<c r="D3"><f>A2+1</f></c>',
        ):
            data = _changed(xlsx(staff), member, b'<c r="D3"><v>6</v></c>', new)
            found = read(data)
            assert [record.get("salary") for record in found.records] == [5, None]
            assert [(each.line, each.column) for each in found.dropped] == [(3, "salary")]
            strict = read(data, strict_values=True)
            assert [row.line for row in strict.unreadable] == [3]
            assert "salary" in strict.unreadable[0].reason
            data = _changed(data, member, b'<c r="A2"><v>1</v>', b'<c r="A2" t="e"><v>#N/A</v>')
            assert "employee_id" in read(data).unreadable[0].reason


def _with_merged(data, *ranges):
    cells = "".join(f'<mergeCell ref="{each}"/>' for each in ranges)
    return _changed(
        data,
        "xl/worksheets/sheet1.xml",
        b"</sheetData>",
        f'</sheetData><mergeCells count="{len(ranges)}">{cells}</mergeCells>'.encode(),
    )


def test_cells_merged_over_rows_give_each_row_their_value_and_it_is_said():
    rows = [["Staff", None, None, None, None], ["Department", "id", "first", "last", "salary"]]
    rows += [["IT", 1, "Nia", "Orr", 5], [None, 2, "Bo", "Lund", 6], [None, 3, "Cy", "Roe", 7]]
    rows += [["HR", 4, "Nia", "Orr", None], [None, 5, "Bo", "Lund", None]]
    found = read(_with_merged(xlsx({"A": rows}), "A1:E1", "A3:A5", "E5:E6"))
    assert [record.get("department") for record in found.records] == ["IT", "IT", "IT", "HR", None]
    assert [record.get("salary") for record in found.records] == [5, 6, 7, 7, None]
    assert any("'Department', 'salary'" in note for note in found.notes)


def test_an_id_or_name_merged_over_rows_makes_no_employees():
    rows = [["id", "first", "last", "phone"], [1, "Nia", "Orr", 5], [None, None, None, 6]]
    found = read(_with_merged(xlsx({"A": rows}), "A2:A3", "B2:B3", "C2:C3"))
    assert [record["employee_id"] for record in found.records] == ["1"]
    assert [row.line for row in found.unreadable] == [3]


def test_merged_ranges_take_no_memory_for_each_of_their_rows():
    rows = [["id", "first", "last", "team"], [1, "Nia", "Orr", "x"], [2, "Bo", "Lund", None]]
    found = read(_with_merged(xlsx({"A": rows}), *["D2:D1048576"] * 5_000))
    assert [record["team"] for record in found.records] == ["x", "x"]


def test_cells_of_ods_merged_over_rows_are_said():
    data = _changed(
        ods({"A": ROWS}), "content.xml", b"<table:table-cell office",
        b'<table:table-cell table:number-rows-spanned="2" office',
    )  # fmt: skip
    assert any("1 cell merged over several rows" in note for note in read(data).notes)


@pytest.mark.parametrize("form", ["00000", '"E"0000', "000-000"])
def test_a_format_that_shows_ids_with_zeros_in_front_is_said(form):
    said = "Ids are numbers in it"
    assert any(note.startswith(said) for note in read(_formatted(form, 42)).notes)
    for plain in ("0", "0.00", "#,##0.00", "yyyy-mm-dd", "General"):
        assert not any(note.startswith(said) for note in read(_formatted(plain, 42)).notes)
    assert not any(note.startswith(said) for note in read(_formatted(form, "042")).notes)


def _formatted(form, value):
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["id", "first", "last"])
        sheet.write_row(1, 0, [value, "Nia", "Orr"], book.add_format({"num_format": form}))
    return file.getvalue()


def test_numbers_of_ods_that_are_shown_with_zeros_in_front_are_said():
    data = _changed(ods({"A": ROWS}), "content.xml", b"<text:p>1001", b"<text:p>0001001")
    assert any(note.startswith("Ids are numbers in it") for note in read(data).notes)
    assert not any(note.startswith("Ids are") for note in read(ods({"A": ROWS})).notes)


def _changed(data, member, old, new):
    """Return an archive with other content in one of its files."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as before, zipfile.ZipFile(file, "w") as after:
        for each in before.infolist():
            content = before.read(each)
            if each.filename == member:
                assert old in content
                content = content.replace(old, new, 1)
            after.writestr(each, content, zipfile.ZIP_DEFLATED)
    return file.getvalue()


@pytest.mark.parametrize("far", [b"XFD1048576", b"AAA999999", b"A99999999"])
def test_a_cell_far_from_the_others_does_not_take_the_memory(far):
    data = _changed(xlsx({"A": ROWS}), "xl/worksheets/sheet1.xml", b'r="A2"', b'r="%s"' % far)
    with pytest.raises(RecordError, match="does not fit into memory: delete the cells far"):
        read(data)


def test_an_archive_is_unpacked_to_a_limit_whatever_size_it_states(monkeypatch):
    monkeypatch.setattr("empkit.records.files.MAX_FILE_BYTES", 2**22)
    size = 2**24 + 1
    file = io.BytesIO(xlsx({"A": ROWS}))
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/more.xml", b" " * size)
    data = file.getvalue()
    assert len(data) < 2**16
    stated = size.to_bytes(4, "little")
    assert data.count(stated) == 2
    for each in (data, data.replace(stated, (10).to_bytes(4, "little"))):
        with pytest.raises(RecordError, match="larger than 4 MiB when it is unpacked"):
            read(each)


@pytest.mark.parametrize("written", WRITERS)
def test_a_damaged_workbook_is_refused_with_a_sentence(written):
    data = written({"A": ROWS})
    for cut in range(0, len(data), 97):
        for damaged in (data[:cut], data[:cut] + b"\xff" + data[cut + 1 :]):
            try:
                read(damaged)
            except RecordError as error:
                assert str(error).endswith((".", ")"))


def test_without_the_extra_a_sentence_says_what_to_install(tmp_path):
    (tmp_path / "staff.xlsx").write_bytes(xlsx({"A": ROWS}))
    code = (
        "import sys; sys.modules['python_calamine'] = None; from empkit import read_records\n"
        "try: read_records('staff.xlsx')\nexcept ValueError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert "pip install 'empkit[excel]'" in done.stdout
