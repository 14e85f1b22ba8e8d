"""`Proxied`: any TCP address behind the kit's fault proxy, each toxic a context manager."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from empkit.faults.base import Scene
from empkit.proxy import Toxic, toxic_kinds
from empkit.testing.faults import OfOneListener
from empkit.testing.strikes import Strike, Strikes

if TYPE_CHECKING:
    from empkit.proxy import ProxyProcess
    from empkit.rig.rig import Rig


class Proxied:
    """An address behind the fault proxy; clients connect to `host` and `port` in its place.

    Each toxic of `empkit.proxy` is a method, with the toxic's settings, `at` and `seconds`:
    `with database.latency(latency_ms=50): ...`, `database.reset(at=1)`.

    Args:
        proxy: the proxy.
        listener: the name of the listener, which no other name begins with.
        port: the port that it listens on.
        strikes: the faults of the test.
    """

    host = "127.0.0.1"

    def __init__(self, proxy: ProxyProcess, listener: str, port: int, strikes: Strikes) -> None:
        self.port = port
        self._proxy = proxy
        self._listener = listener
        self._strikes = strikes

    @property
    def address(self) -> str:
        """`host:port` for clients."""
        return f"{self.host}:{self.port}"

    def counters(self) -> dict[str, int]:
        """Return `accepted` and `open` connections, `bytes_up` and `bytes_down`."""
        return self._proxy.counters()[self._listener]

    def strike(self, toxic: Toxic, *, at: float = 0.0, seconds: float | None = None) -> Strike:
        """Apply a toxic for a block, or for some time of it.

        Args:
            toxic: see `empkit.proxy`.
            at: when, in seconds after the block began.
            seconds: for how long; by default until the block ends.
        """
        # a toxic asks the scene for its proxy and for no rig
        scene = Scene(cast("Rig", None), proxy=self._proxy)
        return Strike(self._strikes, scene, OfOneListener(toxic, self._listener), at, seconds)

    def __getattr__(self, name: str) -> Callable[..., Strike]:
        kinds = {} if name.startswith("_") else toxic_kinds()
        kind = kinds.get(name.replace("_", "-"))
        if kind is None:
            known = ", ".join(sorted(each.replace("-", "_") for each in kinds))
            raise AttributeError(f"There is no toxic {name!r}; use one of {known}.", name=name)

        def strike(
            *values: object, at: float = 0.0, seconds: float | None = None, **settings: object
        ) -> Strike:
            return self.strike(kind(*values, **settings), at=at, seconds=seconds)  # type: ignore[arg-type]

        return strike
