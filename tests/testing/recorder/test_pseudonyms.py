"""Pseudonyms: the same for the same, different for what differs, in the form of what they stand for, and no more."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import orjson
import pytest
from attrs import evolve
from hypothesis import assume, given
from hypothesis import strategies as st

from clinik_client.testing import Exchange, Recording, UnsafeRecordingError
from clinik_client.testing._recorder.finishing import SeenExchange, finished_file
from clinik_client.testing._recorder.pseudonyms import Pseudonyms, days_between, is_pseudonym, move_date, some_days
from clinik_client.testing._recorder.renaming import Renaming
from tests.strategies import SCHEMAS, allowed

HERE = ("response",)
KEY = "clk_test_0secret0"

# -- one by one -------------------------------------------------------------------------------------------------------


def test_an_id_keeps_its_kind_and_a_text_says_nothing() -> None:
    pseudonym = Pseudonyms()
    assert [pseudonym(HERE, "id", given) for given in ("pt_abc", "enc_7", "pt_def", "jane_1", "77", "pt_abc")] == [
        "pt_00000001",
        "enc_00000001",
        "pt_00000002",
        "id_00000001",
        "id_00000002",
        "pt_00000001",
    ]
    assert [pseudonym(HERE, "text", given) for given in ("Jane", "Fever", "Jane", "pt_abc")] == [
        "text-1",
        "text-2",
        "text-1",
        "pt_00000001",
    ]


def test_a_pseudonym_is_no_text_that_came_and_none_that_stands_for_another() -> None:
    pseudonym = Pseudonyms({"pt_00000001", "text-1"}, known={"Jane": "text-2"})
    assert pseudonym(HERE, "id", "pt_9") == "pt_00000002"
    assert pseudonym(HERE, "text", "Fever") == "text-3"
    assert pseudonym(HERE, "text", "Jane") == "text-2"


def test_what_is_made_up_already_stays() -> None:
    pseudonym = Pseudonyms(keep=["pt_abc123", "2025-06-01"])
    assert pseudonym(HERE, "id", "pt_abc123") == "pt_abc123"
    assert pseudonym(HERE, "date", "2025-06-01") == "2025-06-01"


def test_dates_are_moved_together_by_whole_weeks_and_far() -> None:
    pseudonym = Pseudonyms()
    start, end = (pseudonym(HERE, "date", f"2025-06-{day}T09:00:00Z") for day in ("01", "03"))
    assert days_between(start, end) == 2
    assert datetime.fromisoformat(start).weekday() == 6
    assert all(days % 7 == 0 and -3640 < days <= -420 for days in (some_days() for _ in range(200)))


@pytest.mark.parametrize("text", ["2025-02-30", "0001-01-01", "2025-13", "0001", "0001-01"])
def test_a_date_that_cannot_be_moved_is_a_text(text: str) -> None:
    assert Pseudonyms(days=-500)(HERE, "date", text) == "text-1"


@pytest.mark.parametrize(
    ("text", "days", "moved"),
    [
        ("2025-06-01", -7, "2025-05-25"),
        ("2025-06-01T23:59:59.250+02:00", 1, "2025-06-02T23:59:59.250+02:00"),
        ("2025-06", -700, "2023-07"),
        ("2025-01", 31, "2025-02"),
        ("2025", -700, "2023"),
        ("0900-01", 31, "0900-02"),
    ],
)
def test_a_date_is_moved_as_exactly_as_it_is(text: str, days: int, moved: str) -> None:
    assert move_date(text, days) == moved


@given(
    st.dates().map(str) | st.dates().map(lambda day: str(day)[:7]) | st.dates().map(lambda day: str(day)[:4]),
    st.integers(-4000, 4000),
)
def test_moving_a_date_back_gives_it_again(text: str, days: int) -> None:
    try:
        moved = move_date(text, days)
    except ValueError:
        assume(False)
    assert len(moved) == len(text)
    assert move_date(moved, -days) == text


@pytest.mark.parametrize("text", ["", "june", "2025-6-1", "2025-06-01 09:00", "2025-06-01T", "20250601"])
def test_what_is_no_date_is_not_moved(text: str) -> None:
    with pytest.raises(ValueError, match="not a date"):
        move_date(text, 7)


@pytest.mark.parametrize(
    ("one", "other"), [("2025", "2026-01-01"), ("2025-01-01", "2025-02"), ("2025-02-30", "2025-03-01")]
)
def test_dates_without_a_day_are_no_days_apart(one: str, other: str) -> None:
    assert days_between(one, other) is None


# -- in whole stories -------------------------------------------------------------------------------------------------

# Nobody could take one for a word of the API, or of another one.
secrets = st.from_regex(r"[A-Z][a-z]{2,6} ?zq[0-9a-f]{4,8}", fullmatch=True)
secret_ids = st.builds(
    "{}{}".format, st.sampled_from(["pt_", "enc_", "jane_", ""]), st.from_regex("zq[0-9a-f]{4,8}", fullmatch=True)
)

others = st.dictionaries(
    secrets | st.sampled_from(["name", "birthDate", "identifier"]),
    secrets | st.lists(secrets, max_size=2) | st.dictionaries(st.just("family"), secrets),
    max_size=2,
)
documented: st.SearchStrategy[dict[str, Any]] = st.builds(
    lambda known, named: {**known, **named},
    st.builds(
        lambda whole: {"status": whole["status"], "class": whole["class"]}, allowed(SCHEMAS["EncounterCreateRequest"])
    ),
    st.fixed_dictionaries(
        {"id": secret_ids, "patientId": secret_ids},
        optional={
            "type": secrets,
            "reasonCode": secrets | st.lists(secrets, max_size=3),
            "location": st.lists(
                st.fixed_dictionaries({"location": st.fixed_dictionaries({"display": secrets})}), max_size=2
            ),
            "subject": st.fixed_dictionaries({"reference": secret_ids.map("Patient/{}".format), "display": secrets}),
            "period": st.fixed_dictionaries({}, optional={"start": st.just("2025-06-01T09:00:00Z"), "end": secrets}),
            "diagnosis": st.lists(st.fixed_dictionaries({"condition": secrets, "rank": st.integers(1, 9)}), max_size=2),
        },
    ),
)
records = st.builds(lambda known, rest: {**known, **rest}, documented, others)


@st.composite
def stories(draw: st.DrawFn) -> list[Exchange]:
    """Exchanges in which every text and every id is somebody's."""
    exchanges = []
    for record in draw(st.lists(records, min_size=1, max_size=4)):
        target = f"/v1/encounters/{record['id']}?patientId={record['patientId']}&status={draw(secret_ids)}"
        exchanges.append(
            Exchange.of(
                "PATCH",
                target,
                json=draw(documented),
                response={"data": record, "meta": {"requestId": draw(secret_ids)}, **draw(others)},
                headers={"x-request-id": draw(secret_ids), "set-cookie": draw(secrets)},
            )
        )
    return exchanges


