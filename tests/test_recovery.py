"""A lost create has a way out: what it left is found, and nothing is ever created."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from clinik_client import Clinik, ClinikServerError, ClinikTimeoutError, ClinikValidationError, EncounterCreateRequest
from clinik_client.testing import Exchange, FixtureServer, Recording
from tests.inside import VirtualClock, on_virtual_time
from tests.servers import Connect, Serve, ok, page

SENT = datetime(2025, 6, 1, 9, 0, 0, tzinfo=UTC)
VISIT: dict[str, Any] = {
    "status": "in-progress",
    "class_": "AMB",
    "patient_id": "pt_abc123",
    "practitioner_id": "prac_def456",
    "type": "Annual physical",
    "period": {"start": "2025-06-01T09:00:00Z"},
}


def at(clinik: Clinik, seconds: float) -> VirtualClock:
    """Put a client's clock to some seconds after the create was sent."""
    return on_virtual_time(clinik, VirtualClock(start=SENT + timedelta(seconds=seconds)))


@pytest.mark.clinik_recording("lost-create")
def test_the_one_encounter_that_fits_is_found_after_the_index_had_its_time(clinik: Clinik) -> None:
    clock = at(clinik, 3)
    result = clinik.encounters.find_created(since=SENT, before=["enc_lmn567"], **VISIT)
    assert (result.verdict, result.after) == ("found", 10.0)
    assert result.match is not None
    assert result.match.id == "enc_xyz789"
    assert clock.waits == [7.0]


@pytest.mark.clinik_recording("lost-create")
def test_several_that_fit_are_told_as_several(clinik: Clinik) -> None:
    at(clinik, 60)
    result = clinik.encounters.find_created(since=SENT, **{**VISIT, "patient_id": "pt_twice"})
    assert (result.verdict, result.match) == ("several", None)
    assert [encounter.id for encounter in result.matches] == ["enc_xyz789", "enc_twin02"]


@pytest.mark.clinik_recording("lost-create")
def test_none_that_fits_is_told_with_the_time_that_has_passed(clinik: Clinik) -> None:
    clock = at(clinik, 60)
    result = clinik.encounters.find_created(since=SENT, **{**VISIT, "patient_id": "pt_nobody"})
    assert (result.verdict, result.matches, result.after) == ("not_there", [], 60.0)
    assert clock.waits == []


@pytest.mark.clinik_recording("lost-create")
def test_the_request_may_be_what_create_was_given_in_any_form(clinik: Clinik, clinik_server: FixtureServer) -> None:
    at(clinik, 60)
    wire = {
        "status": "in-progress",
        "class": "AMB",
        "patientId": "pt_abc123",
        "period": {"start": "2025-06-01T09:00:00Z"},
    }
    assert clinik.encounters.find_created(wire, since=SENT).verdict == "uncertain"
    assert [request.method for request in clinik_server.requests] == ["GET"]
    model = EncounterCreateRequest(status="planned", class_="AMB", patient_id="pt_nobody", period=None)
    model.period = EncounterCreateRequest.from_dict(wire).period
    assert clinik.encounters.find_created(model, since=SENT).verdict == "not_there"


def verdict_on(
    row: dict[str, Any], given: dict[str, Any], server_query: str = "", before: list[str] | None = None
) -> str:
    """The verdict where the service has this one row."""
    query = server_query or "patientId=pt_1&dateFrom=2025-05-31&dateTo=2025-06-02&count=100"
    response = {"data": {"data": [row], "hasMore": False}, "meta": {}}
    story = Recording("one-row", [Exchange.of("GET", f"/v1/encounters?{query}", response=response)])
    with (
        FixtureServer([story], must_use_all=True) as server,
        Clinik("clk_test_lost", base_url=server.url, trust_env=False, retries=0) as clinik,
    ):
        at(clinik, 60)
        verdict = clinik.encounters.find_created(given, since=SENT, before=before).verdict
        server.verify()
    return verdict


GIVEN = {
    "status": "planned",
    "class": "AMB",
    "patientId": "pt_1",
    "reasonCode": "Cough",
    "period": {"start": "2025-06-01T09:00:00Z"},
}
ROW = {**GIVEN, "id": "enc_1"}


