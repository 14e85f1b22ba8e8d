"""The commands, as a user types them."""

import asyncio
import contextlib
import csv
import gzip
import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from empkit import load
from empkit.cli.common import one_line
from empkit.experiment.columns import OUTCOMES
from tests.clients.foreign import response, token_server
from tests.conftest import wait_until
from tests.signals import started

COMMAND = [sys.executable, "-m", "empkit.cli"]


def empkit(*arguments, timeout=120, **options):
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        capture_output=True, text=True, timeout=timeout, check=False, **options,
    )  # fmt: skip


@pytest.fixture
def employees(tmp_path):
    """A file as others write it: other column names, an unknown column, a row that is broken."""
    path = tmp_path / "employees.csv"
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["emp_no", "birth_date", "first_name", "last_name", "hire_date"])
        for number in range(1, 121):
            rows.writerow([10_000 + number, "1953-09-02", "Ada", "Byron", "1986-06-26"])
        rows.writerow(["10999", "too", "short"])
    return path


@pytest.mark.slow
def test_compare_ends_with_a_table_and_a_folder_of_everything(employees, tmp_path):
    done = empkit("compare", employees, "--out", tmp_path / "out", "--in-flight", "4",
                  "--rounds", 1)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "line 122: 3 cells where the header has 5" in done.stderr
    assert "emp_no -> employee_id" in done.stderr
    assert "No promise was broken" in done.stderr
    for word in ("http", "websocket", "kafka", "ack latency p99", "stored latency p50", "lost"):
        assert word in done.stdout
    runs = load(tmp_path / "out")
    assert runs.verdicts()["stored"].tolist() == [120, 120, 120]
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"timings.parquet", "summary.csv", "report.html", "latency.png"} <= names


