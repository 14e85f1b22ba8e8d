"""Settings: read from the environment, written out for a child, never shown with secrets."""

import ipaddress
import json
import os
import subprocess
import sys
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from empkit import Settings
from empkit.settings import OLD_NAMES, PREFIX

SECRET = "only-this-test-knows"

texts = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=30
)
paths = st.from_regex(r"/?[a-z. ]{1,9}(/[a-zé]{1,9})?", fullmatch=True).map(Path)
seconds = st.floats(min_value=0, exclude_min=True, allow_infinity=False, allow_nan=False)
secrets = texts.map(SecretStr)
values = st.fixed_dictionaries(
    {},
    optional={
        "host": texts,
        "port": st.integers(0, 65_535),
        "server_url": texts,
        "ca_file": st.none() | paths,
        "ws_url": st.none() | texts,
        "consume_only": st.booleans(),
        "database_url": texts,
        "timings_file": st.none() | paths,
        "lab_broker": st.sampled_from(["embedded", "apache", "external", "none"]),
        "kafka_bootstrap_servers": st.none() | texts,
        "kafka_topic": texts,
        "kafka_fetch_wait_ms": st.integers(1, 10_000),
        "kafka_commit": st.sampled_from(["after_store", "before_store"]),
        "username": texts,
        "password": st.none() | secrets,
        "signing_key": st.none() | secrets,
        "token_lifetime_s": seconds,
        "max_record_bytes": st.integers(256, 2**40),
        "retries": st.integers(0, 10**6),
        "kafka_acks": st.sampled_from(["0", "1", "all"]),
        "kafka_idempotence": st.booleans(),
    },
)


@pytest.fixture(autouse=True)
def bare(monkeypatch):
    """An environment without a setting of the kit."""
    for name in [*OLD_NAMES.values(), *(each for each in os.environ if each.startswith(PREFIX))]:
        monkeypatch.delenv(name, raising=False)


def set_variables(settings):
    return {name: value for name, value in settings.environ().items() if value is not None}


# Read


def test_a_setting_is_read_from_its_variable_and_an_argument_overrides_it(monkeypatch):
    assert Settings().retries == 30
    monkeypatch.setenv("EMPKIT_RETRIES", "3")
    assert Settings().retries == 3
    assert Settings(retries=0).retries == 0


@pytest.mark.parametrize(("name", "old"), OLD_NAMES.items())
def test_an_old_name_is_understood_and_the_own_one_goes_before_it(monkeypatch, name, old):
    monkeypatch.setenv(old, "a:1")
    assert getattr(Settings(), name) == "a:1"
    monkeypatch.setenv(PREFIX + name.upper(), "b:2")
    assert getattr(Settings(), name) == "b:2"
    assert getattr(Settings(**{name: "c:3"}), name) == "c:3"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", "65536"), ("retries", "-1"), ("retries", "many"), ("deadline_s", "0"),
        ("kafka_acks", "2"), ("kafka_commit", "never"), ("lab_broker", "rabbit"),
        ("max_record_bytes", "255"), ("kafka_idempotence", "perhaps"),
    ],
)  # fmt: skip
def test_a_value_that_makes_no_sense_is_refused_by_name(monkeypatch, name, value):
    monkeypatch.setenv(PREFIX + name.upper(), value)
    with pytest.raises(ValidationError, match=name):
        Settings()


def test_an_unknown_setting_is_refused_and_none_is_changed_later():
    with pytest.raises(ValidationError, match="retrys"):
        Settings(retrys=3)
    with pytest.raises(ValidationError, match="frozen"):
        Settings().retries = 3


# Written out


@pytest.mark.slow
@given(values)
def test_what_is_written_out_is_read_back_whatever_else_the_environment_says(given_values):
    settings = Settings(**given_values)
    before = {"KAFKA_TOPIC": "other", "WS_URL": "ws://other", "EMPKIT_RETRIES": "99",
              "EMPKIT_PASSWORD": "other", "EMPKIT_CA_FILE": "/other"}  # fmt: skip
    variables = {**before, **settings.environ()}
    kept = {name: value for name, value in variables.items() if value is not None}
    with mock.patch.dict(os.environ, kept, clear=True):
        assert Settings() == settings


def test_a_child_process_has_the_settings_that_were_written_out(tmp_path):
    settings = Settings(
        password=SecretStr(SECRET), timings_file=tmp_path / "tim ings", kafka_topic="ä",
        token_lifetime_s=0.5, consume_only=True,
    )  # fmt: skip
    code = """
import json, sys
from empkit import Settings
settings = Settings()
json.dump([settings.password.get_secret_value(), settings.model_dump(mode="json")], sys.stdout)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **set_variables(settings)},
        capture_output=True, check=True,
    )  # fmt: skip
    assert json.loads(done.stdout) == [SECRET, settings.model_dump(mode="json")]


# Secrets


def test_no_secret_is_shown_but_to_a_child():
    hidden = {name: SecretStr(SECRET) for name in ("password", "signing_key", "kafka_password")}
    settings = Settings(**hidden)
    shown = (repr(settings), str(settings), settings.model_dump_json(), str(settings.in_result()))
    assert not [text for text in shown if SECRET in text]
    given_out = {name for name, value in settings.environ().items() if value == SECRET}
    assert given_out == {PREFIX + name.upper() for name in hidden}


# What follows from others


def test_by_default_a_server_listens_on_loopback_and_has_no_secret():
    settings = Settings()
    assert ipaddress.ip_address(settings.host).is_loopback
    secret = [name for name, field in Settings.model_fields.items() if "Secret" in str(field)]
    assert set(secret) == {"password", "signing_key", "kafka_password"}
    assert {name: getattr(settings, name) for name in secret} == dict.fromkeys(secret)
