"""The consumer: what happens while a part of it is away."""

import asyncio
import json

from aiokafka import AIOKafkaProducer

from empkit import Lab
from tests.conftest import employee, is_stored, post, request, wait_until


def produce(lab, ids):
    async def run():
        async with AIOKafkaProducer(bootstrap_servers=lab.bootstrap_servers) as producer:
            for each in ids:
                await producer.send_and_wait(lab.topic, json.dumps(employee(each)).encode())

    asyncio.run(run())


def consumer_state(lab):
    return request(lab, "GET", "/health", token="")[2]["consumer"]["state"]


def test_records_that_came_while_the_server_was_down_are_stored():
    """What the first description's consumer lost: it read from the end, and in no group."""
    with Lab() as lab:
        lab.stop_server()
        produce(lab, [f"E{number}" for number in range(20)])
        lab.start_server()
        wait_until(lambda: is_stored(lab, "E19"))
        wait_until(lambda: request(lab, "GET", "/health")[2]["consumer"]["lag"] == 0)
        assert all(is_stored(lab, f"E{number}") for number in range(20))


def test_a_broker_away_at_start_stops_neither_http_nor_the_consumer_for_good():
    with Lab() as lab:
        lab.stop_server()
        lab.broker.down()
        lab.start_server()
        assert post(lab, employee("E1"))[0] == 201
        assert consumer_state(lab) == "connecting"
        assert request(lab, "GET", "/health", token="")[2]["status"] == "degraded"
        lab.broker.up()
        wait_until(lambda: consumer_state(lab) == "running")
        produce(lab, ["E2"])
        wait_until(lambda: is_stored(lab, "E2"))


def test_a_killed_server_stores_what_it_had_not_committed():
    with Lab() as lab:
        produce(lab, [f"E{number}" for number in range(50)])
        lab.kill_server()
        produce(lab, [f"F{number}" for number in range(50)])
        lab.start_server()
        names = [f"{letter}{number}" for letter in "EF" for number in range(50)]
        wait_until(lambda: is_stored(lab, "F49"), 30)
        wait_until(lambda: request(lab, "GET", "/health")[2]["consumer"]["lag"] == 0, 30)
        assert all(is_stored(lab, name) for name in names)