@pytest.mark.slow
def test_json_is_all_there_is_on_standard_output(tmp_path):
    arguments = ("--records", 150, "--rounds", 2, "--rate", 1000, "--arrivals", "poisson",
                 "--protocol", "http", "--protocol", "kafka")  # fmt: skip
    done = empkit("compare", "--json", *arguments, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    content = json.loads(done.stdout)
    assert len(content["runs"]) == 4
    for run in content["runs"]:
        assert run["offered"] == sum(run["verdicts"].values()) == run["verdicts"]["stored"] == 150
        assert set(run["ack_ms"]) == set(run["stored_ms"]) == {"p50", "p90", "p99", "max"}
        assert 0 < run["ack_ms"]["p50"] <= run["ack_ms"]["p99"] <= run["ack_ms"]["max"]
        assert run["records_per_s"] > 0
    assert content["environment"]["versions"]["empkit"]


@pytest.mark.slow
def test_without_a_pace_the_throughput_comes_from_one_experiment_and_the_latencies_from_another(
    tmp_path,
):
    done = empkit("compare", "--records", 200, "--rounds", 2, "--json", "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    content = json.loads(done.stdout)
    even, fast = content["choices"]
    assert (fast["load"]["in_flight"], fast["load"]["rate"]) == (8, None)
    slowest = min(numbers["records_per_s"] for numbers in fast["protocols"].values())
    rate = even["load"]["rate"]
    assert f"At the same rate for each: {rate:,g} records/s" in done.stderr
    assert f"{rate:e}"[0] in "125"
    assert rate <= slowest / 2 < 2.5 * rate
    assert sum(run["workload"]["rate"] == rate for run in content["runs"]) == 6
    assert all(numbers["rounds"] == 2 for numbers in even["protocols"].values())
    for line in ("Round 1 of 2, answered: http", "Round 2 of 2, answered: http"):
        assert done.stderr.count(line) == 2  # in each of the experiments
    for experiment in ("open", "closed"):
        assert load(tmp_path / "out" / experiment).verdicts()["stored"].tolist() == [400] * 3
    page = (tmp_path / "out" / "report.html").read_text()
    for words in (f"At {rate:,g} records/s for each (open loop), 2 rounds",
                  "As fast as each goes (closed loop, 8 in flight), 2 rounds"):  # fmt: skip
        assert words in page


@pytest.mark.slow
def test_choices_are_compared_in_the_same_rounds_and_their_folders_have_their_names(tmp_path):
    done = empkit(
        "compare", "--protocol", "kafka", "--acks", "1", "--acks", "all", "--records", 100,
        "--rate", 500, "--rounds", 3, "--explain", "--out", tmp_path / "out",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    one, each = (load(tmp_path / "out" / f"acks={acks}") for acks in ("1", "all"))
    began = {info.start_ns: (info.guarantees, info.round) for runs in (one, each)
             for info in runs.runs}  # fmt: skip
    in_order = [began[start] for start in sorted(began)]
    assert [number for _, number in in_order] == [1, 1, 2, 2, 3, 3]
    assert "acks=1" in done.stdout and "acks=all" in done.stdout
    assert "What the faults did" not in done.stdout
    assert "99 of 100 records took at most this long." in done.stdout
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "acks=1", "acks=all", "report.html", "verdicts.png", "choices-open.png",
    }  # fmt: skip


@pytest.mark.slow
def test_compare_reads_standard_input_and_repeats_a_short_file(tmp_path):
    lines = "".join(
        json.dumps({"id": number, "firstName": "Ada", "surname": "Byron"}) + "\n"
        for number in range(10)
    )
    done = subprocess.run(
        [*COMMAND, "compare", "-", "--records", "25", "--protocol", "http", "--json",
         "--in-flight", "8", "--rounds", "1",
         "--out", str(tmp_path / "out")],
        input=gzip.compress(lines.encode()), capture_output=True, timeout=60, check=True,
    )  # fmt: skip
    (run,) = json.loads(done.stdout)["runs"]
    assert (run["protocol"], run["verdicts"]["stored"]) == ("http", 25)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["compare", "--protocol", "smtp"], "smtp"),
        (["compare", "--rate", "-1"], "more than 0"),
        (["compare", "--fault", "duplicates:share=x"], "expected a number"),
        (["compare", "--retries", "-1"], "greater than or equal to 0"),
        (["send", "/"], "directory"),
        (["serve", "--database", "oracle://x"], "oracle"),
        (
            ["dlq", "--kafka", "127.0.0.1:9", "--resend", "no-such-file"],
            "cannot be read",
        ),
        (["dlq", "--kafka", "127.0.0.1:9", "--resend", __file__], "is not what"),
    ],
)
def test_wrong_use_ends_with_2_and_a_sentence(arguments, message):
    done = empkit(*arguments, timeout=60)
    assert done.returncode == 2
    assert message in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["--server", "http://127.0.0.1:9"], 1),
        (["--server", "http://127.0.0.1:9", "--mode", "websocket"], 1),
        (["--kafka", "127.0.0.1:9", "--mode", "kafka"], 1),
        (["--mode", "kafka"], 2),  # without brokers
        (["--server", "127.0.0.1:9"], 2),
        (["--server", "http://127.0.0.1:9", "--mode", "smtp"], 2),
    ],
)
def test_send_tells_a_server_that_is_away_from_wrong_use(employees, arguments, status):
    environment = {**os.environ, "EMPKIT_PASSWORD": "x"}
    done = empkit("send", employees, *arguments, timeout=60, env=environment)
    assert done.returncode == status, done.stderr
    assert "empkit: " in done.stderr or "--" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["http", "websocket"])
def test_send_to_a_server_that_is_too_busy_for_a_log_in_is_no_wrong_use(employees, mode):
    async def answer(_form):
        return response(429, b"", "Retry-After: 90")

    async def run():
        async with token_server(answer) as url:
            return await asyncio.to_thread(
                empkit, "send", employees, "--server", url, "--mode", mode, timeout=60,
                env={**os.environ, "EMPKIT_PASSWORD": "x"},
            )  # fmt: skip

    done = asyncio.run(run())
    assert done.returncode == 1
    assert "takes no log-in now" in " ".join(done.stderr.split())


