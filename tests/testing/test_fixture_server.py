"""The fixture server: strict matching, responses in order, accounts of what did not match, many threads."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import attrs
import httpx
import orjson
import pytest
import trustme
from hypothesis import given, settings
from hypothesis import strategies as st

from clinik_client.testing import Exchange, Fault, FixtureServer, HarError, Recording
from clinik_client.testing._matching import json_differences
from tests.misbehaviour import tls_as
from tests.testing.asking import ask

BODY = {"status": "planned", "period": {"start": "2025-06-01"}, "diagnosis": [{"condition": "I10", "rank": 1}]}
CREATE = Exchange.of("POST", "/v1/encounters", json=BODY, status=201, response={"data": {"id": "enc_1"}})
READ = Exchange.of("GET", "/v1/encounters/enc_1", response={"data": {"id": "enc_1"}})
SEARCH = Exchange.of("GET", "/v1/encounters?patientId=pt_1&_include=a&_include=b", response={"data": []})


def serving(*exchanges: Exchange, **options: Any) -> FixtureServer:
    return FixtureServer([Recording("story", exchanges)], **options)


def aspects(server: FixtureServer) -> list[set[str]]:
    return [set(mismatch.differences) for mismatch in server.mismatches]


# -- matching ---------------------------------------------------------------------------------------------------------


def test_a_recorded_response_comes_as_it_was_recorded() -> None:
    headers = {"X-Quota-Limit": "5", "Content-Length": "9999", "Content-Encoding": "gzip", "Connection": "close"}
    with serving(Exchange.of("GET", "/x", status=404, response={"a": 1}, headers=headers)) as server:
        response = ask(server.port, "GET", "/x")
    assert (response.status, response.body) == (404, b'{"a":1}')
    assert response.headers == {"content-type": "application/json", "x-quota-limit": "5", "content-length": "7"}
    server.verify()


def test_json_bodies_match_by_value_whatever_their_order_space_and_number_form() -> None:
    sent = (
        b'{ "diagnosis": [ {"rank": 1.0, "condition": "I10"} ], "period": {"start":"2025-06-01"}, "status":"planned"}'
    )
    with serving(CREATE) as server:
        response = ask(
            server.port,
            "POST",
            "/v1/encounters",
            body=sent,
            headers={"content-type": "Application/JSON; charset=utf-8"},
        )
    assert response.status == 201
    server.verify()


def test_query_pairs_match_in_any_order_and_spelling() -> None:
    with serving(SEARCH) as server:
        assert ask(server.port, "GET", "/v1/encounters?_include=b&patientId=pt%5F1&_include=%61").status == 200
    server.verify()


def test_a_request_in_absolute_form_matches_by_path_and_query() -> None:
    with serving(READ, SEARCH) as server:
        assert ask(server.port, "GET", "http://api.clinikapi.com/v1/encounters/enc_1").status == 200
        target = "https://api.clinikapi.com/v1/encounters?patientId=pt_1&_include=a&_include=b"
        assert ask(server.port, "GET", target).status == 200
    server.verify()


@pytest.mark.parametrize(
    ("method", "target", "options", "aspect"),
    [
        ("PUT", "/v1/encounters", {"json": BODY}, "method"),
        ("POST", "/v1/encounter", {"json": BODY}, "path"),
        ("POST", "/v1/encounters/", {"json": BODY}, "path"),
        ("POST", "/v1/encounters?a=", {"json": BODY}, "query"),
        ("POST", "/v1/encounters", {"json": BODY | {"status": "finished"}}, "body"),
        ("POST", "/v1/encounters", {"json": BODY | {"diagnosis": [{"condition": "I10", "rank": True}]}}, "body"),
        ("POST", "/v1/encounters", {"json": BODY | {"type": None}}, "body"),
        ("POST", "/v1/encounters", {"json": {}}, "body"),
        ("POST", "/v1/encounters", {}, "body"),
        ("POST", "/v1/encounters", {"body": b"{"}, "body"),
        (
            "POST",
            "/v1/encounters",
            {"json": BODY, "headers": {"content-type": "text/plain"}},
            "content-type",
        ),
        ("POST", "/v1/encounters", {"json": BODY, "headers": {"x-http-method-override": "PUT"}}, "override"),
        ("POST", "/v1/encounters", {"json": BODY, "key": None}, "key"),
        ("POST", "/v1/encounters", {"json": BODY, "key": "clk_prod_x"}, "key"),
        ("POST", "/v1/encounters", {"json": BODY, "key": "clk_test_"}, "key"),
        ("POST", "/v1/encounters", {"json": BODY, "key": "clk_test_x y"}, "key"),
    ],
)
def test_what_differs_in_one_thing_matches_nothing_and_is_told(
    method: str, target: str, options: dict[str, Any], aspect: str
) -> None:
    with serving(CREATE) as server:
        response = ask(server.port, method, target, **options)
        assert response.status == 400
        assert aspect in aspects(server)[0]
        if aspect != "body":
            assert aspects(server) == [{aspect}]
        assert server.unused() == [CREATE]
        assert ask(server.port, "POST", "/v1/encounters", json=BODY).status == 201


@pytest.mark.parametrize(
    "start", ["2025-06-01T09:00:00+00:00", "2025-06-01T11:00:00+02:00", "2025-06-01T09:00:00.000Z"]
)
def test_a_date_time_matches_the_same_moment_however_it_is_written(start: str) -> None:
    recorded = Exchange.of("PATCH", "/v1/encounters/enc_1", json={"period": {"start": "2025-06-01T09:00:00Z"}})
    with serving(recorded) as server:
        assert ask(server.port, "PATCH", "/v1/encounters/enc_1", json={"period": {"start": start}}).status == 200


@pytest.mark.parametrize(
    "start", ["2025-06-01T09:00:00+02:00", "2025-06-01T09:00:00", "2025-06-01", "2025-06-01T09:00Z"]
)
def test_a_date_time_matches_no_other_moment_and_none_that_is_less_exact(start: str) -> None:
    recorded = Exchange.of("PATCH", "/v1/encounters/enc_1", json={"period": {"start": "2025-06-01T09:00:00Z"}})
    with serving(recorded) as server:
        ask(server.port, "PATCH", "/v1/encounters/enc_1", json={"period": {"start": start}})
    assert server.mismatches[0].differences == {"body": "period.start differs"}


@pytest.mark.parametrize("media_type", ["application/fhir+json", "application/json-patch+json; charset=utf-8"])
def test_one_body_may_come_as_json_of_any_type(media_type: str) -> None:
    with serving(CREATE) as server:
        response = ask(server.port, "POST", "/v1/encounters", json=BODY, headers={"content-type": media_type})
        assert response.status == 201
        server.verify()


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_body_where_none_was_recorded_matches_nothing(method: str) -> None:
    with serving(Exchange.of(method, "/x")) as server:
        assert ask(server.port, method, "/x", json={}).status == 400
    assert aspects(server) == [{"body"}]


@pytest.mark.parametrize(
    "target",
    [
        "/v1/encounters",
        "/v1/encounters?patientId=pt_1&_include=a",
        "/v1/encounters?patientId=pt_1&_include=a&_include=b&_include=b",
        "/v1/encounters?patientId=pt_1&_include=a,b",
        "/v1/encounters?patientId=pt_2&_include=a&_include=b",
    ],
)
def test_another_multiset_of_query_pairs_matches_nothing(target: str) -> None:
    with serving(SEARCH) as server:
        assert ask(server.port, "GET", target).status == 400
    assert aspects(server) == [{"query"}]


def test_a_pair_recorded_twice_must_be_asked_twice() -> None:
    with serving(Exchange.of("GET", "/x?a=1&a=1")) as server:
        assert ask(server.port, "GET", "/x?a=1").status == 400
        assert ask(server.port, "GET", "/x?a=1&a=1").status == 200
    assert aspects(server) == [{"query"}]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
)


def _strictly_equal(one: Any, other: Any) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_strictly_equal(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_strictly_equal, one, other))
    return (isinstance(one, bool) == isinstance(other, bool)) and bool(one == other)


@settings(deadline=None)  # a slow machine is no counter-example
@given(JSON, JSON)
def test_two_json_values_differ_exactly_when_something_is_told_to_differ(one: Any, other: Any) -> None:
    assert list(json_differences(one, one)) == []
    assert (list(json_differences(one, other)) == []) == _strictly_equal(one, other)


# -- keys -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["clk_test_a", "clk_live_A-b_9"])
def test_any_key_of_the_right_form_is_valid(key: str) -> None:
    with serving(READ) as server:
        assert ask(server.port, "GET", "/v1/encounters/enc_1", key=key).status == 200


def test_only_the_given_keys_are_valid_where_some_are_given() -> None:
    with serving(READ, READ, api_keys=["clk_test_a", "clk_test_b"]) as server:
        assert ask(server.port, "GET", "/v1/encounters/enc_1", key="clk_test_b").status == 200
        assert ask(server.port, "GET", "/v1/encounters/enc_1", key="clk_test_c").status == 400
    assert aspects(server) == [{"key"}]


def test_a_key_sent_twice_is_not_valid() -> None:
    with serving(READ) as server:
        headers = [("x-api-key", "clk_test_a"), ("x-api-key", "clk_test_a")]
        assert httpx.get(f"{server.url}/v1/encounters/enc_1", headers=headers).status_code == 400
    assert aspects(server) == [{"key"}]


def test_an_exchange_recorded_with_a_bad_key_or_none_responses_exactly_that() -> None:
    def response(key: str | None, status: int) -> Exchange:
        return Exchange.of("GET", "/v1/encounters/enc_1", api_key=key, status=status)

    with serving(
        response(None, 200), response("clk_test_fixture_revoked", 401), response("", 403), response("no key", 400)
    ) as server:
        asked = [("clk_test_fixture_revoked", 401), (None, 403), ("no key", 400), ("clk_test_a", 200)]
        for key, status in asked:
            assert ask(server.port, "GET", "/v1/encounters/enc_1", key=key).status == status
        # Asked once more, the revoked key does not get what is there for good keys.
        assert ask(server.port, "GET", "/v1/encounters/enc_1", key="clk_test_fixture_revoked").status == 400
    assert aspects(server) == [{"times"}]


# -- order ------------------------------------------------------------------------------------------------------------


def test_the_same_request_steps_through_its_responses_and_then_matches_nothing() -> None:
    first, second = (Exchange.of("GET", "/v1/encounters/enc_1", status=status) for status in (429, 200))
    with FixtureServer([Recording("one", [first, CREATE]), Recording("two", [second])]) as server:
        statuses = [ask(server.port, "GET", "/v1/encounters/enc_1").status for _ in range(3)]
        assert statuses == [429, 200, 400]
        assert server.unused() == [CREATE]
    (mismatch,) = server.mismatches
    assert mismatch.nearest == "two.har entry 1: GET /v1/encounters/{id}"
    assert mismatch.differences == {"times": "asked more often than it was recorded, which is 2"}


def test_different_requests_may_come_in_any_order() -> None:
    with serving(CREATE, READ, must_use_all=True) as server:
        assert ask(server.port, "GET", "/v1/encounters/enc_1").status == 200
        assert ask(server.port, "POST", "/v1/encounters", json=BODY).status == 201
    server.verify()


def test_a_story_begins_again_where_it_may_when_all_it_has_for_a_request_was_given() -> None:
    first, second = (Exchange.of("GET", "/v1/encounters/enc_1", status=status) for status in (404, 200))
    other = Recording("other", [SEARCH])
    with FixtureServer([Recording("story", [first, CREATE, second]), other], loop=True, must_use_all=True) as server:
        read = ("GET", "/v1/encounters/enc_1")
        assert [ask(server.port, *read).status for _ in range(3)] == [404, 200, 404]
        assert ask(server.port, "POST", "/v1/encounters", json=BODY).status == 201
        assert ask(server.port, "POST", "/v1/encounters", json=BODY).status == 201
        assert [ask(server.port, *read).status for _ in range(2)] == [404, 200]
        assert ask(server.port, "GET", "/v1/else").status == 400
        assert server.unused() == [SEARCH]
    assert len(server.mismatches) == 1


# -- the account ------------------------------------------------------------------------------------------------------


def test_the_response_to_what_matches_nothing_names_the_nearest_recording_and_the_difference() -> None:
    changed = {"status": "planned", "period": {"end": "2025-06-01"}, "diagnosis": [{"condition": "I11", "rank": 1}]}
    with serving(READ, SEARCH, CREATE) as server:
        response = ask(server.port, "POST", "/v1/encounters", json=changed)
    assert response.status == 400
    assert response.headers["content-type"] == "application/json"
    body = response.json
    assert (body["error"], body["code"]) == ("Bad Request", "NO_RECORDING")
    assert body["requestId"] == response.headers["x-request-id"]
    assert "story.har entry 3: POST /v1/encounters" in body["message"]
    (issue,) = body["issues"]
    assert issue["diagnostics"] == (
        "body: period.start is missing; period.end was not recorded; diagnosis[0].condition differs"
    )


@pytest.mark.parametrize(
    ("method", "target", "nearest"),
    [
        ("GET", "/v1/encounters/enc_2", 2),
        ("GET", "/v1/encounters?patientId=pt_1", 3),
        ("DELETE", "/v1/encounters/enc_1", 2),
    ],
)
def test_the_nearest_recording_is_the_one_a_person_would_name(method: str, target: str, nearest: int) -> None:
    with serving(CREATE, READ, SEARCH) as server:
        ask(server.port, method, target)
    assert str(server.mismatches[0].nearest).startswith(f"story.har entry {nearest}:")


NOT_JSON_CREATE = attrs.evolve(CREATE, request_body=b"{", status=400)
SHORT_CREATE = Exchange.of("POST", "/v1/encounters", json={"status": "planned"}, status=201)
LIST = Exchange.of("GET", "/v1/encounters", response={"data": []})


@pytest.mark.parametrize(
    ("asked", "nearest"),
    [
        (BODY | {"status": "finished"}, 3),
        (BODY | {"class": "AMB"}, 3),
        ({"status": "finished", "period": BODY["period"], "diagnosis": [{"condition": "I11", "rank": 1}]}, 3),
        ({"status": "planned", "class": "AMB"}, 4),
        ({}, 4),
    ],
)
def test_the_nearest_create_is_the_one_that_differs_in_the_fewest_fields(asked: dict[str, Any], nearest: int) -> None:
    with serving(LIST, NOT_JSON_CREATE, CREATE, SHORT_CREATE) as server:
        ask(server.port, "POST", "/v1/encounters", json=asked)
    assert str(server.mismatches[0].nearest).startswith(f"story.har entry {nearest}:")


def test_the_nearest_search_is_the_one_that_differs_in_the_fewest_pairs() -> None:
    targets = ["?a=1&b=2&c=3", "?a=1&b=2&c=3&d=5", "?d=4", ""]
    with serving(*(Exchange.of("GET", f"/v1/encounters{query}") for query in targets)) as server:
        ask(server.port, "GET", "/v1/encounters?a=1&b=2&c=3&d=4")
        ask(server.port, "GET", "/v1/encounters?d=9")
    nearest = [mismatch.nearest for mismatch in server.mismatches]
    assert nearest == ["story.har entry 1: GET /v1/encounters", "story.har entry 3: GET /v1/encounters"]


def test_of_recordings_that_differ_in_the_same_things_the_one_with_the_likest_path_is_nearest() -> None:
    with serving(*(Exchange.of("GET", f"/v1/encounters/enc_{name}") for name in ("alpha", "beta", "gamma"))) as server:
        ask(server.port, "GET", "/v1/encounters/enc_betas")
    assert str(server.mismatches[0].nearest).startswith("story.har entry 2:")


def test_no_account_tells_a_value_an_id_or_a_key() -> None:
    canary = "CaNaRy9"
    with serving(CREATE, READ, SEARCH) as server:
        responses = [
            ask(server.port, "GET", f"/v1/encounters/enc_{canary}", key=f"clk_test_{canary}"),
            ask(server.port, "GET", f"/v1/encounters?patientId={canary}&_include=a&_include={canary}", key=canary),
            ask(server.port, "POST", "/v1/encounters", json=BODY | {"status": canary, "type": [canary]}),
            ask(
                server.port, "POST", "/v1/encounters", body=canary.encode(), headers={"x-http-method-override": canary}
            ),
        ]
    assert {response.status for response in responses} == {400}
    told = [response.body.decode() for response in responses] + [str(response.headers) for response in responses]
    told += [server.account(), str(server.mismatches), *map(str, server.mismatches), str(server.requests)]
    assert not [text for text in told if canary in text]


def test_verify_gives_a_readable_account() -> None:
    with serving(READ, SEARCH, must_use_all=True) as server:
        ask(server.port, "GET", "/v1/encounters/enc_1")
        ask(server.port, "GET", "/v1/encounters?patientId=pt_1")
    with pytest.raises(AssertionError) as caught:
        server.verify()
    assert str(caught.value) == (
        "Requests that match no recording (1):\n"
        "  - request 2: GET /v1/encounters\n"
        "      nearest recording: story.har entry 2: GET /v1/encounters\n"
        "      query: _include is missing\n"
        "Recorded exchanges never asked for (1):\n"
        "  - story.har entry 2: GET /v1/encounters"
    )


def test_unused_exchanges_matter_to_verify_only_where_all_must_be_used() -> None:
    for must_use_all in (False, True):
        with serving(READ, SEARCH, must_use_all=must_use_all) as server:
            ask(server.port, "GET", "/v1/encounters/enc_1")
        assert server.unused() == [SEARCH]
        if must_use_all:
            with pytest.raises(AssertionError, match="never asked for"):
                server.verify()
        else:
            server.verify()


def test_a_request_that_cannot_be_read_is_a_mismatch_too() -> None:
    with serving(READ) as server:
        connection = HTTPConnection("127.0.0.1", server.port, timeout=10)
        connection.putrequest("GET", "/v1/encounters/enc_1", skip_host=True)
        connection.endheaders()
        assert connection.getresponse().status == 400
        connection.close()
        assert server.requests == []
    with pytest.raises(AssertionError, match="refused with 400"):
        server.verify()


def test_without_recordings_every_request_is_a_mismatch() -> None:
    with FixtureServer([]) as server:
        assert "there are no recordings" in ask(server.port, "GET", "/").json["message"]


def test_the_ledger_tells_what_was_asked_and_what_responded() -> None:
    with serving(CREATE, SEARCH) as server:
        ask(server.port, "POST", "/v1/encounters", json=BODY, headers={"User-Agent": "me"})
        ask(server.port, "GET", "/v1/encounters?patientId=pt_1&_include=b&_include=a")
        ask(server.port, "GET", "/else")
    create, search, other = server.requests
    assert (create.method, create.path, create.query, create.json) == ("POST", "/v1/encounters", (), BODY)
    assert create.header_values("User-Agent") == ["me"]
    assert create.header_values("x-api-key") == ["clk_test_fixture"]
    assert search.query == (("patientId", "pt_1"), ("_include", "b"), ("_include", "a"))
    with pytest.raises(ValueError, match="not JSON"):
        _ = search.json
    assert [request.exchange for request in (create, search, other)] == [CREATE, SEARCH, None]
    assert server.mismatches[0].request == other


# -- faults -----------------------------------------------------------------------------------------------------------


def test_a_recorded_request_may_meet_a_fault_before_it_gets_its_response() -> None:
    with serving(READ, must_use_all=True) as server:
        server.faults.add(Fault("status", operation="read", status=503))
        assert [ask(server.port, "GET", "/v1/encounters/enc_1").status for _ in range(2)] == [503, 200]
        assert [request.exchange for request in server.requests] == [READ]
        assert [entry.fault for entry in server.journal.entries] == ["status", None]
        assert (server.faults.pending(), server.ledger.received("read")) == ([], 2)
    server.verify()


def test_an_exchange_whose_response_was_lost_has_been_used() -> None:
    with serving(CREATE, must_use_all=True) as server:
        server.faults.add(Fault("close", after_apply=True))
        with pytest.raises(ConnectionError):
            ask(server.port, "POST", "/v1/encounters", json=BODY)
        assert server.ledger.applied("create") == 1
    server.verify()


def test_the_ledger_counts_as_applied_what_was_recorded_as_a_success_of_a_write() -> None:
    recorded = [CREATE, READ, SEARCH, Exchange.of("DELETE", "/v1/encounters/enc_1", status=204)]
    refused = [Exchange.of("DELETE", "/v1/encounters/enc_2", status=404)]
    refused += [Exchange.of("PATCH", "/v1/encounters/enc_1", status=status) for status in (302, 409, 503)]
    with serving(*recorded, *refused) as server:
        ask(server.port, "POST", "/v1/encounters", json=BODY)
        for exchange in [*recorded[1:], *refused]:
            query = "&".join("=".join(pair) for pair in exchange.query)
            ask(server.port, exchange.method, f"{exchange.path}?{query}")
        # Nothing is recorded for this one.
        assert ask(server.port, "POST", "/v1/encounters", json={}).status == 400
    applied = [entry.number for entry in server.journal.entries if entry.applied]
    assert (len(server.journal.entries), applied, server.ledger.applied()) == (9, [1, 4], 2)


def test_a_request_that_cannot_be_read_is_in_the_journal_too() -> None:
    with serving() as server:
        assert ask(server.port, "POST", "/", body=b"", headers={"content-length": "99999999999"}).status == 413
    assert [entry.status for entry in server.journal.entries] == [413]
    assert [mismatch.number for mismatch in server.mismatches] == [1]


# -- lifecycle --------------------------------------------------------------------------------------------------------


def test_stories_are_chosen_from_a_directory(recordings: Path) -> None:
    with FixtureServer.from_directory(recordings, ["empty-search", "paged-search"]) as server:
        assert ask(server.port, "GET", "/v1/encounters?patientId=pt_nobody").json["data"]["total"] == 0
        assert len(server.unused()) == 7
    with pytest.raises(HarError, match="there is no recording 'none'"):
        FixtureServer.from_directory(recordings, ["none"])


def test_what_was_collected_is_readable_after_stop_and_nothing_responses() -> None:
    server = serving(READ).start()
    assert ask(server.port, "GET", "/v1/encounters/enc_1").status == 200
    server.stop()
    server.stop()
    with pytest.raises(ConnectionRefusedError):
        ask(server.port, "GET", "/v1/encounters/enc_1")
    assert len(server.requests) == 1
    server.verify()


def test_it_speaks_tls_with_a_context() -> None:
    authority = trustme.CA()
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    with serving(READ, ssl_context=tls_as(authority, "127.0.0.1")) as server:
        url = f"{server.url}/v1/encounters/enc_1"
        assert httpx.get(url, verify=trust, headers={"x-api-key": "clk_test_a"}).status_code == 200
    server.verify()


def _numbered(numbers: Iterable[int]) -> list[Exchange]:
    return [
        Exchange.of("GET", f"/v1/encounters/enc_{n}", response={"n": n, "turn": turn})
        for n in numbers
        for turn in (1, 2)
    ]


def test_many_threads_get_each_response_exactly_once() -> None:
    with serving(*_numbered(range(100)), must_use_all=True) as server, httpx.Client() as client:
        barrier = threading.Barrier(16)

        def work(thread: int) -> list[tuple[int, int]]:
            barrier.wait(10)
            got = []
            for n in [*range(thread, 100, 16)] * 2:
                response = client.get(f"{server.url}/v1/encounters/enc_{n}", headers={"x-api-key": "clk_test_a"})
                got.append((n, orjson.loads(response.content)))
            assert all(response["n"] == n for n, response in got)
            return [(response["n"], response["turn"]) for _, response in got]

        with ThreadPoolExecutor(16) as pool:
            responses = [pair for pairs in pool.map(work, range(16)) for pair in pairs]
    assert sorted(responses) == [(n, turn) for n in range(100) for turn in (1, 2)]
    server.verify()


def test_threads_that_ask_the_same_at_once_share_its_responses() -> None:
    exchanges = [Exchange.of("GET", "/x", response={"turn": turn}) for turn in range(50)]
    with serving(*exchanges) as server, ThreadPoolExecutor(20) as pool:
        responses = list(pool.map(lambda _: ask(server.port, "GET", "/x"), range(60)))
    assert sorted(response.json["turn"] for response in responses if response.status == 200) == list(range(50))
    assert len(server.mismatches) == 10
    assert len(server.requests) == 60
