"""What the audit finds in a database: the records of an id, the rows of a run, the ids of none."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from empkit.databases.engine import make_engine
from empkit.databases.table import EMPLOYEES, create_table
from empkit.experiment.held import (
    Ids,
    hold_against,
    ids_outside,
    is_of_run,
    rows_in_database,
)


class Alike(str):
    """An id whose hash is that of every other one of its length."""

    __slots__ = ()

    def __hash__(self):
        return len(self)


names = st.sampled_from(["a", "b", "c", "aa", "bb"])


@given(st.lists(st.none() | names | names.map(Alike), max_size=12))
def test_the_records_of_an_id_are_found_whatever_the_hashes(ids):
    found = Ids([(name, b"") for name in ids])
    for name in ("a", "b", "aa", "never sent"):
        for wanted in (name, Alike(name)):
            expected = [
                place for place, other in enumerate(ids)
                if other == wanted and hash(other) == hash(wanted)
            ]  # fmt: skip
            assert found.of(wanted) == expected
    groups = {}
    for place, name in enumerate(ids):
        if name is not None:
            groups.setdefault((hash(name), str(name)), []).append(place)
    repeated = sorted(places for places in groups.values() if len(places) > 1)
    assert sorted(found.repeated()) == repeated


@pytest.fixture
def database(tmp_path):
    """The URL of a database, and a function that stores rows with these ids."""
    url = f"sqlite:///{tmp_path / 'employees.db'}"

    def store(*ids):
        engine = make_engine(url)
        create_table(engine)
        with engine.begin() as connection:
            rows = [{"employee_id": name, "first_name": "A", "last_name": "B"} for name in ids]
            connection.execute(EMPLOYEES.insert(), rows)
        engine.dispose()

    return url, store


def test_the_rows_of_a_run_are_those_with_its_prefix_and_they_have_all_columns(database):
    url, store = database
    store(
        "run001-", "run001-E1", "run001-zz", "run001-\U0010fffe", "run001~0", "run00", "run002-E1"
    )

    async def read():
        return [row async for row in rows_in_database(url, "run001-")]

    rows = asyncio.run(read())
    assert sorted(row["employee_id"] for row in rows) == [
        "run001-", "run001-E1", "run001-zz", "run001-\U0010fffe",
    ]  # fmt: skip
    assert all(row.keys() == set(EMPLOYEES.c.keys()) for row in rows)
    assert {row["first_name"] for row in rows} == {"A"}


def test_ids_outside_are_those_before_between_and_after_the_runs(database):
    url, store = database
    store("A", "run001-E1", "run001X", "run001~0", "run002-E1", "run002~probe", "run003-E1", "zz")
    runs = ["run001", "run002"]
    assert ids_outside(url, runs, "run001") == {"A", "run001X", "run001~0", "run003-E1", "zz"}
    assert ids_outside(url, runs, "run002") == {"A", "run001X", "run002~probe", "run003-E1", "zz"}
    assert ids_outside(url, [], "run001") == {
        "A", "run001-E1", "run001X", "run001~0", "run002-E1", "run002~probe", "run003-E1", "zz",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("employee_id", "is_one"),
    [
        ("run001-E1", True), ("run001~probe", True), ("run001-", True), ("run001", False),
        ("run002-E1", False), ("run001xE1", False), ("run0011-E1", False), ("", False),
        ("run01-E1", False), ("E1", False),
    ],
)  # fmt: skip
def test_an_id_belongs_to_a_run_by_the_runs_id_and_the_mark_after_it(employee_id, is_one):
    assert is_of_run(employee_id, {"run001"}) is is_one


def test_rows_are_held_against_the_records_of_their_id_that_were_offered():
    records = [
        ("E1", b'{"n": 1}'), ("E1", b'{"n": 2}'), ("E1", b'{"n": 1}'), ("E2", b'{"n": 1}'),
        ("E3", b"no JSON"), ("E4", b'{"n": 1}'),
    ]  # fmt: skip

    async def rows():
        for name in ("E1", "E3", "E4", "E9"):
            yield {"employee_id": name, "n": 1}

    def is_same(row, sent):
        return sent is not None and row["n"] == sent["n"]

    offered = [True, True, False, True, True, False]
    held, strays = asyncio.run(hold_against(rows(), records, Ids(records), is_same, offered))
    assert held == ["same", "other", "nothing", "nothing", "other", "nothing"]
    assert strays == ["E4", "E9"]
