"""The pytest plugin as people meet it: runs of pytest on tests of their kind."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.plugin import MODULE, PLUGINS, run_pytest

pytest_plugins = PLUGINS

SERVICE = '''
"""A service that takes orders from a topic and keeps them; `careless` makes the usual mistakes."""
import threading
from confluent_kafka import Consumer, Producer

class Billing:
    def __init__(self, servers, topic, careless=False, group="billing"):
        self.rows, self.careless, self.topic = [], careless, topic
        self.producer = Producer({"bootstrap.servers": servers, "linger.ms": 0})
        self.consumer = Consumer({
            "bootstrap.servers": servers, "group.id": group, "auto.offset.reset": "earliest",
            "enable.auto.commit": False, "fetch.wait.max.ms": 10,
        })
        self.consumer.subscribe([topic])
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.stopped.is_set():
            message = self.consumer.poll(0.02)
            if message is None or message.error():
                continue
            number = int(message.key())
            if not (self.careless and number == 3):
                self.rows.append(number)
            self.consumer.commit(message, asynchronous=False)

    def place_order(self, number):
        self.producer.produce(self.topic, key=str(number), value="order")
        assert self.producer.flush(10) == 0

    def database_rows(self):
        return sorted(set(self.rows))  # the primary key

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *error):
        self.stopped.set()
        self.thread.join()
        self.consumer.close()
'''


README = (Path(__file__).parents[1] / "README.md").read_text()


@pytest.mark.slow
def test_the_example_of_the_readme_runs_and_what_it_says_of_the_log_is_true(tmp_path):
    section = README.partition("## Test your own code with it")[2].partition("\n## ")[0]
    example = section.partition("```python\n")[2].partition("```")[0]
    fixture = """
import pytest

@pytest.fixture
def my_service():
    return Billing
"""
    done = run_pytest(tmp_path, SERVICE + fixture + example)
    assert done.returncode == 0, done.stdout
    stricter = "    orders.assert_each_once(expected=map(str, range(100)))\n"
    done = run_pytest(tmp_path, SERVICE + fixture + example + stricter)
    shown = section.partition("```text\n")[2].partition("```")[0]
    without_times, _, _ = " ".join(shown.split()).partition(" (")
    said = " ".join(line.removeprefix("E  ").strip() for line in done.stdout.splitlines())
    assert without_times in said


@pytest.mark.slow
def test_a_service_that_is_right_passes_while_the_broker_is_slow(tmp_path):
    test = f"""{SERVICE}
def test_it(kafka):
    orders = kafka.topic()
    with Billing(kafka.bootstrap_servers, orders.name) as service:
        with kafka.slow(5, seconds=0.1):
            for n in range(20):
                service.place_order(n)
        orders.wait_until_read(group="billing")
    orders.assert_each_once(key=lambda record: int(record.key), expected=range(20))
    orders.assert_nothing_lost(sent=range(20), stored=service.rows)
"""
    done = run_pytest(tmp_path, test)
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_a_record_that_the_service_did_not_store_is_named_with_its_place(tmp_path):
    test = f"""{SERVICE}
def test_it(kafka):
    orders = kafka.topic()
    with Billing(kafka.bootstrap_servers, orders.name, careless=True) as service:
        orders.produce_all([(str(n), "v") for n in range(6)])
        orders.wait_until_read(group="billing")
    orders.assert_nothing_lost(sent=range(6), stored=service.rows)
"""
    done = run_pytest(tmp_path, test)
    assert done.returncode == 1
    assert (
        "1 were sent and are not stored: 3. 3 is in the log at partition 0, offset 3" in done.stdout
    )


@pytest.mark.slow
def test_a_failure_shows_the_line_of_the_test_and_the_timeline(tmp_path):
    test = """
def test_it(kafka, fault_proxy):
    orders = kafka.topic()
    with kafka.lost_acks(1):
        orders.produce("v", "7")
    orders.assert_each_once(expected=["7"])
"""
    done = run_pytest(tmp_path, test)
    assert done.returncode == 1
    assert '>       orders.assert_each_once(expected=["7"])' in done.stdout
    assert "_judge" not in done.stdout
    assert "More than once: '7'. '7' is at partition 0, offset 0 and at " in done.stdout
    _, timeline = done.stdout.split("Kafka and network faults, seconds after the test began")
    assert "lost-acks:count=1 (0." in timeline
    assert "1 answers held back or lost" in timeline


@pytest.mark.slow
def test_a_failure_leaves_a_picture_of_its_records_and_faults_and_a_success_none(tmp_path):
    test = """
import pytest

def test_right(kafka):
    kafka.topic().produce("v")

@pytest.mark.parametrize("name", ["a/b"])
def test_wrong(kafka, name):
    orders = kafka.topic()
    kafka.down(at=0.01).start()
    with kafka.lost_acks(1):
        orders.produce("v", "7")
    orders.assert_each_once(expected=["7"])

def test_without_topics(kafka):
    assert False
