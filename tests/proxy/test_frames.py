"""Where the acks are in a connection that carries Kafka, in whatever pieces it comes."""

from __future__ import annotations

import struct
from itertools import accumulate, pairwise
from typing import NamedTuple

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from empkit.proxy.frames import LARGEST_REQUEST, Exchange

METADATA, HEARTBEAT = 3, 12  # api keys


def frame(body: bytes) -> bytes:
    return struct.pack(">i", len(body)) + body


def short_string(text: bytes | None) -> bytes:
    return struct.pack(">h", -1) if text is None else struct.pack(">h", len(text)) + text


def varint(number: int) -> bytes:
    low = number & 0x7F
    return bytes([low]) if number < 0x80 else bytes([low | 0x80]) + varint(number >> 7)


class Request(NamedTuple):
    """A request as https://kafka.apache.org/protocol has it, and what its answer says."""

    api_key: int
    version: int = 3
    client: bytes | None = b"me"
    tags: tuple[bytes, ...] = ()
    transaction: bytes | None = None
    acks: int = -1
    body: bytes = b"records"
    answer: bytes = b"done"

    @property
    def answered(self) -> bool:
        return bool(self.api_key) or self.acks != 0

    def up(self, correlation_id: int) -> bytes:
        head = struct.pack(">hhi", self.api_key, self.version, correlation_id)
        head += short_string(self.client)
        if self.version >= 9:
            head += varint(len(self.tags))
            for number, tag in enumerate(self.tags):
                head += varint(number) + varint(len(tag)) + tag
            text = self.transaction
            head += varint(0) if text is None else varint(len(text) + 1) + text
        elif self.version >= 3:
            head += short_string(self.transaction)
        return frame(head + struct.pack(">h", self.acks) + self.body)

    def down(self, correlation_id: int) -> bytes:
        return frame(struct.pack(">i", correlation_id) + self.answer)


TEXTS = st.none() | st.binary(max_size=300)
REQUESTS = st.builds(
    Request,
    st.sampled_from([0, 0, 0, METADATA, HEARTBEAT]),
    st.integers(0, 13),
    TEXTS,
    st.lists(st.binary(max_size=200), max_size=3).map(tuple),
    TEXTS,
    st.sampled_from([-1, 0, 1]),
    st.binary(max_size=300),
    st.binary(max_size=300),
)


def pieces(stream: bytes, cuts: list[int]) -> list[tuple[int, bytes]]:
    """The stream in pieces, each with its offset."""
    edges = sorted({0, len(stream), *(cut % (len(stream) or 1) for cut in cuts)})
    return [(begin, stream[begin:end]) for begin, end in pairwise(edges)]


@given(
    st.lists(REQUESTS, max_size=12), st.integers(-5, 2**31 - 20),
    st.lists(st.integers(0), max_size=40), st.lists(st.integers(0), max_size=40),
)  # fmt: skip
@example([Request(0), Request(METADATA), Request(0, acks=0), Request(0)], 7, [], [])
@example([Request(0, 9, tags=(b"tag",)), Request(0, 13, acks=0), Request(0)], 7, [*range(99)], [*range(99)])  # fmt: skip # noqa: E501
def test_acks_are_found_in_pieces_of_every_size_and_nothing_else_is(requests, first, cut_up, cut):
    exchange = Exchange()
    numbered = list(enumerate(requests, first))
    for _, piece in pieces(b"".join(request.up(n) for n, request in numbered), cut_up):
        assert exchange.read("up", piece) == ()
    answers = [(request, request.down(n)) for n, request in numbered if request.answered]
    begins = accumulate((len(down) for _, down in answers), initial=0)
    acks = [
        begin for begin, (request, _) in zip(begins, answers, strict=False) if not request.api_key
    ]
    for offset, piece in pieces(b"".join(down for _, down in answers), cut):
        # an ack is known by its eighth byte, and of what came before it the last piece is left
        known = [ack for ack in acks if offset < ack + 8 <= offset + len(piece)]
        found = exchange.read("down", piece)
        assert found == tuple(max(ack, offset) - offset for ack in known)
    assert exchange.problem == ""
    assert not exchange._asked


def test_a_large_request_is_counted_and_not_kept():
    exchange, size = Exchange(), 2**16
    request = Request(0).up(1)
    exchange.read("up", struct.pack(">i", 512 * size) + request[4:])
    for _ in range(511):
        exchange.read("up", bytes(size))
    exchange.read("up", bytes(size - len(request) + 4) + Request(METADATA).up(2))
    assert exchange.read("down", Request(0).down(1) + Request(METADATA).down(2)) == (0,)
    assert exchange.problem == ""


@pytest.mark.parametrize(
    ("up", "down", "problem"),
    [
        (b"GET / HTTP/1.1\r\n", b"", "a request of 1195725856 bytes, where a broker takes "),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", b"", "a request of 369295618 bytes"),
        (struct.pack(">i", LARGEST_REQUEST + 1), b"", f"a request of {LARGEST_REQUEST + 1} bytes"),
        (struct.pack(">i", -1) + bytes(8), b"", "whose header is 3 bytes longer than the frame"),
        (frame(bytes(7)), b"", "whose header is 1 bytes longer than the frame"),
        (Request(0).up(7)[:12] + b"\x7f\xff", b"", "longer than the frame"),
        (Request(0, 9).up(7)[:16] + b"\xff" * 5, b"", "a length of more than 5 bytes"),
        (Request(0).up(7), Request(0).down(8), "answer 8 came in place of 7"),
        (Request(0, acks=0).up(7), Request(0).down(7), "answer 7 came, and no request is under"),
        (Request(METADATA).up(7), frame(b"no"), "whose header is 2 bytes longer than the frame"),
    ],
)  # fmt: skip
def test_what_is_not_kafka_is_said_with_what_was_met(up, down, problem):
    exchange = Exchange()
    exchange.read("up", up)
    exchange.read("down", down)
    assert problem in exchange.problem
    assert exchange.read("down", Request(0).down(7)) == ()
