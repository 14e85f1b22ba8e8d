"""The parts of a running server."""

from __future__ import annotations

from dataclasses import dataclass

from empkit.clock import LoopWatch
from empkit.server.auth import Authenticator
from empkit.server.consumer import Consumer
from empkit.server.logins import Logins
from empkit.server.stamps import StampLog
from empkit.server.store import Store
from empkit.settings import Settings


@dataclass
class State:
    """The parts that the routes use; created by the application's lifespan."""

    settings: Settings
    authenticator: Authenticator
    logins: Logins
    stamps: StampLog
    store: Store
    consumer: Consumer | None
    watch: LoopWatch
    websockets: int = 0
