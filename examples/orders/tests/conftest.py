"""The system under test: the shop, and billing as a process of its own."""

import contextlib
import sqlite3
import subprocess
import sys

import pytest

from orders.shop import Shop


class Billing:
    """The process that bills; it finds the broker in KAFKA_BOOTSTRAP_SERVERS."""

    def __init__(self, topic, dead_letters, database, group):
        self.group = group
        self._arguments = [topic.name, dead_letters.name, str(database), group]
        self._database = database
        self._process = None

    def start(self):
        command = [sys.executable, "-m", "orders.billing", *self._arguments]
        self._process = subprocess.Popen(command)

    def kill(self):
        self._process.kill()
        self._process.wait()

    def stop(self):
        self._process.terminate()
        assert self._process.wait(10) == 0

    @contextlib.contextmanager
    def locked(self):
        """Keep the lock of the database, as a backup or another program may."""
        with contextlib.closing(sqlite3.connect(self._database, isolation_level=None)) as bills:
            bills.execute("BEGIN IMMEDIATE")
            yield

    def billed(self):
        with sqlite3.connect(self._database) as bills:
            return [number for (number,) in bills.execute("SELECT number FROM bills")]


@pytest.fixture
def orders(kafka):
    return kafka.topic(partitions=3)


@pytest.fixture
def dead_letters(kafka):
    return kafka.topic()


@pytest.fixture
def shop(kafka, orders):
    return Shop(kafka.bootstrap_servers, orders.name)


@pytest.fixture
def billing(kafka, orders, dead_letters, tmp_path):
    billing = Billing(orders, dead_letters, tmp_path / "bills.db", kafka.group("billing"))
    billing.start()
    yield billing
    billing.stop()
