"""What is wrong with a comparison is said before anything starts: status 2 and a sentence."""

import sys

import pytest
from typer.testing import CliRunner

from empkit import cli
from empkit.cli import measuring
from empkit.experiment import beforehand
from empkit.experiment.beforehand import WrongUseError, check_database, check_folder


@pytest.fixture
def refused(monkeypatch, tmp_path):
    """What `compare` says when it refuses; to begin with the lab would be a failure."""

    def begin(*_, **__):
        raise AssertionError("it has begun")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(measuring, "carry_out", begin)
    for name in ("EMPKIT_KAFKA_BOOTSTRAP_SERVERS", "KAFKA_BOOTSTRAP_SERVERS", "EMPKIT_LAB_BROKER"):
        monkeypatch.delenv(name, raising=False)

    def run(words):
        done = CliRunner().invoke(cli.app, ["compare", *words.split()])
        assert done.exit_code == 2, done.output
        assert list(tmp_path.iterdir()) == []
        return " ".join(done.output.split())

    return run


NO_KAFKA = "has no effect here, where no record goes over it"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("--arrivals poisson", "give --rate, too"),
        ("--brokers 3 --protocol http", f"--brokers is about Kafka and {NO_KAFKA}"),
        ("--broker embedded --protocol http", f"--broker is about Kafka and {NO_KAFKA}"),
        ("--consumers 2 --protocol websocket", f"--consumers is about Kafka and {NO_KAFKA}"),
        ("--acks 0 --protocol http", f"--acks is about Kafka and {NO_KAFKA}"),
        ("--commit before_store --protocol http", f"--commit is about Kafka and {NO_KAFKA}"),
        (
            "--kafka-profile latency --protocol http",
            f"--kafka-profile is about Kafka and {NO_KAFKA}",
        ),
        ("--brokers 2 --broker external", "--brokers has no effect on an external Kafka"),
        ("--broker external", "Set EMPKIT_KAFKA_BOOTSTRAP_SERVERS"),
        ("--kafka-profile sync", "--kafka-profile sync needs Apache Kafka"),
        ("--kafka-profile exactly-once --protocol kafka", "exactly-once needs Apache Kafka"),
        ("--database nonsense", "--database: The database URL cannot be read"),
        ("--database oracle://x", "'oracle' is not a database of this kit"),
        ("--database sqlite:////no/folder/x.db", "--database: there is no folder /no/folder"),
        ("--database sqlite://", "a database in memory is visible to one process only"),
        ("--fault nonsense", "'nonsense' is not a fault"),
        ("--fault leader-kill@1s", "give --broker apache --brokers 3"),
        ("--fault leader-move@1s", "there is no broker 2 of 1; give --brokers"),
        ("--fault broker-down:broker=4@1s", "there is no broker 4 of 1"),
        ("--fault broker-down@1s --protocol http", "no record goes over Kafka"),
        ("--fault consumer-crash@1s", "give --consumers 2"),
        ("--fault token-expiry --protocol kafka", "no token goes over Kafka"),
        ("--fault overload", "it multiplies an offered rate; give --rate"),
        ("--rate 5 --in-flight 3", "not both"),
        ("no-such-file.csv", "There is no file no-such-file.csv"),
        ("--server http://127.0.0.1:9", "No server answers at http://127.0.0.1:9"),
        ("--server 127.0.0.1:9", "'127.0.0.1:9' is not the URL of a server"),
    ],
)
def test_what_cannot_be_or_has_no_effect_is_refused(refused, words, sentence):
    assert sentence in refused(words)


def test_kafka_that_is_switched_off_is_missed(refused, monkeypatch):
    monkeypatch.setenv("EMPKIT_LAB_BROKER", "none")
    assert "There is no Kafka for --protocol kafka" in refused("--protocol kafka")
    assert NO_KAFKA in refused("--acks 0")


def test_apache_kafka_that_is_not_installed_is_missed(refused, monkeypatch, tmp_path):
    monkeypatch.setenv("EMPKIT_KAFKA_HOME", str(tmp_path))
    assert "Apache Kafka" in refused("--broker apache")  # or Java, where that is missing


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("--consumers 2", "--consumers has no effect on a server that already runs"),
        ("--broker embedded", "from which the server at"),
        ("--protocol kafka", "EMPKIT_KAFKA_BOOTSTRAP_SERVERS is not set"),
        ("--fault server-crash@1s", "the server is not the lab's own"),
        ("--fault database-lock@1s", "give --database"),
        ("--fault token-expiry", "issues tokens that expire"),
    ],
)
def test_with_a_server_that_already_runs_what_only_the_labs_own_can_do_is_refused(
    refused, lab, monkeypatch, words, sentence
):
    monkeypatch.setenv("EMPKIT_USERNAME", lab.settings.username)
    monkeypatch.setenv("EMPKIT_PASSWORD", lab.settings.password.get_secret_value())
    said = refused(f"--server {lab.server_url} {words}")
    assert sentence in said
    assert f"Using the server at {lab.server_url}." in said
    if "kafka" not in words and "broker" not in words:
        assert "Kafka is left out: EMPKIT_KAFKA_BOOTSTRAP_SERVERS is not set." in said


@pytest.mark.slow
def test_a_server_that_runs_wants_user_and_password(refused, lab, monkeypatch, tmp_path_factory):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.delenv("EMPKIT_PASSWORD", raising=False)
    assert "set EMPKIT_USERNAME and EMPKIT_PASSWORD" in refused(f"--server {lab.server_url}")


def test_the_question_whether_a_folder_can_be_written_leaves_nothing_there(tmp_path):
    check_folder(tmp_path / "a" / "b")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "b"):
        with pytest.raises(WrongUseError, match="Choose another folder with --out"):
            check_folder(folder)
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(tmp_path):
    file = tmp_path / "records.csv"
    file.write_text("employee_id,first_name\n")
    with pytest.raises(WrongUseError, match="is not a SQLite database"):
        check_database(f"sqlite:///{file}", "--database")
    assert file.read_text() == "employee_id,first_name\n"
    check_database(f"sqlite:///{tmp_path / 'new.db'}", "--database")
    assert [each.name for each in tmp_path.iterdir()] == ["records.csv"]


def test_a_missing_driver_is_named_with_the_command_that_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(WrongUseError, match=r"pip install 'empkit\[postgresql\]'"):
        check_database("postgresql://u:secret@127.0.0.1:1/x", "--database")


def test_a_database_that_does_not_answer_is_named_without_its_password():
    pytest.importorskip("psycopg")
    with pytest.raises(WrongUseError) as error:
        check_database("postgresql://u:secret@127.0.0.1:1/x", "--database")
    assert "no connection to postgresql+psycopg://u:***@127.0.0.1:1/x" in str(error.value)
    assert "secret" not in str(error.value)


def test_another_program_is_not_taken_for_a_server_of_the_kit(lab):
    settings = lab.settings.model_copy(update={"server_url": f"{lab.server_url}/docs"})
    with pytest.raises(WrongUseError, match="not a server of this kit"):
        beforehand.ask_server(settings)
