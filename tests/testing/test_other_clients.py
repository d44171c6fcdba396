"""Clients other than this SDK get from a sandbox what they would get from the service.

The habits are those that can be seen of each: of the vendor's SDK for TypeScript, of command-line tools, and of
browsers. Nothing but bytes on a socket is needed to have them.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import closing
from http.client import HTTPResponse
from typing import Any

import orjson
import pytest

from clinik_client.testing import Plan, Sandbox
from tests.testing.asking import Response, ask

KEY = "clk_test_sandbox"
PATH = "/v1/encounters"
ENCOUNTER = {"status": "planned", "class": "VR", "patientId": "pt_1", "practitionerId": "prac_1"}


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        sandbox.clock.stop()
        yield sandbox


def message(method: str, target: str, headers: Mapping[str, str], body: bytes = b"") -> bytes:
    """A request with these headers and no others but those that HTTP needs."""
    lines = [f"{method} {target} HTTP/1.1", "host: 127.0.0.1", *(f"{name}: {value}" for name, value in headers.items())]
    if body:
        lines.append(f"content-length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def connect(sandbox: Sandbox) -> socket.socket:
    return socket.create_connection(("127.0.0.1", sandbox.port), timeout=10)


def receive(sock: socket.socket, method: str = "GET") -> Response:
    with closing(HTTPResponse(sock, method=method)) as response:
        response.begin()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Response(response.status, headers, response.read())


def send(sandbox: Sandbox, method: str, target: str, headers: Mapping[str, str], body: bytes = b"") -> Response:
    """The answer to a request over a connection of its own."""
    with connect(sandbox) as sock:
        sock.sendall(message(method, target, headers, body))
        return receive(sock, method)


# -- the vendor's SDK for TypeScript ----------------------------------------------------------------------------------


def typescript(sandbox: Sandbox, method: str, target: str, json: Any = None) -> Response:
    """A request as it sends them: FHIR's media type on a create, that of JSON Patch on an update, no user agent."""
    headers = {"x-api-key": KEY, "accept": "application/json"}
    if json is not None:
        headers["content-type"] = "application/fhir+json" if method == "POST" else "application/json-patch+json"
    return send(sandbox, method, target, headers, b"" if json is None else orjson.dumps(json))


def test_the_tour_of_the_typescript_sdk(sandbox: Sandbox) -> None:
    created = typescript(sandbox, "POST", PATH, ENCOUNTER)
    assert created.status == 201
    path = f"{PATH}/{created.json['data']['id']}"
    assert typescript(sandbox, "GET", path).json["data"] == created.json["data"]
    changed = typescript(sandbox, "PATCH", path, {"status": "finished"})
    assert (changed.status, changed.json["data"]) == (200, {**created.json["data"], "status": "finished"})
    sandbox.clock.advance(sandbox.settings.lag)
    found = typescript(sandbox, "GET", f"{PATH}?patientId=pt_1&status=finished&count=25")
    assert found.json["data"] == {"data": [changed.json["data"]], "hasMore": False, "total": 1}
    assert (typescript(sandbox, "DELETE", path).status, typescript(sandbox, "GET", path).status) == (204, 404)
    assert {name for entry in sandbox.journal.entries for name, _ in entry.request_headers} == {
        "host",
        "accept",
        "content-type",
        "content-length",
    }


def test_an_update_is_an_object_whatever_its_media_type_says(sandbox: Sandbox) -> None:
    path = f"{PATH}/{typescript(sandbox, 'POST', PATH, ENCOUNTER).json['data']['id']}"
    steps = [{"op": "replace", "path": "/status", "value": "finished"}]
    refused = typescript(sandbox, "PATCH", path, steps)
    assert (refused.status, refused.json["code"]) == (422, "VALIDATION_ERROR")
    assert typescript(sandbox, "GET", path).json["data"]["status"] == "planned"


