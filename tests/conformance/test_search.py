"""Searching: filters, sorting, and the way through all pages."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.service import ServiceUnderTest, Steering, simple


def encounter(number: int, **fields: Any) -> dict[str, Any]:
    return {"id": f"enc_{number:03}", "status": "planned", "class": "VR", "patientId": "pt_1", **fields}


DAYS = ["2025-05-31", "2025-06-01", "2025-06-02", "2025-06-30", "2025-07-01"]
DATED = [
    encounter(number, period={"start": f"{day}T12:00:00Z"}, patientId=f"pt_{number % 2}", status=status)
    for number, (day, status) in enumerate(
        zip([DAYS[2], DAYS[0], DAYS[4], DAYS[1], DAYS[3]], ["planned", "arrived"] * 2 + ["planned"], strict=True)
    )
]


@pytest.fixture
def dated(steering: Steering) -> None:
    steering.seed(DATED)


@pytest.fixture
def many(steering: Steering) -> list[str]:
    """The ids of more encounters than a page can hold."""
    records = [encounter(number) for number in range(130)]
    steering.seed(records)
    return [record["id"] for record in records]


def days(service: ServiceUnderTest, query: str) -> list[str]:
    return [row["period"]["start"][:10] for row in service.found(query)]


# -- filters and sorting ----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("dated")
def test_patient_is_a_filter(service: ServiceUnderTest) -> None:
    """patientId leaves the encounters of one patient. (SDK reference, encounters)"""
    assert {row["id"] for row in service.found("patientId=pt_1")} == {"enc_001", "enc_003"}
    assert service.found("patientId=pt_nobody") == []


@pytest.mark.usefixtures("dated")
def test_status_is_a_filter(service: ServiceUnderTest) -> None:
    """status leaves the encounters in one state. (SDK reference, encounters)"""
    assert {row["status"] for row in service.found("status=arrived")} == {"arrived"}
    assert len(service.found("status=arrived")) == 2


@pytest.mark.usefixtures("dated")
def test_date_from_is_a_filter(service: ServiceUnderTest) -> None:
    """dateFrom leaves the encounters whose period starts on that day or later. (SDK reference, encounters)"""
    assert sorted(days(service, "dateFrom=2025-06-02")) == DAYS[2:]


@pytest.mark.usefixtures("dated")
def test_date_to_is_a_filter(service: ServiceUnderTest) -> None:
    """dateTo leaves the encounters whose period starts on that day or earlier. (SDK reference, encounters)"""
    assert sorted(days(service, "dateTo=2025-06-02")) == DAYS[:3]


@pytest.mark.usefixtures("dated")
def test_filters_are_combined(service: ServiceUnderTest) -> None:
    """An encounter has to pass every filter that is given. (SDK reference, encounters)"""
    query = "dateFrom=2025-06-01&dateTo=2025-06-30&status=planned&patientId=pt_0"
    assert sorted(days(service, query)) == ["2025-06-02", "2025-06-30"]


@pytest.mark.usefixtures("dated")
@pytest.mark.parametrize("field", ["date", "period.start"])
def test_a_search_is_sorted_in_both_spellings(service: ServiceUnderTest, field: str) -> None:
    """sort takes a field, and with a hyphen before it the order is the other way round. (SDK reference, encounters)"""
    assert days(service, f"sort={field}") == DAYS
    assert days(service, f"sort=-{field}") == DAYS[::-1]


# -- pages ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "most"),
    [("", 20), ("0", 20), ("-5", 20), ("abc", 20), ("1", 1), ("100", 100), ("101", 100), ("9999999999", 100)],
)
def test_a_count_is_adjusted_and_never_refused(service: ServiceUnderTest, count: str, most: int) -> None:
    """count above 100 gives 100; missing, zero, negative or no number gives 20. (SDK reference, encounters)"""
    assert len(service.found(f"count={count}" if count else "")) <= most


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize(
    ("query", "size"),
    [
        ("", 20),
        ("count=0", 20),
        ("count=-1", 20),
        ("count=x", 20),
        ("count=7", 7),
        ("count=100", 100),
        ("count=101", 100),
    ],
)
def test_a_page_is_as_long_as_the_count_says(service: ServiceUnderTest, query: str, size: int) -> None:
    """A page has 20 encounters if nothing else is asked, and 100 at most. (SDK reference, encounters)"""
    page = service.search(query)
    assert (len(page["data"]), page["hasMore"]) == (size, True)


@pytest.mark.parametrize("count", ["1", "9", "20", "64", "65", "100"])
def test_has_more_and_cursor_lead_through_everything(service: ServiceUnderTest, many: list[str], count: str) -> None:
    """As long as hasMore is true, the cursor of a page leads to the next one. (SDK reference, encounters)"""
    found: list[str] = []
    page = service.search(f"count={count}")
    while True:
        found += [simple(row)["id"] for row in page["data"]]
        if not page["hasMore"]:
            break
        page = service.search(f"count={count}&cursor={page['cursor']}")
    assert found == many


def test_a_page_may_tell_how_many_there_are(service: ServiceUnderTest, many: list[str]) -> None:
    """total counts what matches on all pages, if it is told. (SDK reference, encounters)"""
    assert service.search("count=3").get("total", len(many)) == len(many)
    assert service.search("patientId=pt_nobody").get("total", 0) == 0


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize("cursor", ["nonsense", "-1", "1.5", "%00", "99x", ""])
def test_a_cursor_that_is_not_valid_leads_to_the_beginning(service: ServiceUnderTest, cursor: str) -> None:
    """A cursor that is not valid gives the first page, and no error. (SDK reference, encounters)"""
    assert service.found(f"count=3&cursor={cursor}") == service.found("count=3")


def test_the_cursor_is_an_offset(service: ServiceUnderTest, steering: Steering, many: list[str]) -> None:
    """Rows move to another page when encounters are deleted between two pages. (API reference, encounters)"""
    first = service.search("count=10")
    service.ask("DELETE", f"/v1/encounters/{many[0]}")
    steering.advance(10)
    second = service.found(f"count=10&cursor={first['cursor']}")
    assert second[0]["id"] == many[11]