"""
    done = run_pytest(tmp_path, test, "--kafka-timelines=pictures")
    assert done.stdout.count("Picture of the records and faults") == 2
    pictures = sorted(path.name for path in (tmp_path / "pictures").iterdir())
    assert pictures == ["test_it.py-test_without_topics.png", "test_it.py-test_wrong-a-b-.png"]
    assert all((tmp_path / "pictures" / name).read_bytes()[1:4] == b"PNG" for name in pictures)
    (tmp_path / "file").write_text("")
    done = run_pytest(tmp_path, test, "--kafka-timelines=file", "-k", "topics")
    assert "It was not saved: " in done.stdout


@pytest.mark.slow
def test_a_test_that_passes_shows_no_timeline(tmp_path):
    test = """
def test_it(kafka):
    with kafka.slow(1):
        kafka.topic().produce("v")
"""
    done = run_pytest(tmp_path, test, "-rA")
    assert done.returncode == 0
    assert "broker-slow" not in done.stdout


@pytest.mark.slow
def test_a_fault_without_its_block_is_an_error_of_that_test_alone(tmp_path):
    test = """
def test_it(kafka):
    kafka.down(at=1)

def test_next(kafka):
    kafka.topic().produce("v")
"""
    done = run_pytest(tmp_path, test)
    assert "2 passed, 1 error" in done.stdout
    assert "broker-down was made and never struck" in done.stdout


def test_the_address_is_in_the_environment_of_what_a_test_starts(kafka):
    assert os.environ["KAFKA_BOOTSTRAP_SERVERS"] == kafka.bootstrap_servers


@pytest.mark.slow
def test_after_the_test_the_environment_is_as_before(tmp_path):
    test = """
import os
def test_it(kafka):
    assert os.environ["KAFKA_BOOTSTRAP_SERVERS"] == kafka.bootstrap_servers

def test_next():
    assert "KAFKA_BOOTSTRAP_SERVERS" not in os.environ
"""
    assert run_pytest(tmp_path, test).returncode == 0


@pytest.mark.anyio
async def test_a_test_of_asyncio_uses_the_same_fixtures(kafka):
    import asyncio

    from aiokafka import AIOKafkaProducer

    topic = kafka.topic()
    async with AIOKafkaProducer(
        bootstrap_servers=kafka.bootstrap_servers, retry_backoff_ms=10
    ) as producer:
        with kafka.errors(count=1):
            await producer.send_and_wait(topic.name, b"v", key=b"1")
    await asyncio.to_thread(topic.assert_each_once, expected=["1"])
    topic.assert_each_once(expected=["1"])


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.mark.slow
def test_each_worker_of_xdist_has_a_broker_of_its_own(tmp_path):
    test = """
import pytest

@pytest.mark.parametrize("number", range(6))
def test_it(kafka, number, worker_id):
    with open(f"{worker_id}.seen", "a") as seen:
        print(kafka.bootstrap_servers, file=seen)
    kafka.topic().produce("v")
"""
    assert run_pytest(tmp_path, test, "-p", "xdist.plugin", "-n", "2").returncode == 0
    seen = [set(each.read_text().split()) for each in tmp_path.glob("*.seen")]
    assert [len(each) for each in seen] == [1, 1]
    assert seen[0] != seen[1]


def test_what_needs_apache_is_skipped_with_the_way_to_run_it(tmp_path):
    test = """
import pytest

@pytest.mark.needs_apache
def test_it(kafka):
    raise AssertionError
"""
    done = run_pytest(tmp_path, test, "-rs", "--strict-markers")
    assert "needs Apache Kafka: run pytest with --kafka=apache or --kafka=HOST:PORT" in done.stdout
    assert done.returncode == 0


@pytest.mark.slow
def test_one_that_runs_elsewhere_is_asked_to_create_the_topics(tmp_path, kafka):
    test = """
def test_it(kafka):
    topic = kafka.topic(partitions=2)
    topic.produce("v")
    topic.assert_each_once(key=lambda record: record.value, expected=[b"v"])
"""
    done = run_pytest(tmp_path, test, f"--kafka={kafka.bootstrap_servers}")
    # the embedded broker answers no admin request
    assert "cannot be created at" in done.stdout


@pytest.mark.slow
def test_the_same_tests_run_on_apache_kafka(tmp_path, kafka_jars):
    test = """
import asyncio
import socket
import ssl

import pytest
from aiokafka import AIOKafkaProducer
from confluent_kafka import Consumer
from empkit.faults import FaultError
from empkit.proxy import ProxyError

@pytest.fixture
def topic(kafka):
    return kafka.topic(partitions=2)

@pytest.mark.needs_apache
def test_read(topic):
    topic.produce_all([(str(n), "v") for n in range(20)])
    topic.assert_each_once(expected=map(str, range(20)))
    assert topic.lag("billing") == 20

def test_slow(kafka, topic):
    topic.produce("v", "0")
    with kafka.slow(50):
        topic.produce("v", "1")
    topic.assert_each_once(expected=["0", "1"])

def test_an_ack_is_lost(kafka, topic):
    topic.produce("v", "0")
    with kafka.lost_acks(1):
        topic.produce("v", "1")
    with pytest.raises(AssertionError, match="More than once: '1'"):
        topic.assert_each_once(expected=["0", "1"])

