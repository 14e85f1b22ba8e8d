"""What a topic holds, and how far its group is."""

import asyncio
import json

import pytest

from empkit import Lab, connect
from empkit.kafka.topics import group_lag, log_ends, read_topic
from empkit.lab import LabError
from tests.conftest import count_stored, employee


@pytest.mark.slow
def test_lag_is_what_was_sent_while_nobody_read(fresh_id):
    names = [f"{fresh_id}-{number}" for number in range(10)]

    async def send(lab):
        async with connect("kafka", lab) as client:
            return [await client.send(employee(name)) for name in names]

    with Lab() as lab:
        lab.wait_until_read()
        before = asyncio.run(log_ends(lab.settings, lab.topic))
        lab.kill_server()
        asyncio.run(send(lab))
        assert lab.lag() == 10
        assert asyncio.run(group_lag(lab.settings, lab.topic))["lag"].sum() == 10
        with pytest.raises(LabError, match=r"10 records of .* were not read within 0 s"):
            lab.wait_until_read(0)
        log = asyncio.run(read_topic(lab.settings, lab.topic, before))
        assert sorted(log["key"]) == sorted(names)
        assert {json.loads(value)["employee_id"] for value in log["value"]} == set(names)
        assert log.sort_values(["partition", "offset"]).index.tolist() == list(range(10))
        lab.start_server()
        lab.wait_until_read()
        assert lab.lag() == 0
        assert all(count_stored(lab, name) == 1 for name in names)


def test_the_lag_is_known_also_where_an_event_loop_runs():
    async def cell(lab):
        lab.wait_until_read()
        return lab.lag()

    with Lab() as lab:
        assert asyncio.run(cell(lab)) == 0
        if lab.broker_name == "embedded":
            lab.broker.down()
            with pytest.raises(LabError, match="The lag is not known: KafkaConnectionError"):
                lab.lag()
