"""TLS and SASL: who is not who they say they are is not talked to."""

import asyncio
import secrets

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from pydantic import SecretStr

from empkit import Lab, Workload, connect
from empkit.brokers.apache import ApacheBroker
from empkit.clients import ClientError
from empkit.clients.control import with_control
from empkit.lab import LabError
from empkit.processes.child import Processes
from empkit.settings import Settings
from tests.conftest import employee


def quiet(*_):
    """Progress that shows nothing."""


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """An authority's certificate, and one of this machine signed by it, with its key."""
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    own = authority.issue_cert("127.0.0.1")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    own.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    own.private_key_pem.write_to_path(folder / "key.pem")
    key = load_pem_private_key(own.private_key_pem.bytes(), None)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())  # as Java wants it
    (folder / "both.pem").write_bytes(pem + own.cert_chain_pems[0].bytes())
    return folder


@pytest.fixture(scope="module")
def secured(authority):
    """The settings of a server that talks https and wss."""
    with Processes() as processes:
        settings = Settings(
            port=0,
            database_url=f"sqlite:///{processes.folder}/employees.db",
            password=SecretStr(secrets.token_urlsafe(16)),
            signing_key=SecretStr(secrets.token_urlsafe(48)),
            tls_cert_file=authority / "cert.pem",
            tls_key_file=authority / "key.pem",
        )
        server = processes.start_module("server", "empkit.server")
        server.begin(settings.environ())
        url = server.expect("ready", 30)["server_url"]
        assert url.startswith("https://")
        yield settings.model_copy(update={"server_url": url, "ca_file": authority / "ca.pem"})


async def send(protocol, settings, employee_id):
    async with connect(protocol, settings) as client:
        return await client.send(employee(employee_id))


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["http", "websocket"])
def test_records_go_over_tls_to_a_server_whose_certificate_is_good(secured, protocol):
    assert asyncio.run(send(protocol, secured, f"tls-{protocol}")).outcome == "acked"
    settings = secured.model_copy(update={"retries": 0, "ca_file": None})
    with pytest.raises(ClientError, match="certificate verify failed"):
        asyncio.run(send(protocol, settings, "nobody"))


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["http", "websocket"])
def test_the_wrong_scheme_for_a_port_is_said(secured, lab, protocol):
    for wrong, said in (
        (secured.server_url.replace("https", "http"), "https://"),
        (lab.server_url.replace("http", "https"), "http://"),
    ):
        settings = secured.model_copy(update={"server_url": wrong, "retries": 0})
        with pytest.raises(ClientError, match=said):
            asyncio.run(send(protocol, settings, "nobody"))
        with pytest.raises(ClientError, match=said):
            with_control(settings, lambda control: control.health())


@pytest.mark.slow
def test_a_lab_measures_a_server_over_tls(secured):
    with Lab("none", server=secured.server_url, settings=secured) as lab:
        runs = lab.compare(["http", "websocket"], Workload(records=100), progress=quiet)
        assert runs.verdicts()["stored"].tolist() == [100, 100]
    strangers = secured.model_copy(update={"ca_file": None})
    with pytest.raises(LabError, match="certificate verify failed"):
        Lab("none", server=secured.server_url, settings=strangers).start()


class SecuredBroker(ApacheBroker):
    """Apache Kafka with one more listener, which wants TLS, a user and a password."""

    def secure(self, folder, password):
        self.folder, self.password = folder, password

    def _configure(self):
        super()._configure()
        path = self._properties(1)
        port = self._ports[1].proxied
        lines = path.read_text()
        lines = lines.replace(f"PROXIED://127.0.0.1:{port}", f"SECURED://127.0.0.1:{port}")
        lines = lines.replace(
            f"PROXIED://127.0.0.1:{self._ports[1].proxy}", f"SECURED://127.0.0.1:{port}"
        )
        lines = lines.replace("PROXIED:PLAINTEXT", "SECURED:SASL_SSL")
        lines += (
            f"ssl.keystore.type=PEM\nssl.keystore.location={self.folder / 'both.pem'}\n"
            "sasl.enabled.mechanisms=PLAIN\n"
            "listener.name.secured.plain.sasl.jaas.config="
            "org.apache.kafka.common.security.plain.PlainLoginModule required "
            f'user_sender="{self.password}";\n'
        )
        path.write_text(lines)
        self.secured = f"127.0.0.1:{port}"


@pytest.mark.slow
def test_an_external_kafka_with_tls_and_sasl_is_reached_and_its_impostor_is_not(
    kafka_jars, authority
):
    password = secrets.token_urlsafe(16)
    with Processes() as processes:
        broker = SecuredBroker(processes, Settings())
        broker.secure(authority, password)
        broker.start()
        settings = Settings(
            kafka_bootstrap_servers=broker.secured,
            kafka_security_protocol="SASL_SSL",
            kafka_ca_file=authority / "ca.pem",
            kafka_username="sender",
            kafka_password=SecretStr(password),
        )
        with Lab("external", settings=settings) as lab:
            runs = lab.run("kafka", Workload(records=200), progress=quiet)
            assert runs.verdicts().loc["kafka", "stored"] == 200
        for changes in ({"kafka_ca_file": None}, {"kafka_password": SecretStr("wrong")}):
            wrong = settings.model_copy(update=changes)
            with pytest.raises(ClientError, match="No Kafka broker"):
                asyncio.run(send("kafka", wrong, "nobody"))


def test_what_sasl_lacks_is_named():
    settings = Settings(
        kafka_bootstrap_servers="127.0.0.1:1", kafka_security_protocol="SASL_PLAINTEXT"
    )
    with pytest.raises(ClientError, match="EMPKIT_KAFKA_USERNAME and EMPKIT_KAFKA_PASSWORD"):
        asyncio.run(send("kafka", settings, "nobody"))
