"""The names of the kit's own protocols, and where each client is."""

from __future__ import annotations

HOMES: dict[str, str] = {
    "http": "empkit.clients.http:HttpClient",
    "websocket": "empkit.clients.websocket:WebSocketClient",
    "kafka": "empkit.clients.kafka:KafkaClient",
}
SERVED = ("http", "websocket", "kafka")
"""Those that the routes of the server and its consumer receive, without a `mount` of their own."""
PROTOCOLS = tuple(HOMES)
