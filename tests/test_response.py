"""What a call returns: data and metadata, the body's before the headers', whatever the service sends."""

from __future__ import annotations

import contextlib
import copy
import gc
import pickle
from collections.abc import Callable
from types import FunctionType, ModuleType
from typing import Any, get_type_hints

import pytest
from attrs import asdict, fields
from hypothesis import given
from hypothesis import strategies as st

from clinik_client import ApiResponse, Encounter, FhirDateTime, Quota, ResponseMeta
from clinik_client._bundle import Included
from clinik_client._response import read_meta, read_request_id, read_seconds
from tests.canary import CANARY
from tests.strategies import DOCUMENT, json_values, resolve

BODY = {
    "requestId": "req_body",
    "timestamp": "2025-01-15T09:15:00.000Z",
    "status": 201,
    "rateLimitTotal": 500,
    "rateLimitRemaining": 498,
    "rateLimitReset": 3600,
}
HEADERS = {
    "x-request-id": "req_header",
    "x-timestamp": "2025-01-16T09:15:00.000Z",
    "x-ratelimit-limit": "100",
    "x-ratelimit-remaining": "99",
    "x-ratelimit-reset": "60",
    "x-quota-limit": "100000",
    "x-quota-used": "100250",
    "x-quota-remaining": "0",
    "x-quota-billable": "true",
    "x-quota-overage": "250",
    "x-quota-reset": "2025-07-01T00:00:00Z",
    "x-sandbox-limit": "1000",
    "x-sandbox-used": "120",
    "x-sandbox-remaining": "880",
}


def test_the_body_is_read() -> None:
    assert read_meta(BODY, {}, 200, 1) == ResponseMeta(
        request_id="req_body",
        timestamp=FhirDateTime.parse("2025-01-15T09:15:00.000Z"),
        status=201,
        rate_limit_total=500,
        rate_limit_remaining=498,
        rate_limit_reset=3600,
        quota=Quota(),
        attempts=1,
    )


def test_the_headers_are_read_where_there_is_no_body() -> None:
    assert read_meta({}, HEADERS, 204, 2, already_deleted=True) == ResponseMeta(
        request_id="req_header",
        timestamp=FhirDateTime.parse("2025-01-16T09:15:00.000Z"),
        status=204,
        rate_limit_total=100,
        rate_limit_remaining=99,
        rate_limit_reset=60,
        quota=Quota(
            limit=100000,
            used=100250,
            remaining=0,
            billable=True,
            overage=250,
            reset=FhirDateTime.parse("2025-07-01T00:00:00Z"),
            sandbox_limit=1000,
            sandbox_used=120,
            sandbox_remaining=880,
        ),
        attempts=2,
        already_deleted=True,
    )


@given(st.sets(st.sampled_from(sorted(BODY)), max_size=len(BODY)))
def test_a_header_fills_exactly_what_the_body_lacks(lacking: set[str]) -> None:
    both = read_meta({name: value for name, value in BODY.items() if name not in lacking}, HEADERS, 200, 1)
    body, headers = read_meta(BODY, {}, 200, 1), read_meta({}, HEADERS, 200, 1)
    names = {
        "requestId": "request_id",
        "timestamp": "timestamp",
        "status": "status",
        "rateLimitTotal": "rate_limit_total",
        "rateLimitRemaining": "rate_limit_remaining",
        "rateLimitReset": "rate_limit_reset",
    }
    for wire, name in names.items():
        assert getattr(both, name) == getattr(headers if wire in lacking else body, name)


@pytest.mark.parametrize(
    ("told", "billable"),
    [("true", True), ("false", False), ("True", True), ("0", False), ("1", True), ("", None), ("41250", None)],
)
def test_billable_is_whether_this_request_counted(told: str, billable: bool | None) -> None:
    assert read_meta({}, {"x-quota-billable": told}, 200, 1).quota.billable is billable
    assert read_meta({}, {}, 200, 1).quota.billable is None


def test_every_documented_header_is_read() -> None:
    responded = DOCUMENT["paths"]["/v1/encounters"]["get"]["responses"]["200"]
    described = {name.lower() for name in resolve(responded)["headers"]}
    assert described == HEADERS.keys()
    read = read_meta({}, HEADERS, 200, 1)
    assert all(getattr(read, attribute.name) is not None for attribute in fields(ResponseMeta))
    assert all(getattr(read.quota, attribute.name) is not None for attribute in fields(Quota))


def test_a_number_of_a_zero_is_a_number() -> None:
    meta = read_meta({"rateLimitRemaining": 0}, {"x-ratelimit-remaining": "5", "x-quota-remaining": "0"}, 200, 1)
    assert (meta.rate_limit_remaining, meta.quota.remaining) == (0, 0)


