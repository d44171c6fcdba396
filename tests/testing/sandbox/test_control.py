"""Control of a sandbox over HTTP, as a program in another language uses it: with JSON alone."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.client import RemoteDisconnected
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinik_client.testing import Sandbox, SandboxClock
from tests.testing.asking import Response, ask

START = datetime(2025, 6, 1, 9, tzinfo=UTC)
KEY = "clk_test_sandbox"
CREATE = {"status": "planned", "class": "VR", "patientId": "pt_abc123"}
RECORD = {"id": "enc_1", **CREATE}


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(seed=3, clock=SandboxClock(START, running=False)) as sandbox:
        yield sandbox


class Program:
    """A program that tests itself with a sandbox: it knows its port, and nothing of Python."""

    def __init__(self, port: int) -> None:
        self.port = port

    def call(self, method: str, target: str, json: Any = None) -> Response:
        """Call the API."""
        return ask(self.port, method, target, json=json, key=KEY)

    def create(self) -> str:
        response = self.call("POST", "/v1/encounters", CREATE)
        assert response.status == 201
        return str(response.json["data"]["id"])

    def found(self) -> int:
        """How many encounters a search finds."""
        return int(self.call("GET", "/v1/encounters").json["data"]["total"])

    def steer(self, method: str, name: str, json: Any = None, **options: Any) -> Response:
        """Ask the control for something, whether it can be done or not."""
        return ask(self.port, method, f"/_sandbox/{name}", json=json, key=None, **options)

    def get(self, name: str) -> Any:
        return self.told("GET", name)

    def told(self, method: str, name: str, json: Any = None, **options: Any) -> Any:
        """What the control says to something that can be done."""
        response = self.steer(method, name, json, **options)
        assert (response.status, response.headers["content-type"]) == (200, "application/json"), response.body
        assert response.headers["cache-control"] == "no-store"
        return response.json

    def refused(self, method: str, name: str, json: Any = None, **options: Any) -> str:
        """What is wrong with something that cannot be done: one sentence."""
        response = self.steer(method, name, json, **options)
        assert response.status == 400
        [(kind, sentence)] = response.json.items()
        assert kind == "error"
        assert "\n" not in sentence
        for word in ("Traceback", "<class", "__init__", "None", "True", "Attribute"):
            assert word not in sentence
        return str(sentence)


@pytest.fixture
def program(sandbox: Sandbox) -> Program:
    return Program(sandbox.port)


# -- journal and ledger -----------------------------------------------------------------------------------------------


def test_the_journal_tells_each_request_and_what_came_of_it(program: Program) -> None:
    name = program.create()
    program.call("GET", "/v1/encounters/enc_none")
    told = program.get("journal")
    assert {key: told[key] for key in ("received", "applied", "forgotten")} == {
        "received": 2,
        "applied": 1,
        "forgotten": 0,
    }
    create, read = told["entries"]
    assert list(create) == [
        *("number", "received", "method", "target", "operation", "hasKey", "requestHeaders", "requestBody"),
        *("status", "responseHeaders", "responseBody", "applied", "fault", "refusal"),
    ]
    assert (create["number"], create["received"]) == (1, "2025-06-01T09:00:00+00:00")
    assert (create["method"], create["target"], create["operation"]) == ("POST", "/v1/encounters", "create")
    assert orjson.loads(create["requestBody"]) == CREATE
    assert orjson.loads(create["responseBody"])["data"] == {"id": name, **CREATE}
    assert ["content-type", "application/json"] in create["requestHeaders"]
    assert (create["status"], create["applied"], create["fault"], create["refusal"]) == (201, True, None, None)
    assert (read["number"], read["operation"], read["status"], read["applied"]) == (2, "read", 404, False)


def test_of_the_journal_only_the_later_entries_can_be_had(program: Program) -> None:
    for _ in range(3):
        program.create()
    assert [entry["number"] for entry in program.get("journal?after=1")["entries"]] == [2, 3]
    assert program.get("journal?after=3") == {"received": 3, "applied": 3, "forgotten": 0, "entries": []}
    assert program.get("journal?after=999999999")["entries"] == []


@pytest.mark.parametrize("after", ["", "-1", "x", "1.5", "%C2%B2", "%D9%A1", "1" * 5000])
def test_a_place_in_the_journal_is_a_number(program: Program, after: str) -> None:
    assert program.refused("GET", f"journal?after={after}") == "after is the number of an entry"


def test_an_emptied_journal_begins_anew_and_says_so(program: Program) -> None:
    program.create()
    program.create()
    assert program.told("DELETE", "journal") == {"received": 0, "applied": 0, "forgotten": 2, "entries": []}
    program.create()
    told = program.get("journal")
    assert [entry["number"] for entry in told["entries"]] == [1]
    assert (told["received"], told["forgotten"], program.get("ledger")["applied"]["create"]) == (1, 2, 1)
    assert len(program.get("records")["records"]) == 6  # nothing else has changed


def test_the_ledger_has_a_number_for_every_operation(program: Program) -> None:
    name = program.create()
    program.call("GET", f"/v1/encounters/{name}")
    program.call("DELETE", f"/v1/encounters/{name}")
    program.call("DELETE", f"/v1/encounters/{name}")
    program.call("GET", "/v1/nothing")
    ledger = program.get("ledger")
    received, applied = ledger["received"], ledger["applied"]
    assert list(received) == list(applied)
    assert {"total": 5, "create": 1, "read": 1, "delete": 2, "other": 1, "update": 0, "search": 0}.items() <= (
        received.items()
    )
    assert {"total": 2, "create": 1, "read": 0, "delete": 1, "other": 0, "update": 0, "search": 0}.items() <= (
        applied.items()
    )


def test_the_ledger_counts_the_keys_that_were_sent_to_downloads(program: Program) -> None:
    assert program.get("ledger")["keysSentToDownloads"] == 0
    job = program.call("POST", "/v1/bulk/export", {"resourceTypes": ["Encounter"]}).json["data"]["jobId"]
    program.told("POST", "clock", {"advance": 4})
    url = urlsplit(program.call("GET", f"/v1/bulk/jobs/{job}").json["data"]["downloadUrl"])
    assert ask(url.port or 0, "GET", f"{url.path}?{url.query}", key=KEY).status == 400
    assert program.get("ledger")["keysSentToDownloads"] == 1


def test_the_control_is_in_no_journal_and_needs_no_key(program: Program) -> None:
    for name in (
        "",
        "page.js",
        "journal",
        "ledger",
        "faults",
        "clock",
        "records",
        "settings",
        "usage",
        "keys",
        "nothing",
    ):
        program.steer("GET", name)
    program.steer("POST", "clock", {"advance": 1})
    assert program.get("journal")["received"] == 0


def test_no_key_is_in_the_journal(program: Program) -> None:
    ask(program.port, "GET", f"/v1/encounters?cursor={KEY}", key=KEY, headers={"authorization": f"Bearer {KEY}"})
    response = program.steer("GET", "journal")
    assert b"clk_" not in response.body
    assert response.json["entries"][0]["hasKey"] is True


# -- clock ------------------------------------------------------------------------------------------------------------


def test_the_clock_shows_what_time_it_is(program: Program) -> None:
    assert program.get("clock") == {"now": "2025-06-01T09:00:00+00:00", "running": False}


def test_the_clock_can_be_moved_and_searches_follow(program: Program) -> None:
    program.create()
    assert program.found() == 3
    assert program.told("POST", "clock", {"advance": 9.5})["now"] == "2025-06-01T09:00:09.500000+00:00"
    assert program.found() == 3
    assert program.told("POST", "clock", {"advance": 0.5})["now"] == "2025-06-01T09:00:10+00:00"
    assert program.found() == 4


@pytest.mark.parametrize("moment", ["2031-02-03T04:05:06Z", "2031-02-03T05:05:06+01:00"])
def test_the_clock_can_be_set(program: Program, moment: str) -> None:
    assert program.told("POST", "clock", {"set": moment}) == {"now": "2031-02-03T04:05:06+00:00", "running": False}


def test_the_clock_can_run_and_stop(program: Program, sandbox: Sandbox) -> None:
    assert program.told("POST", "clock", {"running": True})["running"] is True
    assert sandbox.clock.running
    assert program.told("POST", "clock", {"running": False})["running"] is False
    assert not sandbox.clock.running


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ({"advance": -1}, "a clock is advanced by 0 seconds or more; set moves it anywhere"),
        ({"advance": "10"}, "advance is a number of seconds"),
        ({"advance": True}, "advance is a number of seconds"),
        ({"advance": None}, "advance is a number of seconds"),
        ({"advance": 1e300}, "the clock cannot go so far"),
        ({"advance": 1e12}, "the clock cannot go so far"),
        ({"running": 1}, "running is true or false"),
        ({"set": "2025-06-01T09:00:00"}, "set is a moment with an offset from UTC, such as 2025-06-01T09:00:00Z"),
        ({"set": "tomorrow"}, "set is a moment with an offset from UTC, such as 2025-06-01T09:00:00Z"),
        ({"set": None}, "set is a moment with an offset from UTC, such as 2025-06-01T09:00:00Z"),
        ({"set": 5}, "set is a moment with an offset from UTC, such as 2025-06-01T09:00:00Z"),
        ({"set": "0001-01-01T00:00:00Z"}, "a sandbox's time is in the years 2 to 9998"),
        ({"set": "2025-06-01T09:00:00Z", "advance": 1}, "give one of advance, set and running"),
        ({}, "give one of advance, set and running"),
        ({"advnace": 1}, "there is no 'advnace' here; there are advance, set, running"),
    ],
)
def test_a_clock_that_is_told_something_wrong_stays_as_it_is(program: Program, told: Any, sentence: str) -> None:
    assert program.refused("POST", "clock", told) == sentence
    assert program.get("clock") == {"now": "2025-06-01T09:00:00+00:00", "running": False}


# -- reset and seed ---------------------------------------------------------------------------------------------------


def test_reset_goes_back_to_the_beginning(program: Program) -> None:
    before = {name: program.get(name) for name in ("records", "settings", "keys", "clock", "ledger", "faults")}
    names = [program.create(), program.create()]
    program.told("POST", "clock", {"advance": 60})
    program.told("POST", "clock", {"running": True})
    program.told("PATCH", "settings", {"shape": "fhir", "plan": {"rate": 3}})
    program.told("POST", "keys", {"text": "clk_test_mine"})
    assert program.told("POST", "reset") == {"count": 3}
    assert {name: program.get(name) for name in before} == before
    assert [program.create(), program.create()] == names


def test_a_seed_of_made_up_encounters_is_a_count(program: Program) -> None:
    assert program.told("POST", "seed", {"count": 25}) == {"count": 25}
    assert program.found() == 25
    program.create()
    assert program.told("POST", "reset") == {"count": 25}


FHIR = {
    "resourceType": "Encounter",
    "id": "enc_2",
    "status": "planned",
    "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "VR"},
    "subject": {"reference": "Patient/pt_abc123"},
}
LINES = b"\n".join([orjson.dumps(RECORD), b"", orjson.dumps(FHIR), b""])


@pytest.mark.parametrize(
    "body",
    [orjson.dumps([RECORD, FHIR]), LINES, LINES.replace(b"\n", b"\r\n")],
    ids=["array", "lines", "lines of Windows"],
)
def test_a_seed_has_records_of_either_shape(program: Program, body: bytes) -> None:
    assert program.told("POST", "seed", body=body) == {"count": 2}
    assert program.get("records")["records"] == [RECORD, {"id": "enc_2", **CREATE}]
    assert program.call("GET", "/v1/encounters/enc_2").json["data"] == {"id": "enc_2", **CREATE}
    program.call("DELETE", "/v1/encounters/enc_2")
    assert program.told("POST", "reset") == {"count": 2}


@pytest.mark.parametrize("indent", [None, orjson.OPT_INDENT_2])
def test_a_seed_may_be_one_record(program: Program, indent: int | None) -> None:
    assert program.told("POST", "seed", body=orjson.dumps(RECORD, option=indent)) == {"count": 1}
    assert program.get("records") == {"records": [RECORD]}


def test_a_seed_may_be_what_the_control_or_the_service_tells(program: Program) -> None:
    before = program.get("records")
    for told in (before, program.call("GET", "/v1/encounters").json):
        program.told("POST", "seed", [])
        assert program.told("POST", "seed", told) == {"count": 3}
        assert program.get("records") == before


@pytest.mark.parametrize("body", [b"", b" \n", b"{}"])
def test_reset_takes_an_empty_body(program: Program, body: bytes) -> None:
    program.create()
    assert program.told("POST", "reset", body=body) == {"count": 3}


@pytest.mark.parametrize("body", [b'{"count": 5}', b"[]", b"null", b"{", b"seed=5"])
def test_reset_refuses_what_it_would_ignore(program: Program, body: bytes) -> None:
    program.create()
    assert program.refused("POST", "reset", body=body) == "reset takes nothing: it goes back to the seed"
    assert len(program.get("records")["records"]) == 4


def test_a_seed_may_be_nothing(program: Program) -> None:
    assert program.told("POST", "seed", []) == {"count": 0}
    assert program.told("POST", "seed", {"count": 0}) == {"count": 0}
    assert program.found() == 0


GOOD = b'{"status": "planned", "class": "VR"}'


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b'{"count": -1}', "a seed of made-up encounters is 0 to 100,000"),
        (b'{"count": 100001}', "a seed of made-up encounters is 0 to 100,000"),
        (b'{"count": true}', "count is a whole number"),
        (b'{"count": 2.5}', "count is a whole number"),
        (b'{"count": 99999999999999999999}', "count is a whole number"),
        (b"[1]", "record 1: an encounter is an object"),
        (b"5", "record 1: an encounter is an object"),
        (b'[{"id": 5}]', "record 1: its id is none that the API could have given"),
        (b'[%b, {"resourceType": "Patient"}]' % GOOD, "record 2: this is another resource than an Encounter"),
        (GOOD + b"\n\n{", "line 3: this is not JSON; a seed is a JSON array, or has one record a line"),
        (GOOD + b"\n[]\n", "line 2: an encounter is an object"),
        (orjson.dumps(RECORD) + b"\n" + orjson.dumps(RECORD), "line 2: an encounter with this id was there before"),
        (b'{"cuont": 5}', "record 1: cuont: unknown field; status: Required; class: Required"),
        (b'{"count": 3, "x": 1}', "there is no 'x' here; there are count"),
        (b'{"data": {"count": 3}}', "record 1: count: unknown field; status: Required; class: Required"),
        (b"", "a seed is a count, a JSON array, or has one record a line"),
        (b" \n", "a seed is a count, a JSON array, or has one record a line"),
    ],
)
def test_a_wrong_seed_says_where_and_changes_nothing(program: Program, body: bytes, sentence: str) -> None:
    before = program.get("records")
    assert program.refused("POST", "seed", body=body) == sentence
    assert program.get("records") == before
    assert program.told("POST", "reset") == {"count": 3}


def test_a_wrong_record_is_told_without_its_values(program: Program) -> None:
    body = GOOD + b'\n{"period": {"start": ' + b"[" * 900 + b'"c4n4ry"' + b"]" * 900 + b"}}"
    sentence = program.refused("POST", "seed", body=body)
    assert sentence.startswith("line 2: ")
    assert "c4n4ry" not in sentence


# -- settings ---------------------------------------------------------------------------------------------------------

USUAL = {
    "shape": "simple",
    "include": "record",
    "lag": 10.0,
    "total": True,
    "phantom": False,
    "errors": "api",
    "mergeHospitalization": False,
    "mediaTypes": {},
    "jobSeconds": 4.0,
    "plan": {"rate": 500, "monthly": 600_000, "sandbox": 600_000, "overage": False, "bulk": 5},
}


def test_the_settings_are_told(program: Program) -> None:
    assert USUAL.items() <= program.get("settings").items()


@pytest.mark.parametrize(
    "change",
    [
        {"shape": "fhir", "lag": 0},
        {"mergeHospitalization": True, "total": False, "phantom": True},
        {"mediaTypes": {"create": ["application/fhir+json"], "update": []}},
        {"include": "bundle", "errors": "fhir"},
        {},
    ],
)
def test_settings_are_changed_one_by_one(program: Program, change: dict[str, Any]) -> None:
    assert {**USUAL, **change}.items() <= program.told("PATCH", "settings", change).items()
    assert {**USUAL, **change}.items() <= program.get("settings").items()


def test_a_change_holds_from_the_next_request_on(program: Program) -> None:
    program.told("PATCH", "settings", {"shape": "fhir"})
    assert program.call("GET", "/v1/encounters/enc_seed0001").json["data"]["resourceType"] == "Encounter"
    program.told("PATCH", "settings", {"mediaTypes": {"create": ["application/fhir+json"]}})
    assert program.call("POST", "/v1/encounters", CREATE).status == 415
    program.told("PATCH", "settings", {"plan": {"rate": 2}})
    assert program.call("GET", "/v1/encounters/enc_seed0001").status == 429


def test_of_the_plan_what_is_not_named_stays(program: Program) -> None:
    program.told("PATCH", "settings", {"plan": {"rate": 7}})
    told = program.told("PATCH", "settings", {"plan": {"overage": True}, "lag": 1.5})
    plan = {"rate": 7, "monthly": 600_000, "sandbox": 600_000, "overage": True, "bulk": 5}
    assert (told["plan"], told["lag"]) == (plan, 1.5)


def test_null_is_a_time_that_never_comes(program: Program, sandbox: Sandbox) -> None:
    told = program.told("PATCH", "settings", {"lag": None, "jobSeconds": None})
    assert (told["lag"], told["jobSeconds"]) == (None, None)
    assert sandbox.settings.lag == sandbox.settings.job_seconds == math.inf
    program.create()
    program.told("POST", "clock", {"advance": 10**9})
    assert program.found() == 3


@pytest.mark.parametrize("change", [{}, {"lag": None, "mediaTypes": {"create": ["text/plain"]}}])
def test_settings_as_they_are_told_can_be_given_again(program: Program, change: dict[str, Any]) -> None:
    told = program.told("PATCH", "settings", change)
    program.told("POST", "reset")
    assert program.told("PATCH", "settings", told) == told


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"shape": "round"}, "shape is one of simple, fhir, mixed"),
        ({"shape": ["fhir"]}, "shape is one of simple, fhir, mixed"),
        ({"include": None}, "include is one of record, bundle"),
        ({"errors": 1}, "errors is one of api, fhir"),
        ({"lag": -1}, "lag is a number of seconds, 0 or more"),
        ({"lag": "10"}, "lag is a number of seconds, 0 or more"),
        ({"lag": True}, "lag is a number of seconds, 0 or more"),
        ({"total": 1}, "total is true or false"),
        ({"phantom": "true"}, "phantom is true or false"),
        ({"mergeHospitalization": None}, "mergeHospitalization is true or false"),
        ({"mediaTypes": []}, "mediaTypes are lists of texts, by operation"),
        ({"mediaTypes": {"create": "text/plain"}}, "mediaTypes are lists of texts, by operation"),
        ({"mediaTypes": {"create": [1]}}, "mediaTypes are lists of texts, by operation"),
        ({"plan": None}, "plan is an object"),
        ({"plan": []}, "plan is an object"),
        ({"plan": {"rate": 0}}, "rate is a whole number, 1 or more"),
        ({"plan": {"monthly": -1}}, "monthly is a whole number, 0 or more"),
        ({"plan": {"sandbox": 1.5}}, "sandbox is a whole number, 0 or more"),
        ({"plan": {"sandbox": 2**60}}, "sandbox is a whole number, 0 or more"),
        ({"plan": {"overage": "no"}}, "overage is true or false"),
        ({"plan": {"speed": 1}}, "there is no 'speed' here; there are rate, monthly, sandbox, overage, bulk"),
    ],
)
def test_a_wrong_setting_is_one_sentence_and_changes_nothing(
    program: Program, change: dict[str, Any], sentence: str
) -> None:
    assert program.refused("PATCH", "settings", {"shape": "fhir", **change}) == sentence
    assert USUAL.items() <= program.get("settings").items()


@pytest.mark.parametrize("name", ["shap", "merge_hospitalization", "media_types", "Lag"])
def test_a_setting_that_there_is_not_is_told_with_those_that_there_are(program: Program, name: str) -> None:
    sentence = program.refused("PATCH", "settings", {name: True})
    assert sentence.startswith(f"there is no '{name}' here; there are shape, include, lag, ")
    assert "mergeHospitalization, mediaTypes" in sentence


def test_an_operation_that_there_is_not_is_told(program: Program) -> None:
    sentence = program.refused("PATCH", "settings", {"mediaTypes": {"make": []}})
    assert sentence.startswith("mediaTypes: no operation is called 'make'; there are create, read, ")


# -- usage ------------------------------------------------------------------------------------------------------------


def test_the_usage_is_told_and_brings_a_limit_near(program: Program) -> None:
    program.create()
    assert program.get("usage") == {"used": 0, "sandboxUsed": 1}
    assert program.told("PATCH", "usage", {"sandboxUsed": 600_000}) == {"used": 0, "sandboxUsed": 600_000}
    refused = program.call("GET", "/v1/encounters")
    assert (refused.status, refused.json["code"]) == (429, "SANDBOX_QUOTA_EXCEEDED")
    assert program.told("PATCH", "usage", {"used": 7}) == {"used": 7, "sandboxUsed": 600_000}
    program.told("POST", "clock", {"advance": 40 * 86400})
    assert program.get("usage") == {"used": 0, "sandboxUsed": 0}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"used": 5, "sandboxUsed": -1}, "sandboxUsed is a whole number, 0 or more"),
        ({"sandboxUsed": 5, "used": None}, "used is a whole number, 0 or more"),
        ({"used": 5, "sandbox_used": 1}, "there is no 'sandbox_used' here; there are used, sandboxUsed"),
    ],
)
def test_a_wrong_usage_is_one_sentence_and_changes_nothing(
    program: Program, change: dict[str, Any], sentence: str
) -> None:
    assert program.refused("PATCH", "usage", change) == sentence
    assert program.get("usage") == {"used": 0, "sandboxUsed": 0}


# -- faults -----------------------------------------------------------------------------------------------------------


def test_a_fault_is_pending_until_requests_have_met_it(program: Program) -> None:
    fault = {"kind": "status", "operation": "create", "times": 2, "status": 503, "retryAfter": 7, "afterApply": True}
    told = program.told("POST", "faults", fault)
    [pending] = told["pending"]
    assert told["met"] == []
    assert fault.items() <= pending.items()
    assert {"nth": 1, "probability": None, "randomSeed": 0, "form": "api", "code": None}.items() <= pending.items()
    assert program.call("GET", "/v1/encounters").status == 200
    refused = program.call("POST", "/v1/encounters", CREATE)
    assert (refused.status, refused.headers["retry-after"]) == (503, "7")
    assert program.get("faults") == {"pending": [pending], "met": [pending]}
    assert program.call("POST", "/v1/encounters", CREATE).status == 503
    assert program.get("faults") == {"pending": [], "met": [pending, pending]}
    assert program.call("POST", "/v1/encounters", CREATE).status == 201
    assert [entry["fault"] for entry in program.get("journal")["entries"]] == [None, "status", "status", None]
    assert program.get("ledger")["applied"]["create"] == 3


def test_a_fault_as_it_is_told_can_be_given_again(program: Program) -> None:
    fault = {"kind": "latency", "seconds": [0.0, 0.0], "nth": 2, "probability": 0.5, "randomSeed": 7, "times": None}
    [told] = program.told("POST", "faults", fault)["pending"]
    assert fault.items() <= told.items()
    program.told("DELETE", "faults")
    assert program.told("POST", "faults", told)["pending"] == [told]


def test_faults_are_taken_back(program: Program) -> None:
    program.told("POST", "faults", {"kind": "status"})
    program.call("GET", "/v1/encounters")
    program.told("POST", "faults", {"kind": "reset"})
    assert program.told("DELETE", "faults") == {"pending": [], "met": []}
    program.told("POST", "faults", {"kind": "reset"})
    program.told("POST", "reset")
    assert program.get("faults") == {"pending": [], "met": []}
    assert program.call("GET", "/v1/encounters").status == 200


def test_the_control_meets_no_fault(program: Program) -> None:
    program.told("POST", "faults", {"kind": "close", "times": None})
    assert program.get("ledger")["received"]["total"] == 0
    with pytest.raises(RemoteDisconnected):
        program.call("GET", "/v1/encounters")
    [entry] = program.get("journal")["entries"]
    assert (entry["fault"], entry["status"], entry["applied"]) == ("close", None, False)


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ({}, "a fault needs a kind. There are reset, close, "),
        ({"kind": "rest"}, "there is no kind of fault 'rest'; did you mean 'reset'? There are "),
        ({"kind": ["reset"]}, "there is no kind of fault "),
        ({"kind": "reset", "operation": "creat"}, "there is no operation 'creat'; did you mean 'create'? There are "),
        ({"kind": "reset", "nth": 0}, "a fault's nth is a whole number from 1, not 0"),
        ({"kind": "reset", "afterApply": 1}, "a fault's afterApply is true or false, not 1"),
        ({"kind": "reset", "randomSeed": "x"}, "a fault's randomSeed is a whole number from 0, not 'x'"),
        ({"kind": "status", "retryAfter": -1}, "a fault's retryAfter is a whole number from 0, or null for no header"),
        ({"kind": "status", "status": 99}, "a fault's status is a whole number from 200 to 599, not 99"),
        ({"kind": "latency", "seconds": [2, 1]}, "a fault's seconds is a number from 0 to a day, or a range of two"),
        ({"kind": "reset", "status": 500}, "there is no argument of a fault 'status'. There are kind, "),
        ({"kind": "reset", "after_apply": True}, "there is no 'after_apply' here; there are kind, operation, nth, "),
        ({"kind": "reset", "oparation": "read"}, "there is no 'oparation' here; there are kind, operation, nth, "),
    ],
)
def test_a_wrong_fault_is_one_sentence_and_is_not_added(program: Program, fault: Any, sentence: str) -> None:
    assert program.refused("POST", "faults", fault).startswith(sentence)
    assert program.get("faults") == {"pending": [], "met": []}


# -- keys -------------------------------------------------------------------------------------------------------------


def test_the_keys_are_told(program: Program) -> None:
    keys = {key["text"]: key for key in program.get("keys")["keys"]}
    assert keys[KEY] == {
        "text": KEY,
        "scopes": ["*"],
        "organization": "org_sandbox",
        "revoked": False,
        "expires": None,
        "environment": "test",
    }
    assert keys["clk_live_sandbox"]["environment"] == "live"
    assert keys["clk_test_readonly"]["scopes"] == ["read"]


def test_a_key_can_be_added_and_replaced(program: Program) -> None:
    def status(method: str) -> int:
        return ask(program.port, method, "/v1/encounters/enc_seed0001", key="clk_test_mine").status

    assert status("GET") == 401
    told = program.told("POST", "keys", {"text": "clk_test_mine", "scopes": ["read"]})
    assert "clk_test_mine" in [key["text"] for key in told["keys"]]
    assert (status("GET"), status("DELETE")) == (200, 403)
    program.told("POST", "keys", {"text": "clk_test_mine", "expires": "2025-06-01T11:00:10+02:00"})
    assert status("GET") == 200
    program.told("POST", "clock", {"advance": 10})
    assert status("GET") == 401
    program.told("POST", "keys", {"text": "clk_test_mine", "organization": "org_other"})
    assert status("GET") == 404
    program.told("POST", "keys", {"text": "clk_test_mine", "revoked": True, "expires": None})
    assert status("GET") == 401


def test_keys_as_they_are_told_can_be_given_again(program: Program) -> None:
    told = program.get("keys")
    for key in told["keys"]:
        assert program.told("POST", "keys", key) == told


@pytest.mark.parametrize(
    ("key", "sentence"),
    [
        ({"text": "clk_test_x", "environment": "live"}, "environment is what the text of the key says: test or live"),
        ({"text": "clk_test_x", "environment": 5}, "environment is what the text of the key says: test or live"),
        ({}, "a key needs its text"),
        ({"text": 1}, "text is the key itself"),
        ({"text": "secret"}, "a key is clk_test_ or clk_live_, then letters, digits, _ and -"),
        ({"text": "clk_test_"}, "a key is clk_test_ or clk_live_, then letters, digits, _ and -"),
        ({"text": "clk_test_x", "scopes": "read"}, "scopes is a list"),
        ({"text": "clk_test_x", "scopes": []}, "scopes are some of read, write, *"),
        ({"text": "clk_test_x", "scopes": [{}]}, "scopes are some of read, write, *"),
        ({"text": "clk_test_x", "organization": None}, "organization is a text"),
        ({"text": "clk_test_x", "revoked": 0}, "revoked is true or false"),
        ({"text": "clk_test_x", "expires": "soon"}, "expires is a moment with an offset from UTC, such as 20"),
        ({"key": "clk_test_x"}, "there is no 'key' here; there are text, scopes, organization, revoked, expires"),
    ],
)
def test_a_wrong_key_is_one_sentence_and_is_not_added(program: Program, key: dict[str, Any], sentence: str) -> None:
    before = program.get("keys")
    assert program.refused("POST", "keys", key).startswith(sentence)
    assert program.get("keys") == before


# -- the door ---------------------------------------------------------------------------------------------------------

METHODS = {
    "": "GET",
    "page.js": "GET",
    "journal": "GET, DELETE",
    "ledger": "GET",
    "faults": "GET, POST, DELETE",
    "clock": "GET, POST",
    "reset": "POST",
    "seed": "POST",
    "records": "GET",
    "settings": "GET, PATCH",
    "usage": "GET, PATCH",
    "keys": "GET, POST",
}


@pytest.mark.parametrize("name", METHODS)
def test_a_wrong_method_is_told_the_right_ones(program: Program, name: str) -> None:
    for method in ("PUT", "OPTIONS", "get", *({"GET", "POST", "PATCH", "DELETE"} - {*METHODS[name].split(", ")})):
        response = program.steer(method, name)
        assert (response.status, response.headers["allow"]) == (405, METHODS[name])
        assert response.json == {"error": f"this takes {METHODS[name]}"}
    assert program.get("ledger")["received"]["total"] == 0


@pytest.mark.parametrize("name", ["nothing", "journal/", "/journal", "Journal", "journal/1", "page.html", "%6Aournal"])
def test_an_unknown_name_is_told_what_there_is(program: Program, name: str) -> None:
    response = program.steer("GET", name)
    assert response.status == 404
    known = "journal, ledger, faults, clock, reset, seed, records, settings, usage, keys"
    assert response.json == {"error": f"below /_sandbox/ there are {known}"}


@pytest.mark.parametrize("query", ["?", "?x=1"])
def test_the_path_without_its_slash_leads_to_the_page(program: Program, query: str) -> None:
    response = ask(program.port, "GET", f"/_sandbox{query}", key=None)
    assert (response.status, response.headers["location"]) == (308, "/_sandbox/")
    assert program.get("journal")["received"] == 0


@pytest.mark.parametrize("target", ["journal?afer=1", "ledger?x=1", "clock?after=1&x", "faults?after=1", "?after=1"])
def test_an_unknown_parameter_is_refused(program: Program, target: str) -> None:
    assert program.refused("GET", target).startswith("there is no '")


@pytest.mark.parametrize(
    ("method", "name"),
    [("POST", "clock"), ("PATCH", "settings"), ("PATCH", "usage"), ("POST", "keys"), ("POST", "faults")],
)
@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"null", b"[]", b'"x"', b"[" * 2000, b"{'advance': 1}"])
def test_a_body_is_a_json_object(program: Program, method: str, name: str, body: bytes) -> None:
    assert program.refused(method, name, body=body) == "the body must be a JSON object"


@pytest.mark.parametrize(
    "origin", ["https://example.com", "http://127.0.0.1", "http://localhost:{port}", "null", "", "http://127.0.0.1:1"]
)
def test_a_page_of_another_site_may_not_steer(program: Program, origin: str) -> None:
    headers = {"origin": origin.format(port=program.port)}
    for method, name in (("POST", "reset"), ("GET", "journal"), ("POST", "clock"), ("DELETE", "journal")):
        response = program.steer(method, name, headers=headers)
        assert response.status == 403
        assert response.json == {"error": "a page of another site may not steer the sandbox"}
        assert not any(header.startswith("access-control-") for header in response.headers)


@pytest.mark.parametrize("name", ["clinik.example", "127.0.0.1.clinik.example", "localhost.example", "clinikapi"])
def test_a_name_that_leads_here_from_another_site_is_refused(program: Program, name: str) -> None:
    host = f"{name}:{program.port}"
    for headers in ({"host": host}, {"host": host, "origin": f"http://{host}"}):
        for method, target in (("GET", "journal"), ("POST", "reset"), ("GET", "")):
            response = program.steer(method, target, headers=headers)
            assert response.status == 403
            assert response.json == {"error": "ask for localhost or an address: another name may be another site's"}


@pytest.mark.parametrize("name", ["localhost", "LOCALHOST", "clinik.localhost", "127.0.0.1", "10.1.2.3", "[::1]"])
def test_its_own_names_are_taken(program: Program, name: str) -> None:
    assert program.told("POST", "reset", headers={"host": f"{name}:{program.port}"}) == {"count": 3}


def test_one_that_all_networks_can_reach_is_taken_by_any_name() -> None:
    with Sandbox(seed=3, host="0.0.0.0") as sandbox:
        headers = {"host": f"host.docker.internal:{sandbox.port}"}
        assert Program(sandbox.port).told("POST", "reset", headers=headers) == {"count": 3}


def test_its_own_page_may_steer(program: Program) -> None:
    origin = {"origin": f"http://127.0.0.1:{program.port}"}
    assert program.told("POST", "reset", headers=origin) == {"count": 3}


ENDPOINTS = [(method, name) for name, methods in METHODS.items() for method in methods.split(", ")]
NAMES = [
    *("count", "advance", "set", "running", "text", "scopes", "expires", "revoked", "organization", "plan", "rate"),
    *("shape", "lag", "total", "mediaTypes", "create", "kind", "operation", "nth", "times", "probability", "seconds"),
    *("afterApply", "status", "code", "retryAfter", "at", "id", "class", "period", "start", "resourceType", "subject"),
]
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53).filter(lambda count: not 1000 < count <= 100_000)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
    | st.sampled_from(["2025-06-01T09:00:00Z", "9998-12-31T23:59:59Z", "clk_test_x", "fhir", "status", "reset"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=8,
)


@given(
    endpoint=st.sampled_from(ENDPOINTS),
    body=st.binary(max_size=20) | st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=3).map(orjson.dumps),
    lines=st.lists(VALUES.map(orjson.dumps), max_size=2),
)
def test_whatever_is_sent_the_control_and_the_service_go_on(
    fuzzed: Program, endpoint: tuple[str, str], body: bytes, lines: list[bytes]
) -> None:
    method, name = endpoint
    response = fuzzed.steer(method, name, body=b"\n".join([body, *lines]))
    assert response.status in (200, 400)
    if response.status == 400:
        assert response.json.keys() == {"error"}
    assert fuzzed.steer("DELETE", "faults").status == 200
    for target in ("/v1/encounters", "/v1/encounters?sort=-date&status=planned&dateFrom=2025-01-01"):
        assert fuzzed.call("GET", target).status in (200, 429)


@pytest.fixture(scope="module")
def fuzzed() -> Iterator[Program]:
    failures: list[threading.ExceptHookArgs] = []
    before, threading.excepthook = threading.excepthook, failures.append
    with Sandbox(seed=3) as sandbox:
        yield Program(sandbox.port)
    threading.excepthook = before
    assert failures == []
