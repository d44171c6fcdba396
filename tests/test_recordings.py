"""Every recorded exchange is what ``openapi/clinik.yaml`` describes; what deviates on purpose is listed here."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from copy import copy
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pytest
from jsonschema import ValidationError
from openapi_schema_validator import OAS31Validator, oas31_format_checker
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from clinik_client import FhirDateTime
from clinik_client.testing import Exchange, dump_recording, load_recordings
from tests.strategies import DOCUMENT

ROOT = Path(__file__).parents[1]
RECORDINGS = load_recordings(ROOT / "tests" / "recordings")
STORIES = {recording.name: recording for recording in RECORDINGS}
EXCHANGES = {
    f"{recording.name}-{number}": exchange
    for recording in RECORDINGS
    for number, exchange in enumerate(recording.exchanges, start=1)
}

# -- what deviates, and how -------------------------------------------------------------------------------------------

# Responses of a proxy on the way: (status, media type). The document describes the service, not these.
NOT_FROM_THE_API = {(502, "text/html"), (503, "")}

# A body that the document rules out: it is recorded to be refused with this code.
NOT_JSON_BODY = "INVALID_JSON"


def media_type(content_type: str | None) -> str:
    return (content_type or "").partition(";")[0].strip()


def chosen(condition: Callable[[Exchange], bool]) -> dict[str, Exchange]:
    return {name: exchange for name, exchange in EXCHANGES.items() if condition(exchange)}


def is_from_the_api(exchange: Exchange) -> bool:
    return (exchange.status, media_type(exchange.response_header("content-type"))) not in NOT_FROM_THE_API


FROM_THE_API = chosen(is_from_the_api)
FROM_ELSEWHERE = chosen(lambda exchange: not is_from_the_api(exchange))


def each(exchanges: Mapping[str, Exchange]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("exchange", exchanges.values(), ids=exchanges)


# -- reading the document ---------------------------------------------------------------------------------------------


def resolve(node: Any) -> Any:
    while "$ref" in node:
        target: Any = DOCUMENT
        for name in node["$ref"].removeprefix("#/").split("/"):
            target = target[name]
        node = target
    return node


def closed(node: Any) -> Any:
    """A schema that takes no fields but those it describes, where it does not say that there may be others."""
    if isinstance(node, Mapping):
        ends = {"additionalProperties": False} if "properties" in node else {}
        return ends | {key: value if key in TEXTS else closed(value) for key, value in node.items()}
    return [closed(item) for item in node] if isinstance(node, list) else node


# What holds values, not schemas.
TEXTS = ("example", "examples", "required", "enum", "const")

_ROOT_URI = "urn:clinik"
_REGISTRY: Registry[Any] = Registry().with_resource(_ROOT_URI, DRAFT202012.create_resource(closed(DOCUMENT)))


FORMATS = copy(oas31_format_checker)
FORMATS.checkers = {**FORMATS.checkers}


@FORMATS.checks("fhir-date-time", raises=ValueError)
def _is_fhir_date_time(value: object) -> bool:
    return isinstance(value, str) and bool(FhirDateTime.of(value))


def _absolute(node: Any) -> Any:
    """A schema whose references work outside of the document."""
    if isinstance(node, Mapping):
        return {key: _ROOT_URI + value if key == "$ref" else _absolute(value) for key, value in node.items()}
    return [_absolute(item) for item in node] if isinstance(node, list) else node


def check(schema: Any, value: Any) -> None:
    """Raise `ValidationError` if the value is not as described, or has a field that is not described."""
    schema = _absolute(closed(schema))
    OAS31Validator(schema, registry=_REGISTRY, format_checker=FORMATS).validate(value)


class Endpoint(NamedTuple):
    """A described operation, and the values of its path parameters in a recorded path."""

    described: Mapping[str, Any]
    path_values: Mapping[str, str]

    def parameters(self, place: str) -> dict[str, Any]:
        found = [resolve(parameter) for parameter in self.described.get("parameters", [])]
        return {parameter["name"]: parameter for parameter in found if parameter["in"] == place}


def operation_of(exchange: Exchange) -> Endpoint:
    for template, item in DOCUMENT["paths"].items():
        pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(template))
        match = re.fullmatch(pattern, exchange.path)
        if match and exchange.method.lower() in item:
            return Endpoint(item[exchange.method.lower()], match.groupdict())
    raise AssertionError(f"{exchange.method} {exchange.path} is not described")


def response_of(exchange: Exchange) -> Any:
    responses = operation_of(exchange).described["responses"]
    assert str(exchange.status) in responses, "the status is not described"
    return resolve(responses[str(exchange.status)])


def check_response(exchange: Exchange, body: Any) -> None:
    content = response_of(exchange)["content"]
    check(content[media_type(exchange.response_header("content-type"))]["schema"], body)


# -- against the document ---------------------------------------------------------------------------------------------


@each(EXCHANGES)
def test_the_request_is_described(exchange: Exchange) -> None:
    operation = operation_of(exchange)
    described = operation.parameters("path")
    assert described.keys() == operation.path_values.keys()
    for name, value in operation.path_values.items():
        check(described[name]["schema"], value)

    described = operation.parameters("query")
    names = [name for name, _ in exchange.query]
    for name in set(names):
        values = [value for key, value in exchange.query if key == name]
        schema = resolve(described[name]["schema"])
        if schema["type"] == "array":
            check(schema, values)
        else:
            assert len(values) == 1
            check(schema, orjson.loads(values[0]) if schema["type"] in ("integer", "boolean") else values[0])


@each(EXCHANGES)
def test_the_request_body_is_described(exchange: Exchange) -> None:
    described = operation_of(exchange).described.get("requestBody")
    if described is None:
        assert exchange.request_body == b""
        return
    content = resolve(described)["content"][media_type(exchange.request_header("content-type"))]
    try:
        body = orjson.loads(exchange.request_body)
    except orjson.JSONDecodeError:
        assert orjson.loads(exchange.response_body)["code"] == NOT_JSON_BODY
        return
    check(content["schema"], body)


@each(FROM_THE_API)
def test_the_response_is_described(exchange: Exchange) -> None:
    described = response_of(exchange)
    if "content" not in described:
        assert (exchange.response_body, exchange.response_header("content-type")) == (b"", None)
        return
    check_response(exchange, orjson.loads(exchange.response_body))


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
        check_response(EXCHANGES[name], body)


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
    check_response(EXCHANGES[name], body)
    encounter.update(change)
    with pytest.raises(ValidationError):
        check_response(EXCHANGES[name], body)


@each(FROM_THE_API)
def test_the_response_headers_are_described(exchange: Exchange) -> None:
    described = {name.lower(): resolve(header) for name, header in response_of(exchange).get("headers", {}).items()}
    for name, value in exchange.response_headers:
        if name.lower() == "content-type":
            continue
        assert name.lower() in described, f"{name} is not described"
        schema = resolve(described[name.lower()]["schema"])
        check(schema, orjson.loads(value) if schema["type"] in ("integer", "boolean") else value)


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
    for recording in RECORDINGS:
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
