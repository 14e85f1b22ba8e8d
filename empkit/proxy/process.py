"""The proxy as a child process, and its owner's handle.

ProxyProcess -- {"op": "add", "listener": "*", "kind": "latency", "options": {...}, "id": 7} -->
             <-- {"id": 7, "toxic": "latency-1"} or {"id": 7, "error": "..."} --- main()
"""

from __future__ import annotations

import asyncio
import select
import selectors
import sys
from dataclasses import asdict
from typing import Any

from empkit.processes.child import Child, Processes, Report, follow_orders, report
from empkit.proxy.relay import Proxy
from empkit.proxy.toxics.base import Toxic
from empkit.proxy.toxics.register import toxic_kinds

WAKE_EARLY_S = 0.0003  # a sleeping process wakes late; 0.25 ms was seen on a virtual machine
ANSWER_TIMEOUT_S = 10.0

Ready = tuple[selectors.SelectorKey, int]


class ProxyError(RuntimeError):
    """The proxy could not carry out an order; the message says why."""


def new_loop() -> asyncio.AbstractEventLoop:
    """Return an event loop with timers exact to about 0.05 ms, which a delay of 5 ms needs.

    asyncio on epoll rounds timers up to whole milliseconds; uvloop rounds them to the nearest
    millisecond, and forwarding was not measured to be faster with it. Therefore this is asyncio,
    with `select` to wait for its epoll object, since `select` takes microseconds. The wait ends a
    little early; asyncio then polls until the timer is due. On macOS (kqueue) asyncio's timers are
    exact already; on Windows a delay is exact only to about 15 ms.
    """
    if sys.platform == "linux":

        class ExactSelector(selectors.EpollSelector):
            def select(self, timeout: float | None = None) -> list[Ready]:
                if timeout is not None and timeout > 0:
                    select.select([self.fileno()], [], [], max(0.0, timeout - WAKE_EARLY_S))
                    timeout = 0
                return super().select(timeout)

        return asyncio.SelectorEventLoop(ExactSelector())
    return asyncio.new_event_loop()


async def obey(proxy: Proxy, order: Report) -> Report:
    """Carry out one order.

    Returns:
        The result of the order, as values of the report.

    Raises:
        ValueError, TypeError, KeyError, OSError: the order is invalid or failed.
    """
    match order["op"]:
        case "listen":
            host, port = order["upstream"] or (None, None)
            port = await proxy.add_listener(order["name"], host, port, port=order["at"])
            return {"port": port}
        case "upstream":
            proxy.set_upstream(order["name"], *order["upstream"])
        case "add":
            toxic = toxic_kinds()[order["kind"]](**order["options"])
            return {"toxic": proxy.add_toxic(order["listener"], toxic)}
        case "remove":
            return {"struck": proxy.remove_toxic(order["toxic"])}
        case "counters":
            return {"counters": proxy.counters()}
        case other:
            raise ValueError(f"The proxy has no order {other!r}.")
    return {}


async def serve(seed: int) -> None:
    """Carry out the owner's orders, one after the other, until this process ends."""
    proxy, loop = Proxy(seed), asyncio.get_running_loop()
    orders: asyncio.Queue[Report] = asyncio.Queue()

    def hand_on(order: Report) -> None:
        loop.call_soon_threadsafe(orders.put_nowait, order)

    follow_orders(hand_on)
    report(ready=True)
    while True:
        order = await orders.get()
        try:
            answer = await obey(proxy, order)
        except (ValueError, TypeError, KeyError, OSError) as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        report(id=order["id"], **answer)


def main() -> None:
    """Run the proxy; the only argument is the seed."""
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(serve(int(sys.argv[1])))


class ProxyProcess:
    """The owner's handle of a proxy process. Calls block; any thread may call.

    Args:
        owner: starts the proxy as one of its child processes, and ends it.
        seed: seed of the random decisions of all toxics.
    """

    def __init__(self, owner: Processes, seed: int = 0) -> None:
        self._owner, self._seed = owner, seed
        self._child: Child | None = None

    def start(self) -> None:
        """Start the process and wait until it accepts orders.

        Raises:
            ChildError: the process ended, or was not ready in time.
        """
        self._child = self._owner.start_module("proxy", "empkit.proxy", [str(self._seed)])
        self._child.expect("ready", ANSWER_TIMEOUT_S)

    def stop(self) -> None:
        """End the process and all its connections; has no effect when it does not run."""
        child, self._child = self._child, None
        if child is not None:
            self._owner.release(child)

    def listen(
        self, name: str, host: str | None = None, port: int | None = None, at: int = 0
    ) -> int:
        """Listen on a loopback port for an upstream.

        Args:
            name: the listener's name in other calls.
            host: host of the upstream; without it connections are closed at once until
                `set_upstream` has been called.
            port: port of the upstream.
            at: the port to listen on; 0 takes a free one.

        Returns:
            The port that clients connect to.

        Raises:
            ProxyError: the name or the port is taken.
        """
        upstream = None if host is None or port is None else [host, port]
        return int(self._ask("listen", name=name, upstream=upstream, at=at)["port"])

    def set_upstream(self, name: str, host: str, port: int) -> None:
        """Set the upstream for the future connections of a listener.

        Raises:
            ProxyError: there is no such listener.
        """
        self._ask("upstream", name=name, upstream=[host, port])

    def add(self, listener: str, toxic: Toxic) -> str:
        """Apply a toxic to a listener, or to all with "*".

        Returns:
            The id of the toxic, for `remove`.

        Raises:
            ProxyError: there is no such listener.
        """
        answer = self._ask("add", listener=listener, kind=toxic.kind, options=asdict(toxic))
        return str(answer["toxic"])

    def remove(self, toxic_id: str) -> int:
        """Remove a toxic. The data that it held is delivered.

        Returns:
            How much it affected, in the unit of the toxic.

        Raises:
            ProxyError: there is no such toxic.
        """
        return int(self._ask("remove", toxic=toxic_id)["struck"])

    def counters(self) -> dict[str, dict[str, int]]:
        """Return per listener: `accepted` and `open` connections, `bytes_up` and `bytes_down`."""
        counters: dict[str, dict[str, int]] = self._ask("counters")["counters"]
        return counters

    def _ask(self, op: str, **values: Any) -> Report:
        """Send an order and wait for its answer; one at a time.

        Raises:
            ProxyError: the order failed, or the proxy has not been started.
            ChildError: the process has ended, or does not answer.
        """
        if self._child is None:
            raise ProxyError("The proxy does not run; start it first.")
        answer = self._child.ask(ANSWER_TIMEOUT_S, op=op, **values)
        if "error" in answer:
            raise ProxyError(answer["error"])
        return answer
