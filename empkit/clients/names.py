"""The names of the kit's own protocols, and where each client is."""

from __future__ import annotations

from typing import Literal, get_args

Protocol = Literal["http", "websocket", "kafka"]
PROTOCOLS: tuple[Protocol, ...] = get_args(Protocol)

HOMES: dict[str, str] = {
    "http": "empkit.clients.http:HttpClient",
    "websocket": "empkit.clients.websocket:WebSocketClient",
    "kafka": "empkit.clients.kafka:KafkaClient",
}
