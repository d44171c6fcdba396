"""The journal: every request in the order of arrival, without keys, within bounds; and the ledger that counts."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from unittest import mock

import pytest

from clinik_client.testing import Journal, Ledger, WireRequest, WireResponse, _journal
from clinik_client.testing._journal import Ticket

START = datetime(2025, 6, 1, 9, tzinfo=UTC)
KEY = "clk_test_c4n4ry"


class Hours:
    """A clock that is an hour later each time it is looked at."""

    def __init__(self) -> None:
        self.looked = 0

    def __call__(self) -> datetime:
        self.looked += 1
        return START + timedelta(hours=self.looked)


def request(target: str = "/v1/encounters", body: bytes = b"", **headers: str) -> WireRequest:
    return WireRequest("POST", target, tuple((name.replace("_", "-"), value) for name, value in headers.items()), body)


def answer(journal: Journal, ticket: Ticket, response: WireResponse, applied: bool = True) -> None:
    if applied:
        journal.applied(ticket)
    journal.responded(ticket, response)


@pytest.fixture
def journal() -> Journal:
    return Journal(Hours())


def test_an_entry_says_what_came_and_what_came_of_it(journal: Journal) -> None:
    ticket = journal.arrived(request(body=b"{}", accept="*/*", x_api_key=KEY), "create", fault="drip")
    (arrived,) = journal.entries
    assert (arrived.status, arrived.response_headers, arrived.response_body, arrived.applied) == (
        None,
        None,
        None,
        False,
    )
    answer(journal, ticket, WireResponse(201, [("x-request-id", "req_1")], b'{"data":1}'))
    (entry,) = journal.entries
    assert (entry.number, entry.received) == (1, START + timedelta(hours=1))
    assert (entry.method, entry.target, entry.operation, entry.fault) == ("POST", "/v1/encounters", "create", "drip")
    assert (entry.request_headers, entry.request_body, entry.has_key) == ((("accept", "*/*"),), b"{}", True)
    assert (entry.status, entry.response_body, entry.applied) == (201, b'{"data":1}', True)
    assert entry.response_headers == (("x-request-id", "req_1"),)


def test_entries_stand_in_the_order_of_arrival_whichever_is_answered_first(journal: Journal) -> None:
    tickets = [journal.arrived(request(f"/{number}"), None) for number in range(3)]
    for ticket in reversed(tickets):
        answer(journal, ticket, WireResponse(200), applied=False)
    assert [(entry.number, entry.target) for entry in journal.entries] == [(1, "/0"), (2, "/1"), (3, "/2")]


def test_what_is_applied_without_a_response_is_known(journal: Journal) -> None:
    journal.applied(journal.arrived(request(), "create"))
    (entry,) = journal.entries
    assert (entry.applied, entry.status) == (True, None)


def test_a_request_that_could_not_be_read_has_its_entry(journal: Journal) -> None:
    journal.refused(431, "too much of it")
    (entry,) = journal.entries
    assert (entry.number, entry.method, entry.target, entry.status) == (1, "", "", 431)
    assert (entry.refusal, entry.operation, entry.has_key) == ("too much of it", None, False)
    assert Ledger(journal).received() == 1


@pytest.mark.parametrize(
    "sent",
    [
        request(x_api_key=KEY),
        request(x_api_key="another secret"),
        request(authorization=f"Bearer {KEY}", proxy_authorization="Basic another secret", cookie="another secret"),
        request(f"/v1/encounters?key={KEY}", referer=f"https://h.example/?key={KEY}"),
        request(body=b'{"type": "%s"}' % KEY.encode(), x_api_key=KEY),
    ],
)
def test_no_key_is_kept_wherever_it_was_sent(journal: Journal, sent: WireRequest) -> None:
    ticket = journal.arrived(sent, "create")
    # What was kept may come back.
    answer(journal, ticket, WireResponse(201, [("x-echo", KEY)], sent.body))
    (entry,) = journal.entries
    assert entry.has_key == bool(sent.header_values("x-api-key"))
    for text in (str(entry), json.dumps(entry.to_dict()), json.dumps(journal.to_dict())):
        assert "c4n4ry" not in text
        assert "another secret" not in text


def test_a_repr_holds_nothing_that_was_sent(journal: Journal) -> None:
    ticket = journal.arrived(request("/canary", b"canary", x_canary="canary"), "create")
    answer(journal, ticket, WireResponse(200, [("x-canary", "canary")], b"canary"))
    assert "canary" not in str(journal.entries)


def test_an_entry_goes_through_json(journal: Journal) -> None:
    answer(journal, journal.arrived(request(body=b"\xff{}", accept="*/*"), "create"), WireResponse(204), True)
    journal.refused(400, "why")
    answered, refused = json.loads(json.dumps(journal.to_dict()))["entries"]
    assert answered["received"] == "2025-06-01T10:00:00+00:00"
    assert (answered["request_body"], answered["request_headers"]) == ("\\xff{}", [["accept", "*/*"]])
    assert (answered["response_body"], answered["response_headers"], answered["applied"]) == ("", [], True)
    assert (refused["response_body"], refused["response_headers"], refused["refusal"]) == (None, None, "why")
    counts = {key: value for key, value in journal.to_dict().items() if key != "entries"}
    assert counts == {"received": 2, "applied": 1, "forgotten": 0}
    assert [entry["number"] for entry in journal.to_dict(after=1)["entries"]] == [2]


def test_the_latest_entries_are_kept_and_all_are_counted(journal: Journal) -> None:
    with mock.patch.object(_journal, "_MOST_ENTRIES", 3):
        tickets = [journal.arrived(request(f"/{number}"), "create") for number in range(1, 6)]
        assert [entry.number for entry in journal.entries] == [3, 4, 5]
        for ticket in tickets:
            answer(journal, ticket, WireResponse(201))
    assert [(entry.number, entry.target, entry.status) for entry in journal.entries] == [
        (3, "/3", 201),
        (4, "/4", 201),
        (5, "/5", 201),
    ]
    ledger = Ledger(journal)
    assert (ledger.received(), ledger.received("create"), ledger.applied("create")) == (5, 5, 5)


def test_as_many_are_kept_as_their_bodies_allow_and_always_the_last(journal: Journal) -> None:
    with mock.patch.object(_journal, "_MOST_BODY_BYTES", 10):
        for number in range(3):
            ticket = journal.arrived(request(body=b"12"), "create")
            answer(journal, ticket, WireResponse(201, body=b"%d23" % number))
        assert [entry.response_body for entry in journal.entries] == [b"123", b"223"]
        answer(journal, journal.arrived(request(), "create"), WireResponse(201, body=b"x" * 50))
        assert [entry.number for entry in journal.entries] == [4]
        journal.arrived(request(body=b"12"), "create")
        journal.arrived(request(body=b"12"), "create")
        assert [entry.number for entry in journal.entries] == [5, 6]
    assert Ledger(journal).received() == 6


def test_after_clear_the_numbers_begin_anew_and_what_was_under_way_is_forgotten(journal: Journal) -> None:
    before = journal.arrived(request("/before"), "create")
    journal.clear()
    after = journal.arrived(request("/after"), "update")
    answer(journal, before, WireResponse(201))
    answer(journal, after, WireResponse(200))
    ledger = Ledger(journal)
    assert [(entry.number, entry.target) for entry in ledger.entries] == [(1, "/after")]
    assert (ledger.received(), ledger.applied(), ledger.applied("create")) == (1, 1, 0)
    assert journal.to_dict()["forgotten"] == 1


def test_the_ledger_counts_by_operation_and_all(journal: Journal) -> None:
    for operation, applied in [("create", True), ("create", False), ("read", False), (None, False)]:
        answer(journal, journal.arrived(request(), operation), WireResponse(200), applied)
    ledger = Ledger(journal)
    assert [ledger.received(name) for name in ("create", "read", "delete", None)] == [2, 1, 0, 4]
    assert [ledger.applied(name) for name in ("create", "read", "delete", None)] == [1, 0, 0, 1]


def test_a_ledger_is_not_asked_for_what_there_is_not(journal: Journal) -> None:
    for asked in (Ledger(journal).received, Ledger(journal).applied):
        with pytest.raises(ValueError, match="did you mean 'create'"):
            asked("creat")


def test_many_threads_lose_nothing(journal: Journal) -> None:
    together = threading.Barrier(8)

    def work(_: int) -> None:
        together.wait(10)
        for _ in range(100):
            answer(journal, journal.arrived(request(body=b"1"), "create"), WireResponse(201))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    ledger = Ledger(journal)
    assert (ledger.received("create"), ledger.applied("create")) == (800, 800)
    assert [entry.number for entry in ledger.entries] == list(range(1, 801))
    assert {entry.status for entry in ledger.entries} == {201}