@given(
    st.dictionaries(st.sampled_from(sorted(BODY)), json_values),
    st.dictionaries(
        st.sampled_from(sorted(HEADERS)), st.text(max_size=20) | st.sampled_from(["nan", "-1", "1e999", "²", "5.5"])
    ),
)
def test_nonsense_gives_none_of_the_right_type(body: dict[str, Any], headers: dict[str, str]) -> None:
    meta = read_meta(body, headers, 200, 1)
    for thing in (meta, meta.quota):
        hints = get_type_hints(type(thing))
        for attribute in fields(type(thing)):
            value = getattr(thing, attribute.name)
            hint = hints[attribute.name]
            assert value is None or isinstance(value, {float | None: int | float, Included: dict}.get(hint, hint))
    for number in (meta.rate_limit_total, meta.rate_limit_remaining, meta.rate_limit_reset, meta.quota.used):
        assert number is None or 0 <= number < float("inf")
    copy.copy(meta)
    repr(meta)


@given(json_values)
def test_seconds_and_ids_are_read_from_anything(value: Any) -> None:
    seconds = read_seconds(value)
    assert seconds is None or 0 <= seconds < float("inf")
    found = read_request_id(value)
    assert found is None or (found.isascii() and found.isprintable())


@pytest.mark.parametrize("value", ["req_1\nfaked: log line", "", "x" * 129, "réq", 5, None])
def test_what_cannot_be_a_request_id_is_none(value: Any) -> None:
    assert read_request_id(value) is None


def response(data: Any = None) -> ApiResponse[Any]:
    return ApiResponse(data, ResponseMeta(request_id="req_1", status=200))


def test_a_response_unpacks_and_has_names() -> None:
    whole = response(5)
    data, meta = whole
    assert (data, meta) == (whole.data, whole.meta) == (5, ResponseMeta(request_id="req_1", status=200))


def test_a_response_shows_a_record_as_the_record_does_and_nothing_of_raw_data() -> None:
    record = Encounter.from_dict({"id": "enc_1", "status": "finished", "type": "canary"})
    assert repr(response(record)) == (
        "ApiResponse(data=<Encounter id='enc_1' status='finished'>, status=200, request_id='req_1')"
    )
    assert repr(response()) == "ApiResponse(data=None, status=200, request_id='req_1')"
    for raw in ({"type": "canary"}, ["canary"], "canary"):
        assert "canary" not in repr(response(raw))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_response_survives_copying_and_pickling(protocol: int) -> None:
    record = Encounter.from_dict({"id": "enc_1", "status": "finished", "period": {"start": "2025"}})
    response = ApiResponse(record, read_meta(BODY, HEADERS, 200, 1))
    copies: list[Any] = [pickle.loads(pickle.dumps(response, protocol)), copy.copy(response), copy.deepcopy(response)]
    for other in copies:
        assert type(other) is ApiResponse
        assert other == response
        assert repr(other.meta.timestamp) == "FhirDateTime('2025-01-15T09:15:00.000Z')"


def reachable_texts(thing: object) -> set[str]:
    """All texts that an object holds, however deep."""
    seen: dict[int, object] = {}
    waiting = [thing]
    while waiting:
        found = waiting.pop()
        if id(found) not in seen and not isinstance(found, type | ModuleType | FunctionType):
            seen[id(found)] = found
            waiting += gc.get_referents(found)
    return {found for found in seen.values() if isinstance(found, str)}


def test_metadata_keeps_of_a_response_what_it_tells_and_no_more() -> None:
    body = {**BODY, "patient": CANARY, CANARY: 1}
    headers = {**HEADERS, "set-cookie": CANARY, CANARY: "1"}
    meta = read_meta(body, headers, 200, 1)
    assert CANARY not in reachable_texts(meta)
    assert "100250" in reachable_texts(meta)
    assert meta.quota.used == 100250
    assert "100250" not in reachable_texts(meta)


@pytest.mark.parametrize("meta", [read_meta(BODY, HEADERS, 200, 1), ResponseMeta(status=200)])
def test_metadata_has_no_attributes_but_its_own(meta: ResponseMeta) -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = meta.nothing  # type: ignore[attr-defined]  # that is what is tested
    assert meta.status == (201 if meta.request_id else 200)


@pytest.mark.parametrize("look", [repr, hash, pickle.dumps, copy.copy, asdict, lambda meta: meta == ResponseMeta()])
def test_metadata_is_the_same_however_it_is_looked_at_first(look: Callable[[ResponseMeta], object]) -> None:
    meta = read_meta(BODY, HEADERS, 200, 1)
    with contextlib.suppress(TypeError):
        look(meta)  # it cannot be hashed: it has a dict
    assert meta == read_meta(BODY, HEADERS, 200, 1)
    assert meta.quota.limit == 100000


def test_metadata_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        ResponseMeta().status = 200  # type: ignore[misc]  # that is what is tested


def test_metadata_that_nobody_has_told_is_none() -> None:
    told = asdict(ResponseMeta(), recurse=False)
    assert (told.pop("attempts"), told.pop("already_deleted"), told.pop("included")) == (1, False, {})
    assert told.pop("quota") == Quota()
    assert set(told.values()) == {None}
    assert set(asdict(Quota()).values()) == {None}
