"""What an import takes and what it skips, when it takes effect, and that an export can be imported."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from clinik_client import Encounter
from clinik_client.testing._sandbox.bulk_lines import read_lines
from clinik_client.testing._sandbox.store import StoredRecord
from tests.encounters.test_fhir import hostile
from tests.strategies import SCHEMAS, allowed
from tests.testing.bulk import BulkBackend, encounter, lines_of

RECORD = {"status": "planned", "class": "VR", "patientId": "pt_1"}

# -- effect ------------------------------------------------------------------------------------------------------------


def test_an_import_takes_effect_when_its_job_is_completed() -> None:
    with BulkBackend(encounter(1), lag=10, job_seconds=4) as there:
        started = there.load(lines_of(encounter(1, priority="new"), encounter(2)))
        there.clock.advance(3.999)
        assert there.job(started)["status"] == "processing"
        assert there.read("enc_1").json["data"] == encounter(1)
        assert there.read("enc_2").status == 404
        there.clock.advance(0.001)
        assert there.read("enc_1").json["data"] == encounter(1, priority="new")
        assert there.read("enc_2").json["data"] == encounter(2)
        assert there.job(started) == {
            "id": started.json["data"]["jobId"],
            "type": "import",
            "status": "completed",
            "totalRecords": 2,
            "processedRecords": 2,
            "errors": [],
        }


def test_searches_see_an_import_after_the_lag_from_its_end_on() -> None:
    with BulkBackend(encounter(1), lag=10, job_seconds=4) as there:
        there.load(lines_of(encounter(2)))
        there.clock.advance(13.999)
        assert there.found() == ["enc_1"]
        there.clock.advance(0.001)
        assert there.found() == ["enc_1", "enc_2"]


def test_the_store_shows_an_import_that_nobody_has_asked_about() -> None:
    with BulkBackend() as there:
        there.load(lines_of(encounter(1)))
        there.clock.advance(3600)
        assert [stored.id for stored in there.backend.store()] == ["enc_1"]


def test_the_import_that_ends_last_has_the_last_word() -> None:
    with BulkBackend(lag=0, job_seconds=9) as there:
        there.load(lines_of(encounter(1, priority="slow")))
        there.backend.settings.job_seconds = 1
        there.load(lines_of(encounter(1, priority="fast")))
        there.clock.advance(60)
        assert there.read("enc_1").json["data"]["priority"] == "slow"


def test_what_is_written_after_an_import_has_the_last_word() -> None:
    with BulkBackend(encounter(1), encounter(2), lag=0) as there:
        there.load(lines_of(encounter(1, priority="imported"), encounter(2, priority="imported")))
        there.clock.advance(60)
        there.ask("PATCH", "/v1/encounters/enc_1", {"priority": "later"})
        there.ask("DELETE", "/v1/encounters/enc_2")
        there.clock.advance(60)
        assert there.read("enc_1").json["data"]["priority"] == "later"
        assert there.read("enc_2").status == 404
        assert there.found() == ["enc_1"]


def test_a_record_is_replaced_as_a_whole_and_the_last_line_holds() -> None:
    with BulkBackend(encounter(1, priority="high"), job_seconds=0) as there:
        there.load(lines_of(encounter(1, type="first"), encounter(1, serviceType="last")))
        assert there.read("enc_1").json["data"] == encounter(1, serviceType="last")


def test_records_without_an_id_get_one_each() -> None:
    with BulkBackend(job_seconds=0) as there:
        there.load(lines_of(RECORD, {**RECORD, "priority": "high"}))
        records = [stored.record for stored in there.backend.store()]
        assert [record.get("priority") for record in records] == [None, "high"]
        for record in records:
            assert record["id"].startswith("enc_")
            assert there.read(record["id"]).json["data"] == record
    assert len({record["id"] for record in records}) == 2


def test_a_new_id_is_nobody_elses() -> None:
    with BulkBackend(job_seconds=0) as there:
        there.load(lines_of(RECORD))
        (first,) = there.backend.store()
    with BulkBackend(encounter(1, id=first.id), job_seconds=0) as there:
        there.load(lines_of(RECORD))
        old, new = there.backend.store()
    assert old.record == encounter(1, id=first.id)
    assert new.id != first.id


def test_an_import_is_for_its_own_organization_and_environment() -> None:
    with BulkBackend(job_seconds=0) as there:
        there.load(lines_of(encounter(1)), "clk_test_elsewhere")
        there.load(lines_of(encounter(2)), "clk_live_sandbox")
        assert [there.read("enc_1").status, there.read("enc_2").status] == [404, 404]
        assert there.ask("GET", "/v1/encounters/enc_1", key="clk_test_elsewhere").status == 200
        assert there.ask("GET", "/v1/encounters/enc_2", key="clk_live_sandbox").status == 200


# -- what is skipped ---------------------------------------------------------------------------------------------------

BAD_LINES: dict[str, str] = {
    "enc_secret": "must be JSON",
    '["enc_secret"]': "must be an object",
    "null": "must be an object",
    '{"resourceType":"Patient","id":"enc_secret"}': "resourceType: must be 'Encounter'",
    "{}": "status: Required; class: Required; patientId: Required",
    '{"status":"secret","class":"VR","patientId":"pt_1"}': (
        "status: must be one of planned, arrived, triaged, in-progress, onleave, finished, cancelled"
    ),
    '{"status":"planned","class":"VR","patientId":"pt_1","secret":1}': "secret: unknown field",
    '{"status":"planned","class":"VR","patientId":"pt_1","A secret!":1}': (
        "unknown field (its name is not one that the API could have)"
    ),
    '{"status":"planned","class":"VR","patientId":"../secret"}': (
        "patientId: must be 1 to 128 letters, digits, hyphens, underscores and dots, and neither . nor .."
    ),
    '{"id":"..","status":"planned","class":"VR","patientId":"pt_1"}': (
        "id: must be 1 to 128 letters, digits, hyphens, underscores and dots, and neither . nor .."
    ),
    '{"id":null,"status":"planned","class":"VR","patientId":"pt_1"}': "id: must be a string",
    '{"id":"","status":"planned","class":"VR","patientId":"pt_1"}': "id: must have at least 1 character",
    '{"resourceType":"Encounter","status":"unknown","class":{"code":"VR"}}': (
        "status: must be one of planned, arrived, triaged, in-progress, onleave, finished, cancelled; "
        "patientId: Required"
    ),
    '{"resourceType":"Encounter","meta":' + "[" * 110 + "]" * 110 + "}": "must not be nested so deep",
}


@pytest.mark.parametrize("line", BAD_LINES)
def test_a_bad_line_is_skipped_and_told_by_its_number_and_without_its_values(line: str) -> None:
    with BulkBackend() as there:
        started = there.load(f"{lines_of(encounter(1))}\n{line}\n{lines_of(encounter(2))}")
        job = there.ended(started)
        assert job["errors"] == [f"line 3: {BAD_LINES[line]}"]
        assert (job["totalRecords"], job["processedRecords"]) == (3, 3)
        assert [stored.id for stored in there.backend.store()] == ["enc_1", "enc_2"]


def test_a_bad_line_is_told_once_it_was_processed() -> None:
    with BulkBackend(job_seconds=8) as there:
        started = there.load("x\n" * 6)
        seen = []
        for _ in range(8):
            there.clock.advance(1)
            seen.append(len(there.job(started)["errors"]))
    assert seen == [0, 0, 1, 2, 3, 4, 5, 6]


def test_lines_end_where_ndjson_says() -> None:
    texts = ["\u2028", "\x85", "\x0b\x0c\x1c", "a\r\nb"]
    records = [encounter(number, type=text) for number, text in enumerate(texts)]
    data = "\r\n".join(orjson.dumps(record).decode() for record in records)
    found = read_lines(f"\r\n \t\n{data}\r\n")
    assert (found.total, found.records, found.errors) == (4, records, [])


def test_an_import_may_have_10_000_records() -> None:
    line = lines_of(RECORD)
    with BulkBackend() as there:
        most = there.load("\n" + line * 10_000)
        assert there.job(most)["totalRecords"] == 10_000
        refused = there.load(line * 10_001)
    assert (refused.status, refused.json["message"]) == (413, "No more than 10,000 records can be imported at once.")


def test_a_resource_may_have_what_the_simple_shape_has_no_name_for() -> None:
    resource = {
        **Encounter.from_dict(encounter(1)).to_fhir(),
        "meta": {"versionId": "3"},
        "identifier": [{"value": "A-7"}],
        "class": {"system": "urn:local", "code": "VR", "display": "By video"},
        "participant": [
            {"individual": {"reference": "Practitioner/prac_1"}},
            {"individual": {"reference": "Practitioner/prac_2"}, "period": {"start": "2025"}},
        ],
        "hospitalization": {"origin": {"display": "Home"}, "preAdmissionIdentifier": {"value": "B-8"}},
    }
    with BulkBackend(shape="fhir", job_seconds=0) as there:
        assert there.ended(there.load(lines_of(resource)))["errors"] == []
        assert there.read("enc_1").json["data"] == resource


def test_what_a_resource_says_below_the_names_of_the_simple_shape_is_checked() -> None:
    resource = {
        **Encounter.from_dict(encounter(1)).to_fhir(),
        "hospitalization": {"dietPreference": "x", "preAdmissionIdentifier": {"value": "B-8"}},
        "serviceType": {"text": "x" * 201},
    }
    found = read_lines(lines_of(resource))
    problems = "serviceType: must have at most 200 characters; hospitalization.dietPreference: must be a list"
    assert found.errors == [(0, f"line 1: {problems}")]


@given(hostile | hostile.map(lambda record: {**record, **RECORD}))
def test_no_line_is_too_strange(record: dict[str, Any]) -> None:
    try:
        line = orjson.dumps(record).decode()
    except TypeError:  # a whole number or a text that JSON does not have
        reject()
    found = read_lines(line)
    assert (found.total, len(found.records) + len(found.errors)) == (1, 1)
    for imported in found.records:
        stored = StoredRecord({"id": "enc_1", **imported})
        assert orjson.dumps([stored.shown("simple"), stored.shown("fhir")])


# -- there and back ----------------------------------------------------------------------------------------------------

bodies = allowed(SCHEMAS["EncounterCreateRequest"])


@pytest.mark.parametrize("shape", ["simple", "fhir", "mixed"])
def test_what_is_exported_and_imported_elsewhere_is_exported_the_same(shape: str) -> None:
    with BulkBackend(shape=shape, job_seconds=0) as here, BulkBackend(shape=shape, job_seconds=0) as there:

        @given(st.lists(bodies, max_size=4))
        def check(found: list[dict[str, Any]]) -> None:
            here.backend.reset()
            there.backend.reset()
            here.backend.seed({"id": f"enc_{number}", **body} for number, body in enumerate(found))
            records = here.exported()
            assert there.ended(there.load(lines_of(*records)))["errors"] == []
            assert there.exported() == records
            assert len(records) == len(found)

        check()
