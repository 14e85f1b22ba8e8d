"""The pytest plugin: a real Kafka broker, faults and verdicts for other people's tests.

    def test_my_service_loses_nothing(kafka, my_service):
        orders = kafka.topic(partitions=3)
        with my_service(kafka.bootstrap_servers, orders.name) as service:
            with kafka.lost_acks(3), kafka.down(at=0.1, seconds=0.5):
                for n in range(100):
                    service.place_order(n)
            orders.wait_until_read(group="billing")
        orders.assert_nothing_lost(sent=range(100), stored=service.database_rows())

Every run of pytest imports this module; it imports the rest when a test asks for a fixture.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from empkit.testing.kafka import Kafka, Running
    from empkit.testing.proxied import Proxied
    from empkit.testing.session import Session
    from empkit.testing.strikes import Strikes

EMBEDDED = "embedded"
_ADDRESSES = re.compile(r"[^,\s]+:[0-9]{1,5}(,[^,\s]+:[0-9]{1,5})*")
_VARIABLE = "KAFKA_BOOTSTRAP_SERVERS"

_strikes_key: pytest.StashKey[Strikes] = pytest.StashKey()
_kafkas_key: pytest.StashKey[list[Kafka]] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--kafka` and `--kafka-timelines`."""
    group = parser.getgroup("empkit", "Kafka for tests (empkit)")
    group.addoption(
        "--kafka-timelines",
        metavar="FOLDER",
        type=Path,
        help="Save a picture of the records and faults of each test that failed in this folder.",
    )
    group.addoption(
        "--kafka",
        default=EMBEDDED,
        metavar="embedded|apache|HOST:PORT",
        help="The Kafka of the fixtures: the embedded broker (default), Apache Kafka on this "
        "machine's Java, or one that already runs.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, and check the option."""
    config.addinivalue_line(
        "markers",
        "needs_apache: the embedded broker lacks what the test needs; skipped unless --kafka is "
        "`apache` or the address of a Kafka",
    )
    kafka = _kafka_of(config)
    if kafka not in (EMBEDDED, "apache") and not _ADDRESSES.fullmatch(kafka):
        raise pytest.UsageError(
            f"--kafka is {kafka!r}; use `embedded`, `apache` or HOST:PORT of a Kafka that runs."
        )


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what the embedded broker cannot do."""
    if item.get_closest_marker("needs_apache") and _kafka_of(item.config) == EMBEDDED:
        pytest.skip("needs Apache Kafka: run pytest with --kafka=apache or --kafka=HOST:PORT")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the timeline of the faults to the report of a test that failed."""
    report = yield
    strikes = item.stash.get(_strikes_key, None)
    if strikes is None or not report.failed:
        return report
    if text := strikes.text():
        report.sections.append(("Kafka and network faults, seconds after the test began", text))
    folder: Path | None = item.config.getoption("kafka_timelines", None)
    if folder is not None and report.when == "call":
        try:
            said = str(_save_picture(item, strikes, folder))
        except Exception as error:  # noqa: BLE001 - the test's own failure is what is to be seen
            said = f"It was not saved: {error}"
        report.sections.append(("Picture of the records and faults", said))
    return report


def _save_picture(item: pytest.Item, strikes: Strikes, folder: Path) -> Path:
    """Save the timeline of a test as a picture, and return the file."""
    from empkit.plots.topics import topics  # noqa: PLC0415 - start-up time

    strikes.stop()  # a broker that is down cannot be read
    kafkas = item.stash.get(_kafkas_key, [])
    records = [record for kafka in kafkas for topic in kafka.topics for record in topic.read()]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{re.sub(r'[^a-zA-Z0-9_.-]+', '-', item.nodeid)[-200:]}.png"
    topics(item.name, strikes, records).savefig(path, dpi=110)
    return path


@pytest.fixture(scope="session")
def _empkit_session(pytestconfig: pytest.Config) -> Iterator[Session]:
    from empkit.testing.session import Session  # noqa: PLC0415 - start-up time

    with Session(_kafka_of(pytestconfig)) as session:
        yield session


@pytest.fixture
def _empkit_strikes(request: pytest.FixtureRequest) -> Iterator[Strikes]:
    from empkit.testing.strikes import Strikes  # noqa: PLC0415 - start-up time

    strikes = Strikes()
    request.node.stash[_strikes_key] = strikes
    yield strikes
    strikes.stop()


@pytest.fixture
def _empkit_kafka(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    _empkit_session: Session,
    _empkit_strikes: Strikes,
) -> Iterator[Callable[[int], Kafka]]:
    """A function that returns the session's brokers, of that number, as this test sees them."""
    with ExitStack() as cleanup:

        def of_test(brokers: int) -> Kafka:
            running = _empkit_session.shared(brokers)
            monkeypatch.setenv(_VARIABLE, running.bootstrap_servers)
            return cleanup.enter_context(_of_test(running, _empkit_strikes, request))

        yield of_test


@pytest.fixture
def kafka(_empkit_kafka: Callable[[int], Kafka]) -> Kafka:
    """A Kafka broker, with topics of the test's own and faults that are undone at its end.

    One broker a session and xdist worker: the embedded one, or what --kafka says. Its address is
    in the variable KAFKA_BOOTSTRAP_SERVERS of the test and of the programs that it starts.
    """
    return _empkit_kafka(1)


@pytest.fixture
def kafka_cluster(_empkit_kafka: Callable[[int], Kafka]) -> Kafka:
    """Three Kafka brokers; otherwise as `kafka`."""
    return _empkit_kafka(3)


@pytest.fixture
def broker_factory(
    request: pytest.FixtureRequest, _empkit_session: Session, _empkit_strikes: Strikes
) -> Iterator[Callable[..., Kafka]]:
    """A function that starts brokers of the test's own, which end with the test: `brokers=1`."""
    with ExitStack() as cleanup:

        def start(brokers: int = 1) -> Kafka:
            running, stops = _empkit_session.start(brokers)
            cleanup.callback(stops.close)
            return cleanup.enter_context(_of_test(running, _empkit_strikes, request))

        yield start


@pytest.fixture
def fault_proxy(
    _empkit_session: Session, _empkit_strikes: Strikes
) -> Iterator[Callable[[str | tuple[str, int]], Proxied]]:
    """A function that puts a TCP address, `host:port`, behind the fault proxy."""
    yield lambda target: _empkit_session.proxied(target, _empkit_strikes)
    _empkit_strikes.stop()


@contextmanager
def _of_test(running: Running, strikes: Strikes, request: pytest.FixtureRequest) -> Iterator[Kafka]:
    """Yield a broker as one test sees it."""
    from empkit.testing.kafka import Kafka  # noqa: PLC0415 - start-up time

    kafka = Kafka(running, strikes, prefix=request.node.name)
    request.node.stash.setdefault(_kafkas_key, []).append(kafka)
    try:
        yield kafka
    finally:
        kafka.close()


def _kafka_of(config: pytest.Config) -> str:
    """Return the option; a plugin that is loaded late has none."""
    kafka: str = config.getoption("kafka", EMBEDDED)
    return kafka