@pytest.mark.parametrize("content", ["{}", "[]", "garbage", "", None])
def test_a_damaged_file_with_the_password_is_named(employees, tmp_path, content):
    file = tmp_path / "empkit" / "server-1.json"
    file.parent.mkdir()
    if content is None:
        file.mkdir()
    else:
        file.write_text(content)
    environment = os.environ | {"XDG_CACHE_HOME": str(tmp_path)}
    environment.pop("EMPKIT_PASSWORD", None)
    done = empkit("send", employees, "--server", "http://127.0.0.1:1", env=environment)
    assert done.returncode == 2
    said = " ".join(done.stderr.split())
    assert "server-1.json" in said.replace(" ", "")
    assert "remove that" in said
    assert "Traceback" not in said


def test_what_a_server_says_does_not_steer_the_terminal():
    said = one_line("\x1b]0;title\x07\x1b[2JAll accepted\r\nE9: ok" + "x" * 9_000)
    assert said.isprintable()
    assert said.startswith(r"\x1b]0;title\x07\x1b[2JAll accepted\r\nE9: ok")
    assert len(said) < 1_100


def test_a_setting_that_makes_no_sense_is_named():
    done = empkit("compare", env={**os.environ, "EMPKIT_RETRIES": "many"})
    assert done.returncode == 2
    assert "EMPKIT_RETRIES" in done.stderr


@contextlib.contextmanager
def running(*arguments, lines=1, **environment):
    """A command that runs until it is told to stop; its first lines are read."""
    variables = {**os.environ, "PYTHONUNBUFFERED": "1", **environment}
    command = [*COMMAND, *arguments]
    with started(command, stdout=subprocess.PIPE, text=True, env=variables) as process:
        process.lines = [process.stdout.readline().strip() for _ in range(lines)]
        yield process
        process.send_signal(signal.SIGINT)
        process.wait(60)


@pytest.mark.slow
def test_send_and_compare_work_with_a_server_and_a_broker_that_already_run(employees, tmp_path):
    database = f"sqlite:///{tmp_path / 'own.db'}"
    cache = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    with running("broker") as broker:
        kafka = broker.lines[0]
        with running(
            "serve", "--port", "0", "--database", database, "--kafka", kafka, lines=2, **cache
        ) as serve:
            url = serve.lines[0].split()[2].rstrip(",")
            environment = {**os.environ, **cache, "KAFKA_BOOTSTRAP_SERVERS": kafka}
            for mode in ("http", "websocket", "kafka"):
                # the same file over each: the first stores it, the others change nothing
                sent = empkit("send", employees, "--mode", mode, "--server", url, env=environment)
                assert sent.returncode == 1, sent.stderr  # for the row that is broken
                assert "that were not sent: 1" in " ".join(sent.stderr.split())
                assert "120 sent: 120 acked" in sent.stdout
            employees.write_text(employees.read_text().replace("Byron", "Lovelace", 1))
            changed = empkit("send", employees, "--server", url, env=environment)
            assert changed.returncode == 1
            assert "refused: 10001: Employee ID 10001 already exists" in changed.stdout
            assert "119 acked, 1 refused" in changed.stdout
            compared = empkit(
                "compare", "--server", url, "--broker", "external", "--records", 100, "--json",
                "--in-flight", 8, "--rounds", 1, "--out", tmp_path / "out", env=environment,
            )  # fmt: skip
            assert compared.returncode == 0, compared.stderr
            assert f"Using the server at {url}." in compared.stderr
            assert "Starting the lab" not in compared.stderr
            runs = json.loads(compared.stdout)["runs"]
            assert [run["verdicts"]["stored"] for run in runs] == [100, 100, 100]
        assert serve.returncode == 0
        assert list((tmp_path / "cache").rglob("server-*.json")) == []
    assert broker.returncode == 0


