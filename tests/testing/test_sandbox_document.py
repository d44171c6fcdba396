"""What a sandbox takes and says is what ``openapi/clinik.yaml`` describes: each shape, each error, the headers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinik_client import Encounter
from clinik_client.testing import Exchange, JournalEntry, Plan, Sandbox, SandboxSettings
from clinik_client.testing._exchange import split_target
from clinik_client.testing._sandbox.settings import IncludedAs
from clinik_client.testing._sandbox.store import Shape
from tests.document import check_parameters, check_request_body, check_response, check_response_headers
from tests.strategies import CREATE, DOCUMENT, UPDATE, allowed
from tests.testing.asking import ask

KEY = "clk_test_sandbox"
MANY = Plan(rate=10**9, monthly=10**9, sandbox=10**9)
SHAPES, INCLUDED_AS = get_args(Shape), get_args(IncludedAs)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(seed=30, settings=SandboxSettings(plan=MANY)) as sandbox:
        yield sandbox


def exchange_of(entry: JournalEntry) -> Exchange:
    """A request and its response, as the document's tests take them."""
    path, query = split_target(entry.target)
    assert entry.status is not None
    return Exchange(
        method=entry.method,
        path=path,
        query=query,
        request_headers=entry.request_headers,
        request_body=entry.request_body,
        status=entry.status,
        response_headers=entry.response_headers or (),
        response_body=entry.response_body or b"",
        source="The journal of a sandbox.",
    )


def check_answers(sandbox: Sandbox) -> list[int]:
    """Fail if an answer in the journal is not as described. Returns their statuses."""
    exchanges = [exchange_of(entry) for entry in sandbox.journal.entries]
    for exchange in exchanges:
        check_response(exchange)
        check_response_headers(exchange)
    return [exchange.status for exchange in exchanges]


def check_requests(sandbox: Sandbox) -> None:
    for entry in sandbox.journal.entries:
        check_parameters(exchange_of(entry))
        check_request_body(exchange_of(entry))


# -- what is taken ----------------------------------------------------------------------------------------------------


def shapes_and_bodies(shape: Shape) -> st.SearchStrategy[tuple[Shape, dict[str, Any], dict[str, Any]]]:
    # FHIR has no empty texts.
    plain = shape != "simple"
    return st.tuples(st.just(shape), allowed(CREATE.schema, plain=plain), allowed(UPDATE.schema, plain=plain))


@given(st.sampled_from(SHAPES).flatmap(shapes_and_bodies))
def test_what_the_document_allows_is_taken_and_every_answer_is_as_described(
    sandbox: Sandbox, given: tuple[Shape, dict[str, Any], dict[str, Any]]
) -> None:
    shape, body, change = given
    sandbox.reset()
    sandbox.settings.change(shape=shape, phantom=True)
    created = ask(sandbox.port, "POST", "/v1/encounters", json=body, key=KEY)
    path = f"/v1/encounters/{Encounter.from_dict(created.json['data']).id}"
    ask(sandbox.port, "PATCH", path, json=change, key=KEY)
    ask(sandbox.port, "GET", path, key=KEY)
    ask(sandbox.port, "GET", "/v1/encounters", key=KEY)
    sandbox.clock.advance(sandbox.settings.lag)
    ask(sandbox.port, "GET", "/v1/encounters?count=100", key=KEY)
    ask(sandbox.port, "DELETE", path, key=KEY)
    check_requests(sandbox)
    assert check_answers(sandbox) == [201, 200, 200, 200, 200, 204]


