"""SQLite: what its connections keep."""

import subprocess
import sys
import textwrap

import pytest

GROUPS = """
    import random, sys
    import psutil
    from empkit.databases.employees import insert_group
    from empkit.databases.engine import database_of, make_engine
    from empkit.databases.table import create_table
    from empkit.records.employee import CONTENT

    url, repeated = f"sqlite:///{sys.argv[1]}/e.db", sys.argv[2] == "repeated"
    engine, database = make_engine(url), database_of(url)
    create_table(engine)

    def rows(group, count):
        return [
            dict.fromkeys(CONTENT, "some text") | {"employee_id": f"{group}-{n}", "salary": 1.5}
            for n in range(count)
        ]

    def memory():
        return psutil.Process().memory_info().rss

    with engine.connect() as connection:
        def insert(group):
            insert_group(connection, database, group)
            connection.commit()

        for group in ("first", "second"):  # what the largest group takes while it is inserted
            insert(rows(group, 1_000))
            insert(rows(group, 1_000))
        before, chosen = memory(), random.Random(1)
        for number in range(150):
            taken = rows("first", 1) if repeated else []
            insert(rows(number, chosen.randint(1, 1_000)) + taken)
        print((memory() - before) / 2**20)
"""


@pytest.mark.slow
def test_a_connection_does_not_keep_a_large_statement_for_each_size_of_a_group(tmp_path):
    """Of new records, and of those with one that is stored already, as after a fault."""
    for kind, most in (("new", 4), ("repeated", 10)):  # MiB
        (folder := tmp_path / kind).mkdir()
        command = [sys.executable, "-c", textwrap.dedent(GROUPS), folder, kind]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        assert float(done.stdout) < most, kind
