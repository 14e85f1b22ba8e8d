"""The load generator, against real parts."""

import asyncio
import json

from empkit import Lab, Workload, connect
from empkit.experiment.columns import Columns
from empkit.experiment.generator import Generator
from empkit.experiment.payloads import Payloads, write_payloads
from tests.conftest import employee


def test_a_run_that_nobody_answers_any_more_is_ended(tmp_path):
    """Else each of the records would wait for its own deadline, for hours if there are many."""
    source = tmp_path / "records.jsonl"
    source.write_text("".join(json.dumps(employee(f"E{n}")) + "\n" for n in range(1_000)))
    write_payloads(source, tmp_path, "gone")
    records = Payloads(tmp_path)

    async def run(lab):
        settings = lab.settings.model_copy(update={"deadline_s": 0.3, "attempt_timeout_s": 0.3})
        async with connect("kafka", settings) as client:
            generator = Generator(client, records, Columns(tmp_path, len(records)), patience_s=1.0)
            lab.broker.down()
            await generator.run(Workload(in_flight=4), lambda _: None)
        return generator

    with Lab("embedded") as lab:
        generator = asyncio.run(run(lab))
    records.close()
    assert generator.gave_up
    assert 0 < generator.offered < len(records)
    assert generator.done == generator.offered  # what was in flight got its outcome
