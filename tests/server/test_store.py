"""The store: durable, in groups, each id once."""

import asyncio
import contextlib
import os
import sqlite3
import stat
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from empkit.databases.engine import make_engine
from empkit.databases.table import EMPLOYEES, create_table
from empkit.records.employee import CONTENT
from empkit.server.stamps import StampLog
from empkit.server.store import Store, StoreFullError, StoreUnavailableError


def row(employee_id, first_name="Ada"):
    values = dict.fromkeys(CONTENT)
    return {**values, "employee_id": employee_id, "first_name": first_name, "last_name": "B"}


def with_store(url, work, **options):
    """Run a coroutine function with a store on a database."""

    async def run():
        stamps = StampLog(None)
        store = Store(url, stamps, options.get("max_waiting", 10_000))
        await store.start()
        try:
            return await work(store, stamps)
        finally:
            await store.stop()
            stamps.close()

    return asyncio.run(run())


def test_records_that_wait_share_a_commit(new_database):
    async def work(store, stamps):
        futures = [store.add([row(f"E{number}")], 1, "http") for number in range(500)]
        results = [(await future).results for future in futures]
        assert results == [["created"]] * 500
        return store.commits

    assert with_store(new_database(), work) < 25


@pytest.mark.slow
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    groups=st.lists(
        st.lists(
            st.tuples(st.sampled_from("abcdef"), st.sampled_from(["Ada", "Grace"])), min_size=1,
            max_size=8,
        ),
        min_size=1, max_size=5,
    )
)  # fmt: skip
def test_each_record_is_created_the_same_or_a_duplicate_as_in_a_dictionary(new_database, groups):
    model, expected = {}, []
    for group in groups:
        for key, name in group:
            if key not in model:
                expected.append("created")
            else:
                expected.append("same" if model[key] == name else "duplicate")
            model.setdefault(key, name)

    async def work(store, stamps):
        results = []
        for group in groups:
            stored = await store.add([row(key, name) for key, name in group], 1, "http")
            results += stored.results
        held = {each["employee_id"]: each["first_name"] for each in await store.page("", 100)}
        stamped = [stamp.employee_id for stamp in stamps.page(0, 1_000)[0]]
        return results, held, stamped

    results, held, stamped = with_store(new_database(), work)
    assert results == expected
    assert held == model
    assert sorted(stamped) == sorted(model)


def test_two_writers_on_one_database_create_each_id_once(new_database):
    created = Counter()
    url = new_database()
    orders = {"Ada": range(300), "Grace": range(299, -1, -1)}

    def write(name):
        async def work(store, stamps):
            for start in range(0, 300, 20):
                numbers = orders[name][start : start + 20]
                rows = [row(f"E{number}", name) for number in numbers]
                stored = await store.add(rows, 1, "http")
                for each, result in zip(rows, stored.results, strict=True):
                    created[each["employee_id"]] += result == "created"

        with_store(url, work)

    with ThreadPoolExecutor(2) as writers:
        list(writers.map(write, ("Ada", "Grace")))  # raises what one of them raised
    assert len(created) == 300
    assert set(created.values()) == {1}


def test_a_table_that_another_server_creates_at_the_same_moment_is_found(new_database):
    url = new_database()
    engine, other = make_engine(url), make_engine(url)

    def come_first(*_, **__):
        create_table(other)

    sa.event.listen(EMPLOYEES, "before_create", come_first, once=True)
    create_table(engine)
    assert sa.inspect(engine).has_table(EMPLOYEES.name)
    for each in (engine, other):
        each.dispose()


def test_more_than_may_wait_is_refused_at_once(new_database):
    async def work(store, stamps):
        waiting = store.add([row(f"E{number}") for number in range(10)], 1, "http")
        with pytest.raises(StoreFullError, match="at most 10 may"):
            store.add([row("E99")], 1, "http")
        assert (await waiting).results == ["created"] * 10
        assert (await store.add([row("E99")], 1, "http")).results == ["created"]

    with_store(new_database(), work, max_waiting=10)


