"""Clients that know nothing of the kit: kcat, and Apache Kafka's console tools."""

import asyncio
import json
import subprocess

import pytest

from empkit import connect
from empkit.kafka.topics import log_ends
from tests.conftest import count_stored, employee, wait_until
from tests.kafka_tools import run_tool, tools
from tests.parts import fetched, need_program, shared_folder
from tests.plugin import PLUGINS

pytest_plugins = PLUGINS


def kcat(*arguments, text=""):
    done = subprocess.run(
        [need_program("kcat"), *arguments],
        input=text, capture_output=True, text=True, timeout=60, check=True,
        errors="replace",  # other tests put into the topic what is no text
    )  # fmt: skip
    return done.stdout


async def send(lab, employee_id):
    async with connect("kafka", lab) as client:
        return await client.send(employee(employee_id))


def kcat_consumer(lab):
    return kcat("-C", "-b", lab.bootstrap_servers, "-t", lab.topic, "-o", "beginning", "-e", "-q")


def kcat_producer(lab, line):
    kcat("-P", "-b", lab.bootstrap_servers, "-t", lab.topic, text=f"{line}\n")


@pytest.mark.slow
def test_kcat_reads_what_the_kit_wrote(apache, fresh_id):
    assert asyncio.run(send(apache, fresh_id)).outcome == "acked"
    (line,) = [line for line in kcat_consumer(apache).splitlines() if fresh_id in line]
    assert json.loads(line) == employee(fresh_id)


@pytest.mark.slow
def test_the_kit_stores_what_kcat_writes(apache, fresh_id):
    kcat_producer(apache, json.dumps(employee(fresh_id)))
    wait_until(lambda: count_stored(apache, fresh_id) == 1)


def test_kcat_reads_and_writes_the_embedded_broker(kafka):
    topic = kafka.topic()
    kcat("-P", "-b", kafka.bootstrap_servers, "-t", topic.name, text="E1\n")
    topic.produce("E2")
    assert [record.value for record in topic.read()] == [b"E1", b"E2"]
    read = kcat("-C", "-b", kafka.bootstrap_servers, "-t", topic.name, "-o", "beginning", "-eq")
    assert read.split() == ["E1", "E2"]


@pytest.fixture(scope="module")
def console_tools(tmp_path_factory):
    """Kafka's own tools: fetched as Kafka is."""
    fetched("kafka-tools", tools, shared_folder(tmp_path_factory))


def console_consumer(lab):
    held = sum(asyncio.run(log_ends(lab.settings, lab.topic)).values())
    return run_tool(  # until it has read what is there: a busy machine's Java takes its time
        "consumer.ConsoleConsumer", "--bootstrap-server", lab.bootstrap_servers,
        "--topic", lab.topic, "--from-beginning", "--max-messages", str(held),
    )  # fmt: skip


@pytest.mark.slow
def test_the_console_consumer_reads_what_the_kit_wrote(console_tools, apache, fresh_id):
    assert asyncio.run(send(apache, fresh_id)).outcome == "acked"
    (line,) = [line for line in console_consumer(apache).splitlines() if fresh_id in line]
    assert json.loads(line) == employee(fresh_id)


@pytest.mark.slow
def test_the_kit_stores_what_the_console_producer_writes(console_tools, apache, fresh_id):
    run_tool(
        "ConsoleProducer", "--bootstrap-server", apache.bootstrap_servers, "--topic", apache.topic,
        text=f"{json.dumps(employee(fresh_id))}\n",
    )  # fmt: skip
    wait_until(lambda: count_stored(apache, fresh_id) == 1)


@pytest.mark.slow
def test_the_group_tool_sees_the_kits_group_without_lag(console_tools, apache, fresh_id):
    assert asyncio.run(send(apache, fresh_id)).outcome == "acked"
    wait_until(lambda: count_stored(apache, fresh_id) == 1)
    text = run_tool(
        "consumer.group.ConsumerGroupCommand", "--bootstrap-server", apache.bootstrap_servers,
        "--describe", "--group", apache.settings.kafka_group,
    )  # fmt: skip
    rows = [line.split() for line in text.splitlines() if apache.topic in line]
    heads = text.split()
    lag = [int(row[heads.index("LAG")]) for row in rows if row[heads.index("LAG")] != "-"]
    assert lag and sum(lag) == 0
