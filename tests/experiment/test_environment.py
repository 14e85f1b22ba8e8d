"""What a result says of what it was measured on: the server's own word, and nothing secret."""

import hashlib
import json

import jsonschema
import pytest

from empkit import At, Guarantees, Lab, Workload
from empkit.experiment.environment import command_line, hashed
from empkit.faults import Duplicates, ServerPause
from empkit.lab import BrokenPromiseError
from empkit.results.as_json import SCHEMA_FILE, as_json
from empkit.settings import InResult, Settings
from tests.conftest import employee
from tests.sabotage.copies import run_python, sabotaged

QUIET = {"progress": lambda *_: None}
NEVER = {
    "host", "port", "server_url", "ca_file", "tls_cert_file", "tls_key_file", "ws_url",
    "database_url", "timings_file", "lab_database", "kafka_bootstrap_servers", "kafka_ca_file",
    "kafka_username", "kafka_password", "username", "password", "signing_key",
}  # fmt: skip
"""Settings that are secret, or an address, or a path."""


NAMES = {"kafka_topic", "kafka_group", "consume_only", "lab_broker", "guess"}
"""Settings that change no number: names, and those whose effect a result says in other words."""


def test_a_setting_is_in_a_result_unless_it_is_secret_an_address_or_a_name():
    assert set(Settings.model_fields) - set(Settings().in_result()) == NEVER | NAMES


def test_a_setting_that_says_nothing_stays_out_of_a_result():
    class Later(Settings):
        of_tomorrow: str = "x"

    assert "of_tomorrow" not in Later().in_result()
    assert {mark.side for field in Settings.model_fields.values() for mark in field.metadata
            if isinstance(mark, InResult)} == {"server", "client", "both", "lab"}  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["/usr/bin/empkit", "compare", "a file.csv"], "empkit compare 'a file.csv'"),
        (["empkit", "--database", "postgresql://ada:s3cret@h/db"],
         "empkit --database 'postgresql://***@h/db'"),
        (["empkit", "--database", "postgresql://h/db?user=ada&password=s3cret&x=1"],
         "empkit --database 'postgresql://h/db?user=ada&password=***&x=1'"),
        (["empkit", "--server=http://:s3cret@h:1"], "empkit '--server=http://***@h:1'"),
        (["empkit", "--database", "postgresql://ada:s3@cr:et@h/db"],
         "empkit --database 'postgresql://***@h/db'"),
        (["empkit", "--server", "http://t0ken@h:1"], "empkit --server 'http://***@h:1'"),
        (["empkit", "--database", "postgresql://a@b:it's @ \"s\"@h/db?sslkey=x'y z&a=1"],
         "empkit --database 'postgresql://***@h/db?sslkey=***&a=1'"),
        (["empkit", "--fault", "token-expiry:after_s=2"], "empkit --fault token-expiry:after_s=2"),
    ],
)  # fmt: skip
def test_a_command_is_shown_without_its_secrets(arguments, shown):
    assert command_line(arguments) == shown


def test_records_are_known_by_the_hash_of_what_they_came_from(tmp_path):
    file = tmp_path / "people.csv"
    file.write_text("employee_id,first_name,last_name\nT1,Nia,Orr\n")
    records, sha256 = hashed(Workload(file))
    assert [each["employee_id"] for each in records] == ["T1"]
    assert sha256() == hashlib.sha256(file.read_bytes()).hexdigest()
    records, sha256 = hashed(Workload([{"employee_id": "T1"}]))
    assert list(records) == [{"employee_id": "T1"}]
    assert sha256() == hashlib.sha256(b'{"employee_id":"T1"}\n').hexdigest()
    assert hashed(Workload(5))[1]() is None


