"""A client's life, its views, and `Clinik.request` for what the SDK has no method for."""

from __future__ import annotations

import ssl
import threading
from pathlib import Path
from typing import Any

import pytest

from clinik_client import (
    Clinik,
    ClinikApiError,
    ClinikConfigError,
    ClinikConnectionError,
    ClinikNotFoundError,
    ClinikServerError,
    ClinikTimeoutError,
    ClinikValidationError,
)
from clinik_client.testing import Connection
from tests.inside import on_virtual_time, options_of
from tests.misbehaviour import HEAD, handed_over, keep_open
from tests.servers import KEY, Connect, ScriptedService, Serve, created, ok, page, refuse, respond

# -- life -------------------------------------------------------------------------------------------------------------


def test_with_closes_the_client(serve: Serve) -> None:
    service = serve(ok())
    with Clinik(KEY, base_url=service.url, trust_env=False) as clinik:
        assert clinik.encounters.read("enc_1").data.id == "enc_1"
    with pytest.raises(ClinikConfigError, match="closed"):
        clinik.encounters.read("enc_1")
    assert len(service.ledger) == 1


def test_a_closed_client_says_so_and_closes_again_without_an_error(serve: Serve, connect: Connect) -> None:
    service = serve(ok())
    clinik = connect(service)
    clinik.close()
    clinik.close()
    with pytest.raises(ClinikConfigError, match="closed") as raised:
        clinik.encounters.create(status="planned", class_="AMB", patient_id="pt_1")
    assert (raised.value.outcome, raised.value.attempts, raised.value.status) == ("not_sent", 1, None)
    assert service.connections == 0


def test_closing_ends_the_connections(serve: Serve, connect: Connect) -> None:
    ended = threading.Event()

    def watch(connection: Connection) -> None:
        connection.send(HEAD + b"Content-Length: 37\r\n\r\n" + b'{"data": {"id": "enc_1"}, "meta": {}}')
        assert connection.receive(5) == b""
        ended.set()

    clinik = connect(serve(handed_over(watch)))
    clinik.encounters.read("enc_1")
    assert not ended.is_set()
    clinik.close()
    assert ended.wait(5)


@pytest.mark.parametrize("tls", [False, True])
def test_closing_in_another_thread_ends_a_call_at_once_and_what_is_sent_stays_in_doubt(
    connect: Connect, server_tls: ssl.SSLContext, ca_file: Path, tls: bool
) -> None:
    waiting = threading.Event()

    def hang(request: Any) -> Any:
        waiting.set()
        return keep_open()(request)

    with ScriptedService(hang, ssl_context=server_tls if tls else None) as service:
        clinik = connect(service, timeout=20.0, verify=ca_file)
        raised: list[BaseException] = []

        def create() -> None:
            try:
                clinik.encounters.create(status="planned", class_="AMB", patient_id="pt_1")
            except ClinikApiError as error:
                raised.append(error)

        thread = threading.Thread(target=create)
        thread.start()
        assert waiting.wait(5)
        clinik.close()
        thread.join(2)
        assert not thread.is_alive()
    (error,) = raised
    assert isinstance(error, ClinikConnectionError)
    assert error.outcome == "unknown"
    assert "closed" in error.message


# -- views ------------------------------------------------------------------------------------------------------------


def test_a_view_shares_the_connections_and_not_the_limits(serve: Serve, connect: Connect) -> None:
    service = serve(ok())
    clinik = connect(service, timeout=7.0, retries=1)
    view = clinik.with_options(timeout=3.0, retries=5, deadline=9.0)
    for one in (clinik, view, clinik, view):
        one.encounters.read("enc_1")
    assert {seen.connection for seen in service.ledger} == {1}
    parent, other = options_of(clinik), options_of(view)
    assert (parent.timeout, parent.retries, parent.deadline) == (7.0, 1, None)
    assert (other.timeout, other.retries, other.deadline) == (3.0, 5, 9.0)


def test_a_view_keeps_what_is_not_given_and_takes_a_limit_away(connect: Connect) -> None:
    clinik = connect("http://127.0.0.1:9", timeout=7.0, retries=1, deadline=2.0)
    view = clinik.with_options(retries=0)
    assert (options_of(view).timeout, options_of(view).retries) == (7.0, 0)
    assert options_of(view).deadline == 2.0
    assert options_of(view.with_options(deadline=float("inf"))).deadline == float("inf")
    assert options_of(view.with_options(retries=3)).retries == 3


