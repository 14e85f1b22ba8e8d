"""What the Kafka frames of a connection say: where in it the ack of a producer begins.

up    size:4  api key:2  version:2  correlation id:4  client id  [tags]  [transaction]  acks:2 ...
down  size:4  correlation id:4 ...

Only these headers are read; the rest of a frame is counted and skipped. A broker answers the
requests of a connection in order: an answer whose correlation id is not the next one shows that
the connection does not carry Kafka, or carries it in TLS.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from typing import NamedTuple

from empkit.proxy.chunk import Direction

LARGEST_REQUEST = 104_857_600  # in bytes; by default a broker takes no more
PRODUCE = 0  # the api key
WITH_TRANSACTION = 3  # version of Produce from which on it names a transaction before `acks`
FLEXIBLE = 9  # version of Produce from which on it has tags, and lengths of variable size

Step = Generator[None, None, None]
"""A reader that yields when it has to wait for the next piece."""


class NotKafkaError(ValueError):
    """What a connection carries cannot be read as Kafka's frames; the message says where."""


class Asked(NamedTuple):
    """A request that is to be answered."""

    correlation_id: int
    produce: bool


class Frames:
    """Reads some bytes of a stream of frames that comes in pieces, and skips the others."""

    def __init__(self) -> None:
        self.begin = 0  # where the frame, or what is left of it, begins in the piece
        self.left = 0  # bytes of the frame that were not read or skipped
        self._piece = b""
        self._p = 0  # bytes of the piece that were read or skipped

    def feed(self, piece: bytes) -> None:
        """Go on with a piece, after all of the one before."""
        self._piece, self._p, self.begin = piece, 0, 0

    def size(self) -> Generator[None, None, int]:
        """Begin the next frame, and return its size in bytes."""
        self.begin, self.left = self._p, 4
        self.left = yield from self.number(4)
        return self.left

    def number(self, size: int) -> Generator[None, None, int]:
        """Return a signed number of `size` bytes."""
        self._count(size)
        taken = b""
        while True:
            part = self._piece[self._p : self._p + size - len(taken)]
            self._p += len(part)
            taken += part
            if len(taken) == size:
                return int.from_bytes(taken, signed=True)
            yield

    def varint(self) -> Generator[None, None, int]:
        """Return an unsigned number of 7 bits a byte."""
        value = 0
        for shift in range(0, 32, 7):
            byte = yield from self.number(1)
            value |= (byte & 0x7F) << shift
            if byte >= 0:
                return value
        raise NotKafkaError("a length of more than 5 bytes")

    def skip(self, size: int) -> Step:
        """Pass `size` bytes; none if it is negative, as the length of a string that is null."""
        size = max(0, size)
        self._count(size)
        while size > (there := len(self._piece) - self._p):
            size -= there
            self._p += there
            yield
        self._p += size

    def _count(self, size: int) -> None:
        self.left -= size
        if self.left < 0:
            raise NotKafkaError(f"a frame whose header is {-self.left} bytes longer than the frame")


class Exchange:
    """The requests and answers of one connection, from its first byte on.

    Of each request that is under way its correlation id is kept, and nothing else.

    Attributes:
        problem: why the connection cannot be read as Kafka's frames; empty while it can.
    """

    def __init__(self) -> None:
        self.problem = ""
        self._asked: deque[Asked] = deque()
        self._acks: list[int] = []
        self._frames: dict[Direction, Frames] = {"up": Frames(), "down": Frames()}
        self._readers = {"up": self._requests(), "down": self._answers()}

    def read(self, direction: Direction, piece: bytes) -> tuple[int, ...]:
        """Read the next piece, and return where in it an ack, or what is left of one, begins."""
        if self.problem:
            return ()
        self._frames[direction].feed(piece)
        try:
            next(self._readers[direction])
        except NotKafkaError as error:
            self.problem = str(error)
            self._asked.clear()
        acks, self._acks = tuple(self._acks), []
        return acks

    def _requests(self) -> Step:
        frames = self._frames["up"]
        while True:
            size = yield from frames.size()
            if size > LARGEST_REQUEST:
                raise NotKafkaError(
                    f"a request of {size} bytes, where a broker takes {LARGEST_REQUEST}"
                )
            api_key = yield from frames.number(2)
            version = yield from frames.number(2)
            asked = Asked((yield from frames.number(4)), api_key == PRODUCE)
            if not asked.produce or (yield from self._wants_ack(version)):
                self._asked.append(asked)
            yield from frames.skip(frames.left)

    def _wants_ack(self, version: int) -> Generator[None, None, bool]:
        """Return whether a Produce request has `acks` other than 0: that one gets no answer."""
        frames = self._frames["up"]
        yield from frames.skip((yield from frames.number(2)))  # the client's id
        if version >= FLEXIBLE:
            for _ in range((yield from frames.varint())):
                yield from frames.varint()
                yield from frames.skip((yield from frames.varint()))
            yield from frames.skip((yield from frames.varint()) - 1)
        elif version >= WITH_TRANSACTION:
            yield from frames.skip((yield from frames.number(2)))
        return (yield from frames.number(2)) != 0

    def _answers(self) -> Step:
        frames = self._frames["down"]
        while True:
            yield from frames.size()
            correlation_id = yield from frames.number(4)
            if not self._asked:
                raise NotKafkaError(f"answer {correlation_id} came, and no request is under way")
            asked = self._asked.popleft()
            if correlation_id != asked.correlation_id:
                raise NotKafkaError(
                    f"answer {correlation_id} came in place of {asked.correlation_id}"
                )
            if asked.produce:
                self._acks.append(frames.begin)
            yield from frames.skip(frames.left)
