"""What a topic holds, and how far its group is."""

import asyncio
import json

from empkit import Lab, connect
from empkit.topics import group_lag, log_ends, read_topic
from tests.conftest import count_stored, employee, wait_until


def test_lag_is_what_was_sent_while_nobody_read(fresh_id):
    names = [f"{fresh_id}-{number}" for number in range(10)]

    async def send(lab):
        async with connect("kafka", lab) as client:
            return [await client.send(employee(name)) for name in names]

    def lag(lab):
        return int(asyncio.run(group_lag(lab.settings, lab.topic))["lag"].sum())

    with Lab() as lab:
        wait_until(lambda: lag(lab) == 0)
        before = asyncio.run(log_ends(lab.settings, lab.topic))
        lab.kill_server()
        asyncio.run(send(lab))
        assert lag(lab) == 10
        log = asyncio.run(read_topic(lab.settings, lab.topic, before))
        assert sorted(log["key"]) == sorted(names)
        assert {json.loads(value)["employee_id"] for value in log["value"]} == set(names)
        assert log.sort_values(["partition", "offset"]).index.tolist() == list(range(10))
        lab.start_server()
        wait_until(lambda: lag(lab) == 0)
        assert all(count_stored(lab, name) == 1 for name in names)
