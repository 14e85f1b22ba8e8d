"""A record is stored when its transaction is on the disk, and its stamp says when that was."""

import json
import os
import re
import secrets
import subprocess
import sys
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from empkit.databases.postgresql import PostgreSql
from tests.conftest import employee, post
from tests.parts import need_program
from tests.server.test_store import row, with_store
from tests.signals import started

SYNC_MS = 100
"""How long a flush to the disk takes on the slow disk."""


def asked(url, *questions):
    """What the connection with which a store commits answers, after it has committed a record."""

    async def work(store, _stamps):
        await store.add([row("E1")], 1, "http")

        def ask():
            answers = [store._connection.exec_driver_sql(each).scalar_one() for each in questions]
            store._connection.rollback()
            return answers

        return await store._loop.run_in_executor(store._executor, ask)

    return with_store(url, work)


def test_sqlite_flushes_each_commit(tmp_path):
    url = f"sqlite:///{tmp_path / 'employees.db'}"
    full = 2  # https://www.sqlite.org/pragma.html#pragma_synchronous
    assert asked(url, "PRAGMA synchronous", "PRAGMA journal_mode") == [full, "wal"]


@pytest.fixture
def careless(postgres):
    """A PostgreSQL database whose own default is to answer before a commit is on the disk."""
    name = f"careless_{secrets.token_hex(4)}"
    url = PostgreSql().create(postgres, name)
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    role = sa.make_url(url).username
    with engine.connect() as connection:
        for whose in (f"DATABASE {name}", f"ROLE {role}", f"ROLE {role} IN DATABASE {name}"):
            connection.exec_driver_sql(f"ALTER {whose} SET synchronous_commit = off")
    try:
        yield url
    finally:
        with engine.connect() as connection:
            connection.exec_driver_sql(f"ALTER ROLE {role} RESET synchronous_commit")
        engine.dispose()
        PostgreSql().drop(postgres, name)


@pytest.mark.slow
def test_postgresql_flushes_each_commit_whatever_its_own_default(careless):
    engine = sa.create_engine(careless)
    with engine.connect() as connection:
        default = connection.exec_driver_sql("SHOW synchronous_commit").scalar_one()
    engine.dispose()
    assert default == "off"
    assert asked(careless, "SHOW synchronous_commit", "SHOW fsync") == ["on", "on"]


SLOW_COMMIT = """
    CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_sleep(0.3); RETURN NULL; END $$;
    CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON employees
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION wait();
"""
"""Runs when the transaction commits, and not when the row is inserted."""


def test_stored_is_after_a_slow_commit(postgres):
    name = f"slow_{secrets.token_hex(4)}"
    url = PostgreSql().create(postgres, name)

    async def work(store, stamps):
        await store.add([row("E1")], 1, "http")
        engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(SLOW_COMMIT)
        engine.dispose()
        begun = store._loop.time() * 1e9  # the clock of the stamps
        stored = await store.add([row("E2")], 1, "http")
        (_, stamp), _ = stamps.page(0, 10)
        return begun, stored.stored_ns, stamp.stored_ns

    try:
        begun, told, stamped = with_store(url, work)
    finally:
        PostgreSql().drop(postgres, name)
    assert told == stamped
    assert told - begun >= 0.3e9


@pytest.fixture(scope="module")
def slow_disk(tmp_path_factory):
    """A real server on SQLite and a disk that takes 0.1 s to flush; each flush is noted."""
    folder = tmp_path_factory.mktemp("traced")
    syncs, stamps = folder / "syncs", folder / "timings.jsonl"
    trace = [need_program("strace"), "-f", "--seccomp-bpf", "-e", "trace=fsync,fdatasync",
             "-e", f"inject=fsync,fdatasync:delay_enter={SYNC_MS * 1000}", "-o", syncs]  # fmt: skip
    serve = [sys.executable, "-m", "empkit.cli", "serve", "--port", "0",
             "--database", f"sqlite:///{folder / 'employees.db'}"]  # fmt: skip
    key = secrets.token_urlsafe(48)
    variables = os.environ | {"EMPKIT_SIGNING_KEY": key, "EMPKIT_TIMINGS_FILE": str(stamps),
                              "EMPKIT_PASSWORD": secrets.token_urlsafe(12)}  # fmt: skip
    with started([*trace, *serve], stdout=subprocess.PIPE, text=True, env=variables) as process:
        url = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())[0]
        token = token_of(key)
        yield SimpleNamespace(server_url=url, token=token, syncs=syncs, stamps=stamps)


def token_of(key):
    from pydantic import SecretStr

    from empkit import Settings
    from empkit.server.auth import Authenticator

    return Authenticator(Settings(signing_key=SecretStr(key))).make_token()


@pytest.mark.slow
def test_no_answer_comes_before_its_flush_and_no_stamp(slow_disk):
    for number in range(3):
        flushed = slow_disk.syncs.read_text().count("sync(")
        assert post(slow_disk, employee(f"E{number}"))[0] == 201
        assert slow_disk.syncs.read_text().count("sync(") > flushed
    stamps = [json.loads(line) for line in slow_disk.stamps.read_text().splitlines()]
    assert [employee_id for employee_id, *_ in stamps] == ["E0", "E1", "E2"]
    for _, _, received_ns, stored_ns in stamps:
        assert stored_ns - received_ns >= SYNC_MS * 1e6
