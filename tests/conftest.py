"""What tests of the running system share: one real lab a worker, and plain ways to talk to it."""

import http.client
import itertools
import json
import os
import secrets
import time
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa

from empkit import Lab
from empkit.databases.cluster import Cluster
from empkit.databases.employees import begins_with
from empkit.databases.engine import make_engine
from empkit.databases.postgresql import PostgreSql
from tests import counted, parts
from tests.turns import Turns


@pytest.hookimpl(trylast=True)  # after pytest knows where its temporary files go
def pytest_configure(config):
    if not hasattr(config, "workerinput") and config.getoption("numprocesses", None):
        return  # this process only hands out the tests
    if counted.is_recorded():
        counted.end_politely()
    folder = config._tmp_path_factory.getbasetemp()
    shared = folder.parent if hasattr(config, "workerinput") else folder
    config.pluginmanager.register(Turns(shared))
    if os.environ.get("EMPKIT_TEST_DATABASE") == "postgresql":  # every lab, the notebooks' too
        cluster = Cluster()
        os.environ["EMPKIT_LAB_DATABASE"] = cluster.url
        config.add_cleanup(cluster.stop)


LONGEST = (
    "notebooks/08_scale_out.ipynb", "notebooks/07_guarantees.ipynb", "notebooks/05_load.ipynb",
    "tests/faults/test_server.py", "tests/server/test_several.py", "tests/sabotage/test_table.py",
    "notebooks/10_your_experiment.ipynb", "notebooks/06_failures.ipynb",
    "notebooks/04_latency.ipynb", "notebooks/09_choose.ipynb", "tests/cli/test_cli.py",
    "tests/faults/test_apache.py", "tests/test_lab.py", "notebooks/03_kafka.ipynb",
    "notebooks/01_http.ipynb", "notebooks/00_start_here.ipynb", "notebooks/02_websocket.ipynb",
)  # fmt: skip
"""The files that take longest, measured; what is short at the end keeps all workers busy to it."""


def pytest_collection_modifyitems(items):
    """The longest files first."""
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.nodeid.partition("::")[0], len(places)))


@pytest.fixture(scope="module")
def lab():
    """A lab with the embedded broker and SQLite, shared by the tests of one file: an idle one still
    asks its broker for records all the time."""
    with Lab() as running:
        yield running


@pytest.fixture(scope="module")
def embedded(lab):
    """A lab with the embedded broker, whatever broker the others are tested with."""
    if lab.broker_name == "embedded":
        yield lab
        return
    with Lab("embedded") as running:
        yield running


@pytest.fixture(scope="session")
def kafka_jars(tmp_path_factory):
    """Apache Kafka on this machine: fetched where Java and Maven are there and it is not."""
    parts.fetched("kafka", parts.fetch_kafka, parts.shared_folder(tmp_path_factory))


@pytest.fixture(scope="module")
def apache(kafka_jars):
    """A lab with Apache Kafka, shared by the tests of one file."""
    with Lab("apache") as running:
        yield running


@pytest.fixture(scope="module")
def postgres():
    """The URL of a PostgreSQL server of one file's own."""
    parts.need_postgresql()
    cluster = Cluster()
    yield cluster.url
    cluster.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def new_database(request, tmp_path):
    """A function that gives the URL of a new, empty database."""
    if request.param == "sqlite":
        yield lambda: f"sqlite:///{tmp_path / secrets.token_hex(4)}.db"
        return
    server, names = request.getfixturevalue("postgres"), []

    def make():
        names.append(f"test_{secrets.token_hex(4)}")
        return PostgreSql().create(server, names[-1])

    yield make
    for name in names:
        PostgreSql().drop(server, name)


_numbers = itertools.count()
_tag = secrets.token_hex(3)


@pytest.fixture
def fresh_id():
    """An employee_id that no other test has."""
    return f"test-{_tag}-{next(_numbers)}"


def employee(employee_id, **more):
    """A good record."""
    return {"employee_id": employee_id, "first_name": "Ada", "last_name": "Byron", **more}


def request(lab, method, path, body=None, token=None, **headers):
    """One HTTP request on a connection of its own: status, headers and body as JSON."""
    parts = urlsplit(lab.server_url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=20)
    try:
        if isinstance(body, dict):
            body = json.dumps(body)
        token = lab.token if token is None else token
        if token:
            headers["Authorization"] = f"Bearer {token}"
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        content = response.read()
        return response.status, response.headers, json.loads(content) if content else None
    finally:
        connection.close()


def post(lab, record, **options):
    """Send one record over HTTP: status and answer."""
    status, _, answer = request(lab, "POST", "/employees", record, **options)
    return status, answer


def is_stored(lab, employee_id):
    """Whether the server has it."""
    return request(lab, "GET", f"/employees/{employee_id}")[0] == 200


def count_stored(lab, prefix):
    """How many employees the database holds whose ids begin so, read past the server."""
    engine = make_engine(lab.database_url)
    with engine.connect() as connection:
        found = connection.execute(sa.select(sa.func.count()).where(begins_with(prefix))).scalar()
    engine.dispose()
    return found


def wait_until(holds, timeout_s=60.0):
    """Wait for a condition, with a deadline that a busy machine keeps, too; return what it gave."""
    give_up = time.monotonic() + timeout_s
    while not (found := holds()):
        assert time.monotonic() < give_up, f"not so within {timeout_s} s"
        time.sleep(0.01)
    return found
