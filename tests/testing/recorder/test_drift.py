"""What a service answers otherwise than it was recorded is told by fields, codes and headers, and by no value."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson
import pytest
from attrs import evolve
from hypothesis import given

from clinik_client import ClinikConfigError, ClinikConnectionError
from clinik_client.testing import (
    Drift,
    Exchange,
    FixtureServer,
    Recorder,
    Recording,
    Sandbox,
    WireRequest,
    WireResponse,
    WireServer,
    diff_recording,
    load_recording,
    save_recording,
)
from clinik_client.testing.__main__ import main
from tests.canary import CANARY
from tests.strategies import json_values
from tests.testing.asking import ask
from tests.testing.clinic import Clinic

KEY = "clk_test_0secret0"
TARGET = "/v1/encounters/enc_1"


def drifts(recorded: Exchange, now: Exchange) -> list[str]:
    """What is told of an exchange, if this is what the service answers now."""
    with FixtureServer([Recording("now", [now])]) as service:
        found = diff_recording(Recording("then", [recorded]), base_url=service.url, api_key=KEY)
        service.verify()
    assert all((one.entry, one.request) == (1, "GET /v1/encounters/{id}") for one in found)
    return [f"{one.aspect}: {one.text}" for one in found]


def answered(body: Any, **of: Any) -> Exchange:
    return Exchange.of("GET", TARGET, response=body, **of)


def test_a_service_as_it_was_recorded_has_no_drift(recordings: Path) -> None:
    story = load_recording(recordings / "life-of-an-encounter.har")
    with FixtureServer([story]) as service:
        assert diff_recording(story, base_url=service.url, api_key=KEY) == []
        assert service.unused() == []


VISIT = {"id": "enc_1", "status": "planned", "period": {"start": "2025-06-01"}, "diagnosis": [{"rank": 1}]}


@pytest.mark.parametrize(
    ("now", "told"),
    [
        ({**VISIT, "phase": {"a": 1}}, ["data.phase is new"]),
        ({name: VISIT[name] for name in VISIT if name != "period"}, ["data.period is missing"]),
        ({**VISIT, "period": {"end": "2025-06-01"}}, ["data.period.end is new", "data.period.start is missing"]),
        ({**VISIT, "status": ["planned"]}, ["data.status is a list, recorded was a text"]),
        ({**VISIT, "period": None}, ["data.period is null, recorded was an object"]),
        ({**VISIT, "diagnosis": []}, []),
        (
            {**VISIT, "diagnosis": [{"rank": 1.5}, {"rank": True}]},
            ["data.diagnosis[].rank is a number or true or false, recorded was a number"],
        ),
        ({**VISIT, "diagnosis": [{"rank": 2}, {"use": "AD"}]}, ["data.diagnosis[].use is new"]),
        ({**VISIT, "diagnosis": [7]}, ["data.diagnosis[] is a number, recorded was an object"]),
        ({**VISIT, CANARY + " 7": 1}, ["data.* is new"]),
        ({**VISIT, "id": "enc_2", "status": CANARY}, []),
        ({**VISIT, "identifier": {"value": "1"}}, []),
    ],
)
def test_drift_in_fields_is_told_by_their_ways_and_kinds(now: Any, told: list[str]) -> None:
    assert drifts(answered({"data": VISIT}), answered({"data": now})) == [f"field: {text}" for text in told]


def test_of_a_record_that_comes_along_only_its_type_counts() -> None:
    patient = {"resourceType": "Patient", "id": "pt_1"}
    assert drifts(answered({"data": patient}), answered({"data": {**patient, "name": [{"text": CANARY}]}})) == []
    assert drifts(answered({"data": patient}), answered({"data": {**patient, "resourceType": "Encounter"}})) == [
        "field: data.id is new",
        "field: data.resourceType is new",
    ]


@pytest.mark.parametrize(
    ("now", "told"),
    [
        (
            answered({"error": "Gone", "code": "DELETED"}, status=410),
            ["status: 410 Gone, recorded was 404 Not Found", "code: DELETED, recorded was NOT_FOUND"],
        ),
        (answered({"error": "Not Found", "code": CANARY}, status=404), ["code: none, recorded was NOT_FOUND"]),
        (
            answered(b"<p>" + CANARY.encode(), status=404, headers={"content-type": "text/html; charset=utf-8"}),
            [
                "code: none, recorded was NOT_FOUND",
                "media type: text/html, recorded was application/json",
                "field: the body is missing",
            ],
        ),
        (
            answered({"data": VISIT}),
            ["status: 200 OK, recorded was 404 Not Found", "code: none, recorded was NOT_FOUND"],
        ),
        (answered({"error": "No", "code": "NOT_FOUND"}, status=499), ["status: 499, recorded was 404 Not Found"]),
    ],
)
def test_drift_in_statuses_codes_and_media_types_is_told(now: Exchange, told: list[str]) -> None:
    assert drifts(answered({"error": "Not Found", "code": "NOT_FOUND"}, status=404), now) == told


def test_drift_in_headers_is_told_by_their_names_and_only_of_the_services_own() -> None:
    then = {"x-request-id": "req_1", "X-RateLimit-Limit": "500", "Retry-After": "1", "Date": "today", "Server": "a"}
    now = {"X-Request-Id": "req_2", "x-quota-limit": "9", "x-ward": "7", "Via": "b"}
    assert drifts(answered({}, headers=then), answered({}, headers=now)) == [
        "header: retry-after is missing",
        "header: x-ratelimit-limit is missing",
        "header: x-ward is new",
    ]


def test_a_header_is_told_of_once_in_a_story() -> None:
    then = [answered({}, headers=headers) for headers in ({}, {"x-timestamp": "1"}, {"x-timestamp": "1"})]
    with FixtureServer([Recording("now", [answered({}, headers={"x-ward": "7"})] * 3)]) as service:
        found = diff_recording(Recording("then", then), base_url=service.url, api_key=KEY)
    assert [(one.entry, one.aspect, one.text) for one in found] == [
        (1, "header", "x-ward is new"),
        (2, "header", "x-timestamp is missing"),
    ]


def test_of_our_own_sandbox_only_what_follows_from_its_records_is_told(recordings: Path) -> None:
    story = load_recording(recordings / "life-of-an-encounter.har")
    with Sandbox() as sandbox:
        found = diff_recording(story, base_url=sandbox.url, api_key=sandbox.key)
    # The story was recorded where the patient had more visits than it creates.
    assert {one.text for one in found} == {"data.cursor is missing"}


def test_ids_of_created_records_are_carried_over(recordings: Path) -> None:
    story = load_recording(recordings / "telehealth-visit.har")

    def as_recorded(responses: Iterable[Exchange]) -> list[int]:
        return [one.status for one in responses]

    with Clinic(first_id=70) as clinic:
        found = diff_recording(story, base_url=clinic.url, api_key=KEY)
        assert as_recorded(story.exchanges) == [201, 200, 200, 200]
        assert [one for one in found if one.aspect in ("status", "code")] == []
        assert list(clinic.records) == ["enc_ward070x"]


def test_a_recording_of_the_recorder_has_no_drift_at_the_same_service(tmp_path: Path) -> None:
    path = tmp_path / "visit.har"
    with Clinic() as clinic, Recorder(path, base_url=clinic.url) as recorder:
        port = int(recorder.url.rpartition(":")[2])
        body = {"status": "planned", "class": "VR", "patientId": "pt_7", "period": {"start": "2025-06-01"}}
        made = ask(port, "POST", "/v1/encounters", json=body).json["data"]["id"]
        ask(port, "GET", f"/v1/encounters/{made}?_include=Encounter:patient")
        ask(port, "GET", "/v1/encounters/enc_none")
        ask(port, "GET", "/v1/encounters", key=None)
    story = load_recording(path)
    with Clinic(first_id=9) as clinic:
        assert diff_recording(story, base_url=clinic.url, api_key=KEY) == []

    def without_class(_request: WireRequest, response: WireResponse) -> WireResponse:
        return evolve(response, body=response.body.replace(b'"class"', b'"setting"'))

    with Clinic(alter=without_class) as clinic:
        found = diff_recording(story, base_url=clinic.url, api_key=KEY)
    assert [str(one) for one in found] == [
        "entry 1: POST /v1/encounters: field: data.class is missing",
        "entry 1: POST /v1/encounters: field: data.setting is new",
        "entry 2: GET /v1/encounters/{id}: field: data.entry[].resource.class is missing",
        "entry 2: GET /v1/encounters/{id}: field: data.entry[].resource.setting is new",
    ]


@given(json_values, json_values)
def test_no_value_is_told_and_no_drift_is_told_of_the_same(then: Any, now: Any) -> None:
    one, other = answered(orjson.dumps(then)), answered(orjson.dumps({"data": now, "type": CANARY, CANARY: 1}))
    assert drifts(one, one) == []
    assert CANARY not in "".join(drifts(one, other))


def test_only_a_key_for_tests_is_used_and_no_response_is_an_error() -> None:
    story = Recording("story", [answered({})])
    with WireServer(lambda _request: lambda connection: connection.close()) as service:
        with pytest.raises(ClinikConfigError, match="clk_test_"):
            diff_recording(story, base_url=service.url, api_key="clk_live_0secret0")
        with pytest.raises(ClinikConnectionError) as caught:
            diff_recording(story, base_url=service.url, api_key=KEY)
    assert caught.value.code == "closed"
    assert caught.value.__context__ is None


def test_a_drift_is_told_in_one_line() -> None:
    drift = Drift(3, "GET /v1/encounters/{id}", "field", "data.class is missing")
    assert str(drift) == "entry 3: GET /v1/encounters/{id}: field: data.class is missing"


# -- as a command -----------------------------------------------------------------------------------------------------


def test_diff_says_how_old_a_story_is_and_what_is_different(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CLINIKAPI_SECRET_KEY", KEY)
    path = tmp_path / "visit.har"
    save_recording(Recording("visit", [evolve(answered({"a": 1}), started="2025-06-01T09:00:00Z")]), path)
    with FixtureServer([Recording("now", [answered({"a": 1}), answered({"a": "1"})])]) as service:
        assert main(["diff", str(path), "--base-url", service.url]) == 0
        assert capsys.readouterr().out == f"{path}: recorded 2025-06-01, 0 differences\n"
        monkeypatch.setenv("CLINIKAPI_BASE_URL", service.url)
        assert main(["diff", str(path)]) == 1
    assert capsys.readouterr().out == (
        f"{path}: recorded 2025-06-01, 1 differences\n"
        "  entry 1: GET /v1/encounters/{id}: field: a is a text, recorded was a number\n"
    )
    assert main(["diff", str(path)]) == 2
    assert "refused the connection" in capsys.readouterr().err
