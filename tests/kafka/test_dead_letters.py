"""Dead letters: kept with their reason, mended and sent again."""

import asyncio
import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from empkit import Lab, Workload
from empkit.kafka.dead_letters import as_bytes, read_dead_letters
from empkit.records.raw import Raw
from empkit.records.samples import sample_records
from tests.conftest import count_stored, is_stored, wait_until
from tests.faulted import counts, quiet


def dlq(*arguments):
    done = subprocess.run(
        [sys.executable, "-m", "empkit.cli", "dlq", *arguments],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    return done.stdout


@pytest.mark.slow
def test_poison_among_good_records_is_kept_with_its_reason_mended_and_sent_again(tmp_path):
    good = list(sample_records(10_000))
    records = []
    for number, record in enumerate(good):
        records.append(record)
        if number % 10 == 0:
            records.append(Raw(b'{"employee_id": "p-%d", "first_name": "\xff' % number))
    with Lab() as lab:
        runs = lab.run("kafka", Workload(records=records, in_flight=64), progress=quiet)
        assert counts(runs) == {"offered": 11_000, "stored": 10_000, "dead_lettered": 1_000}
        kafka = ("--kafka", lab.bootstrap_servers)
        letters = [json.loads(line) for line in dlq(*kafka, "--json").splitlines()]
        assert len(letters) == 1_000
        assert len({(letter["partition"], letter["offset"]) for letter in letters}) == 1_000
        for letter in letters:
            assert letter["topic"] == lab.topic
            assert letter["reason"]
            broken = base64.b64decode(letter["value"]["base64"])
            assert broken.startswith(b'{"employee_id": "p-')
            assert broken.endswith(b"\xff")
            letter["value"] = broken[:-1].decode() + 'Ada", "last_name": "Byron"}'
        listed = dlq(*kafka).splitlines()
        assert len(listed) == 1_001
        assert listed[-1] == "1000 dead letters in employee-records.dlq"
        mended = tmp_path / "mended.jsonl"
        mended.write_text("".join(json.dumps(letter) + "\n" for letter in letters))
        assert "1000 sent to employee-records" in dlq(*kafka, "--resend", str(mended))
        wait_until(lambda: count_stored(lab, "p-") == 1_000)
        listed = dlq(*kafka).splitlines()
        assert len(listed) == 1_001
        assert all(line.endswith("(sent again)") for line in listed[:-1])
        assert listed[-1] == "1000 dead letters in employee-records.dlq, 1000 of them sent again"
        again = tmp_path / "again.jsonl"
        again.write_text(dlq(*kafka, "--json"))
        assert dlq(*kafka, "--resend", str(again)).splitlines() == [
            "1000 left out: sent again before",
            "0 sent to employee-records",
        ]


@pytest.mark.slow
def test_the_commands_of_the_readme_lead_from_a_bad_record_to_a_mended_one(tmp_path):
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    block = readme.split("From a bad record to a mended one:\n\n```bash\n")[1].split("```")[0]
    with Lab() as lab:
        asyncio.run(send_bytes(lab, b'{"employee_id": "E1", "first_name": "Nia"}'))
        wait_until(lambda: asyncio.run(read_dead_letters(lab.settings)))
        commands = block.replace("HOST:PORT", lab.bootstrap_servers)
        script = "empkit() { " + sys.executable + ' -m empkit.cli "$@"; }\n' + commands
        done = subprocess.run(
            ["bash", "-euc", script], cwd=tmp_path,
            capture_output=True, text=True, timeout=60, check=True,
        )  # fmt: skip
        assert "last_name: Field required" in done.stdout
        assert "1 sent to employee-records" in done.stdout
        assert done.stdout.endswith("1 of them sent again\n")
        wait_until(lambda: is_stored(lab, "E1"))


def test_what_was_corrected_is_sent_as_it_was_written():
    assert as_bytes(["x", True, None]) == b'["x", true, null]'
    assert as_bytes({"employee_id": "E1"}) == b'{"employee_id": "E1"}'
    assert as_bytes("text") == b"text"
    assert as_bytes({"base64": "AP8="}) == b"\x00\xff"
    with pytest.raises(ValueError, match="base64"):
        as_bytes({"base64": "%%%%"})


def test_a_line_that_cannot_be_sent_is_named_before_anything_is_sent(tmp_path):
    file = tmp_path / "letters.jsonl"
    file.write_text('{"value": "a"}\n\n{"value": {"base64": "%%%%"}}\n')
    command = [sys.executable, "-m", "empkit.cli", "dlq", "--kafka", "127.0.0.1:1"]
    command += ["--resend", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "in line 3: " in " ".join(done.stderr.split())


@pytest.mark.slow
def test_a_dead_letter_without_a_value_is_not_sent_again_and_it_is_said(tmp_path):
    with Lab() as lab:
        asyncio.run(send_bytes(lab, None))
        wait_until(lambda: asyncio.run(read_dead_letters(lab.settings)))
        kafka = ("--kafka", lab.bootstrap_servers)
        letters = [json.loads(line) for line in dlq(*kafka, "--json").splitlines()]
        file = tmp_path / "letters.jsonl"
        file.write_text(json.dumps(letters[0] | {"value": None}))
        assert dlq(*kafka, "--resend", str(file)).splitlines() == [
            "1 left out: their value is null; write one",
            "0 sent to employee-records",
        ]


async def send_bytes(lab, value):
    async with AIOKafkaProducer(bootstrap_servers=lab.bootstrap_servers) as producer:
        await producer.send_and_wait(lab.topic, value, key=b"E1")