def run_below(folder):
    """The folder of the run under way of a command with its temporary files there, once it sends.

    It is in the lab's folder.
    """
    return next((path.parent for path in folder.glob("empkit-*/*/run-*/outcome.npy")), None)


@pytest.mark.slow
def test_interrupted_compare_keeps_what_it_measured_and_leaves_nothing_running(tmp_path):
    command = [*COMMAND, "compare", "--rate", "200", "--records", "100000",
               "--protocol", "websocket", "--out", tmp_path / "out"]  # fmt: skip
    with started(
        command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    ) as process:  # fmt: skip
        wait_until(lambda: run_below(tmp_path))
        process.send_signal(signal.SIGINT)
        _, messages = process.communicate(timeout=60)
        assert process.left() == []
    assert "Interrupted after" in messages
    assert "Traceback" not in messages
    assert process.returncode == 130
    assert "No promise was broken in what was measured. Not measured: " in " ".join(
        messages.split()
    )
    runs = load(tmp_path / "out")
    assert runs.runs[0].cut_short
    assert runs.verdicts().loc["websocket", "offered"] == runs.runs[0].offered < 100_000


def acked_of(folder):
    """How many records of a run that is under way have been acked."""
    return int((np.load(folder / "outcome.npy", mmap_mode="r") == OUTCOMES.index("acked")).sum())


@pytest.mark.slow
def test_compare_in_a_script_that_ignores_ctrl_c_goes_on_and_ends_with_sigterm(tmp_path):
    """As with nohup, or with & in a script: what was told to ignore SIGINT does."""
    ignoring = ["sh", "-c", "trap '' INT; exec \"$@\"", "sh"]
    compare = ["compare", "--rate", "200", "--records", "100000", "--protocol", "http"]
    with started(
        [*ignoring, *COMMAND, *compare, "--out", tmp_path / "out"],
        stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    ) as process:  # fmt: skip
        folder = wait_until(lambda: run_below(tmp_path))
        process.send_signal(signal.SIGINT)
        before = acked_of(folder)
        wait_until(lambda: acked_of(folder) > before + 200)  # a second's records
        process.send_signal(signal.SIGTERM)
        _, messages = process.communicate(timeout=60)
        assert process.left() == []
    assert "Interrupted after" in messages
    assert "Traceback" not in messages
    assert load(tmp_path / "out").runs[0].cut_short


@pytest.mark.slow
def test_help_shows_every_command():
    done = empkit("--help")
    assert done.returncode == 0
    for name in ("compare", "send", "serve", "broker", "check"):
        assert name in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "variables", "named"),
    [
        (["serve", "--port", "99999"], {}, "--port: "),
        (["consume", "--port", "-1", "--kafka", "a:1"], {}, "--port: "),
        (["serve"], {"EMPKIT_PORT": "99999"}, "EMPKIT_PORT: "),
        (["serve", "--host", "127.0.0.1"], {"EMPKIT_RETRIES": "-1"}, "EMPKIT_RETRIES: "),
        (["lab", "--port", "99999"], {}, "--port"),
        (["send", "FILE", "--server", "http://127.0.0.1:99999"], {}, "--server: "),
        (["send", "FILE"], {"EMPKIT_SERVER_URL": "http://[::1"}, "EMPKIT_SERVER_URL: "),
        (["check", "--server", "http://user:hunter2@host"], {}, "--server: "),
        (["send", "FILE", "--mode", "kafka", "--kafka", "h:99999"], {}, "65535"),
    ],
)
def test_a_wrong_value_is_named_as_it_was_given(tmp_path, arguments, variables, named):
    (tmp_path / "FILE").write_text("employee_id,first_name,last_name\nE1,Nia,Orr\n")
    done = subprocess.run(
        [*COMMAND, *arguments], cwd=tmp_path, env={**os.environ, **variables}, check=False,
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 2
    assert named in done.stderr
    assert "Traceback" not in done.stderr
    assert "hunter2" not in done.stderr