@pytest.mark.parametrize(
    ("change", "fits"),
    [
        ({}, True),
        ({"status": "finished"}, True),
        ({"diagnosis": [{"condition": "I10"}]}, True),
        ({"reasonCode": ["Cough"]}, True),
        ({"reasonCode": None}, True),
        ({"period": {"start": "2025-06-01T11:00:00+02:00"}}, True),
        ({"period": {"start": "2025-06-01T09:00:00.000Z", "end": "2025-06-01T10:00:00Z"}}, True),
        ({"meta": {"lastUpdated": "2025-06-01T08:55:00Z"}}, True),
        ({"class": "VR"}, False),
        ({"reasonCode": "Fever"}, False),
        ({"period": {"start": "2025-06-01T10:00:00Z"}}, False),
        ({"meta": {"lastUpdated": "2025-06-01T08:54:59Z"}}, False),
        ({"meta": {"lastUpdated": "2025-05-01T09:00:00Z"}}, False),
    ],
    ids=str,
)
def test_a_record_fits_when_nothing_that_lasts_speaks_against_it(change: dict[str, Any], fits: bool) -> None:
    assert verdict_on({**ROW, **change}, GIVEN) == ("uncertain" if fits else "not_there")
    assert verdict_on({**ROW, **change}, GIVEN, before=[]) == ("found" if fits else "not_there")


@pytest.mark.parametrize(
    ("field", "sent", "found"),
    [
        ("status", "planned", "cancelled"),
        ("lengthMinutes", 30, 45),
        ("diagnosis", [{"condition": "I10"}], [{"condition": "J10"}]),
        ("hospitalization", {"admitSource": "gp"}, {"dischargeDisposition": "home"}),
        ("participants", [{"practitionerId": "prac_1"}], [{"practitionerId": "prac_2"}]),
    ],
)
def test_what_others_may_have_changed_since_does_not_speak_against_a_record(field: str, sent: Any, found: Any) -> None:
    assert verdict_on({**ROW, field: found}, {**GIVEN, field: sent}, before=[]) == "found"


@pytest.mark.parametrize(
    ("meta", "verdict"),
    [
        ({"lastUpdated": "2025-06-01T09:00:00Z"}, "found"),
        ({"lastUpdated": "2025-06-01T11:00:02+02:00", "versionId": "1"}, "found"),
        ({"lastUpdated": "2025-06-01T09:00:02Z", "versionId": "2"}, "uncertain"),
        ({"lastUpdated": "2025-06-01T08:59:59Z"}, "uncertain"),
        ({"lastUpdated": "soon"}, "uncertain"),
        ({}, "uncertain"),
    ],
    ids=str,
)
def test_only_what_shows_that_it_is_new_is_found(meta: dict[str, str], verdict: str) -> None:
    assert verdict_on({**ROW, "meta": meta}, GIVEN) == verdict


def test_what_was_there_before_is_not_what_the_create_left() -> None:
    assert verdict_on(ROW, GIVEN, before=["enc_0", "enc_1"]) == "not_there"
    new = {**ROW, "meta": {"lastUpdated": "2025-06-01T09:00:02Z"}}
    assert verdict_on(new, GIVEN, before=["enc_1"]) == "not_there"


def test_a_fhir_shaped_record_fits_too() -> None:
    fhir = {
        "resourceType": "Encounter",
        "id": "enc_1",
        "meta": {"versionId": "1", "lastUpdated": "2025-06-01T09:00:01Z"},
        "status": "planned",
        "class": {"code": "AMB"},
        "subject": {"reference": "Patient/pt_1"},
        "reasonCode": [{"text": "Cough"}],
        "period": {"start": "2025-06-01T09:00:00Z"},
    }
    assert verdict_on(fhir, GIVEN) == "found"


@pytest.mark.parametrize(
    ("period", "fits"),
    [
        ({"start": "2025-06-01T08:55:00Z"}, True),
        ({"start": "2025-05-31T09:00:00Z"}, True),
        ({"start": "2025-05-31T08:59:59Z"}, False),
        ({"start": "2025-06-01"}, True),
        ({"start": "2025-06"}, True),
        ({"start": "2025"}, True),
        (None, True),
        ({"start": "2024-06-01T09:00:00Z", "end": "2024-06-01T09:30:00Z"}, False),
        ({"start": "2025-05-29T09:00:00Z"}, False),
        ({"end": "2025-05-29"}, False),
        ({"start": "2024"}, False),
        ({"start": "2025-04"}, False),
    ],
    ids=str,
)
def test_a_visit_of_another_time_is_not_what_a_create_without_a_time_left(
    period: dict[str, str] | None, fits: bool
) -> None:
    given = {name: GIVEN[name] for name in ("status", "class", "patientId")}
    row = {**ROW, "status": "finished", "period": period}
    assert verdict_on(row, given, "patientId=pt_1&count=100") == ("uncertain" if fits else "not_there")


def test_without_an_exact_start_the_search_is_not_narrowed_to_days() -> None:
    query = "patientId=pt_1&count=100"
    assert verdict_on(ROW, {**GIVEN, "period": {"start": "2025"}}, query) == "not_there"
    assert verdict_on(ROW, {name: GIVEN[name] for name in ("status", "class", "patientId")}, query) == "uncertain"


