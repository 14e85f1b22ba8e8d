"""`empkit proxy`: any TCP address behind the fault proxy, until Ctrl-C.

Imports inside the function keep the start of the command line fast.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated, cast

import typer

from empkit.cli.common import ReadyFile, fail
from empkit.cli.serve import announce_and_wait, clear

if TYPE_CHECKING:
    from empkit.faults import At
    from empkit.rig.rig import Rig

LOOPBACK = ("127.0.0.1", "localhost")


def proxy(
    listen: Annotated[
        str, typer.Argument(help="Port of loopback to listen on; 0 takes a free one.")
    ],
    target: Annotated[str, typer.Argument(help="Where the connections go, HOST:PORT.")],
    toxic: Annotated[
        list[str] | None,
        typer.Option(
            help="latency:latency_ms=50, or with its times latency:latency_ms=50@2s..5s; several "
            "are possible. `empkit faults` lists them.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the toxics' random choices.")] = 0,
    ready_file: ReadyFile = None,
) -> None:
    """Forward connections to another address, with faults of the network, until Ctrl-C.

    What it prints first is the address for clients. For Kafka it is of use only where the brokers
    advertise that address: clients connect to what brokers advertise.
    """
    from empkit.addresses import host_and_port
    from empkit.clock import now_ns
    from empkit.faults import Scene, Timeline
    from empkit.processes.child import ChildError, Processes
    from empkit.proxy import ProxyError, ProxyProcess

    try:
        ours, port = host_and_port(listen if ":" in listen else f"{LOOPBACK[0]}:{listen}", least=0)
        host, upstream = host_and_port(target)
    except ValueError as error:
        fail(str(error))
    if ours not in LOOPBACK:
        fail(f"{ours} is not loopback, and the proxy listens on nothing else. Give the port alone.")
    events = [_toxic(text) for text in toxic or []]
    clear(ready_file)
    with ExitStack() as cleanup:
        process = ProxyProcess(cleanup.enter_context(Processes()), seed)
        try:
            process.start()
            port = process.listen("target", host, upstream, at=port)
        except (ProxyError, ChildError) as error:
            fail(f"The proxy cannot listen on port {port}: {error}")
        # a toxic asks the scene for its proxy and for no rig
        timeline = Timeline(Scene(cast("Rig", None), proxy=process), events)
        timeline.start(now_ns())
        cleanup.callback(timeline.finish, abort=True)
        if any(event.at_s == 0 for event in events):
            timeline.wait_for_strike()
        words = f"Forwards to {host}:{upstream}. Ctrl-C stops it."
        announce_and_wait(f"{LOOPBACK[0]}:{port}", ready_file, words)


def _toxic(text: str) -> At:
    """Return a toxic with its times."""
    from empkit.faults import At, Network, parse_fault

    try:
        event = parse_fault(text)
    except ValueError as error:
        fail(str(error))
    if not isinstance(event, At) or not isinstance(event.fault, Network):
        fail(f"{text.partition(':')[0]} is no fault of the network; `empkit faults` lists those.")
    return event
