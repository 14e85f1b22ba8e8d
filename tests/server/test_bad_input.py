"""Whatever is sent, it gets its clear answer, the next good record is stored, nothing hangs."""

import asyncio
import json

import pytest
import schemathesis
from aiokafka import AIOKafkaProducer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance

from empkit import Lab
from empkit.kafka.dead_letters import read_dead_letters
from tests.conftest import employee, is_stored, post, request, wait_until

MANY = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
bodies = st.one_of(
    st.binary(max_size=200),
    json_values.map(lambda value: json.dumps(value).encode()),
    st.dictionaries(
        st.sampled_from(["employee_id", "first_name", "last_name", "salary", "hire_date", "x"]),
        json_values,
    ).map(lambda value: json.dumps(value).encode()),
    st.integers(1, 100_000).map(lambda depth: b'{"employee_id":' + b"[" * depth),
)


@pytest.mark.slow
@MANY
@given(bodies)
def test_any_body_over_http_is_answered_without_a_5xx(lab, body):
    status, answer = post(lab, body)
    assert status in {200, 201, 409, 413, 422}, (status, answer)
    assert answer["status"] == ("success" if status < 300 else "error")
    assert answer["message"]


def test_after_bad_bodies_a_good_one_is_stored(lab, fresh_id):
    for body in (b"", b"\0", b"{" * 50_000, b"\xff" * 100, b'{"employee_id": "a\\u0000"}'):
        assert post(lab, body)[0] == 422
    assert post(lab, employee(fresh_id))[0] == 201


def dead_letters(lab):
    """All that the dead-letter topic holds."""
    return asyncio.run(read_dead_letters(lab.settings))


def test_bad_kafka_records_go_to_the_dead_letter_topic_and_the_next_is_stored(lab, fresh_id):
    bad = {
        b"null": None, b"binary": b"\xff\xfe\x00\x01", b"list": b"[1, 2]", b"text": b'"text"',
        b"broken": b'{"employee_id": ', b"no id": b'{"first_name": "Ada"}',
        b"large": json.dumps(employee(fresh_id, remark="x" * 100_000)).encode(),
        b"deep": b"[" * 60_000,
    }  # fmt: skip

    async def produce():
        async with AIOKafkaProducer(bootstrap_servers=lab.bootstrap_servers) as producer:
            sent = {}
            for key, value in bad.items():
                sent[key] = await producer.send_and_wait(lab.topic, value, key=key)
            good = json.dumps(employee(fresh_id)).encode()
            await producer.send_and_wait(lab.topic, good, key=b"good")
            return sent

    sent = asyncio.run(produce())
    wait_until(lambda: is_stored(lab, fresh_id))
    wait_until(lambda: request(lab, "GET", "/health")[2]["consumer"]["lag"] == 0)
    letters = {letter.key: letter for letter in dead_letters(lab) if letter.key in bad}
    assert letters.keys() == bad.keys()
    for key, letter in letters.items():
        assert letter.value == bad[key]
        assert letter.topic == lab.topic
        assert letter.partition == sent[key].partition
        assert letter.offset == sent[key].offset
        assert letter.reason
    assert "missing employee_id" in letters[b"no id"].reason


@pytest.mark.slow
def test_a_record_too_large_for_a_dead_letter_is_buried_without_its_bytes(fresh_id):
    async def produce(lab):
        async with AIOKafkaProducer(
            bootstrap_servers=lab.bootstrap_servers, max_request_size=2**22
        ) as producer:
            for value in (b"x" * (2**20 + 1), json.dumps(employee(fresh_id)).encode()):
                await producer.send_and_wait(lab.topic, value, key=fresh_id.encode())

    with Lab("embedded") as lab:  # which takes messages of any size
        asyncio.run(produce(lab))
        wait_until(lambda: is_stored(lab, fresh_id))
        (letter,) = dead_letters(lab)
    assert letter.value is None
    assert "too large" in letter.reason


def test_an_id_taken_by_other_content_is_a_dead_letter(lab, fresh_id):
    assert post(lab, employee(fresh_id))[0] == 201
    other = json.dumps(employee(fresh_id, first_name="Augusta")).encode()

    async def produce():
        async with AIOKafkaProducer(bootstrap_servers=lab.bootstrap_servers) as producer:
            for value in (json.dumps(employee(fresh_id)).encode(), other):
                await producer.send_and_wait(lab.topic, value, key=fresh_id.encode())

    asyncio.run(produce())
    wait_until(lambda: request(lab, "GET", "/health")[2]["consumer"]["lag"] == 0)
    (letter,) = [each for each in dead_letters(lab) if each.key == fresh_id.encode()]
    assert letter.value == other
    assert letter.reason == f"Employee ID {fresh_id} already exists"


@pytest.mark.parametrize("query", ["after=%00", "prefix=a%00b"])
def test_a_page_of_ids_that_cannot_be_is_refused_as_the_description_says(lab, query):
    status, _, answer = request(lab, "GET", f"/employees?{query}")
    assert status == 422
    assert answer["detail"][0]["loc"] == ["query", query.partition("=")[0]]


def test_an_id_that_cannot_be_is_not_found(lab):
    assert request(lab, "GET", "/employees/a%00b")[0] == 404


@pytest.mark.slow
def test_the_server_keeps_to_its_openapi_description(lab):
    """Schemathesis makes requests from the description, good and bad, and sends them for real."""
    schema = schemathesis.openapi.from_url(f"{lab.server_url}/openapi.json")
    headers = {"Authorization": f"Bearer {lab.token}"}
    tried = 0
    for operation in schema.get_all_operations():
        strategy = operation.ok().as_strategy()

        @settings(max_examples=25, database=None,
                  suppress_health_check=list(HealthCheck))  # fmt: skip
        @given(strategy)
        def keeps_to_it(case):
            nonlocal tried
            tried += 1
            case.call_and_validate(
                headers=headers, checks=[not_a_server_error, response_schema_conformance]
            )

        keeps_to_it()
    assert tried > 50