@pytest.mark.parametrize("before", ["enc_1", b"enc_1", 5, [1]])
def test_before_has_to_be_ids(before: Any) -> None:
    with Clinik("clk_test_lost") as clinik, pytest.raises(ClinikValidationError, match="before: must be a collection"):
        clinik.encounters.find_created(GIVEN, since=SENT, before=before)


@pytest.mark.parametrize("since", [datetime(2025, 6, 1), "2025-06-01", None])
def test_since_has_to_be_an_aware_datetime(since: Any) -> None:
    with Clinik("clk_test_lost") as clinik, pytest.raises(ClinikValidationError, match="since: must be an aware"):
        clinik.encounters.find_created(GIVEN, since=since)


def test_a_create_that_is_still_to_come_is_refused_and_not_waited_for(serve: Serve, connect: Connect) -> None:
    clinik = connect(serve(page([])))
    # As a local time is that was taken for one of UTC.
    clock = at(clinik, -7200)
    with pytest.raises(ClinikValidationError, match="since: lies 120 minutes in the future") as raised:
        clinik.encounters.find_created(GIVEN, since=SENT)
    assert (raised.value.outcome, clock.waits) == ("not_sent", [])
    # Clocks may differ.
    clock = at(clinik, -299)
    assert clinik.encounters.find_created(GIVEN, since=SENT).verdict == "not_there"
    assert clock.waits == [309.0]


@pytest.mark.parametrize("lag", [-1, float("nan"), float("inf"), "10", True])
def test_lag_has_to_be_a_number_of_seconds(lag: Any) -> None:
    with Clinik("clk_test_lost") as clinik, pytest.raises(ClinikValidationError, match="lag: must be a number"):
        clinik.encounters.find_created(GIVEN, since=SENT, lag=lag)


def test_a_request_that_create_would_refuse_is_refused() -> None:
    with Clinik("clk_test_lost") as clinik, pytest.raises(ClinikValidationError, match="patientId: Required"):
        clinik.encounters.find_created({"status": "planned", "class": "AMB"}, since=SENT)


def test_a_search_that_fails_is_an_error_and_no_verdict() -> None:
    target = "/v1/encounters?patientId=pt_1&dateFrom=2025-05-31&dateTo=2025-06-02&count=100"
    story = Recording("down", [Exchange.of("GET", target, status=500, response={"error": "Internal Server Error"})])
    with (
        FixtureServer([story]) as server,
        Clinik("clk_test_lost", base_url=server.url, trust_env=False, retries=0) as clinik,
    ):
        at(clinik, 60)
        with pytest.raises(ClinikServerError):
            clinik.encounters.find_created(GIVEN, since=SENT)


def test_a_result_shows_no_record() -> None:
    with (
        FixtureServer(
            [
                Recording(
                    "none",
                    [
                        Exchange.of(
                            "GET",
                            "/v1/encounters?patientId=pt_1&count=100",
                            response={"data": {"data": [ROW], "hasMore": False}},
                        )
                    ],
                )
            ]
        ) as server,
        Clinik("clk_test_lost", base_url=server.url, trust_env=False) as clinik,
    ):
        at(clinik, 60)
        given = {name: GIVEN[name] for name in ("status", "class", "patientId")}
        assert repr(clinik.encounters.find_created(given, since=SENT)) == "FindResult(verdict='uncertain', after=60.0)"


@pytest.mark.clinik_recording("lost-create")
def test_a_wait_that_would_outlast_the_deadline_is_not_begun(clinik: Clinik) -> None:
    clock = at(clinik, 3)
    with pytest.raises(ClinikTimeoutError, match=r"7\.0 s more") as raised:
        clinik.with_options(deadline=6.9).encounters.find_created(since=SENT, **VISIT)
    assert (clock.waits, raised.value.code) == ([], "timeout")
    assert clinik.with_options(deadline=60).encounters.find_created(since=SENT, **VISIT).verdict == "uncertain"


def test_a_deadline_that_ends_between_two_pages_is_told(serve: Serve, connect: Connect) -> None:
    def slow_page(_: Any) -> Any:
        clock.passed += 20
        return ok({"data": [{**ROW, "id": f"enc_{clock.passed}"}], "hasMore": True, "cursor": f"{clock.passed}"})

    clinik = connect(serve(slow_page), deadline=30)
    clock = at(clinik, 60)
    with pytest.raises(ClinikTimeoutError, match="The deadline has passed before all pages were read") as raised:
        clinik.encounters.find_created(GIVEN, since=SENT)
    assert (raised.value.code, raised.value.operation) == ("timeout", "POST /v1/encounters")
