"""What the consumer makes of any record: a row or a dead letter, as the published schema has it."""

import json

import pytest
from aiokafka import ConsumerRecord, TopicPartition
from hypothesis import given, settings
from hypothesis import strategies as st

from empkit.experiment.goodness import is_good
from empkit.records.employee import FIELDS
from empkit.server.consumer import Consumer
from empkit.settings import Settings

PARTITION = TopicPartition("employee-records", 0)

text = st.text(max_size=40) | st.sampled_from(["", " ", "\0", "\ud800", "1", "2021-02-30", "E1"])
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=6,
)
names = {"employee_id": st.just("E1"), "first_name": st.just("Nia"), "last_name": st.just("Orr")}
nearly_good = st.builds(
    lambda good, other: good | other,
    st.fixed_dictionaries({}, optional=names),
    st.dictionaries(st.sampled_from(FIELDS) | text, values, max_size=4),
)


@st.composite
def payloads(draw):
    """Bytes as a foreign producer may send them: mostly a record, with something wrong."""
    if draw(st.booleans()):
        return draw(st.none() | st.binary(max_size=200))
    written = json.dumps(draw(nearly_good), ensure_ascii=draw(st.booleans()))
    payload = written.encode(
        draw(st.sampled_from(["utf-8", "utf-16", "utf-8-sig"])), "surrogatepass"
    )
    at = draw(st.integers(0, len(payload)))
    return (
        payload[:at]
        + draw(st.sampled_from([b"", b"", b"", b"\0", b"{", b'"', b"\xff"]))
        + payload[at:]
    )


def message(offset, value):
    """A message of the topic, as aiokafka hands it out."""
    return ConsumerRecord(
        *(PARTITION.topic, PARTITION.partition, offset, 0, 0, None, value, None, -1, -1),
        headers=[("trace", b"\xff")],
    )


@pytest.mark.slow
@settings(max_examples=200)
@given(st.lists(payloads(), min_size=1, max_size=5))
def test_each_message_becomes_a_row_or_a_dead_letter_as_the_schema_has_it(contents):
    consumer = Consumer(Settings(kafka_bootstrap_servers="127.0.0.1:1"), None, None)
    messages = [message(place, value) for place, value in enumerate(contents)]
    batch = consumer._sorted({PARTITION: messages}, 0)
    assert batch.offsets == {PARTITION: len(messages)}
    to_store = {source.offset for source in batch.sources}
    to_bury = {refused.message.offset for refused in batch.refused}
    assert len(batch.rows) == len(batch.sources)
    assert to_store | to_bury == set(range(len(messages)))
    assert not to_store & to_bury
    assert to_store == {each.offset for each in messages if is_good(each.value or b"")}
    assert all(refused.reason for refused in batch.refused)