@pytest.mark.slow
def test_a_result_of_a_server_that_is_not_ours_says_what_that_server_says(new_database):
    url = new_database()
    there = Settings(kafka_commit="before_store", max_record_bytes=4_096, retries=7)
    with Lab(database=url, settings=there) as theirs:
        user, password = theirs.settings.username, theirs.settings.password
        ours = Settings(username=user, password=password, retries=3)
        with Lab(broker="none", server=theirs.server_url, settings=ours) as lab:
            runs = lab.run("http", Workload(records=20, warm_up=0), **QUIET)
            assert lab.settings.kafka_commit == "before_store"
        own = theirs.run("http", Workload(records=20, warm_up=0), **QUIET)
    said = runs.environment
    assert said["database"].partition("+")[0] == url.partition(":")[0].partition("+")[0]
    assert said["settings"]["kafka_commit"] == "before_store"
    assert said["settings"]["max_record_bytes"] == 4_096
    assert said["settings"]["retries"] == 3  # the client's own
    assert "kafka_flush" not in said["settings"]  # nobody knows
    assert said["server"]["versions"]["empkit"] == said["versions"]["empkit"]
    assert own.environment["settings"]["retries"] == 7
    assert "server" not in own.environment
    shown = json.dumps([said, own.environment])
    assert password.get_secret_value() not in shown
    assert theirs.server_url not in shown


@pytest.mark.slow
def test_the_json_of_real_runs_keeps_to_its_published_schema(lab):
    """Of one choice, of several, with rounds, with faults."""
    schema = json.loads(SCHEMA_FILE.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    one = lab.compare(
        ["http", "kafka"], Workload(records=200, rate=400, warm_up=0), rounds=2,
        faults=[At(0.1, ServerPause(), until=0.2), Duplicates(share=0.1)], **QUIET,
    )  # fmt: skip
    content = json.loads(json.dumps(one.to_json()))
    jsonschema.validate(content, schema)
    grid = json.loads(json.dumps(as_json([one, one], ["acks=1: not run"], 3)))
    jsonschema.validate(grid, schema)
    assert (len(grid["choices"]), grid["protocols"], grid["status"]) == (2, None, 3)
    joined = content["protocols"]["http"]
    assert joined["rounds"] == 2
    assert joined["offered"] == sum(joined["verdicts"].values()) == 400
    assert [each["label"] for each in content["runs"][0]["faults"]] == [
        "server-pause", "duplicates:share=0.1"
    ]  # fmt: skip
    assert content["environment"]["command"] is None


@pytest.mark.slow
def test_the_logs_of_a_result_that_is_not_clean_are_kept_and_hold_nothing_secret(tmp_path):
    """A server that stores another email breaks a promise; so its log goes with the result."""
    folder = sabotaged(
        tmp_path, ("records/employee.py", "    row: dict[str, Any] = dict(employee.__dict__)",
                   "    import sys; print('stored', employee.employee_id, file=sys.stderr)\n"
                   "    row: dict[str, Any] = dict(employee.__dict__) | {'email': 'x@y'}"),
    )  # fmt: skip
    script = (
        "from empkit import Lab, Workload\n"
        "from empkit.lab import BrokenPromiseError\n"
        "with Lab(broker='none') as lab:\n"
        "    secret = lab.secrets()\n"
        "    try:\n"
        "        lab.run('http', Workload(records=5, warm_up=0), progress=lambda *_: None)\n"
        "    except BrokenPromiseError as error:\n"
        "        logs = error.runs.logs\n"
        "print(sorted(logs), any(each in text for each in secret for text in logs.values()))\n"
        "print('stored' in logs['server'])\n"
    )
    done = run_python(folder, "-c", script)
    names, found = done.stdout.splitlines()
    assert "'server'" in names
    assert names.endswith("False")
    assert found == "True"


@pytest.mark.slow
def test_a_clean_result_keeps_no_logs(lab):
    try:
        runs = lab.run("http", Workload([employee("T1")], warm_up=0), guarantees=Guarantees(),
                       **QUIET)  # fmt: skip
    except BrokenPromiseError as error:
        runs = error.runs
    assert runs.logs == {}
