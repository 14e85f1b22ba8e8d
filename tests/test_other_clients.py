"""Clients that know nothing of the kit: Kafka's own console tools, and kcat."""

import asyncio
import json
import os
import shutil
import subprocess

import pytest

from empkit import Lab, connect
from empkit.brokers.install import find_java, find_kafka
from tests.conftest import count_stored, employee, wait_until


@pytest.fixture(scope="module")
def apache():
    with Lab("apache") as running:
        yield running


def java(*arguments, text=""):
    jars = os.pathsep.join(map(str, find_kafka()))
    done = subprocess.run(
        [find_java(), "-cp", jars, "-Dorg.slf4j.simpleLogger.defaultLogLevel=error", *arguments],
        input=text, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    return done.stdout


def kcat(*arguments, text=""):
    program = shutil.which("kcat")
    if program is None:
        assert not os.environ.get("CI"), "kcat is missing, and CI must have it."
        pytest.skip("kcat is not on this machine.")
    done = subprocess.run(
        [program, *arguments], input=text, capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout


async def send(lab, employee_id):
    async with connect("kafka", lab) as client:
        return await client.send(employee(employee_id))


def console_consumer(lab):
    return java(
        "org.apache.kafka.tools.consumer.ConsoleConsumer", "--bootstrap-server",
        lab.bootstrap_servers, "--topic", lab.topic, "--from-beginning", "--timeout-ms", "5000",
    )  # fmt: skip


def console_producer(lab, line):
    java(
        "org.apache.kafka.tools.ConsoleProducer", "--bootstrap-server", lab.bootstrap_servers,
        "--topic", lab.topic, text=f"{line}\n",
    )  # fmt: skip


def kcat_consumer(lab):
    return kcat("-C", "-b", lab.bootstrap_servers, "-t", lab.topic, "-o", "beginning", "-e", "-q")


def kcat_producer(lab, line):
    kcat("-P", "-b", lab.bootstrap_servers, "-t", lab.topic, text=f"{line}\n")


@pytest.mark.parametrize("read", [console_consumer, kcat_consumer])
def test_other_consumers_read_what_the_kit_wrote(apache, fresh_id, read):

    assert asyncio.run(send(apache, fresh_id)).outcome == "acked"
    found = [json.loads(line) for line in read(apache).splitlines()]
    assert employee(fresh_id) in found


@pytest.mark.parametrize("write", [console_producer, kcat_producer])
def test_the_kit_stores_what_other_producers_write(apache, fresh_id, write):
    write(apache, json.dumps(employee(fresh_id)))
    wait_until(lambda: count_stored(apache, fresh_id) == 1)


def test_kcat_reads_and_writes_the_embedded_broker(embedded, fresh_id):
    kcat_producer(embedded, json.dumps(employee(fresh_id)))
    wait_until(lambda: count_stored(embedded, fresh_id) == 1)
    assert fresh_id in kcat_consumer(embedded)