def test_a_views_retries_count(serve: Serve, connect: Connect) -> None:
    service = serve(refuse(500))
    clinik = connect(service, retries=2)
    on_virtual_time(clinik)
    for view, attempts in ((clinik.with_options(retries=0), 1), (clinik.with_options(retries=3), 4), (clinik, 3)):
        with pytest.raises(ClinikServerError) as raised:
            view.encounters.read("enc_1")
        assert raised.value.attempts == attempts


def test_closing_a_view_closes_nothing_and_closing_the_client_closes_all(serve: Serve, connect: Connect) -> None:
    service = serve(ok())
    clinik = connect(service)
    with clinik.with_options(retries=0) as view:
        view.encounters.read("enc_1")
    view.close()
    view.encounters.read("enc_1")
    clinik.encounters.read("enc_1")
    assert {seen.connection for seen in service.ledger} == {1}
    clinik.close()
    with pytest.raises(ClinikConfigError, match="closed"):
        view.encounters.read("enc_1")


@pytest.mark.parametrize("name", ["timeout", "retries", "deadline", "api_key", "encouters"])
def test_what_would_change_nothing_cannot_be_set_on_a_client_or_a_view(connect: Connect, name: str) -> None:
    clinik = connect("http://127.0.0.1:9")
    for client in (clinik, clinik.with_options(retries=1)):
        with pytest.raises(AttributeError, match=rf"'{name}' to set. with_options\(timeout=..., retries=..., "):
            setattr(client, name, 5)
        assert not hasattr(client, name)


@pytest.mark.parametrize("name", ["timeout", "create", "creat"])
def test_nothing_can_be_set_on_a_facade(connect: Connect, name: str) -> None:
    with pytest.raises(AttributeError, match=r"Limits are set with Clinik\.with_options"):
        setattr(connect("http://127.0.0.1:9").encounters, name, 5)


