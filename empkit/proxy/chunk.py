"""What moves through the proxy: bytes with the moment at which they are due."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

Direction = Literal["up", "down"]
End = Literal["eof", "close", "cut", "reset"]


class Chunk(NamedTuple):
    """Bytes on their way, or the end of a stream (then `data` is empty)."""

    data: bytes
    due: float  # loop time, in seconds, at which it arrived or is to be passed on
    offset: int  # bytes of the connection and direction that came before
    message: int  # reads of the connection and direction that came before
    end: End | None = None

    def split(self, size: int) -> tuple[Chunk, Chunk]:
        """The first `size` bytes, and the rest."""
        rest = self._replace(data=self.data[size:], offset=self.offset + size)
        return self._replace(data=self.data[:size]), rest

    def pieces(self, sizes: Iterable[int]) -> Iterator[Chunk]:
        """The same bytes in pieces, as long as there are any; an end comes back whole."""
        p = 0  # bytes given out
        for size in sizes:
            yield self._replace(data=self.data[p : p + size], offset=self.offset + p)
            p += size
            if p >= len(self.data):
                return
