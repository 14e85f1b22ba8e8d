"""Dead letters: kept with their reason, mended and sent again."""

import base64
import json
import subprocess
import sys

from empkit import Lab, Workload
from empkit.records.raw import Raw
from empkit.records.samples import sample_records
from tests.conftest import count_stored, wait_until
from tests.faulted import counts, quiet


def dlq(*arguments):
    done = subprocess.run(
        [sys.executable, "-m", "empkit.cli", "dlq", *arguments],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    return done.stdout


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
