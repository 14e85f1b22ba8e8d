"""The failure lab on Apache Kafka, with its own processes, its own log and the same proxy."""

import asyncio
import statistics

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from empkit import At, Guarantees, Lab, Workload, connect
from empkit.faults import BrokerDown, BrokerPause, LeaderKill, LostAcks, Network, RetentionOverrun
from empkit.kafka.profiles import PROFILES
from empkit.lab import LabError
from empkit.proxy import Cut, Latency
from tests.conftest import employee
from tests.faulted import counts, quiet


def run(lab, *faults, records=500, guarantees=None):
    workload = Workload(records=records, rate=500)
    return lab.run("kafka", workload, faults=faults, guarantees=guarantees, progress=quiet)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "until"),
    [(BrokerDown(), 0.9), (BrokerPause(), 0.9), (Network(Cut()), None)],
)
def test_a_broker_that_dies_or_stops_or_is_cut_off_loses_nothing(apache, fault, until):
    patience = Guarantees(deadline_s=60.0)  # Kafka's start takes what the machine has left for it
    runs = run(apache, At(0.4, fault, until=until), guarantees=patience)
    assert runs.verdicts().loc["kafka", "stored"] == 500
    assert runs.runs[0].appended == 500


@pytest.mark.slow
def test_records_really_go_through_the_proxy(apache):
    runs = run(apache, At(0.0, Network(Latency(latency_ms=40, direction="up"))), records=100)
    took = ((runs.timings["acked_ns"] - runs.timings["sent_ns"]) / 1e6).tolist()
    met = took[next(number for number, ms in enumerate(took) if ms > 39) :]
    assert len(met) > 40
    assert min(met) > 39
    assert (
        statistics.median(met) < 200
    )  # each request carries what has come while one was under way


@pytest.mark.slow
@pytest.mark.parametrize("idempotence", [True, False])
def test_a_lost_ack_doubles_a_record_in_the_log_only_without_idempotence(apache, idempotence):
    runs = run(
        apache, At(0.4, LostAcks(count=8)), guarantees=Guarantees(idempotence=idempotence)
    )  # fmt: skip
    assert runs.verdicts().loc["kafka", "stored"] == 500
    row = runs.recovery().iloc[0]
    assert bool(row["appended"] == 500) is idempotence
    assert row["appended"] >= 500


@pytest.mark.slow
def test_a_leader_that_dies_alone_loses_what_it_alone_has_acked_and_nothing_that_all_have(
    kafka_jars,
):
    """The other brokers stand still while it acks its last records with acks=1; with acks=all it
    acks none in that time."""
    kill = At(0.4, LeaderKill(alone_ms=300), until=1.2)
    with Lab("apache", brokers=3) as three:
        leader, every = three.cross(
            ["kafka"],
            Workload(records=300, rate=200),
            [
                Guarantees(acks="1", idempotence=False, deadline_s=60.0),
                Guarantees(acks="all", deadline_s=60.0),
            ],
            faults=[kill],
            progress=quiet,
        )
    lost = leader.timings[leader.timings["verdict"] == "lost"]
    (span,) = leader.runs[0].faults
    assert len(lost) > 0 and (lost["outcome"] == "acked").all()
    assert (lost["acked_ns"] > span.start_ns).all()
    assert not leader.broken and "allowed by acks=1" in leader.findings[0]
    assert counts(every) == {"offered": 300, "stored": 300}


@pytest.mark.slow
def test_what_acks_0_loses_on_a_way_that_is_cut_is_allowed_and_acks_all_loses_nothing(apache):
    """What is on the way when it is cut is lost, and only who waits for an ack hears of it.

    The way is longer than the time until the cut, so what was sent in that time is still on it.
    The embedded broker cannot show it: it answers although nobody asked, and aiokafka connects
    anew for each batch (`EmbeddedBroker.limits`).
    """
    on_the_way = Network(Latency(latency_ms=1000, direction="up"))
    faults = [At(0.1, on_the_way, until=0.8), At(0.5, Network(Cut()))]
    safe, careless = apache.cross(
        ["kafka"], Workload(records=500, rate=500),
        [Guarantees(acks="all"), Guarantees(acks="0")], faults=faults, progress=quiet,
    )  # fmt: skip
    assert counts(safe) == {"offered": 500, "stored": 500}
    assert careless.runs[0].guarantees == "acks=0"
    assert counts(careless)["lost"] > 100
    assert not careless.broken
    assert sum(counts(careless).values()) == 2 * counts(careless)["offered"]


@pytest.mark.slow
def test_retention_takes_what_was_not_read(apache):
    runs = run(apache, At(0.3, RetentionOverrun(), until=0.7))
    found = runs.verdicts().loc["kafka"]
    assert found["lost"] > 0
    assert found["lost"] + found["stored"] == 500


@pytest.mark.slow
@pytest.mark.parametrize("profile", PROFILES)
def test_each_profile_stores_everything_and_outlives_a_cut(apache, profile):
    cut = At(0.4, Network(Cut()))
    runs = run(apache, cut, records=300, guarantees=Guarantees(profile=profile))
    assert runs.verdicts().loc["kafka", "stored"] == 300
    assert runs.runs[0].drained
    assert not runs.broken
    assert runs.runs[0].guarantees == f"profile={profile}"
    apache.wait_until_read()  # the marks of transactions' ends are no records


def flushes_each_record(lab):
    """What the brokers say of the lab's topic."""

    async def ask():
        admin = AIOKafkaAdminClient(bootstrap_servers=lab.bootstrap_servers)
        await admin.start()
        try:
            topic = ConfigResource(ConfigResourceType.TOPIC, lab.topic)
            (answer,) = await admin.describe_configs([topic])
            return {name: value for name, value, *_ in answer.resources[0][4]}["flush.messages"]
        finally:
            await admin.close()

    return asyncio.run(ask()) == "1"


@pytest.mark.slow
def test_the_brokers_flush_each_record_only_while_a_run_wants_it(apache):
    run(apache, records=50, guarantees=Guarantees(profile="sync"))
    assert flushes_each_record(apache)
    run(apache, records=50)
    assert not flushes_each_record(apache)


@pytest.mark.slow
def test_a_transaction_leaves_out_the_one_record_that_is_too_large(apache, fresh_id):
    settings = Guarantees(profile="exactly-once").applied(apache.settings)

    async def send():
        async with connect("kafka", settings) as client:
            names = [f"{fresh_id}-{number}" for number in range(5)]
            sizes = [2**21 if number == 2 else 1 for number in range(5)]
            records = [
                employee(name, remark="x" * size) for name, size in zip(names, sizes, strict=True)
            ]
            return await asyncio.gather(*map(client.send, records))

    results = [reply.result for reply in asyncio.run(send())]
    assert results == ["sent", "sent", "too_large", "sent", "sent"]


@pytest.mark.slow
def test_the_embedded_broker_does_not_pretend_to_have_transactions(lab):
    if lab.broker_name != "embedded":
        pytest.skip("This lab's broker has them.")
    with pytest.raises(LabError, match="use Apache Kafka"):
        run(lab, guarantees=Guarantees(profile="exactly-once"))
