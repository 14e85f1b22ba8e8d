"""The HTTP endpoints, over real connections."""

import base64
import json
import re
import socket
import time
import urllib.request
from urllib.parse import urlsplit

import jwt
import pytest

from empkit import Lab, Settings
from empkit.faults import DatabaseLock, Scene
from tests.conftest import employee, is_stored, post, request, wait_until


def test_a_new_record_is_created_and_can_be_read(lab, fresh_id):
    record = employee(fresh_id, salary=50_000.5, hire_date="2020-01-02", badge={"no": [1, None]})
    status, answer = post(lab, record)
    assert status == 201
    assert answer == {
        "status": "success",
        "message": f"Employee created: {fresh_id}",
        "employee_id": fresh_id,
        "result": "created",
    }
    assert request(lab, "GET", f"/employees/{fresh_id}")[2] == record


def test_the_same_content_again_is_a_success_and_other_content_a_conflict(lab, fresh_id):
    assert post(lab, employee(fresh_id))[0] == 201
    status, answer = post(lab, employee(fresh_id))
    assert (status, answer["status"], answer["result"]) == (200, "success", "same")
    status, answer = post(lab, employee(fresh_id, first_name="Augusta"))
    assert status == 409
    assert answer["message"] == f"Employee ID {fresh_id} already exists"
    assert request(lab, "GET", f"/employees/{fresh_id}")[2]["first_name"] == "Ada"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"employee_id": ""}, "employee_id"),
        ({"employee_id": None}, "employee_id"),
        ({"employee_id": 7}, "employee_id"),
        ({"last_name": None}, "last_name"),
        ({"salary": "much"}, "salary"),
        ({"salary": -1}, "salary"),
        ({"hire_date": "yesterday"}, "hire_date"),
        ({"email": ["a"]}, "email"),
    ],
)
def test_what_is_no_employee_is_refused_with_the_field(lab, fresh_id, change, field):
    status, answer = post(lab, {**employee(fresh_id), **change})
    assert (status, answer["result"], answer["field"]) == (422, "invalid", field)
    if field == "employee_id" and not change[field]:
        assert answer["message"] == "Invalid employee data: missing employee_id"
    assert not is_stored(lab, fresh_id)


def tokens(lab):
    """Tokens that must not be accepted, by what is wrong with them."""
    key = lab.settings.signing_key.get_secret_value()
    user = lab.settings.username
    good = {"sub": user, "exp": time.time() + 60}
    head, _, tail = lab.token.split(".")
    claims = base64.urlsafe_b64encode(json.dumps(good).encode()).decode().rstrip("=")
    none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').decode().rstrip("=")
    return {
        "garbage": "garbage",
        "expired": jwt.encode({"sub": user, "exp": time.time() - 1}, key, "HS256"),
        "alg none": f"{none}.{claims}.",
        "other key": jwt.encode(good, "x" * 48, "HS256"),
        "other algorithm": jwt.encode(good, key, "HS512"),
        "other user": jwt.encode({**good, "sub": "root"}, key, "HS256"),
        "no expiry": jwt.encode({"sub": user}, key, "HS256"),
        "changed claims": f"{head}.{claims}.{tail}",
        "not even ascii": "\xe9.\xe9.\xe9",
    }


def test_no_bad_token_opens_any_door(lab, fresh_id):
    for what, token in tokens(lab).items():
        status, answer = post(lab, employee(fresh_id), token=token)
        assert (status, answer["message"]) == (401, "Unauthorized: Invalid token"), what
        for path in ("/employees", f"/employees/{fresh_id}", "/timings"):
            assert request(lab, "GET", path, token=token)[0] == 401, (what, path)
    status, headers, answer = request(lab, "POST", "/employees", employee(fresh_id), token="")
    assert (status, answer["message"]) == (401, "Unauthorized: Missing or invalid token")
    assert headers["WWW-Authenticate"] == "Bearer"
    assert not is_stored(lab, fresh_id)


@pytest.mark.slow
def test_a_wrong_password_gets_no_token(lab):
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    password = lab.settings.password.get_secret_value()
    for user, word in ((lab.settings.username, "wrong"), ("root", password), ("", "")):
        body = f"username={user}&password={word}"
        assert request(lab, "POST", "/token", body, token="", **form)[0] in (401, 422)