def test_a_test_can_replace_what_a_client_has(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    clinik = connect("http://127.0.0.1:9")
    for name in ("encounters", "request"):
        before = getattr(clinik, name)
        with monkeypatch.context() as patch:
            patch.setattr(clinik, name, "replaced")
            assert getattr(clinik, name) == "replaced"
        assert getattr(clinik, name) == before


def test_a_subclass_may_keep_more(connect: Connect) -> None:
    class WardClient(Clinik):
        def __init__(self, ward: str) -> None:
            super().__init__(KEY)
            self.ward = ward

    assert WardClient("4B").ward == "4B"


def test_a_view_of_a_subclass_is_of_that_class(connect: Connect) -> None:
    class Ward(Clinik):
        pass

    with Ward(KEY) as clinik:
        assert type(clinik.with_options(retries=0)) is Ward


# -- request ----------------------------------------------------------------------------------------------------------


def test_request_gives_the_data_of_an_envelope_and_its_metadata(serve: Serve, connect: Connect) -> None:
    service = serve(ok({"x": 1}, meta={"rateLimitRemaining": 7}))
    data, meta = connect(service).request("GET", "/v1/metadata")
    assert (data, meta.status, meta.request_id, meta.rate_limit_remaining) == ({"x": 1}, 200, "req_1", 7)


@pytest.mark.parametrize(
    "body", [{"resourceType": "CapabilityStatement"}, [1, 2], "text", 7, True, {"data": 1, "x": 2}]
)
def test_request_gives_the_whole_body_where_there_is_no_envelope(serve: Serve, connect: Connect, body: Any) -> None:
    data, meta = connect(serve(respond(200, body))).request("GET", "/v1/metadata")
    assert (data, meta.status) == (body, 200)


def test_request_gives_none_for_an_empty_response(serve: Serve, connect: Connect) -> None:
    data, meta = connect(serve(respond(204))).request("POST", "/v1/things", json={})
    assert (data, meta.status) == (None, 204)


def test_request_writes_parameters_as_the_api_reads_them(serve: Serve, connect: Connect) -> None:
    service = serve(ok({}))
    params = {"a": ["x", "y"], "b": True, "c": None, "d": 2.5, "e": "ü &=#+\r\n", "f": [], "g": 0, "h": [True, 1]}
    connect(service).request("get", "/v1/x", params=params)
    assert service.ledger[0].method == "GET"
    assert service.ledger[0].target == ("/v1/x?a=x&a=y&b=true&d=2.5&e=%C3%BC+%26%3D%23%2B%0D%0A&g=0&h=true&h=1")


def test_request_sends_json(serve: Serve, connect: Connect) -> None:
    service = serve(ok({}))
    clinik = connect(service)
    bodies: list[Any] = [{"a": [1, None, "ü"]}, [], "text", 0, False]
    for body in bodies:
        clinik.request("POST", "/v1/x", json=body)
        seen = service.ledger[-1]
        assert (seen.json, seen.header("content-type")) == (body, "application/json")
    clinik.request("POST", "/v1/x")
    assert (service.ledger[-1].request.body, service.ledger[-1].header("content-length")) == (b"", "0")
    assert service.ledger[-1].header("content-type") is None


@pytest.mark.parametrize(
    "method", ["", "GET POST", "GET\r\n", "G\x00", "É", "GET/", "CONNECT", "connect", 7, None, "A" * 17]
)
def test_request_refuses_what_is_no_method(serve: Serve, connect: Connect, method: Any) -> None:
    service = serve(ok({}))
    with pytest.raises(ClinikValidationError, match="method"):
        connect(service).request(method, "/v1/x")
    assert service.connections == 0


@pytest.mark.parametrize(
    "path",
    [
        "",
        "v1/x",
        "https://evil.example/v1/x",
        "//evil.example/../x",
        "/v1/../admin",
        "/..",
        "/v1/./x",
        "/v1/%2e%2e/admin",
        "/v1/%2E./admin",
        "/v1/x%2f..%2fadmin",
        "/v1/x?y=1",
        "/v1/x#y",
        "/v1/x y",
        "/v1/x\r\nx-evil: 1",
        "/v1/x\n",
        "/v1/\x00",
        "/v1/é",
        "/v1\\x",
        7,
        None,
    ],
)
def test_request_refuses_what_is_no_path_below_the_base_url(serve: Serve, connect: Connect, path: Any) -> None:
    service = serve(ok({}))
    with pytest.raises(ClinikValidationError, match="path"):
        connect(service).request("GET", path)
    assert service.connections == 0


@pytest.mark.parametrize(
    "params", [{"a": {"b": 1}}, {"a": [[1]]}, {"a": object()}, {"a": float("nan")}, {"a": "\ud800"}]
)
def test_request_refuses_parameters_that_have_no_form_in_a_query(
    serve: Serve, connect: Connect, params: dict[str, Any]
) -> None:
    service = serve(ok({}))
    with pytest.raises(ClinikValidationError, match=r"params\.a"):
        connect(service).request("GET", "/v1/x", params=params)
    assert service.connections == 0


@pytest.mark.parametrize("body", [object(), float("inf"), {"a": {1, 2}}, {"a": b"x"}, {1: 2}, "\ud800"])
def test_request_refuses_a_body_that_is_not_json(serve: Serve, connect: Connect, body: Any) -> None:
    service = serve(ok({}))
    with pytest.raises(ClinikValidationError, match="json"):
        connect(service).request("POST", "/v1/x", json=body)
    assert service.connections == 0


def test_request_treats_a_get_as_a_read(serve: Serve, connect: Connect) -> None:
    service = serve(refuse(500), refuse(502), ok({"x": 1}))
    clinik = connect(service)
    on_virtual_time(clinik)
    data, meta = clinik.request("GET", "/v1/x")
    assert (data, meta.attempts, len(service.ledger)) == ({"x": 1}, 3, 3)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
def test_request_treats_everything_else_as_a_create(serve: Serve, connect: Connect, method: str) -> None:
    service = serve(refuse(500))
    clinik = connect(service)
    on_virtual_time(clinik)
    with pytest.raises(ClinikServerError) as raised:
        clinik.request(method, "/v1/x")
    assert (raised.value.outcome, raised.value.attempts, len(service.ledger)) == ("unknown", 1, 1)


def test_request_gives_what_a_delete_sends_and_its_404_is_one(serve: Serve, connect: Connect) -> None:
    service = serve(ok({"gone": 3}), refuse(404, "NOT_FOUND"))
    clinik = connect(service)
    assert clinik.request("DELETE", "/v1/things").data == {"gone": 3}
    with pytest.raises(ClinikNotFoundError):
        clinik.request("DELETE", "/v1/things")


def test_a_fhir_resource_is_no_envelope(serve: Serve, connect: Connect) -> None:
    body = {"resourceType": "Parameters", "data": [1], "meta": {"versionId": "1"}}
    data, _ = connect(serve(respond(200, body))).request("GET", "/v1/fhir/Parameters/1")
    assert data == body


def test_headers_of_a_request_take_the_place_of_the_clients_own(serve: Serve, connect: Connect) -> None:
    service = serve(ok())
    headers = {"Content-Type": "application/fhir+json", "accept": "application/fhir+json", "Prefer": "return=minimal"}
    connect(service).request("POST", "/v1/fhir/Encounter", json={"resourceType": "Encounter"}, headers=headers)
    [seen] = service.ledger
    assert list(seen.request.header_values("content-type")) == ["application/fhir+json"]
    assert list(seen.request.header_values("accept")) == ["application/fhir+json"]
    assert (seen.header("prefer"), seen.header("x-api-key")) == ("return=minimal", KEY)


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ({"X-Api-Key": "canary"}, "headers.X-Api-Key: is the client's own"),
        ({"Content-Length": "5"}, "headers.Content-Length: is set by the SDK"),
        ({"host": "canary"}, "headers.host: is set by the SDK"),
        *[
            ({name: "canary"}, f"headers.{name}: is set by the SDK")
            for name in ("TE", "Trailer", "Upgrade", "Connection", "Expect", "Accept-Encoding", "Transfer-Encoding")
        ],
        ({"X-Ward": "4B\r\nX-Api-Key: canary"}, "headers.X-Ward: must be printable ASCII text in one line"),
        ({"X-Ward": " canary"}, "headers.X-Ward: must be printable ASCII text in one line"),
        ({"X-Ward": "canar\u00ff"}, "headers.X-Ward: must be printable ASCII text in one line"),
        ({"X-Ward": 5}, "headers.X-Ward: must be printable ASCII text in one line"),
        ({"canary: 1": "x"}, r"headers\.\*: its name is not one that a header can have"),
        ({5: "x"}, r"headers\.\*: its name is not one that a header can have"),
    ],
)
def test_a_header_that_cannot_be_sent_is_refused_and_not_repeated(connect: Connect, headers: Any, told: str) -> None:
    with pytest.raises(ClinikValidationError, match=told) as raised:
        connect("http://127.0.0.1:9").request("GET", "/v1/x", headers=headers)
    assert "canar" not in f"{raised.value} {raised.value.issues}"


