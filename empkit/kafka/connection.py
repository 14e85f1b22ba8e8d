"""How a client reaches the brokers, with TLS and SASL, from the settings."""

from __future__ import annotations

from typing import Any

from empkit.addresses import check_brokers
from empkit.settings import Settings
from empkit.tls import verified


def kafka_arguments(settings: Settings) -> dict[str, Any]:
    """Return the connection arguments for any client of aiokafka.

    Certificates are verified and must match the broker's name; if a private authority signed them,
    `EMPKIT_KAFKA_CA_FILE` names that authority's certificate
    (https://aiokafka.readthedocs.io/en/stable/api.html#aiokafka.helpers.create_ssl_context).

    Raises:
        ValueError: a broker's address or the certificate file cannot be used, or SASL lacks user or
            password.
    """
    if settings.kafka_bootstrap_servers:
        check_brokers(settings.kafka_bootstrap_servers)
    arguments: dict[str, Any] = {
        "bootstrap_servers": settings.kafka_bootstrap_servers,
        "security_protocol": settings.kafka_security_protocol,
    }
    if settings.kafka_security_protocol.endswith("SSL"):
        arguments["ssl_context"] = verified(settings.kafka_ca_file)
    if settings.kafka_security_protocol.startswith("SASL"):
        if settings.kafka_username is None or settings.kafka_password is None:
            raise ValueError("SASL needs EMPKIT_KAFKA_USERNAME and EMPKIT_KAFKA_PASSWORD.")
        arguments |= {
            "sasl_mechanism": settings.kafka_sasl_mechanism,
            "sasl_plain_username": settings.kafka_username,
            "sasl_plain_password": settings.kafka_password.get_secret_value(),
        }
    return arguments