def test_a_form_is_read_no_further_than_it_can_be_long(lab):
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    body = f"username=a&password={'b' * 5_000}"
    assert request(lab, "POST", "/token", body, token="", **form)[0] == 413


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_is_too_large_is_refused_and_the_next_record_stored(lab, fresh_id, chunked):
    body = json.dumps(employee(fresh_id, remark="x" * 10_000_000)).encode()
    if chunked:
        pieces = (body[start : start + 50_000] for start in range(0, len(body), 50_000))
        try:
            status = request(lab, "POST", "/employees", pieces)[0]
        except (BrokenPipeError, ConnectionResetError):
            status = 413  # refused while we were still sending
        assert status == 413
    else:
        assert post(lab, body)[0] == 413
    assert post(lab, employee(fresh_id))[0] == 201


def test_paging_walks_through_everything_once(lab, fresh_id):
    ids = sorted(f"{fresh_id}-{number}" for number in range(25))
    for each in ids:
        assert post(lab, employee(each))[0] == 201
    found, after = [], ""
    while after is not None:
        path = f"/employees?prefix={fresh_id}-&limit=7&after={after}"
        page = request(lab, "GET", path)[2]
        found += [each["employee_id"] for each in page["employees"]]
        after = page["next"]
    assert found == ids


def test_health_tells_of_database_and_consumer(lab):
    health = wait_until(
        lambda: (seen := request(lab, "GET", "/health", token="")[2])["status"] == "ok" and seen
    )
    assert lab.database_url.startswith(health["database"]["kind"])
    assert health["consumer"]["state"] == "running"
    assert health["consumer"]["lag"] == 0


def page(lab, path):
    """Status and text of a page, as a browser gets it that is led to it."""
    with urllib.request.urlopen(f"{lab.server_url}{path}") as response:
        return response.status, response.read().decode(errors="replace")


def test_the_server_describes_itself_without_the_internet(lab):
    status, text = page(lab, "/")
    assert status == 200
    assert text == page(lab, "/docs")[1]
    files = re.findall(r'(?:src|href)="([^"]+)"', text)
    assert any(file.endswith(".js") for file in files)
    for file in files:
        assert file.startswith("/"), file
        assert page(lab, file)[0] == 200


def test_openapi_documents_every_endpoint(lab):
    paths = request(lab, "GET", "/openapi.json", token="")[2]["paths"]
    assert set(paths) == {
        "/token",
        "/employees",
        "/employees/{employee_id}",
        "/health",
        "/timings",
        "/about",
    }
    answers = set(paths["/employees"]["post"]["responses"])
    assert {"200", "201", "401", "409", "413", "422", "503"} <= answers


@pytest.mark.slow
def test_a_database_that_is_away_is_a_503_and_nothing_is_lost(fresh_id):
    with Lab(broker="none") as own:
        unlock = DatabaseLock().strike(Scene(own))
        status, headers, answer = request(own, "POST", "/employees", employee(fresh_id))
        assert (status, answer["result"]) == (503, "unavailable")
        assert int(headers["Retry-After"]) >= 1
        assert request(own, "GET", "/health")[2]["status"] == "degraded"
        unlock()
        assert post(own, employee(fresh_id))[0] == 201
        assert request(own, "GET", "/health")[2]["status"] == "ok"


@pytest.mark.slow
def test_records_above_the_number_that_may_wait_are_answered_503(fresh_id):
    with Lab(broker="none", settings=Settings(max_waiting_records=1, retries=0)) as own:
        unlock = DatabaseLock().strike(Scene(own))
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(4) as senders:
            answers = list(senders.map(lambda n: post(own, employee(f"{fresh_id}-{n}")), range(4)))
        unlock()
        assert {status for status, _ in answers} == {503}
        assert any("records wait for the database" in each["message"] for _, each in answers)


def test_nothing_secret_and_no_record_is_in_the_log(lab, fresh_id):
    post(lab, employee(fresh_id, first_name="Confidential"))
    post(lab, employee(fresh_id, first_name="Confidential2", salary=-1))
    log = lab.server.log.read_text()
    secrets = [lab.token, lab.settings.password.get_secret_value(),
               lab.settings.signing_key.get_secret_value(), "Confidential", fresh_id]  # fmt: skip
    assert not [each for each in secrets if each in log]


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/token", "/employees"])
def test_a_client_that_leaves_before_its_request_is_whole_puts_nothing_into_the_log(path):
    with Lab("none") as lab:
        parts = urlsplit(lab.server_url)
        for _ in range(3):
            with socket.create_connection((parts.hostname, parts.port)) as client:
                client.sendall(
                    f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {lab.token}\r\n"
                    "Content-Length: 100\r\n\r\n{".encode()
                )
        lab.server.stop()  # which hears the clients out
        assert "Traceback" not in lab.server.log_text()
