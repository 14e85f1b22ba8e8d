"""TLS and SASL: a client's connection arguments for brokers and server, from the settings."""

from __future__ import annotations

import ssl
from typing import Any

from empkit.settings import Settings


def kafka_arguments(settings: Settings) -> dict[str, Any]:
    """Return the connection arguments for any client of aiokafka.

    Certificates are verified and must match the broker's name; if a private authority signed them,
    `EMPKIT_KAFKA_CA_FILE` names that authority's certificate
    (https://aiokafka.readthedocs.io/en/stable/api.html#aiokafka.helpers.create_ssl_context).

    Raises:
        ValueError: the certificate file cannot be read, or SASL lacks user or password.
    """
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


def verified(ca_file: Any) -> ssl.SSLContext:
    """Return a TLS context that verifies the peer's certificate and name.

    Args:
        ca_file: the certificate of an authority to trust; None trusts those of the system.

    Raises:
        ValueError: the file cannot be read.
    """
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        raise ValueError(f"The certificate file {ca_file} cannot be read: {error}.") from error
