"""The unit of data in the proxy: bytes with the time at which they are due."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

Direction = Literal["up", "down"]
End = Literal["eof", "close", "cut", "reset"]


class Chunk(NamedTuple):
    """Bytes in transit, or the end of a stream (then `data` is empty)."""

    data: bytes
    due: float  # loop time, in seconds, at which it arrived or is to be passed on
    offset: int  # number of bytes before it in this direction of the connection
    message: int  # number of reads before it in this direction of the connection
    end: End | None = None
    acks: tuple[int, ...] = ()  # offsets at which the acks of Kafka producers in it begin

    def split(self, size: int) -> tuple[Chunk, Chunk]:
        """Return the first `size` bytes, and the rest."""
        rest = self._replace(data=self.data[size:], offset=self.offset + size)
        return self._replace(data=self.data[:size]), rest

    def pieces(self, sizes: Iterable[int]) -> Iterator[Chunk]:
        """Yield the bytes in pieces of these sizes until none are left; an end is one piece."""
        p = 0  # bytes yielded
        for size in sizes:
            yield self._replace(data=self.data[p : p + size], offset=self.offset + p)
            p += size
            if p >= len(self.data):
                return