def test_a_store_is_stopped_however_many_records_wait(new_database):
    async def work(store, stamps):
        return store.add([row(f"E{number}") for number in range(50)], 1, "http")

    assert with_store(new_database(), work, max_waiting=10).result().results == ["created"] * 50


def held_after(file):
    """The ids that a new connection finds in a file."""
    with contextlib.closing(sqlite3.connect(file)) as connection:
        return {name for (name,) in connection.execute("SELECT employee_id FROM employees")}


def files_of(file):
    """The file of a database with its write-ahead log and shared memory."""
    return list(file.parent.glob(f"{file.name}*"))


def test_a_database_that_was_removed_acks_nothing_until_it_is_put_back(tmp_path):
    file, aside = tmp_path / "employees.db", tmp_path / "aside"
    aside.mkdir()

    async def work(store, stamps):
        await store.add([row("E1")], 1, "http")
        for each in files_of(file):
            each.rename(aside / each.name)
        assert "removed or replaced" in await store.failure_now()
        for number in (2, 3):
            with pytest.raises(StoreUnavailableError) as error:
                await store.add([row(f"E{number}")], 1, "http")
            assert not error.value.uncertain  # noticed before it went into the removed file
        with pytest.raises(StoreUnavailableError, match="is gone, with the records in it: put it"):
            await store.get("E1")
        assert not file.exists()
        for each in files_of(aside / file.name):
            each.rename(tmp_path / each.name)
        assert (await store.add([row("E4")], 1, "http")).results == ["created"]
        assert await store.failure_now() is None

    with_store(f"sqlite:///{file}", work)
    assert held_after(file) >= {"E1", "E4"}
    assert not held_after(file) & {"E2", "E3"}


