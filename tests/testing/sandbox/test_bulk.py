"""Bulk operations of a sandbox: exports, imports, their jobs by the clock, and their limits."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinik_client import Clinik, Encounter
from clinik_client.testing import WireRequest
from clinik_client.testing._sandbox.jobs import Job
from clinik_client.testing._sandbox.limits import Plan
from tests.testing.bulk import START, BulkBackend, encounter, lines_of

SHAPES = ["simple", "fhir", "mixed"]

# -- jobs --------------------------------------------------------------------------------------------------------------


def test_a_job_waits_then_works_then_is_completed_by_the_clock() -> None:
    with BulkBackend(*map(encounter, range(9)), job_seconds=8) as there:
        started = there.export()
        assert started.json["data"] == {
            "jobId": started.json["data"]["jobId"],
            "status": "pending",
            "message": "The export was started.",
        }
        assert started.json["meta"]["status"] == 202
        seen = [there.job(started)]
        for seconds in (1.9, 0.1, 2, 3.9, 0.1):
            there.clock.advance(seconds)
            seen.append(there.job(started))
    assert [(job["status"], job["processedRecords"]) for job in seen] == [
        ("pending", 0),
        ("pending", 0),
        ("processing", 0),
        ("processing", 3),
        ("processing", 8),
        ("completed", 9),
    ]
    assert all(job["totalRecords"] == 9 and job["type"] == "export" and job["errors"] == [] for job in seen)
    assert [("downloadUrl" in job) for job in seen] == [False] * 5 + [True]


@given(
    st.integers(0, 10_000),
    st.integers(0, 86_400) | st.floats(0, 86_400),
    st.lists(st.timedeltas(timedelta(0), timedelta(hours=25))),
)
def test_a_job_never_goes_back(total: int, seconds: float, later: list[timedelta]) -> None:
    job = Job("job_1", "import", START, seconds, total)
    order = ["pending", "processing", "completed"]
    seen = [job.progress(START + passed) for passed in sorted(later)]
    assert seen == sorted(seen, key=lambda progress: (order.index(progress[0]), progress[1]))
    assert all(processed <= total for _, processed in seen)
    assert job.progress(START + timedelta(seconds=seconds)) == ("completed", total)


def test_a_job_that_takes_no_time_is_completed_at_once() -> None:
    with BulkBackend(job_seconds=0) as there:
        assert there.export().json["data"]["status"] == "completed"
        assert there.load(lines_of(encounter(1))).json["data"]["status"] == "completed"
        assert there.read("enc_1").status == 200


@pytest.mark.parametrize("seconds", [math.inf, 1e300])
def test_a_job_may_take_for_ever(seconds: float) -> None:
    with BulkBackend(encounter(1), job_seconds=seconds) as there:
        exporting, importing = there.export(), there.load(lines_of(encounter(2)))
        there.clock.advance(timedelta(days=365_000))
        assert [there.job(started)["status"] for started in (exporting, importing)] == ["pending", "pending"]
        assert there.read("enc_2").status == 404


@pytest.mark.parametrize("name", ["job_unknown", "..", "%00", "enc_1"])
def test_a_job_that_there_is_not_is_not_found(name: str) -> None:
    with BulkBackend(encounter(1)) as there:
        answer = there.ask("GET", f"/v1/bulk/jobs/{name}")
    assert (answer.status, answer.json["code"]) == (404, "NOT_FOUND")


@pytest.mark.parametrize("key", ["clk_test_elsewhere", "clk_live_sandbox"])
def test_a_job_of_another_organization_or_environment_is_not_found(key: str) -> None:
    with BulkBackend() as there:
        job_id = there.export().json["data"]["jobId"]
        assert there.ask("GET", f"/v1/bulk/jobs/{job_id}").status == 200
        assert there.ask("GET", f"/v1/bulk/jobs/{job_id}", key=key).status == 404


def test_the_sdk_carries_an_export_through() -> None:
    with BulkBackend(encounter(1)) as there:
        with Clinik("clk_test_sandbox", base_url=there.service.url, trust_env=False) as clinik:
            started, meta = clinik.request("POST", "/v1/bulk/export", json={"resourceTypes": ["Encounter"]})
            there.clock.advance(4)
            job, _ = clinik.request("GET", f"/v1/bulk/jobs/{started['jobId']}")
        assert (meta.status, job["status"], job["processedRecords"]) == (202, "completed", 1)
        assert there.download(job["downloadUrl"]).status == 200


# -- what is asked -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"resourceTypes": ["Patient"]}, "resourceTypes[0]: must be 'Encounter'"),
        ({"resourceTypes": ["Encounter", "Patient"]}, "resourceTypes[1]: must be 'Encounter'"),
        ({"resourceTypes": ["Encounter", "Encounter"]}, "resourceTypes: must "),
        ({"resourceTypes": []}, "resourceTypes: must have at least 1 item"),
        ({"resourceTypes": "Encounter"}, "resourceTypes: must be a list"),
        ({"resourceTypes": None}, "resourceTypes: must not be null"),
        ({"resourcetypes": ["Encounter"]}, "resourcetypes: unknown field; did you mean resourceTypes?"),
        ({"format": "csv"}, "format: unknown field"),
        ({"since": "2025-06-01"}, "since: must be a date-time with an offset"),
        ({"since": "2025-06-01T09:00:00"}, "since: "),
        ({"since": "yesterday"}, "since: "),
        ({"since": 5}, "since: must be "),
    ],
)
def test_an_export_of_anything_else_fails_loudly(fields: dict[str, Any], told: str) -> None:
    with BulkBackend() as there:
        answer = there.export(**fields)
    assert (answer.status, answer.json["code"]) == (422, "VALIDATION_ERROR")
    assert any(issue["diagnostics"].startswith(told) for issue in answer.json["issues"]), answer.json
    assert "yesterday" not in answer.body.decode()


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"resourceType": "Patient", "data": ""}, "resourceType: must be 'Encounter'"),
        ({"data": ""}, "resourceType: Required"),
        ({"resourceType": "Encounter"}, "data: Required"),
        ({"resourceType": "Encounter", "data": [{}]}, "data: must be a string"),
        ({"resourceType": "Encounter", "data": "", "mode": "upsert"}, "mode: unknown field"),
        ([], "request: must be an object"),
    ],
)
def test_an_import_of_anything_else_fails_loudly(body: Any, told: str) -> None:
    with BulkBackend() as there:
        answer = there.ask("POST", "/v1/bulk/import", body)
    assert (answer.status, answer.json["code"]) == (422, "VALIDATION_ERROR")
    assert told in [issue["diagnostics"] for issue in answer.json["issues"]]


@pytest.mark.parametrize(
    ("method", "target"),
    [("POST", "/v1/bulk/export?a=b"), ("POST", "/v1/bulk/import?a=b"), ("GET", "/v1/bulk/jobs/job_1?a=b")],
)
def test_an_unknown_parameter_fails_loudly(method: str, target: str) -> None:
    with BulkBackend() as there:
        answer = there.ask(method, target, {} if method == "POST" else None)
    assert answer.status == 400
    assert [issue["diagnostics"] for issue in answer.json["issues"]] == ["a: unknown parameter; there are none"]


def test_a_bulk_operation_needs_the_scope_of_its_method() -> None:
    with BulkBackend() as there:
        assert there.export("clk_test_readonly").status == 403
        assert there.load("", "clk_test_readonly").status == 403
        started = there.export("clk_test_writeonly")
        assert started.status == 202
        assert (
            there.ask("GET", f"/v1/bulk/jobs/{started.json['data']['jobId']}", key="clk_test_writeonly").status == 403
        )
        assert there.job(started, "clk_test_readonly")["status"] == "pending"


def test_a_body_is_json_and_says_so() -> None:
    with BulkBackend() as there:
        for body, sent, status in ((b"{", "application/json", 400), (b"{}", "application/x-ndjson", 415)):
            headers = (("x-api-key", "clk_test_sandbox"), ("content-type", sent))
            request = WireRequest("POST", "/v1/bulk/import", headers, body)
            assert there.backend.answer(request).response.status == status


def test_each_operation_has_its_name() -> None:
    with BulkBackend() as there:
        asked = [("POST", "/v1/bulk/export"), ("POST", "/v1/bulk/import"), ("GET", "/v1/bulk/jobs/job_1")]
        named = [there.backend.operation_of(WireRequest(*request, (), b"")) for request in asked]
        refused = there.ask("DELETE", "/v1/bulk/jobs/job_1")
    assert named == ["export", "import", "job"]
    assert (refused.status, refused.headers["allow"]) == (405, "GET")


def test_what_starts_a_job_is_applied_and_what_asks_for_one_is_not() -> None:
    with BulkBackend() as there:
        headers = (("x-api-key", "clk_test_sandbox"), ("content-type", "application/json"))
        told = [
            there.backend.answer(WireRequest(method, target, headers, orjson.dumps(body)))
            for method, target, body in (
                ("POST", "/v1/bulk/export", {"resourceTypes": ["Encounter"]}),
                ("POST", "/v1/bulk/import", {"resourceType": "Encounter", "data": ""}),
                ("POST", "/v1/bulk/import", {}),
                ("GET", "/v1/bulk/jobs/job_1", None),
            )
        ]
    assert [answer.applied for answer in told] == [True, True, False, False]


# -- exports -----------------------------------------------------------------------------------------------------------


def test_an_export_holds_the_records_as_they_were_when_it_was_asked_for() -> None:
    with BulkBackend(encounter(1), encounter(2)) as there:
        assert there.ask("PATCH", "/v1/encounters/enc_1", {"priority": "before"}).status == 200
        started = there.export()
        assert there.ask("PATCH", "/v1/encounters/enc_1", {"priority": "after"}).status == 200
        assert there.ask("DELETE", "/v1/encounters/enc_2").status == 204
        created = encounter(0)
        del created["id"]
        assert there.ask("POST", "/v1/encounters", created).status == 201
        content = there.download(there.ended(started)["downloadUrl"]).body
    assert [orjson.loads(line) for line in content.splitlines()] == [encounter(1, priority="before"), encounter(2)]


def test_an_export_goes_by_the_store_and_not_by_the_index() -> None:
    with BulkBackend(lag=3600, job_seconds=0) as there:
        created = there.ask("POST", "/v1/encounters", {"status": "planned", "class": "VR", "patientId": "pt_1"})
        assert there.found() == []
        assert there.exported() == [created.json["data"]]


@pytest.mark.parametrize("shape", SHAPES)
def test_an_export_has_the_shape_of_the_settings(shape: str) -> None:
    records = [encounter(number) for number in range(9)]
    resources = [Encounter.from_dict(record).to_fhir() for record in records]
    with BulkBackend(*records, shape=shape) as there:
        exported = there.exported()
        for line, record, resource in zip(exported, records, resources, strict=True):
            assert line == there.read(record["id"]).json["data"]
            assert line in (record, resource)
    kinds = {"resourceType" in line for line in exported}
    assert kinds == {"simple": {False}, "fhir": {True}, "mixed": {False, True}}[shape]


def test_since_leaves_out_what_was_changed_before() -> None:
    def since(**ago: float) -> list[str]:
        moment = START + timedelta(**ago)
        return [record["id"] for record in there.exported(since=moment.isoformat())]

    plan = Plan(bulk=6)
    with BulkBackend(encounter(1), encounter(2), encounter(3), job_seconds=0, plan=plan) as there:
        there.clock.advance(timedelta(minutes=1))
        there.ask("PATCH", "/v1/encounters/enc_2", {"priority": "high"})
        there.clock.advance(timedelta(minutes=1))
        there.load(lines_of(encounter(4)))
        there.clock.advance(timedelta(minutes=1))
        created = {"status": "planned", "class": "VR", "patientId": "pt_1"}
        enc_5 = there.ask("POST", "/v1/encounters", created).json["data"]["id"]
        assert since(minutes=0) == ["enc_1", "enc_2", "enc_3", "enc_4", enc_5]
        assert since(minutes=0, microseconds=1) == ["enc_2", "enc_4", enc_5]
        assert since(minutes=1) == ["enc_2", "enc_4", enc_5]
        assert since(minutes=2) == ["enc_4", enc_5]
        assert since(minutes=2, microseconds=1) == [enc_5]


def test_since_may_have_any_offset() -> None:
    with BulkBackend(encounter(1)) as there:
        assert len(there.exported(since="2025-06-01T11:00:00+02:00")) == 1
        assert there.exported(since="2025-06-01T11:00:00.001+02:00") == []


# -- limits ------------------------------------------------------------------------------------------------------------


def test_an_organization_has_five_bulk_operations_within_an_hour() -> None:
    with BulkBackend() as there:
        for number in range(5):
            there.clock.advance(timedelta(minutes=1))
            started = there.load("") if number % 2 else there.export()
            assert started.status == 202
        for refused in (there.export(), there.load(""), there.export("clk_live_sandbox")):
            assert (refused.status, refused.json["code"]) == (429, "RATE_LIMITED")
            assert refused.headers["retry-after"] == str(56 * 60)
        assert there.export("clk_test_elsewhere").status == 202
        assert there.job(started)["status"] == "pending"
        there.clock.advance(56 * 60 - 0.001)
        assert there.load("").headers["retry-after"] == "1"
        there.clock.advance(0.001)
        assert there.load("").status == 202
        assert there.export().headers["retry-after"] == "60"


def test_a_refused_bulk_operation_is_none_of_the_five() -> None:
    with BulkBackend(plan=Plan(bulk=1)) as there:
        assert there.export(since="soon").status == 422
        assert there.load("\n".join(["{}"] * 10_001)).status == 413
        assert there.export("clk_test_readonly").status == 403
        assert there.export().status == 202
        assert there.export().status == 429


@pytest.mark.parametrize(("key", "header"), [("clk_test_sandbox", "x-sandbox"), ("clk_live_sandbox", "x-quota")])
def test_each_imported_record_counts_as_a_request(key: str, header: str) -> None:
    with BulkBackend(plan=Plan(monthly=10, sandbox=10)) as there:
        answer = there.load(lines_of(encounter(1), {"status": "planned"}, encounter(2), encounter(1)), key)
        assert answer.status == 202
        assert (answer.headers[f"{header}-used"], answer.headers[f"{header}-remaining"]) == ("4", "6")
        assert there.ended(answer, key)["processedRecords"] == 4
        assert there.export(key).headers[f"{header}-used"] == "6"


@pytest.mark.parametrize(
    ("key", "code"),
    [("clk_test_sandbox", "SANDBOX_QUOTA_EXCEEDED"), ("clk_live_sandbox", "MONTHLY_QUOTA_EXCEEDED")],
)
def test_an_import_that_the_volume_does_not_suffice_for_is_refused_as_a_whole(key: str, code: str) -> None:
    with BulkBackend(plan=Plan(monthly=5, sandbox=5, bulk=1)) as there:
        refused = there.load(lines_of(*map(encounter, range(5))), key)
        assert (refused.status, refused.json["code"]) == (429, code)
        assert "retry-after" not in refused.headers
        assert there.load(lines_of(*map(encounter, range(3))), key).status == 202


def test_a_volume_with_overage_suffices_for_any_import() -> None:
    with BulkBackend(plan=Plan(monthly=2, overage=True)) as there:
        answer = there.load(lines_of(*map(encounter, range(5))), "clk_live_sandbox")
    assert (answer.status, answer.headers["x-quota-overage"]) == (202, "4")


def test_an_import_may_be_larger_than_other_bodies() -> None:
    with BulkBackend() as there:
        data = lines_of(*(encounter(number, type="x" * 200, padding="") for number in range(5)))
        assert there.load(" " * 2 * 1024 * 1024 + data).status == 202
        assert there.export(since=" " * 1024 * 1024).status == 413


def test_an_import_may_have_100_mebibytes() -> None:
    headers = (("x-api-key", "clk_test_sandbox"), ("content-type", "application/json"))
    with BulkBackend() as there:
        most = bytes(100 * 1024 * 1024)
        found = [
            there.backend.answer(WireRequest("POST", "/v1/bulk/import", headers, body)).response.status
            for body in (most, most + b" ")
        ]
    assert found == [400, 413]


# -- back to the beginning ---------------------------------------------------------------------------------------------


def test_a_reset_forgets_jobs_files_limits_and_imports_on_their_way() -> None:
    with BulkBackend(encounter(1), plan=Plan(bulk=2)) as there:
        started = there.export()
        url = there.ended(started)["downloadUrl"]
        there.load(lines_of(encounter(2)))
        there.download(url, "clk_test_sandbox")
        there.backend.reset()
        assert there.download(url).status == 403
        assert there.backend.keys_sent_to_downloads == 0
        assert there.ask("GET", f"/v1/bulk/jobs/{started.json['data']['jobId']}").status == 404
        assert [there.export().status, there.export().status] == [202, 202]
        there.clock.advance(60)
        assert there.read("enc_2").status == 404


def test_after_a_reset_the_same_requests_get_the_same_answers() -> None:
    with BulkBackend(encounter(1)) as there:
        found = []
        for _ in range(2):
            started = there.export()
            found.append((started.body, there.ended(started)))
            there.clock.reset()
            there.backend.reset()
    assert found[0] == found[1]


def test_a_new_seed_has_no_jobs_and_no_imports_on_their_way() -> None:
    with BulkBackend(encounter(1)) as there:
        started = there.load(lines_of(encounter(2)))
        there.backend.seed([encounter(3)])
        there.clock.advance(4)
        assert there.ask("GET", f"/v1/bulk/jobs/{started.json['data']['jobId']}").status == 404
        assert [stored.id for stored in there.backend.store()] == ["enc_3"]


def test_the_clock_of_a_test_may_be_anywhere() -> None:
    with BulkBackend(encounter(1)) as there:
        there.clock.set(datetime(1999, 12, 31, 23, 59, 59, tzinfo=UTC))
        started = there.load(lines_of(encounter(2)))
        there.clock.advance(4)
        assert there.job(started)["status"] == "completed"
        there.clock.set(datetime(1999, 1, 1, tzinfo=UTC))
        assert there.job(started)["status"] == "completed"
        assert there.read("enc_2").status == 200