def file_of(exchanges: list[Exchange]) -> bytes:
    return finished_file(Recording("story", []), [SeenExchange(one, KEY) for one in exchanges], Renaming())


def bodies(file: bytes) -> list[tuple[Any, Any]]:
    entries = orjson.loads(file)["log"]["entries"]
    return [
        (orjson.loads(entry["request"]["postData"]["text"]), orjson.loads(entry["response"]["content"]["text"]))
        for entry in entries
    ]


@given(stories())
def test_nothing_of_what_came_is_written(exchanges: list[Exchange]) -> None:
    file = file_of(exchanges)
    assert b"zq" not in file
    assert KEY.encode() not in file
    assert b"2025-06-01" not in file


def pairs(came: Any, went: Any, place: str = "") -> list[tuple[str, Any, Any]]:
    """Each single value that was written, with what it stands for."""
    if isinstance(went, dict):
        assert went.keys() <= came.keys()
        return [pair for name in went for pair in pairs(came[name], went[name], name)]
    if isinstance(went, list):
        assert len(came) == len(went)
        return [pair for one, other in zip(came, went, strict=True) for pair in pairs(one, other, place)]
    return [(place, came, went)]


@given(stories())
def test_the_same_gets_the_same_and_what_differs_stays_different(exchanges: list[Exchange]) -> None:
    file = file_of(exchanges)
    found: dict[str, str] = {}
    for exchange, (request, response) in zip(exchanges, bodies(file), strict=True):
        both = pairs(orjson.loads(exchange.request_body), request) + pairs(
            orjson.loads(exchange.response_body), response
        )
        for place, came, went in both:
            assert type(came) is type(went)
            if isinstance(came, str) and place not in ("status", "class", "start"):
                assert found.setdefault(
                    came.removeprefix("Patient/"), went.removeprefix("Patient/")
                ) == went.removeprefix("Patient/")
                assert is_pseudonym(went.removeprefix("Patient/"))
            elif place != "start":
                assert came == went
    assert len(set(found.values())) == len(found)