def test_an_ack_is_lost_for_a_client_that_connected_later_than_the_plugin(kafka, topic):
    from confluent_kafka import Producer
    topic.produce("v", "0")
    producer = Producer({"bootstrap.servers": kafka.bootstrap_servers})
    producer.produce(topic.name, "v", "1")
    producer.flush()
    with kafka.lost_acks(1):
        producer.produce(topic.name, "v", "2")
        producer.flush()
    with pytest.raises(AssertionError, match="More than once: '2'"):
        topic.assert_each_once(expected=["0", "1", "2"])

def test_the_answers_before_an_ack_pass(kafka):
    topic = kafka.topic()

    async def send():
        async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap_servers) as producer:
            await producer.send_and_wait(topic.name, b"v", b"0")
            with kafka.lost_acks(1) as fault:
                for _ in range(3):
                    assert await producer.client.fetch_all_metadata()
                await producer.send_and_wait(topic.name, b"v", b"1")
                await producer.send_and_wait(topic.name, b"v", b"2")
            assert fault.spans[0].struck == 1

    asyncio.run(asyncio.wait_for(send(), 30))
    assert [record.key for record in topic.read()] == [b"0", b"1", b"1", b"2"]

def test_without_acks_there_is_none_to_lose(kafka):
    topic = kafka.topic()

    async def send():
        async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap_servers, acks=0) as producer:
            await producer.send_and_wait(topic.name, b"v", b"0")
            assert await producer.client.fetch_all_metadata()

    with pytest.raises(FaultError, match="struck nothing"), kafka.lost_acks(1):
        asyncio.run(asyncio.wait_for(send(), 30))

def test_a_client_with_tls_is_no_silent_miss(kafka):
    host, port = kafka.bootstrap_servers.split(":")
    with pytest.raises(ProxyError, match="reads Kafka without TLS, and met"), kafka.lost_acks(1):
        with socket.create_connection((host, int(port))) as plain, pytest.raises(OSError):
            ssl.create_default_context().wrap_socket(plain, server_hostname="localhost")

def test_down(kafka, topic):
    with kafka.down(seconds=0.5):
        topic.produce("v", "1")
    topic.assert_each_once(expected=["1"])

def test_retention(kafka, topic):
    topic.produce_all([(str(n), "v") for n in range(20)])
    with kafka.retention(topic) as fault:
        assert topic.read() == []
    assert fault.spans[0].struck == 20
    with pytest.raises(AssertionError, match=r"begins at offset \\d+: older records"):
        topic.assert_each_once(expected=map(str, range(20)))

def test_members(kafka, topic):
    assert topic.members("billing") == []
    consumer = Consumer({
        "bootstrap.servers": kafka.bootstrap_servers, "group.id": "billing", "client.id": "me",
    })
    consumer.subscribe([topic.name])
    while not consumer.assignment():
        consumer.poll(0.1)
    (member,) = topic.members("billing")
    consumer.close()
    assert (member.client_id, member.partitions) == ("me", (0, 1))

def test_lack(kafka, topic):
    with pytest.raises(FaultError, match="Only the embedded broker supports broker-errors"):
        kafka.errors().start()
    with pytest.raises(FaultError, match="Only the embedded broker supports leader-move"):
        kafka.move_leader(topic, 1).start()
"""
    done = run_pytest(tmp_path, test, "--kafka=apache")
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("kafka_option", ["redpanda", "host", "host:port", "a:1,b"])
def test_an_option_that_means_nothing_is_refused(tmp_path, kafka_option):
    done = run_pytest(tmp_path, "def test_it(): pass", f"--kafka={kafka_option}")
    assert done.returncode == 4
    assert f"--kafka is '{kafka_option}'; use `embedded`, `apache` or HOST:PORT" in done.stderr


def test_loaded_and_not_used_it_imports_next_to_nothing(tmp_path):
    test = """
import sys
def test_it():
    ours = {name for name in sys.modules if name.partition(".")[0] == "empkit"}
    assert "empkit.pytest_plugin" in ours
    assert ours <= {"empkit", "empkit.lazy", "empkit.working_folder", "empkit.pytest_plugin"}, ours
    assert not {"confluent_kafka", "aiokafka", "pydantic"} & set(sys.modules)
"""
    done = run_pytest(tmp_path, test)
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
@pytest.mark.alone
def test_loaded_and_not_used_it_takes_less_than_10_ms():
    code = """
import time, pytest
begin = time.perf_counter()
import empkit.pytest_plugin
print(time.perf_counter() - begin)
"""
    command = [sys.executable, "-c", code]
    took = [float(subprocess.check_output(command, text=True)) for _ in range(5)]
    assert min(took) < 0.01


def test_the_entry_point_is_that_of_the_module():
    text = (Path(__file__).parents[1] / "pyproject.toml").read_text()
    assert tomllib.loads(text)["project"]["entry-points"]["pytest11"] == {"empkit": MODULE}