def test_of_several_includes_that_became_one_the_last_one_comes(sandbox: Sandbox) -> None:
    sandbox.settings.include = "bundle"
    path = f"{PATH}/{typescript(sandbox, 'POST', PATH, ENCOUNTER).json['data']['id']}"
    sandbox.clock.advance(sandbox.settings.lag)

    def types(query: str) -> list[str]:
        entries = typescript(sandbox, "GET", f"{path}?{query}").json["data"]["entry"]
        return sorted(entry["resource"]["resourceType"] for entry in entries)

    assert types("_include=Encounter:practitioner") == ["Encounter", "Practitioner"]
    both = "_include=Encounter:patient&_include=Encounter:practitioner"
    assert types(both) == ["Encounter", "Patient", "Practitioner"]


def test_a_create_that_is_sent_again_makes_a_second_encounter(sandbox: Sandbox) -> None:
    sent = message("POST", PATH, {"x-api-key": KEY, "content-type": "application/fhir+json"}, orjson.dumps(ENCOUNTER))
    for _ in range(2):
        with connect(sandbox) as sock:
            sock.sendall(sent)
            assert sock.recv(1)  # the rest of the answer is lost
    assert (sandbox.ledger.received("create"), sandbox.ledger.applied("create")) == (2, 2)
    assert len({record["id"] for record in sandbox.records}) == 2


def test_who_comes_back_too_early_is_refused_again_and_does_not_wait_longer_for_it(sandbox: Sandbox) -> None:
    sandbox.settings.plan = Plan(rate=1)
    assert typescript(sandbox, "GET", PATH).status == 200
    for passed in (0, 1, 10):
        sandbox.clock.advance(passed)
        assert typescript(sandbox, "POST", PATH, ENCOUNTER).status == 429
    refused = typescript(sandbox, "POST", PATH, ENCOUNTER)
    assert (refused.status, refused.headers["retry-after"]) == (429, "49")
    sandbox.clock.advance(49)
    assert typescript(sandbox, "POST", PATH, ENCOUNTER).status == 201
    assert sandbox.ledger.applied("create") == 1


def test_who_repeats_after_a_used_up_volume_is_refused_each_time(sandbox: Sandbox) -> None:
    sandbox.settings.plan = Plan(sandbox=0)
    answers = [typescript(sandbox, "GET", PATH) for _ in range(3)]
    assert [(answer.status, answer.json["code"]) for answer in answers] == [(429, "SANDBOX_QUOTA_EXCEEDED")] * 3
    assert sandbox.usage.sandbox_used == 0


# -- command-line tools -----------------------------------------------------------------------------------------------


def test_json_that_is_sent_as_a_form_is_refused(sandbox: Sandbox) -> None:
    headers = {"x-api-key": KEY, "user-agent": "curl/8.5.0", "accept": "*/*"}
    form = {**headers, "content-type": "application/x-www-form-urlencoded"}
    refused = send(sandbox, "POST", PATH, form, orjson.dumps(ENCOUNTER))
    assert refused.status == 415
    assert "application/json" in refused.json["message"]
    created = send(sandbox, "POST", PATH, {**headers, "content-type": "application/json"}, orjson.dumps(ENCOUNTER))
    assert created.status == 201