@given(stories())
def test_paths_queries_and_bodies_agree(exchanges: list[Exchange]) -> None:
    file = file_of(exchanges)
    for exchange, entry, (_, response) in zip(
        exchanges, orjson.loads(file)["log"]["entries"], bodies(file), strict=True
    ):
        url = re.fullmatch(
            r"https://api\.clinikapi\.com/v1/encounters/(\w+)\?patientId=(\w+)&status=[\w-]+", entry["request"]["url"]
        )
        assert url is not None, exchange.path
        assert (url[1], url[2]) == (response["data"]["id"], response["data"]["patientId"])


@given(st.lists(st.text(min_size=1), min_size=1, max_size=6))
def test_no_text_is_so_odd_that_nothing_can_be_written(texts: list[str]) -> None:
    exchanges = [
        Exchange.of(
            "GET",
            "/v1/encounters?cursor=20&sort=-date&count=5",
            response={"data": {"type": text, "id": text, "cursor": "40"}, "meta": {"timestamp": "2025-06-01"}},
            headers={"X-RateLimit-Limit": "500"},
        )
        for text in texts
    ]
    file_of(exchanges)


@given(st.text(min_size=1).filter(lambda text: not (text.isascii() and text.isdecimal())) | secret_ids)
def test_a_cursor_that_is_no_number_has_one_pseudonym_in_page_and_query(cursor: str) -> None:
    page = Exchange.of("GET", "/v1/encounters", response={"data": {"data": [], "cursor": cursor, "hasMore": True}})
    entries = orjson.loads(file_of([page, evolve(page, query=[("cursor", cursor)])]))["log"]["entries"]
    given_on = orjson.loads(entries[0]["response"]["content"]["text"])["data"]["cursor"]
    assert is_pseudonym(given_on)
    assert given_on != cursor
    assert entries[1]["request"]["url"] == f"https://api.clinikapi.com/v1/encounters?cursor={given_on}"


def test_a_body_that_is_nested_too_deep_to_be_gone_through_is_replaced_as_a_whole() -> None:
    deep = b'{"data":' * 300 + b'"zq"' + b"}" * 300
    file = file_of([Exchange.of("GET", "/v1/encounters", response=deep)])
    assert orjson.loads(file)["log"]["entries"][0]["response"]["content"]["text"] == "text-1"


def test_an_answer_that_is_no_text_is_replaced_as_a_whole() -> None:
    file = file_of([Exchange.of("GET", "/v1/encounters", response=b"\xff\xfezq")])
    assert orjson.loads(file)["log"]["entries"][0]["response"]["content"]["text"] == "text-1"


@pytest.mark.parametrize("key", [KEY, "another-key-of-mine"])
def test_a_key_that_was_used_is_not_written_whatever_its_form(key: str) -> None:
    exchange = Exchange.of("GET", f"/v1/encounters?cursor={key}")
    assert key.encode() not in finished_file(Recording("story", []), [SeenExchange(exchange, key)], Renaming())
    with pytest.raises(UnsafeRecordingError, match="looks like a key"):
        finished_file(Recording("story", [], f"Asked with {key}."), [SeenExchange(exchange, key)], Renaming())
