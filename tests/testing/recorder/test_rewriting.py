"""What tells of somebody is found by where it stands, and all else is left out or left alone."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from attrs import evolve

from clinik_client.testing import RECORDINGS, Exchange, load_recordings
from clinik_client.testing._recorder.rewriting import Kind, Place, Rewriter, found_in
from tests.test_recordings import RECORDED
from tests.testing.recorder.test_fields import DESCRIBED

EXCHANGES = [exchange for recording in RECORDED for exchange in recording.exchanges]

# Numbers of files, elements that only FHIR describes, and all of another record than an encounter.
NOT_DESCRIBED = {"identifier", "statusHistory", "lastUpdated", "versionId", "div", "resource"}

# The names in a map are somebody's words.
MAPS = {name for name, schema in DESCRIBED if isinstance(schema.get("additionalProperties"), dict)}


def marked(place: Place, kind: Kind, value: str) -> str:
    return f"<{kind}>"


def written(body: Any, **of: Any) -> Any:
    exchange = Exchange.of("GET", "/v1/encounters/enc_1", response=body, **of)
    return orjson.loads(Rewriter(marked).exchange(exchange).response_body)


def test_each_value_is_replaced_as_what_it_is() -> None:
    assert written(
        {
            "data": {
                "id": "enc_1",
                "status": "planned",
                "class": {
                    "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode",
                    "code": "AMB",
                    "display": "day",
                },
                "subject": {"reference": "Patient/pt_1", "type": "Patient", "display": "Jane Doe"},
                "reasonCode": ["Fever", "Patient/pt_1", "cond_77"],
                "period": {"start": "2025-06-01T09:00:00Z", "end": "tomorrow"},
                "lengthMinutes": 30,
                "diagnosis": [{"condition": "I10", "use": "AD", "rank": 1}],
            },
            "meta": {"requestId": "req_1", "timestamp": "2025-06-01T09:00:01.204Z", "status": 200},
        }
    ) == {
        "data": {
            "id": "<id>",
            "status": "planned",
            "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB", "display": "<text>"},
            "subject": {"reference": "Patient/<id>", "type": "Patient", "display": "<text>"},
            "reasonCode": ["<text>", "Patient/<id>", "<id>"],
            "period": {"start": "<date>", "end": "<text>"},
            "lengthMinutes": 30,
            "diagnosis": [{"condition": "<text>", "use": "AD", "rank": 1}],
        },
        "meta": {"requestId": "<id>", "timestamp": "2025-06-01T09:00:01.204Z", "status": 200},
    }


@pytest.mark.parametrize(
    ("body", "left"),
    [
        ({"data": {"id": "enc_1", "nickname": "J", "Jane Doe": 1}}, {"data": {"id": "<id>"}}),
        (
            {"resourceType": "Patient", "id": "pt_1", "untold": [{"family": "Doe"}], "untoldDate": "1961-03-14"},
            {"resourceType": "Patient", "id": "<id>"},
        ),
        ({"data": {"subject": {"identifier": {"value": "MRN-1"}}}}, {"data": {"subject": {}}}),
        ({"data": {"status": "Jane", "class": "DOE"}}, {"data": {"status": "<text>", "class": "<text>"}}),
        ({"data": {"type": 5550199, "hasMore": True}}, {"data": {"type": 0, "hasMore": True}}),
        ({"data": {"resource": {"resourceType": "Jane"}}}, {"data": {"resource": {"resourceType": "<text>"}}}),
        (["Jane", 5550199], ["<text>", 0]),
        ({"meta": {"timestamp": "Jane"}}, {"meta": {"timestamp": "<text>"}}),
        ({"data": {"timestamp": "1961-03-14"}}, {"data": {"timestamp": "<text>"}}),
        ({"data": {"data": [], "cursor": "20"}}, {"data": {"data": [], "cursor": "20"}}),
        ({"data": {"cursor": "2031-03-04|enc_next77"}}, {"data": {"cursor": "<cursor>"}}),
        ({"data": {"cursor": "٢٠"}}, {"data": {"cursor": "<cursor>"}}),
        (
            {"cursor": "20", "data": {"data": [{"cursor": "20"}]}},
            {"cursor": "<text>", "data": {"data": [{"cursor": "<text>"}]}},
        ),
        (
            {"error": "Not Found", "code": "SOME_NEW_CODE", "message": "No Jane."},
            {"error": "Not Found", "code": "SOME_NEW_CODE", "message": "<text>"},
        ),
        ({"error": "Jane", "code": "JANE"}, {"error": "<text>", "code": "<text>"}),
        (
            {"data": {"type": [{"coding": [{"code": "JANE_DOE"}]}]}},
            {"data": {"type": [{"coding": [{"code": "<text>"}]}]}},
        ),
        (
            {"error": "Conflict", "issues": [{"code": "JANE_DOE"}]},
            {"error": "Conflict", "issues": [{"code": "<text>"}]},
        ),
        ({"data": {"error": "Conflict", "code": "JANE_DOE"}}, {"data": {"error": "Conflict", "code": "<text>"}}),
        ({"resourceType": "Condition", "code": "JANE_DOE"}, {"resourceType": "Condition", "code": "<text>"}),
        (
            {"resourceType": "Patient", "error": "", "code": "J_DOE"},
            {"resourceType": "Patient", "error": "", "code": "<text>"},
        ),
        (
            {"issues": [{"diagnostics": "period.start: no Jane", "location": ["period.start", "Jane"]}]},
            {"issues": [{"diagnostics": "period.start: <text>", "location": ["period.start", "<text>"]}]},
        ),
        ({"issues": [{"diagnostics": "Jane: Required"}]}, {"issues": [{"diagnostics": "<text>"}]}),
        (
            {"entry": [{"fullUrl": "https://ward.example/x/Patient/pt_1?k=1"}]},
            {"entry": [{"fullUrl": "https://api.clinikapi.com/v1/fhir/Patient/<id>"}]},
        ),
    ],
)
def test_what_the_api_does_not_describe_is_left_out_or_replaced(body: Any, left: Any) -> None:
    assert written(body) == left


def test_paths_queries_and_headers_are_looked_at_as_well() -> None:
    exchange = evolve(
        Exchange.of(
            "GET",
            "/v1/fhir/Patient/pt%5F1/Doe?patientId=pt_2&status=planned&dateFrom=2025-06-01&sort=-period.start&sort=jane"
            "&count=20&count=many&cursor=20&cursor=enc_7&_include=Encounter:patient&_include=Encounter:Jane&untold=Doe",
            headers={
                "X-Request-Id": "req_1",
                "X-RateLimit-Reset": "60",
                "X-Quota-Reset": "Jane",
                "Set-Cookie": "a=b",
                "x-timestamp": "2025-06-01T09:00:01.204Z",
            },
        ),
        request_headers=[("Accept", "application/json"), ("Cookie", "a=b"), ("Content-Type", "text/jane")],
    )
    rewriter = Rewriter(marked)
    changed = rewriter.exchange(exchange)
    assert changed.path == "/v1/fhir/Patient/%3Cid%3E/%3Cid%3E"
    assert changed.query == (
        ("patientId", "<id>"),
        ("status", "planned"),
        ("dateFrom", "<date>"),
        ("sort", "-period.start"),
        ("sort", "<text>"),
        ("count", "20"),
        ("count", "<text>"),
        ("cursor", "20"),
        ("cursor", "<cursor>"),
        ("_include", "Encounter:patient"),
        ("_include", "<text>"),
    )
    assert changed.request_headers == (("accept", "application/json"),)
    assert changed.response_headers == (
        ("X-Request-Id", "<id>"),
        ("X-RateLimit-Reset", "60"),
        ("x-timestamp", "2025-06-01T09:00:01.204Z"),
    )
    assert rewriter.dropped == {
        ("query", 11, "untold"),
        ("request", "headers", "cookie", 1),
        ("request", "headers", "content-type", 2),
        ("response", "headers", "x-quota-reset", 2),
        ("response", "headers", "set-cookie", 3),
    }


def test_a_body_that_is_not_json_is_replaced_as_a_whole() -> None:
    exchange = Exchange.of("GET", "/", response=b"<p>Jane \xff</p>")
    assert Rewriter(marked).exchange(exchange).response_body == b"<text>"
    assert Rewriter(marked, strict=False).exchange(exchange) == exchange


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_what_the_document_describes_stays_in_its_place(exchange: Exchange) -> None:
    rewriter = Rewriter(lambda _place, _kind, value: value)
    changed = rewriter.exchange(exchange)
    assert {place for place in rewriter.dropped if (NOT_DESCRIBED | MAPS).isdisjoint(place)} == set()
    assert changed.query == exchange.query
    if not rewriter.dropped:
        assert changed.response_body == exchange.response_body
        assert changed.request_body == exchange.request_body


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_without_being_strict_only_what_is_changed_changes(exchange: Exchange) -> None:
    assert Rewriter(lambda _place, _kind, value: value, strict=False).exchange(exchange) == exchange


def test_what_is_found_is_told_by_its_place() -> None:
    [recording] = load_recordings(RECORDINGS, stories=["telehealth-visit"])
    found = found_in(recording.exchanges[1])
    assert found["path", 3] == ("id", "enc_tel100")
    assert found["response", "data", "patientId"][0] == "id"
    assert all(place[0] != "response" for place in found_in(recording.exchanges[1], response=False))
