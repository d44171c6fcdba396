"""From a request to an answer: keys, scopes, limits, media types, paths, and what a reset gives back."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinik_client import Clinik
from clinik_client.testing import WireServer
from clinik_client.testing._sandbox.backend import SandboxBackend
from clinik_client.testing._sandbox.keys import SandboxKey
from clinik_client.testing._sandbox.limits import Plan
from clinik_client.testing._sandbox.seed import records_of
from tests.canary import CANARY
from tests.testing.in_memory import START, MemoryAnswer, ask_memory, request_of, sandbox

MINIMAL = {"status": "planned", "class": "VR", "patientId": "pt_1"}
ONE = {"id": "enc_1", **MINIMAL}
# Each operation, as it is asked for.
ASKED: dict[str, tuple[str, str, Any]] = {
    "create": ("POST", "/v1/encounters", MINIMAL),
    "read": ("GET", "/v1/encounters/enc_1", None),
    "update": ("PATCH", "/v1/encounters/enc_1", {"status": "finished"}),
    "delete": ("DELETE", "/v1/encounters/enc_1", None),
    "search": ("GET", "/v1/encounters", None),
}


def ask_for(backend: SandboxBackend, operation: str, **request: Any) -> MemoryAnswer:
    method, target, json = ASKED[operation]
    return ask_memory(backend, method, target, **{"json": json, **request})


# -- keys -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", ASKED)
@pytest.mark.parametrize(
    ("key", "code"),
    [
        (None, "UNAUTHORIZED"),
        ("", "UNAUTHORIZED"),
        (f"sk_{CANARY}", "INVALID_KEY_FORMAT"),
        (f"clk_test_{CANARY}", "INVALID_KEY"),
        ("clk_test_revoked", "KEY_REVOKED"),
        ("clk_test_expired", "KEY_EXPIRED"),
    ],
)
def test_no_operation_works_without_a_key_that_does(operation: str, key: str | None, code: str) -> None:
    backend = sandbox([ONE])
    answer = ask_for(backend, operation, key=key)
    assert (answer.status, answer.code, answer.applied) == (401, code, False)
    # Nobody's limits can be told.
    assert answer.headers.keys() == {"content-type", "x-request-id", "x-timestamp"}
    assert [stored.record for stored in backend.store()] == [ONE]
    assert CANARY.encode() not in answer.body


def test_a_key_that_is_sent_twice_is_refused() -> None:
    answer = ask_for(sandbox([ONE]), "read", headers=[("X-Api-Key", "clk_test_sandbox")])
    assert (answer.status, answer.code) == (401, "INVALID_KEY_FORMAT")


def test_a_key_expires_while_the_clock_moves() -> None:
    backend = sandbox([ONE])
    backend.keys.add(SandboxKey("clk_test_brief", expires=START + timedelta(hours=1)))
    backend.clock.advance(3599)
    assert ask_for(backend, "read", key="clk_test_brief").status == 200
    backend.clock.advance(1)
    assert ask_for(backend, "read", key="clk_test_brief").code == "KEY_EXPIRED"


@pytest.mark.parametrize(
    ("key", "allowed"),
    [("clk_test_readonly", {"read", "search"}), ("clk_test_writeonly", {"create", "update", "delete"})],
)
def test_a_scope_covers_its_operations_and_no_others(key: str, allowed: set[str]) -> None:
    for operation in ASKED:
        backend = sandbox([ONE])
        answer = ask_for(backend, operation, key=key)
        assert (answer.status < 300) == (operation in allowed), operation
        if operation not in allowed:
            missing = "read" if operation in ("read", "search") else "write"
            assert (answer.status, answer.code, answer.applied) == (403, None, False)
            assert answer.json["message"] == f"The API key lacks the {missing} scope."
            assert [stored.record for stored in backend.store()] == [ONE]


def test_a_scope_is_told_whether_the_record_is_there_or_not() -> None:
    backend = sandbox()
    assert ask_for(backend, "delete", key="clk_test_readonly").status == 403
    assert ask_for(backend, "read", key="clk_test_writeonly").status == 403


# -- whose records ----------------------------------------------------------------------------------------------------


def test_records_of_another_organization_are_not_found() -> None:
    backend = sandbox([ONE], lag=0)
    for operation in ("read", "update", "delete"):
        answer = ask_for(backend, operation, key="clk_test_elsewhere")
        missing = ask_memory(backend, "GET", "/v1/encounters/enc_nowhere")
        assert (answer.status, answer.json["message"]) == (404, missing.json["message"])
    theirs = ask_for(backend, "create", key="clk_test_elsewhere").data["id"]
    assert ask_memory(backend, "GET", f"/v1/encounters/{theirs}").status == 404
    ours = [row["id"] for row in ask_for(backend, "search").data["data"]]
    found = [row["id"] for row in ask_for(backend, "search", key="clk_test_elsewhere").data["data"]]
    assert (ours, found) == (["enc_1"], [theirs])


def test_live_and_test_data_are_apart() -> None:
    backend = sandbox([ONE], lag=0)
    assert ask_for(backend, "update", key="clk_live_sandbox").data["status"] == "finished"
    assert ask_for(backend, "read").data["status"] == "planned"
    made = ask_for(backend, "create").data["id"]
    assert ask_memory(backend, "GET", f"/v1/encounters/{made}", key="clk_live_sandbox").status == 404
    assert (len(backend.store()), len(backend.store(environment="live"))) == (2, 1)
    assert len(backend.store("org_elsewhere")) == 0


def test_all_keys_of_an_organization_work_on_the_same_records() -> None:
    backend = sandbox()
    made = ask_for(backend, "create", key="clk_test_writeonly").data["id"]
    assert ask_memory(backend, "GET", f"/v1/encounters/{made}", key="clk_test_readonly").status == 200


# -- limits -----------------------------------------------------------------------------------------------------------


def test_the_window_is_shared_by_all_keys_of_an_organization_and_by_no_others() -> None:
    backend = sandbox([ONE], plan=Plan(rate=3))
    for key in ("clk_test_sandbox", "clk_live_sandbox", "clk_test_readonly"):
        assert ask_for(backend, "read", key=key).status == 200
    answer = ask_for(backend, "read")
    assert (answer.status, answer.code) == (429, "RATE_LIMITED")
    assert ask_for(backend, "search", key="clk_test_elsewhere").status == 200
    backend.clock.advance(int(answer.headers["retry-after"]) - 1)
    assert ask_for(backend, "read").status == 429
    backend.clock.advance(1)
    assert ask_for(backend, "read").status == 200


def test_a_write_that_is_too_fast_is_not_applied() -> None:
    backend = sandbox([ONE], plan=Plan(rate=1))
    ask_for(backend, "read")
    for operation in ("create", "update", "delete"):
        answer = ask_for(backend, operation)
        assert (answer.status, answer.applied) == (429, False)
    assert [stored.record for stored in backend.store()] == [ONE]


def test_an_error_counts_if_its_key_is_good_and_tells_what_is_left() -> None:
    backend = sandbox(plan=Plan(rate=10))
    told = [
        ask_memory(backend, "GET", "/v1/encounters/enc_nowhere"),
        ask_memory(backend, "GET", "/v1/nothing"),
        ask_memory(backend, "PUT", "/v1/encounters"),
        ask_memory(backend, "POST", "/v1/encounters", json={}),
        ask_memory(backend, "POST", "/v1/encounters", body=b"{", kind="application/json"),
        ask_memory(backend, "POST", "/v1/encounters", body=b"{}", kind="text/plain"),
        ask_for(backend, "delete", key="clk_test_readonly"),
    ]
    assert [answer.status for answer in told] == [404, 404, 405, 422, 400, 415, 403]
    assert [answer.headers["x-ratelimit-remaining"] for answer in told] == ["9", "8", "7", "6", "5", "4", "3"]
    assert backend.usage().sandbox_used == 7


def test_refused_requests_do_not_count() -> None:
    backend = sandbox([ONE], plan=Plan(rate=2))
    for key in (None, "clk_test_nobody", "clk_test_revoked"):
        ask_for(backend, "read", key=key)
    ask_for(backend, "read")
    ask_for(backend, "read")
    for _ in range(5):
        assert ask_for(backend, "read").status == 429
    assert backend.usage().sandbox_used == 2


def test_the_volumes_of_live_and_test_keys_are_apart() -> None:
    backend = sandbox([ONE], plan=Plan(monthly=1, sandbox=1))
    assert ask_for(backend, "read").headers["x-quota-billable"] == "false"
    assert ask_for(backend, "read").code == "SANDBOX_QUOTA_EXCEEDED"
    live = ask_for(backend, "read", key="clk_live_sandbox")
    assert (live.status, live.headers["x-quota-billable"]) == (200, "true")
    assert not [name for name in live.headers if name.startswith("x-sandbox-")]
    answer = ask_for(backend, "read", key="clk_live_sandbox")
    assert (answer.status, answer.code) == (429, "MONTHLY_QUOTA_EXCEEDED")
    assert "retry-after" not in answer.headers
    assert ask_for(backend, "search", key="clk_test_elsewhere").status == 200


def test_another_plan_holds_at_once() -> None:
    backend = sandbox([ONE])
    assert ask_for(backend, "read").headers["x-ratelimit-limit"] == "500"
    backend.settings.plan = Plan(rate=1)
    assert ask_for(backend, "read").status == 429


# -- paths and methods ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", ASKED)
def test_an_operation_is_known_by_method_and_path(operation: str) -> None:
    method, target, json = ASKED[operation]
    backend = sandbox([ONE])
    assert backend.operation_of(request_of(method, f"{target}?a=b", json=json, key=None)) == operation
    assert [stored.record for stored in backend.store()] == [ONE]


@pytest.mark.parametrize(
    ("method", "target"),
    [("PUT", "/v1/encounters"), ("GET", "/v1/encounters/"), ("GET", "/"), ("OPTIONS", "*")],
)
def test_anything_else_is_no_operation(method: str, target: str) -> None:
    assert sandbox().operation_of(request_of(method, target)) is None


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "*",
        "",
        "/v1",
        "/v1/encounters/",
        "/v1//encounters",
        "/v1/encounters//",
        "/v1/encounters/enc_1/",
        "/v1/encounters/enc_1/history",
        "/V1/encounters",
        "/v1/patients",
        "/v2/encounters",
        "/v1/encounters%2Fenc_1",
        "/health/",
        f"/{CANARY}",
        "http://",
        "https://[bad/v1/patients",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_there_is_nothing_at_another_path(method: str, target: str) -> None:
    answer = ask_memory(sandbox([ONE]), method, target)
    assert (answer.status, answer.code) == (404, "NOT_FOUND")
    assert CANARY.encode() not in answer.body


@pytest.mark.parametrize(
    ("target", "allowed"),
    [
        ("/v1/encounters", "GET, POST"),
        ("/v1/encounters/enc_1", "DELETE, GET, PATCH"),
        ("/v1/encounters/enc_nowhere", "DELETE, GET, PATCH"),
        ("/health", "GET"),
        ("/v1/metadata", "GET"),
    ],
)
def test_another_method_is_told_those_that_there_are(target: str, allowed: str) -> None:
    for method in {"GET", "POST", "PATCH", "DELETE", "PUT", "HEAD", "OPTIONS", "get"} - set(allowed.split(", ")):
        answer = ask_memory(sandbox([ONE]), method, target, json=MINIMAL)
        assert (answer.status, answer.code, answer.headers["allow"]) == (405, None, allowed), method
        assert not answer.applied


def test_a_target_may_be_a_whole_url() -> None:
    backend = sandbox([ONE])
    assert ask_memory(backend, "GET", "http://sandbox.example:8080/v1/encounters/enc_1").data == ONE
    assert ask_memory(backend, "GET", "HTTPS://sandbox.example/v1/encounters?count=1&status=planned").data["total"] == 1
    assert ask_memory(backend, "GET", "http://sandbox.example?status=planned").status == 404


@pytest.mark.parametrize(
    "name", ["X-HTTP-Method-Override", "x-http-method-override", "X-HTTP-Method", "X-Method-Override"]
)
@pytest.mark.parametrize("operation", ASKED)
def test_a_header_that_overrides_the_method_is_refused(operation: str, name: str) -> None:
    for value in ("DELETE", ASKED[operation][0], ""):
        answer = ask_for(sandbox([ONE]), operation, headers=[(name, value)])
        assert (answer.status, answer.code, answer.applied) == (400, "METHOD_OVERRIDE_REJECTED", False)


def test_a_parameter_that_overrides_the_method_is_refused() -> None:
    answer = ask_memory(sandbox([ONE]), "POST", "/v1/encounters?_method=DELETE", json=MINIMAL)
    assert (answer.status, answer.code, answer.applied) == (400, "METHOD_OVERRIDE_REJECTED", False)


@pytest.mark.parametrize("key", [None, "clk_test_revoked", "clk_test_sandbox"])
def test_health_and_metadata_need_no_key_and_do_not_count(key: str | None) -> None:
    backend = sandbox(plan=Plan(rate=1))
    for _ in range(3):
        health = ask_memory(backend, "GET", "/health", key=key)
        assert (health.status, health.json) == (200, {"status": "ok"})
        assert health.headers["content-type"] == "application/json"
        metadata = ask_memory(backend, "GET", "/v1/metadata", key=key)
        assert (metadata.status, metadata.json["resourceType"]) == (200, "CapabilityStatement")
        assert metadata.headers["content-type"] == "application/fhir+json"
        assert not [name for name in metadata.headers if name.startswith("x-ratelimit")]
    assert backend.usage().sandbox_used == 0


def test_what_fhir_describes_is_as_fhir_has_it() -> None:
    # Imported here: its pattern of ids is read when it is loaded, and another test changes that before.
    from fhir.resources.R4B.capabilitystatement import CapabilityStatement
    from fhir.resources.R4B.operationoutcome import OperationOutcome

    backend = sandbox(phantom=True)
    statement = ask_memory(backend, "GET", "/v1/metadata").json
    CapabilityStatement.model_validate(statement)
    ((resource,),) = [rest["resource"] for rest in statement["rest"]]
    assert (statement["fhirVersion"], resource["type"]) == ("4.0.1", "Encounter")
    told = [interaction["code"] for interaction in resource["interaction"]]
    assert told == ["create", "read", "patch", "delete", "search-type"]
    (row,) = ask_for(backend, "search").data["data"]
    OperationOutcome.model_validate(row)
    backend.settings.errors = "fhir"
    OperationOutcome.model_validate(ask_for(backend, "read").json)
    OperationOutcome.model_validate(ask_for(backend, "create", json={}).json)


# -- bodies -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind",
    [
        "application/json",
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        "Application/JSON ; charset=utf-8",
        "application/fhir+json",
    ],
)
@pytest.mark.parametrize("operation", ["create", "update"])
def test_a_body_of_a_media_type_of_the_document_is_read(operation: str, kind: str) -> None:
    assert ask_for(sandbox([ONE]), operation, kind=kind).status in (200, 201)


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        ("create", "application/json-patch+json"),
        ("create", "application/x-www-form-urlencoded"),
        ("create", f"text/{CANARY}"),
        ("create", "application/jsonp"),
        ("create", "application/json, application/json"),
        ("create", ""),
        ("create", "*/*"),
        ("update", "application/merge-patch+json"),
        ("update", "text/plain"),
    ],
)
def test_a_body_of_another_media_type_is_refused(operation: str, kind: str) -> None:
    backend = sandbox([ONE])
    answer = ask_for(backend, operation, kind=kind or " ")
    assert (answer.status, answer.code, answer.applied) == (415, None, False)
    assert CANARY.encode() not in answer.body
    assert [stored.record for stored in backend.store()] == [ONE]


def test_a_partial_object_is_a_patch_too() -> None:
    answer = ask_for(sandbox([ONE]), "update", kind="application/json-patch+json")
    assert answer.data == {**ONE, "status": "finished"}


def test_a_body_without_a_media_type_or_with_two_is_refused() -> None:
    backend = sandbox()
    assert ask_memory(backend, "POST", "/v1/encounters", body=b"{}").status == 415
    twice = ask_for(backend, "create", headers=[("content-type", "application/json")])
    assert (twice.status, twice.applied) == (415, False)


def test_the_media_types_can_be_narrowed_by_operation() -> None:
    backend = sandbox([ONE], media_types={"create": ["application/fhir+json"]})
    assert ask_for(backend, "create").json["message"] == "The body must be one of application/fhir+json."
    assert ask_for(backend, "create", kind="application/fhir+json").status == 201
    assert ask_for(backend, "update").status == 200


MEBIBYTE = 1024 * 1024


@pytest.mark.parametrize("operation", ["create", "update"])
def test_a_body_may_have_exactly_one_mebibyte(operation: str) -> None:
    method, target, _ = ASKED[operation]
    body = b'{"status":"planned","class":"VR"' + (b',"patientId":"pt_1"}' if operation == "create" else b"}")
    backend = sandbox([ONE])
    fits = ask_memory(backend, method, target, body=body.ljust(MEBIBYTE), kind="application/json")
    assert fits.applied
    large = ask_memory(backend, method, target, body=body.ljust(MEBIBYTE + 1), kind="application/json")
    assert (large.status, large.code, large.applied) == (413, None, False)


# -- errors -----------------------------------------------------------------------------------------------------------


@given(
    st.sampled_from(["GET", "POST", "PATCH", "DELETE", "PUT", "HEAD"]),
    st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=20),
    st.binary(max_size=20),
    st.sampled_from([None, "", "application/json", "text/plain"]),
    st.sampled_from([None, "clk_test_sandbox", f"clk_test_{CANARY}"]),
)
def test_whatever_is_asked_there_is_an_answer_and_nothing_of_it_comes_back(
    method: str, target: str, body: bytes, kind: str | None, key: str | None
) -> None:
    backend = sandbox([ONE])
    for path in (f"/{CANARY}{target}", f"/v1/encounters?{CANARY}{target}", f"/v1/encounters/{CANARY}{target}", target):
        for errors in ("api", "fhir"):
            backend.settings.change(errors=errors)
            answer = ask_memory(backend, method, path, body=CANARY.encode() + body, kind=kind, key=key)
            assert not answer.applied
            assert CANARY.encode() not in answer.body
            assert CANARY not in str(answer.headers)


def test_every_error_comes_in_fhirs_form_if_that_is_set() -> None:
    backend = sandbox(errors="fhir", plan=Plan(rate=4))
    for answer, status, code in (
        (ask_for(backend, "read", key=None), 401, "login"),
        (ask_for(backend, "read"), 404, "not-found"),
        (ask_for(backend, "delete", key="clk_test_readonly"), 403, "forbidden"),
        (ask_memory(backend, "PUT", "/v1/encounters"), 405, "not-supported"),
        (ask_for(backend, "create", json={}), 422, "invalid"),
        (ask_for(backend, "read"), 429, "throttled"),
    ):
        assert (answer.status, answer.headers["content-type"]) == (status, "application/fhir+json")
        assert answer.json["resourceType"] == "OperationOutcome"
        assert answer.json["issue"][0]["code"] == code


def test_every_answer_has_an_id_of_its_own_and_the_time_of_the_sandbox() -> None:
    backend = sandbox([ONE])
    backend.clock.advance(1.2045)
    answers = [
        *(ask_for(backend, operation) for operation in ASKED),
        ask_for(backend, "read", key=None),
        ask_memory(backend, "GET", "/health"),
    ]
    assert len({answer.headers["x-request-id"] for answer in answers}) == len(answers)
    assert {answer.headers["x-timestamp"] for answer in answers} == {"2025-06-01T09:00:01.204Z"}


# -- going back -------------------------------------------------------------------------------------------------------


def state(backend: SandboxBackend) -> list[Any]:
    """All that a client can see of the records, as often as it is asked."""
    return [ask_for(backend, "search", key=key).data for key in ("clk_test_sandbox", "clk_live_sandbox")]


def lived_in(backend: SandboxBackend) -> list[str]:
    """Change about everything that can be, and tell the ids of the new records."""
    made = [ask_for(backend, "create", key=key).data["id"] for key in ("clk_test_sandbox", "clk_live_sandbox")]
    ask_memory(backend, "PATCH", "/v1/encounters/enc_seed0001", json={"status": "cancelled", "type": "Changed"})
    ask_memory(backend, "DELETE", "/v1/encounters/enc_seed0002")
    backend.keys.add(SandboxKey("clk_test_sandbox", revoked=True))
    backend.settings.change(shape="fhir", lag=0, plan=Plan(rate=1), phantom=True)
    return made


def test_a_reset_gives_back_the_seed_and_the_same_ids_in_the_same_order() -> None:
    backend = sandbox(records_of(10))
    settings, usage = repr(backend.settings), repr(backend.usage())
    before = state(backend)
    first = lived_in(backend)
    backend.reset()
    assert repr(backend.settings) == settings
    assert repr(backend.usage()) == usage
    assert [stored.record for stored in backend.store()] == records_of(10)
    assert state(backend) == before
    assert lived_in(backend) == first


def test_the_ids_of_new_records_do_not_depend_on_what_else_was_asked() -> None:
    quiet, busy = sandbox(), sandbox()
    for _ in range(3):
        ask_for(busy, "search")
        ask_for(busy, "create", key=None)
        assert ask_for(quiet, "create").data["id"] == ask_for(busy, "create").data["id"]


def test_a_reset_does_not_depend_on_what_was_done_to_the_settings_given() -> None:
    backend = sandbox([ONE], lag=3)
    backend.settings.lag = 0
    backend.reset()
    assert backend.settings.lag == 3


def test_another_seed_takes_the_place_of_all_records_and_is_what_a_reset_gives_back() -> None:
    backend = sandbox([ONE])
    ask_for(backend, "create")
    backend.seed(iter(records_of(3)))
    for _ in range(2):
        assert [stored.record for stored in backend.store()] == records_of(3)
        assert [stored.record for stored in backend.store(environment="live")] == records_of(3)
        assert ask_for(backend, "search").data["total"] == 3
        assert ask_for(backend, "read").status == 404
        ask_for(backend, "create")
        backend.reset()


# -- many at once -----------------------------------------------------------------------------------------------------

THREADS, ROUNDS = 8, 12


def together(what: Any) -> list[Any]:
    """What each of some threads gets that begin at the same time."""
    gate = threading.Barrier(THREADS)

    def run(number: int) -> Any:
        gate.wait(30)
        return what(number)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, range(THREADS)))


def test_many_threads_at_once_are_counted_rightly() -> None:
    backend = sandbox([ONE], lag=0, plan=Plan(rate=10_000))

    def life(_: int) -> list[str]:
        made = [ask_for(backend, "create").data["id"] for _ in range(ROUNDS)]
        for record_id in made[: ROUNDS // 2]:
            assert ask_memory(backend, "DELETE", f"/v1/encounters/{record_id}").status == 204
        assert ask_for(backend, "search").status == 200
        return made[ROUNDS // 2 :]

    kept = {record_id for made in together(life) for record_id in made}
    assert len(kept) == THREADS * ROUNDS // 2
    assert {stored.id for stored in backend.store()} == kept | {"enc_1"}
    assert backend.usage().sandbox_used == THREADS * (ROUNDS + ROUNDS // 2 + 1)
    assert ask_for(backend, "search").data["total"] == len(kept) + 1


def test_of_many_threads_at_once_as_many_are_served_as_the_plan_allows() -> None:
    backend = sandbox([ONE], plan=Plan(rate=THREADS * ROUNDS // 2))
    found = together(lambda _: [ask_for(backend, "read").status for _ in range(ROUNDS)])
    assert Counter(status for statuses in found for status in statuses) == {200: 48, 429: 48}


def test_a_record_is_deleted_once_however_many_ask() -> None:
    backend = sandbox([ONE])
    assert sorted(together(lambda _: ask_for(backend, "delete").status)) == [204, *[404] * (THREADS - 1)]


def test_over_a_socket_a_client_lives_its_whole_life() -> None:
    backend = sandbox(records_of(45), lag=0)
    with (
        WireServer(lambda request: backend.answer(request).response) as server,
        Clinik("clk_test_sandbox", base_url=server.url, trust_env=False, retries=0) as clinik,
    ):
        made, meta = clinik.encounters.create(status="planned", class_="VR", patient_id="pt_1")
        assert (meta.status, meta.rate_limit_remaining) == (201, 499)
        assert clinik.encounters.update(made.id, status="finished").data.status == "finished"
        assert clinik.encounters.read(made.id).data == made.from_dict({**made.to_dict(), "status": "finished"})
        assert len(clinik.encounters.search_all(count=7).to_list()) == 46
        assert clinik.encounters.delete(made.id).meta.quota.sandbox_used == backend.usage().sandbox_used
        assert clinik.encounters.search(patient_id="pt_1").data.data == []