@pytest.mark.parametrize("media_type", ["application/json", "application/fhir+json"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("include", INCLUDED_AS)
def test_a_record_with_others_is_as_described(sandbox: Sandbox, shape: Shape, include: str, media_type: str) -> None:
    sandbox.reset()
    sandbox.settings.change(shape=shape, include=include)
    body = orjson.dumps({"status": "planned", "class": "VR", "patientId": "pt_1", "practitionerId": "prac_1"})
    headers = {"content-type": media_type}
    created = ask(sandbox.port, "POST", "/v1/encounters", body=body, headers=headers, key=KEY)
    path = f"/v1/encounters/{created.json['data']['id']}?_include=Encounter:patient&_include=Encounter:practitioner"
    ask(sandbox.port, "GET", path, key=KEY)
    sandbox.clock.advance(sandbox.settings.lag)
    ask(sandbox.port, "GET", path, key=KEY)
    check_requests(sandbox)
    assert check_answers(sandbox) == [201, 200, 200]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("total", [True, False])
def test_each_page_of_a_walk_is_as_described(sandbox: Sandbox, shape: Shape, total: bool) -> None:
    sandbox.reset()
    sandbox.settings.change(shape=shape, total=total)
    target = "/v1/encounters?sort=-date&dateFrom=2024-01-01&dateTo=2025-12-31&count=7"
    more: str | None = ""
    while more is not None:
        more = ask(sandbox.port, "GET", target + more, key=KEY).json["data"].get("cursor")
        more = None if more is None else f"&cursor={more}"
    check_requests(sandbox)
    assert check_answers(sandbox) == [200] * 5


# -- what is refused --------------------------------------------------------------------------------------------------

MISSING, THERE = "/v1/encounters/enc_missing", "/v1/encounters/enc_seed0001"
JSON = {"content-type": "application/json"}
VALID = b'{"status":"planned","class":"VR","patientId":"pt_1"}'

REFUSED: dict[str, tuple[int, str, str, dict[str, Any]]] = {
    "create-not-json": (400, "POST", "/v1/encounters", {"body": b"{", "headers": JSON}),
    "create-parameter": (400, "POST", "/v1/encounters?x=y", {"body": VALID, "headers": JSON}),
    "update-override": (400, "PATCH", THERE, {"json": {}, "headers": {"x-http-method-override": "DELETE"}}),
    "read-include": (400, "GET", f"{THERE}?_include=Encounter:nothing", {}),
    "search-parameter": (400, "GET", "/v1/encounters?patient=pt_1", {}),
    "search-date": (400, "GET", "/v1/encounters?dateFrom=2025", {}),
    "search-sort": (400, "GET", "/v1/encounters?sort=nothing", {}),
    "delete-parameter": (400, "DELETE", f"{THERE}?x=y", {}),
    "no-key": (401, "GET", THERE, {"key": None}),
    "malformed-key": (401, "GET", "/v1/encounters", {"key": "nothing"}),
    "unknown-key": (401, "DELETE", THERE, {"key": "clk_test_unknown"}),
    "revoked-key": (401, "POST", "/v1/encounters", {"key": "clk_test_revoked"}),
    "expired-key": (401, "PATCH", THERE, {"key": "clk_test_expired"}),
    "create-scope": (403, "POST", "/v1/encounters", {"json": {}, "key": "clk_test_readonly"}),
    "read-scope": (403, "GET", THERE, {"key": "clk_test_writeonly"}),
    "update-scope": (403, "PATCH", THERE, {"json": {}, "key": "clk_test_readonly"}),
    "delete-scope": (403, "DELETE", THERE, {"key": "clk_test_readonly"}),
    "search-scope": (403, "GET", "/v1/encounters", {"key": "clk_test_writeonly"}),
    "read-missing": (404, "GET", MISSING, {}),
    "update-missing": (404, "PATCH", MISSING, {"json": {"status": "finished"}}),
    "delete-missing": (404, "DELETE", MISSING, {}),
    "create-too-long": (413, "POST", "/v1/encounters", {"body": b" " * 2**20 + VALID, "headers": JSON}),
    "update-too-long": (413, "PATCH", THERE, {"body": b" " * 2**20 + b"{}", "headers": JSON}),
    "create-text": (415, "POST", "/v1/encounters", {"body": VALID, "headers": {"content-type": "text/plain"}}),
    "update-text": (415, "PATCH", THERE, {"body": b"{}", "headers": {"content-type": "application/merge-patch+json"}}),
    "create-field": (422, "POST", "/v1/encounters", {"json": {"status": "planned"}}),
    "update-field": (422, "PATCH", THERE, {"json": {"patientId": "pt_2"}}),
}


@pytest.mark.parametrize("form", ["api", "fhir"])
@pytest.mark.parametrize("name", REFUSED)
def test_each_error_is_as_described_in_both_forms(sandbox: Sandbox, name: str, form: str) -> None:
    sandbox.reset()
    sandbox.settings.change(errors=form)
    status, method, target, options = REFUSED[name]
    ask(sandbox.port, method, target, **{"key": KEY, **options})
    assert check_answers(sandbox) == [status]


@pytest.mark.parametrize("form", ["api", "fhir"])
@pytest.mark.parametrize("key", [KEY, "clk_live_sandbox"])
@pytest.mark.parametrize("plan", [Plan(rate=1), Plan(monthly=1, sandbox=1)], ids=["rate", "volume"])
@pytest.mark.parametrize(
    ("method", "target"), [("GET", THERE), ("GET", "/v1/encounters"), ("POST", "/v1/encounters"), ("DELETE", THERE)]
)
def test_what_is_one_request_too_many_is_as_described(
    sandbox: Sandbox, method: str, target: str, key: str, plan: Plan, form: str
) -> None:
    sandbox.reset()
    sandbox.settings.change(errors=form, plan=plan)
    ask(sandbox.port, "GET", THERE, key=key)
    ask(sandbox.port, method, target, key=key)
    assert check_answers(sandbox) == [200, 429]


def test_a_request_beyond_the_volume_that_is_served_is_as_described(sandbox: Sandbox) -> None:
    sandbox.reset()
    sandbox.settings.change(plan=Plan(monthly=1, overage=True))
    headers = [ask(sandbox.port, "GET", THERE, key="clk_live_sandbox").headers for _ in range(2)]
    assert [told.get("x-quota-overage") for told in headers] == [None, "1"]
    assert check_answers(sandbox) == [200, 200]


def test_the_document_has_no_status_that_a_sandbox_never_says_but_two() -> None:
    """A conflict needs versions, and a failure needs a fault."""
    described = {
        int(status)
        for item in DOCUMENT["paths"].values()
        for operation in item.values()
        for status in operation["responses"]
    }
    said = {200, 201, 204, 429, *(status for status, *_ in REFUSED.values())}
    assert described - said == {409, 500}
    assert said <= described