def test_a_body_may_come_in_chunks_after_a_100(sandbox: Sandbox) -> None:
    headers = {
        "x-api-key": KEY,
        "content-type": "application/json",
        "transfer-encoding": "chunked",
        "expect": "100-continue",
    }
    body = orjson.dumps(ENCOUNTER)
    with connect(sandbox) as sock:
        sock.sendall(message("POST", PATH, headers))
        assert sock.recv(1000).startswith(b"HTTP/1.1 100 ")
        sock.sendall(b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n")
        assert receive(sock).json["data"]["patientId"] == "pt_1"


def test_a_client_of_http_1_0_is_answered(sandbox: Sandbox) -> None:
    with connect(sandbox) as sock:
        sock.sendall(f"GET {PATH} HTTP/1.0\r\nx-api-key: {KEY}\r\n\r\n".encode())
        assert receive(sock).json["data"]["data"] == []
        assert sock.recv(1) == b""


def test_requests_may_be_sent_before_the_answers_came(sandbox: Sandbox) -> None:
    with connect(sandbox) as sock:
        create = message("POST", PATH, {"x-api-key": KEY, "content-type": "application/json"}, orjson.dumps(ENCOUNTER))
        sock.sendall(create * 3 + message("GET", PATH, {"x-api-key": KEY, "connection": "close"}))
        answered = b""
        while data := sock.recv(65536):
            answered += data
    assert re.findall(rb"HTTP/1.1 (\d+) ", answered) == [b"201", b"201", b"201", b"200"]


# -- browsers ---------------------------------------------------------------------------------------------------------

ORIGINS = ["https://clinic.example", "http://localhost:3000", "null"]


def permissions(answer: Response) -> set[str]:
    """What an answer allows to a page of another site."""
    return {name for name in answer.headers if name.startswith(("access-control-", "cross-origin-", "timing-allow-"))}


@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
@pytest.mark.parametrize("target", [PATH, f"{PATH}/enc_1", "/health", "/v1/metadata", "/v1/nothing"])
def test_a_preflight_gets_no_permission(sandbox: Sandbox, origin: str, method: str, target: str) -> None:
    asked = {
        "origin": origin,
        "access-control-request-method": method,
        "access-control-request-headers": "x-api-key,content-type",
    }
    # A browser sends no key with it; other clients may.
    for key in (None, KEY):
        answer = ask(sandbox.port, "OPTIONS", target, headers=asked, key=key)
        assert answer.status in (401, 404, 405)
        assert permissions(answer) == set()
        assert (answer.status == 405) == ("allow" in answer.headers)


def test_what_a_path_takes_is_told_to_who_has_a_key(sandbox: Sandbox) -> None:
    answers = [ask(sandbox.port, "OPTIONS", target, key=KEY) for target in (PATH, f"{PATH}/enc_1")]
    assert [(answer.status, answer.headers["allow"]) for answer in answers] == [
        (405, "GET, POST"),
        (405, "DELETE, GET, PATCH"),
    ]


@pytest.mark.parametrize("origin", ORIGINS)
def test_no_answer_depends_on_an_origin_or_allows_it_anything(sandbox: Sandbox, origin: str) -> None:
    def tour(headers: dict[str, str]) -> list[Response]:
        sandbox.reset()
        sandbox.clock.stop()
        created = ask(sandbox.port, "POST", PATH, json=ENCOUNTER, key=KEY, headers=headers)
        path, answers = f"{PATH}/{created.json['data']['id']}", [created]
        for method, target, json in [
            ("GET", path, None),
            ("PATCH", path, {"status": "finished"}),
            ("PATCH", path, {"status": 7}),
            ("GET", f"{PATH}?count=1", None),
            ("GET", f"{PATH}?x=y", None),
            ("DELETE", path, None),
            ("GET", path, None),
        ]:
            answers.append(ask(sandbox.port, method, target, json=json, key=KEY, headers=headers))
        return [*answers, ask(sandbox.port, "GET", path, key=None, headers=headers)]

    def without_time(answer: Response) -> tuple[int, set[str], Any]:
        body = orjson.loads(answer.body) if answer.body else {}
        body.get("meta", {}).pop("timestamp", None)
        return answer.status, set(answer.headers), body

    plain, of_a_page = tour({}), tour({"origin": origin, "sec-fetch-site": "cross-site", "sec-fetch-mode": "cors"})
    assert list(map(without_time, plain)) == list(map(without_time, of_a_page))
    assert [permissions(answer) for answer in of_a_page] == [set()] * len(of_a_page)
    assert [answer.status for answer in plain] == [201, 200, 200, 422, 200, 400, 204, 404, 401]
