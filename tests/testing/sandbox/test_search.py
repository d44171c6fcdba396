"""Searches of a sandbox: filters, sorting, pages, and cursors that are offsets into rows that may shift."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinik_client.testing._answers import Refused
from clinik_client.testing._sandbox import search as room
from clinik_client.testing._sandbox.search import FoundPage, Searches
from clinik_client.testing._sandbox.store import Store

NOW = datetime(2025, 6, 1, 9, tzinfo=UTC)


def search(searches: Searches, *, at: datetime = NOW, **query: Any) -> FoundPage:
    """One page; a parameter that is ``None`` is not given."""
    return searches.page(tuple((name, str(value)) for name, value in query.items() if value is not None), at)


def ids(page: FoundPage) -> list[str]:
    return [stored.id for stored in page.rows]


def found(records: list[dict[str, Any]], **query: Any) -> list[str]:
    """The ids that one search finds, all of them."""
    page = search(Searches(Store(records)), count=100, **query)
    assert page.total == len(page.rows)
    return ids(page)


def numbered(count: int, **fields: Any) -> list[dict[str, Any]]:
    return [{"id": f"enc_{number:03}", **fields} for number in range(count)]


def starting(*starts: str | None) -> list[dict[str, Any]]:
    """Records that start then, by their letters; ``None`` has no period."""
    return [
        {"id": f"enc_{letter}", **({} if start is None else {"period": {"start": start}})}
        for letter, start in zip("abcdefghij", starts, strict=False)
    ]


# -- filters ----------------------------------------------------------------------------------------------------------


def test_without_a_filter_all_are_found_in_the_order_in_which_they_came() -> None:
    assert found([{"id": "enc_b"}, {"id": "enc_a"}, {"id": "enc_c"}]) == ["enc_b", "enc_a", "enc_c"]


def test_patient_and_status_are_compared_exactly() -> None:
    records = [
        {"id": "enc_a", "patientId": "pt_1", "status": "planned"},
        {"id": "enc_b", "patientId": "pt_10", "status": "planned"},
        {"id": "enc_c", "patientId": "PT_1", "status": "finished"},
        {"id": "enc_d", "status": "planned"},
        {"id": "enc_e", "patientId": "pt_1"},
    ]
    assert found(records, patientId="pt_1") == ["enc_a", "enc_e"]
    assert found(records, status="planned") == ["enc_a", "enc_b", "enc_d"]
    assert found(records, patientId="pt_1", status="planned") == ["enc_a"]
    assert found(records, patientId="pt_1", status="entered-in-error") == []


def test_days_are_those_of_utc_and_both_ends_count() -> None:
    records = starting(
        "2025-06-01T00:00:00Z",
        "2025-06-01T23:59:59.999999Z",
        "2025-06-02T00:30:00+02:00",  # the day before in UTC
        "2025-06-01T23:30:00-02:00",  # the day after in UTC
        "2025-06-02T00:00:00Z",
        None,
    )
    assert found(records, dateFrom="2025-06-01", dateTo="2025-06-01") == ["enc_a", "enc_b", "enc_c"]
    assert found(records, dateFrom="2025-06-02") == ["enc_d", "enc_e"]
    assert found(records, dateTo="2025-05-31") == []
    assert found(records, dateFrom="2025-06-02", dateTo="2025-06-01") == []


def test_a_year_a_month_or_a_day_stands_for_its_first_day() -> None:
    records = starting("2025", "2025-06", "2025-06-01")
    assert found(records, dateTo="2025-01-01") == ["enc_a"]
    assert found(records, dateFrom="2025-01-02") == ["enc_b", "enc_c"]
    assert found(records, dateFrom="2025-06-01", dateTo="2025-06-01") == ["enc_b", "enc_c"]
    assert found(records, dateFrom="2025-06-02") == []


def test_a_day_filter_finds_no_record_without_a_start() -> None:
    records: list[dict[str, Any]] = [{"id": "enc_x"}, {"id": "enc_y", "period": {"end": "2025-06-01"}}]
    records += starting(None, "soon")
    assert found(records, dateFrom="0001-01-01") == found(records, dateTo="9999-12-31") == []


@pytest.mark.parametrize("start", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_the_ends_of_the_calendar_can_be_searched(start: str) -> None:
    records = starting(start)
    assert found(records, dateFrom="2025-06-01") == (["enc_a"] if start.startswith("9999") else [])
    assert found(records, sort="-date") == ["enc_a"]


# Texts of starts, and the first day in UTC that each stands for.
DAYS = {
    "2024": "2024-01-01",
    "2025-06": "2025-06-01",
    "2025-06-01": "2025-06-01",
    "2025-06-01T12:00:00Z": "2025-06-01",
    "2025-06-01T01:00:00+02:00": "2025-05-31",
    "2025-06-01T23:00:00-02:00": "2025-06-02",
    "2025-12-31T23:59:59.5Z": "2025-12-31",
}
PATIENTS, STATES = ["pt_1", "pt_2"], ["planned", "finished"]
RECORDS = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "patientId": st.sampled_from(PATIENTS),
            "status": st.sampled_from(STATES),
            "period": st.fixed_dictionaries({}, optional={"start": st.sampled_from(list(DAYS))}),
        },
    ),
    max_size=30,
).map(lambda records: [{"id": f"enc_{number:03}", **record} for number, record in enumerate(records)])
SOME_DAYS = st.sampled_from(["2023-12-31", *DAYS.values(), "2026-01-01"])
FILTERS = st.fixed_dictionaries(
    {},
    optional={
        "patientId": st.sampled_from(PATIENTS),
        "status": st.sampled_from(STATES),
        "dateFrom": SOME_DAYS,
        "dateTo": SOME_DAYS,
    },
)


def is_searched_for(record: dict[str, Any], filters: dict[str, str]) -> bool:
    """The contract in plain words: every filter given holds."""
    day = DAYS.get(record.get("period", {}).get("start"))
    return (
        filters.get("patientId") in (None, record.get("patientId"))
        and filters.get("status") in (None, record.get("status"))
        and ("dateFrom" not in filters or (day is not None and day >= filters["dateFrom"]))
        and ("dateTo" not in filters or (day is not None and day <= filters["dateTo"]))
    )


@given(RECORDS, FILTERS)
def test_all_filters_together_find_what_each_lets_through(
    records: list[dict[str, Any]], filters: dict[str, str]
) -> None:
    expected = [record["id"] for record in records if is_searched_for(record, filters)]
    assert found(records, **filters) == expected


# -- sorting ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("field", ["date", "period.start"])
def test_both_spellings_of_the_date_sort_by_the_moment_at_which_the_period_starts(field: str) -> None:
    records = starting("2025-06-01T10:00:00Z", None, "2025-06-01T11:30:00+02:00", "2025-06", "2025-06-02")
    ascending = ["enc_b", "enc_d", "enc_c", "enc_a", "enc_e"]
    assert found(records, sort=field) == ascending
    assert found(records, sort=f"-{field}") == ascending[::-1]


@given(RECORDS, st.sampled_from(["date", "period.start", "status", "id"]))
def test_ties_keep_the_order_in_which_they_came_in_either_direction(records: list[dict[str, Any]], field: str) -> None:
    def key(record_id: str) -> str:
        record = records[int(record_id.removeprefix("enc_"))]
        if field == "id":
            return record_id
        if field == "status":
            return str(record.get("status", ""))
        text = record.get("period", {}).get("start", "")
        return {"2025-06-01T12:00:00Z": "2025-06-01 noon"}.get(text, DAYS.get(text, ""))

    for sign in ("", "-"):
        rows = found(records, sort=sign + field)
        assert sorted(rows) == [record["id"] for record in records]
        for one, next_one in pairwise(rows):
            if key(one) == key(next_one):
                assert one < next_one
            else:
                assert (key(one) < key(next_one)) == (sign == "")


def test_other_fields_to_sort_by() -> None:
    records: list[dict[str, Any]] = [
        {"id": "enc_a", "class": "VR", "lengthMinutes": 30, "period": {"end": "2025-06-01T09:00:00+02:00"}},
        {"id": "enc_b", "class": "AMB", "lengthMinutes": 2880, "period": {"end": "2025-06-01T08:00:00Z"}},
        {"id": "enc_c", "class": None, "lengthMinutes": "long", "period": "2025"},
        {"id": "enc_d", "class": "IMP", "lengthMinutes": 0, "period": {"end": "2024"}},
    ]
    assert found(records, sort="class") == ["enc_c", "enc_b", "enc_d", "enc_a"]
    assert found(records, sort="lengthMinutes") == ["enc_c", "enc_d", "enc_a", "enc_b"]
    assert found(records, sort="period.end") == ["enc_c", "enc_d", "enc_a", "enc_b"]
    assert found(records, sort="-id") == ["enc_d", "enc_c", "enc_b", "enc_a"]
    assert found(records, sort="") == ["enc_a", "enc_b", "enc_c", "enc_d"]


@pytest.mark.parametrize("sort", ["birthDate", "-", "--date", "Date", "date,status"])
def test_a_field_that_the_sandbox_does_not_sort_by_is_refused(sort: str) -> None:
    with pytest.raises(Refused, match="sorts by date, period") as caught:
        found(numbered(1), sort=sort)
    assert caught.value.status == 400


# -- pages ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "rows"),
    [
        ("1", 1),
        ("99", 99),
        ("100", 100),
        ("101", 100),
        ("1000000000", 100),
        ("1e9", 100),
        ("9" * 400, 100),
        ("+25", 25),
        ("025", 25),
        ("25.0", 25),
        ("2.9", 2),
        ("0", 20),
        ("0.5", 20),
        ("-1", 20),
        ("-1e9", 20),
        ("abc", 20),
        ("25x", 20),
        ("nan", 20),
        ("inf", 20),
        ("1_0", 20),
        ("\N{ARABIC-INDIC DIGIT THREE}", 20),
        (" 5", 20),
        ("0x10", 20),
        ("", 20),
    ],
)
def test_count_is_clamped_and_never_refused(count: str, rows: int) -> None:
    page = search(Searches(Store(numbered(150))), count=count)
    assert (len(page.rows), page.total, page.cursor) == (rows, 150, str(rows))


def test_without_a_count_a_page_has_20() -> None:
    assert len(search(Searches(Store(numbered(150)))).rows) == 20


@given(st.text())
def test_whatever_count_says_a_page_has_1_to_100_rows(count: str) -> None:
    assert 1 <= len(search(Searches(Store(numbered(101))), count=count).rows) <= 100


def walk(searches: Searches, **query: Any) -> list[list[str]]:
    """The ids of each page, from the first to the last."""
    pages, cursor = [], None
    while True:
        page = search(searches, **query, cursor=cursor)
        pages.append(ids(page))
        cursor = page.cursor
        if cursor is None:
            return pages


@given(RECORDS, FILTERS, st.integers(1, 12), st.sampled_from([None, "date", "-date", "status"]))
def test_a_walk_gives_each_row_once_while_nothing_changes(
    records: list[dict[str, Any]], filters: dict[str, str], count: int, sort: str | None
) -> None:
    pages = walk(Searches(Store(records)), count=count, sort=sort, **filters)
    assert [row for page in pages for row in page] == found(records, sort=sort, **filters)
    assert all(len(page) == count for page in pages[:-1])


def test_the_last_page_has_no_cursor_even_if_it_is_full() -> None:
    searches = Searches(Store(numbered(4)))
    assert search(searches, count=2).cursor == "2"
    assert search(searches, count=2, cursor="2").cursor is None


def test_nothing_found_is_an_empty_page() -> None:
    page = search(Searches(Store([])))
    assert (page.rows, page.total, page.cursor) == ([], 0, None)


@pytest.mark.parametrize("cursor", ["", "abc", "-2", "1.5", "2x", " 2", "٣", "9" * 20, "req_1", "MjA="])
def test_a_cursor_that_is_not_valid_begins_anew(cursor: str) -> None:
    assert ids(search(Searches(Store(numbered(5))), count=2, cursor=cursor)) == ["enc_000", "enc_001"]


def test_a_cursor_beyond_the_end_gives_an_empty_page_and_no_way_on() -> None:
    page = search(Searches(Store(numbered(5))), count=2, cursor="40")
    assert (page.rows, page.total, page.cursor) == ([], 5, None)


# -- rows that shift --------------------------------------------------------------------------------------------------


def two_pages(sort: str | None, change: Any) -> tuple[list[str], list[str], int]:
    """The first page of two rows, and the second one after a change that searches have seen."""
    store = Store(starting("2025-06-01", "2025-06-02", "2025-06-03", "2025-06-04"))
    searches = Searches(store)
    first = search(searches, count=2, sort=sort)
    change(store)
    second = search(searches, count=2, sort=sort, cursor=first.cursor)
    return ids(first), ids(second), second.total


def test_a_row_is_passed_over_when_one_before_it_was_deleted() -> None:
    first, second, total = two_pages(None, lambda store: store.delete("enc_a", NOW))
    assert (first, second, total) == (["enc_a", "enc_b"], ["enc_d"], 3)


def test_a_row_is_repeated_when_one_was_created_before_it() -> None:
    new = {"id": "enc_new", "period": {"start": "2025-07-01"}}
    first, second, total = two_pages("-date", lambda store: store.put(new, NOW))
    assert (first, second, total) == (["enc_d", "enc_c"], ["enc_c", "enc_b"], 5)


def test_a_change_moves_a_row_between_pages() -> None:
    moved = {"id": "enc_a", "period": {"start": "2025-07-01"}}
    first, second, _ = two_pages("date", lambda store: store.put(moved, NOW))
    assert (first, second) == (["enc_a", "enc_b"], ["enc_d", "enc_a"])


def test_what_searches_have_not_seen_yet_shifts_nothing() -> None:
    first, second, total = two_pages(None, lambda store: store.delete("enc_a", NOW + timedelta(seconds=10)))
    assert (first, second, total) == (["enc_a", "enc_b"], ["enc_c", "enc_d"], 4)


# -- what is kept -----------------------------------------------------------------------------------------------------


def test_a_search_is_answered_from_what_was_found_before_until_the_index_changes() -> None:
    store = Store(numbered(3, status="planned"))
    searches = Searches(store)
    assert len(search(searches, status="planned").rows) == 3
    store.put({"id": "enc_000", "status": "finished"}, NOW + timedelta(seconds=10))
    assert len(search(searches, at=NOW + timedelta(seconds=9), status="planned").rows) == 3
    assert ids(search(searches, at=NOW + timedelta(seconds=10), status="planned")) == ["enc_001", "enc_002"]


def test_the_pages_of_a_walk_are_taken_from_what_the_first_one_found(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def look(given: Any) -> Any:
        asked.append(given)
        return lambda stored: True

    monkeypatch.setattr(room, "_filter", look)
    store = Store(numbered(9))
    searches = Searches(store)
    walk(searches, count=2)
    assert len(asked) == 1
    store.put({"id": "enc_new"}, NOW)
    walk(searches, count=2)
    assert len(asked) == 2


def test_two_searches_do_not_take_each_others_rows() -> None:
    searches = Searches(Store([{"id": "enc_a", "patientId": "finished"}, {"id": "enc_b", "status": "finished"}]))
    for _ in range(2):
        assert ids(search(searches, patientId="finished")) == ["enc_a"]
        assert ids(search(searches, status="finished")) == ["enc_b"]


def test_many_different_searches_are_answered_rightly() -> None:
    searches = Searches(Store([{"id": f"enc_{number}", "patientId": f"pt_{number}"} for number in range(250)]))
    for number in [*range(250), *range(250)]:
        assert ids(search(searches, patientId=f"pt_{number}")) == [f"enc_{number}"]
