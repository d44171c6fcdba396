"""Every recorded exchange is what ``openapi/clinik.yaml`` describes; what deviates on purpose is listed here."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest
from jsonschema import ValidationError

from clinik_client.testing import RECORDINGS, Exchange, dump_recording, load_recordings
from tests.document import (
    body_content,
    check_parameters,
    check_request_body,
    check_response,
    check_response_body,
    check_response_headers,
    media_type,
    operation_of,
)
from tests.strategies import DOCUMENT

ROOT = Path(__file__).parents[1]
RECORDED = load_recordings(RECORDINGS)
STORIES = {recording.name: recording for recording in RECORDED}
EXCHANGES = {
    f"{recording.name}-{number}": exchange
    for recording in RECORDED
    for number, exchange in enumerate(recording.exchanges, start=1)
}

# -- what deviates, and how -------------------------------------------------------------------------------------------

# Responses of a proxy on the way: (status, media type). The document describes the service, not these.
NOT_FROM_THE_API = {(502, "text/html"), (503, "")}

# A body that the document rules out: it is recorded to be refused with this code.
NOT_JSON_BODY = "INVALID_JSON"
# A media type that the document rules out, with this status.
NOT_A_MEDIA_TYPE = 415


def chosen(condition: Callable[[Exchange], bool]) -> dict[str, Exchange]:
    return {name: exchange for name, exchange in EXCHANGES.items() if condition(exchange)}


def is_from_the_api(exchange: Exchange) -> bool:
    return (exchange.status, media_type(exchange.response_header("content-type"))) not in NOT_FROM_THE_API


FROM_THE_API = chosen(is_from_the_api)
FROM_ELSEWHERE = chosen(lambda exchange: not is_from_the_api(exchange))


def each(exchanges: Mapping[str, Exchange]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("exchange", exchanges.values(), ids=exchanges)


# -- against the document ---------------------------------------------------------------------------------------------


@each(EXCHANGES)
def test_the_request_is_described(exchange: Exchange) -> None:
    check_parameters(exchange)


@each(EXCHANGES)
def test_the_request_body_is_described(exchange: Exchange) -> None:
    content = body_content(exchange)
    if exchange.status == NOT_A_MEDIA_TYPE and content is not None:
        assert media_type(exchange.request_header("content-type")) not in content
        return
    try:
        check_request_body(exchange)
    except orjson.JSONDecodeError:
        assert orjson.loads(exchange.response_body)["code"] == NOT_JSON_BODY


@each(FROM_THE_API)
def test_the_response_is_described(exchange: Exchange) -> None:
    check_response(exchange)


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("life-of-an-encounter-1", ()),
        ("life-of-an-encounter-1", ("meta",)),
        ("life-of-an-encounter-1", ("data",)),
        ("life-of-an-encounter-1", ("data", "period")),
        ("life-of-an-encounter-1", ("data", "diagnosis", 0)),
        ("paged-search-1", ("data",)),
        ("paged-search-1", ("data", "data", 0)),
        ("fhir-shaped-1", ("meta",)),
        ("fhir-shaped-1", ("data", "class")),
        ("fhir-shaped-1", ("data", "diagnosis", 0)),
        ("fhir-shaped-1", ("data", "participant", 1, "period")),
        ("fhir-shaped-1", ("data", "hospitalization", "origin")),
        ("fhir-shaped-3", ("data", "data", 0, "type", 0, "coding", 0)),
        ("fhir-shaped-3", ("data", "data", 3)),
        ("included-records-1", ("data",)),
        ("included-records-1", ("data", "entry", 0)),
        ("included-records-1", ("data", "entry", 0, "resource", "subject")),
        ("errors-1", ()),
    ],
)
def test_a_field_that_is_not_described_is_a_finding_wherever_it_stands(name: str, place: tuple[str | int, ...]) -> None:
    body = orjson.loads(EXCHANGES[name].response_body)
    inner = body
    for step in place:
        inner = inner[step]
    inner["notDescribed"] = None
    with pytest.raises(ValidationError):
        check_response_body(EXCHANGES[name], body)


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("fhir-shaped-1", ("data",)),
        ("fhir-shaped-3", ("data", "data", 0)),
        ("included-records-1", ("data", "entry", 0, "resource")),
    ],
)
@pytest.mark.parametrize(
    "change",
    [
        {"class": "IMP"},
        {"subject": {"reference": 7}},
        {"status": None},
        {"period": {"start": "then"}},
        {"length": "1 h"},
    ],
    ids=["class", "subject", "status", "period", "length"],
)
def test_a_fhir_encounter_that_is_not_as_described_is_a_finding(
    name: str, place: tuple[str | int, ...], change: dict[str, Any]
) -> None:
    body = orjson.loads(EXCHANGES[name].response_body)
    encounter = body
    for step in place:
        encounter = encounter[step]
    encounter["elementOfAnotherKind"] = {"anything": 1}  # FHIR has more elements than are described
    check_response_body(EXCHANGES[name], body)
    encounter.update(change)
    with pytest.raises(ValidationError):
        check_response_body(EXCHANGES[name], body)


@each(FROM_THE_API)
def test_the_response_headers_are_described(exchange: Exchange) -> None:
    check_response_headers(exchange)


@each(FROM_ELSEWHERE)
def test_what_is_not_from_the_api_says_nothing_as_the_api_would(exchange: Exchange) -> None:
    assert exchange.status > 500
    assert not exchange.response_body.startswith(b"{")
    assert {name.lower() for name, _ in exchange.response_headers} <= {"content-type"}


# -- in themselves ----------------------------------------------------------------------------------------------------


@each(FROM_THE_API)
def test_body_and_headers_say_the_same(exchange: Exchange) -> None:
    header = exchange.response_header
    assert re.fullmatch(r"req_[a-z0-9]{8}", header("x-request-id") or "")
    body = orjson.loads(exchange.response_body) if exchange.response_body else {}
    if "requestId" in body:
        assert body["requestId"] == header("x-request-id")
    if exchange.status in (200, 201):
        assert body["meta"] == {
            "requestId": header("x-request-id"),
            "timestamp": header("x-timestamp"),
            "status": exchange.status,
            "rateLimitTotal": int(header("X-RateLimit-Limit") or ""),
            "rateLimitRemaining": int(header("X-RateLimit-Remaining") or ""),
            "rateLimitReset": int(header("X-RateLimit-Reset") or ""),
        }


def test_no_two_responses_share_a_request_id() -> None:
    ids = [exchange.response_header("x-request-id") for exchange in FROM_THE_API.values()]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("name", STORIES)
def test_a_recording_tells_its_story_and_sources_and_is_written_as_the_tools_write(name: str) -> None:
    recording = STORIES[name]
    assert recording.comment.endswith("made up.")
    for exchange in recording.exchanges:
        assert exchange.source.startswith(
            ("Transcribed from ClinikAPI documentation: ", "Made up after ClinikAPI documentation: ", "Recorded 20")
        )
    assert recording.path is not None
    text = recording.path.read_bytes()
    assert text == orjson.dumps(orjson.loads(text), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    if not any(exchange.api_key for exchange in recording.exchanges):  # made-up keys are not written by the tools
        found = orjson.loads(text)
        assert orjson.loads(dump_recording(recording, creator=found["log"]["creator"]["name"])) == found


def test_no_genuine_key_is_recorded() -> None:
    for recording in RECORDED:
        assert recording.path is not None
        keys = re.findall(rb"clk_(?:live|test)_\w+", recording.path.read_bytes())
        assert all(key.startswith(b"clk_test_fixture") for key in keys)


def test_every_documented_status_and_code_is_recorded() -> None:
    recorded = {
        (exchange.status, orjson.loads(exchange.response_body).get("code"))
        for exchange in FROM_THE_API.values()
        if exchange.status >= 400
    }
    codes = set(DOCUMENT["components"]["schemas"]["ErrorCode"]["enum"])
    assert codes == {code for _, code in recorded if code is not None}
    described = {
        int(status)
        for item in DOCUMENT["paths"].values()
        for operation in item.values()
        for status in operation["responses"]
    }
    assert described == {exchange.status for exchange in FROM_THE_API.values()}


def test_every_operation_is_recorded() -> None:
    operations = {operation["operationId"] for item in DOCUMENT["paths"].values() for operation in item.values()}
    assert operations == {operation_of(exchange).described["operationId"] for exchange in EXCHANGES.values()}