def test_a_database_that_was_replaced_acks_nothing_that_goes_into_the_old_one(tmp_path):
    file, other = tmp_path / "employees.db", tmp_path / "other.db"

    async def work(store, stamps):
        await store.add([row("E1")], 1, "http")
        with contextlib.closing(sqlite3.connect(other)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
        other.replace(file)
        with pytest.raises(StoreUnavailableError, match="removed or replaced") as error:
            await store.add([row("E2")], 1, "http")
        assert error.value.uncertain  # it went into the old one
        assert (await store.add([row("E3")], 1, "http")).results == ["created"]

    with_store(f"sqlite:///{file}", work)
    assert "E3" in held_after(file)


def test_a_link_in_the_place_of_the_database_takes_no_ack_to_another_log(tmp_path):
    file, moved, acked = tmp_path / "employees.db", tmp_path / "moved.db", {"E1"}

    async def work(store, stamps):
        await store.add([row("E1")], 1, "http")
        file.rename(moved)
        file.symlink_to(moved)
        with pytest.raises(StoreUnavailableError, match="removed or replaced"):
            await store.add([row("E2")], 1, "http")
        assert (await store.add([row("E3")], 1, "http")).results == ["created"]
        acked.add("E3")

    with_store(f"sqlite:///{file}", work)
    assert held_after(file) >= acked


def test_a_link_to_the_database_is_followed_and_watched(tmp_path):
    file, real = tmp_path / "employees.db", tmp_path / "real.db"
    file.symlink_to(real)

    async def work(store, stamps):
        await store.add([row("E1")], 1, "http")
        file.unlink()
        file.symlink_to(tmp_path / "other.db")
        with pytest.raises(StoreUnavailableError, match="removed or replaced"):
            await store.add([row("E2")], 1, "http")
        file.unlink()
        file.symlink_to(real)
        assert (await store.add([row("E3")], 1, "http")).results == ["created"]

    with_store(f"sqlite:///{file}", work)
    assert held_after(real) >= {"E1", "E3"}


def test_a_row_that_the_database_drops_is_no_duplicate_and_is_not_acked(tmp_path):
    file = tmp_path / "employees.db"

    async def work(store, stamps):
        await store.add([row("E1")], 1, "http")
        with contextlib.closing(sqlite3.connect(file)) as connection:
            connection.execute(
                "CREATE TRIGGER t BEFORE INSERT ON employees WHEN new.employee_id = 'E2' "
                "BEGIN SELECT raise(ignore); END"
            )
        with pytest.raises(StoreUnavailableError, match="did not keep it: a trigger or a rule"):
            await store.add([row("E2")], 1, "http")
        assert (await store.add([row("E3")], 1, "http")).results == ["created"]

    with_store(f"sqlite:///{file}", work)
    assert held_after(file) == {"E1", "E3"}


def test_a_log_that_another_program_emptied_in_order_refuses_nothing(tmp_path):
    file = tmp_path / "employees.db"

    async def work(store, stamps):
        await store.add([row("E1")], 1, "http")
        with contextlib.closing(sqlite3.connect(file)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        assert file.with_name(f"{file.name}-wal").stat().st_size == 0
        assert (await store.add([row("E2")], 1, "http")).results == ["created"]

    with_store(f"sqlite:///{file}", work)
    assert held_after(file) == {"E1", "E2"}


@pytest.mark.parametrize("loss", ["another file", "an emptied log"])
def test_records_that_were_acked_and_are_gone_keep_the_health_from_being_ok(tmp_path, loss):
    file, aside = tmp_path / "employees.db", tmp_path / "aside.db"

    async def work(store, stamps):
        await store.add([row("E1")], 1, "http")
        if loss == "another file":
            with contextlib.closing(sqlite3.connect(file)) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            file.rename(aside)
            file.touch()
        else:
            file.with_name(f"{file.name}-wal").write_bytes(b"")
        for number in range(10, 15):
            with contextlib.suppress(StoreUnavailableError):
                await store.add([row(f"E{number}")], 1, "http")
        for _ in range(2):  # what is stored since then changes nothing of it
            assert (await store.add([row(f"E{_}0")], 1, "http")).results
            assert "acked are gone, 'E1' for one" in await store.failure_now()
        if loss == "another file":
            for each in files_of(file):
                each.unlink()
            aside.rename(file)
            with contextlib.suppress(StoreUnavailableError):
                await store.add([row("E2")], 1, "http")
            await store.add([row("E3")], 1, "http")
            assert await store.failure_now() is None

    with_store(f"sqlite:///{file}", work)


@pytest.mark.parametrize("read_meanwhile", [False, True])
def test_a_write_ahead_log_that_was_removed_loses_nothing_that_was_acked(tmp_path, read_meanwhile):
    file = tmp_path / "employees.db"

    async def work(store, stamps):
        await store.add([row("E1")], 1, "http")
        with contextlib.closing(sqlite3.connect(file)) as reader:
            if read_meanwhile:
                reader.execute("BEGIN")
                reader.execute("SELECT * FROM employees").fetchall()
            (tmp_path / f"{file.name}-wal").unlink()
            with pytest.raises(StoreUnavailableError, match="removed or replaced"):
                await store.add([row("E2")], 1, "http")
        assert (await store.add([row("E3")], 1, "http")).results == ["created"]

    with_store(f"sqlite:///{file}", work)
    assert held_after(file) >= {"E1", "E3"}


@pytest.mark.parametrize("ending", ["", "-wal"])
def test_a_file_that_was_cut_short_takes_no_ack_with_it(tmp_path, ending):
    file, acked = tmp_path / "employees.db", set()

    async def work(store, stamps):
        await store.add([row("E1")], 1, "http")
        if not ending:  # so that the file holds what is taken away
            with contextlib.closing(sqlite3.connect(file)) as connection:
                connection.execute("PRAGMA wal_checkpoint(FULL)")
            await store.add([row("E2")], 1, "http")
        file.with_name(f"{file.name}{ending}").write_bytes(b"")
        assert ending or "cut short" in await store.failure_now()
        for number in range(10, 20):
            with contextlib.suppress(StoreUnavailableError):
                await store.add([row(f"E{number}")], 1, "http")
                acked.add(f"E{number}")
        assert "E10" not in acked

    with_store(f"sqlite:///{file}", work)
    if ending:  # it goes on in a new log; without its file it cannot
        assert "E19" in acked <= held_after(file)
    else:
        assert not acked


def test_a_database_that_is_replaced_while_the_writer_is_away_is_the_one_that_is_written(tmp_path):
    file, other, acked = tmp_path / "employees.db", tmp_path / "other.db", set()

    async def work(store, stamps):
        await store.add([row("E1")], 1, "http")
        await asyncio.gather(*(store.get("E1") for _ in range(8)))  # these stay connected
        store._disconnect()  # as after any error of the database
        with contextlib.closing(sqlite3.connect(other)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
        for each in files_of(file):
            each.unlink()
        other.replace(file)
        for number in range(2, 6):
            with contextlib.suppress(StoreUnavailableError):
                await store.add([row(f"E{number}")], 1, "http")
                acked.add(f"E{number}")

    with_store(f"sqlite:///{file}", work)
    assert acked
    assert acked <= held_after(file)


@pytest.mark.parametrize("moment", ["while it is opened", "after it was opened"])
def test_a_database_that_is_replaced_as_it_is_opened_acks_nothing_that_is_lost(tmp_path, moment):
    file, other, acked = tmp_path / "employees.db", tmp_path / "other.db", set()

    def replace(*_):
        if other.exists():
            for each in files_of(file):
                each.unlink()
            other.replace(file)

    async def work(store, stamps):
        await store.add([row("E1")], 1, "http")
        with contextlib.closing(sqlite3.connect(other)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
        store._disconnect()
        event = "connect" if moment == "while it is opened" else "after_cursor_execute"
        sa.event.listen(store._engine, event, replace, insert=event == "connect")
        for number in range(2, 6):
            with contextlib.suppress(StoreUnavailableError):
                await store.add([row(f"E{number}")], 1, "http")
                acked.add(f"E{number}")

    with_store(f"sqlite:///{file}", work)
    assert "E5" in acked <= held_after(file)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
def test_only_its_owner_can_read_a_database_that_the_kit_makes(tmp_path):
    async def work(store, stamps):
        await store.add([row("E1")], 1, "http")
        return {each.name: stat.S_IMODE(each.stat().st_mode) for each in tmp_path.iterdir()}

    modes = with_store(f"sqlite:///{tmp_path / 'employees.db'}", work)
    assert set(modes) == {f"employees.db{ending}" for ending in ("", "-wal", "-shm")}
    assert set(modes.values()) == {0o600}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit of descriptors")
def test_a_server_without_descriptors_says_so_and_goes_on_when_it_has_some(tmp_path):
    import resource

    async def work(store, stamps):
        await store.add([row("E1")], 1, "http")
        store._disconnect()  # as after any error of the database
        store._engine.dispose()
        with contextlib.ExitStack() as cleanup:
            soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            cleanup.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
            resource.setrlimit(resource.RLIMIT_NOFILE, (128, hard))
            with contextlib.suppress(OSError):
                while True:
                    cleanup.callback(os.close, os.open(os.devnull, os.O_RDONLY))
            with pytest.raises(StoreUnavailableError, match="no file descriptors left"):
                await store.get("E1")
            with pytest.raises(StoreUnavailableError, match="no file descriptors left"):
                await store.add([row("E2")], 1, "http")
            assert "no file descriptors left" in await store.failure_now()
        assert (await store.add([row("E2")], 1, "http")).results == ["created"]
        assert await store.failure_now() is None

    with_store(f"sqlite:///{tmp_path / 'employees.db'}", work)


def test_only_databases_that_the_kit_knows_are_opened():
    with pytest.raises(ValueError, match="use postgresql or sqlite"):
        make_engine("mysql://localhost/x")
    with pytest.raises(ValueError, match="cannot be read"):
        make_engine("not a url")
