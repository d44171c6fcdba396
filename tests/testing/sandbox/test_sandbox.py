"""The sandbox as Python has it: a service with state that is seeded, moved, looked at and put back."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from threading import Barrier
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinik_client import Clinik, ClinikApiError, ClinikNotFoundError, ClinikQuotaError
from clinik_client.testing import (
    JournalEntry,
    Plan,
    Sandbox,
    SandboxClock,
    SandboxKey,
    SandboxSettings,
    Seed,
    SeedError,
)
from tests.testing.asking import ask

START = datetime(2025, 6, 1, 9, tzinfo=UTC)
FIELDS = {"status": "planned", "class": "VR", "patientId": "pt_abc123"}
RECORDS: list[dict[str, Any]] = [{"id": "enc_1", **FIELDS}, {"id": "enc_2", **FIELDS, "status": "finished"}]


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(seed=3) as sandbox:
        yield sandbox


@pytest.fixture
def clinik(sandbox: Sandbox) -> Iterator[Clinik]:
    with sandbox.client(retries=0) as clinik:
        yield clinik


# -- its life ---------------------------------------------------------------------------------------------------------


def test_it_listens_between_start_and_stop_and_what_it_knows_stays() -> None:
    sandbox = Sandbox(seed=RECORDS)
    with pytest.raises(RuntimeError, match="not been started"):
        _ = sandbox.url
    assert sandbox.start() is sandbox
    with sandbox.client() as clinik:
        clinik.encounters.delete("enc_1")
    sandbox.stop()
    with pytest.raises(ConnectionRefusedError):
        ask(sandbox.port, "GET", "/health")
    assert (sandbox.ledger.applied("delete"), sandbox.records) == (1, RECORDS[1:])
    with pytest.raises(RuntimeError, match="started once"):
        sandbox.start()


def test_as_a_context_manager_it_is_used_once() -> None:
    with Sandbox() as sandbox:
        assert ask(sandbox.port, "GET", "/health", key=None).status == 200
    with pytest.raises(RuntimeError, match="started once"), sandbox:
        pass
    sandbox.stop()


def test_it_listens_where_it_is_told() -> None:
    with Sandbox() as before:
        port = before.port
    with Sandbox(host="0.0.0.0", port=port) as sandbox:
        assert (sandbox.port, sandbox.url) == (port, f"http://127.0.0.1:{port}")
        assert ask(port, "GET", "/health", key=None).status == 200


def test_two_of_them_share_nothing(sandbox: Sandbox, clinik: Clinik) -> None:
    with Sandbox(seed=3) as other:
        clinik.encounters.delete("enc_seed0001")
        sandbox.clock.advance(1000)
        assert (len(sandbox.records), len(other.records)) == (2, 3)
        assert (sandbox.usage.sandbox_used, other.usage.sandbox_used) == (1, 0)
        assert (other.clock.now() < sandbox.clock.now(), other.journal.entries) == (True, [])


def test_it_speaks_tls_and_its_clients_are_told_whom_to_trust(server_tls: ssl.SSLContext, ca_file: Path) -> None:
    with (
        Sandbox(seed=RECORDS, ssl_context=server_tls) as sandbox,
        sandbox.client(verify=str(ca_file)) as clinik,
    ):
        assert sandbox.url.startswith("https://127.0.0.1:")
        assert clinik.encounters.read("enc_1").data.patient_id == "pt_abc123"


# -- its clients ------------------------------------------------------------------------------------------------------


def test_its_client_works_whatever_the_environment_says(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CLINIKAPI_BASE_URL", "HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("CLINIKAPI_SECRET_KEY", "clk_live_somebody")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name)
    with sandbox.client() as clinik:
        assert clinik.encounters.read("enc_seed0001").data.id == "enc_seed0001"


def test_its_client_can_have_other_options_and_another_key(sandbox: Sandbox) -> None:
    with sandbox.client(api_key="clk_test_elsewhere", retries=0) as clinik, pytest.raises(ClinikNotFoundError):
        clinik.encounters.read("enc_seed0001")
    sandbox.keys.add(SandboxKey("clk_live_mine", ("read",)))
    with sandbox.client(api_key="clk_live_mine") as clinik:
        assert clinik.encounters.read("enc_seed0001").data.id == "enc_seed0001"


def test_without_retries_each_call_is_one_request(sandbox: Sandbox, clinik: Clinik) -> None:
    sandbox.settings.change(plan=Plan(sandbox=0))
    with pytest.raises(ClinikQuotaError):
        clinik.encounters.read("enc_seed0001")
    assert sandbox.ledger.received() == 1


# -- its seed ---------------------------------------------------------------------------------------------------------

TEXT = orjson.dumps(RECORDS)
LINES = b"\n".join(map(orjson.dumps, RECORDS))


@pytest.mark.parametrize(
    "seed", [RECORDS, tuple(RECORDS), TEXT, LINES], ids=["list", "tuple", "bytes", "bytes in lines"]
)
def test_a_seed_may_be_records_or_their_text(seed: Seed) -> None:
    assert Sandbox(seed).records == RECORDS


@pytest.mark.parametrize("text", [TEXT, LINES])
def test_a_seed_may_be_a_file(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "seed").write_bytes(text)
    assert Sandbox(tmp_path / "seed").records == RECORDS
    assert Sandbox(str(tmp_path / "seed")).records == RECORDS


def test_a_seed_may_be_of_either_shape() -> None:
    with Sandbox(RECORDS, settings=SandboxSettings(shape="fhir")) as sandbox:
        told = [ask(sandbox.port, "GET", f"/v1/encounters/{record['id']}", key=sandbox.key).json for record in RECORDS]
    assert {found["data"]["resourceType"] for found in told} == {"Encounter"}
    assert Sandbox([found["data"] for found in told]).records == RECORDS


def test_a_seed_may_be_a_number_of_made_up_encounters() -> None:
    assert Sandbox().records == []
    many = Sandbox(500).records
    assert len({record["id"] for record in many}) == 500
    assert many == Sandbox(500).records


def test_a_seed_that_cannot_be_used_is_told_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(SeedError, match=r"none: No such file"):
        Sandbox(tmp_path / "none")
    with pytest.raises(SeedError, match="record 2: an encounter is an object"):
        Sandbox([RECORDS[0], 5])  # type: ignore[list-item]  # what is wrong with it is the point


def test_another_seed_takes_the_place_of_everything(sandbox: Sandbox, clinik: Clinik) -> None:
    clinik.encounters.create(FIELDS)
    sandbox.seed(RECORDS)
    assert (sandbox.records, clinik.encounters.search().data.total) == (RECORDS, 2)
    clinik.encounters.delete("enc_1")
    sandbox.reset()
    assert sandbox.records == RECORDS
    with pytest.raises(SeedError):
        sandbox.seed([{"id": "enc_1"}, {"id": "enc_1"}])
    assert sandbox.records == RECORDS


def test_nobody_else_can_change_its_seed(sandbox: Sandbox) -> None:
    records: list[dict[str, Any]] = [{"id": "enc_1", **FIELDS, "period": {"start": "2025-06-01"}}]
    sandbox.seed(records)
    records[0]["period"] = {}
    sandbox.records[0]["period"]["start"] = "2030"
    sandbox.records.clear()
    assert sandbox.records == [{"id": "enc_1", **FIELDS, "period": {"start": "2025-06-01"}}]
    sandbox.reset()
    assert sandbox.records == [{"id": "enc_1", **FIELDS, "period": {"start": "2025-06-01"}}]


# -- back to the seed -------------------------------------------------------------------------------------------------


def tour(clinik: Clinik) -> list[str | None]:
    """Every kind of change; gives the ids and request ids that were new."""
    first, meta = clinik.encounters.create(FIELDS)
    second, _ = clinik.encounters.create(FIELDS)
    clinik.encounters.update(first.id or "", status="arrived")
    clinik.encounters.delete(second.id or "")
    return [first.id, second.id, meta.request_id]


def response_id(entry: JournalEntry) -> str:
    return dict(entry.response_headers or ())["x-request-id"]


def test_reset_goes_back_to_the_beginning_and_the_same_ids_come_again(sandbox: Sandbox, clinik: Clinik) -> None:
    before, told = sandbox.records, tour(clinik)
    sandbox.keys.add(SandboxKey("clk_test_mine"))
    sandbox.settings.change(shape="fhir", lag=0, plan=Plan(rate=3))
    sandbox.clock.stop()
    sandbox.usage.used = 5
    assert (sandbox.records == before, sandbox.ledger.received()) == (False, 4)
    sandbox.reset()
    assert sandbox.records == before
    assert "clk_test_mine" not in [key.text for key in sandbox.keys]
    assert sandbox.settings == SandboxSettings()
    assert (sandbox.clock.running, sandbox.usage.used, sandbox.usage.sandbox_used) == (True, 0, 0)
    assert (sandbox.ledger.received(), sandbox.ledger.applied(), sandbox.journal.entries) == (0, 0, [])
    assert tour(clinik) == told


def test_the_same_seed_gives_the_same_new_ids(sandbox: Sandbox, clinik: Clinik) -> None:
    told = tour(clinik)
    with Sandbox(seed=3) as other, other.client() as another:
        assert tour(another) == told
        other.seed(3)
        assert tour(another)[:2] == told[:2]
        assert len({response_id(entry) for entry in other.journal.entries}) == 8


def test_reset_goes_back_to_the_settings_and_the_clock_that_were_given() -> None:
    settings = SandboxSettings(shape="mixed", media_types={"create": ("text/plain",)}, plan=Plan(rate=7))
    sandbox = Sandbox(settings=settings, clock=SandboxClock(START, running=False))
    sandbox.settings.change(shape="simple", media_types={}, plan=Plan())
    sandbox.clock.advance(60)
    sandbox.clock.run()
    sandbox.reset()
    assert (sandbox.settings.shape, sandbox.settings.plan) == ("mixed", Plan(rate=7))
    assert sandbox.settings.media_types == {"create": ("text/plain",)}
    assert (sandbox.clock.now(), sandbox.clock.running) == (START, False)


def test_two_that_were_given_the_same_settings_share_nothing_and_leave_them_alone() -> None:
    settings = SandboxSettings(lag=3)
    one, other = Sandbox(settings=settings), Sandbox(settings=settings)
    one.settings.lag = 5
    settings.lag = 7
    one.reset()
    assert (one.settings.lag, other.settings.lag, settings.lag) == (3, 3, 7)


def test_settings_may_be_keywords_and_the_clock_a_moment() -> None:
    sandbox = Sandbox(clock=START, lag=0, plan=Plan(rate=7))
    assert sandbox.settings == SandboxSettings(lag=0, plan=Plan(rate=7))
    assert (sandbox.clock.now(), sandbox.clock.running) == (START, False)
    with pytest.raises(ValueError, match=r"^there is no setting 'lga'; did you mean 'lag'"):
        Sandbox(lga=0)  # type: ignore[call-arg]  # what is wrong with it is the point
    with pytest.raises(ValueError, match=r"^settings and lag are not given together"):
        Sandbox(settings=SandboxSettings(), lag=0)
    with pytest.raises(SeedError, match=r"^a seed is "):
        Sandbox(seed=None)  # type: ignore[arg-type]  # what is wrong with it is the point


OPERATIONS = st.lists(
    st.tuples(st.sampled_from(["create", "update", "delete"]), st.integers(0, 5)),
    max_size=8,
)


@given(first=OPERATIONS, second=OPERATIONS)
def test_whatever_was_done_reset_undoes_it(shared: tuple[Sandbox, Clinik], first: Any, second: Any) -> None:
    sandbox, clinik = shared

    def do(operations: list[tuple[str, int]]) -> list[dict[str, Any]]:
        for operation, place in operations:
            names = [record["id"] for record in sandbox.records]
            if operation == "create" or not names:
                clinik.encounters.create(FIELDS)
            elif operation == "update":
                clinik.encounters.update(names[place % len(names)], status="finished")
            else:
                clinik.encounters.delete(names[place % len(names)])
        return sandbox.records

    sandbox.reset()
    seed = sandbox.records
    told = do(first)
    sandbox.reset()
    assert sandbox.records == seed
    do(second)
    sandbox.reset()
    assert do(first) == told


@pytest.fixture(scope="module")
def shared() -> Iterator[tuple[Sandbox, Clinik]]:
    settings = SandboxSettings(plan=Plan(rate=10**9))
    with Sandbox(seed=2, settings=settings) as sandbox, sandbox.client() as clinik:
        yield sandbox, clinik


# -- what it tells ----------------------------------------------------------------------------------------------------


def test_its_time_is_that_of_its_clock() -> None:
    with (
        Sandbox(clock=SandboxClock(START, running=False)) as sandbox,
        sandbox.client() as clinik,
    ):
        _, meta = clinik.encounters.create(FIELDS)
        assert meta.timestamp == START
        assert sandbox.journal.entries[0].received == START
        assert clinik.encounters.search().data.total == 0
        sandbox.clock.advance(sandbox.settings.lag)
        assert clinik.encounters.search().data.total == 1


def test_usage_tells_what_was_asked_and_brings_a_limit_near(sandbox: Sandbox, clinik: Clinik) -> None:
    clinik.encounters.read("enc_seed0001")
    assert (sandbox.usage.used, sandbox.usage.sandbox_used) == (0, 1)
    sandbox.usage.sandbox_used = sandbox.settings.plan.sandbox - 1
    _, meta = clinik.encounters.read("enc_seed0001")
    assert meta.quota.sandbox_remaining == 0
    with pytest.raises(ClinikQuotaError):
        clinik.encounters.read("enc_seed0001")


def test_what_is_said_of_a_used_up_volume_is_not_taken_for_the_key(sandbox: Sandbox, clinik: Clinik) -> None:
    sandbox.settings.plan = Plan(sandbox=0)
    with pytest.raises(ClinikQuotaError) as caught:
        clinik.encounters.search()
    assert caught.value.message == "The volume of requests with test keys is used up."


def test_what_is_said_of_an_unknown_sort_is_not_taken_for_the_key(clinik: Clinik) -> None:
    with pytest.raises(ClinikApiError, match=r"sort: this service sorts by date, period\.start, .*"):
        clinik.encounters.search(sort="size")


def test_a_volume_that_is_set_after_the_month_has_turned_holds(sandbox: Sandbox, clinik: Clinik) -> None:
    clinik.encounters.read("enc_seed0001")
    sandbox.clock.advance(40 * 86400)
    assert sandbox.usage.sandbox_used == 0
    sandbox.usage.sandbox_used = sandbox.settings.plan.sandbox
    with pytest.raises(ClinikQuotaError):
        clinik.encounters.read("enc_seed0001")


def test_the_live_records_are_others(sandbox: Sandbox) -> None:
    with sandbox.client(api_key="clk_live_sandbox") as live:
        live.encounters.delete("enc_seed0001")
    assert len(sandbox.records) == 3
    assert (sandbox.usage.used, sandbox.usage.sandbox_used) == (1, 0)


def test_many_threads_at_once_lose_nothing(sandbox: Sandbox) -> None:
    sandbox.settings.change(plan=Plan(rate=10**6))
    together = Barrier(8)

    def work(_: int) -> list[str]:
        with sandbox.client() as clinik:
            together.wait(20)
            made = [str(clinik.encounters.create(FIELDS).data.id) for _ in range(10)]
            # Looking at it from outside is no harm to it.
            assert set(made) <= {record["id"] for record in sandbox.records}
            assert sandbox.usage.sandbox_used >= 10
            return made

    with ThreadPoolExecutor(8) as pool:
        made = [name for names in pool.map(work, range(8)) for name in names]
    assert len(set(made)) == 80
    assert {record["id"] for record in sandbox.records} == {*made, "enc_seed0001", "enc_seed0002", "enc_seed0003"}
    assert (sandbox.ledger.received("create"), sandbox.ledger.applied("create")) == (80, 80)
    assert sandbox.usage.sandbox_used == 80


def test_an_attribute_that_there_is_not_is_an_error() -> None:
    sandbox: Any = Sandbox()
    with pytest.raises(AttributeError, match="'Sandbox' object has no attribute 'lag'"):
        sandbox.lag = 0