def test_what_a_header_carries_is_not_repeated_in_an_error(serve: Serve, connect: Connect) -> None:
    service = serve(
        respond(422, {"error": "Refused", "message": "Ward canary-4B is closed", "code": "VALIDATION_ERROR"})
    )
    with pytest.raises(ClinikValidationError) as raised:
        connect(service).request("POST", "/v1/x", json={}, headers={"X-Ward": "canary-4B"})
    assert "canary" not in str(raised.value)
    assert "is closed" in str(raised.value)


def test_a_request_may_have_a_timeout_of_its_own(serve: Serve, connect: Connect) -> None:
    clinik = connect(serve(keep_open()), timeout=30, retries=0)
    with pytest.raises(ClinikTimeoutError):
        clinik.request("GET", "/v1/x", timeout=0.05)
    with pytest.raises(ClinikConfigError, match="timeout"):
        clinik.request("GET", "/v1/x", timeout=-1)
    assert options_of(clinik).timeout == 30


def test_request_names_no_path_in_its_errors(serve: Serve, connect: Connect) -> None:
    with pytest.raises(ClinikNotFoundError) as raised:
        connect(serve(refuse(404, "NOT_FOUND"))).request("GET", "/v1/patients/pt_c4n4ry", params={"q": "c4n4ry"})
    assert raised.value.operation == "GET (request)"
    assert "c4n4ry" not in str(raised.value)


# -- headers ----------------------------------------------------------------------------------------------------------


def test_every_header_that_the_api_wants_is_sent(serve: Serve, connect: Connect) -> None:
    service = serve(created(), ok(), page([]))
    clinik = connect(service)
    clinik.encounters.create(status="planned", class_="AMB", patient_id="pt_1")
    clinik.encounters.read("enc_1")
    clinik.encounters.search()
    for seen in service.ledger:
        assert seen.header("x-api-key") == KEY
        assert seen.header("accept") == "application/json"
        assert seen.header("accept-encoding") == "gzip"
    assert [seen.header("content-type") for seen in service.ledger] == ["application/json", None, None]
    assert service.ledger[2].target == "/v1/encounters"
